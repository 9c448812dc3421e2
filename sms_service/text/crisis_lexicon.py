"""The compiled crisis list: phrases as spelling-proof keys, made once from ``crisis.toml``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sms_service.text.fuzzy import Neighbours
from sms_service.text.normalise import plain, squeeze, tokens
from sms_service.text.pairs import Pairs, build_pairs
from sms_service.text.patterns import Lazy, choices_of, compile_entry, count, expand

Role = Literal["red", "amber", "idiom", "excuse"]

LANGUAGES = ("rw", "en", "fr", "sw")
ROLES: tuple[Role, ...] = ("red", "amber", "idiom", "excuse")
#: What a ``[[context]]`` of crisis.toml may be for; docs/replies.md says what each does.
CONTEXTS = frozenset(
    {
        "skip",
        "linking",
        "denied",
        "past",
        "past_before",
        "other_person",
        "named_before",
        "prevention",
        "after",
        "joke",
        "course",
        "now",
        "writer",
        "writer_starts",
        "stem_starts",
        "not_with",
        "weapon",
        "company",
        "ordinary",
    }
)
#: Contexts that lower RED to AMBER when they stand right before it, and those that do it from near by (S23).
BEFORE = ("denied", "past_before", "other_person", "named_before", "prevention")
NEAR = ("joke", "past", "course")

#: Words shorter than this are never corrected: too many ordinary words lie one letter away.
SHORTEST_CORRECTED = 6
#: From this length on two letters may be wrong.
TWICE_CORRECTED = 12
_SHORTEST_JOINED = 10
#: Longer phrases are not looked for misspelt and written as one word at once.
LONGEST_JOINED = 20
#: Letters by which entries are found.
START = 4
_FEW_PHRASES = 40
FLAGS = ("alone", "firm", "raised", "stem")
_VOWELS = str.maketrans("", "", "aeiouy")
_SHORTEST_SKELETON = 3
_LIQUIDS = str.maketrans("l", "r")


def crisis_word(word: str) -> str:
    """A token in the crisis spelling: l and r are one letter, as many writers of Kinyarwanda treat them."""
    return squeeze(word.translate(_LIQUIDS)) if "l" in word else word


def skeleton(word: str) -> str:
    """The consonants of a word, which is all that some writers leave of it."""
    return word.translate(_VOWELS)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a phrase means. ``topic`` names its group in the file and is the code a match is explained with.

    ``alone``: it speaks of the writer alone (V11). ``firm``: nothing lowers it. ``mention``: what others may say of others,
    RED only among so many other words at most, or with the writer in it. ``raised``: ``now`` beside it makes it RED.
    ``stem``: it may stand inside a word.
    """

    role: Role
    topic: str
    alone: bool = False
    firm: bool = False
    mention: int = 0
    raised: bool = False
    stem: bool = False


@dataclass(frozen=True, slots=True)
class CrisisLexicon:
    """``entries``: by their first three letters in crisis spelling, phrases to match in a line without spaces.
    ``context``: by purpose, the keys of words that change what a match means; ``starts``: those that begin words. ``firm``: the
    topics that nothing lowers.
    """

    entries: Mapping[str, Sequence[tuple[Lazy, Entry]]]
    stems: Mapping[str, Entry]
    context: Mapping[str, frozenset[str]]
    starts: Mapping[str, tuple[str, ...]]
    known: frozenset[str]
    ordinary: frozenset[str]
    vocabulary: Neighbours
    phrases: Neighbours
    skeletons: Mapping[str, str]
    pairs: Pairs
    paired: Sequence[Entry]
    firm: frozenset[str]


