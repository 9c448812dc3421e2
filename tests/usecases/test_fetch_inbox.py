"""After an outage: what the gateway's inbox holds is compared, listed, and brought in only by a person."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from sms_service.gateway.africastalking import InboxMessage
from sms_service.models import numbers, wall_clocks
from sms_service.models.inbound import inbound
from sms_service.usecases import fetch_inbox
from sms_service.usecases.faults import UseFault
from sms_service.usecases.remind_group import remind_group
from tests.service import Service
from tests.usecases.site import NOW, Site

PHONE = "+250788000001"


class Held:
    """A gateway's inbox, two texts a page."""

    def __init__(self) -> None:
        self.messages: list[InboxMessage] = []

    def add(self, text: str, sent: datetime | str, sender: str = PHONE) -> int:
        row_id = 15_000 + len(self.messages)
        date = sent if isinstance(sent, str) else sent.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        self.messages.append(InboxMessage(row_id, sender, "1234", text, date, ""))
        return row_id

    def fetch_inbox(self, last_id: int, *, deadline: float = 30.0) -> tuple[InboxMessage, ...]:
        return tuple([one for one in self.messages if one.inbox_id > last_id][:2])


@pytest.fixture
def site(service: Service) -> Site:
    made = Site.build(service.context)
    made.group()
    made.person()
    return made


def missing(service: Service, held: Held) -> list[int]:
    found = fetch_inbox.missing_texts(service.context, held, NOW - timedelta(hours=24))
    return [one.inbox_id for one in found]


@pytest.mark.parametrize(
    ("text", "minutes", "sender", "lacking"),
    [
        ("yego", 0, PHONE, False),
        ("yego", -1, PHONE, False),
        ("yego", 1, "0788 000 001", False),
        ("yego", 3, PHONE, True),
        ("yego.", 0, PHONE, True),
        ("yego", 0, "+250788000002", True),
        ("yego", 0, "MTN", True),
        ("yego", -25 * 60, PHONE, False),
    ],
)
def test_a_text_is_known_by_sender_words_and_time(
    service: Service, site: Site, text: str, minutes: int, sender: str, lacking: bool
) -> None:
    """F33: two minutes either way; what is older than asked for is not listed."""
    service.text(PHONE, "yego")
    held = Held()
    held.add(text, NOW + timedelta(minutes=minutes), sender)
    assert bool(missing(service, held)) is lacking


def test_a_text_without_a_readable_time_is_listed_unless_its_words_are_here(service: Service, site: Site) -> None:
    service.text(PHONE, "yego")
    held = Held()
    held.add("yego", "yesterday")
    other = held.add("oya", "yesterday")
    assert missing(service, held) == [other]


def test_texts_brought_in_are_stored_once_and_read_like_any_other(service: Service, site: Site) -> None:
    """I1, I2, S17: a stop from the night stops; a second run finds nothing; the act is in the audit."""
    held = Held()
    held.add("murakoze", NOW - timedelta(hours=9))
    stop = held.add("STOP", NOW - timedelta(hours=8))
    since = NOW - timedelta(hours=24)
    texts = fetch_inbox.missing_texts(service.context, held, since)
    assert fetch_inbox.bring_in(service.context, texts, [stop], since, "command") == 1
    service.work()
    assert [text for _, text, _ in service.gateway.sent if text.startswith("Servas: byahagaritswe")]
    with service.context.database.begin() as db:
        row = numbers.find(db, service.context.vault, PHONE)
        assert row is not None
        assert row.stopped_at is not None
    texts = fetch_inbox.missing_texts(service.context, held, since)
    assert len(texts) == 1
    assert fetch_inbox.bring_in(service.context, texts, [], since, "command") == 1
    assert fetch_inbox.bring_in(service.context, texts, [], since, "command") == 0
    assert missing(service, held) == []


@pytest.mark.parametrize(
    ("sent", "stopped"),
    [(NOW - timedelta(hours=6), True), ("yesterday", True), (NOW + timedelta(minutes=5), False)],
    ids=["before the stop", "nobody knows when", "after the stop"],
)
def test_a_start_from_before_the_stop_starts_nothing(service: Service, site: Site, sent: datetime | str, stopped: bool) -> None:
    """I6, S17, S19: START was lost in the outage, STOP came through afterwards; fetching the START must not undo the stop."""
    service.text(PHONE, "STOP")
    service.work()
    before = len(service.gateway.sent)
    held = Held()
    held.add("START", sent)
    since = NOW - timedelta(hours=24)
    assert fetch_inbox.bring_in(service.context, fetch_inbox.missing_texts(service.context, held, since), [], since, "command") == 1
    service.work()
    with service.context.database.begin() as db:
        row = numbers.find(db, service.context.vault, PHONE)
        assert row is not None
        assert (row.stopped_at is not None) is stopped
    assert (len(service.gateway.sent) == before) is stopped


def test_only_what_is_listed_can_be_brought_in(service: Service, site: Site) -> None:
    held = Held()
    held.add("yego", NOW)
    texts = fetch_inbox.missing_texts(service.context, held, NOW - timedelta(hours=1))
    with pytest.raises(UseFault, match="15999"):
        fetch_inbox.bring_in(service.context, texts, [15_999], NOW, "command")
    with service.context.database.begin() as db:
        assert db.execute(select(inbound.c.id)).first() is None


def test_a_digit_from_before_the_open_question_answers_nothing(service: Service, site: Site) -> None:
    """F33: asked today, answered `1` yesterday to something else: kept, with no answer recorded and no reply."""
    remind_group(service.context, "G07", "command")
    service.work()
    asked = len(service.gateway.sent)
    assert "1 = Yego" in service.gateway.sent[-1][1]
    held = Held()
    held.add("1", NOW - timedelta(hours=6))
    since = NOW - timedelta(hours=24)
    fetch_inbox.bring_in(service.context, fetch_inbox.missing_texts(service.context, held, since), [], since, "command")
    service.work()
    with service.context.database.begin() as db:
        row = db.execute(select(inbound)).one()
    assert (row.state, row.dialogue_id, len(service.gateway.sent)) == ("done", None, asked)
    service.text(PHONE, "1")
    service.work()
    with service.context.database.begin() as db:
        assert db.execute(select(inbound.c.dialogue_id).order_by(inbound.c.id.desc())).scalars().first() is not None


def test_bringing_all_in_closes_the_outage(service: Service, site: Site) -> None:
    """I21: looked at from before its beginning; a single text brought in closes nothing."""
    with service.context.database.begin() as db:
        wall_clocks.note_outage(db, "web", NOW - timedelta(hours=30), NOW - timedelta(hours=1))
    since = fetch_inbox.since_when(service.context)
    assert since == NOW - timedelta(hours=30, minutes=10)
    held = Held()
    one = held.add("yego", NOW - timedelta(hours=20))
    held.add("oya", NOW - timedelta(hours=19))
    texts = fetch_inbox.missing_texts(service.context, held, since)
    for only, left in (([one], 1), ([], 0)):
        fetch_inbox.bring_in(service.context, texts, only, since, "command")
        with service.context.database.begin() as db:
            assert len(wall_clocks.unchecked_outages(db)) == left


def test_the_list_shows_no_words_and_three_digits(service: Service, site: Site) -> None:
    """I16: what a person decides by is when it was sent, how long it is and how the number ends."""
    held = Held()
    held.add("ndashaka kuvugana namwe", NOW)
    (one,) = fetch_inbox.missing_texts(service.context, held, NOW - timedelta(hours=1))
    shown = json.dumps([one.inbox_id, one.ending, one.length])
    assert shown == '[15000, "001", 23]'
