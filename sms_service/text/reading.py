"""Reading a reply in the order of domain guide 9.1: crisis, stop, code word, start/language/help, the open question,
wrong person, courtesy, not understood. The same function serves SMS and USSD input; docs/replies.md tells the rest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rapidfuzz.distance import OSA

from sms_service.text.confidence import (
    CODE_WORD_FUZZY,
    EXACT,
    GUESSED,
    LEAST,
    LONGEST_GUESSED_REQUEST,
    MOST_UNKNOWN_REQUEST,
    UNSURE,
)
from sms_service.text.crisis import crisis_alert, examine
from sms_service.text.lexicon import Lexicon, build_lexicon
from sms_service.text.normalise import READ_CHARS, joined, plain, tokens
from sms_service.text.reply_types import Expectation, Reading
from sms_service.text.scan import Hit, scan
from sms_service.text.stopping import DENIERS, asks_to_end, weighs_as_end
from sms_service.text.values import Found, Verdict, choose, find_numbers, find_yes_no, map_options, out_of_scale, reworded
from sms_service.text.when import read_date, read_time

__all__ = ["Lexicon", "build_lexicon", "crisis_alert", "is_stop", "read_reply"]

_ARTICLES = frozenset({"un", "une", "one"})


@dataclass(frozen=True, slots=True)
class _Message:
    """One reply taken apart once: its plain text, words and hits, whether it was cut at ``READ_CHARS``, and whether
    two of its parts together ask to end all messages (``mureke`` ... ``sms``) or not to be left (``stay``).
    """

    raw: str
    plain: str
    words: Sequence[str]
    hits: Sequence[Hit]
    cut: bool
    ends: bool
    stays: bool

    @property
    def story(self) -> bool:
        """Whether too many words are unknown for a request to be meant: it is told, not asked."""
        return self.cut or sum(1 for hit in self.hits if not hit.meanings) > MOST_UNKNOWN_REQUEST

    def only(self, *categories: str, aside: tuple[str, ...] = ("courtesy", "filler"), numbers: bool = False) -> bool:
        """Whether the whole message says one of ``categories``, politeness and ``aside`` apart."""
        if self.cut:
            return False
        said = False
        for hit in self.hits:
            if hit.has(*categories):
                said = True
            elif not hit.has(*aside) and not (numbers and hit.text[0].isdigit()):
                return False
        return said


def read_reply(
    lexicon: Lexicon,
    text: str,
    expectation: Expectation,
    *,
    language: str = "rw",
    code_words: Sequence[str] = (),
) -> Reading:
    """Read one inbound text against the open question.

    ``language`` (rw, en, fr, sw) only decides words that two languages share. ``code_words`` are those of the few
    people on the number (S13). The alert never depends on ``expectation`` (S22); a crisis text without another
    meaning has the intent ``crisis``. Only the first ``READ_CHARS`` characters are interpreted; the crisis check reads
    all of them.
    """
    reading = _intent(lexicon, _message(lexicon, text, expectation), expectation, language, code_words)
    found = examine(lexicon, text)
    if found.alert == "none":
        return reading
    if reading.intent == "unclear":
        return replace(
            reading, intent="crisis", value=None, alert=found.alert, confidence=EXACT, alert_rule=found.code, notes=found.notes
        )
    return replace(reading, alert=found.alert, alert_rule=found.code, notes=(*reading.notes, *found.notes))


def answers_any(lexicon: Lexicon, text: str, expectations: Sequence[Expectation], *, language: str) -> bool:
    """Whether a text would answer one of these questions, which have no options, or say that it does not know."""
    message = _message(lexicon, text, Expectation())
    return any(_intent(lexicon, message, one, language, ()).intent in ("answer", "dont_know") for one in expectations)


def is_stop(lexicon: Lexicon, text: str) -> bool:
    """Whether a text asks to end all messages: a stop word by itself or a clear request anywhere (S17)."""
    return _is_stop(_message(lexicon, text, Expectation()), Expectation())


def _message(lexicon: Lexicon, text: str, expectation: Expectation) -> _Message:
    written = plain(text[:READ_CHARS])
    words = tokens(written)
    hits = scan(lexicon, words, _labels(expectation))
    stays = any(hit.has("stay") for hit in hits) or any(lexicon.stays.find(words))
    return _Message(text, written, words, hits, len(text.strip()) > READ_CHARS, _ends(lexicon, words), stays)


def _ends(lexicon: Lexicon, words: Sequence[str]) -> bool:
    return asks_to_end(lexicon.stops, words) or weighs_as_end(lexicon.model, words)


def _labels(expectation: Expectation) -> Mapping[str, Any]:
    keys: dict[str, Any] = {}
    shared: set[str] = set()
    for option in expectation.options:
        for label in option.labels:
            key = joined(label)
            if keys.setdefault(key, option.value) != option.value:
                shared.add(key)
    return {key: value for key, value in keys.items() if key and key not in shared}


def _intent(lexicon: Lexicon, message: _Message, expectation: Expectation, language: str, code_words: Sequence[str]) -> Reading:
    if _is_stop(message, expectation):
        return Reading("stop", rule="stop")
    code = _code_word(message, code_words)
    if code is not None:
        return code
    request = _request(message, expectation)
    if request is not None:
        return request
    if not message.raw.strip():
        return Reading("unclear", rule="empty", confidence=0.0)
    if expectation.kind == "text":
        return _text_answer(message)
    answer = _answer(lexicon, message, expectation, language)
    if answer.intent != "unclear":
        return answer
    if any(hit.has("wrong_person") for hit in message.hits):
        return Reading("wrong_person", rule="wrong_person")
    if message.only("courtesy"):
        return Reading("unclear", rule="courtesy", confidence=0.0)
    return answer


def _is_stop(message: _Message, expectation: Expectation) -> bool:
    """S17: not a word inside a story, never a denied one (``stay``); a yes, no or digit beside the stop word does not save it."""
    if message.stays:
        return False  # "do not leave me alone" is a cry, and a cry never unsubscribes
    beside = ("courtesy", "filler", "yes", "yes_leading", "no", "no_leading")
    if message.only("stop", "stop_request", aside=beside, numbers=True):
        return True
    if expectation.kind == "text" or message.story:
        return False
    if message.ends and not message.only("start", "language", "option"):
        return True
    told = len(message.words) > LONGEST_GUESSED_REQUEST  # a guessed word is no request there
    return any(
        hit.has("stop_request")
        and (hit.confidence == EXACT or not told)
        and not (place and message.hits[place - 1].text in DENIERS)
        for place, hit in enumerate(message.hits)
    )


def _code_word(message: _Message, code_words: Sequence[str]) -> Reading | None:
    """S13: received alone, at any time; one edit allowed from five letters, unless it is a known word by itself."""
    if message.cut:
        return None
    key = joined(message.raw)
    known = len(message.hits) == 1 and bool(message.hits[0].meanings) and message.hits[0].confidence == EXACT
    for word in code_words:
        wanted = joined(word)
        if not wanted:
            continue
        if key == wanted:
            return Reading("code_word", rule="code_word")
        near = OSA.distance(key, wanted, score_cutoff=1) <= 1
        if near and not known and len(wanted) >= CODE_WORD_FUZZY and not any(c.isdigit() for c in key):
            return Reading("code_word", rule="code_word", confidence=GUESSED)
    return None


def _request(message: _Message, expectation: Expectation) -> Reading | None:
    """Step 6: start, language, help. The full label of an open option is that option, not a request."""
    if message.only("option", aside=("courtesy", "filler", "label"), numbers=True):
        return None
    if message.only("start", aside=("courtesy", "filler", "yes", "yes_leading")):
        return Reading("start", rule="start")
    if message.only("language"):
        codes = {hit.meanings["language"] for hit in message.hits if hit.has("language")}
        if len(codes) == 1:
            return Reading("language", value=codes.pop(), rule="language")
    asked = message.only("help", "help_request")
    if asked or (expectation.kind != "text" and not message.story and any(hit.has("help_request") for hit in message.hits)):
        return Reading("help", rule="help")
    return None


def _text_answer(message: _Message) -> Reading:
    # Any words answer a free-text question; a bare "who is this" or thanks is still what it says (S14).
    if message.only("wrong_person"):
        return Reading("wrong_person", rule="wrong_person")
    if message.only("courtesy"):
        return Reading("unclear", rule="courtesy", confidence=0.0)
    return Reading("answer", value=message.raw.strip(), rule="text")


def _answer(lexicon: Lexicon, message: _Message, expectation: Expectation, language: str) -> Reading:
    """Step 7: the open question by its type."""
    kind = expectation.kind
    if kind == "none":
        return Reading("unclear", rule="no_question", confidence=0.0)
    if kind == "pin":
        return _pin(message)
    if kind in ("date", "time"):
        found = (read_date if kind == "date" else read_time)(lexicon, message.words)
        verdict = Verdict(found, f"{kind}_format" if found is None else "value")
    elif kind == "yesno":
        verdict = _yes_no(message, language)
    elif kind == "options":
        verdict = _options(message, expectation)
    elif kind == "scale":
        verdict = _scale(message, expectation, language)
    else:
        verdict = _number(message, expectation, language)
    return _reading(message, verdict, kind)


def _reading(message: _Message, verdict: Verdict, kind: str) -> Reading:
    unsure = any(hit.has("dont_know") for hit in message.hits)
    digits = any(hit.text[0].isdigit() for hit in message.hits)
    if unsure and (not digits or not verdict.clear):
        return Reading("dont_know", rule="dont_know")
    if not verdict.clear:
        return Reading("unclear", rule=verdict.rule, confidence=0.0)
    confidence = min(verdict.confidence, UNSURE) if unsure else verdict.confidence
    if confidence < LEAST:
        return Reading("unclear", rule="unsure", confidence=confidence)
    spoken = kind == "time" and not digits
    return Reading("answer", verdict.value, rule=kind, confidence=confidence, notes=("clock_words",) if spoken else ())


def _pin(message: _Message) -> Reading:
    digits = "".join(message.words)
    if len(digits) == 4 and digits.isdigit() and not message.cut:
        return Reading("answer", digits, rule="pin")
    return Reading("unclear", rule="pin_format", confidence=0.0)


def _numbers(message: _Message, language: str, top: int) -> list[Found]:
    found = find_numbers(message.hits)
    if language == "rw":
        # Kinyarwanda "saba" is "ask", Kiswahili "saba" is seven.
        found = [item for item in found if message.hits[item.place].text != "saba"]
    found = out_of_scale(found, top)
    real = [item for item in found if message.hits[item.place].text not in _ARTICLES]
    return real if real else found


def _within(message: _Message, found: Sequence[Found], allowed: Sequence[int]) -> list[Found]:
    """Numbers that can be answers; of several bare numbers none is dropped, so that two stay two."""
    bare = all(hit.text[0].isdigit() for hit in message.hits)
    return [item for item in found if item.value in allowed or (bare and len(found) > 1)]


def _yes_no(message: _Message, language: str) -> Verdict:
    words = find_yes_no(message.hits, language)
    said = [hit for hit in message.hits if not hit.has("courtesy", "filler", "label")]
    numbers = [item for item in _numbers(message, language, 0) if item.digit or len(said) == 1]
    numbers = _within(message, numbers, (1, 2))
    pressed = [replace(item, value={1: True, 2: False}.get(item.value, item.value)) for item in numbers]
    return choose(sorted(words + pressed, key=lambda item: item.place), message.hits)


def _labelled(message: _Message) -> list[Found]:
    return [
        Found(hit.meanings["option"], place, False, hit.confidence) for place, hit in enumerate(message.hits) if hit.has("option")
    ]


def _options(message: _Message, expectation: Expectation) -> Verdict:
    found = _labelled(message)
    unlabelled = [item for item in _numbers(message, "", 0) if not message.hits[item.place].has("option")]
    numbers = _within(message, unlabelled, [option.number for option in expectation.options])
    found += map_options(expectation, numbers)
    if len({item.value for item in numbers}) > len({option.value for option in map_options(expectation, numbers)}):
        return Verdict(None, "two_values")
    if not found:
        found = _yes_no_option(message, expectation) or reworded(expectation, message.words)
    return choose(sorted(found, key=lambda item: item.place), message.hits)


def _yes_no_option(message: _Message, expectation: Expectation) -> list[Found]:
    """A yes in any language stands for the option whose label is a yes, and so a no."""
    values: dict[bool, Any] = {}
    for item in find_yes_no(message.hits, ""):
        for option in expectation.options:
            if any(_says(joined(label), item.value) for label in option.labels):
                values[bool(item.value)] = option.value
    return [replace(item, value=values[bool(item.value)]) for item in find_yes_no(message.hits, "") if bool(item.value) in values]


_PLAIN_YES = frozenset(joined(word) for word in ("yego", "yes", "oui", "ndiyo"))
_PLAIN_NO = frozenset(joined(word) for word in ("oya", "no", "non", "hapana"))


def _says(label: str, value: bool) -> bool:
    return label in (_PLAIN_YES if value else _PLAIN_NO)


def _scale(message: _Message, expectation: Expectation, language: str) -> Verdict:
    numbers = _numbers(message, language, expectation.high)
    places = {option.number: option.value for option in expectation.options}
    allowed = [*range(expectation.low, expectation.high + 1), *places]
    kept = [replace(item, value=places.get(item.value, item.value)) for item in _within(message, numbers, allowed)]
    words = _labelled(message)
    if (expectation.low, expectation.high) == (1, 5):
        words += [
            Found(hit.meanings["scale"], place, _denied_before(message, place), hit.confidence)
            for place, hit in enumerate(message.hits)
            if hit.has("scale") and not hit.has("option")
        ]
    if not kept and not words and numbers:
        return Verdict(None, "out_of_range")
    return choose(sorted(kept + words, key=lambda item: item.place), message.hits)


def _denied_before(message: _Message, place: int) -> bool:
    return place > 0 and message.hits[place - 1].has("negator")


def _number(message: _Message, expectation: Expectation, language: str) -> Verdict:
    if re.search(r"(?:^|\s)-[0-9]", message.plain):
        return Verdict(None, "out_of_range")
    verdict = choose(_numbers(message, language, -1), message.hits)
    if verdict.clear and not expectation.low <= verdict.value <= expectation.high:
        return Verdict(None, "out_of_range")
    return verdict
