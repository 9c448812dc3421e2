"""A further language is a folder of words: it is checked and published, chosen on a dial, and people are enrolled in it."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from sms_service.catalogue import read_catalogue
from sms_service.conversation.translations import completeness
from sms_service.models import numbers
from sms_service.usecases.broadcast_lint import lint_texts
from sms_service.usecases.faults import UseFault
from sms_service.usecases.move_meeting import move_meeting
from sms_service.usecases.versions import import_release
from tests.service import Service
from tests.unit.conversation.player import TEMPLATES
from tests.usecases.site import Site
from tests.usecases.test_fan_out import START

CALLER = "+250788000077"
BROADCAST = dict.fromkeys(("rw", "fr", "en", "sw"), "Servas: hello.")


def templates(folder: Path, language: str = "lg") -> Path:
    """What ships with one folder of words more, a copy of the English with another way to say 'Exit'."""
    copy = folder / "templates"
    shutil.copytree(TEMPLATES, copy)
    shutil.copytree(copy / "messages" / "en", copy / "messages" / language)
    edit(copy / "messages" / language / "screens.toml", "0) Exit", "0) Genda")
    return copy


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def offered(copy: Path) -> Path:
    """The choice of languages on a dial, which is data too, with one more."""
    for screens in (copy / "messages").glob("*/screens.toml"):
        edit(screens, "4) Kiswahili", "4) Kiswahili\\n5) Luganda")
    four = '{ number = 4, value = "sw", effects = [{ name = "set_language", language = "sw" }] },'
    edit(copy / "conversations" / "home.toml", four, f"{four}\n    {four.replace('4', '5').replace('sw', 'lg')}")
    return copy


def test_a_folder_of_words_is_a_language(tmp_path: Path) -> None:
    """No fault, everything said; what nobody has written yet (labels of meetings, a lexicon) is a notice."""
    found = read_catalogue(offered(templates(tmp_path)), proof=False)
    assert [str(fault) for fault in found.faults] == []
    assert completeness(found.words)["lg"] == completeness(found.words)["rw"]
    said = [str(one) for one in found.notices if one.language == "lg" and "native review" not in one.reason]
    assert [one.partition(":")[2].partition(",")[0] for one in said] == [" lexicon", " programmes/CSG.toml", " programmes/WMP.toml"]


def test_a_folder_that_names_no_language_is_refused(tmp_path: Path) -> None:
    found = read_catalogue(templates(tmp_path, "luganda"), proof=False)
    place, reason = "messages/luganda, language luganda", "no language: two small letters name one, as in rw"
    assert [str(one) for one in found.faults] == [f"{place}: {reason} - suggested: give the folder that name"]


def test_a_language_that_lacks_a_text_is_refused_with_the_text(tmp_path: Path) -> None:
    """Bad input: a missing language or text is named, with the English beside it."""
    copy = templates(tmp_path)
    edit(copy / "messages" / "lg" / "texts.toml", "[thanks]", "[thnaks]")
    said = [str(one) for one in read_catalogue(copy, proof=False).faults]
    assert any("language lg: text 'thanks' is missing" in one and 'in en it is "Servas: thank you."' in one for one in said), said


def test_a_new_language_is_chosen_on_a_dial_and_people_are_enrolled_in_it(service: Service, tmp_path: Path) -> None:
    """The words alone are new: menus, numbers, people and broadcasts follow what is published."""
    context = service.context
    site = Site.build(context)
    site.group()
    with pytest.raises(UseFault, match="write one of rw, fr, en, sw"):
        site.person(language="lg")
    import_release(context, read_catalogue(offered(templates(tmp_path)), proof=False).versions(), {})
    service.hop("d1", CALLER, "")
    assert "0) Genda" in service.hop("d1", CALLER, "5").get_data(as_text=True)
    assert "0) Genda" in service.hop("d2", CALLER, "").get_data(as_text=True)
    assert context.languages == ("rw", "fr", "en", "sw", "lg")
    site.person(language="lg")
    with context.database.begin() as db:
        with pytest.raises(UseFault, match="text_lg"):
            lint_texts(context, db, BROADCAST, context.now(db))
        assert list(lint_texts(context, db, {**BROADCAST, "lg": "Servas: hello."}, context.now(db))) == list(context.languages)


def test_who_chose_a_language_that_runs_no_more_is_answered_all_the_same(service: Service, tmp_path: Path) -> None:
    """S17, S22, I6: the release before runs again, without the language on this number: danger is answered, a dial opens, a move
    of the meeting is told and a stop typed on a dial stops; in the person's own language, else in Kinyarwanda.
    """
    context, site = service.context, Site.build(service.context)
    site.group()
    phone = "+250788000001"
    site.person(language="en", phone_ownership="shared_other")
    with context.database.begin() as db:
        row = numbers.find(db, context.vault, phone)
        assert row is not None
        numbers.change(db, row.id, language="lg")
    service.text(phone, "he will kill me")
    move_meeting(context, site.meetings("G07")[0].id, START + timedelta(days=1), "command")
    service.work()
    said = [text for to, text, _ in service.gateway.sent if to == phone]
    assert said[0] == "Servas: thank you. We will call you about the meeting."
    assert [text for text in said[1:] if "has moved to" in text] == said[1:]
    assert len(said) == 2
    assert "0) Gusohoka" in service.hop("d1", phone, "").get_data(as_text=True)
    assert service.hop("d1", phone, "stop").get_data(as_text=True).startswith("END Servas")
    with context.database.begin() as db:
        row = numbers.find(db, context.vault, phone)
        assert row is not None
        assert row.stopped_at is not None
