"""Files brought in by command: all or nothing, drafts over what stands, and from there to what runs."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import func, select

from sms_service.models.versions import conversation_version, text_review
from sms_service.usecases import bring_in as bring_in_module
from sms_service.usecases import versions
from sms_service.usecases.bring_in import BroughtIn, Given, bring_in
from sms_service.usecases.bring_out import standing_versions, take_out
from sms_service.usecases.context import Context
from sms_service.usecases.faults import UseFault
from sms_service.usecases.read_versions import list_versions, one_version, reviews
from sms_service.usecases.translations import write_csv
from sms_service.usecases.translations_po import write_po
from tests.service import Service
from tests.unit.conversation.player import TEMPLATES
from tests.usecases.dialling import command

LANGUAGES = ("rw", "en", "fr", "sw")
WEEK = "Servas: comment va la semaine? 1 = très mal, 2 = mal, 3 = moyen, 4 = bien, 5 = très bien. Pour un appel: 9"


def sheet(context: Context, name: str, **texts: str) -> list[list[str]]:
    """The exported sheet of a conversation (all of them without a name), with the French of some keys changed."""
    with context.database.begin() as db:
        out = take_out(context, db, name)
    rows = list(csv.reader(io.StringIO(write_csv(out.words, out.keys, out.places, out.reviews).decode("utf-8-sig"), newline="")))
    for key, text in texts.items():
        next(row for row in rows if row[1] == key)[rows[0].index("fr")] = text
    return rows


def given(rows: list[list[str]], name: str = "words.csv") -> Given:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return Given(name, out.getvalue().encode())


def stored(context: Context) -> tuple[int | None, ...]:
    with context.database.begin() as db:
        return tuple(db.execute(select(func.count()).select_from(table)).scalar() for table in (conversation_version, text_review))


def brought(context: Context, *files: Given, reviewed: bool = False) -> BroughtIn:
    return bring_in(context, files, "command", "command", reviewed=reviewed)


def test_what_was_exported_and_not_changed_makes_no_draft(context: Context) -> None:
    """Decision 4: the same words are the same version, whichever file they travelled in."""
    before = stored(context)
    with context.database.begin() as db:
        out = take_out(context, db)
    files = [given(sheet(context, ""), "all.csv"), *(Given(f"{one}.po", write_po(out.words, one, out.keys)) for one in LANGUAGES)]
    for file in files:
        report = brought(context, file)
        assert (report.faults, report.made, report.changes) == ((), (), {})
    assert stored(context) == before


def test_a_corrected_word_is_a_draft_of_every_conversation_that_says_it(context: Context) -> None:
    report = brought(context, given(sheet(context, "checkin", checkin=WEEK)))
    assert [(one.name, one.number, one.new) for one in report.made] == [("checkin", 2, True)]
    assert report.changes == {"checkin": 1}
    thanks = brought(context, given(sheet(context, "checkin", thanks="Servas: merci beaucoup.")))
    assert {"checkin", "feedback", "notices"} <= {one.name for one in thanks.made}
    with context.database.begin() as db:
        listed = {one.number: one.state for one in list_versions(context, db, "checkin")}
        newest = one_version(context, db, "checkin", 3)[1]
    assert listed == {1: "published", 2: "draft", 3: "draft"}
    assert newest.words.text("fr", "thanks") == "Servas: merci beaucoup."
    assert newest.words.text("fr", "checkin").startswith("Servas: comment va la semaine?")


def test_of_two_imports_at_once_the_second_looks_again(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """No lost update: a draft made of what stood before another's import would leave out, and so undo, what that one brought."""
    rows = sheet(context, "checkin", checkin=WEEK)
    mine = given([rows[0], *(row for row in rows if row[1] == "checkin")])
    theirs = given(sheet(context, "checkin", thanks="Servas: merci beaucoup."))
    check = bring_in_module.check_all

    def meanwhile(*what: Any, **how: Any) -> Any:
        monkeypatch.setattr(bring_in_module, "check_all", check)
        assert brought(context, theirs).applied
        return check(*what, **how)

    monkeypatch.setattr(bring_in_module, "check_all", meanwhile)
    with pytest.raises(UseFault, match="look at your files again"):
        brought(context, mine)
    assert brought(context, mine).applied
    with context.database.begin() as db:
        newest = one_version(context, db, "checkin", 3)[1]
    assert newest.words.text("fr", "thanks") == "Servas: merci beaucoup."


