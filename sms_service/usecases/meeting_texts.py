"""The texts about a meeting: its reminders (V3, V3b), its moves and cancellations (V4), each phone in its own hours (S39)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from sms_service import clock
from sms_service.models import dialogues, groups, meetings, pauses, people, schedules
from sms_service.models.dialogues import dialogue
from sms_service.models.meetings import meeting as meeting_table
from sms_service.models.outbox import cancel_queued, outbox
from sms_service.rules.audience import invited
from sms_service.rules.timing import PauseWindow, first_text_at, next_allowed, reminder_times
from sms_service.usecases.compose import LANE_REMINDER, Kind, Outgoing, queue_texts
from sms_service.usecases.context import Context
from sms_service.usecases.facts import day_and_time
from sms_service.usecases.fence_facts import hours_of, windows_for
from sms_service.usecases.open_dialogue import Questions, asked_again
from sms_service.usecases.raise_concern import About, raise_concern

NO_FIRST_MINUTE = "no allowed minute from ten to two days before"
"""Why a phone gets no two-day reminder: known from its hours and the pauses alone, so no row is ever written."""


def queue_reminder(
    context: Context,
    db: Connection,
    meeting: Row[Any],
    *,
    kind: str,
    now: datetime,
    key: str = "",
    only: int | None = None,
    skip: Collection[int] = (),
) -> list[datetime]:
    """Queue V3 or V3b to every phone of the meeting's audience, keyed ``<key>:<number row id>``; returns when each leaves.

    ``kind``: reminder_two_day, reminder_morning, or ``remind`` (now, by a facilitator; its key is the meeting and local day).
    A phone of one person that is her own is asked; any other gets V3b, once a number and addressed to nobody (S9). After a "no"
    there is no second reminder, after an answer no second question. ``only``: this number row's phone and no other; ``skip``:
    number rows whose phones are left out.
    """
    key = key or f"remind:{meeting.id}:{clock.local(now).date().isoformat()}"
    windows = windows_for(meeting.group_id, pauses.active(db, clock.local(now).date()))
    answers = dialogues.answers_to(db, "coming", meeting.id)
    asked = _asked(db, meeting.id)
    questions = Questions(context, db, now)
    texts: list[Outgoing] = []
    for contacts, everyone in phones_of_meeting(db, meeting):
        first = contacts[0]
        if only not in (None, first.number_id) or first.number_id in skip:
            continue
        alone = len(everyone) == 1 and first.ownership == "own"
        if not agreed_to_reminders(contacts):
            continue
        said = answers.get(first.person_id) if alone else None
        if said == "no":
            continue
        leaves = _reminder_moment(meeting, kind, now, everyone, windows)
        if leaves is None:
            continue
        values = day_and_time(meeting.starts_at)
        language = context.language_for(first.number_language, first.person_language)
        dialogue_id, template = None, "V3b"
        if alone and said is None and questions.speaks("reminder", language):
            template, before = "V3", asked.get(first.person_id)
            if before is not None:  # the question still open is asked again (its one repeat)
                dialogue_id, body = before.id, asked_again(context, db, before, language)
            else:
                dialogue_id, body = questions.begin(
                    "reminder",
                    values,
                    number_id=first.number_id,
                    person_id=first.person_id,
                    language=language,
                    meeting_id=meeting.id,
                    meeting_starts_at=meeting.starts_at,
                )
        else:
            body = context.words.text(language, "reminder_plain", values)
        texts.append(about_meeting(key, meeting, first, alone, language, template, body, leaves, meeting.starts_at, dialogue_id))
    questions.store()
    queue_texts(context, db, texts, now)
    return [one.not_before for one in texts]


def agreed_to_reminders(contacts: Sequence[Row[Any]]) -> bool:
    """Whether anyone invited on a phone agreed to reminders, and on an own phone also there (S16)."""
    return any(one.may_remind and (one.ownership != "own" or one.opted_in_at) for one in contacts)


def has_no_first_minute(meeting: Row[Any], everyone: Sequence[Row[Any]], windows: Sequence[PauseWindow]) -> bool:
    """Whether a phone, by everyone on it, cannot get the meeting's two-day reminder (S39)."""
    return first_text_at(meeting.starts_at, hours_of(everyone), windows) is None


