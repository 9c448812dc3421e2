"""Opening a concern, and for a RED one its alert, in the transaction of the text that caused it (I5, S25)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from sms_service import clock
from sms_service.models import concerns, rota
from sms_service.models.concerns import alert, alert_phone, concern
from sms_service.models.numbers import number
from sms_service.models.outbox import cancel_queued, outbox
from sms_service.models.rota import duty
from sms_service.models.staff import staff, staff_role
from sms_service.rules.concerns import alert_step, due_at, severity_of
from sms_service.rules.public_holidays import public_holidays
from sms_service.security.tokens import new_code, new_row_id
from sms_service.usecases.compose import LANE_ALERT, Outgoing, queue_texts
from sms_service.usecases.context import Context
from sms_service.usecases.withheld import answer_withheld

ALERT_LIFE = timedelta(days=7)
ALERTS_PER_HOUR = 5  # to one phone: repeats beyond are left out, first alerts beyond merge into one text a minute (T6)
ALERT_AGAIN = timedelta(minutes=1)
CODE_DRAWS = 1_000


@dataclass(frozen=True, slots=True)
class About:
    """What a concern is about: a kind of ``rules.concerns.KINDS``, codes and rows, never words."""

    kind: str
    number_id: int | None = None
    person_id: int | None = None
    group_id: int | None = None
    inbound_id: int | None = None
    turn_id: int | None = None
    topic: str | None = None
    slot: str | None = None
    note_code: str | None = None
    meeting_at: datetime | None = None


def raise_concern(context: Context, db: Connection, about: About, now: datetime) -> int:
    """Open a concern or join the one that is already open for the same thing; a RED one alerts. Returns the concern's row id.

    A RED on a number with an unacknowledged RED joins it (S25); others join the same request of the last 24 h until somebody
    has acted on it.
    """
    severity = severity_of(about.kind)
    joined = _joins(db, about, severity, now)
    if joined is not None:
        concerns.change(db, joined.id, texts=joined.texts + 1)
        return int(joined.id)
    row_id = new_row_id()
    year = clock.local(now).year
    closed = {**public_holidays(year), **public_holidays(year + 1)} if severity in ("call", "task") else {}
    db.execute(
        insert(concern).values(
            id=row_id,
            code=_free_code(db),
            kind=about.kind,
            severity=severity,
            number_id=about.number_id,
            person_id=about.person_id,
            group_id=about.group_id,
            inbound_id=about.inbound_id,
            turn_id=about.turn_id,
            topic=about.topic,
            slot=about.slot,
            note_code=about.note_code,
            state="new",
            texts=1,
            opened_at=now,
            due_at=due_at(
                about.kind,
                now,
                on_duty=severity == "red" and bool(rota.on_duty(db, now)),
                slot=about.slot or "",
                meeting_at=about.meeting_at,
                holidays=closed,
            ),
        )
    )
    if severity == "red":
        _alert(context, db, row_id, now)
    return row_id


def _joins(db: Connection, about: About, severity: str, now: datetime) -> Row[Any] | None:
    if severity == "red":
        return concerns.unacknowledged_red(db, about.number_id) if about.number_id else None
    # "Do not call" and "in the morning" are two requests: neither may hide the other.
    asked = [concern.c.topic.is_not_distinct_from(about.topic), concern.c.slot.is_not_distinct_from(about.slot)]
    if about.kind == "incident":
        asked.append(concern.c.note_code == about.note_code)  # a risk must not be hidden behind a conflict keyed before it
    return concerns.open_same(db, about.number_id, about.person_id, about.kind, now - timedelta(hours=24), *asked)


def _free_code(db: Connection) -> str:
    """A concern's code, C and at least four digits; drawn again while it is taken."""
    for digits in (4, 4, 4, 5, 5, 6, 6, 8):
        drawn = new_code("C", digits)
        if concerns.by_code(db, drawn) is None:
            return drawn
    raise RuntimeError("no free concern code could be drawn: close and purge old concerns")


def _alert(context: Context, db: Connection, concern_id: int, now: datetime) -> None:
    alert_id = new_row_id()
    db.execute(insert(alert).values(id=alert_id, concern_id=concern_id, ack_code=_ack_code(db), step=0, opened_at=now, next_at=now))
    send_alert(context, db, alert_id, now)


def _ack_code(db: Connection) -> str:
    """Four digits that no open alert uses: the whole answer from the duty phone. When hardly any is left one is used again."""
    taken = set(db.execute(select(alert.c.ack_code).where(alert.c.acknowledged_at.is_(None))).scalars())
    drawn = new_code("", 4)
    for _ in range(CODE_DRAWS):
        if drawn not in taken:
            break
        drawn = new_code("", 4)
    return drawn


