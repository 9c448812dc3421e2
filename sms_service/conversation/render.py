"""From a reply of the engine to the characters that leave: an SMS text, or a screen with its ``CON `` or ``END ``."""

from __future__ import annotations

from sms_service.conversation.types import Channel, Reply
from sms_service.conversation.words import Words


def render(words: Words, language: str, reply: Reply, channel: Channel) -> str:
    """The filled text in ``language``; on USSD with the four characters that keep the dial open or close it.

    Raises ``WordsFault`` if the language lacks the text or a value is missing; the check makes sure that it cannot
    happen.
    """
    text = words.text(language, reply.key, reply.values)
    if channel == "sms":
        return text
    return f"{'END' if reply.ends else 'CON'} {text}"
