"""A new field key: everything sealed anew while it is read, cut short and gone on with, and the old key let go (I17, F46)."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from itertools import count

import pytest
from sqlalchemy import select, update

from sms_service.models import audit
from sms_service.models.audit import audit as audit_table
from sms_service.models.numbers import number
from sms_service.security.audit_chain import verify
from sms_service.security.vault import Vault
from sms_service.usecases import rotate_keys
from sms_service.usecases.context import Context
from sms_service.usecases.faults import UseFault
from tests.conftest import KEYS

NEW = hashlib.sha256(b"new field key").digest()
OLD = KEYS["field_keys"][1]


def ring(context: Context, *keys: tuple[int, bytes]) -> Context:
    """The same service whose FIELD_KEYS are these, the first of which seals."""
    return replace(context, vault=Vault(dict(keys), KEYS["hash_key"]))


def all_open(context: Context) -> bool:
    with context.database.snapshot() as db:
        return not any(closed for _, _, closed in rotate_keys.open_everything(context, db))


def chain_holds(context: Context) -> bool:
    with context.database.begin() as db:
        return verify(audit.chain(db), context.audit_key) is None


def totals(context: Context) -> dict[int, int]:
    found: dict[int, int] = {}
    for counts in rotate_keys.sealed_with(context).values():
        for key_id, number_of in counts.items():
            found[key_id] = found.get(key_id, 0) + number_of
    return found


def test_everything_is_sealed_anew_and_the_old_key_is_let_go(filled: Context) -> None:
    """F46, I17: also the audit's reasons, whose chain goes on verifying; refused while the old key seals anything."""
    both = ring(filled, (2, NEW), (1, OLD))
    assert set(totals(both)) == {1}
    with pytest.raises(UseFault, match="key 1 still seals"):
        rotate_keys.retire(both, 1, "command")
    before = sum(totals(both).values())
    heard: list[int] = []
    made = rotate_keys.reseal(both, "command", progress=heard.append)
    assert made.done == sum(heard) >= before
    assert set(totals(both)) == {2}
    assert rotate_keys.on_other_keys(both) == 0
    assert chain_holds(both)
    rotate_keys.retire(both, 1, "command")
    with pytest.raises(UseFault, match="is the one that seals"):
        rotate_keys.retire(both, 2, "command")
    alone = ring(filled, (2, NEW))
    assert all_open(alone)
    with alone.database.begin() as db:
        acts = db.execute(select(audit_table.c.act).order_by(audit_table.c.seq.desc()).limit(3)).scalars().all()
    assert acts == ["keys.retire", "keys.rotate", "keys.rotate"]


def test_cut_short_it_goes_on_from_what_is_left(filled: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """F46: at every moment everything opens with both keys; nothing is sealed twice."""
    both = ring(filled, (2, NEW), (1, OLD))
    monkeypatch.setattr(rotate_keys, "CHANGED_AT_ONCE", 1)
    steps = count()
    first = rotate_keys.reseal(both, "command", stopping=lambda: next(steps) >= 4)
    assert first.done == 4
    assert set(totals(both)) == {1, 2}
    assert all_open(both)
    assert chain_holds(both)
    second = rotate_keys.reseal(both, "command")
    assert set(totals(both)) == {2}
    assert rotate_keys.reseal(both, "command").done == 0
    assert second.done > 0


def test_an_entry_from_before_marks_stays_in_the_chain(filled: Context) -> None:
    """I17: the chain of a reason that an older release sealed covers its bytes of then."""
    from sms_service.security.audit_chain import entry_hash

    with filled.database.begin() as db:
        last = db.execute(select(audit_table).order_by(audit_table.c.seq.desc()).limit(1)).one()
        assert last.mark is not None
        fields = [*audit.fields_of(last)[:-1], bytes(last.reason).hex()]
        digest = entry_hash(filled.audit_key, last.previous, fields)
        db.execute(update(audit_table).where(audit_table.c.seq == last.seq).values(mark=None, hash=digest))
    assert chain_holds(filled)
    both = ring(filled, (2, NEW), (1, OLD))
    rotate_keys.reseal(both, "command")
    assert chain_holds(both)
    with both.database.begin() as db:
        row = db.execute(select(audit_table).where(audit_table.c.seq == last.seq)).one()
        assert both.vault.open("audit", "reason", row.seq, row.reason)
        db.execute(update(audit_table).where(audit_table.c.seq == last.seq).values(reason=None))
    assert not chain_holds(both), "a reason that was taken out is noticed"


def test_a_value_that_does_not_open_is_named_and_left(filled: Context) -> None:
    with filled.database.begin() as db:
        one = db.execute(select(number.c.id).limit(1)).scalar_one()
        db.execute(update(number).where(number.c.id == one).values(sealed=b"\x01" + bytes(40)))
    made = rotate_keys.reseal(ring(filled, (2, NEW), (1, OLD)), "command")
    assert dict(made.closed) == {"number.sealed": 1}
    assert totals(filled)[1] == 1
