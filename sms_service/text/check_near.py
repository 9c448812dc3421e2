"""What is wrong with ``near.toml``: pairs of words said near one another, checked before the reader compiles them.

Pure: the parsed table in, (entry, reason, remedy) out. A file that is not there is no fault: nothing is read in two parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sms_service.text.crisis_lexicon import FLAGS
from sms_service.text.normalise import plain, tokens
from sms_service.text.pairs import MOST_WITHIN, RUN, SIDES, WITHIN
from sms_service.text.patterns import PatternFault, expand

PAIR_ROLES = ("red", "amber", "stop", "stay")
_KEYS = frozenset({"role", "topic", "source", "review", "mention", "within", "either", *SIDES, *FLAGS})
_SHORTEST_START = 3


def check_near(table: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Every fault of the parsed ``near.toml`` as (entry, reason, what puts it right)."""
    pairs = table.get("pair", [])
    if not isinstance(pairs, list) or not all(isinstance(pair, dict) for pair in pairs):
        yield "pair", "it is no list of tables", "write each as [[pair]]"
        return
    for number, pair in enumerate(pairs, start=1):
        label = f"pair {number} {pair.get('topic', '')}".strip()
        if pair.get("role") not in PAIR_ROLES:
            yield label, "its role is unknown", f"use one of {', '.join(PAIR_ROLES)}"
        if unknown := set(pair) - _KEYS:
            yield label, f"'{min(unknown)}' is unknown", "see the head of the file"
        if not pair.get("topic"):
            yield label, "its topic is missing: an alert could not be explained", "name one"
        within = pair.get("within", WITHIN)
        if not isinstance(within, int) or not 1 <= within <= MOST_WITHIN:
            yield label, f"its 'within' is no number from 1 to {MOST_WITHIN}", f"leave it out for {WITHIN}"
        for side in SIDES:
            yield from _side(f"{label}, {side}", pair.get(side))


def _side(label: str, words: Any) -> Iterator[tuple[str, str, str]]:
    if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
        yield label, "its words are no list of texts", 'write first = ["one", "two"]'
        return
    for written in words:
        try:
            phrases = expand(written)
        except PatternFault as fault:
            yield f"{label}: {written[:60]}", str(fault).split(";")[0], "put it right"
            continue
        for phrase in phrases:
            said = tokens(plain(phrase))
            if not 1 <= len(said) <= RUN:
                yield f"{label}: {phrase[:60]}", f"it has no word or more than {RUN}", "shorten it, or make a group of crisis.toml"
            elif "*" in phrase and (len(said) > 1 or not phrase.endswith("*") or len(said[0]) < _SHORTEST_START):
                yield f"{label}: {phrase[:60]}", "a beginning is one word of three letters or more", "write it as tuer*"