def _reminder_moment(
    meeting: Row[Any], kind: str, now: datetime, contacts: Sequence[Row[Any]], windows: Sequence[PauseWindow]
) -> datetime | None:
    hours = hours_of(contacts)
    if kind == "remind":
        return next_allowed(now, hours, windows, meeting.starts_at)
    two_day, morning = reminder_times(meeting.starts_at, now, hours, windows)
    return two_day if kind == "reminder_two_day" else morning


def _asked(db: Connection, meeting_id: int) -> dict[int, Row[Any]]:
    """The reminder's question that is still open, by person; the latest of each."""
    query = select(dialogue).where(
        dialogue.c.meeting_id == meeting_id,
        dialogue.c.person_id.is_not(None),
        dialogue.c.conversation == "reminder",
        dialogue.c.state.in_(("waiting", "open")),
    )
    return {row.person_id: row for row in db.execute(query.order_by(dialogue.c.id))}


def phones_of_meeting(db: Connection, meeting: Row[Any]) -> list[tuple[list[Row[Any]], list[Row[Any]]]]:
    """Each phone of the meeting's audience: the invited people on it, and everyone on it."""
    members = {row.id: row for row in groups.members(db, meeting.group_id) if invited(meeting.audience, row.part, row.sex)}
    if not members:
        return []
    own = people.phones_of(db, members)
    by_number: dict[int, list[Row[Any]]] = {}
    ids = {contact.number_id for contact in own if contact.ownership != "none"}
    for contact in people.contact_points_of(db, ids):
        by_number.setdefault(contact.number_id, []).append(contact)
    pairs = []
    for everyone in by_number.values():
        invited_here = [one for one in everyone if one.person_id in members and one.ownership != "none"]
        if invited_here:
            pairs.append((invited_here, everyone))
    return pairs


def follow_answer(context: Context, db: Connection, meeting_id: int, number_id: int, *, coming: bool, now: datetime) -> None:
    """Bring reminders that are already queued into line with an answer: none after a "no", no second question after any other (V3).

    The morning text may be planned two days ahead, because each phone has its own hours; the answer may come in between.
    """
    rows = outbox.c
    mine = (rows.meeting_id == meeting_id, rows.number_id == number_id, rows.kind == "scheduled")
    texts: list[Outgoing] = []
    if coming:
        asked = db.execute(select(outbox).where(*mine, rows.template == "V3", rows.state == "queued")).all()
        starts_at = db.execute(select(meeting_table.c.starts_at).where(meeting_table.c.id == meeting_id)).scalar_one()
        for row in asked:
            texts.append(
                Outgoing(
                    key=f"{row.key}:plain",
                    number_id=number_id,
                    language=row.language,
                    template="V3b",
                    kind="scheduled",
                    text_class="A",
                    lane=LANE_REMINDER,
                    body=context.words.text(row.language, "reminder_plain", day_and_time(starts_at)),
                    not_before=row.not_before,
                    expires_at=row.expires_at,
                    person_id=row.person_id,
                    group_id=row.group_id,
                    meeting_id=meeting_id,
                )
            )
    cancel_queued(db, now, "answered", *mine, rows.template.in_(("V3",) if coming else ("V3", "V3b")))
    queue_texts(context, db, texts, now)


