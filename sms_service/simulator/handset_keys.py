"""What each key of a handset does to its phone: dial, answer, hang up, read, write."""

from __future__ import annotations

import re
import threading

from sms_service.simulator.inbound import Inbound, InboundOptions
from sms_service.simulator.phones import Phone
from sms_service.simulator.simulation import Simulation
from sms_service.simulator.ussd import Handsets
from sms_service.text.gsm import segments

LONGEST_ENTRY = 2_000
_DIGITS = "0123456789*#"
_RWANDAN = re.compile(r"\+2507[23789][0-9]{7}")


class HandsetKeys:
    """Presses keys. One phone does one thing at a time; different phones do not wait for each other."""

    def __init__(self, simulation: Simulation, handsets: Handsets, inbound: Inbound) -> None:
        self._sim = simulation
        self._handsets = handsets
        self._inbound = inbound
        self._busy: dict[str, threading.Lock] = {}

    def add(self, raw: str, label: str) -> str:
        """Put a phone on the desk; returns its number. ``ValueError`` says what a number looks like."""
        digits = re.sub(r"[\s().-]", "", raw)
        number = f"+250{digits[1:]}" if re.fullmatch(r"07[0-9]{8}", digits) else digits
        if re.fullmatch(r"2507[0-9]{8}", number):
            number = f"+{number}"
        if not _RWANDAN.fullmatch(number):
            raise ValueError("That is not a Rwandan mobile number. Write it like 0788 123 456.")
        self._sim.phones.add(number, label.strip()[:40] or number)
        return number

    def press(self, number: str, key: str, entry: str) -> None:
        """Press one key: ``ok call end back delete dial messages write``, ``key-N``, or ``open-N`` for a text.

        ``entry`` is what stands in the phone's input. ``ValueError`` for a phone or a key there is not.
        """
        phone = self._sim.phones.shown(number)
        if phone is None:
            raise ValueError("There is no such phone on the desk. Add it first.")
        if len(entry) > LONGEST_ENTRY:
            raise ValueError(f"A phone can hold {LONGEST_ENTRY} characters; this was longer and was not sent.")
        with self._busy.setdefault(number, threading.Lock()):
            phone.entry = entry.replace("\r\n", "\n")
            self._do(phone, key)
            phone.version += 1

    def _do(self, phone: Phone, key: str) -> None:
        simple = {
            "end": self._end,
            "back": self._back,
            "dial": self._dial_code,
            "messages": lambda it: self._show(it, "inbox"),
            "write": lambda it: self._show(it, "write"),
            "delete": self._delete,
            "ok": self._ok,
            "call": self._call,
        }
        if key in simple:
            simple[key](phone)
        elif key.startswith("key-") and key[4:] in _DIGITS and len(key) == 5:
            if phone.view in {"inbox", "message"}:
                self._show(phone, "idle")
            phone.entry += key[4:]
        elif key.startswith("open-") and key[5:].isdecimal():
            self._open(phone, int(key[5:]))
        else:
            raise ValueError("The phone has no such key.")

    def _show(self, phone: Phone, view: str) -> None:
        self._hang_up(phone)
        phone.view = "inbox" if view == "inbox" else "write" if view == "write" else "idle"
        phone.entry = ""
        phone.note, phone.trouble = "", False

    def _delete(self, phone: Phone) -> None:
        phone.entry = phone.entry[:-1]

    def _back(self, phone: Phone) -> None:
        self._show(phone, "inbox" if phone.view == "message" else "idle")

    def _end(self, phone: Phone) -> None:
        was_open = bool(phone.dial)
        self._show(phone, "idle")
        phone.note = "Hung up." if was_open else ""

    def _hang_up(self, phone: Phone) -> None:
        if phone.dial:
            self._handsets.hangup(phone.dial)
            phone.dial = ""

    def _ok(self, phone: Phone) -> None:
        if phone.view == "write":
            self._send_text(phone)
        elif phone.view == "ussd":
            self._answer(phone)
        elif phone.view == "idle" and phone.entry:
            self._call(phone)
        elif phone.view == "message":
            self._back(phone)

    def _call(self, phone: Phone) -> None:
        if phone.view == "ussd" and phone.dial:
            self._answer(phone)
        elif phone.view == "write":
            self._send_text(phone)
        else:
            self._dial(phone, phone.entry.strip() if phone.view == "idle" else "")

    def _dial_code(self, phone: Phone) -> None:
        self._dial(phone, "")

    def _dial(self, phone: Phone, code: str) -> None:
        self._hang_up(phone)
        phone.view = "ussd"
        self._take(phone, self._handsets.dial(phone.number, code))

    def _answer(self, phone: Phone) -> None:
        if phone.dial:
            self._take(phone, self._handsets.key(phone.dial, phone.entry))
        else:
            self._show(phone, "idle")

    def _take(self, phone: Phone, turn: dict[str, object]) -> None:
        """Put what came back on the screen and say below the phone what the network made of it."""
        phone.screen = str(turn["screen"] or turn["error"])
        phone.dial = str(turn["session"]) if turn["open"] else ""
        phone.entry = ""
        phone.trouble = bool(turn["error"])
        if turn["error"]:
            phone.note = f"Refused: {str(turn['error']).removeprefix('network error: ')}."
        else:
            phone.note = f"{turn['note']}." + ("" if turn["open"] else " The dial has ended.")

    def _open(self, phone: Phone, number: int) -> None:
        text = next((item for item in phone.texts if item.number == number), None)
        if text is None:
            raise ValueError("That text is no longer on the phone.")
        text.read = True
        phone.view, phone.opened, phone.entry = "message", number, ""
        size = segments(text.body)
        phone.trouble = False
        phone.note = _size(size.units, size.parts, size.encoding, size.culprits)

    def _send_text(self, phone: Phone) -> None:
        if not phone.entry:
            phone.note, phone.trouble = "Write something first.", True
            return
        size = segments(phone.entry)
        sent = self._inbound.text(phone.number, phone.entry, InboundOptions())
        status = sent["statuses"][0]
        about = _size(size.units, size.parts, size.encoding, size.culprits)
        phone.trouble = status != 200
        if status == 200:
            phone.note = f"Sent to {self._sim.settings.short_code}. {about}"
            phone.entry, phone.view = "", "idle"
        else:
            cause = f"answered HTTP {status}" if status else "did not answer"
            phone.note = f"The service {cause}; the gateway tries again until it answers 200."
            phone.entry, phone.view = "", "idle"


def _size(units: int, parts: int, encoding: str, culprits: object) -> str:
    """How a text travels, in plain words."""
    words = f"{units} characters, {parts} {'part' if parts == 1 else 'parts'}, {encoding}."
    marks = " ".join(str(item) for item in culprits[:5]) if isinstance(culprits, tuple) else ""
    return f"{words} Unicode because of {marks}" if marks else words
