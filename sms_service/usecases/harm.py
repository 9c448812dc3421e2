"""The harm log: a text caused trouble. It is recorded, reviewed monthly, and can pause the text for everybody (S44)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, delete, select

from sms_service.models import harm
from sms_service.models.base import insert_ignore
from sms_service.models.people import person
from sms_service.models.staff import staff
from sms_service.security.tokens import new_code
from sms_service.usecases.context import Context
from sms_service.usecases.faults import UseFault
from sms_service.usecases.find import once_id, person_named
from sms_service.usecases.sign_in import SignedIn

KINDS: Final = ("seen", "quarrel", "threat", "hurt", "upset", "stranger", "other")
DECISIONS: Final = ("no_change", "wording", "paused", "person_held")
PAUSABLE: Final = ("V1", "V3", "V3b", "V5", "V6", "V7", "V8", "V18", "V19", "question_set")
"""Texts the service sends of its own accord. Acknowledgements, and news of a moved meeting, are never paused for all."""
REVIEW_EVERY: Final = timedelta(days=31)
NOTE_LIMIT: Final = 500
SHOWN: Final = 100


def record_harm(
    context: Context, me: SignedIn, kind: str, template: str, person_code: str, note: str, once: int | None = None
) -> str:
    """Record a case and return its code, H and digits. ``template`` and ``person_code`` may be empty; the note is sealed.

    Raises ``UseFault``. A second submit of the same form (``once``) makes no second case.
    """
    if kind not in KINDS:
        raise UseFault("kind", "Please choose one of the list.")
    if template and template not in PAUSABLE:
        raise UseFault("template", "Please choose one of the list.")
    written = note.strip()
    if len(written) > NOTE_LIMIT:
        raise UseFault("note", "A note has at most %(most)s characters.", most=NOTE_LIMIT)
    with context.database.begin() as db:
        who = person_named(db, person_code) if person_code.strip() else None
        row_id = once_id(once)
        code = _free_code(db)
        row = {
            "id": row_id,
            "code": code,
            "kind": kind,
            "template": template,
            "person_id": who.id if who is not None else None,
            "note": context.vault.seal("harm", "note", row_id, written) if written else None,
            "recorded_by": me.staff_id,
            "at": context.now(db),
        }
        if not insert_ignore(db, harm.harm, row):
            return str(db.execute(select(harm.harm.c.code).where(harm.harm.c.id == row_id)).scalar_one())
        context.record(db, me.code, "harm.record", code)
        return code


def _free_code(db: Connection) -> str:
    for digits in (4, 4, 5, 6, 8):
        drawn = new_code("H", digits)
        if harm.by_code(db, drawn) is None:
            return drawn
    raise RuntimeError("no free code for a case of harm could be drawn")


def review(context: Context, me: SignedIn, code: str, decision: str) -> None:
    """Say what was decided about a case, once. ``paused`` pauses its text for everybody. Raises ``UseFault``."""
    if decision not in DECISIONS:
        raise UseFault("decision", "Please choose one of the list.")
    with context.database.begin() as db:
        row = db.execute(select(harm.harm).where(harm.harm.c.code == code).with_for_update()).first()
        if row is None or row.reviewed_at is not None:
            raise UseFault("harm", "This case was reviewed already, or there is none of this code.")
        if decision == "paused" and not row.template:
            raise UseFault("decision", "No text was named with this case: there is none to pause.")
        now = context.now(db)
        harm.change(db, row.id, reviewed_at=now, reviewed_by=me.staff_id, decision=decision)
        context.record(db, me.code, "harm.review", code, decision)
        if decision == "paused":
            paused = {"template": row.template, "paused_at": now, "paused_by": me.code, "harm_code": code}
            insert_ignore(db, harm.paused_text, paused)
            context.record(db, me.code, "text.pause", row.template, code)


def release(context: Context, me: SignedIn, template: str) -> None:
    """Let a paused text go again; audited. Raises ``UseFault`` when it is not paused."""
    with context.database.begin() as db:
        if not db.execute(delete(harm.paused_text).where(harm.paused_text.c.template == template)).rowcount:
            raise UseFault("template", "This text is not paused.")
        context.record(db, me.code, "text.release", template)


def cases(context: Context, db: Connection) -> list[tuple[Any, str]]:
    """(case with the codes of person and staff, its note in words), those to review first, then the newest."""
    query = (
        select(harm.harm, person.c.code.label("person_code"), staff.c.code.label("staff_code"))
        .outerjoin(person, person.c.id == harm.harm.c.person_id)
        .outerjoin(staff, staff.c.id == harm.harm.c.recorded_by)
        .order_by(harm.harm.c.reviewed_at.is_not(None), harm.harm.c.at.desc())
        .limit(SHOWN)
    )
    return [
        (row, context.vault.open("harm", "note", row.id, row.note) if row.note is not None else "") for row in db.execute(query)
    ]


def paused(db: Connection) -> Sequence[Any]:
    """The paused texts, by whom and since when."""
    return db.execute(select(harm.paused_text).order_by(harm.paused_text.c.paused_at)).all()


def review_overdue(db: Connection, now: datetime) -> bool:
    """Whether a case has waited longer than a month for its review."""
    oldest = harm.oldest_unreviewed(db)
    return oldest is not None and now - oldest > REVIEW_EVERY
