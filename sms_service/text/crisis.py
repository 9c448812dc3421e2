"""The crisis check that precedes every other reading of an inbound text (S22-S24).

It looks at nothing but the text: no pending question, no language, no history. Layers: the plain form, phrases and stems in
it as written, the same after misspelt words are put right, then what stands around each match (denied, past, somebody
else, a joke) and weapons with a person. The exact scan covers the whole text; correcting misspelt words is kept to its
first ``CORRECTED_CHARS`` characters so that 64 KB stay under 100 ms (I22).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sms_service.text.crisis_context import Line, Match, holds, line_of, lowered_by, speaks, weapon, writer
from sms_service.text.crisis_lexicon import SHORTEST_CORRECTED, START, CrisisLexicon, crisis_word, crisis_words, skeleton
from sms_service.text.fuzzy import likely
from sms_service.text.lexicon import Lexicon
from sms_service.text.model import MOST_WORDS
from sms_service.text.normalise import plain, tokens
from sms_service.text.reply_types import ALERT_ORDER, Alert

#: About thirteen message parts: longer than any text a phone sends.
CORRECTED_CHARS = 2048
#: Matches of one text that are looked at; a text that repeats itself says nothing new after that many (I22).
_MOST_MATCHES = 200
_LONG_PHRASE = 12
_SHORTEST_JOINED = 7
#: A word so long is a text written without spaces, in which a phrase of so many letters needs no known neighbours.
_WHOLE_TEXT = 17
_CLEAR_PHRASE = 9
#: Wordings of one entry that are tried at one place, longest first.
_SHORTER = 4
#: Letters on either side within which two places of a long text must differ to be looked at twice.
_SURROUNDINGS = 80
#: A single misspelt word is RED in a text of so many words or fewer, in a longer one only with the writer in it.
_SHORT_TEXT = 8
#: The statistical layer raises no shorter text, unless it is one long word: what a word or two mean is for the lists.
_FEWEST_WEIGHED = 3
_FILLED = 4  # words
#: The words from which a RED of the lists may be found unlikely, and those from which it may sooner.
_SHORTEST_UNLIKELY, _LONGER_TEXT = 6, 9
#: Colons in a code that names what lowered a match.
_LOWERED = 3
#: What lowers a match for what the text says of it; ``unsure`` and ``mention`` only doubt how it is read.
_LOWERING = frozenset({":denied", ":past", ":past_before", ":prevention", ":joke", ":course", ":inside"})
_LEET = re.compile(r"(?<=[a-z])[013457@$!](?=[a-z])")
_LEET_LETTERS = str.maketrans("013457@$!", "oieastasi")


@dataclass(frozen=True, slots=True)
class Finding:
    """What the check found. ``code`` explains it without the person's words: severity, topic of the lexicon entry, the
    layer that saw it (exact, joined, stem, near, misspelt, weapon, model) and what lowered or raised it, for instance
    ``amber:wish_to_die:exact:denied``. For the layer ``model`` the topic is the concepts that weighed most.

    ``notes`` for V11: ``self_harm`` when a RED text speaks of harm to oneself, ``other_person`` when anything in it may
    speak of somebody else as well.
    """

    alert: Alert = "none"
    code: str = ""
    notes: tuple[str, ...] = ()


def crisis_alert(lexicon: Lexicon, text: str) -> Alert:
    """The severity of one inbound text: ``red``, ``amber`` or ``none`` (S24)."""
    return examine(lexicon, text).alert


def crisis_notes(lexicon: Lexicon, text: str) -> tuple[str, ...]:
    """Whose doing a RED text speaks of (V11); nothing for a text that is not RED."""
    return examine(lexicon, text).notes


def examine(lexicon: Lexicon, text: str) -> Finding:
    """Everything the crisis check knows about one inbound text."""
    crisis = lexicon.crisis
    spoken = spoken_words(text)
    skip = crisis.context["skip"]
    words = [word for word in spoken if word not in skip]
    if not words:
        return Finding()
    listed = _listed(crisis, text, words)
    if listed.alert == "none" and len(words) <= _FILLED and _of_no_concern(crisis, words):
        return listed
    return _weighed(lexicon, spoken, listed)


def _of_no_concern(crisis: CrisisLexicon, words: list[str]) -> bool:
    """Whether an idiom stands in it: a text of a few words that an idiom fills says nothing more, whatever its words weigh."""
    return any(match.entry.role == "idiom" for match in _matches(crisis, line_of(words)))


def _weighed(lexicon: Lexicon, spoken: Sequence[str], listed: Finding) -> Finding:
    """What the statistical layer makes of it beside the lists (S23): it raises, but what the lists lowered (denied, past) stays
    AMBER; a RED of the lists it lowers to AMBER only in a text of some length that is far from all it knows as danger, never a
    ``firm`` entry and never where the writer speaks of himself or herself: a false alarm costs a call, a miss a life.
    """
    model = lexicon.model
    if model is None or all(word[0].isdigit() for word in spoken):
        return listed
    weighed = model.weigh(spoken)
    if listed.alert == "red":
        least = model.limits["unlikely_long" if len(spoken) >= _LONGER_TEXT else "unlikely"]
        held = listed.code.split(":")[1] in lexicon.crisis.firm or speaks(lexicon.crisis, spoken)
        if held or len(spoken) < _SHORTEST_UNLIKELY or len(spoken) > MOST_WORDS or weighed.red >= least:
            return listed
        return Finding("amber", f"amber{listed.code.removeprefix('red')}:unlikely")
    if len(spoken) < _FEWEST_WEIGHED and len(spoken[0]) < _WHOLE_TEXT:
        return listed
    if weighed.red >= model.limits["red"] and listed.code.count(":") < _LOWERED:
        # Whose doing it is, the weights do not tell: V10, which suits both, never V11.
        return Finding("red", f"red:{model.why('red', weighed.words)}:model", ("other_person",))
    if listed.alert == "none" and weighed.alert >= model.limits["amber"]:
        return Finding("amber", f"amber:{model.why('alert', weighed.words)}:model")
    return listed


def _listed(crisis: CrisisLexicon, text: str, words: Sequence[str]) -> Finding:
    lines = [(_judge(crisis, line_of(words), frozenset()), "")]
    opening = words if len(text) <= CORRECTED_CHARS else crisis_words(_letters(text[:CORRECTED_CHARS]), crisis.context["skip"])
    corrected = [_corrected(crisis, word) for word in opening]
    if corrected != opening:
        changed = frozenset(place for place, word in enumerate(corrected) if word != opening[place])
        lines.append((_judge(crisis, line_of(corrected), changed), "misspelt"))
    (alert, code, _, _), layer = max(lines, key=lambda judged: ALERT_ORDER[judged[0][0]])
    notes: set[str] = set()
    for (found, _, own, others), _ in lines:
        if found == "red":
            notes |= ({"self_harm"} if own else set()) | ({"other_person"} if others else set())
    return Finding(alert, _with_layer(code, layer), tuple(sorted(notes)))


def _with_layer(code: str, layer: str) -> str:
    severity, _, rest = code.partition(":")
    topic, _, rest = rest.partition(":")
    seen, _, rest = rest.partition(":")
    return ":".join(part for part in (severity, topic, layer or seen, rest) if part)


def spoken_words(text: str) -> list[str]:
    """Every word of a text in crisis spelling, digits inside words as letters."""
    return [crisis_word(word) for word in tokens(_letters(text))]


def _letters(text: str) -> str:
    return _LEET.sub(lambda found: found.group().translate(_LEET_LETTERS), plain(text))


def _corrected(crisis: CrisisLexicon, word: str) -> str:
    if word in crisis.known or not word.isalpha():
        return word
    bones = skeleton(word)
    if bones == word:
        return crisis.skeletons.get(bones, word)
    if len(word) < SHORTEST_CORRECTED:
        return word
    for _, candidate in crisis.vocabulary.near(word):
        if candidate[0] == word[0] and likely(candidate, word):
            return candidate
    near = (phrase for _, phrase in crisis.phrases.near(word) if phrase[0] == word[0] and likely(phrase, word))
    return next(near, word)


def _judge(crisis: CrisisLexicon, line: Line, changed: frozenset[int]) -> tuple[Alert, str, bool, bool]:
    """(alert, code, about the writer alone, about others) of one line of words; ``changed`` are words put right."""
    matches = _matches(crisis, line)
    harmless = [match for match in matches if match.entry.role in ("idiom", "excuse")]
    serious = [match for match in matches if match.entry.role in ("red", "amber") and not _excused(match, harmless)]
    amber = [match for match in serious if match.entry.role == "amber"]
    alert: Alert = "none"
    code = ""
    own: list[Match] = []
    said: list[Match] = []
    for match in serious:
        red, why = _severity(crisis, line, match, amber, changed)
        if red or match.entry.role == "amber":
            said.append(match)
        if red and match.entry.alone:
            own.append(match)
        found: Alert = "red" if red else "amber"
        # Of two AMBERs that which was lowered speaks: the weights raise nothing that the lists lowered.
        said_more = found == alert == "amber" and why in _LOWERING and code.count(":") < _LOWERED
        if ALERT_ORDER[found] > ALERT_ORDER[alert] or said_more:
            alert, code = found, f"{found}:{match.entry.topic}:{match.layer}{why}"
    armed = weapon(crisis, line, harmless)
    if ALERT_ORDER[armed] > ALERT_ORDER[alert]:
        alert, code = armed, f"{armed}:weapon:weapon"
    # "kill me" stands inside "want to kill me": a phrase inside one that is about the writer alone says nothing more.
    others = any(not match.entry.alone and not _inside(match, own) for match in said)
    return alert, code, bool(own), others or armed != "none"


def _severity(crisis: CrisisLexicon, line: Line, match: Match, amber: Sequence[Match], changed: frozenset[int]) -> tuple[bool, str]:
    """Whether one match is RED, and what lowered or raised it (S23): lowered, never dropped."""
    if match.entry.role == "amber":
        raised = match.entry.raised and line.near(match, crisis.context["now"]) and not _told(crisis, line, match)
        return raised, ":now" if raised else ""
    if any(other.start <= match.start and match.end <= other.end and len(other) > len(match) for other in amber):
        return False, ":inside"
    why = "" if match.entry.firm else lowered_by(crisis, line, match)
    first = line.word_at(match.start)
    lone = first in changed and first == line.word_before(match.end) and len(line.words) > _SHORT_TEXT
    if lone and not why and not writer(crisis, line, match):
        why = "unsure"  # one word of a long text, and that one misspelt
    return not why, f":{why}" if why else ""


def _told(crisis: CrisisLexicon, line: Line, match: Match) -> bool:
    """A joke, or something long past of which "now" tells the end ("he used to beat me, now we live in peace")."""
    return any(line.near(match, crisis.context[role]) for role in ("joke", "past"))


def _inside(match: Match, spans: Sequence[Match]) -> bool:
    return any(span.start <= match.start and match.end <= span.end for span in spans)


def _excused(match: Match, harmless: Sequence[Match]) -> bool:
    """A phrase inside an idiom, or two words said near one another of which the idiom takes one (``want to die of laughter``)."""
    if not match.layer.startswith("near"):
        return _inside(match, harmless)
    return any(span.start < match.end and match.start < span.end for span in harmless)


def _near(crisis: CrisisLexicon, line: Line) -> Iterator[Match]:
    """What is said in two parts with other words between; a denial or a past between them lowers it (S23)."""
    lowering = crisis.context["denied"] | crisis.context["past_before"]
    for number, first, last, begin, end in crisis.pairs.find(line.words):
        entry = crisis.paired[number]
        layer = "near"
        if holds(line.words[begin:end], lowering):
            layer = "near:between" if entry.role == "red" else layer  # lowered: the weights do not raise it again
            entry = replace(entry, role="amber", raised=False)
        yield Match(max(line.starts[first], 0), line.end_of(last), entry, layer)


def _matches(crisis: CrisisLexicon, line: Line) -> list[Match]:
    """Every phrase and stem in the line, each with the same surroundings once and at most ``_MOST_MATCHES``."""
    text, entries = line.text, crisis.entries
    found: list[Match] = []
    seen: set[str] = set()
    for start in _beginnings(crisis, line):
        patterns = entries.get(text[start : start + START])
        if patterns is None or len(found) >= _MOST_MATCHES:
            continue
        if len(text) > CORRECTED_CHARS:
            around = text[max(0, start - _SURROUNDINGS) : start + _SURROUNDINGS]
            if around in seen:
                continue
            seen.add(around)
        for pattern, entry in patterns:
            end, layer = len(text), ""
            for _ in range(_SHORTER):
                hit = pattern.match(text, start, end)
                layer = _stands(crisis, line, start, hit.end()) if hit else ""
                if hit is None or layer:
                    break
                end = hit.end() - 1  # the longest wording ends within a word, a shorter one may not
            if hit and layer:
                found.append(Match(start, hit.end(), entry, layer))
    for stem, entry in crisis.stems.items():
        start = text.find(stem)
        while start >= 0 and len(found) < _MOST_MATCHES:
            word = line.words[line.word_at(start)]
            if stem in word and not any(part in word for part in crisis.starts["not_with"]):
                found.append(Match(start, start + len(stem), entry, "stem"))
            start = text.find(stem, start + 1)
    found.extend(_near(crisis, line))
    return found


def _beginnings(crisis: CrisisLexicon, line: Line) -> Iterator[int]:
    """Where a phrase may begin: with a word, or inside one that nobody knows and that may be several."""
    for start, word in zip(line.starts, line.words, strict=True):
        # A letter shared with the word before belongs to both: the phrase may begin at either.
        if start >= 0:
            yield start
        if len(word) >= _SHORTEST_JOINED and word not in crisis.known:
            yield from range(max(start, 0) + 1, start + len(word) - START + 1)


def _stands(crisis: CrisisLexicon, line: Line, start: int, end: int) -> str:
    """How a key stands there: ``exact`` as words of its own, ``joined`` to known words or as the better part of one long
    word; empty when it is only a chance run of letters.
    """
    first, last = line.word_at(start), line.word_before(end)
    before = line.text[max(line.starts[first], 0) : start]
    after = line.text[end : line.end_of(last)]
    if first == last and line.words[first] in crisis.ordinary:
        return ""
    if not before and not after:
        return "exact"
    if first == last and len(line.words[first]) >= _WHOLE_TEXT and end - start >= _CLEAR_PHRASE:
        return "joined"  # no word is so long: a whole text was written as one
    if (before and line.words[first] in crisis.known) or (after and line.words[last] in crisis.known):
        return ""
    if end - start >= _LONG_PHRASE:
        # What precedes matters even in a long word: in a Bantu verb it is the subject.
        return "joined" if _free(crisis, before) and (first == last or _free(crisis, after)) else ""
    if first != last:
        return ""  # letters of two neighbours that meet by chance
    return "joined" if _free(crisis, before) and _free(crisis, after) else ""


def _free(crisis: CrisisLexicon, rest: str) -> bool:
    if len(rest) < 2:
        return not rest or rest.isdigit()
    return rest.isdigit() or rest in crisis.context["skip"] or (len(rest) > 2 and rest in crisis.known)
