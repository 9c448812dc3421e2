"""Callback bodies as the gateway, a sloppy client or an attacker may send them, with the status each deserves.

Rows are (name, kind, content type, body, expected status); kinds are sms, ussd, end, delivery, opt_out. The
statuses hold for the parser (200 = accepted) and over HTTP alike, so both tests use this table.
"""

from __future__ import annotations

from typing import NamedTuple

FORM = "application/x-www-form-urlencoded"


class Payload(NamedTuple):
    """One row of the table."""

    name: str
    kind: str
    content_type: str
    body: bytes
    expected_status: int


SMS = b"from=%2B250788123456&to=1234&text=Yego&id=0b7c2d6e-5a11-4f0e-9a53-0f6b1c1d2e3f&date=2026-03-02+06%3A15%3A09"
USSD = b"sessionId=ATUid_4c1e&serviceCode=%2A384%2A123%23&phoneNumber=%2B250788123456&networkCode=63510&text=1%2A2"
END = (
    b"date=2026-03-02+06%3A20%3A41&sessionId=ATUid_4c1e&serviceCode=%2A384%2A123%23&networkCode=63510"
    b"&phoneNumber=%2B250788123456&status=Incomplete&cost=RWF+0.00&durationInMillis=31250&hopsCount=2"
    b"&hopsMetadata=menu%7Clang&input=1&lastAppResponse=CON+Hitamo+ururimi"
)
DELIVERY = b"id=ATXid_9f3b&status=Success&phoneNumber=%2B250722000002&networkCode=63514&retryCount=0"
OPT_OUT = b"senderId=AMAHORO&phoneNumber=%2B250788123456"
GOOD = {"sms": SMS, "ussd": USSD, "end": END, "delivery": DELIVERY, "opt_out": OPT_OUT}

REQUIRED = {
    "sms": ("id", "from", "to", "text"),
    "ussd": ("sessionId", "phoneNumber"),
    "end": ("sessionId", "status"),
    "delivery": ("id", "status"),
    "opt_out": ("phoneNumber",),
}
IDENTIFIER = {"sms": "id", "ussd": "sessionId", "end": "sessionId", "delivery": "id"}
MAY_BE_EMPTY = {("sms", "text"), ("end", "status"), ("delivery", "status")}


def without(body: bytes, name: str) -> bytes:
    """``body`` without the field ``name``."""
    return b"&".join(pair for pair in body.split(b"&") if pair.partition(b"=")[0] != name.encode())


def changed(body: bytes, name: str, value: bytes) -> bytes:
    """``body`` with the field ``name`` set to the raw bytes ``value``."""
    return without(body, name) + b"&" + name.encode() + b"=" + value


def first_letter_encoded(name: str) -> bytes:
    """``name`` spelt with its first letter percent-encoded."""
    return f"%{ord(name[0]):02x}{name[1:]}".encode()


