"""Which degraded states call somebody, after how long, how often again, and when the call is over. Times in seconds."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

UNREACHABLE, NOT_READY, CERTIFICATE = "unreachable", "not_ready", "certificate"
REPEAT_SECONDS: Final = 1800.0
MOST_NAMES: Final = 100
_NAME = re.compile(r"[a-z][a-z0-9_ ]{0,59}")

HOLD: Final[Mapping[str, float]] = {
    UNREACHABLE: 120.0,
    NOT_READY: 120.0,
    "queue_store_away": 120.0,
    "breaker_open": 120.0,
    "schedules_held": 60.0,
    "clocks_apart": 60.0,
}
"""How long a state must last before it calls; the others have their time in health, and call at once."""

SOMEBODY_DECIDED: Final = frozenset({"outbound_off", "nobody_on_duty", "conversations_not_published"})
"""Degraded states that call nobody: they are seen in the console."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One alarm: since when it is seen, when it was last announced (None: not yet), how often, and whether its cause has ended."""

    since: float
    said_at: float | None = None
    count: int = 0
    over: bool = False


@dataclass(frozen=True, slots=True)
class Say:
    """An announcement to make: the alarm, whether it is on or has ended, since when, and the how-many-eth it is."""

    name: str
    on: bool
    since: float
    count: int


def alarm_names(degraded: Sequence[object]) -> set[str]:
    """Degraded states as alarms' names, each one word as in the metrics' label.

    Raises ``ValueError`` for what no release of the service says: a name becomes an argument of the program that is called, where
    one that begins with a dash would be an option, and each makes a call of its own (I22).
    """
    names = [one.replace(" ", "_") for one in degraded if isinstance(one, str) and _NAME.fullmatch(one)]
    if len(names) != len(degraded) or len(names) > MOST_NAMES:
        raise ValueError("these are no degraded states of the service")
    return set(names)


def follow(standing: Mapping[str, Standing], seen: Collection[str], now: float, *, all_known: bool) -> dict[str, Standing]:
    """What stands after a look that has ``seen`` these names.

    ``all_known`` false: the service did not say everything (it is not ready), so that an alarm not seen has not ended.
    """
    kept: dict[str, Standing] = {}
    for name, one in standing.items():
        if name in seen:
            kept[name] = replace(one, over=False)
        elif not all_known and name not in (UNREACHABLE, NOT_READY):
            kept[name] = one
        elif one.count:
            kept[name] = replace(one, over=True)
    for name in seen:
        if name not in kept and name not in SOMEBODY_DECIDED:
            kept[name] = Standing(now)
    return kept


def due(standing: Mapping[str, Standing], now: float, scale: float = 1.0) -> list[Say]:
    """The announcements to make now; ``scale`` shortens every time for a trial. A clock that was set back says too much, never
    too little.
    """
    return [
        Say(name, not one.over, one.since, one.count + (not one.over))
        for name, one in sorted(standing.items())
        if one.over or _is_due(name, one, now, scale)
    ]


def _is_due(name: str, one: Standing, now: float, scale: float) -> bool:
    if one.said_at is None:
        return not 0 <= now - one.since < HOLD.get(name, 0.0) * scale
    return not 0 <= now - one.said_at < REPEAT_SECONDS * scale


def told(standing: Mapping[str, Standing], said: Iterable[Say], now: float) -> dict[str, Standing]:
    """What stands after these announcements have reached somebody; one that did not is made again at the next look."""
    kept = dict(standing)
    for one in said:
        if one.on:
            kept[one.name] = replace(kept[one.name], said_at=now, count=one.count)
        else:
            del kept[one.name]
    return kept


def to_json(standing: Mapping[str, Standing]) -> dict[str, Any]:
    """What stands, for a file."""
    return {
        name: {"since": one.since, "said_at": one.said_at, "count": one.count, "over": one.over} for name, one in standing.items()
    }


def from_json(stored: object) -> dict[str, Standing]:
    """What a file holds; raises ``ValueError`` for anything else."""
    try:
        if not isinstance(stored, dict):
            raise TypeError
        return {
            str(name): Standing(
                float(one["since"]),
                None if one["said_at"] is None else float(one["said_at"]),
                int(one["count"]),
                bool(one["over"]),
            )
            for name, one in stored.items()
        }
    except (TypeError, KeyError, ValueError):
        raise ValueError("this is no state of alarms") from None
