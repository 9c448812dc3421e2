"""May each text leave: complete in every language, fillable, within one segment or screen, and harmless over a
shoulder?
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from sms_service.conversation.check_steps import Use
from sms_service.conversation.faults import Fault
from sms_service.conversation.types import Channel
from sms_service.conversation.vocabulary import NOTICES, SMS_LIMIT, USSD_LIMIT, Kind
from sms_service.conversation.words import FORMATS, PLACEHOLDER, Entry, Words
from sms_service.text.gsm import segments
from sms_service.text.topics import Topics, topic_word_in

BRAND = "Servas"
_LINK = re.compile(r"https?:|www\.|://|\b[a-z0-9-]+\.(?:com|org|net|rw|info)\b", re.IGNORECASE)


def check_texts(uses: Sequence[Use], words: Words, topics: Topics) -> list[Fault]:
    """Faults of the catalogue itself and of every use a conversation or the service makes of it."""
    everywhere = [*uses, *_notices(words)]
    keys = sorted({key for table in words.entries.values() for key in table} | {use.key for use in everywhere})
    used = {use.key for use in everywhere}
    faults: list[Fault] = []
    for key in keys:
        places = [use for use in everywhere if use.key == key]
        found = {lang: words.entries[lang][key] for lang in words.languages if key in words.entries[lang]}
        for language in words.languages:
            if language not in found:
                where = places[0].file if places else next(iter(found.values())).file
                faults.append(Fault(where, key, language, f"text '{key}' is missing: add it under messages/{language}"))
        if not found:
            continue
        if key not in used:
            faults.append(Fault(next(iter(found.values())).file, key, "", "used by no conversation and by no notice"))
        if len({entry.text_class for entry in found.values()}) > 1:
            faults.append(Fault(next(iter(found.values())).file, key, "", "the class differs between languages (S3)"))
        for language, entry in found.items():
            faults.extend(Fault(entry.file, key, language, reason) for reason in _entry(entry, topics))
            for use in places:
                faults.extend(Fault(use.file, use.step or key, language, reason) for reason in _use(use, entry))
            if language in words.forms:
                reasons = {reason for reason in (_length(words, language, entry, use) for use in places) if reason}
                faults.extend(Fault(entry.file, key, language, reason) for reason in reasons)
    return faults


def _notices(words: Words) -> Iterator[Use]:
    for key, values in NOTICES.items():
        channel = next((table[key].channel for table in words.entries.values() if key in table), "sms")
        channels: tuple[Channel, ...] = ("ussd",) if channel == "ussd" else ("sms",)
        for one in channels:
            yield Use("notices", "", key, one, "B", values)


def _entry(entry: Entry, topics: Topics) -> Iterator[str]:
    """What is wrong with a text wherever it is used."""
    bare = PLACEHOLDER.sub("", entry.text)
    if "{" in bare or "}" in bare:
        yield "a brace that is no placeholder: expected {name} or {name:format}"
    for name, form in entry.placeholders():
        if form not in FORMATS:
            yield f"unknown format '{form}' of '{name}': expected {', '.join(sorted(FORMATS))}"
    word = topic_word_in(bare, topics)
    if word is not None:
        yield f"topic word '{word}': nothing on a phone may say what the groups are about (S1)"
    if _LINK.search(bare):
        yield "a link: texts never carry one (S7)"
    if entry.channel != "ussd" and not entry.text.startswith(f"{BRAND}: "):
        yield f"an SMS begins with '{BRAND}: ' (S2)"
    measured = segments(bare)
    if measured.encoding != "GSM-7":
        yield f"characters outside GSM-7: {' '.join(measured.culprits)} (S6)"


def _use(use: Use, entry: Entry) -> Iterator[str]:
    """What is wrong with a text at one place."""
    if entry.channel not in (use.channel, "both"):
        yield f"text '{use.key}' is written for {entry.channel} but shown by {use.channel}"
    if use.text_class == "A" and entry.text_class == "B":
        yield f"text '{use.key}' is class B but the conversation is class A (S3)"
    for name, form in entry.placeholders():
        kind = use.values.get(name)
        if kind is None:
            yield f"text '{use.key}' asks for '{name}', which this step does not give in 'values'"
        elif form in FORMATS and kind not in FORMATS[form]:
            yield f"text '{use.key}' says '{name}' as '{form or 'plain'}', but it is of kind {kind}"


def _length(words: Words, language: str, entry: Entry, use: Use) -> str:
    """One segment, or one screen with its four characters in front, with the longest real values (S6)."""
    text = fill_longest(words, language, entry, use.values)
    units = segments(text).units
    limit = SMS_LIMIT if entry.channel == "sms" else USSD_LIMIT
    if units <= limit:
        return ""
    return f"{units} characters with the longest values, at most {limit} fit (S6)"


def fill_longest(words: Words, language: str, entry: Entry, values: Mapping[str, Kind]) -> str:
    """The text with every placeholder at its longest; a value of unknown kind counts as a code."""

    def fill(match: re.Match[str]) -> str:
        name, form = match.group(1), match.group(2) or ""
        return words.longest(language, form, values.get(name, "code"))

    return PLACEHOLDER.sub(fill, entry.text)