def test_what_the_check_of_the_steps_finds_in_a_text_is_placed_in_the_sheet(context: Context) -> None:
    rows = sheet(context, "checkin", checkin=WEEK.replace(" Pour un appel: 9", ""))
    place = next(number for number, row in enumerate(rows, start=1) if row[1] == "checkin")
    said = [str(fault) for fault in brought(context, given(rows)).faults]
    assert any(one.startswith(f"words.csv, row {place}, column fr, step ask") and "does not offer 9" in one for one in said), said


def test_one_fault_anywhere_and_nothing_is_kept(context: Context) -> None:
    """Bad input: a sound file beside a faulty one changes nothing; the faults name file, row and column."""
    before = stored(context)
    sound = given(sheet(context, "checkin", thanks="Servas: merci beaucoup."), "sound.csv")
    rows = sheet(context, "missed", missed="Servas: {jour:day}")
    report = brought(context, sound, given(rows, "faulty.csv"))
    place = next(number for number, row in enumerate(rows, start=1) if row[1] == "missed")
    assert not report.applied
    assert any(str(fault).startswith(f"faulty.csv, row {place}, column fr, step missed") for fault in report.faults)
    assert report.changes == {}
    assert stored(context) == before


def asking(more: bytes) -> Given:
    """A definition with one question, which has ``more``."""
    return Given("a.toml", b'name = "a"\nclass = "A"\nstart = "c"\n[steps.c]\nkind = "ask"\nanswer = "options"\n' + more)


