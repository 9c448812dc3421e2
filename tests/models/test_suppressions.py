"""The suppression journal's table: one entry an act, written with it, and heeded by whoever makes the number again."""

from __future__ import annotations

from sqlalchemy import delete, select

from sms_service.gateway.wire import OptOut
from sms_service.models import numbers, suppressions
from sms_service.models.inbound import inbound
from sms_service.models.numbers import number
from sms_service.models.suppressions import suppression
from sms_service.usecases.accept_inbound import accept_opt_out, stop_number
from sms_service.usecases.context import Context

PHONE = "+250788000001"


def test_a_stop_is_entered_once_by_hash_only(context: Context) -> None:
    """I6, I19: with the stop itself, and not again when it is repeated."""
    with context.database.begin() as db:
        now = context.now(db)
        number_id = numbers.ensure(db, context.vault, PHONE, now)
        for _ in range(2):
            stop_number(context, db, number_id, now, reason="text")
        rows = db.execute(select(suppression)).all()
    assert [(row.kind, bytes(row.number_hash), row.person_code) for row in rows] == [
        ("stop", context.vault.number_hash(PHONE), None)
    ]


def test_an_opt_out_at_the_network_is_entered_as_such(context: Context) -> None:
    for _ in range(2):
        accept_opt_out(context, OptOut(sender_id="22884", number=PHONE))
    with context.database.begin() as db:
        kinds = db.execute(select(suppression.c.kind).order_by(suppression.c.id)).scalars().all()
    assert kinds == ["stop", "network"]


def test_a_number_that_was_removed_and_comes_back_starts_out_stopped(context: Context) -> None:
    """I19: a later import of an erased number is still suppressed."""
    accept_opt_out(context, OptOut(sender_id="22884", number=PHONE))
    with context.database.begin() as db:
        db.execute(delete(inbound))
        db.execute(delete(number))
        now = context.now(db)
        again = numbers.get(db, numbers.ensure(db, context.vault, PHONE, now))
        other = numbers.get(db, numbers.ensure(db, context.vault, "+250788000002", now))
    assert again.stopped_at is not None
    assert again.network_opt_out_at is not None
    assert (other.stopped_at, other.network_opt_out_at) == (None, None)


def test_what_the_file_holds_is_not_written_again(context: Context) -> None:
    with context.database.begin() as db:
        now = context.now(db)
        for code in ("P1", "P2"):
            suppressions.note(db, "erasure", None, now, code)
        first = suppressions.unwritten(db, 1)
        suppressions.mark_written(db, [row.id for row in first], now)
        assert [row.person_code for row in suppressions.unwritten(db, 10)] == ["P2"]
