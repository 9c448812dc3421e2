"""May each text leave: complete in every language, fillable, within one segment or screen, and harmless over a
shoulder?
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from sms_service.conversation.check_steps import Use
from sms_service.conversation.faults import Fault, meant, nearest
from sms_service.conversation.types import Channel
from sms_service.conversation.vocabulary import APPROVED_YEARLY, NOTICES, SMS_LIMIT, USSD_LIMIT, Kind
from sms_service.conversation.words import FORMATS, PLACEHOLDER, Entry, Words
from sms_service.text.gsm import drop_accents_outside_gsm, fold, segments
from sms_service.text.topics import Topics, topic_word_in

BRAND = "Servas"
_LINK = re.compile(r"https?:|www\.|://|\b[a-z0-9-]+\.(?:com|org|net|rw|info)\b", re.IGNORECASE)
_SERVICE_NUMBER = re.compile(
    r"(?<![0-9:/])(?:11[0-9]|166|845|912|1022|1024|2060|2100|3029|3512|3936|5476|7494|\+?[0-9]{9,15})(?![0-9:/])"
)
"""What a public line looks like in Rwanda (domain guide 8.1): written out in a text it would never expire (S38)."""

Found = Iterator[tuple[str, str]]
"""Reasons, each with its suggestion or an empty one."""


def check_texts(uses: Sequence[Use], words: Words, topics: Topics) -> list[Fault]:
    """Faults of the catalogue itself and of every use a conversation or the service makes of it."""
    places: dict[str, list[Use]] = {}
    for use in (*uses, *_notices(words)):
        places.setdefault(use.key, []).append(use)
    faults = [fault for language in words.languages for fault in _forms(words, language, topics)]
    for key in sorted({key for table in words.entries.values() for key in table} | set(places)):
        found = {lang: words.entries[lang][key] for lang in words.languages if key in words.entries[lang]}
        faults.extend(_key(key, found, places.get(key, []), words))
        for language, entry in found.items():
            faults.extend(Fault(entry.file, key, language, *said) for said in _entry(entry, topics, yearly=key in APPROVED_YEARLY))
            for use in places.get(key, []):
                faults.extend(Fault(use.file, use.step or key, language, *said) for said in _use(use, entry))
            if language in words.forms:
                for use in places.get(key, []):
                    faults.extend(Fault(entry.file, key, language, *said) for said in _filled(words, language, entry, use, topics))
    return list(dict.fromkeys(faults))


def _key(key: str, found: Mapping[str, Entry], places: Sequence[Use], words: Words) -> Iterator[Fault]:
    """What is wrong with a text over all languages: missing in one, used nowhere, of two classes."""
    known = {name for table in words.entries.values() for name in table}
    for language in words.languages:
        if language not in found:
            where = places[0].file if places else next(iter(found.values())).file
            reason = f"text '{key}' is missing: add it under messages/{language}"
            yield Fault(where, key, language, reason, _to_add(key, found, known))
    file = next((entry.file for entry in found.values()), "")
    if found and not places:
        yield Fault(file, key, "", "used by no conversation and by no notice", "remove it, or name it in a step")
    if len({entry.text_class for entry in found.values()}) > 1:
        classes = ", ".join(f"{language} {entry.text_class}" for language, entry in sorted(found.items()))
        yield Fault(file, key, "", "the class differs between languages (S3)", f"now {classes}: choose one")


def _to_add(key: str, found: Mapping[str, Entry], known: set[str]) -> str:
    """The table to add, with the English text (or another that is there) beside it; a near name when nobody has the key."""
    if not found:
        return nearest(key, known)
    language = "en" if "en" in found else min(found)
    entry = found[language]
    text = entry.text.replace("\n", "\\n")
    return f'[{key}] class = "{entry.text_class}" text = "..."; in {language} it is "{text}"'


def _notices(words: Words) -> Iterator[Use]:
    for key, values in NOTICES.items():
        channel = next((table[key].channel for table in words.entries.values() if key in table), "sms")
        channels: tuple[Channel, ...] = ("ussd",) if channel == "ussd" else ("sms",)
        for one in channels:
            yield Use("notices", "", key, one, "B", values)


def _forms(words: Words, language: str, topics: Topics) -> Iterator[Fault]:
    """S1, S6: what fills a text is language too: days, hours and joining words; and the labels read in replies."""
    file, forms = f"messages/{language}", words.forms.get(language)
    filling: list[str] = []
    if forms is not None:
        filling = [*forms.weekdays, *forms.weekdays_short, *forms.hours, forms.or_word, *forms.soon.values()]
    said = [found for text in filling for found in filling_reasons(text, topics, sent=True)]
    labels = words.option_labels.get(language, {}).values()
    said += [found for text in labels for found in filling_reasons(text, topics, sent=False)]
    yield from (Fault(file, "forms", language, *found) for found in said)


def filling_reasons(text: str, topics: Topics, *, sent: bool) -> Found:
    """What is wrong with a day, an hour or a joining word (``sent``: it leaves inside a text), or with a label read in replies."""
    word = topic_word_in(text, topics)
    if word is not None:
        yield f"topic word '{word}' in what fills a text (S1)", "say it otherwise"
    culprits = segments(text).culprits if sent else ()
    if culprits:
        yield f"'{text}' has characters outside GSM-7 (S6)", _twins(culprits)


def text_reasons(words: Words, language: str, entry: Entry, use: Use, topics: Topics) -> Found:
    """What is wrong with one text by itself and at its longest, wherever the steps of ``use`` say it."""
    yield from _entry(entry, topics, yearly=use.key in APPROVED_YEARLY)
    if language in words.forms:
        yield from _filled(words, language, entry, use, topics)


def _entry(entry: Entry, topics: Topics, *, yearly: bool = False) -> Found:
    """What is wrong with a text wherever it is used; ``yearly``: its topic words are the director's to approve (S1)."""
    bare = PLACEHOLDER.sub("", entry.text)
    if "{" in bare or "}" in bare:
        yield "a brace that is no placeholder: expected {name} or {name:format}", ""
    for name, form in entry.placeholders():
        if form not in FORMATS:
            known = [one for one in FORMATS if one]
            yield f"unknown format '{form}' of '{name}': expected {', '.join(sorted(known))}", meant(form, known)
    word = topic_word_in(bare, topics)
    if word is not None and not yearly:
        yield f"topic word '{word}': nothing on a phone may say what the groups are about (S1)", "say 'meeting' or leave it out"
    if _LINK.search(bare):
        yield "a link: texts never carry one (S7)", "remove it"
    if entry.channel != "ussd" and not entry.text.startswith(f"{BRAND}: "):
        yield f"an SMS begins with '{BRAND}: ' (S2)", f'"{BRAND}: {entry.text[:20]}..."'
    number = _SERVICE_NUMBER.search(PLACEHOLDER.sub(" ", entry.text))
    if number is not None:
        # S38: written out, a number would go on leaving after nobody has verified it
        yield f"number {number.group()} is written into the text: it would never expire (S38)", "use a value of kind phone"
    culprits = segments(bare).culprits
    if culprits:
        yield f"characters outside GSM-7: {' '.join(culprits)} (S6)", _twins(culprits)


