"""Taking the steps of waiting texts: some in one transaction, each under its number's lock and in its number's order (I2, I4)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from sms_service.database import is_held, wait_at_most
from sms_service.models import inbound, numbers, outbox
from sms_service.rules.caps import reply_capped
from sms_service.rules.sending import lane_of
from sms_service.text.phone import is_rwandan_mobile
from sms_service.usecases.answer_text import Said, answer_text, coded, fetched_from_before
from sms_service.usecases.compose import Outgoing, index_texts, queue_texts
from sms_service.usecases.context import Context
from sms_service.usecases.inbound_facts import REPEAT_WINDOW, OfNumber, gather
from sms_service.usecases.raise_concern import About, acknowledge_by_code, raise_concern

TEXTS_A_ROUND = 16  # a round holds as many numbers, on SQLite the file: some 50 ms, so that a dial meanwhile is answered
MOST_FAILS = 3
WAIT_MS = 500  # for a row that somebody holds; the drain goes on with others and comes back (F13)
MOST_CODES = 3
_FOUR_DIGITS = re.compile(r"(?<![0-9])[0-9]{4}(?![0-9])", re.ASCII)
LIFE = {"V10": timedelta(hours=24), "V12": timedelta(hours=24), "V11": timedelta(days=7)}
SHORT_LIFE = timedelta(hours=1)


@dataclass(slots=True)
class Round:
    """What one transaction took and did, in texts, and the numbers that somebody holds or whose text failed."""

    taken: int = 0
    done: int = 0
    held: set[int] = field(default_factory=set)
    failed: set[int] = field(default_factory=set)


def process_waiting(context: Context, *, older_than: timedelta = timedelta(), but: Collection[int] = ()) -> Round:
    """Take the next waiting texts, oldest first, but for these numbers: all in one transaction, or one by one when that fails.

    Two processes never take the same text, and none waits for a number that somebody holds. A text that fails three times becomes
    ``needs_person``, is shown to staff at once and stops blocking its number. Raises the database's own fault when it is away:
    that is no fault of a text, and is not counted against it.
    """
    claimed: dict[int, int] = {}

    def together(db: Connection) -> Round:
        claimed.clear()
        now = context.now(db)
        claimed.update(inbound.claim(db, TEXTS_A_ROUND, now - older_than, but))
        return _take(context, db, claimed, now) if claimed else Round()

    try:
        return context.database.run(together)
    except (InterfaceError, PoolTimeout):
        raise
    except OperationalError as fault:
        if not is_held(fault):
            raise
    except Exception:
        if not claimed:
            raise
    return _one_by_one(context, dict(claimed))


def _one_by_one(context: Context, claimed: Mapping[int, int]) -> Round:
    """Each of these texts in a transaction of its own: one that cannot be taken now keeps none of the others waiting."""
    whole = Round(len(claimed))
    for inbound_id, number_id in sorted(claimed.items()):
        if number_id in whole.failed | whole.held:
            continue
        try:
            one = _alone(context, inbound_id, number_id)
            whole.done += one.done
            whole.held |= one.held
        except OperationalError as fault:
            if not is_held(fault):
                raise
            whole.held.add(number_id)
        except (InterfaceError, PoolTimeout):
            raise
        except Exception:
            if not _count_failure(context, inbound_id):
                whole.failed.add(number_id)
    return whole


def _alone(context: Context, inbound_id: int, number_id: int) -> Round:
    return context.database.run(lambda db: _take(context, db, {inbound_id: number_id}, context.now(db)))


def _take(context: Context, db: Connection, claimed: Mapping[int, int], now: datetime) -> Round:
    """Take the steps of claimed texts (by id their number's id): a wave for the first of each number, one for the second, and on.

    The rows are read again under their numbers' locks: whatever another process did with them is seen (I2, I4).
    """
    wait_at_most(db, WAIT_MS)
    held = numbers.lock_free(db, claimed.values())
    texts = inbound.first_in_line(db, [one for one, number_id in claimed.items() if number_id in held], held)
    done: dict[int, dict[str, Any]] = {}
    waves: list[list[Row[Any]]] = []
    for text in texts:
        place = sum(any(text.number_id == other.number_id for other in wave) for wave in waves)
        if place == len(waves):
            waves.append([])
        waves[place].append(text)
    for place, wave in enumerate(waves):
        if place:
            held = numbers.lock_free(db, [text.number_id for text in wave])
        done |= _wave(context, db, wave, held, now)
    return Round(len(claimed), len(done), set(claimed.values()) - {text.number_id for text in texts})


def _wave(
    context: Context, db: Connection, texts: Sequence[Row[Any]], held: Mapping[int, Row[Any]], now: datetime
) -> dict[int, dict[str, Any]]:
    """Read, answer and mark as done one text of each number; returns what was written of each."""
    facts = gather(db, texts, held, now)
    done: dict[int, dict[str, Any]] = {}
    said: dict[int, Said] = {}
    searchable: dict[bytes, str] = {}
    for row in texts:
        found = facts[row.number_id]
        text = context.vault.open("inbound", "body", row.id, row.body)
        if row.alert == "none":
            searchable[row.text_hash] = text
        values = dict.fromkeys(("intent", "value", "rule", "confidence", "dialogue_id", "repeat_of"))
        repeats = _repeats(db, row, found)
        if repeats is not None:
            values |= {"repeat_of": repeats, "rule": "repeat"}
        elif any(acknowledge_by_code(context, db, found.row.id, code, now) for code in _FOUR_DIGITS.findall(text)[:MOST_CODES]):
            values |= {"intent": "answer", "rule": "alert_code"}
        else:
            answer = said[row.id] = answer_text(context, db, row, text, found, now)
            reading = answer.reading
            values |= {"intent": reading.intent, "value": coded(reading), "rule": reading.rule[:60]}
            values |= {"confidence": reading.confidence, "dialogue_id": answer.dialogue_id}
        done[row.id] = values
    inbound.mark_done(db, done, now)
    index_texts(context, db, searchable)
    numbers.note(db, [row.number_id for row in texts if row.id in said], last_inbound_at=now)
    numbers.note(db, [row.number_id for row in texts if row.id in said and said[row.id].template == "V14"], last_v14_at=now)
    _queue_replies(context, db, [(row, facts[row.number_id], said[row.id]) for row in texts if row.id in said], now)
    return done


def _repeats(db: Connection, row: Row[Any], found: OfNumber) -> int | None:
    """The earlier text of which this one is only a repeat (I3, S42); None for a new word."""
    earlier, number = found.earlier, found.row
    if earlier is None or fetched_from_before(earlier, row.received_at - REPEAT_WINDOW):
        return None  # it came in a moment ago and was written hours ago
    if number.stopped_at is not None and number.stopped_at > earlier.received_at and not row.is_stop:
        return None  # a START that follows a stop is no repeat of the START before it: the person would stay stopped (S19)
    return None if outbox.question_since(db, number.id, earlier.received_at) else int(earlier.id)


def _queue_replies(context: Context, db: Connection, answered: Sequence[tuple[Row[Any], OfNumber, Said]], now: datetime) -> None:
    """Queue the one reply of each, within the caps that keep a flood from costing or showing anything (T6); V11 is exempt."""
    answered = [one for one in answered if one[2].body]
    before = outbox.replies_since(db, [found.row.id for _, found, said in answered if not said.urgent], now)
    texts = []
    for row, found, said in answered:
        number, contacts = found.row, found.contacts
        if not said.urgent and reply_capped(*before.get(number.id, (0, 0)), context.caps):
            continue
        if not context.caps.foreign_replies and not is_rwandan_mobile(numbers.reveal(context.vault, number)):
            continue
        texts.append(
            Outgoing(
                key=f"reply:{row.id}:1",
                number_id=number.id,
                language=context.language_for(number.language, *(one.person_language for one in contacts[:1])),
                template=said.template,
                kind="reply",
                text_class=said.text_class,
                lane=lane_of("reply", "V11" if said.urgent else ""),
                body=said.body,
                not_before=now,
                expires_at=now + LIFE.get(said.template, SHORT_LIFE),
                person_id=contacts[0].person_id if len(contacts) == 1 else None,
                inbound_id=row.id,
                dialogue_id=said.dialogue_id,
            )
        )
    if texts:
        queue_texts(context, db, texts, now)


def _count_failure(context: Context, inbound_id: int) -> bool:
    """Count a failed step in its own transaction; after three the row waits for a person and no longer blocks its number."""
    with context.database.begin() as db:
        row = inbound.get(db, inbound_id)
        if row is None or row.state != "new":
            return True
        if row.fails + 1 < MOST_FAILS:
            inbound.change(db, inbound_id, fails=row.fails + 1)
            return False
        now = context.now(db)
        inbound.change(db, inbound_id, fails=row.fails + 1, state="needs_person", processed_at=now)
        if row.alert == "none":
            index_texts(context, db, {row.text_hash: context.vault.open("inbound", "body", row.id, row.body)})
        raise_concern(context, db, About(kind="needs_person", number_id=row.number_id, inbound_id=row.id), now)
        return True
