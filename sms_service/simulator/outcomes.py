"""Which number, and which switch, makes the simulated gateway behave in which way.

A number that ends in one of the four digits below misbehaves; every other number is accepted and delivered. The tables
are the documentation: ``--help`` and the handset page print them.
"""

from __future__ import annotations

from dataclasses import dataclass

STATUS_NAMES: dict[int, str] = {
    100: "Processed",
    101: "Success",
    102: "Success",
    401: "RiskHold",
    402: "InvalidSenderId",
    403: "InvalidPhoneNumber",
    404: "UnsupportedNumberType",
    405: "InsufficientBalance",
    406: "UserInBlacklist",
    407: "CouldNotRoute",
    409: "DoNotDisturbRejection",
    500: "InternalServerError",
    501: "GatewayError",
    502: "RejectedByGateway",
}


@dataclass(frozen=True, slots=True)
class RecipientOutcome:
    """What the send answer says of one recipient; ``with_id`` tells whether the gateway took the message."""

    code: int
    name: str
    with_id: bool


def refusal(code: int) -> RecipientOutcome:
    """A refused recipient with the string ``None`` as its id."""
    return RecipientOutcome(code, STATUS_NAMES[code], with_id=False)


BY_NUMBER_STATUS: dict[str, RecipientOutcome] = {
    "9100": RecipientOutcome(100, STATUS_NAMES[100], with_id=True),
    **{f"9{code}": refusal(code) for code in STATUS_NAMES if code > 400},
    "9590": RecipientOutcome(500, STATUS_NAMES[500], with_id=True),
    "9690": RecipientOutcome(690, "NotInTheContract", with_id=False),
    "9691": RecipientOutcome(691, "NotInTheContract", with_id=True),
}

# Each mode says what happens to a whole call. "Recorded" means the gateway took the message although the caller may not
# learn so: the case in which a blind resend reaches a person twice (I7, I9).
SEND_MODES: dict[str, str] = {
    "normal": "answers as the contract says",
    "500-before": "HTTP 500 with an empty body, nothing recorded",
    "500-after": "HTTP 500 with an empty body after recording",
    "429": "HTTP 429, nothing recorded",
    "429-retry-after": "HTTP 429 with Retry-After, nothing recorded",
    "hang": "recorded, then no answer until hang_ms is over",
    "hang-before": "no answer until hang_ms is over, nothing recorded",
    "drip": "recorded, then one byte of the answer every drip_ms",
    "reset-before": "connection reset, nothing recorded",
    "reset-after": "recorded, then connection reset",
    "reset-middle": "recorded, then connection reset in the middle of the answer",
    "redirect": "HTTP 302 to another path, nothing recorded",
    "json-charset": "the usual answer as application/json; charset=utf-8",
    "bad-json": "recorded, then JSON cut in half",
    "html": "recorded, then HTTP 200 with an HTML page",
    "list": "recorded, then HTTP 201 with []",
    "null": "recorded, then HTTP 201 with null",
    "huge": "recorded, then a 10 MB body",
    "utf-16": "recorded, then the usual answer in UTF-16",
    "empty-list": "InvalidSenderId with no recipients, nothing recorded",
    "partial": "of ten recipients six accepted, two refused (406), one refused (500), one taken but missing; shuffled",
    "shuffled": "recipients in another order",
    "missing": "the last recipient is taken but missing from the answer",
    "401": "wrong credentials, nothing recorded",
    "no-balance": "every recipient refused with InsufficientBalance",
}

BY_NUMBER_CALL: dict[str, str] = {
    "9020": "empty-list",
    "9021": "missing",
    "9022": "shuffled",
    "9029": "429",
    "9030": "429-retry-after",
    "9050": "500-before",
    "9051": "500-after",
    "9060": "hang",
    "9061": "hang-before",
    "9062": "drip",
    "9063": "reset-before",
    "9064": "reset-after",
    "9065": "reset-middle",
    "9070": "redirect",
    "9071": "json-charset",
    "9072": "bad-json",
    "9073": "html",
    "9074": "list",
    "9075": "null",
    "9076": "huge",
    "9077": "utf-16",
    "9081": "401",
}

# Modes in which the gateway has not taken the message when the call ends.
NOT_TAKEN = frozenset({"500-before", "429", "429-retry-after", "hang-before", "reset-before", "redirect", "empty-list", "401"})

BY_NUMBER_REPORTS: dict[str, str] = {
    "9300": "none",
    "9301": "delayed",
    "9302": "shuffled",
    "9303": "duplicated",
    "9304": "before",
    "9305": "unknown-status",
    "9306": "misspelt",
    "9307": "unknown-id",
    "9308": "blacklisted",
    "9309": "rejected",
    "9310": "expired",
    "9311": "absent",
    "9312": "absent-then-success",
    "9313": "none-id",
    "9314": "failed-then-success",
    "9315": "failed",
    "9316": "success-then-failed",
    "9317": "full",
}


def suffix(number: str) -> str:
    """The last four digits of a number, the key of every table here."""
    return number[-4:]


def network_of(number: str) -> str:
    """The network code a Rwandan number is given here (contract section 12); others are the sandbox's ``99999``."""
    start = number[:6]
    if start in {"+25078", "+25079"}:
        return "63510"
    if start in {"+25072", "+25073"}:
        return "63514"
    return "99999"


NETWORK_NAMES = {"63510": "MTN", "63514": "Airtel", "63513": "Tigo", "99999": "Sandbox"}


def table() -> list[tuple[str, str]]:
    """Every special ending with what it does, for ``--help`` and the handset page."""
    rows = [
        (ending, f"{what.code} {what.name}, {'with' if what.with_id else 'without'} an id")
        for ending, what in BY_NUMBER_STATUS.items()
    ]
    rows += [(ending, SEND_MODES[mode]) for ending, mode in BY_NUMBER_CALL.items()]
    rows += [(ending, f"delivery reports: {mode}") for ending, mode in BY_NUMBER_REPORTS.items()]
    return sorted(rows)
