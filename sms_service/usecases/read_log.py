"""The conversation log: what came in and what went out, by code; flagged texts are held back (S31, S32).

Three kinds of row make one list, newest first: texts in, turns of a dial, texts out. Words are opened only for rows
that are shown, and never for a flagged one: those are opened one at a time, with a reason (``usecases.reveal``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, false, or_, select

from sms_service.clock import KIGALI
from sms_service.models import search
from sms_service.models.dialogues import dialogue
from sms_service.models.dials import dial, turn
from sms_service.models.groups import group, membership
from sms_service.models.inbound import inbound
from sms_service.models.numbers import number
from sms_service.models.outbox import outbox
from sms_service.models.people import contact_point, person
from sms_service.text.search_words import search_words
from sms_service.usecases.context import Context

Source = Literal["in", "dial", "out"]
SOURCES: Final[tuple[Source, ...]] = ("in", "dial", "out")
MOST_MATCHES: Final = 400
OVERLAP: Final = timedelta(seconds=90)


@dataclass(frozen=True, slots=True)
class Filter:
    """What to list; an empty field means any. Days are local to Kigali, both included."""

    person: str = ""
    group: str = ""
    channel: str = ""
    language: str = ""
    state: str = ""
    direction: str = ""
    first_day: date | None = None
    last_day: date | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the list: the time of a row and its id."""

    at: datetime
    id: int


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the log. ``words`` is None when held or when there are none; ``screen`` is what a dial showed,
    without the wire's word for going on or ending. ``leaves_at`` is when a queued text leaves at the earliest.

    ``pin`` is the verdict of a turn that was a PIN. ``people`` are the codes it may concern: one when it is known who,
    all of the number when it is not (S9).
    """

    source: Source
    id: int
    at: datetime
    number_id: int | None
    number_code: str
    people: tuple[str, ...]
    language: str
    state: str
    words: str | None
    screen: str
    held: bool
    pin: str
    intent: str
    value: str
    rule: str
    confidence: float | None
    template: str
    reason: str
    leaves_at: datetime | None
    dial_id: int | None

    @property
    def place(self) -> Place:
        return Place(self.at, self.id)


def page(
    context: Context,
    db: Connection,
    wanted: Filter,
    *,
    limit: int,
    before: Place | None = None,
    after: Place | None = None,
) -> list[Line]:
    """At most ``limit`` rows, newest first: older than ``before``, or for a live list from shortly before ``after`` on."""
    rows: list[tuple[Source, Row[Any]]] = []
    for source in _sources(wanted):
        query = _matching(_query(source), source, wanted)
        when, row_id = _columns(source)
        if before is not None:
            query = query.where(or_(when < before.at, and_(when == before.at, row_id < before.id)))
        if after is not None:
            query = query.where(when > after.at - OVERLAP)
        found = db.execute(query.order_by(when.desc(), row_id.desc()).limit(limit)).all()
        rows += [(source, row) for row in found]
    rows.sort(key=lambda one: (one[1].at, one[1].id), reverse=True)
    return _lines(context, db, rows[:limit])


def find_words(context: Context, db: Connection, wanted: Filter, text: str, *, limit: int) -> list[Line]:
    """Rows whose words hold every word of ``text``, newest first; flagged texts are not in the index (T13).

    The index keeps truncated keyed hashes: what it offers is opened and compared, so that a collision shows nothing.
    """
    words = search_words(text)
    hashes = search.texts_with(db, [context.vault.word_hash(word) for word in words], MOST_MATCHES)
    if not hashes:
        return []
    rows: list[tuple[Source, Row[Any]]] = []
    for source in _sources(wanted):
        query = _matching(_query(source), source, wanted).where(_hash_column(source).in_(hashes))
        if source != "out":
            query = query.where((inbound if source == "in" else turn).c.alert == "none")
        when, row_id = _columns(source)
        rows += [(source, row) for row in db.execute(query.order_by(when.desc(), row_id.desc()).limit(limit)).all()]
    rows.sort(key=lambda one: (one[1].at, one[1].id), reverse=True)
    asked = set(words)
    lines = _lines(context, db, rows)
    return [line for line in lines if line.words is not None and asked <= set(search_words(line.words))][:limit]


def states() -> tuple[str, ...]:
    """Every state the log can be filtered by."""
    from_outbox = ("queued", "accepted", "delivered", "unknown", "failed", "refused", "expired", "cancelled", "suppressed")
    return ("new", "done", "needs_person", *from_outbox, "given_up")


def _sources(wanted: Filter) -> Sequence[Source]:
    if wanted.direction == "out":
        return () if wanted.channel == "ussd" else ("out",)
    by_channel: dict[str, tuple[Source, ...]] = {"ussd": ("dial",), "sms": ("in",)}
    incoming = by_channel.get(wanted.channel, ("in", "dial"))
    return incoming if wanted.direction == "in" or wanted.channel == "ussd" else (*incoming, "out")


def _query(source: Source) -> Select[Any]:
    if source == "in":
        query = select(
            inbound,
            inbound.c.received_at.label("at"),
            dialogue.c.person_id,
            person.c.code.label("person_code"),
            number.c.code.label("number_code"),
            number.c.language,
        )
        joined = query.outerjoin(number, number.c.id == inbound.c.number_id)
        joined = joined.outerjoin(dialogue, dialogue.c.id == inbound.c.dialogue_id)
        return joined.outerjoin(person, person.c.id == dialogue.c.person_id)
    table = turn if source == "dial" else outbox
    when = turn.c.at if source == "dial" else outbox.c.shown_at.label("at")
    language = [dial.c.language, dial.c.state.label("dial_state")] if source == "dial" else []
    columns = [table, when] if source == "out" else [table]
    query = select(*columns, person.c.code.label("person_code"), number.c.code.label("number_code"), *language)
    if source == "dial":
        query = query.join(dial, dial.c.id == turn.c.dial_id)
    return query.join(number, number.c.id == table.c.number_id).outerjoin(person, person.c.id == table.c.person_id)


def _columns(source: Source) -> tuple[Any, Any]:
    return {
        "in": (inbound.c.received_at, inbound.c.id),
        "dial": (turn.c.at, turn.c.id),
        "out": (outbox.c.shown_at, outbox.c.id),
    }[source]


def _hash_column(source: Source) -> Any:
    return {"in": inbound.c.text_hash, "dial": turn.c.typed_hash, "out": outbox.c.body_hash}[source]


def _matching(query: Select[Any], source: Source, wanted: Filter) -> Select[Any]:
    when, _ = _columns(source)
    table = {"in": inbound, "dial": turn, "out": outbox}[source]
    if wanted.person:
        chosen = select(person.c.id).where(person.c.code == wanted.person)
        query = query.where(_about(source, table, chosen))
    if wanted.group:
        members = (
            select(membership.c.person_id)
            .join(group, group.c.id == membership.c.group_id)
            .where(group.c.code == wanted.group, membership.c.left_at.is_(None))
        )
        query = query.where(_about(source, table, members))
    if wanted.language:
        said = {"in": number.c.language, "dial": dial.c.language, "out": outbox.c.language}[source]
        query = query.where(said == wanted.language)
    if wanted.state:
        query = query.where(_in_state(source, wanted.state))
    if wanted.first_day:
        query = query.where(when >= datetime.combine(wanted.first_day, time(), KIGALI))
    if wanted.last_day:
        query = query.where(when < datetime.combine(wanted.last_day + timedelta(days=1), time(), KIGALI))
    return query


def _about(source: Source, table: Any, people_ids: Select[Any]) -> ColumnElement[bool]:
    """Rows known to be these people's, and those on their numbers of which nobody knows whose they are (S9)."""
    known = dialogue.c.person_id if source == "in" else table.c.person_id
    theirs = select(contact_point.c.number_id).where(contact_point.c.person_id.in_(people_ids))
    return or_(known.in_(people_ids), and_(known.is_(None), table.c.number_id.in_(theirs)))


