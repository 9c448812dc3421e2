"""The network's side of a USSD dial: the growing text, the deadline, and what a network refuses to show.

Contract section 11: the answer must be HTTP 200, ``text/plain``, begin with ``CON `` or ``END ``, come within 10 s and
fit the network's screen; anything else the caller sees as a network error and the dial is over.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sms_service.simulator.callbacks import ServiceAnswer
from sms_service.simulator.inbound import together
from sms_service.simulator.outcomes import network_of
from sms_service.simulator.simulation import Simulation
from sms_service.simulator.switches import Switches
from sms_service.text.gsm import segments

NETWORK_ERROR = "Connection problem or invalid MMI code."
HOP_HEADER = "at-ussd-hop-metadata"
_LONGEST_HOP = 99
_DIALS_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the network makes of one answer: the words on the screen, whether the dial goes on, and why not.

    ``error`` is empty or says in plain words what was refused; ``note`` describes an accepted screen.
    """

    screen: str
    open: bool
    error: str = ""
    note: str = ""


@dataclass(slots=True)
class Dial:
    """One dial from the first turn to its end; ``inputs`` holds everything keyed in so far."""

    id: str
    code: str
    number: str
    network: str
    started: float
    inputs: list[str]
    seen: float = 0.0
    open: bool = True
    hops: list[str] = field(default_factory=list)
    turns: int = 0
    last_answer: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def text(self) -> str:
        """The whole history joined by ``*``, as every turn carries it; there is no escaping."""
        return "*".join(self.inputs)


def judge(answer: ServiceAnswer, switches: Switches, network: str) -> Verdict:
    """Show or refuse one answer as the network would."""
    fault, body = _fault(answer)
    if fault:
        return Verdict(NETWORK_ERROR, open=False, error=f"network error: {fault}")
    size = segments(body)
    plain_limit, unicode_limit = switches.limits_for(network)
    limit = plain_limit if size.encoding == "GSM-7" else unicode_limit
    if size.units > limit:
        why = f" because of {' '.join(size.culprits[:5])}" if size.culprits else ""
        fault = f"the screen is too long: {size.units} of at most {limit} characters in {size.encoding}{why}"
        return Verdict(NETWORK_ERROR, open=False, error=f"network error: {fault}")
    note = f"{size.units} of {limit} characters, {size.encoding}, answered in {answer.milliseconds} ms"
    if size.culprits:
        note += f". Some phones cannot show {' '.join(size.culprits[:5])}"
    return Verdict(body[4:], open=body.startswith("CON "), note=note)


def _fault(answer: ServiceAnswer) -> tuple[str, str]:
    """Why the answer is none, or an empty string and its text."""
    if answer.status is None:
        return answer.error, ""
    if answer.status != 200:
        return f"the service answered HTTP {answer.status} instead of 200", ""
    media = answer.headers.get("content-type", "").split(";")[0].strip().lower()
    if media != "text/plain":
        return f"the answer is {media or 'of no type'} instead of text/plain", ""
    try:
        body = answer.body.decode("utf-8")
    except UnicodeDecodeError:
        return "the answer is not UTF-8", ""
    if not body:
        return "the answer is empty", ""
    if not body.startswith(("CON ", "END ")):
        return "the answer does not begin with 'CON ' or 'END '", ""
    return ("the screen is empty", "") if not body[4:].strip() else ("", body)


