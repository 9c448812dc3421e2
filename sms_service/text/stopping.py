"""A request to end all messages said in two parts: ``mureke`` ... ``kunyandikira``, ``delete`` ... ``my number`` (S17)."""

from __future__ import annotations

from collections.abc import Sequence

from sms_service.text.pairs import Pairs

#: Words that, right before a request, make it the opposite.
DENIERS = frozenset({"dont", "not", "ne", "pas", "never", "no"})
#: Words that, between the parts of "do not ... send", make it a wish for more messages.
_STOPPING = frozenset({"stop", "arreter", "cesser", "guhagarika", "kuhagarika", "kuacha", "kusitisha"})


def asks_to_end(stops: Pairs, words: Sequence[str]) -> bool:
    """Whether two parts of a text, its words squeezed and plain, ask together to end all messages."""
    for _, first, _, begin, end in stops.find(words):
        if not _STOPPING.intersection(words[begin:end]) and (not first or words[first - 1] not in DENIERS):
            return True
    return False
