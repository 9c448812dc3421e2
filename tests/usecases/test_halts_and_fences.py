"""What halts texts waits for the fences under way, and what was recalled stays recalled (F42, S40, S41, S44)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from sms_service.models import broadcasts
from sms_service.models.broadcasts import broadcast
from sms_service.models.harm import harm
from sms_service.models.outbox import outbox
from sms_service.models.staff import staff
from sms_service.security.tokens import new_row_id
from sms_service.usecases.broadcasts import broadcast_named, recall_broadcast
from sms_service.usecases.claim_texts import claim
from sms_service.usecases.compose import Outgoing, queue_texts
from sms_service.usecases.context import Context
from sms_service.usecases.doubt_holder import mark_under_age
from sms_service.usecases.expand_broadcast import finish_broadcasts
from sms_service.usecases.fence_texts import fence
from sms_service.usecases.harm import review
from sms_service.usecases.outbound_switch import hold, set_outbound
from sms_service.usecases.pauses import add_pause
from sms_service.usecases.sign_in import SignedIn
from tests.usecases.site import NOW, Site

TOKEN = "token"


@dataclass
class Claimed:
    """One text of a broadcast, claimed and not fenced yet."""

    context: Context
    author: str
    me: SignedIn
    person_code: str
    rows: list[Any]


@pytest.fixture
def text(context: Context, site: Site) -> Claimed:
    site.group()
    code, author = site.person(), site.staff("amina", "staff", "safeguarding")
    number_id, person_id = site.contact_of(code).number_id, site.id_of(code)
    with context.database.begin() as db:
        db.execute(update(outbox).values(state="cancelled"))  # the person's welcome
        cast_id = new_row_id()
        values = {"code": "B1000", "group_ids": [], "one_group": True, "excluded": {}, "created_at": NOW, "state": "sending"}
        values["expires_at"] = NOW + timedelta(hours=24)
        writer = db.execute(select(staff.c.id).where(staff.c.code == author)).scalar_one()
        db.execute(insert(broadcast).values(id=cast_id, author_id=writer, expanded_to=(1 << 63) - 1, **values))
        db.execute(insert(harm).values(id=new_row_id(), code="H1000", kind="other", template="V3", recorded_by=writer, at=NOW))
        one = Outgoing(
            key="bc:1",
            number_id=number_id,
            person_id=person_id,
            language="rw",
            template="broadcast",
            kind="broadcast",
            text_class="A",
            lane=3,
            body="Inama ni ejo.",
            not_before=NOW,
            expires_at=NOW + timedelta(hours=6),
            broadcast_id=cast_id,
        )
        queue_texts(context, db, [one], NOW)
    with context.database.begin() as db:
        rows = claim(context, db, TOKEN, 8, 0, timedelta()).rows
    assert [row.lane for row in rows] == [3]
    me = SignedIn(0, writer, author, "amina", "Amina", "en", frozenset({"safeguarding"}), None, True)
    return Claimed(context, author, me, code, rows)


def in_thread(act: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    """``act`` begun beside us, and what it returned as soon as it has."""
    said: list[Any] = []
    thread = threading.Thread(target=lambda: said.append(act()), daemon=True)
    thread.start()
    return thread, said


HALTS: dict[str, Callable[[Claimed], Any]] = {
    "group": lambda one: hold(one.context, "group", "G07", True, "command"),
    "person": lambda one: hold(one.context, "person", one.person_code, True, "command"),
    "under age": lambda one: mark_under_age(one.context, one.person_code, "command"),
    "text": lambda one: review(one.context, one.me, "H1000", "paused"),
    "pause": lambda one: add_pause(one.context, date(2026, 5, 13), date(2026, 5, 14), "block", "security", "command"),
    "switch": lambda one: set_outbound(one.context, False, "command", "a test"),
    "recall": lambda one: recall_broadcast(one.context, "B1000", one.author),
}


def test_a_halt_waits_for_the_fences_under_way(text: Claimed) -> None:
    """Nobody is told that texts are halted while a fence that has not seen it may still start calls: the audit entry of a halt
    takes the row that fences share.
    """
    with text.context.database.begin() as db:
        assert len(fence(text.context, db, text.rows, TOKEN)) == 1
        halting = {name: in_thread(partial(halt, text)) for name, halt in HALTS.items()}
        time.sleep(1.0)
        assert [name for name, (thread, _) in halting.items() if not thread.is_alive()] == [], "halted while a fence had looked"
    for name, (thread, said) in halting.items():
        thread.join(10)
        assert said, f"{name} was not done"


def test_a_recall_stays_one_when_the_clock_looks_for_broadcasts_that_are_done(text: Claimed) -> None:
    """S40: what was recalled is not shown as sent to everybody."""
    with text.context.database.begin() as db:
        db.execute(update(outbox).values(state="cancelled"))
    with text.context.database.begin() as db:
        row = broadcast_named(db, "B1000", lock=True)
        broadcasts.change(db, row.id, state="recalled")
        thread, said = in_thread(lambda: finish_broadcasts(text.context))
        thread.join(1.0)
    thread.join(10)
    assert said == [0]
    with text.context.database.begin() as db:
        assert broadcast_named(db, "B1000").state == "recalled"
