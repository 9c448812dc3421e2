"""The switch that halts texts to participants: for everyone, a programme, a group or a person (S41).

Inbound texts, crisis detection and staff alerts go on. The fence reads the same rows under a lock, so that nothing
slips past.
"""

from __future__ import annotations

from sqlalchemy import select, update

from sms_service.models import groups, people, state
from sms_service.models.groups import programme
from sms_service.usecases.context import Context
from sms_service.usecases.faults import UseFault
from sms_service.usecases.find import group_named, person_named


def set_outbound(context: Context, on: bool, actor: str, reason: str = "") -> None:
    """Halt (``on`` False) or resume all texts to participants. Halting says why, in 60 characters. Raises
    ``UseFault``.
    """
    written = " ".join(reason.split())
    if not on and not 3 <= len(written) <= 60:
        raise UseFault("reason", "say in 3 to 60 characters why texts are halted")
    with context.database.begin() as db:
        state.change(db, outbound_on=on, held_reason=None if on else written)
        context.record(db, actor, "outbound.resume" if on else "outbound.halt", None, written)


def hold(context: Context, level: str, code: str, held: bool, actor: str) -> None:
    """Halt or resume the texts of one programme, group or person, by code. Raises ``UseFault``."""
    with context.database.begin() as db:
        if level == "programme":
            row_id = db.execute(select(programme.c.id).where(programme.c.code == code.strip().upper())).scalar()
            if row_id is None:
                raise UseFault("programme", "there is no programme %(code)s", code=code.strip()[:8])
            db.execute(update(programme).where(programme.c.id == row_id).values(outbound_held=held))
        elif level == "group":
            groups.change(db, group_named(db, code).id, outbound_held=held)
        elif level == "person":
            people.change(db, person_named(db, code).id, outbound_held=held)
        else:
            raise UseFault("level", "choose programme, group or person")
        context.record(db, actor, "outbound.hold" if held else "outbound.release", code.strip().upper())
