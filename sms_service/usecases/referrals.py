"""Referring somebody to a service of the directory, with their consent, and what came of it (S28, S29, S38, V19)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, select

from sms_service.models import directory, referrals
from sms_service.models.directory import directory_entry
from sms_service.models.referrals import referral
from sms_service.rules.mediation import is_mediation, may_offer_mediation
from sms_service.usecases.concerns import GRAVE, case, for_change
from sms_service.usecases.context import Context
from sms_service.usecases.faults import Faults, UseFault
from sms_service.usecases.find import already_made, once_id
from sms_service.usecases.follow_ups import plan_referral_follow_up
from sms_service.usecases.sign_in import SignedIn

CONSENTS: Final = ("oral", "written", "imminent")
IMMINENT: Final = "imminent"
OUTCOMES: Final = ("yes", "not_yet", "not_needed")
DECISION_LIMIT: Final = 500


@dataclass(frozen=True, slots=True)
class Made:
    """One referral as the page shows it; ``decision`` is open only to who may see the concern."""

    row: Row[Any]
    decision: str


@dataclass(frozen=True, slots=True)
class View:
    """A concern's referrals, the services that may be offered for it now, and whether acting without consent is open at all."""

    concern: Row[Any]
    made: tuple[Made, ...]
    services: Sequence[Row[Any]]
    grave: bool


def view(context: Context, db: Connection, me: SignedIn, code: str) -> View | None:
    """The referrals of a concern as this person may see it; None when it is not there or not theirs."""
    found = case(context, db, me, code)
    if found is None:
        return None
    made = tuple(_opened(context, row) for row in referrals.of_concern(db, found.row.id))
    now = context.now(db)
    services = [entry for entry in directory.all_entries(db) if not _refusal(entry, found.row, now)]
    return View(found.row, made, services, found.row.severity in GRAVE)


def _opened(context: Context, row: Row[Any]) -> Made:
    return Made(row, context.vault.open("referral", "decision", row.id, row.decision) if row.decision is not None else "")


def _refusal(entry: Row[Any], concern: Row[Any], now: datetime) -> str:
    """Why this service may not be offered for this concern; empty when it may."""
    if entry.valid_until <= now:
        return "nobody has called this number for 90 days; verify the entry first (S38)"
    if is_mediation(entry.kind, entry.name) and not may_offer_mediation(concern.severity, concern.topic):
        return "a mediator is offered for law and land only, never where there may be violence (S29)"
    return ""


def refer(context: Context, me: SignedIn, code: str, entry_id: int, consent: str, decision: str, once: int | None = None) -> int:
    """Record that the person behind a concern was pointed to a service; returns the referral's row id. V19 follows in seven days.

    ``consent`` is how it was given (``oral``, ``written``), or ``imminent``: none, for imminent danger to a life or a child, on a
    grave concern only, with the decision and who took it written down (S28). Raises ``UseFault``.
    """
    decision = " ".join(decision.split())
    with context.database.begin() as db:
        row_id = once_id(once)
        if already_made(db, "referral", row_id):
            return row_id
        now = context.now(db)
        concern = for_change(db, me, code, None)
        entry = db.execute(select(directory_entry).where(directory_entry.c.id == entry_id)).first()
        faults = Faults()
        faults.need(consent in CONSENTS, "consent", "say how the person agreed; without consent nobody is referred")
        if entry is None:
            faults.add("entry", "choose a service of the directory")
        elif refusal := _refusal(entry, concern, now):
            faults.add("entry", refusal)
        if consent == IMMINENT:
            faults.need(concern.severity in GRAVE, "consent", "without consent only for imminent danger, on a grave concern (S28)")
            written = 0 < len(decision) <= DECISION_LIMIT
            faults.need(written, "decision", "write who decided and why, in 1 to %(most)s characters", most=DECISION_LIMIT)
        faults.done()
        sealed = context.vault.seal("referral", "decision", row_id, decision) if consent == IMMINENT else None
        db.execute(
            insert(referral).values(
                id=row_id,
                concern_id=concern.id,
                person_id=concern.person_id,
                entry_id=entry_id,
                consent=consent,
                decision=sealed,
                made_by=me.staff_id,
                created_at=now,
            )
        )
        plan_referral_follow_up(db, row_id, now)
        context.record(db, me.code, "concern.refer", code, consent)
        return row_id


def record_outcome(context: Context, me: SignedIn, code: str, referral_id: int, outcome: str) -> None:
    """What came of a referral, as told face to face or on a call. Raises ``UseFault``."""
    if outcome not in OUTCOMES:
        raise UseFault("outcome", "Choose an outcome.")
    with context.database.begin() as db:
        concern, found = for_change(db, me, code, None), referrals.get(db, referral_id)
        if found is None or found.concern_id != concern.id:
            raise UseFault("outcome", "there is no such referral of this concern; open it again")
        referrals.change(db, referral_id, outcome=outcome, outcome_at=context.now(db))
        context.record(db, me.code, "concern.referral_outcome", code, outcome)