def _twins(culprits: Sequence[str]) -> str:
    """The plain twin of each character that a phone's alphabet lacks; ``leave out`` where it has none."""
    pairs = []
    for culprit in culprits[:10]:
        twin = drop_accents_outside_gsm(fold(culprit))
        same = twin == culprit or bool(segments(twin).culprits)
        pairs.append(f"leave out {culprit}" if same or not twin else f"{culprit} -> {twin}")
    return ", ".join(pairs)


def _use(use: Use, entry: Entry) -> Found:
    """What is wrong with a text at one place."""
    if entry.channel not in (use.channel, "both"):
        reason = f"text '{use.key}' is written for {entry.channel} but shown by {use.channel}"
        yield reason, f'write a text for {use.channel}, or give this one channel = "both" if it fits {USSD_LIMIT} characters'
    if use.text_class == "A" and entry.text_class == "B":
        yield f"text '{use.key}' is class B but the conversation is class A (S3)", "make the conversation class B: own phones only"
    for name, form in entry.placeholders():
        kind = use.values.get(name)
        if kind is None:
            reason = f"text '{use.key}' asks for '{name}', which this step does not give in 'values'"
            yield reason, meant(name, use.values)
        elif form in FORMATS and kind not in FORMATS[form]:
            right = " or ".join(f"{{{name}:{one}}}" if one else f"{{{name}}}" for one, kinds in FORMATS.items() if kind in kinds)
            yield f"text '{use.key}' says '{name}' as '{form or 'plain'}', but it is of kind {kind}", right


def _filled(words: Words, language: str, entry: Entry, use: Use, topics: Topics) -> Found:
    """One segment, or one screen with its four characters in front, and harmless, with the longest real values (S1, S6)."""
    text = fill_longest(words, language, entry, use.values)
    units = segments(text).units
    limit = SMS_LIMIT if entry.channel == "sms" else USSD_LIMIT
    if units > limit:
        reason = f"{units} characters with the longest values, at most {limit} fit (S6)"
        yield reason, _shorter(words, language, entry, use, units - limit)
    filled = text != entry.text
    word = topic_word_in(text, topics) if filled else None
    if word is not None and topic_word_in(PLACEHOLDER.sub("", entry.text), topics) is None:
        yield f"topic word '{word}' once its values are filled in (S1)", "say it otherwise"


def _shorter(words: Words, language: str, entry: Entry, use: Use, excess: int) -> str:
    """How many characters must go, and which value takes the most of them."""
    values = {
        name: words.longest(language, form, use.values.get(name, "code")) for name, form in entry.placeholders() if form in FORMATS
    }
    must_go = f"shorten it by {excess} character{'s' if excess > 1 else ''}"
    if not values:
        return must_go
    name, longest = max(values.items(), key=lambda one: len(one[1]))
    shown = longest.replace("\n", " ")
    return f"{must_go}; '{name}' alone takes up to {len(longest)} ('{shown[:30]}')"


def fill_longest(words: Words, language: str, entry: Entry, values: Mapping[str, Kind]) -> str:
    """The text with every placeholder at its longest; a value of unknown kind counts as a code."""

    def fill(match: re.Match[str]) -> str:
        name, form = match.group(1), match.group(2) or ""
        return words.longest(language, form, values.get(name, "code"))

    return PLACEHOLDER.sub(fill, entry.text)
