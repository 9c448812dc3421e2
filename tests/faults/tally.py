"""What a fault cost: counted from the ledger, the simulator's record and the moments at which the fault hit and ended."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(slots=True)
class Tally:
    """Messages in flight when the fault hit (the most, when it hit several times; None when no test said when), messages lost,
    doubled, first called after they expired, left unknown, and seconds from the end of the fault until nothing was on its way.
    """

    in_flight: int | None = None
    lost: int = 0
    doubled: int = 0
    late: int = 0
    unknown: int = 0
    seconds: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """The figures by name, for a report."""
        return asdict(self)


class Watch:
    """The moments of a fault; each new hit starts anew."""

    def __init__(self) -> None:
        self.in_flight: int | None = None
        self.seconds: float | None = None
        self._ended: float | None = None

    def hit(self, in_flight: int) -> None:
        """The fault begins with this many messages on their way."""
        self.in_flight = max(in_flight, self.in_flight or 0)
        self.seconds = self._ended = None

    def over(self) -> None:
        """Nothing disturbs the service any longer."""
        self._ended = time.monotonic()

    @property
    def waiting(self) -> bool:
        """Whether the fault is over and normal has not been seen since."""
        return self._ended is not None and self.seconds is None

    def normal(self) -> None:
        """Nothing is on its way; the first time since the end of the fault counts."""
        if self.waiting and self._ended is not None:
            self.seconds = time.monotonic() - self._ended
