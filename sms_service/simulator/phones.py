"""The phones on the desk: who they are, what they received, what is on their screens.

State is kept in memory and bounded: the record, not this, is what tests and ledgers read.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

View = Literal["idle", "ussd", "inbox", "message", "write"]

TEXTS_KEPT = 50
OTHER_NUMBERS_KEPT = 2_000
WRITTEN_KEPT = 5_000
PHONES_AT_MOST = 40


@dataclass(slots=True)
class Text:
    """One received text; ``when`` is UTC."""

    number: int
    sender: str
    body: str
    when: datetime
    read: bool = False


@dataclass(slots=True)
class Phone:
    """One handset: ``entry`` is what is keyed in but not sent, ``screen`` the network's last words.

    ``note`` tells below the phone, in plain words, what the network made of the last thing done; ``trouble`` marks it
    as a refusal. ``version`` grows with every change that shows.
    """

    number: str
    label: str
    view: View = "idle"
    entry: str = ""
    screen: str = ""
    dial: str = ""
    note: str = ""
    trouble: bool = False
    opened: int = 0
    version: int = 0
    texts: deque[Text] = field(default_factory=lambda: deque(maxlen=TEXTS_KEPT))

    @property
    def unread(self) -> int:
        """How many texts have not been opened."""
        return sum(1 for text in self.texts if not text.read)


class PhoneBook:
    """All phones, by number. The list file is read again whenever ``listed`` is asked, so a seed may write it later."""

    def __init__(self, list_file: Path | None) -> None:
        self._file = list_file
        self.lock = threading.RLock()
        self._phones: OrderedDict[str, Phone] = OrderedDict()
        self._listed: list[str] = []
        self._written: deque[dict[str, Any]] = deque(maxlen=WRITTEN_KEPT)
        self._texts = 0
        self._inbound = 0

    def listed(self) -> list[Phone]:
        """The phones to show: those of the file in its order, then those added by hand."""
        with self.lock:
            for number, label in self._in_file():
                self._add(number, label)
            return [self._phones[number] for number in self._listed]

    def add(self, number: str, label: str) -> None:
        """Show one more phone; ``ValueError`` when the desk is full."""
        with self.lock:
            self._add(number, label)
            if number not in self._listed:
                raise ValueError(f"There is room for {PHONES_AT_MOST} phones. Start again with fewer.")

    def shown(self, number: str) -> Phone | None:
        """The phone of a number if it is on the desk."""
        return next((phone for phone in self.listed() if phone.number == number), None)

    def receive(self, number: str, sender: str, body: str, when: datetime) -> None:
        """A text arrives at a number, shown or not; ``when`` is UTC."""
        with self.lock:
            phone = self._known(number)
            self._texts += 1
            phone.texts.appendleft(Text(self._texts, sender, body, when))
            phone.version += 1

    def wrote(self, sender: str, to: str, text: str, when: datetime) -> None:
        """Keep a text written to the short code for the gateway's inbox call; ``when`` is UTC."""
        with self.lock:
            self._inbound += 1
            self._written.append(
                {
                    "linkId": "",
                    "text": text,
                    "to": to,
                    "id": self._inbound,
                    "date": when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z",
                    "from": sender,
                }
            )

    def texts_written(self) -> list[dict[str, Any]]:
        """The texts the gateway's inbox call knows of, oldest first."""
        with self.lock:
            return list(self._written)

    def _known(self, number: str) -> Phone:
        if number not in self._phones:
            self._phones[number] = Phone(number, number)
            self._forget_some()
        return self._phones[number]

    def _forget_some(self) -> None:
        others = len(self._phones) - len(self._listed)
        if others <= OTHER_NUMBERS_KEPT:
            return
        shown = set(self._listed)
        oldest = next(number for number in self._phones if number not in shown)
        del self._phones[oldest]

    def _add(self, number: str, label: str) -> None:
        if number in self._listed:
            self._phones[number].label = label
        elif len(self._listed) < PHONES_AT_MOST:
            self._known(number).label = label
            self._listed.append(number)

    def _in_file(self) -> Iterable[tuple[str, str]]:
        """Number and label of each phone in the list file; nothing while it is absent or half written."""
        if self._file is None:
            return []
        try:
            rows = json.loads(self._file.read_text(encoding="utf-8"))
            return [(str(row["number"]), str(row.get("label") or row["number"])) for row in rows]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return []
