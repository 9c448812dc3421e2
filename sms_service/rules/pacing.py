"""How fast texts may leave: a bucket of parts, and what each lane may take of it (reliability section 4, F19)."""

from __future__ import annotations

BURST_SECONDS = 2.0
LEAST_BURST = 100.0  # parts: one full call of one-part texts
BROADCAST_SHARE = 0.7  # lane 3 never takes the last 30 % of the rate
SLOWED = 4  # a gateway that answers 429 gets this fraction of the rate for a while
PRIVATE_SHARE = 8  # one call in so many is kept for alerts and replies, so that slow broadcast calls never hold them all


def burst(rate: float) -> float:
    """How many parts may leave at once after a rest; ``rate`` is in parts a second."""
    return max(rate * BURST_SECONDS, LEAST_BURST)


def refilled(left: float, seconds: float | None, rate: float, *, slowed: bool) -> float:
    """Parts in the bucket ``seconds`` after ``left`` were counted; None: it was never used."""
    if seconds is None:
        return burst(rate)
    return min(burst(rate), left + (rate / SLOWED if slowed else rate) * max(0.0, seconds))


def room_of(lane: int, left: float, rate: float) -> float:
    """How many of the ``left`` parts this lane may take now. A debt (a long text) counts against every lane alike."""
    return left if lane < 3 else left - (1 - BROADCAST_SHARE) * burst(rate)


def calls_of(lane: int, most: int, busy: int) -> int:
    """How many more calls this lane may start while ``busy`` of ``most`` are under way: the last few are for lanes 0 and 1."""
    kept = 0 if lane < 2 or most < 2 else max(1, most // PRIVATE_SHARE)
    return max(0, most - kept - busy)
