"""What stands around a crisis match: denied, past, somebody else, a joke, course talk, a bare mention, a weapon (S23, S24)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from sms_service.text.crisis_lexicon import BEFORE, NEAR, CrisisLexicon, Entry
from sms_service.text.reply_types import Alert

_NEAR_WORDS = 4
_AFTER_WORDS = 2
_WEAPON_WORDS = 5
_RUN = 3
#: A weapon with a person is RED in a text of so many words or fewer, in a longer one only with the writer in it.
_SHORT_WEAPON = 9
#: Words on either side in which the writer is looked for.
_WRITER_WORDS = 8


@dataclass(frozen=True, slots=True)
class Match:
    """A lexicon entry found from ``start`` to ``end`` of a line, and the layer that saw it."""

    start: int
    end: int
    entry: Entry
    layer: str

    def __len__(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Line:
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

    def near(self, match: Match, keys: frozenset[str], words: int = _NEAR_WORDS) -> bool:
        """Whether one of ``keys`` stands in, or within ``words`` words of, the match."""
        first, last = self.word_at(match.start), self.word_before(match.end)
        return holds(self.words[max(0, first - words) : last + 1 + words], keys)


def line_of(words: Sequence[str]) -> Line:
    """One line of words; a letter doubled over a word boundary counts once, as in the keys: ``nataka akufa`` has one a."""
    pieces: list[str] = []
    starts: list[int] = []
    length, last = 0, ""
    for word in words:
        piece = word[1:] if word[0] == last and last.isalpha() else word
        starts.append(length - (len(word) - len(piece)))
        pieces.append(piece)
        length += len(piece)
        last = word[-1]
    return Line(words, "".join(pieces), starts)


def holds(words: Sequence[str], keys: frozenset[str]) -> bool:
    """Whether any run of up to three ``words`` is one of ``keys``."""
    return any(
        "".join(words[low:high]) in keys for low in range(len(words)) for high in range(low + 1, min(low + _RUN, len(words)) + 1)
    )


def lowered_by(crisis: CrisisLexicon, line: Line, match: Match) -> str:
    """What makes a RED match AMBER, as a code; empty when nothing does (S23)."""
    context = crisis.context
    happening = line.near(match, context["now"])
    for role in () if happening else NEAR:
        if line.near(match, context[role]):
            return role
    if match.layer == "stem" and line.words[line.word_at(match.start)].startswith(crisis.starts["stem_starts"]):
        return "other_person"
    # "He wants to" lowers what a person does to himself, never what is done to the writer or to a child; an article or a
    # preposition lowers a bare noun alone.
    but = [*([] if match.entry.alone else ["other_person"]), *([] if match.entry.mention else ["named_before"])]
    role = _before(crisis, line, line.word_at(match.start), but)
    if role:
        return role
    last = line.word_before(match.end)
    if holds(line.words[last + 1 : last + 1 + _AFTER_WORDS], context["after"]):
        return "prevention"
    beside = len(line.words) - (last + 1 - line.word_at(match.start))
    if match.entry.mention and beside > match.entry.mention and not writer(crisis, line, match):
        return "mention"
    return ""


def _before(crisis: CrisisLexicon, line: Line, place: int, but: Sequence[str]) -> str:
    for _ in range(_RUN):
        run = line.words[max(0, place - _RUN) : place]
        endings = ["".join(run[first:]) for first in range(len(run))]
        for role in BEFORE:
            if any(ending in crisis.context[role] for ending in endings) and role not in but:
                return role
        if place == 0 or line.words[place - 1] not in crisis.context["linking"]:
            return ""
        place -= 1
    return ""


def writer(crisis: CrisisLexicon, line: Line, match: Match) -> bool:
    """Whether the writer speaks of himself or herself around the match."""
    first, last = line.word_at(match.start), line.word_before(match.end)
    sides = (line.words[max(0, first - _WRITER_WORDS) : first], line.words[last + 1 : last + 1 + _WRITER_WORDS])
    return any(speaks(crisis, side) for side in sides)


def speaks(crisis: CrisisLexicon, words: Sequence[str]) -> bool:
    """Whether the writer speaks of himself or herself in ``words``."""
    starts = crisis.starts["writer_starts"]
    return holds(words, crisis.context["writer"]) or any(word.startswith(starts) for word in words)


def weapon(crisis: CrisisLexicon, line: Line, harmless: Sequence[Match]) -> Alert:
    """A weapon's name alone is AMBER; with a person or a threat beside it, RED (domain guide 9.2)."""
    weapons = crisis.context["weapon"]
    if weapons.isdisjoint(line.words):
        return "none"
    verdict: Alert = "none"
    seen: set[tuple[str, ...]] = set()
    for place, word in enumerate(line.words):
        if word not in weapons:
            continue
        around = tuple(line.words[max(0, place - _WRITER_WORDS) : place + _WRITER_WORDS + 1])
        if around in seen:
            continue
        seen.add(around)
        found = Match(line.starts[place], line.end_of(place), Entry("red", "weapon"), "weapon")
        covers = [span for span in harmless if span.start <= found.start and found.end <= span.end]
        if covers:
            # A tool is still a weapon that lies at hand (S23: lowered, not dropped); another word of the same letters is none.
            verdict = "amber" if any(span.entry.topic == "tool" for span in covers) else verdict
            continue
        beside = line.words[max(0, place - _WEAPON_WORDS) : place + _WEAPON_WORDS + 1]
        if crisis.context["company"].intersection(beside) and _serious(crisis, line, found):
            return "red"
        verdict = "amber"
    return verdict


def _serious(crisis: CrisisLexicon, line: Line, found: Match) -> bool:
    if any(line.near(found, crisis.context[role]) for role in NEAR) and not line.near(found, crisis.context["now"]):
        return False
    return len(line.words) <= _SHORT_WEAPON or writer(crisis, line, found)
