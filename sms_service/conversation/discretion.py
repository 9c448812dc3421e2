"""Whose phone a conversation may begin on, and who may see each of its screens (S3, S9, S11).

In: a definition, and for its screens what ``explore`` found. Out: small tables that the proof holds, and that people read.
"""

from __future__ import annotations

from typing import Literal

from sms_service.conversation.definition import Conversation
from sms_service.conversation.explore import Exploration
from sms_service.conversation.types import Dialogue
from sms_service.conversation.vocabulary import PERSONAL_FLAG

Phone = Literal["own", "shared", "unverified"]
"""``own``: one participant, on a phone of theirs; ``shared``: several people, or not known; ``unverified``: nobody enrolled."""

Viewer = Literal["anyone", "own phone or PIN", "PIN"]


def may_begin_on(conversation: Conversation) -> frozenset[Phone]:
    """S3, S9: class A goes to own and shared phones, class B to own ones. A dial is begun by whoever holds the phone."""
    if conversation.closes == "dial":
        return frozenset({"own", "shared", "unverified"})
    return frozenset({"own", "shared"}) if conversation.text_class == "A" else frozenset({"own"})


def is_known(dialogue: Dialogue) -> bool:
    """S3, S11: is it the person's own phone, or has a PIN been right in this dialogue?"""
    return bool(dialogue.data.get(PERSONAL_FLAG) or dialogue.data.get("person"))


def viewers(conversation: Conversation, found: Exploration) -> dict[str, Viewer]:
    """Who may come to see each step that shows something or waits, over every state there is (S11)."""
    seen: dict[str, set[Viewer]] = {}
    for taken in found.taken:
        after = taken.outcome.dialogue
        viewer: Viewer = "anyone" if not is_known(after) else "PIN" if after.data.get("person") else "own phone or PIN"
        seen.setdefault(after.step, set()).add(viewer)
    order: tuple[Viewer, ...] = ("anyone", "own phone or PIN", "PIN")
    return {step: next(one for one in order if one in seen[step]) for step in conversation.steps if step in seen}
