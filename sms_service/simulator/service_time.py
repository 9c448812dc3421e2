"""The service's own time, which a demonstration may have moved away from the computer's.

The service's time address is asked with GET and answers plain text whose first line is an ISO 8601 time with its zone;
a POST of ``action=next`` moves it to the next event and answers a sentence. Without an address the computer's time
holds.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sms_service.simulator.callbacks import exchange
from sms_service.simulator.wire import FORM_TYPE, form_encode

KIGALI = ZoneInfo("Africa/Kigali")
_ASK_SECONDS = 2.0
_MOVE_SECONDS = 30.0
_LONGEST_SENTENCE = 600


class ServiceTime:
    """Knows how far the service's time is from the computer's; ``url`` is empty when it cannot be moved."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.said = ""
        self._offset = timedelta(0)

    def now(self) -> datetime:
        """The service's time in UTC, by the offset last seen."""
        return datetime.now(UTC) + self._offset

    def local(self) -> datetime:
        """The service's time as people in Kigali read it."""
        return self.now().astimezone(KIGALI)

    def refresh(self) -> bool:
        """Ask the service for its time; False when it did not tell, and the last offset stays."""
        if not self.url:
            return True
        answer = exchange("GET", self.url, b"", _ASK_SECONDS, {"Accept": "text/plain"})
        lines = answer.body.decode("utf-8", "replace").splitlines()
        if answer.status != 200 or not lines:
            return False
        try:
            told = datetime.fromisoformat(lines[0].strip())
        except ValueError:
            return False
        if told.tzinfo is None:
            return False
        self._offset = told - datetime.now(UTC)
        return True

    def forward(self) -> None:
        """Move the service to its next event and keep what it said in ``said``."""
        if not self.url:
            self.said = "This service runs on the computer's own clock."
            return
        headers = {"Content-Type": FORM_TYPE, "Accept": "text/plain"}
        answer = exchange("POST", self.url, form_encode({"action": "next"}), _MOVE_SECONDS, headers)
        if answer.status == 200:
            self.said = answer.body.decode("utf-8", "replace").strip()[:_LONGEST_SENTENCE]
        else:
            cause = answer.error or f"it answered HTTP {answer.status}"
            self.said = f"The service did not move its time: {cause}. Is it running?"