def _for_every_kind() -> list[Payload]:
    rows: list[Payload] = []
    for kind, body in GOOD.items():
        field = REQUIRED[kind][0].encode()
        value = next(pair for pair in body.split(b"&") if pair.startswith(field + b"="))

        def row(name: str, status: int, content: bytes = body, media: str = FORM, kind: str = kind) -> None:
            rows.append(Payload(f"{kind}: {name}", kind, media, content, status))

        row("as documented", 200)
        row("charset parameter (W2)", 200, media=FORM + "; charset=UTF-8")
        row("upper-case media type (W2)", 200, media=FORM.upper())
        row("json (W2)", 415, b'{"id":"1"}', "application/json")
        row("multipart (W2)", 415, media="multipart/form-data; boundary=x")
        row("no media type (W2)", 415, media="")
        row("plain text (W2)", 415, media="text/plain")
        row("empty body (W5)", 400, b"")
        row("only separators (W5)", 400, b"&&&=&=&")
        row("unknown extra fields (W6)", 200, body + b"&foo=1&foo=2&__proto__=x&%00=1")
        row("body at the limit (W3)", 200, body + b"&pad=" + b"x" * (65_536 - len(body) - 5))
        row("body over the limit (W3)", 413, body + b"&pad=" + b"x" * (65_537 - len(body) - 5))
        row("field twice, same value (W4)", 400, body + b"&" + value)
        row("field twice, once percent-encoded (W4)", 400, body + b"&" + first_letter_encoded(field.decode()) + b"=x")
        row("name percent-encoded once", 200, body.replace(field + b"=", first_letter_encoded(field.decode()) + b"=", 1))
        row("stray percent and bad UTF-8 in an unknown field (W10)", 200, body + b"&x=%&y=%zz&z=%ff\xff\xfe")
        for name in REQUIRED[kind]:
            row(f"{name} absent (W5)", 400, without(body, name))
            empty = 200 if (kind, name) in MAY_BE_EMPTY else 400
            row(f"{name} empty (W5)", empty, changed(body, name, b""))
        if kind in IDENTIFIER:
            name = IDENTIFIER[kind]
            row("identifier of 128 (W8)", 200, changed(body, name, b"x" * 128))
            row("identifier of 129 (W8)", 400, changed(body, name, b"x" * 129))
            row("identifier with a space (W8)", 400, changed(body, name, b"a+b"))
            row("identifier with a line break (W8)", 400, changed(body, name, b"a%0A"))
            row("identifier with NUL (W8)", 400, changed(body, name, b"a%00b"))
            row("identifier not ASCII (W8)", 400, changed(body, name, b"%C3%A9"))
            row("identifier raw bad byte (W8)", 400, changed(body, name, b"\xff"))
            row("identifier like a path (W8)", 200, changed(body, name, b"../../etc/passwd"))
            row("identifier like SQL (W8)", 200, changed(body, name, b"'--%3B"))
    return rows


PHONES: tuple[tuple[str, bytes, bool], ...] = (
    ("e164", b"%2B250788123456", True),
    ("raw plus", b"+250788123456", True),
    ("no plus", b"250788123456", True),
    ("local", b"0788123456", True),
    ("short local", b"788123456", True),
    ("double zero", b"00250788123456", True),
    ("spaced", b"%2B250+788-12.34(56)", True),
    ("foreign", b"%2B14155550123", True),
    ("network name", b"MTN", False),
    ("too short", b"12345", False),
    ("too long", b"%2B2507881234567890", False),
    ("Arabic digits", "\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668".encode(), False),
    ("line break", b"%2B250788123456%0A", False),
    ("markup", b"<script>", False),
    ("only spaces", b"+++", False),
    ("ten thousand digits", b"1" * 10_000, False),
)
"""(name, raw value, reads as a phone number). W9 decides what a bad one costs."""

PHONE_FIELD = {
    "sms": "from",
    "ussd": "phoneNumber",
    "end": "phoneNumber",
    "delivery": "phoneNumber",
    "opt_out": "phoneNumber",
}


def _phones() -> list[Payload]:
    return [
        Payload(
            f"{kind}: phone {name} (W9)",
            kind,
            FORM,
            changed(GOOD[kind], field, value),
            200 if good or kind in {"sms", "end", "delivery"} else 400,
        )
        for kind, field in PHONE_FIELD.items()
        for name, value, good in PHONES
    ]


