"""What refuses nothing and must still be known before publishing: languages nobody has signed off, public numbers run out.

In: the conversations, their words, the review state of each file, and the service directory as ``{service: valid until}``. Out:
notices. An unreviewed language is not sent outside the demo; a text whose numbers have run out is replaced by its plain form.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence

from sms_service.conversation.check_steps import uses_of
from sms_service.conversation.definition import Conversation
from sms_service.conversation.faults import Fault
from sms_service.conversation.version import NOTICES_NAME
from sms_service.conversation.vocabulary import NOTICES, Kind
from sms_service.conversation.words import Words

AWAITING = "awaiting"
"""A ``review`` that begins so is no sign-off."""

_PLAIN_FORMS = {"urgent": "urgent_plain"}
"""The text that goes where a number of another is missing (V11)."""


def review_notices(
    conversations: Sequence[Conversation],
    words: Words,
    reviews: Mapping[str, str],
    signed: Collection[tuple[str, str]] = (),
) -> list[Fault]:
    """One notice for each conversation and language with a text that awaits its native review.

    ``reviews`` by file; ``signed`` are (language, key) of texts in a translators' file that names who reviewed that language.
    """
    own = [(one.file, one.words) for one in conversations]
    found: list[Fault] = []
    for file, said in (*own, (NOTICES_NAME, words.only(NOTICES, ()))):
        for language in said.languages:
            entries = said.entries[language]
            awaiting = [
                one.file
                for key, one in entries.items()
                if (language, key) not in signed and not signed_off(reviews.get(one.file, ""))
            ]
            if awaiting:
                open_files = sorted(set(awaiting))
                reason = f"{len(awaiting)} of {len(entries)} texts await native review: not sent outside the demo"
                found.append(
                    Fault(file, "", language, reason, f"sign them off under 'review' in {', '.join(open_files)}", "notice")
                )
    return found


def signed_off(review: str) -> bool:
    """Does a ``review`` name somebody?"""
    return bool(review.strip()) and not review.strip().casefold().startswith(AWAITING)


def directory_notices(conversations: Sequence[Conversation], directory: Mapping[str, dt.datetime], now: dt.datetime) -> list[Fault]:
    """S38: each text with a public number that is missing from the directory or past its ``valid until`` (aware, as ``now``)."""
    found: list[Fault] = []
    for file, key, values in _with_numbers(conversations):
        for service, kind in sorted(values.items()):
            if kind == "phone":
                found.extend(_standing(file, key, service, directory.get(service), now))
    return sorted(set(found))


def _with_numbers(conversations: Sequence[Conversation]) -> Iterator[tuple[str, str, Mapping[str, Kind]]]:
    yield from ((NOTICES_NAME, key, values) for key, values in NOTICES.items())
    for conversation in conversations:
        yield from ((use.file, use.key, use.values) for use in uses_of(conversation))


def _standing(file: str, key: str, service: str, until: dt.datetime | None, now: dt.datetime) -> Iterator[Fault]:
    if until is not None and now < until:
        return
    instead = f"'{_PLAIN_FORMS[key]}' goes instead" if key in _PLAIN_FORMS else "it does not go"
    state = f"ran out on {until:%Y-%m-%d}" if until is not None else "is not in the directory"
    fix = "call the number, then record it as verified in the console's directory"
    yield Fault(file, key, "", f"the number of '{service}' {state}: {instead} (S38)", fix, "notice")
