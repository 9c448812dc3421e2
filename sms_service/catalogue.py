"""Hands what ``template_files`` read to the pure core, and holds the result: checked definitions, words, lexicon, programmes."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from sms_service.conversation.check import check_all, load
from sms_service.conversation.check_standing import review_notices, signed_off
from sms_service.conversation.definition import Conversation
from sms_service.conversation.faults import Fault, refusing, shortly
from sms_service.conversation.play import run_transcript
from sms_service.conversation.translations import overlay, places_of
from sms_service.conversation.version import Version, notices_version, version_of
from sms_service.conversation.words import Words
from sms_service.template_files import Sources, Table, as_table, is_words, read_templates
from sms_service.text.check_lexicon import check_lexicon
from sms_service.text.forbidden import Forbidden, build_forbidden, forbidden_faults
from sms_service.text.lexicon import Lexicon, LexiconFault, build_lexicon
from sms_service.text.topics import Topics, build_topics, topic_word_in

TOPICS_FILE = "topics"
FORBIDDEN_FILE = "forbidden"

_OTHERWISE = "put the conversation right, or the transcript if this was meant"

_LANGUAGE = re.compile(r"[a-z]{2}")

AUDIENCES = "MWCFX"
"""Men, partners, couples, family, community; letters add up."""
MAX_DAYS = 14
MAX_OFFSET = 732
"""A stage lasts two weeks at most, and the last begins within two years of the first."""


class CatalogueFault(ValueError):
    """The catalogue may not run; ``faults`` holds every reason, sorted by file."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self.faults = faults
        super().__init__("\n".join(str(fault) for fault in faults))


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything read from ``templates/``: definitions by name, words, lexicon tables by file stem, topics, and all
    faults.

    ``reviews`` names the native reviewer of each language whose files all name one. ``notices`` refuse nothing.
    ``lexicon`` holds the parsed tables of ``templates/lexicon`` but for the topic words, ``programmes`` those of
    ``templates/programmes``.
    """

    conversations: Mapping[str, Conversation]
    words: Words
    lexicon: Mapping[str, Mapping[str, Any]]
    topics: Topics
    programmes: tuple[Mapping[str, Any], ...]
    reviews: Mapping[str, str]
    faults: tuple[Fault, ...]
    notices: tuple[Fault, ...] = ()

    def versions(self) -> list[Version]:
        """Everything that can be published: the notices, then each conversation by name."""
        return [notices_version(self.words), *(version_of(one) for _, one in sorted(self.conversations.items()))]


def read_catalogue(templates: Path, *, over: Collection[Path] = (), proof: bool = True) -> Catalogue:
    """Read and check everything under ``templates``; the faults are in the result, nothing is raised for them.

    ``over``: files laid over those shipped, for a trial. With ``proof`` every conversation is taken through every state, every
    answer is read, the lists replies are read by are checked, and the authors' transcripts are played; without it only shapes and
    texts of conversations are checked.
    """
    sources = read_templates(templates)
    shipped = _fingerprints(sources) if over else {}
    sources.lay_over(over)
    return _check(sources, shipped, proof=proof)


def _fingerprints(sources: Sources) -> dict[str, str]:
    loaded = load(sources.conversations, sources.messages)
    made = [notices_version(loaded.words), *(version_of(one) for one in loaded.conversations)]
    return {version.name: version.fingerprint for version in made}


def _check(sources: Sources, shipped: Mapping[str, str], *, proof: bool) -> Catalogue:
    """``shipped``: in a trial the fingerprints of what it is laid over; whose review is missing is told of what differs."""
    faults = list(sources.faults)
    lexicon = dict(sources.lexicon)
    forbidden = _forbidden(lexicon.pop(FORBIDDEN_FILE, None), faults)
    topics = _topics(lexicon.pop(TOPICS_FILE, None), forbidden, faults)
    if proof:
        faults.extend(Fault(f"lexicon/{one.file}.toml", one.entry, "", one.reason, one.fix) for one in check_lexicon(lexicon))
    notices, signed = _lay_words(sources, topics, faults)
    told = {(fault.step, fault.language) for fault in faults if fault.language}
    standing = _language_faults(sources.messages, lexicon)
    for file, table in sources.programmes.items():
        standing += _programme_faults(file, table, sorted(sources.messages), topics)
    faults.extend(refusing(standing))
    notices += [fault for fault in standing if fault.kind == "notice"]
    loaded = load(sources.conversations, sources.messages)
    by_name = {conversation.name: conversation for conversation in loaded.conversations}
    reader = _lexicon(lexicon, faults) if proof else None
    faults.extend(loaded.faults)
    found = check_all(loaded.conversations, loaded.words, topics, reader, proof=proof)
    faults.extend(fault for fault in found if (fault.step, fault.language) not in told)  # by row and column is better
    if reader is not None and not faults:  # a transcript of what is broken would only say so again
        for file, text in sources.transcripts.items():
            for fault in run_transcript(file, text, by_name, loaded.words, reader):
                differs = replace(fault, fix=fault.fix or _OTHERWISE)
                if file in sources.outdated:
                    notices.append(replace(differs, kind="notice"))
                else:
                    faults.append(differs)
    changed = [one for one in loaded.conversations if shipped.get(one.name) != one.fingerprint]
    own = notices_version(loaded.words)
    said = loaded.words if shipped.get(own.name) != own.fingerprint else Words()
    notices += review_notices(changed, said, sources.reviews, signed)
    return Catalogue(
        conversations=by_name,
        words=loaded.words,
        lexicon=lexicon,
        topics=topics,
        programmes=tuple(sources.programmes.values()),
        reviews=_reviews(sources.messages),
        faults=tuple(sorted(set(faults))),
        notices=tuple(sorted(set(notices))),
    )


def _lay_words(sources: Sources, topics: Topics, faults: list[Fault]) -> tuple[list[Fault], set[tuple[str, str]]]:
    """Put translators' files over the words that are there; the notices of reading them, and (language, key) of reviewed texts."""
    notices: list[Fault] = []
    signed: set[tuple[str, str]] = set()
    for name, content in sources.sheets.items():
        # spreadsheets are read by libraries that a process that never sees one need not carry
        from sms_service.usecases.translations import read_words_file

        base = load(sources.conversations, sources.messages)
        found = read_words_file(name, content, base.words, topics=topics, places=places_of(base.conversations))
        refused = refusing(found.faults)
        faults.extend(refused)
        notices.extend(fault for fault in found.faults if fault not in refused)
        # for the trial even what is refused is laid over, so that the rest is judged as it would be
        sources.messages = overlay(sources.messages, found)
        signed |= {(language, key) for language in found.reviews for key in found.messages.get(language, {})}
    return notices, signed


