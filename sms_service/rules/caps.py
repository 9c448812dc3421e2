"""How many texts a number may get (S39) and how many answers it may cause (T6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

WEEK = timedelta(days=7)
KEEPING: tuple[str, ...] = ("V3_two_day", "V3_morning", "V5", "V6", "broadcast", "V8", "V7")
"""Which scheduled texts are kept first when a week holds more than the cap; a kind not named here comes last."""
CHECK_IN = "V6"


@dataclass(frozen=True, slots=True)
class Caps:
    """Limits per number: scheduled texts and check-ins in any rolling 7 days, replies in a rolling hour and day.

    ``foreign_replies`` lets numbers outside Rwanda get replies (off: they are stored and read, but not answered).
    """

    weekly_scheduled: int = 3
    weekly_check_ins: int = 1
    replies_hour: int = 10
    replies_day: int = 30
    foreign_replies: bool = False


def keep_within_week(kinds: Sequence[str], already: int, check_ins: int, caps: Caps) -> tuple[bool, ...]:
    """For the texts of one number in one window, in any order: which are kept, the others dropped and not postponed
    (S39).

    ``already`` and ``check_ins`` count what the window holds besides. Of equal kinds the earlier in ``kinds`` is
    kept.
    """
    room, check_in_room = caps.weekly_scheduled - already, caps.weekly_check_ins - check_ins
    kept = [False] * len(kinds)
    for place in sorted(range(len(kinds)), key=lambda place: (_rank(kinds[place]), place)):
        if room <= 0:
            break
        if kinds[place] == CHECK_IN:
            if check_in_room <= 0:
                continue
            check_in_room -= 1
        kept[place] = True
        room -= 1
    return tuple(kept)


def _rank(kind: str) -> int:
    return KEEPING.index(kind) if kind in KEEPING else len(KEEPING)


def reply_capped(in_hour: int, in_day: int, caps: Caps) -> bool:
    """Whether a number has had its replies; further texts are stored and read, and answered by nothing (T6)."""
    return in_hour >= caps.replies_hour or in_day >= caps.replies_day
