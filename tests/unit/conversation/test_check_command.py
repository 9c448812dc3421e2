"""`sms-service check`: what an author sees, with files of their own laid over those that ship."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from sms_service.__main__ import main
from tests.unit.conversation.player import TEMPLATES

FRENCH = "Servas: votre réunion est {day:day} à {time:time}, lieu habituel. Viendrez-vous? 1 = Oui, 2 = Non"

LONG = '"' + FRENCH.replace("lieu habituel", "lieu habituel" + "x" * 80) + '"'


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
    """Nothing refuses what ships; each language in which it awaits its native review is told once, and by place for a machine."""
    result = check(tmp_path)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert all(line.startswith("notice: ") and "native review" in line for line in lines)
    for language in ("en", "fr", "rw", "sw"):
        assert len([line for line in lines if f" conversations, language {language}: await native review" in line]) == 1
    places = [json.loads(line) for line in check(tmp_path, "--json").stdout.splitlines()]
    assert ("conversations/checkin.toml", "fr") in {(one["file"], one["language"]) for one in places}


def test_one_character_too_many_is_said_with_the_number_that_must_go(tmp_path: Path) -> None:
    """S6: file, text, language, reason and a suggestion, one line; as JSON one object a line."""
    file = laid(tmp_path, "messages/fr/texts.toml", FRENCH, LONG.strip('"'))
    result = check(tmp_path, file)
    assert result.exit_code == 1
    faults = [line for line in result.stdout.splitlines() if not line.startswith("notice: ")]
    (only,) = faults
    assert only.startswith("messages/fr/texts.toml, step reminder, language fr: ")
    assert "at most 160 fit (S6) - suggested: shorten it by " in only
    found = [json.loads(line) for line in check(tmp_path, "--json", file).stdout.splitlines()]
    assert [one["step"] for one in found if one["kind"] == "fault"] == ["reminder"]
    assert {one["kind"] for one in found} == {"fault", "notice"}


def test_files_are_laid_over_those_that_ship(tmp_path: Path) -> None:
    """A definition goes in by its name, words by their language and file; each fault suggests what would mend it."""
    files = [
        laid(tmp_path, "conversations/missed.toml", 'next = "thanks"', 'next = "thnks"'),
        laid(tmp_path, "messages/fr/texts.toml", "lieu habituel. Viendrez", "même lieu. Viendrez"),
        laid(tmp_path, "messages/sw/forms.toml", 'missed_call = "', 'missed_cal = "'),
    ]
    result = check(tmp_path, *files)
    assert result.exit_code == 1
    for words in ("did you mean 'thanks'?", "ê -> e", "in en it is 'Please call me'"):
        assert words in result.stdout, result.output


def test_a_translators_sheet_is_laid_over_the_words(tmp_path: Path) -> None:
    """A sheet is judged as if it were imported: the row and column of a line that is too long, and how many must go."""
    sheet = tmp_path / "words.csv"
    sheet.write_text(f"kind,key,rw,en,fr,sw\ntext,reminder,,,{LONG},\n", encoding="utf-8")
    result = check(tmp_path, str(sheet))
    assert result.exit_code == 1
    (only,) = [line for line in result.stdout.splitlines() if not line.startswith("notice: ")]
    assert only.startswith("words.csv")
    assert "row 2" in only
    assert "column fr" in only


def test_an_authors_transcript_is_played(tmp_path: Path) -> None:
    """What an author wrote down must come again; the line that differs is named."""
    result = check(tmp_path, laid(tmp_path, "transcripts/checkin.txt", "phone> 4", "phone> 3"))
    assert result.exit_code == 1
    assert "expected 'effect save_answer week 4' - suggested: put the conversation right" in result.stdout, result.output


def test_files_that_cannot_be_read_are_faults(tmp_path: Path) -> None:
    """Bad input: each is named, with what was expected, and no traceback."""
    contents = {
        "syntax.toml": (b"steps = [", "cannot be read as TOML"),
        "latin.toml": (b"\xff", "it is not UTF-8"),
        "huge.toml": (b"#" * 1_100_000, "larger than"),
        "letter.docx": (b"", "is no kind of file"),
        "words.toml": (b'review = "none"', "nor in the folder of a language"),
    }
    for name, (content, _) in contents.items():
        (tmp_path / name).write_bytes(content)
    result = check(tmp_path, *(str(tmp_path / name) for name in contents))
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    for name, (_, words) in contents.items():
        assert any(line.startswith(name) and words in line for line in result.stdout.splitlines()), result.output


def test_without_a_database_the_directory_cannot_be_asked(tmp_path: Path) -> None:
    """A database that was never migrated is a plain sentence, not a traceback."""
    result = check(tmp_path, "--directory")
    assert result.exit_code == 1
    assert "sms-service migrate" in result.stderr
    assert isinstance(result.exception, SystemExit)