def build_crisis(table: Mapping[str, Any], ordinary: Iterable[str], near: Sequence[Mapping[str, Any]] = ()) -> CrisisLexicon:
    """Compile the parsed ``crisis.toml`` and the pairs of ``near.toml``; ``ordinary`` are words of the languages that are
    never taken as misspelt.

    ``KeyError`` or ``TypeError`` for a table without its keys, ``PatternFault`` for a malformed entry: check_lexicon.py
    tells them all in one go.
    """
    context = {role: frozenset[str]() for role in CONTEXTS}
    for block in table["context"]:
        context[block["role"]] |= {_key(phrase) for written in _written(block) for phrase in expand(written)}
    entries: dict[str, list[tuple[Lazy, Entry]]] = {}
    stems: dict[str, Entry] = {}
    vocabulary: set[str] = set()
    joined: set[str] = set()
    harmless: set[str] = set()
    for group in table["group"]:
        entry = _entry(group)
        for written in _written(group):
            if entry.stem:
                stems |= {_key(phrase): entry for phrase in expand(written)}
                continue
            compiled = compile_entry(written, _spelling, START)
            if compiled is None:
                continue
            for start in compiled.starts:
                entries.setdefault(start, []).append((compiled.matches, entry))
            harmless |= compiled.words if entry.role == "idiom" else set()
            if entry.role in ("red", "amber"):
                vocabulary |= compiled.words - context["skip"]
                joined |= _short_list(written)
    pairs = build_pairs(near, lambda phrase: "".join(crisis_words(phrase, context["skip"])))
    plain_words = {crisis_word(word) for word in ordinary} | context["ordinary"]
    return CrisisLexicon(
        entries=entries,
        stems=stems,
        context=context,
        starts={role: tuple(sorted(context[role])) for role in ("writer_starts", "stem_starts", "not_with")},
        known=frozenset(plain_words | vocabulary | harmless | pairs.words),
        ordinary=frozenset((plain_words - vocabulary) | context["ordinary"]),
        vocabulary=Neighbours((word for word in vocabulary if len(word) >= SHORTEST_CORRECTED), twice=TWICE_CORRECTED),
        phrases=Neighbours((key for key in joined if _SHORTEST_JOINED <= len(key) <= LONGEST_JOINED), twice=LONGEST_JOINED + 1),
        skeletons=_skeletons(vocabulary),
        pairs=pairs,
        paired=tuple(_entry(block) for block in near),
        firm=frozenset(block["topic"] for block in (*table["group"], *near) if block.get("firm")),
    )


def _written(block: Mapping[str, Any]) -> Iterator[str]:
    for language in LANGUAGES:
        yield from block.get(language, ())


def _spelling(piece: str) -> str:
    """A piece of an entry in crisis spelling, its spaces kept: they part its words."""
    edges = [" " if piece[:1] == " " else "", " " if len(piece) > 1 and piece[-1:] == " " else ""]
    return squeeze(edges[0] + " ".join(crisis_word(word) for word in tokens(plain(piece))) + edges[1])


def _key(phrase: str) -> str:
    return squeeze("".join(crisis_word(word) for word in tokens(plain(phrase))))


def _short_list(written: str) -> set[str]:
    """The phrases of an entry with few, as one word each, to find them misspelt and joined."""
    return {_key(phrase) for phrase in expand(written)} if count(choices_of(written)) <= _FEW_PHRASES else set()


def crisis_words(phrase: str, skip: frozenset[str]) -> list[str]:
    """The words of a phrase or text in crisis spelling, those left out that may stand anywhere."""
    return [word for word in map(crisis_word, tokens(plain(phrase))) if word not in skip]


def _entry(group: Mapping[str, Any]) -> Entry:
    flags = {flag: bool(group.get(flag, False)) for flag in FLAGS}
    return Entry(role=group["role"], topic=group["topic"], mention=int(group.get("mention", 0)), **flags)


def _skeletons(vocabulary: Iterable[str]) -> dict[str, str]:
    found: dict[str, set[str]] = {}
    for word in vocabulary:
        bones = skeleton(word)
        if len(bones) >= _SHORTEST_SKELETON and bones != word:
            found.setdefault(bones, set()).add(word)
    return {bones: min(words, key=lambda word: (len(word), word)) for bones, words in found.items()}
