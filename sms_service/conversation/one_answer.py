"""What one answer asks for by itself, without going on from it: for an answer that comes after its question has closed."""

from __future__ import annotations

from dataclasses import replace

from sms_service.conversation.definition import END, Ask, Conversation, Way
from sms_service.conversation.engine import step
from sms_service.conversation.types import Answered, Dialogue, Effect, Outcome
from sms_service.text.reply_types import Reading


def effects_of_answer(conversation: Conversation, dialogue: Dialogue, reading: Reading) -> tuple[Effect, ...]:
    """The effects of this reading as an answer to the question the dialogue stands at, in order; none when it would not have been
    taken. Nothing of what follows the question happens. ``dialogue`` may be one that has been closed.

    Raises ``EngineFault`` for a dialogue of another version.
    """
    asked = conversation.steps.get(dialogue.step)
    if not isinstance(asked, Ask):
        return ()
    alone = replace(
        asked,
        way=_ends(asked.way),
        choices=tuple(replace(choice, way=_ends(choice.way)) for choice in asked.choices),
        ways={name: _ends(way) for name, way in asked.ways.items()} if asked.ways else None,
    )
    taken = step(replace(conversation, steps={asked.name: alone}), replace(dialogue, done=False), Answered(reading), {}, "sms")
    return taken.effects if isinstance(taken, Outcome) and taken.dialogue.done else ()


def _ends(way: Way) -> Way:
    return replace(way, next=END)
