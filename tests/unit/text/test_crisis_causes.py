"""Whose doing a RED text speaks of: only harm to oneself may be answered with the urgent text (V11)."""

from __future__ import annotations

from typing import Any

import pytest

from sms_service.text.crisis import crisis_notes
from sms_service.text.lexicon import Lexicon
from sms_service.text.reading import read_reply
from sms_service.text.reply_types import Expectation

ALONE = ("self_harm",)
OTHER = ("other_person",)
BOTH = ("other_person", "self_harm")


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        ("ndashaka gupfa", ALONE),
        ("Ndashakagupfa", ALONE),
        ("ndashaka kwiyahura", ALONE),
        ("i want to die, i can't sleep", ALONE),
        ("j'ai pris tous les médicaments", ALONE),
        ("nataka kujiua", ALONE),
        ("nanyoye imiti myinshi", ALONE),
        ("ndashaka gupfa, inzara iranyica", ALONE),
        ("he has a knife", OTHER),
        ("ntabara", OTHER),
        ("arashaka kunyica", OTHER),
        ("il veut me tuer", OTHER),
        ("my husband beats me and i want to die", BOTH),
        ("yankubise ndashaka gupfa", BOTH),
        ("mfite icyuma ndashaka gupfa", BOTH),
        ("i will kill her then kill myself", BOTH),
        ("yankubise", ()),
        ("muraho", ()),
        ("", ()),
    ],
)
def test_whose_doing(lexicon: Lexicon, text: str, notes: tuple[str, ...]) -> None:
    """V11: whatever may speak of another person counts as one; a text that is not RED says nothing."""
    assert crisis_notes(lexicon, text) == notes


def test_only_groups_about_the_writer_are_marked_so(tables: dict[str, dict[str, Any]]) -> None:
    """V11: what another person does or suffers is never marked as being about the writer alone."""
    alone = {group["topic"] for group in tables["crisis"]["group"] if group.get("alone")}
    assert alone == {"wish_to_die", "self_harm", "self_harm_named", "overdose", "distress", "hunger", "wish_lowered", "farewell"}


def test_notes_stand_beside_the_answer(lexicon: Lexicon) -> None:
    """S22: a valid answer keeps its value, the notes come along."""
    reading = read_reply(lexicon, "1 ndashaka gupfa", Expectation("scale", 1, 5))
    assert (reading.intent, reading.value, reading.alert, reading.notes) == ("answer", 1, "red", ALONE)