def _language_faults(messages: Mapping[str, Mapping[str, Table]], lexicon: Mapping[str, Table]) -> list[Fault]:
    """A folder that names no language; and a language whose replies nobody can read but by their digits (9.2, S22)."""
    found: list[Fault] = []
    for language in messages:
        if not _LANGUAGE.fullmatch(language):
            reason = "no language: two small letters name one, as in rw"
            found.append(Fault(f"messages/{language}", "", shortly(language), reason, "give the folder that name"))
        elif language not in lexicon:
            reason = "replies in this language are read by their digits alone, and no call for help is seen in its words"
            fix = f"add lexicon/{language}.toml, and its words to crisis.toml"
            found.append(Fault("lexicon", "", language, reason, fix, "notice"))
    return found


def _reviews(messages: Mapping[str, Mapping[str, Table]]) -> dict[str, str]:
    """The reviewers a language's files name, where every file names one."""
    found: dict[str, str] = {}
    for language, tables in messages.items():
        named = sorted({str(table.get("review", "")) for table in tables.values()})
        if named and all(signed_off(one) for one in named):
            found[language] = ", ".join(named)
    return found


def load_catalogue(templates: Path, *, proof: bool = True) -> Catalogue:
    """The catalogue for running; raises ``CatalogueFault`` with every fault, so that the running version stays in
    place. A release is proven once (``proof``), not at every start of a process.
    """
    catalogue = read_catalogue(templates, proof=proof)
    if catalogue.faults:
        raise CatalogueFault(catalogue.faults)
    return catalogue


