"""A request to end all messages said in two parts: ``mureke`` ... ``kunyandikira``, ``delete`` ... ``my number`` (S17)."""

from __future__ import annotations

from collections.abc import Sequence

from sms_service.text.crisis_lexicon import crisis_word
from sms_service.text.model import Model
from sms_service.text.pairs import Pairs

#: A longer text is a story to the statistical layer (S17).
_LONGEST_WEIGHED = 16
#: Nor does it judge a word or two: "basi" and "fini" say that something is over, not that the texts should be (S17).
_FEWEST_WEIGHED, _FEWEST_LETTERS = 3, 15
#: Concepts of which a request to stop names one.
_ABOUT = frozenset(
    {"message", "remove", "stop_word", "number_list", "st_msg", "st_end", "st_remove", "st_list", "st_notwant", "st_neg_imp"}
    | {"st_wrong", "st_leave"}
)

#: Words that, right before a request, make it the opposite.
DENIERS = frozenset({"dont", "dun", "dnt", "not", "ne", "pas", "never", "no"})
#: Words that, between the parts of "do not ... send", make it a wish for more messages.
_STOPPING = frozenset(
    {"stop", "arreter", "cesser", "guhagarika", "kuhagarika", "kuacha", "kusitisha", "hesitate", "hesitez", "forget", "oubliez"}
)


def asks_to_end(stops: Pairs, words: Sequence[str]) -> bool:
    """Whether two parts of a text, its words squeezed and plain, ask together to end all messages."""
    for _, first, _, begin, end in stops.find(words):
        if not _STOPPING.intersection(words[begin:end]) and (not first or words[first - 1] not in DENIERS):
            return True
    return False


def weighs_as_end(model: Model | None, words: Sequence[str]) -> bool:
    """Whether the statistical layer takes a short text for a request to end all messages, in words that no list holds."""
    if model is None or len(words) > _LONGEST_WEIGHED:
        return False
    if len(words) < _FEWEST_WEIGHED and sum(map(len, words)) < _FEWEST_LETTERS:
        return False
    spelt = [crisis_word(word) for word in words]
    if not any(_ABOUT.intersection(model.concepts.of(word)) for word in spelt):
        return False
    return model.stop(spelt) >= model.limits["stop"]
