"""One answer by itself: its effects and nothing of what follows, in every conversation that keeps answers."""

from __future__ import annotations

import pytest

from sms_service.conversation.definition import Ask
from sms_service.conversation.one_answer import effects_of_answer
from sms_service.conversation.types import Dialogue
from sms_service.text.reply_types import Reading
from tests.unit.conversation.player import catalogue

CONVERSATIONS = catalogue().conversations


@pytest.mark.parametrize(
    ("name", "reading", "wanted"),
    [
        ("checkin", Reading("answer", 4), [("save_answer", 4)]),
        ("checkin", Reading("answer", "call"), [("save_answer", "call"), ("call_request", None)]),
        ("missed", Reading("answer", "leave"), [("save_answer", "leave"), ("visit_task", None)]),
        ("reminder", Reading("answer", False), [("save_answer", False)]),
        ("reminder", Reading("dont_know"), [("save_answer", None)]),
        ("checkin", Reading("answer", 6), []),
        ("checkin", Reading("unclear"), []),
        ("checkin", Reading("stop"), []),
        ("home", Reading("answer", "call"), []),
    ],
)
def test_the_effects_of_the_answer_alone(name: str, reading: Reading, wanted: list[tuple[str, object]]) -> None:
    """V6, V5: what follows the question - facts, thanks, further questions - does not happen."""
    conversation = CONVERSATIONS[name]
    at = next((step.name for step in conversation.steps.values() if isinstance(step, Ask) and step.record), "menu")
    dialogue = Dialogue(name, conversation.fingerprint, at, {"day": "2026-11-18", "time": "14:00"}, done=True)
    found = effects_of_answer(conversation, dialogue, reading)
    assert [(one.name, one.args.get("value")) for one in found] == wanted


def test_every_question_that_is_recorded_gives_its_answer() -> None:
    """Each kept yes, scale value or option of each conversation is one kept answer."""
    seen = 0
    for conversation in CONVERSATIONS.values():
        for step in conversation.steps.values():
            if not isinstance(step, Ask) or not step.record:
                continue
            values: list[object] = [True, False] if step.answer == "yesno" else [*range(step.low, step.high + 1)]
            if step.answer == "options":
                values = [str(choice.value) for choice in step.choices if not choice.only_if]
            dialogue = Dialogue(conversation.name, conversation.fingerprint, step.name)
            for value in values:
                effects = effects_of_answer(conversation, dialogue, Reading("answer", value))
                assert [one.args["question"] for one in effects if one.name == "save_answer"] == [step.record], step.name
                seen += 1
    assert seen > 20