BAD = {
    "no TOML": (Given("a.toml", b"name ="), "a.toml: cannot be read as TOML"),
    "not UTF-8": (Given("a.toml", b"\xff\xfe"), "a.toml: it is not UTF-8"),
    "nested": (Given("a.toml", b"a=" + b"[" * 100_000), "a.toml: "),
    "nested by its keys": (Given("a.toml", b".".join([b"a"] * 150) + b" = 1"), "a.toml: cannot be read as TOML: nested too deeply"),
    "a key without end": (Given("a.toml", b".".join([b"a"] * 9_000) + b" = 1"), "a.toml: cannot be read as TOML: line 1 has more"),
    "a line without end": (Given("a.toml", b"#\n#" + b"x" * 30_000), "a.toml: cannot be read as TOML: line 2 is longer"),
    "a number without end": (Given("a.toml", b"a = " + b"9" * 5_000), "a.toml: cannot be read as TOML: a number is too long"),
    "huge": (Given("a.toml", b"#" * 600_000), "a.toml: larger than"),
    "another kind": (Given("a.docx", b"x"), "a.docx: no kind of file"),
    "words of no language": (Given("texts.toml", b'review = "x"\n', "messages"), "texts.toml: neither a definition"),
    "words without a class": (Given("t.toml", b'review = "x"\n[thanks]\ntext = "Servas: x."\n', "fr"), "class must be A or B"),
    "words that are none": (Given("t.toml", b'review = "x"\nthanks = 3\n', "fr"), "a text is a table"),
    "dead end": (Given("a.toml", b'name = "a"\nclass = "A"\nchannels = ["sms"]\nstart = "b"\n[steps.c]\nkind = "say"\n'), "a.toml"),
    "a name with a path in it": (Given("a.toml", b'name = "../a"\n[steps.c]\nkind = "say"\n'), "'../a' is no name"),
    "an answer kept under no name": (asking(b'record = "How are you?"\n'), "is no name of a question"),
    "an answer no column holds": (
        asking(b'[[steps.c.options]]\nnumber = 1\nvalue = "' + b"v" * 21 + b'"\n'),
        "more than 20 characters",
    ),
    "a name too long": (Given("a.toml", b'name = "' + b"a" * 41 + b'"\n[steps.c]\nkind = "say"\n'), "is no name"),
    "the own texts' name": (Given("a.toml", b'name = "notices"\n[steps.c]\nkind = "say"\n'), "the service's own texts"),
    "no name": (Given("a.toml", b'[steps.c]\nkind = "say"\n'), "a.toml"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_file_that_cannot_be_used_is_refused_and_changes_nothing(context: Context, what: str) -> None:
    """I22, bad input: every fault at once, in a sentence, and what runs stays what it was."""
    file, words = BAD[what]
    before = stored(context)
    report = brought(context, file, given(sheet(context, "checkin", thanks="Servas: merci beaucoup.")))
    assert any(words in str(fault) for fault in report.faults)
    assert stored(context) == before


def fourth_question() -> Given:
    """The weekly check-in with one question more."""
    text = (TEMPLATES / "conversations" / "checkin.toml").read_text("utf-8")
    asked = 'sms = "checkin_more"\nussd = "checkin_more"\nanswer = "yesno"\nrecord = "more"\nnext = "thanks"\n'
    more = f'\n[steps.more]\nkind = "ask"\n{asked}'
    return Given("checkin.toml", (text.replace('usual = "thanks"', 'usual = "more"', 1) + more).encode())


def more_words(rows: list[list[str]], **said: str) -> list[list[str]]:
    heads = rows[0]
    row = {"kind": "text", "key": "checkin_more", "channel": "both", "class": "B", **said}
    return [*rows, [row.get(head, "") for head in heads]]


SAID = {
    "rw": "Servas: mwifuza ikindi? 1 = Yego, 2 = Oya",
    "en": "Servas: anything else? 1 = Yes, 2 = No",
    "fr": "Servas: autre chose? 1 = Oui, 2 = Non",
    "sw": "Servas: kitu kingine? 1 = Ndiyo, 2 = Hapana",
}


def test_a_question_is_added_in_two_files(context: Context) -> None:
    """The definition and one sheet; a line too long and a language left out are told by row and column, then mended."""
    rows = sheet(context, "checkin")
    long = more_words(rows, **{**SAID, "sw": SAID["sw"] + "!" * (157 - len(SAID["sw"])), "fr": ""})
    said = [str(fault) for fault in brought(context, fourth_question(), given(long)).faults]
    assert any(f"row {len(long)}, column sw" in one and "shorten it by 1 character" in one for one in said), said
    missing = more_words(rows, **{**SAID, "fr": ""})
    said = [str(fault) for fault in brought(context, fourth_question(), given(missing)).faults]
    assert any(f"row {len(missing)}, column fr" in one and "is missing" in one for one in said), said
    report = brought(context, fourth_question(), given(more_words(rows, **SAID)))
    assert [fault for fault in report.faults if fault.kind == "fault"] == []
    assert [(one.name, one.number) for one in report.made] == [("checkin", 2)]
    versions.approve(context, "checkin", 2, "S00001")
    versions.publish(context, "checkin", 2, "S00002")
    with context.database.begin() as db:
        context.now(db)
    assert "more" in context.conversations["checkin"].steps


def test_a_text_that_no_step_says_is_refused(context: Context) -> None:
    report = brought(context, given(more_words(sheet(context, "checkin"), **SAID)))
    assert [fault.reason for fault in report.faults if fault.kind == "fault"] == ["used by no conversation and by no notice"]


def test_a_reviewer_named_in_a_file_signs_only_when_told_and_only_what_the_file_holds(context: Context) -> None:
    """Native review: a name that stood in a sheet before its words were changed is no sign-off."""
    rows = sheet(context, "checkin", checkin=WEEK)
    rows[1][rows[0].index("fr")] = "Bea Keza"
    report = brought(context, given(rows))
    assert report.signed == ()
    assert any(fault.kind == "notice" and "not recorded" in fault.reason for fault in report.faults)
    assert brought(context, given(rows), reviewed=True).signed == (("checkin", "fr"),)
    with context.database.begin() as db:
        signed = reviews(context, db, one_version(context, db, "checkin", 2)[1])
        out = take_out(context, db, "checkin")
    assert [(one.language, one.reviewer, one.recorded_by) for one in signed] == [("fr", "Bea Keza", "command")]
    assert out.reviews == {"fr": "Bea Keza"}
    part = [*rows[:2], *(row for row in rows[2:] if row[1] == "thanks")]
    part[2][rows[0].index("fr")] = "Servas: merci beaucoup."
    later = brought(context, given(part), reviewed=True)
    assert later.signed == ()
    assert any("not every text of 'checkin'" in fault.reason for fault in later.faults)


def test_a_new_language_must_be_complete_before_it_is_kept(context: Context) -> None:
    """No conversation is offered in a language in which a call for help would find no words."""
    rows = [[*row, row[7] if row[0] != "review" else ""] for row in sheet(context, "")]
    rows[0][-1] = "lg"
    place = next(number for number, row in enumerate(rows, start=1) if row[1] == "urgent")
    text, rows[place - 1][-1] = rows[place - 1][-1], ""
    report = brought(context, given(rows))
    assert any(f"row {place}, column lg" in fault.file and "is missing" in fault.reason for fault in report.faults)
    assert not report.applied
    rows[place - 1][-1] = text
    report = brought(context, given(rows))
    assert [fault for fault in report.faults if fault.kind == "fault"] == []
    assert report.applied
    assert report.complete["lg"] == report.complete["rw"]
    with context.database.begin() as db:
        standing = standing_versions(context, db)
    assert all("lg" in one.words.languages for one in standing.values())


def test_the_commands_write_files_and_bring_them_in(service: Service, tmp_path: Path) -> None:
    """From the terminal: export in each form, import as drafts, a trial first, faults on their own lines."""

    def run(*words: str) -> Result:
        return command(service, tmp_path, "conversation", *words)

    for form in ("xlsx", "csv", "toml"):
        assert run("export", "checkin", "--format", form, "--output", str(tmp_path / f"checkin.{form}")).exit_code == 0
    assert run("export", "checkin", "--format", "po", "--output", str(tmp_path / "po")).exit_code == 0
    assert sorted(file.name for file in (tmp_path / "po").iterdir()) == [f"checkin.{one}.po" for one in sorted(LANGUAGES)]
    assert 'review = "awaiting native review"' in run("export", "checkin", "--format", "toml", "--language", "fr").stdout
    same = run("import", *(str(tmp_path / f"checkin.{form}") for form in ("xlsx", "csv", "toml")))
    assert (same.exit_code, same.stdout) == (0, "nothing differs from what stands\n")
    french = tmp_path / "po" / "checkin.fr.po"
    french.write_text(french.read_text("utf-8").replace('msgstr "Servas: merci."', 'msgstr "Servas: merci bien."'), "utf-8")
    trial = json.loads(run("import", str(french), "--dry-run", "--json").stdout)
    assert (trial["applied"], trial["drafts"]) == (False, [])
    assert trial["differences"]["checkin"] == 1
    assert "checkin 2 is a new draft: 1 differences" in run("import", str(french)).stdout
    french.write_text(french.read_text("utf-8").replace('msgstr "Servas: merci bien."', 'msgstr "Merci."'), "utf-8")
    refused = run("import", str(french))
    assert refused.exit_code == 1
    assert "column fr, step thanks, language fr: an SMS begins with 'Servas: '" in refused.stdout
    assert "nothing was changed" in refused.stderr
    for words in (
        ("export", "gone"),
        ("export", "--format", "toml"),
        ("export", "checkin", "--language", "xx"),
        ("export", "checkin", "--format", "po"),
    ):
        assert run(*words).exit_code == 1
