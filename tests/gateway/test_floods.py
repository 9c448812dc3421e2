"""Forged, guessed and flooding callbacks: nothing is learnt, nothing is spent beyond the caps, and a RED text still alerts."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from handlers import delivery, opt_out, sms, ussd
from sms_service.models.concerns import alert, concern
from sms_service.models.dials import dial, turn
from sms_service.models.inbound import inbound
from sms_service.models.numbers import number
from sms_service.models.outbox import outbox
from sms_service.models.search import text_word
from sms_service.rules.caps import Caps
from tests.gateway.payloads import DELIVERY, END, OPT_OUT, SMS, changed
from tests.service import Service
from tests.usecases.site import Site

CALLER = "+250788001001"


def count(service: Service, table: Any, *where: Any) -> int:
    with service.context.database.begin() as db:
        return int(db.execute(select(func.count()).select_from(table).where(*where)).scalar_one())


def test_a_thousand_forged_texts_create_no_reply_beyond_the_caps(service: Service) -> None:
    """T4, T6: forged in the name of a participant, with the right secret: ten replies, nothing learnt, no PIN unlocked."""
    site = Site.build(service.context)
    site.group()
    site.person(phone=CALLER)
    with service.context.database.begin() as db:
        db.execute(outbox.update().values(state="cancelled"))
    for place in range(1000):
        assert service.text(CALLER, f"mfasha {place}" if place % 2 else f"ni nde {place}").data == b"OK"
    service.work()
    replies = [text for to, text, _ in service.gateway.sent if to == CALLER]
    assert 1 <= len(replies) <= Caps().replies_hour
    assert not [text for text in replies if "20/05" in text or "G07" in text], "no text reads back what is stored"
    assert count(service, inbound) == 1000
    assert count(service, inbound, inbound.c.state == "new") == 0


def test_a_flood_from_many_numbers_is_answered_once_each_and_a_red_text_still_alerts(service: Service) -> None:
    """T6, T4, I5: each unknown number gets its one text in thirty days, foreign ones none, and RED is an alert at once."""
    for place in range(80):
        for words in ("hello", "what is this"):
            service.text(f"+2507881{place:05d}", words)
        service.text(f"+2547881{place:05d}", "hello")
    service.text("+250788199999", "ndashaka kwiyahura")
    assert count(service, alert) == 1
    service.work()
    sent = [to for to, _, _ in service.gateway.sent]
    assert len(sent) == 81
    assert len(set(sent)) == 81
    assert not [to for to in sent if not to.startswith("+250")]


def test_guessed_dials_read_and_change_nothing(service: Service) -> None:
    """T5: ids guessed by another caller: 409 for the living dial, the plain first screen for any other, no row changed."""
    service.hop("ATUid_living", CALLER, "")
    shown = service.hop("ATUid_living", CALLER, "2").data
    service.hop("ATUid_ended", CALLER, "")
    ended = service.hop("ATUid_ended", CALLER, "0").data
    assert ended.startswith(b"END ")
    with service.context.database.begin() as db:
        before = db.execute(select(dial).order_by(dial.c.id)).all()
    thief = "+250788001002"
    for session in ("ATUid_living", "ATUid_ended"):
        for typed in ("", "2", "2*3", "0"):
            answer = service.hop(session, thief, typed)
            assert (answer.status_code, shown in answer.data) == (409, False)
    assert service.hop("ATUid_ended", CALLER, "0*2").data.startswith(b"END "), "an ended dial stays ended"
    first = service.hop("ATUid_guess", thief, "").data
    for place in range(500):
        assert service.hop(f"ATUid_{place:032x}", thief, "2*1").data == first
    with service.context.database.begin() as db:
        mine = dial.c.gateway_session.in_(("ATUid_living", "ATUid_ended"))
        assert db.execute(select(dial).where(mine).order_by(dial.c.id)).all() == before
        assert db.execute(select(func.count()).select_from(number)).scalar_one() == 2


def test_callbacks_answer_the_same_whether_the_number_takes_part_or_not(service: Service) -> None:
    """T20: bodies and status of every callback, and the first screens of a dial, for a participant and a stranger."""
    site = Site.build(service.context)
    site.group()
    site.person(phone=CALLER)
    answers: dict[str, list[Any]] = {}
    for place, caller in enumerate((CALLER, "+250788007777")):
        said = answers[caller] = []
        for words in ("1", "START", "mfasha", "STOP", "ntabara", ""):
            said.append(service.text(caller, words))
        for typed in ("", "2", "2*2", "2*2*4821"):
            said.append(service.hop(f"ATUid_{place}", caller, typed))
        said.append(service.post("opt-out", {"phoneNumber": caller, "senderId": "SERVAS"}))
        said.append(service.post("delivery", changed(DELIVERY, "phoneNumber", b"%2B" + caller[1:].encode())))
    for one in (one for said in answers.values() for one in said):
        del one.headers["Date"]
    known, unknown = ([(one.status_code, one.data, dict(one.headers)) for one in said] for said in answers.values())
    assert known == unknown


@pytest.mark.parametrize("session", ["first", "next"])
def test_the_same_turn_many_times_at_once_has_one_screen_and_one_effect(service: Service, session: str) -> None:
    """I15, F31: the gateway repeats a turn while the first is still being answered."""
    for round_no in range(5):
        caller, dialled = f"+25078800{round_no:04d}", f"ATUid_{session}_{round_no}"
        typed = ""
        if session == "next":
            service.hop(dialled, caller, "")
            service.hop(dialled, caller, "2")
            typed = "2*3"
        start = threading.Barrier(4)

        def hop(_: int, start: threading.Barrier = start, dialled: str = dialled, caller: str = caller, typed: str = typed) -> str:
            start.wait()
            return service.hop(dialled, caller, typed).get_data(as_text=True)

        with ThreadPoolExecutor(4) as pool:
            screens = set(pool.map(hop, range(4)))
        assert len(screens) == 1, screens
        assert not [one for one in screens if "ntibishobotse" in one]
    turns = 5 if session == "first" else 15
    assert count(service, turn) == turns
    assert count(service, concern) == (0 if session == "first" else 5)


def test_words_that_come_with_a_lost_dial_are_read_for_crisis(service: Service) -> None:
    """S22, T13: on a first hop and on a history nobody knows; the words are sealed, flagged and found by no search."""
    service.hop("ATUid_1", CALLER, "2*ndashaka kwiyahura")
    service.hop("ATUid_2", "+250788001002", "")
    service.hop("ATUid_2", "+250788001002", "2")
    service.hop("ATUid_2", "+250788001002", "7*4821*ntabara")
    assert count(service, concern, concern.c.severity == "red") == 2
    assert count(service, text_word) == 0
    with service.context.database.begin() as db:
        kept = db.execute(select(turn).where(turn.c.alert == "red").order_by(turn.c.id)).all()
    assert [service.context.vault.open("turn", "typed", row.id, row.typed) for row in kept] == ["ndashaka kwiyahura", "ntabara"]


def test_words_that_come_into_a_dial_that_is_over_are_heeded(service: Service) -> None:
    """S22, S17: whoever typed slowly, past the network's time, is heard: danger once, a stop at once; digits do nothing."""
    service.hop("ATUid_1", CALLER, "")
    service.set_time(service.now() + timedelta(minutes=6))
    late = service.hop("ATUid_1", CALLER, "ndashaka kwiyahura").get_data(as_text=True)
    assert late.startswith("END ")
    assert service.hop("ATUid_1", CALLER, "ndashaka kwiyahura").get_data(as_text=True) == late
    service.hop("ATUid_1", CALLER, "ndashaka kwiyahura*1")
    assert count(service, concern) == count(service, concern, concern.c.severity == "red") == 1
    assert count(service, number, number.c.stopped_at.is_not(None)) == 0
    service.hop("ATUid_1", CALLER, "ndashaka kwiyahura*STOP")
    assert count(service, number, number.c.stopped_at.is_not(None)) == 1


@pytest.mark.parametrize("kind", ["sms", "delivery", "opt-out", "ussd-end"])
def test_a_fault_of_ours_asks_the_gateway_to_come_again(service: Service, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """W13, I1: whatever goes wrong inside, not only in the database, is 503 and never another 5xx or a 200."""

    def broken(*_: object) -> None:
        raise LookupError("a fault of the program")

    for module, name in ((sms, "accept_inbound"), (delivery, "take_report"), (opt_out, "accept_opt_out"), (ussd, "end_dial")):
        monkeypatch.setattr(module, name, broken)
    bodies = {"sms": SMS, "delivery": DELIVERY, "opt-out": OPT_OUT, "ussd-end": END}
    assert service.post(kind, bodies[kind]).status_code == 503
