"""Every fault of every conversation and language at once, before anything may run (reliability, bad input).

In: parsed mappings and file names; out: definitions, words and faults. Nothing here reads a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sms_service.conversation.check_forbidden import check_forbidden
from sms_service.conversation.check_replies import check_replies
from sms_service.conversation.check_screens import check_screens
from sms_service.conversation.check_steps import check_steps, uses_of
from sms_service.conversation.check_texts import check_texts
from sms_service.conversation.definition import Conversation
from sms_service.conversation.explore import explore
from sms_service.conversation.faults import Fault
from sms_service.conversation.graph import check_graph
from sms_service.conversation.parse import parse_conversation
from sms_service.conversation.proof import prove
from sms_service.conversation.words import Words, read_words
from sms_service.text.lexicon import Lexicon
from sms_service.text.topics import Topics


@dataclass(frozen=True, slots=True)
class Loaded:
    """What could be read, and the faults of shape met while reading; run ``check_all`` on it before using it."""

    conversations: tuple[Conversation, ...]
    words: Words
    faults: tuple[Fault, ...]


def load(
    conversation_files: Mapping[str, Mapping[str, Any]],
    message_files: Mapping[str, Mapping[str, Mapping[str, Any]]],
) -> Loaded:
    """From ``{file: table}`` and ``{language: {file: table}}``, both as ``tomllib`` gives them."""
    words, faults = read_words(message_files)
    conversations: list[Conversation] = []
    for file, table in sorted(conversation_files.items()):
        conversation, found = parse_conversation(file, table, words)
        faults.extend(found)
        if conversation is not None:
            conversations.append(conversation)
    return Loaded(tuple(conversations), words, tuple(faults))


def check_conversation(conversation: Conversation, words: Words, topics: Topics, lexicon: Lexicon | None = None) -> list[Fault]:
    """The faults of one conversation but for the wording of its texts: steps, ways, every state, every answer.

    It is taken through every state by the engine itself (``explore``). With a ``lexicon`` every answer is read as a person might
    give it. ``words`` is the whole catalogue it was loaded with.
    """
    faults = check_shape(conversation, words, topics)
    found = explore(conversation)
    faults.extend(prove(conversation, words, found, whole=not faults))
    faults.extend(check_screens(conversation, found))
    if lexicon is not None:
        faults.extend(check_replies(conversation, lexicon))
    return faults


def check_all(
    conversations: Sequence[Conversation],
    words: Words,
    topics: Topics,
    lexicon: Lexicon | None = None,
    *,
    proof: bool = True,
) -> list[Fault]:
    """Every fault, sorted by file, step and language; an empty list means that everything may run.

    Without ``proof`` no conversation is explored: for a start from files that were proven before.
    """
    own = check_conversation if proof else check_shape
    found = [fault for one in conversations for fault in own(one, words, topics, lexicon)]
    return sorted({*found, *check_catalogue(conversations, words, topics)})


def check_shape(conversation: Conversation, words: Words, topics: Topics, _lexicon: Lexicon | None = None) -> list[Fault]:
    """The faults of one conversation that its steps, and the ways between them, show by themselves."""
    forbidden = check_forbidden(conversation, topics.forbidden)
    return [*check_graph(conversation), *check_steps(conversation, words), *forbidden]


def check_catalogue(conversations: Sequence[Conversation], words: Words, topics: Topics) -> list[Fault]:
    """The faults that only all conversations together show: a name given twice, and each text at every place it is shown."""
    faults: list[Fault] = []
    owners: dict[str, str] = {}
    for conversation in conversations:
        if conversation.name in owners:
            reason = f"conversation '{conversation.name}' is already in {owners[conversation.name]}: names are unique"
            faults.append(Fault(conversation.file, "", "", reason, "give it another name"))
        owners.setdefault(conversation.name, conversation.file)
    uses = [use for conversation in conversations for use in uses_of(conversation)]
    return faults + check_texts(uses, words, topics)
