"""One row per class of fault: the check names file, step and language, and nothing of the broken set may run."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from sms_service.catalogue import CatalogueFault, load_catalogue, read_catalogue
from sms_service.conversation.check import load
from sms_service.conversation.parse import unpack
from sms_service.conversation.version import notices_version, read_stored_words, stored_words
from sms_service.conversation.vocabulary import MAX_HOPS, MAX_STEPS, NOTICES
from tests.unit.conversation.broken import ROWS, Change, Tables, ask, faults_after, home, shipped
from tests.unit.conversation.player import TEMPLATES, catalogue


def test_shipped_catalogue_has_no_fault() -> None:
    """S1, S3, S6, S7: every conversation, text and language that is shipped passes the check."""
    assert [str(fault) for fault in catalogue().faults] == []
    assert faults_after(lambda conversations, messages: None) == []


@pytest.mark.parametrize(("_what", "change", "step", "language", "words"), ROWS, ids=[row[0] for row in ROWS])
def test_fault_is_named(_what: str, change: Change, step: str, language: str, words: str) -> None:
    """S1, S2, S3, S5, S6, S7, S12, I22: each class of fault is refused with file, step, language and reason."""
    faults = faults_after(change)
    matching = [fault for fault in faults if words in fault.reason and step == fault.step]
    assert matching, "\n".join(str(fault) for fault in faults)
    assert {fault.language for fault in matching} >= {language}
    assert all(fault.file for fault in faults)


def test_all_faults_at_once() -> None:
    """Three mistakes in three files are three faults of one run."""

    def change(conversations: Tables, messages: Tables) -> None:
        ask(conversations)["nxt"] = "x"
        home(conversations, "stopped")["effects"][0]["name"] = "shout"
        del messages["rw"]["texts.toml"]["who"]

    found = " ".join(str(fault) for fault in faults_after(change))
    assert all(words in found for words in ("unknown key 'nxt'", "unknown effect 'shout'", "text 'who' is missing"))


def _chain(length: int, kind: str) -> Change:
    def step(number: int) -> Tables:
        following = f"s{number + 1}" if number + 1 < length else "thanks"
        if kind == "branch":
            return {"kind": "branch", "flag": "known", "yes": following, "no": following}
        return {"kind": "ask", "sms": "optin", "ussd": "optin_screen", "answer": "yesno", "next": following}

    def change(conversations: Tables, _messages: Tables) -> None:
        table = conversations["optin.toml"]
        table["args"] = {"known": "flag"}
        steps = table["steps"]
        steps.update({f"s{number}": step(number) for number in range(length)})
        steps["ask"]["next"] = steps["ask"]["yes"]["next"] = "s0"
        steps["thanks"]["ussd"] = "thanks"

    return change


@pytest.mark.parametrize(
    ("length", "kind", "words"),
    [
        (5000, "ask", f"at most {MAX_STEPS} are allowed"),
        (500, "branch", f"at most {MAX_STEPS} are allowed"),
        (MAX_HOPS, "branch", "steps pass without a question"),
    ],
)
def test_size_and_depth_are_bounded(length: int, kind: str, words: str) -> None:
    """I22: 5,000 steps, a chain of 500, and a chain too long to pass in one call are refused, quickly."""
    assert words in " ".join(str(fault) for fault in faults_after(_chain(length, kind)))


def test_longest_chain_allowed_is_allowed() -> None:
    """I22: one step fewer than the limit is no fault, so that the limit is the limit."""
    assert faults_after(_chain(MAX_HOPS - 1, "branch")) == []


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("conversations/bad.toml", b"name = ", "cannot be read as TOML"),
        ("conversations/bad.toml", b'name = "a"\nname = "b"', "cannot be read as TOML"),
        ("conversations/bad.toml", b"name = \xff", "not UTF-8"),
        ("conversations/bad.toml", b"x = " + b"[" * 5000, "cannot be read as TOML"),
        ("conversations/bad.toml", b"#" * 1_100_000, "larger than"),
        ("conversations/bad.toml", b"", "'name' is missing"),
        ("messages/xx/texts.toml", b'review = "none"', "no [forms] table"),
        ("lexicon/topics.toml", b"stems = 3", "must be lists of words"),
    ],
)
def test_unreadable_file_is_a_fault(tmp_path: Path, file: str, content: bytes, words: str) -> None:
    """A syntax error is reported like every other fault, and what runs stays in place."""
    for source in TEMPLATES.rglob("*.toml"):
        target = tmp_path / source.relative_to(TEMPLATES)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())
    broken = tmp_path / file
    broken.parent.mkdir(parents=True, exist_ok=True)
    broken.write_bytes(content)
    found = read_catalogue(tmp_path, proof=False)
    assert any(words in fault.reason for fault in found.faults), found.faults[:5]
    with pytest.raises(CatalogueFault, match=r"toml"):
        load_catalogue(tmp_path, proof=False)


def test_empty_folder_is_a_fault(tmp_path: Path) -> None:
    """No templates at all: every missing folder is named and nothing may run."""
    reasons = {(fault.file, fault.reason) for fault in read_catalogue(tmp_path, proof=False).faults}
    assert ("conversations", "no .toml file in this folder") in reasons
    assert any("topic words are missing" in reason for _, reason in reasons)


def test_definition_is_rebuilt_from_what_is_stored() -> None:
    """Decision 5: the canonical text gives back the very definition, so that a pinned version can be replayed."""
    for conversation in catalogue().conversations.values():
        again = unpack(conversation.canonical, read_stored_words(stored_words(conversation.words)))
        assert again.fingerprint == conversation.fingerprint
        assert again.conversation is not None
        assert again.conversation.steps == conversation.steps
    with pytest.raises(ValueError, match="cannot be rebuilt"):
        unpack("{}", catalogue().words)


def test_the_notices_are_versioned_too() -> None:
    """Decision 4: the texts the service sends by itself are one version, which holds every notice and nothing else."""
    made = notices_version(catalogue().words)
    again = unpack(made.definition, read_stored_words(stored_words(made.words)))
    assert (again.fingerprint, again.conversation) == (made.fingerprint, None)
    assert set(made.words.entries["rw"]) == set(NOTICES)


def test_a_changed_shape_or_word_is_a_new_version_of_what_says_it() -> None:
    """Decision 4: a dialogue pins its steps and its words; what another conversation says makes no new version of this one."""
    before = {name: one.fingerprint for name, one in catalogue().conversations.items()}
    conversations, messages = copy.deepcopy(shipped())
    messages["en"]["texts.toml"]["missed"]["text"] += "."
    after = {found.name: found.fingerprint for found in load(conversations, messages).conversations}
    assert {name for name in before if after[name] != before[name]} == {"missed"}
    messages["en"]["forms.toml"]["labels"]["missed_call"] = "call me, please"
    labelled = {found.name: found.fingerprint for found in load(conversations, messages).conversations}
    assert {name for name in before if labelled[name] != after[name]} == {"missed"}
    ask(conversations)["options"][0]["value"] = "later"
    shaped = {found.name: found.fingerprint for found in load(conversations, messages).conversations}
    assert {name for name in before if shaped[name] != labelled[name]} == {"missed"}