class Handsets:
    """All dials. Every method returns ``session, screen, open, error, note, status, milliseconds``."""

    def __init__(self, simulation: Simulation) -> None:
        self._sim = simulation
        self._dials: dict[str, Dial] = {}
        self._lock = threading.Lock()

    def dial(self, number: str, code: str = "", network: str = "") -> dict[str, Any]:
        """Dial the code, or a longer one such as ``*384*123*1*2#`` that carries the first inputs with it."""
        base = self._sim.settings.ussd_code
        wanted = code.strip() or base
        stem = base.removesuffix("#")
        deep = re.fullmatch(re.escape(stem) + r"(?:\*(.+))?#", wanted, re.DOTALL)
        if deep is None:
            fault = f"network error: {wanted} is not in service here; dial {base}"
            return _closed("", fault, NETWORK_ERROR)
        now = time.monotonic()
        dial = Dial(
            id=self._sim.chance.hex_id("ATUid_"),
            code=base,
            number=number,
            network=network or network_of(number),
            started=now,
            seen=now,
            inputs=[deep.group(1)] if deep.group(1) else [],
        )
        with self._lock:
            if len(self._dials) >= _DIALS_KEPT:
                del self._dials[next(iter(self._dials))]
            self._dials[dial.id] = dial
        with dial.lock:
            return self._turn(dial, dial.text, 1)

    def key(self, dial_id: str, text: str, *, copies: int = 1, exact: str | None = None) -> dict[str, Any]:
        """Answer the open screen. ``copies`` posts the same turn at once; ``exact`` sends that whole text instead.

        An ``exact`` text leaves the handset's own history alone: it stands for a late or a broken turn.
        """
        dial = self._find(dial_id)
        with dial.lock:
            if not dial.open:
                return _closed(dial.id, "the dial has ended")
            if self._expired(dial):
                self._finish(dial, "Incomplete")
                return _closed(dial.id, "the network ended the dial: too long without an answer")
            if exact is None:
                dial.inputs.append(text)
            return self._turn(dial, dial.text if exact is None else exact, copies)

    def hangup(self, dial_id: str) -> dict[str, Any]:
        """The caller presses the red key."""
        dial = self._find(dial_id)
        with dial.lock:
            if dial.open:
                self._finish(dial, "Incomplete")
        return _closed(dial.id, "")

    def _find(self, dial_id: str) -> Dial:
        with self._lock:
            if dial_id not in self._dials:
                raise ValueError("there is no such dial; dial the code first")
            return self._dials[dial_id]

    def _expired(self, dial: Dial) -> bool:
        now = time.monotonic()
        settings = self._sim.settings
        return now - dial.seen > settings.ussd_idle_s or now - dial.started > settings.ussd_total_s

    def _close_idle(self, dial: Dial) -> None:
        with dial.lock:
            if dial.open and self._expired(dial):
                self._finish(dial, "Incomplete")

    def _turn(self, dial: Dial, text: str, copies: int) -> dict[str, Any]:
        switches = self._sim.board.now
        fields = {
            "sessionId": dial.id,
            "serviceCode": dial.code,
            "phoneNumber": dial.number,
            "networkCode": dial.network,
            "text": text,
        }
        headers = {HOP_HEADER: dial.hops[-1]} if dial.hops else {}
        deadline = switches.ussd_deadline_ms / 1000
        answers = together(copies, lambda: self._sim.poster.post("ussd", fields, timeout=deadline, headers=headers))
        answer = answers[0]
        verdict = judge(answer, switches, dial.network)
        dial.turns += 1
        dial.seen = time.monotonic()
        dial.last_answer = answer.body.decode("utf-8", "replace")
        hop = answer.headers.get(HOP_HEADER, "")
        if hop and len(hop) <= _LONGEST_HOP and "|" not in hop:
            dial.hops.append(hop)
        if not verdict.open:
            self._finish(dial, "Failed" if verdict.error else "Success", verdict.error)
        else:
            self._sim.poster.later(self._sim.settings.ussd_idle_s + 0.1, lambda: self._close_idle(dial))
        return {
            "session": dial.id,
            "screen": verdict.screen,
            "open": verdict.open,
            "error": verdict.error,
            "note": verdict.note,
            "status": answer.status,
            "milliseconds": answer.milliseconds,
            "answers": [item.body.decode("utf-8", "replace") for item in answers],
        }

    def _finish(self, dial: Dial, status: str, error: str = "") -> None:
        """Close the dial and send its end event as the switch says: on, delayed, withheld or twice."""
        dial.open = False
        switches = self._sim.board.now
        fields: Mapping[str, str] = {
            "date": self._sim.time.now().strftime("%Y-%m-%d %H:%M:%S"),
            "sessionId": dial.id,
            "serviceCode": dial.code,
            "networkCode": dial.network,
            "phoneNumber": dial.number,
            "status": status,
            "cost": "RWF 0.00",
            "durationInMillis": str(round((time.monotonic() - dial.started) * 1000)),
            "hopsCount": str(dial.turns),
            "hopsMetadata": "|".join(dial.hops),
            "input": dial.text,
            "lastAppResponse": dial.last_answer,
            **({"errorMessage": error} if error else {}),
        }
        if switches.end_events == "withheld":
            return
        wait = switches.end_delay_ms / 1000 if switches.end_events == "delayed" else 0.0
        for _ in range(2 if switches.end_events == "twice" else 1):
            self._sim.poster.later(wait, lambda: self._sim.poster.post("ussd-end", fields))


def _closed(dial_id: str, error: str, screen: str = "") -> dict[str, Any]:
    """The answer of a handset whose dial is over before a turn could be posted."""
    return {
        "session": dial_id,
        "screen": screen,
        "open": False,
        "error": error,
        "note": "",
        "status": None,
        "milliseconds": 0,
        "answers": [],
    }
