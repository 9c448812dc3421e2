"""The crisis check that precedes every other reading of an inbound text (S22-S24).

It looks at nothing but the text: no pending question, no language, no history. The exact scan covers the whole text;
correcting misspelt words is kept to its first ``CORRECTED_CHARS`` characters so that 64 KB stay under 100 ms (I22).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rapidfuzz import process
from rapidfuzz.distance import OSA

from sms_service.text.crisis_lexicon import SELF, SHORTEST_CORRECTED, CrisisLexicon, crisis_word
from sms_service.text.lexicon import Lexicon
from sms_service.text.normalise import plain, tokens
from sms_service.text.reply_types import ALERT_ORDER, Alert

#: About thirteen message parts: longer than any text a phone sends.
CORRECTED_CHARS = 2048
_OCCURRENCES = 20
_NEAR_WORDS = 4
_WEAPON_WORDS = 5
_LONG_PHRASE = 12
_RUN = 3


@dataclass(frozen=True, slots=True)
class _Line:
    """The words of a text written as one string, with the place where each word begins."""

    words: Sequence[str]
    text: str
    starts: Sequence[int]

    def word_at(self, place: int) -> int:
        return bisect_right(self.starts, place) - 1

    def end_of(self, word: int) -> int:
        return self.starts[word] + len(self.words[word])

    def word_before(self, end: int) -> int:
        """The word that ``end`` closes; a letter shared by two words closes the first of them."""
        word = self.word_at(end - 1)
        return word - 1 if word and self.end_of(word - 1) == end else word


def crisis_alert(lexicon: Lexicon, text: str) -> Alert:
    """The severity of one inbound text: ``red``, ``amber`` or ``none`` (S24)."""
    crisis = lexicon.crisis
    words = _words(crisis, text)
    if not words:
        return "none"
    verdict = _verdict(crisis, _line(words))
    if verdict == "red":
        return verdict
    opening = words if len(text) <= CORRECTED_CHARS else _words(crisis, text[:CORRECTED_CHARS])
    corrected = [_corrected(crisis, word) for word in opening]
    if corrected != opening:
        verdict = max(verdict, _verdict(crisis, _line(corrected)), key=ALERT_ORDER.__getitem__)
    return verdict


def crisis_notes(lexicon: Lexicon, text: str) -> tuple[str, ...]:
    """What is known of the cause of a RED text: ``self_harm`` when it speaks of harm to oneself or of an overdose,
    ``other_person`` when anything in it may speak of somebody else as well (V11). Neither for a text that is not RED.
    """
    crisis = lexicon.crisis
    words = _words(crisis, text)
    corrected = [_corrected(crisis, word) for word in words[:CORRECTED_CHARS]]
    found: set[str] = set()
    for line in (_line(words), _line(corrected)) if words else ():
        if _verdict(crisis, line) == "red":
            found |= _causes(crisis, line)
    return tuple(sorted(found))


def _causes(crisis: CrisisLexicon, line: _Line) -> set[str]:
    """Every phrase of a RED line that is not about the writer alone counts as another person: then V10 is the safe answer."""
    idioms = list(_anywhere(line.text, crisis.idioms))
    amber = [
        (start, end, key) for key in crisis.amber for start, end in _places(crisis, line, key) if not _inside(start, end, idioms)
    ]
    covered = [(start, end) for start, end, _ in amber]
    red = [hit for hit in _red_hits(crisis, line) if not _inside(hit[0], hit[1], [*idioms, *covered]) and not hit[3]]
    alone = [(start, end) for start, end, key, _ in red if key in crisis.alone]
    # "kill me" stands inside "want to kill me": a phrase inside one that is about the writer alone says nothing more.
    said = [*((start, end, key) for start, end, key, _ in red), *amber]
    others = [key for start, end, key in said if key not in crisis.alone and not _inside(start, end, alone)]
    found = {"self_harm"} if alone else set()
    if others or _weapon(crisis, line) != "none":
        found.add("other_person")
    return found


def _words(crisis: CrisisLexicon, text: str) -> list[str]:
    return [word for word in map(crisis_word, tokens(plain(text))) if word not in crisis.skip]


def _line(words: Sequence[str]) -> _Line:
    pieces: list[str] = []
    starts: list[int] = []
    length, last = 0, ""
    for word in words:
        # A letter doubled over a word boundary counts once, as in the keys: "nataka kufa" and "natakkufa" meet.
        piece = word[1:] if word[0] == last and last.isalpha() else word
        starts.append(length - (len(word) - len(piece)))
        pieces.append(piece)
        length += len(piece)
        last = word[-1]
    return _Line(words, "".join(pieces), starts)


def _corrected(crisis: CrisisLexicon, word: str) -> str:
    if len(word) < SHORTEST_CORRECTED or len(word) > 40 or word in crisis.known:
        return word
    edits = 2 if len(word) >= 9 else 1
    found = process.extractOne(word, crisis.vocabulary, scorer=OSA.distance, score_cutoff=edits)
    if found is None:
        found = process.extractOne(word, crisis.phrases, scorer=OSA.distance, score_cutoff=1)
        return word if found is None else str(found[0])
    candidate, distance = str(found[0]), found[1]
    same_start = candidate[0] == word[0]
    return candidate if same_start or (distance <= 1 and len(word) >= 8) else word


def _verdict(crisis: CrisisLexicon, line: _Line) -> Alert:
    idioms = list(_anywhere(line.text, crisis.idioms))
    amber = [
        (start, end, key)
        for key in crisis.amber
        if key in line.text
        for start, end in _places(crisis, line, key)
        if not _inside(start, end, idioms)
    ]
    covered = [(start, end) for start, end, _ in amber]
    verdict: Alert = "amber" if amber else "none"
    for start, end, _, lowered in _red_hits(crisis, line):
        if _inside(start, end, idioms) or _inside(start, end, covered):
            continue
        if not lowered:
            return "red"
        verdict = "amber"
    if any(key in crisis.raised and _near(line, start, end, crisis.now) for start, end, key in amber):
        return "red"
    return max(verdict, _weapon(crisis, line), key=ALERT_ORDER.__getitem__)


def _red_hits(crisis: CrisisLexicon, line: _Line) -> Iterator[tuple[int, int, str, bool]]:
    """Every RED match as (start, end, key, lowered)."""
    for key in crisis.red:
        if key not in line.text:  # nearly always, and a hundred times cheaper than looking for places
            continue
        for start, end in _places(crisis, line, key):
            yield start, end, key, key not in crisis.always and _lowered(crisis, line, start, end)
    for start, end in _anywhere(line.text, crisis.stems):
        word = line.words[line.word_at(start)]
        yield start, end, SELF, word.startswith(crisis.stem_starts) or _lowered(crisis, line, start, end)
    if not any(part in line.text for part in crisis.word_parts):
        return
    for place, word in enumerate(line.words):
        if any(part in word for part in crisis.word_parts) and not any(part in word for part in crisis.not_with):
            start, end = line.starts[place], line.end_of(place)
            yield start, end, SELF, word.startswith(crisis.stem_starts) or _lowered(crisis, line, start, end)


def _anywhere(text: str, keys: Sequence[str]) -> Iterator[tuple[int, int]]:
    for key in keys:
        start, seen = text.find(key), 0
        while start >= 0 and seen < _OCCURRENCES:
            yield start, start + len(key)
            start, seen = text.find(key, start + 1), seen + 1


def _places(crisis: CrisisLexicon, line: _Line, key: str) -> Iterator[tuple[int, int]]:
    """Where ``key`` stands as words of its own, joined to known words, or as the better part of one long word."""
    for start, end in _anywhere(line.text, (key,)):
        first, last = line.word_at(start), line.word_before(end)
        before = line.text[max(line.starts[first], 0) : start]
        after = line.text[end : line.end_of(last)]
        if (first == last and len(key) >= _LONG_PHRASE) or (_free(crisis, before) and _free(crisis, after)):
            yield start, end


def _free(crisis: CrisisLexicon, rest: str) -> bool:
    if len(rest) < 2:
        return rest in ("", "i", "j") or rest.isdigit()
    return rest.isdigit() or rest in crisis.skip or (len(rest) > 2 and rest in crisis.known)


def _inside(start: int, end: int, spans: Sequence[tuple[int, int]]) -> bool:
    return any(low <= start and end <= high for low, high in spans)


def _lowered(crisis: CrisisLexicon, line: _Line, start: int, end: int) -> bool:
    """Denied, past, of a third person, joking or course talk: downgraded, never dropped (S23)."""
    if _near(line, start, end, crisis.near) and not _near(line, start, end, crisis.now):
        return True
    place = line.word_at(start)
    for _ in range(_RUN):
        if _run_ends_with(line.words[max(0, place - _RUN) : place], crisis.before):
            return True
        if place == 0 or line.words[place - 1] not in crisis.linking:
            return False
        place -= 1
    return False


def _run_ends_with(words: Sequence[str], keys: frozenset[str]) -> bool:
    return any("".join(words[first:]) in keys for first in range(len(words)))


def _near(line: _Line, start: int, end: int, keys: frozenset[str]) -> bool:
    first, last = line.word_at(start), line.word_before(end)
    window = line.words[max(0, first - _NEAR_WORDS) : last + 1 + _NEAR_WORDS]
    return any(
        "".join(window[low:high]) in keys for low in range(len(window)) for high in range(low + 1, min(low + _RUN, len(window)) + 1)
    )


def _weapon(crisis: CrisisLexicon, line: _Line) -> Alert:
    """A weapon's name alone is AMBER; with a person or a threat beside it, RED (domain guide 9.2)."""
    if crisis.weapons.isdisjoint(line.words):
        return "none"
    excused = list(_anywhere(line.text, crisis.excuses))
    verdict: Alert = "none"
    for place, word in enumerate(line.words):
        if word not in crisis.weapons:
            continue
        start = line.starts[place]
        if _inside(start, start + len(word), excused):
            continue
        if crisis.company.intersection(line.words[max(0, place - _WEAPON_WORDS) : place + _WEAPON_WORDS + 1]):
            return "red"
        verdict = "amber"
    return verdict