def catch_up(context: Context, db: Connection, number_id: int, now: datetime) -> None:
    """Queue the reminders that fired before this number could have them: after its opt-in, or a start that ends a stop.

    Occurrences fire days before their texts leave; a text still to come whose row was never made, or was cancelled by a stop, is
    made now. Rows that left, or wait, stay as they are (I7, I12).
    """
    people_here = [one.person_id for one in people.contact_points_of(db, [number_id])]
    joined = select(groups.membership.c.group_id).where(
        groups.membership.c.person_id.in_(people_here), groups.membership.c.left_at.is_(None)
    )
    fired = schedules.occurrence.c
    query = select(schedules.occurrence).where(
        fired.group_id.in_(joined),
        fired.kind.in_(("reminder_two_day", "reminder_morning")),
        fired.state == "fired",
        fired.expires_at > now,
    )
    for row in db.execute(query.order_by(fired.due_at)).all():
        key = f"occ:{row.id}"
        before = db.execute(select(outbox.c.state, outbox.c.reason).where(outbox.c.key == f"{key}:{number_id}")).first()
        if before is not None and (before.state, before.reason) != ("cancelled", "stopped"):
            continue
        meeting = meetings.get(db, row.meeting_id)
        if meeting is not None and meeting.state in meetings.OPEN:
            again = key if before is None else f"{key}:{int(now.timestamp())}"
            queue_reminder(context, db, meeting, kind=row.kind, now=now, key=again, only=number_id)


def about_meeting(
    key: str,
    meeting: Row[Any],
    contact: Any,
    alone: bool,
    language: str,
    template: str,
    body: str,
    leaves: datetime,
    expires_at: datetime,
    dialogue_id: int | None,
    kind: Kind = "scheduled",
    text_class: str = "A",
) -> Outgoing:
    return Outgoing(
        key=f"{key}:{contact.number_id}",
        number_id=contact.number_id,
        language=language,
        template=template,
        kind=kind,
        text_class=text_class,
        lane=LANE_REMINDER,
        body=body,
        not_before=leaves,
        expires_at=expires_at,
        person_id=contact.person_id if alone else None,
        group_id=meeting.group_id,
        meeting_id=meeting.id,
        dialogue_id=dialogue_id,
    )


def v4_key(meeting_id: int, new_start: datetime) -> str:
    """The beginning of the outbox keys of every V4 that announces this date of this meeting."""
    return f"v4:{meeting_id}:{int(new_start.timestamp())}:"


def queue_v4(context: Context, db: Connection, meeting: Row[Any], *, old_start: datetime, cancelled: bool, now: datetime) -> int:
    """Tell the audience that a meeting has moved or will not take place; returns how many texts were queued.

    V4 obeys quiet hours and is exempt from the weekly cap; when no allowed minute is left before the old start, the
    facilitator gets a call task instead.
    """
    windows = windows_for(meeting.group_id, pauses.active(db, clock.local(now).date()))
    questions = Questions(context, db, now)
    old_day = day_and_time(old_start)["day"]
    new = day_and_time(meeting.starts_at)
    texts: list[Outgoing] = []
    for contacts, everyone in phones_of_meeting(db, meeting):
        first = contacts[0]
        if not any(one.may_remind and (one.ownership != "own" or one.opted_in_at) for one in contacts):
            continue
        leaves = next_allowed(now, hours_of(everyone), windows, old_start, urgent=True)
        if leaves is None:
            about = About(kind="meeting_change_untold", number_id=first.number_id, group_id=meeting.group_id)
            raise_concern(context, db, about, now)
            continue
        alone = len(everyone) == 1 and first.ownership == "own"
        language = context.language_for(first.number_language, first.person_language)
        dialogue_id = None
        if cancelled:
            template, body = "cancelled", context.words.text(language, "cancelled", {"day": old_day})
        elif alone and questions.speaks("moved", language):
            template = "V4"
            dialogue_id, body = questions.begin(
                "moved",
                {"old_day": old_day, **new},
                number_id=first.number_id,
                person_id=first.person_id,
                language=language,
                meeting_id=meeting.id,
                meeting_starts_at=meeting.starts_at,
            )
        else:
            template, body = "V4b", context.words.text(language, "moved_plain", {"old_day": old_day, **new})
        key = f"{v4_key(meeting.id, meeting.starts_at)}{int(now.timestamp() * 1000)}"
        texts.append(about_meeting(key, meeting, first, alone, language, template, body, leaves, old_start, dialogue_id, kind="v4"))
    questions.store()
    return queue_texts(context, db, texts, now)
