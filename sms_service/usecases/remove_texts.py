"""Taking texts, calls and dials out of the log for good: counted by month first, and their search words with them (S33, T13).

Each function works in the caller's transaction on rows the caller has chosen, and leaves whatever else still needs a row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, exists, select, update

from sms_service import clock
from sms_service.models import month_counts
from sms_service.models.concerns import concern
from sms_service.models.dials import dial, turn
from sms_service.models.groups import curriculum, group, programme
from sms_service.models.inbound import inbound
from sms_service.models.month_counts import Key, Sum
from sms_service.models.outbox import attempt, outbox
from sms_service.models.search import text_word


def remove_texts_out(db: Connection, ids: Collection[int]) -> int:
    """Texts out with their calls; returns how many."""
    if not ids:
        return 0
    of_group = select(group.c.id, programme.c.code).join(curriculum, curriculum.c.id == group.c.curriculum_id)
    codes = {row.id: row.code for row in db.execute(of_group.join(programme, programme.c.id == curriculum.c.programme_id))}
    rows = outbox.c
    columns = (rows.id, rows.group_id, rows.template, rows.state, rows.segments, rows.cost, rows.created_at, rows.body_hash)
    sums: dict[Key, Sum] = defaultdict(Sum)
    hashes: set[bytes] = set()
    for row in db.execute(select(*columns).where(rows.id.in_(ids))):
        key = Key(_month(row.created_at), "out", codes.get(row.group_id, ""), row.template, row.state)
        _add(sums, key, row.segments, row.cost or 0.0)
        hashes.add(bytes(row.body_hash))
    calls = attempt.c
    for call in db.execute(select(calls.started_at, calls.result).where(calls.outbox_id.in_(ids))):
        _add(sums, Key(_month(call.started_at), "call", "", (call.result or "unrecorded")[:20], "ended"))
    month_counts.add(db, sums)
    db.execute(delete(attempt).where(calls.outbox_id.in_(ids)))
    db.execute(update(outbox).where(rows.replaces_id.in_(ids)).values(replaces_id=None))
    count = db.execute(delete(outbox).where(rows.id.in_(ids))).rowcount
    forget_words(db, hashes)
    return count


def remove_texts_in(db: Connection, ids: Collection[int]) -> int:
    """Texts in; what answered them must be gone before, or loses the way back to them."""
    if not ids:
        return 0
    rows = inbound.c
    sums: dict[Key, Sum] = defaultdict(Sum)
    hashes: set[bytes] = set()
    for row in db.execute(select(rows.received_at, rows.intent, rows.state, rows.text_hash).where(rows.id.in_(ids))):
        _add(sums, Key(_month(row.received_at), "in", "", row.intent or "", row.state))
        hashes.add(bytes(row.text_hash))
    month_counts.add(db, sums)
    db.execute(update(concern).where(concern.c.inbound_id.in_(ids)).values(inbound_id=None))
    db.execute(update(outbox).where(outbox.c.inbound_id.in_(ids)).values(inbound_id=None))
    count = db.execute(delete(inbound).where(rows.id.in_(ids))).rowcount
    forget_words(db, hashes)
    return count


def remove_dials(db: Connection, ids: Collection[int]) -> int:
    """Dials with their turns, whose screens are the receipts. A concern keeps the id of a turn that is gone."""
    if not ids:
        return 0
    sums: dict[Key, Sum] = defaultdict(Sum)
    for row in db.execute(select(dial.c.opened_at, dial.c.state, dial.c.end_status, dial.c.turns).where(dial.c.id.in_(ids))):
        _add(sums, Key(_month(row.opened_at), "dial", "", row.end_status or "", row.state), row.turns)
    month_counts.add(db, sums)
    found = db.execute(select(turn.c.typed_hash).where(turn.c.dial_id.in_(ids), turn.c.typed_hash.is_not(None)).distinct())
    hashes = {bytes(one) for one in found.scalars()}
    db.execute(delete(turn).where(turn.c.dial_id.in_(ids)))
    count = db.execute(delete(dial).where(dial.c.id.in_(ids))).rowcount
    forget_words(db, hashes)
    return count


def forget_words(db: Connection, hashes: Collection[bytes]) -> int:
    """The search words of texts that no row has any more."""
    if not hashes:
        return 0
    word = text_word.c.text_hash
    held = (
        exists().where(outbox.c.body_hash == word),
        exists().where(inbound.c.text_hash == word),
        exists().where(turn.c.typed_hash == word),
    )
    unheld = [~one for one in held]
    return db.execute(delete(text_word).where(word.in_(list(hashes)), *unheld)).rowcount


def _month(moment: datetime) -> str:
    return f"{clock.local(moment):%Y-%m}"


def _add(sums: dict[Key, Sum], key: Key, segments: int = 0, cost: Any = 0.0) -> None:
    one = sums[key]
    one.count += 1
    one.segments += segments
    one.cost += float(cost)