def _in_state(source: Source, state: str) -> ColumnElement[bool]:
    if source == "dial":
        return turn.c.id.is_not(None) if state == "done" else false()
    if source == "out" and state == "queued":
        return outbox.c.state.in_(("queued", "reserved", "calling"))
    return (inbound if source == "in" else outbox).c.state == state


def _lines(context: Context, db: Connection, rows: Sequence[tuple[Source, Row[Any]]]) -> list[Line]:
    wanted = {row.number_id for _, row in rows if row.person_code is None and row.number_id is not None}
    on_number: dict[int, list[str]] = {}
    if wanted:
        query = (
            select(contact_point.c.number_id, person.c.code)
            .join(person, person.c.id == contact_point.c.person_id)
            .where(contact_point.c.number_id.in_(wanted), contact_point.c.ended_at.is_(None))
            .order_by(person.c.code)
        )
        for number_id, code in db.execute(query):
            on_number.setdefault(number_id, []).append(code)
    return [_line(context, source, row, on_number) for source, row in rows]


def _line(context: Context, source: Source, row: Row[Any], on_number: dict[int, list[str]]) -> Line:
    vault = context.vault
    outgoing = source == "out"
    held = not outgoing and row.alert != "none"
    words: str | None = None
    screen = pin = ""
    if source == "dial":
        screen = vault.open("turn", "screen", row.id, row.screen).removeprefix("CON ").removeprefix("END ")
        if row.event.get("kind") == "PinChecked":
            pin = str(row.event.get("verdict", ""))
        elif not held and row.typed is not None:
            words = vault.open("turn", "typed", row.id, row.typed)
    elif outgoing:
        # An alert carries the code that acknowledges it: nobody reads that off the log.
        words = None if row.kind == "alert" else vault.open("outbox", "body", row.id, row.body)
    elif not held:
        words = vault.open("inbound", "body", row.id, row.body)
    codes = (row.person_code,) if row.person_code else tuple(on_number.get(row.number_id, ()))
    return Line(
        source=source,
        id=row.id,
        at=row.at,
        number_id=row.number_id,
        number_code=row.number_code or "",
        people=codes,
        language=row.language or "",
        state=row.state if source != "dial" else "done",
        words=words,
        screen=screen,
        held=held,
        pin=pin,
        intent="" if outgoing or pin or held else row.intent or "",
        value="" if outgoing or pin or held else row.value or "",
        rule="" if outgoing or held else row.rule or "",
        confidence=row.confidence if source == "in" and not held else None,
        template=row.template if outgoing else "",
        reason=(row.reason or "") if outgoing else "",
        leaves_at=row.not_before if outgoing and row.state == "queued" else None,
        dial_id=row.dial_id if source == "dial" else None,
    )
