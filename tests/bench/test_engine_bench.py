"""The engine's benchmark in miniature and untimed: what it measures must be what it says."""

from __future__ import annotations

from sqlalchemy import update

from sms_service.catalogue import load_catalogue
from sms_service.conversation.definition import Ask
from sms_service.models.dials import turn
from sms_service.paths import templates_dir
from sms_service.text.lexicon import build_lexicon
from sms_service.usecases.replay import replay_dialogues
from tests.bench.dialogues import TALKS, write_past
from tests.bench.engine import REPLIES, questions, step_times, worst
from tests.bench.seed import seed
from tests.bench.site import site


def test_every_kind_of_talk_is_written_and_replays() -> None:
    """What the benchmark writes is what the service would have written: all of it follows, and a changed screen does not."""
    with site("sqlite") as here:
        people = seed(here.context, 5, 0)
        assert list(write_past(here.context, people, 40)) == [40]
        found = list(replay_dialogues(here.context))
        assert [str(one) for one in found if not one.same] == []
        assert {one.conversation for one in found} == {"home", *(name for name, _, _ in TALKS)}
        assert (len(found), sum(one.steps for one in found) > 100) == (50, True)
        with here.context.database.begin() as db:
            db.execute(update(turn).where(turn.c.seq == 2).values(screen=b"\x01"))
        assert sum(not one.same for one in replay_dialogues(here.context)) == 10


def test_questions_of_every_conversation_are_timed() -> None:
    """Every conversation that asks is there by each of its channels, and each question is given every reply."""
    loaded = load_catalogue(templates_dir(), proof=False)
    lexicon = build_lexicon(loaded.lexicon)
    asked = questions(loaded.conversations, lexicon)
    asking = [one for one in loaded.conversations.values() if any(isinstance(step, Ask) for step in one.steps.values())]
    assert {(one.conversation.name, one.channel) for one in asked} == {(one.name, by) for one in asking for by in one.channels}
    median, _ = step_times(asked[:2], lexicon, 1)
    assert median.note == f"{2 * len(REPLIES)} turns over 2 questions"
    assert worst(lexicon)[0].note
