"""Numbers, choices and yes or no in a reply: one clear value, or none (domain guide 9.1).

Two different values are no answer; the same value twice is one; a correction (``si 1 ni 2``) wins.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sms_service.text.confidence import GUESSED, MOST_UNKNOWN
from sms_service.text.normalise import plain, tokens
from sms_service.text.reply_types import Expectation
from sms_service.text.scan import Hit

_LONGEST_NUMBER = 6
_CLOCK_BEFORE = frozenset({"sa", "saa", "tariki", "itariki", "tarehe", "date", "isaha"})
_CLOCK_AFTER = frozenset({"h", "am", "pm", "heures", "heure"})
_WRITTEN_OUT = {
    "wont": ("will", "not"),
    "dont": ("do", "not"),
    "cant": ("can", "not"),
    "ill": ("i", "will"),
    "didnt": ("did", "not"),
}
_DENYING = frozenset({"not", "ne", "pas", "plus", "never", "jamais", "ntabwo"})
_LEAST_WORDS = 3
_INFINITIVE = ("ku", "gu", "kw", "gw", "ko")
_SEPARATORS = re.compile(r"[:/.,]")


@dataclass(frozen=True, slots=True)
class Found:
    """One value at a place in the reply. ``denied``: a word such as ``si`` or ``not`` stands before it."""

    value: Any
    place: int
    denied: bool
    confidence: float
    digit: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """The one value, or ``value`` None with the ``rule`` that says why not."""

    value: Any
    rule: str
    confidence: float = 1.0

    @property
    def clear(self) -> bool:
        return self.rule == "value"


def choose(found: Sequence[Found], hits: Sequence[Hit]) -> Verdict:
    """Decide among the values found in one reply."""
    corrections = [place for place, hit in enumerate(hits) if hit.has("correction")]
    if corrections and any(item.place > corrections[-1] for item in found):
        found = [item for item in found if item.place > corrections[-1]]
    refused = [item.place for item in found if item.denied]
    if refused and any(item.place > refused[-1] and not item.denied for item in found):
        found = [item for item in found if item.place >= refused[-1]]  # "oya, si 2 ni 1": what follows is meant
    kept = [item for item in found if not item.denied]
    values = {(type(item.value), item.value) for item in kept}
    if not values:
        return Verdict(None, "denied" if found else "no_value")
    if len(values) > 1:
        return Verdict(None, "two_values")
    first = kept[0]
    unknown = [place for place, hit in enumerate(hits) if not hit.meanings and not hit.text[0].isdigit()]
    if len(unknown) > MOST_UNKNOWN and any(place < first.place for place in unknown):
        return Verdict(None, "story")
    return Verdict(first.value, "value", min(item.confidence for item in kept))


def denied(hits: Sequence[Hit], place: int) -> bool:
    """Whether a denying word stands right before (``label`` words between do not matter)."""
    place -= 1
    while place >= 0 and hits[place].has("label", "filler") and not hits[place].has("negator"):
        place -= 1
    return place >= 0 and hits[place].has("negator")


def find_numbers(hits: Sequence[Hit], *, alone_look_alike: bool = True) -> list[Found]:
    """Every plain number of a reply, in digits or words; clock times, dates and telephone numbers are left out.

    A value of None stands for a number that cannot be one answer (``3.5``, ``1/2``), so that it is never overlooked.
    """
    if alone_look_alike and len(hits) == 1 and hits[0].text in ("l", "i", "o"):
        return [Found(0 if hits[0].text == "o" else 1, 0, False, GUESSED, True)]
    found: list[Found] = []
    for place, hit in enumerate(hits):
        if hit.text[0].isdigit():
            found.extend(_digits(hits, place))
        elif hit.has("number") and not _clock_word(hits, place):
            found.append(Found(hit.meanings["number"], place, denied(hits, place), hit.confidence))
    return found


def _clock_word(hits: Sequence[Hit], place: int) -> bool:
    return place > 0 and hits[place - 1].text in _CLOCK_BEFORE


def _digits(hits: Sequence[Hit], place: int) -> list[Found]:
    text = hits[place].text
    after = hits[place + 1].text if place + 1 < len(hits) else ""
    minutes = place > 1 and hits[place - 1].text == "h" and hits[place - 2].text[0].isdigit()
    if _clock_word(hits, place) or after in _CLOCK_AFTER or minutes or ":" in text:
        return []
    no = denied(hits, place)
    if "/" in text and text.count("/") == 1:
        value, top = text.split("/")
        return [Found((int(value), int(top)), place, no, 1.0, True)] if value.isdigit() and top.isdigit() else []
    if not text.isdigit():
        parts = {int(part) for part in _SEPARATORS.split(text) if part}
        return [Found(part, place, no, 1.0, True) for part in sorted(parts)]
    if len(text) > _LONGEST_NUMBER:
        return []
    return [Found(int(text), place, no, 1.0, True)]


def out_of_scale(found: Sequence[Found], top: int) -> list[Found]:
    """``4/5`` is four of five when the scale ends at five; any other pair stays two values."""
    result: list[Found] = []
    for item in found:
        if not isinstance(item.value, tuple):
            result.append(item)
            continue
        value, of = item.value
        result.append(Found(value, item.place, item.denied, item.confidence, True))
        if of != top:
            result.append(Found(of, item.place, item.denied, item.confidence, True))
    return result


def find_yes_no(hits: Sequence[Hit], language: str) -> list[Found]:
    """Every yes (True) and no (False) in words; weak words count only first, some only by themselves."""
    rest = [hit for hit in hits if not hit.has("courtesy", "filler")]
    nothing_else = all(hit.meanings for hit in hits)
    found: list[Found] = []
    leading = True
    for place, hit in enumerate(hits):
        value = _yes_no(hit, leading or nothing_else)
        if hit.has("no_leading") and _kinyarwanda_and(hits, place):
            value = None
        if value is None and len(rest) == 1 and rest[0] is hit:
            value = _alone(hit, language)
        if value is not None:
            found.append(Found(value, place, value and denied(hits, place), hit.confidence))
        if not hit.has("courtesy", "label") and value is None:
            leading = False
    return found


def _yes_no(hit: Hit, leading: bool) -> bool | None:
    if hit.has("yes") or (leading and hit.has("yes_leading")):
        return True
    if hit.has("no") or (leading and hit.has("no_leading")):
        return False
    return None


def _kinyarwanda_and(hits: Sequence[Hit], place: int) -> bool:
    # "no kuza": before an infinitive, Kinyarwanda "no" means "and".
    following = hits[place + 1].text if place + 1 < len(hits) else ""
    return hits[place].text == "no" and following.startswith(_INFINITIVE)


def _alone(hit: Hit, language: str) -> bool | None:
    # The same letters are different words: "la" is a French article, "wapi" asks "where" in Kiswahili, and
    # "si" is "yes" in French only.
    if hit.text == "si":
        return True if language == "fr" else None
    if not hit.has("no_alone") or (hit.text == "la" and language == "fr") or (hit.text == "wapi" and language == "sw"):
        return None
    return False


def reworded(expectation: Expectation, words: Sequence[str]) -> list[Found]:
    """The one option whose label has all its words in the reply, in whatever order ("la prochaine fois je viens").

    A reply that denies what the label does not is none of it; two such options are none either.
    """
    said = {part for word in words for part in _WRITTEN_OUT.get(word, (word,))}
    values: dict[Any, None] = {}
    for option in expectation.options:
        for label in option.labels:
            due = set(tokens(plain(label)))
            if len(due) >= _LEAST_WORDS and due <= said and not (said - due) & _DENYING:
                values[option.value] = None
    return [Found(value, 0, False, GUESSED) for value in values] if len(values) == 1 else []


def map_options(expectation: Expectation, numbers: Sequence[Found]) -> list[Found]:
    """Numbers pressed as the options they stand for; a number that is no option is dropped."""
    by_number = {option.number: option.value for option in expectation.options}
    return [
        Found(by_number[item.value], item.place, item.denied, item.confidence, item.digit)
        for item in numbers
        if item.value in by_number
    ]
