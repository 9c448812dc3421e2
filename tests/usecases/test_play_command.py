"""Conversations played on the terminal, and the diff with what a draft would have changed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from sqlalchemy import func, select

from sms_service.conversation.play import run_transcript
from sms_service.models.dialogues import dialogue
from sms_service.paths import templates_dir
from tests.service import Service
from tests.usecases.dialling import CALLER, Phone, command
from tests.usecases.test_draft_replay import asks_more, draft

SESSION = """\
banana
:channel ussd
:drop
4
:resume
:sing
:help
:save {file}
4
:save {file}
:save
:quit
never read
"""


def test_a_conversation_is_played_dropped_resumed_and_kept(service: Service, tmp_path: Path) -> None:
    """S12: by SMS, then a dial that drops half-way; the length, the reading and the step beside each text; nobody is written to."""
    file = tmp_path / "mine.txt"
    done = command(service, tmp_path, "conversation", "play", "checkin", typed=SESSION.format(file=file))
    assert done.exit_code == 0
    assert "| Servas: how was your week?" in done.output
    assert "  sms, 108 characters, 1 part" in done.output
    assert "  read as unclear  (rule " in done.output
    assert "  read as answer 4 (rule scale, 1.00)" in done.output
    assert "  effect save_answer week 4\n  ussd, 22 characters, 1 part\n| END Servas: thank you.\n  ends\n" in done.output
    assert "! the dial is closed: 'resume' dials again" in done.output
    assert "! :sing is not known" in done.output
    assert "! ':save' needs the name of a file" in done.output
    context = service.context
    service.now()  # what is published is known from the first transaction on
    kept = file.read_text(encoding="utf-8")
    assert kept.count("# conversation checkin, language en, channel sms") == 2
    assert run_transcript("mine.txt", kept, context.conversations, context.words, context.lexicon) == []
    with context.database.begin() as db:
        assert db.execute(select(func.count()).select_from(dialogue)).scalar_one() == 0


def test_it_begins_as_it_is_told(service: Service, tmp_path: Path) -> None:
    typed = ":facts next_meeting=none\n1\n:timeout\n"
    words = ("conversation", "play", "home", "--language", "sw", "--flags", "personal=no, language_known=no")
    done = command(service, tmp_path, *words, typed=typed)
    assert done.exit_code == 0
    assert "| CON Servas\n| 1) Ikinyarwanda" in done.output
    assert "  effect set_language language=rw\n" in done.output


def test_a_draft_file_is_played_without_a_database(service: Service, tmp_path: Path) -> None:
    """The author of a definition hears it before anybody else; a faulty file is told and not played."""
    shipped = (templates_dir() / "conversations" / "checkin.toml").read_text(encoding="utf-8")
    file = tmp_path / "checkin.toml"
    file.write_text(shipped.replace("high = 5", "high = 4"), encoding="utf-8")
    done = command(service, tmp_path, "conversation", "play", "checkin", "--draft", str(file), typed="5\n4\n")
    assert "read as unclear" in done.output
    assert "effect save_answer week 4" in done.output
    file.write_text(shipped.replace('kind = "ask"', 'kind = "aks"'), encoding="utf-8")
    bad = command(service, tmp_path, "conversation", "play", "checkin", "--draft", str(file))
    assert bad.exit_code == 1
    assert "unknown kind of step 'aks'" in bad.output
    file.write_text(re.sub(r'next = "\w+"', 'next = "lunch"', shipped, count=1), encoding="utf-8")
    lost = command(service, tmp_path, "conversation", "play", "checkin", "--draft", str(file), typed="4\n9\n")
    assert "lunch" in lost.output
    assert "Traceback" not in lost.output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("lunch",), "nothing named lunch is published here"),
        (("notices",), "notices are single texts"),
        (("checkin", "--version", "9"), "there is no version 9 of checkin"),
        (("checkin", "--language", "de"), "has no language 'de'"),
        (("home", "--channel", "sms"), "does not run by sms"),
        (("home", "--flags", "colour=red"), "begins without 'colour'"),
    ],
)
def test_what_cannot_be_played_is_said(service: Service, tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    done = command(service, tmp_path, "conversation", "play", *words)
    assert (done.exit_code, says in done.output) == (1, True), done.output


def test_the_diff_says_what_a_draft_would_have_changed(service: Service, phone: Phone, tmp_path: Path) -> None:
    """Before publishing an edit: what differs, then the latest dialogues on it, counted and listed by code."""
    service.text(CALLER, "1")
    service.work()
    draft(service, "reminder", asks_more, {"more": "And?"})
    plain = command(service, tmp_path, "conversation", "diff", "reminder")
    assert "dialogues" not in plain.stdout
    done = command(service, tmp_path, "conversation", "diff", "reminder", "--replay")
    assert done.exit_code == 0
    assert done.stdout.startswith(plain.stdout)
    last = done.stdout.removeprefix(plain.stdout).splitlines()
    assert last[0].endswith(" at ask: path ask (ended) -> more")
    assert last[1] == "1 dialogues of 90 days: same 0, different 1, not comparable 0; another text in 0"
    as_json = command(service, tmp_path, "conversation", "diff", "reminder", "--replay", "--days", "1", "--json")
    assert json.loads(as_json.stdout.splitlines()[-1])["different"] == 1
