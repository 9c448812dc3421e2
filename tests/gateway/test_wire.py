"""Callbacks from raw bytes: the table of payloads, and what each field becomes (W2, W4-W10)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from time import perf_counter
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sms_service.gateway import wire
from sms_service.gateway.ussd_input import Newest, newest_input
from sms_service.gateway.wire import RawCallback, WireFault
from tests.gateway.payloads import DELIVERY, END, FORM, GOOD, PAYLOADS, PHONES, SMS, USSD, Payload, changed, without

READERS: dict[str, Callable[[RawCallback], object]] = {
    "sms": wire.read_sms,
    "ussd": wire.read_ussd,
    "end": wire.read_end,
    "delivery": wire.read_delivery,
    "opt_out": wire.read_opt_out,
}


def status_of(kind: str, raw: RawCallback) -> int:
    try:
        READERS[kind](raw)
    except WireFault as fault:
        return fault.status
    return 200


def sms(body: bytes) -> wire.InboundSms:
    return wire.read_sms(RawCallback(FORM, body))


@pytest.mark.parametrize("row", PAYLOADS, ids=lambda row: row.name)
def test_every_payload_gets_its_status(row: Payload) -> None:
    """W2, W3, W4, W5, W6, W7, W8, W9, W10, W13 as the row's name says."""
    assert status_of(row.kind, RawCallback(row.content_type, row.body)) == row.expected_status


def test_the_table_is_large_and_its_names_are_distinct() -> None:
    assert len(PAYLOADS) >= 120
    assert len({row.name for row in PAYLOADS}) == len(PAYLOADS)
    assert {row.kind for row in PAYLOADS} == set(READERS)


def test_inbound_sms_fields() -> None:
    read = sms(SMS + b"&linkId=L1&cost=RWF+0.0000&networkCode=63510")
    assert read == wire.InboundSms(
        provider_id="0b7c2d6e-5a11-4f0e-9a53-0f6b1c1d2e3f",
        sender="+250788123456",
        sender_raw="+250788123456",
        to="1234",
        text="Yego",
        date=datetime(2026, 3, 2, 6, 15, 9, tzinfo=UTC),
        link_id="L1",
        network_code="63510",
        cost="RWF 0.0000",
    )


@pytest.mark.parametrize(("name", "value", "good"), PHONES, ids=[row[0] for row in PHONES])
def test_a_sender_is_a_number_or_unattributed(name: str, value: bytes, good: bool) -> None:
    """W9: an odd sender is kept as it was written, with no number to answer to."""
    read = sms(changed(SMS, "from", value))
    assert (read.sender is not None) is good
    assert name == "foreign" or not good or read.sender == "+250788123456"
    assert 0 < len(read.sender_raw) <= wire.FIELD_LIMIT


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"1+%2B+1", "1 + 1"),
        (b"+Yego+", " Yego "),
        (b"a%00b%07c%7Fd%C2%85e", "abcde"),
        (b"a%0Ab%0Dc%09d", "a\nb\rc\td"),
        (b"100%", "100%"),
        (b"%zz%4", "%zz%4"),
        (b"a\xffb", "a\ufffdb"),
        (b"%ff", "\ufffd"),
        (b"a=b", "a=b"),
        ("n\u2019umugore".encode(), "n\u2019umugore"),
        (b"%F0%9F%98%80", "\U0001f600"),
    ],
)
def test_text_is_kept_as_decoded_without_controls(raw: bytes, expected: str) -> None:
    """W10."""
    assert sms(changed(SMS, "text", raw)).text == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"2017-05-03T06:04:45Z", datetime(2017, 5, 3, 6, 4, 45, tzinfo=UTC)),
        (b"2018-09-12 06:04:45", datetime(2018, 9, 12, 6, 4, 45, tzinfo=UTC)),
        (b"2018-03-19T08:34:18.445Z", datetime(2018, 3, 19, 8, 34, 18, 445000, tzinfo=UTC)),
        (b"2018-03-19T08:34:18%2B02:00", datetime(2018, 3, 19, 6, 34, 18, tzinfo=UTC)),
        (b"0001-01-01T00:00:00%2B23:00", None),
        (b"2018-02-30T00:00:00Z", None),
        (b"2018-W01-1", None),
        (b"20180319T083418Z", None),
        (b"soon", None),
    ],
)
def test_dates_of_every_format_seen(raw: bytes, expected: datetime | None) -> None:
    """W7: an unreadable date is no fault; the time of receipt serves."""
    assert sms(changed(SMS, "date", raw)).date == expected


def test_a_turn_and_its_history() -> None:
    read = wire.read_ussd(RawCallback(FORM, USSD))
    assert read == wire.UssdTurn("ATUid_4c1e", "*384*123#", "+250788123456", "63510", "1*2")
    assert wire.read_ussd(RawCallback(FORM, without(USSD, "text"))).text == ""
    assert wire.read_ussd(RawCallback(FORM, changed(USSD, "serviceCode", b"*384*123#"))).service_code == "*384*123#"


