"""Dates and clock times in replies: DDMM and HHMM as four digits, local to the person.

Kinyarwanda and Kiswahili count hours from six in the morning: ``saa nane`` is 14:00 (domain guide 9.2, "clock").
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sms_service.text.lexicon import Lexicon

_MONTH_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_SEPARATORS = re.compile(r"[:/.,]")
_NOON = {"midi": "1200", "noon": "1200", "minuit": "0000", "midnight": "0000"}


def read_date(lexicon: Lexicon, words: Sequence[str]) -> str | None:
    """The one date of a reply as DDMM, or None when there is none, two, or an impossible one."""
    numbers = [part for word in words if word[0].isdigit() for part in _SEPARATORS.split(word) if part]
    month = next((lexicon.months[word] for word in words if word in lexicon.months), None)
    if month is not None:
        days = [number for number in numbers if len(number) <= 2]
        return _date(int(days[0]), month) if len(days) == 1 else None
    if len(numbers) == 1 and len(numbers[0]) == 4:
        return _date(int(numbers[0][:2]), int(numbers[0][2:]))
    if len(numbers) == 3 and len(numbers[2]) == 4:
        numbers = numbers[:2]
    if len(numbers) == 2 and all(len(number) <= 2 for number in numbers):
        return _date(int(numbers[0]), int(numbers[1]))
    return None


def _date(day: int, month: int) -> str | None:
    if 1 <= month <= 12 and 1 <= day <= _MONTH_DAYS[month - 1]:
        return f"{day:02d}{month:02d}"
    return None


def read_time(lexicon: Lexicon, words: Sequence[str]) -> str | None:
    """The one clock time of a reply as HHMM, or None when there is none, two, or an impossible one."""
    found = {time for time in (_time_at(lexicon, words, place) for place in range(len(words))) if time}
    return found.pop() if len(found) == 1 else None


def _time_at(lexicon: Lexicon, words: Sequence[str], place: int) -> str | None:
    word = words[place]
    after = words[place + 1] if place + 1 < len(words) else ""
    if word in _NOON:
        return _NOON[word]
    if word in lexicon.clock_words:
        return _after_saa(lexicon, words[place + 1 :])
    if not word[0].isdigit() or (place and (words[place - 1] in lexicon.clock_words or words[place - 1] == "h")):
        return None
    parts = _SEPARATORS.split(word)
    if len(parts) == 2 and len(parts[1]) == 2:
        return _clock(int(parts[0]), int(parts[1]), after)
    if len(parts) > 1:
        return None
    if len(word) in (3, 4):
        return _clock(int(word[:-2]), int(word[-2:]), "")
    if len(word) > 2:
        return None
    if after in ("h", "heure", "heures"):
        minutes = words[place + 2] if place + 2 < len(words) and words[place + 2].isdigit() else "0"
        return _clock(int(word), int(minutes), "")
    # A bare hour up to twelve could be counted from midnight or from six in the morning: not guessed.
    return _clock(int(word), 0, after) if after in ("am", "pm") or int(word) > 12 else None


def _clock(hour: int, minute: int, half_of_day: str) -> str | None:
    if half_of_day in ("am", "pm"):
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half_of_day == "pm" else 0)
    return f"{hour:02d}{minute:02d}" if 0 <= hour <= 23 and 0 <= minute <= 59 else None


def _after_saa(lexicon: Lexicon, words: Sequence[str]) -> str | None:
    if not words:
        return None
    if words[0][0].isdigit():
        parts = _SEPARATORS.split(words[0])
        if not parts[0].isdigit() or (len(parts) > 1 and not parts[1].isdigit()):
            return None
        hour, minute, used = int(parts[0]), int(parts[1]) if len(parts) > 1 else 0, 1
        if hour > 12 or (len(parts[0]) == 2 and parts[0][0] == "0"):
            return _clock(hour, minute, "")
    else:
        used = next((n for n in (3, 2, 1) if "".join(words[:n]) in lexicon.hours and n <= len(words)), 0)
        if not used:
            return None
        hour, minute = lexicon.hours["".join(words[:used])], 0
    rest = words[used:]
    if any("".join(rest[:n]) in lexicon.half for n in (1, 2)):
        minute = 30
    if not 1 <= hour <= 12:
        return None
    evening = any(word in lexicon.evening for word in rest) and not (hour >= 10 and "jioni" in rest)
    return _clock((hour + (18 if evening else 6)) % 24, minute, "")