def _by_kind() -> list[Payload]:
    rows: list[tuple[str, str, bytes, int]] = []
    texts = {
        "spaces only": b"+++",
        "ampersand and plus": b"a%26b%2Bc",
        "accents": b"%C3%A9%C3%A8%C3%A7",
        "emoji": b"%F0%9F%98%80",
        "raw UTF-8": "n\u2019umugore".encode(),
        "raw bad byte": b"abc\xffdef",
        "bad escapes": b"100%+%zz+%F",
        "encoded bad UTF-8": b"%ff%fe%80",
        "overlong encoding": b"%c0%af",
        "encoded surrogate": b"%ed%a0%80",
        "NUL and controls": b"a%00b%07c%1bd%7f",
        "line breaks and tab": b"a%0Ab%0D%0Ac%09d",
        "equals signs": b"a=b=c",
        "formula": b"%3D1%2B1",
        "template": b"%7B%7B7*7%7D%7D",
        "markup": b"<script>alert(1)</script>",
        "right-to-left mark": b"%E2%80%AEabc",
        "60,000 letters": b"a" * 60_000,
        "semicolons": b"a;b;c",
    }
    for kind in ("sms", "ussd"):
        rows += [(kind, f"text {name} (W10)", changed(GOOD[kind], "text", value), 200) for name, value in texts.items()]
        rows.append((kind, "text twice (W4)", GOOD[kind] + b"&text=x", 400))
        rows.append((kind, "text twice, once percent-encoded (W4)", GOOD[kind] + b"&%74ext=x", 400))
        rows.append((kind, "text given twice empty (W4)", changed(GOOD[kind], "text", b"") + b"&text=", 400))
    inputs = (b"", b"1", b"1*1", b"1*", b"1*2**3", b"****", b"%23", b"98", b"00", b"1%2A2%2A+7+%2A%C3%A9")
    rows += [("ussd", f"history {value!r}", changed(USSD, "text", value), 200) for value in inputs]
    rows.append(("ussd", "text absent (W5)", without(USSD, "text"), 200))
    rows.append(("ussd", "only the two required (W5)", b"sessionId=a&phoneNumber=0788123456", 200))
    dates = (
        b"2017-05-03T06:04:45Z",
        b"2018-09-12+06%3A04%3A45",
        b"2018-03-19T08:34:18.445Z",
        b"yesterday",
        b"",
        b"2018-02-30T00:00:00Z",
    )
    for kind in ("sms", "end"):
        rows += [(kind, f"date {value!r} (W7)", changed(GOOD[kind], "date", value), 200) for value in dates]
    rows.append(("sms", "optional fields present", SMS + b"&linkId=&cost=RWF+0.0000&networkCode=63510", 200))
    rows.append(("sms", "no date (W5)", without(SMS, "date"), 200))
    rows.append(("sms", "cost and network twice (W4)", SMS + b"&cost=1&cost=2", 400))
    statuses = (
        b"Sent",
        b"Submitted",
        b"Buffered",
        b"Failed",
        b"Rejected",
        b"Expired",
        b"AbsentSubscriber",
        b"Borked",
        b"%F0%9F%98%80",
    )
    rows += [("delivery", f"status {value!r} (W7)", changed(DELIVERY, "status", value), 200) for value in statuses]
    reasons = (b"UserInBlackList", b"UserInBlacklist", b"NotNetworkSubcriber", b"NotNetworkSubscriber", b"Brand+new")
    rows += [("delivery", f"reason {value!r} (W7)", DELIVERY + b"&failureReason=" + value, 200) for value in reasons]
    rows.append(("delivery", "id None (W13)", changed(DELIVERY, "id", b"None"), 200))
    rows.append(("delivery", "retry count not a number (W7)", changed(DELIVERY, "retryCount", b"-1e9"), 200))
    rows.append(("delivery", "no phone number", without(DELIVERY, "phoneNumber"), 200))
    rows.append(("end", "failed with an error message", changed(END, "status", b"Failed") + b"&errorMessage=bad", 200))
    rows.append(("end", "unknown status (W7)", changed(END, "status", b"Exploded"), 200))
    rows.append(
        (
            "end",
            "figures not numbers (W7)",
            changed(changed(END, "hopsCount", b"many"), "durationInMillis", b"1e99"),
            200,
        )
    )
    rows.append(("end", "only the two required (W5)", b"sessionId=a&status=Success", 200))
    rows.append(("opt_out", "sender missing", without(OPT_OUT, "senderId"), 200))
    rows.append(("opt_out", "sender unknown", changed(OPT_OUT, "senderId", b"OTHER"), 200))
    rows.append(("opt_out", "phone twice (W4)", OPT_OUT + b"&phoneNumber=%2B250788123456", 400))
    return [Payload(f"{kind}: {name}", kind, FORM, body, status) for kind, name, body, status in rows]


PAYLOADS: tuple[Payload, ...] = (*_for_every_kind(), *_phones(), *_by_kind())