def test_what_was_typed_does_not_survive_the_end_event() -> None:
    """I16: the history, our last screen and the error text may hold a PIN."""
    body = changed(changed(END, "input", b"4*7391"), "lastAppResponse", b"CON+7391") + b"&errorMessage=7391"
    read = wire.read_end(RawCallback(FORM, body))
    assert "7391" not in repr(read)
    assert (read.status, read.hops, read.duration_ms, read.had_error) == ("Incomplete", 2, 31250, True)
    assert read.number == "+250788123456"


def test_a_report_keeps_words_it_does_not_know() -> None:
    """W7."""
    read = wire.read_delivery(RawCallback(FORM, changed(DELIVERY, "status", b"Borked") + b"&failureReason=New"))
    assert (read.status, read.failure_reason, read.retry_count) == ("Borked", "New", 0)
    assert wire.read_delivery(RawCallback(FORM, changed(DELIVERY, "retryCount", b"x"))).retry_count is None


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("ATXid_1", "ATXid_1"),
        ("None", None),
        ("none", None),
        ("null", None),
        ("", None),
        (None, None),
        (7, None),
        ("a b", None),
    ],
)
def test_the_word_none_is_no_id(raw: object, expected: str | None) -> None:
    assert wire.real_gateway_id(raw) == expected


@pytest.mark.parametrize("kind", sorted(READERS))
def test_a_fault_never_repeats_what_was_sent(kind: str) -> None:
    """I16: the reason may be logged and answered."""
    canary = b"CANARY%01"
    for body in (
        GOOD[kind] + b"&" + b"&".join(pair.partition(b"=")[0] + b"=" + canary for pair in GOOD[kind].split(b"&")),
        b"&".join(pair.partition(b"=")[0] + b"=" + canary for pair in GOOD[kind].split(b"&")),
    ):
        with pytest.raises(WireFault) as caught:
            READERS[kind](RawCallback(FORM, body))
        assert "CANARY" not in str(caught.value) + caught.value.reason


@pytest.mark.parametrize("kind", sorted(READERS))
@pytest.mark.parametrize("filler", [b"&", b"%74=&", b"=", b"%", b"text%", b"+", b"a=b&", b"%25", b"\xff"])
def test_64_kilobytes_of_anything_are_read_quickly(kind: str, filler: bytes) -> None:
    """I22: the bound is generous; a quadratic reader would need minutes."""
    body = (GOOD[kind] + b"&x=" + filler * 65_536)[:65_536]
    began = perf_counter()
    READERS[kind](RawCallback(FORM, body))
    assert perf_counter() - began < 2.0


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(sorted(READERS)),
    body=st.one_of(
        st.binary(max_size=400),
        st.lists(
            st.tuples(
                st.sampled_from(["id", "from", "to", "text", "date", "sessionId", "phoneNumber", "status", "retryCount"]),
                st.text(max_size=30),
            ),
            max_size=8,
        ).map(lambda pairs: urlencode(pairs, errors="replace").encode()),
    ),
    content_type=st.one_of(st.just(FORM), st.text(max_size=40)),
)
def test_any_bytes_are_read_or_refused(kind: str, body: bytes, content_type: str) -> None:
    """W10: nothing but a WireFault of 400 or 415 ever comes out."""
    assert status_of(kind, RawCallback(content_type, body)) in {200, 400, 415}


@settings(max_examples=100, deadline=None)
@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=200))
def test_a_well_encoded_text_comes_back_whole(text: str) -> None:
    """W10: nothing is trimmed or folded."""
    body = without(SMS, "text") + b"&" + urlencode({"text": text}).encode()
    assert sms(body).text == text


def hash_of(text: str) -> bytes:
    return sha256(b"test" + text.encode()).digest()


@pytest.mark.parametrize(
    ("previous", "text", "expected"),
    [
        ("", "", Newest("duplicate")),
        ("", "1", Newest("new", "1")),
        ("", "1*2", Newest("new", "1*2")),
        ("1", "1", Newest("duplicate")),
        ("1", "1*1", Newest("new", "1")),
        ("1", "1*", Newest("new", "")),
        ("1", "1*2**3", Newest("new", "2**3")),
        ("*", "****", Newest("new", "**")),
        ("1*", "1**", Newest("new", "")),
        ("1*2", "1", Newest("unknown")),
        ("1*2", "1*3", Newest("unknown")),
        ("1", "12", Newest("unknown")),
        ("1", "2*1", Newest("unknown")),
        ("1", "", Newest("reshow")),
        ("1*1", "1*1*#", Newest("new", "#")),
    ],
)
def test_newest_input(previous: str, text: str, expected: Newest) -> None:
    """I15: the history is a prefix, known only by its length and keyed hash."""
    assert newest_input(len(previous), hash_of(previous), text, hash_of) == expected


@settings(max_examples=100, deadline=None)
@given(inputs=st.lists(st.text(alphabet="0129*# a\u00e9", max_size=4), max_size=6))
def test_inputs_come_back_one_by_one(inputs: list[str]) -> None:
    """I15: joined by the gateway, taken off by us, asterisks and all."""
    history = ""
    for number, keyed in enumerate(inputs):
        text = f"{history}*{keyed}" if history else keyed
        found = newest_input(len(history), hash_of(history), text, hash_of)
        assert found == (Newest("new", keyed) if text else Newest("duplicate")), number
        assert not text or newest_input(len(text), hash_of(text), text, hash_of) == Newest("duplicate")
        history = text