def _lexicon(tables: Mapping[str, Table], faults: list[Fault]) -> Lexicon | None:
    try:
        return build_lexicon(tables)
    except LexiconFault as fault:
        faults.append(Fault("lexicon", "", "", str(fault)))
    return None


def _forbidden(table: Mapping[str, Any] | None, faults: list[Fault]) -> Forbidden:
    name = f"lexicon/{FORBIDDEN_FILE}.toml"
    if table is None:
        faults.append(Fault(name, "", "", "the list is missing: without it no question may be asked (S4)"))
        return Forbidden()
    found = forbidden_faults(table)
    faults.extend(Fault(name, "", "", reason) for reason in found)
    return Forbidden() if found else build_forbidden(table)


def _topics(table: Mapping[str, Any] | None, forbidden: Forbidden, faults: list[Fault]) -> Topics:
    empty: dict[str, list[str]] = {"stems": [], "words": [], "inside": [], "allowed": []}
    name = f"lexicon/{TOPICS_FILE}.toml"
    if table is None:
        faults.append(Fault(name, "", "", "the topic words are missing: without them no text may leave (S1)"))
        return build_topics(empty)
    lists = {key: table.get(key) for key in empty}
    wrong = [key for key, value in lists.items() if not is_words(value)]
    if wrong:
        faults.append(Fault(name, "", "", f"{', '.join(wrong)} must be lists of words"))
        return build_topics(empty)
    return build_topics(lists, forbidden)


def _are_stages(offsets: list[Any]) -> bool:
    whole = all(isinstance(offset, int) for offset in offsets)
    return whole and offsets[0] == 0 and all(one < other <= MAX_OFFSET for one, other in pairwise(offsets))


def _programme_faults(file: str, table: Mapping[str, Any], languages: list[str], topics: Topics) -> list[Fault]:
    """What is wrong with a programme's file: missing keys, an unknown audience, a label missing or naming a topic (S1)."""
    faults = [Fault(file, "", "", f"'{key}' is missing") for key in ("code", "version", "names", "session") if key not in table]
    sessions = table.get("session", [])
    labels = [as_table(as_table(one).get("label")) for one in (sessions if isinstance(sessions, list) else [])]
    unsaid = [language for language in languages if not any(language in label for label in labels)] if any(labels) else []
    reason, fix = "no session has a label in this language yet", "add it to each session's label"
    faults.extend(Fault(file, "", language, reason, fix, "notice") for language in unsaid)
    offsets = [as_table(one).get("offset_days") for one in (sessions if isinstance(sessions, list) else [])]
    if any(offset is not None for offset in offsets) and not _are_stages(offsets):
        reason = "either every session has 'offset_days', the first 0 and each later than the one before, or none has"
        faults.append(Fault(file, "", "", reason, "leave them all out for a weekly chain"))
    for no, one in enumerate(sessions if isinstance(sessions, list) else [], start=1):
        session, step = as_table(one), f"session {no}"
        missing = [key for key in ("phase", "audience", "theme", "minutes", "label") if key not in session]
        faults.extend(Fault(file, step, "", f"'{key}' is missing") for key in missing)
        if set(str(session.get("audience", ""))) - set(AUDIENCES):
            faults.append(Fault(file, step, "", f"audience may hold the letters {AUDIENCES} only"))
        days = session.get("days", 1)
        if not isinstance(days, int) or not 1 <= days <= MAX_DAYS:
            faults.append(Fault(file, step, "", f"'days' must be 1 to {MAX_DAYS}"))
        for language in languages:
            label = as_table(session.get("label")).get(language)
            if language in unsaid:
                continue
            if not isinstance(label, str) or not label:
                faults.append(Fault(file, step, language, "the label is missing"))
            elif (word := topic_word_in(label, topics)) is not None:
                faults.append(Fault(file, step, language, f"topic word '{word}' in a label that may appear on a phone (S1)"))
    return faults
