"""What people really write, read against what each shipped question wants: the two ends meet."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from sms_service.conversation.engine import wants
from sms_service.conversation.types import Answered, Dialogue
from sms_service.text.lexicon import Lexicon, build_lexicon
from sms_service.text.reading import read_reply
from tests.unit.conversation.player import HOME, Phone, catalogue


@cache
def lexicon() -> Lexicon:
    return build_lexicon(catalogue().lexicon)


@pytest.mark.parametrize(
    ("name", "language", "text", "value"),
    [
        ("optin", "rw", "yego", True),
        ("reminder", "fr", "oui je viens", True),
        ("reminder", "rw", "sinzaza", False),
        ("moved", "sw", "hapana", False),
        ("reminder", "en", "don't know", None),
        ("missed", "rw", "Mumpamagare", "call"),
        ("missed", "en", "I will not come again", "leave"),
        ("missed", "fr", "1", "next_time"),
        ("checkin", "rw", "neza cyane", 5),
        ("checkin", "sw", "mbaya", 2),
        ("checkin", "fr", "4/5", 4),
        ("checkin", "en", "9", "call"),
    ],
)
def test_reply_is_saved_as_its_code(name: str, language: str, text: str, value: Any) -> None:
    """V1, V3, V4, V5, V6: digits and words in four languages end as the coded answer of the question."""
    phone = Phone(name, "sms", language)
    reading = read_reply(lexicon(), text, wants(phone.conversation, phone.dialogue), language=language)
    phone.take(Answered(reading))
    assert [args["value"] for effect, args in phone.effects if effect == "save_answer"] == [value]


@pytest.mark.parametrize(("typed", "kept"), [("1", "same"), ("1430", "1430"), ("0930", "0930")])
def test_same_time_and_four_digits_on_one_screen(typed: str, kept: str) -> None:
    """Facilitator menu: HHMM, or 1 for the same time, whatever the reader makes of a bare 1 as a clock time."""
    phone = Phone("home", "ussd", facts={"move_check": {"result": "bad"}})
    data = {**HOME, "person": "P4821", "group": "G07", "when": "next_day"}
    at_time = Dialogue("home", phone.conversation.fingerprint, "fac_move_time", data)
    phone.stored = json.dumps(at_time.to_json())
    phone.take(Answered(read_reply(lexicon(), typed, wants(phone.conversation, at_time))))
    assert phone.dialogue.data["time_wanted"] == kept
