"""`sms-service check`: what an author sees, with files of their own laid over those that ship."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sms_service.__main__ import main
from tests.unit.conversation.player import TEMPLATES

FRENCH = "Servas: votre réunion est {day:day} à {time:time}, lieu habituel. Viendrez-vous? 1 = Oui, 2 = Non"


def check(folder: Path, *words: str) -> Result:
    env = {"APP_ENV": "test", "DATA_DIR": str(folder), "DATABASE_URL": f"sqlite:///{folder}/none.db"}
    return CliRunner().invoke(main, ["check", *words], env=env)


def laid(folder: Path, kind: str, old: str, new: str) -> str:
    """A copy of a shipped file, changed in one place."""
    shipped = (TEMPLATES / kind).read_text(encoding="utf-8")
    assert old in shipped
    copy = folder / kind
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_text(shipped.replace(old, new, 1), encoding="utf-8")
    return str(copy)


def test_what_ships_is_sound_and_unreviewed_languages_are_notices(tmp_path: Path) -> None:
    """Nothing refuses what ships; each conversation and language that awaits its native review is named."""
    result = check(tmp_path)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert all(line.startswith("notice: ") and "native review" in line for line in lines)
    for language in ("en", "fr", "rw", "sw"):
        assert any(line.startswith(f"notice: conversations/checkin.toml, language {language}: ") for line in lines)


def test_one_character_too_many_is_said_with_the_number_that_must_go(tmp_path: Path) -> None:
    """S6: file, text, language, reason and a suggestion, one line; as JSON one object a line."""
    long_text = FRENCH.replace("lieu habituel", "lieu habituel" + "x" * 80)
    file = laid(tmp_path, "messages/fr/texts.toml", FRENCH, long_text)
    result = check(tmp_path, file)
    assert result.exit_code == 1
    faults = [line for line in result.stdout.splitlines() if not line.startswith("notice: ")]
    (only,) = faults
    assert only.startswith("messages/fr/texts.toml, step reminder, language fr: ")
    assert "at most 160 fit (S6) - suggested: shorten it by " in only
    found = [json.loads(line) for line in check(tmp_path, "--json", file).stdout.splitlines()]
    assert [one["step"] for one in found if one["kind"] == "fault"] == ["reminder"]
    assert {one["kind"] for one in found} == {"fault", "notice"}


@pytest.mark.parametrize(
    ("kind", "old", "new", "words"),
    [
        ("conversations/missed.toml", 'next = "thanks"', 'next = "thnks"', "did you mean 'thanks'?"),
        ("messages/fr/texts.toml", "lieu habituel. Viendrez", "même lieu. Viendrez", "ê -> e"),
        ("messages/sw/forms.toml", 'missed_call = "', 'missed_cal = "', "in en it is 'Please call me'"),
        ("transcripts/checkin.txt", "phone> 4", "phone> 3", "expected 'effect save_answer week 4'"),
    ],
)
def test_each_file_is_laid_over_its_shipped_one(tmp_path: Path, kind: str, old: str, new: str, words: str) -> None:
    """A definition goes in by its name, words by their language and file, a transcript by its file; each fault suggests."""
    result = check(tmp_path, laid(tmp_path, kind, old, new))
    assert result.exit_code == 1
    assert words in result.stdout, result.output


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("draft.toml", b"steps = [", "cannot be read as TOML"),
        ("draft.toml", b"\xff", "it is not UTF-8"),
        ("draft.toml", b"#" * 600_000, "larger than"),
        ("draft.docx", b"", "is no kind of file"),
        ("words.toml", b'review = "none"', "nor in the folder of a language"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    """Bad input: named, with what was expected, and no traceback."""
    file = tmp_path / name
    file.write_bytes(content)
    result = check(tmp_path, str(file))
    assert result.exit_code == 1
    assert words in result.stdout
    assert isinstance(result.exception, SystemExit)


def test_without_a_database_the_directory_cannot_be_asked(tmp_path: Path) -> None:
    """A database that was never migrated is a plain sentence, not a traceback."""
    result = check(tmp_path, "--directory")
    assert result.exit_code == 1
    assert "sms-service migrate" in result.stderr
    assert isinstance(result.exception, SystemExit)