def send_alert(context: Context, db: Connection, alert_id: int, now: datetime) -> None:
    """Queue the alert's next step, when it is due: to the line the plan names, all lines when it is not staffed (S25).

    Beyond five an hour to one phone, first alerts leave one a minute, each naming how many are open, and repeats are left
    out (T6). When the switch withheld the answer to the person, the text says so (S41). With no phone at all the step waits,
    a minute at a time, until there is one.
    """
    row = db.execute(
        select(alert, concern.c.code, concern.c.opened_at.label("since"), concern.c.number_id, concern.c.inbound_id)
        .join(concern, concern.c.id == alert.c.concern_id)
        .where(alert.c.id == alert_id)
        .with_for_update(of=alert)
    ).one()
    if row.acknowledged_at is not None or row.next_at > now:
        return
    plan = alert_step(row.step)
    on_duty = _phones(db, plan.lines, now)
    phones = [phone for phone in on_duty if not _crowded(db, phone.number_id, row.step, now)]
    if not on_duty or (not phones and row.step == 0):
        db.execute(alert.update().where(alert.c.id == alert_id).values(next_at=now + ALERT_AGAIN))
        return
    open_now = concerns.open_red_count(db)
    since = clock.local(row.since).strftime("%H:%M")
    withheld = answer_withheld(db, row.number_id, row.since, by_text=row.inbound_id is not None)
    texts = []
    for phone in phones:
        language = "fr" if phone.language == "fr" else "en"
        values = {"code": row.code, "open": open_now, "since": since, "reply": row.ack_code}
        # Staff texts come with the program: no alert is lost for want of a published sentence.
        body = context.shipped.text(language, "alert_withheld" if withheld else "alert", values)
        texts.append(
            Outgoing(
                key=f"alert:{alert_id}:{row.step}:{phone.number_id}",
                number_id=phone.number_id,
                language=language,
                template="alert",
                kind="alert",
                text_class="A",
                lane=LANE_ALERT,
                body=body,
                not_before=now,
                expires_at=now + ALERT_LIFE,
                alert_id=alert_id,
            )
        )
        db.execute(
            insert(alert_phone).values(
                id=new_row_id(), alert_id=alert_id, number_id=phone.number_id, staff_id=phone.staff_id, first_at=now
            )
        )
    queue_texts(context, db, texts, now)
    next_at = row.since + timedelta(minutes=alert_step(row.step + 1).after_minutes)
    db.execute(alert.update().where(alert.c.id == alert_id).values(step=row.step + 1, next_at=max(next_at, now + ALERT_AGAIN)))


def _phones(db: Connection, wanted_lines: tuple[int, ...], now: datetime) -> list[Any]:
    """The phones of these lines on duty now; when they are empty everyone on duty; when nobody is, every safeguarding account."""
    lines = rota.on_duty(db, now)
    wanted = [row for row in lines if row.line in wanted_lines] or list(lines)
    if wanted:
        return _one_each(wanted)
    query = (
        select(duty.c.number_id, duty.c.staff_id, staff.c.language)
        .join(staff, staff.c.id == duty.c.staff_id)
        .join(staff_role, staff_role.c.staff_id == staff.c.id)
        .where(staff_role.c.role == "safeguarding", staff.c.disabled_at.is_(None))
        .order_by(duty.c.starts_at.desc())
    )
    return _one_each(db.execute(query).all())


def _one_each(rows: Sequence[Any]) -> list[Any]:
    seen: dict[int, Any] = {}
    for row in rows:
        seen.setdefault(row.number_id, row)
    return list(seen.values())


def _crowded(db: Connection, number_id: int, step: int, now: datetime) -> bool:
    """Whether this phone has had its first alerts, or its repeats, for now (T6)."""
    first = outbox.c.key.like("alert:%:0:%")
    query = select(func.count(), func.max(outbox.c.created_at)).where(
        outbox.c.number_id == number_id,
        outbox.c.kind == "alert",
        outbox.c.not_before > now - timedelta(hours=1),
        outbox.c.created_at > now - timedelta(hours=1),
        ~first if step else first,
    )
    count, latest = db.execute(query).one()
    return count >= ALERTS_PER_HOUR and (step > 0 or latest > now - ALERT_AGAIN)


def repeat_alerts(context: Context, db: Connection, now: datetime, limit: int = 50) -> int:
    """Send the next step of every unacknowledged alert that is due; at least once, until a person answers."""
    query = select(alert.c.id).where(alert.c.acknowledged_at.is_(None), alert.c.next_at <= now).order_by(alert.c.next_at)
    due = db.execute(query.limit(limit)).scalars().all()
    for alert_id in due:
        send_alert(context, db, alert_id, now)
    return len(due)


def acknowledge_by_code(context: Context, db: Connection, number_id: int, ack_code: str, now: datetime) -> bool:
    """The duty phone answered with its code: the alert stops and the concern is acknowledged, audited (S25)."""
    query = (
        select(alert.c.id, alert.c.concern_id, alert_phone.c.staff_id, number.c.code)
        .join(alert_phone, alert_phone.c.alert_id == alert.c.id)
        .join(number, number.c.id == alert_phone.c.number_id)
        .where(alert.c.ack_code == ack_code, alert_phone.c.number_id == number_id, alert.c.acknowledged_at.is_(None))
    )
    row = db.execute(query.order_by(alert.c.id).limit(1)).first()
    if row is None:
        return False
    # The audit's lock comes before the outbox rows, as in the fence: two that wait for each other would both wait in vain.
    context.record(db, row.code, "concern.acknowledge", _code_of(db, row.concern_id))
    stop_alerts(db, row.concern_id, now, row.code)
    concerns.change(db, row.concern_id, state="acknowledged", acknowledged_at=now, owner_id=row.staff_id)
    return True


def stop_alerts(db: Connection, concern_id: int, now: datetime, by: str) -> None:
    """End the repeats of a concern's alert; texts still queued are cancelled."""
    ids = db.execute(select(alert.c.id).where(alert.c.concern_id == concern_id, alert.c.acknowledged_at.is_(None))).scalars().all()
    if ids:
        db.execute(alert.update().where(alert.c.id.in_(ids)).values(acknowledged_at=now, acknowledged_by=by))
        cancel_queued(db, now, "acknowledged", outbox.c.alert_id.in_(ids))


def _code_of(db: Connection, concern_id: int) -> str:
    return str(db.execute(select(concern.c.code).where(concern.c.id == concern_id)).scalar_one())
