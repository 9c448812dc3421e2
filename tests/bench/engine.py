"""The engine: a step with the reading of its reply, how that grows with the text, the worst texts, ``check``, and replay.

All of it runs in this process on one core, whose time is what is measured. Only replay touches a database.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

from sms_service import paths
from sms_service.catalogue import load_catalogue, read_catalogue
from sms_service.conversation import engine
from sms_service.conversation.definition import Conversation
from sms_service.conversation.made_up import begin_with, made_up_fact
from sms_service.conversation.render import render
from sms_service.conversation.types import Answered, Begin, Channel, Dialogue, Event, Outcome
from sms_service.text.lexicon import Lexicon, build_lexicon
from sms_service.text.reading import read_reply
from sms_service.text.reply_types import Expectation
from sms_service.usecases.replay import replay_dialogues
from tests.bench.dialogues import write_past
from tests.bench.figures import Figure
from tests.bench.load import Measured
from tests.bench.seed import seed
from tests.bench.site import site

MEDIAN_MS, WORST_MS, CHECK_SECONDS, TURNS_A_SECOND = 0.2, 100.0, 5.0, 5_000
MOST_GROWTH = 2.5  # of the time when a long text doubles; linear is 2
SIZES = (100, 1_000, 4_000, 16_000, 32_000, 64_000)
WHOLE = 64_000
LANGUAGES = ("rw", "fr", "en", "sw")
REPLIES = (
    *("1", "2", "4", "9", "0", "00", "1 2", "3 4murakoze", "???", "STOP", "HELP"),
    *("yego", "oya", "Yego, nzaza", "neza cyane", "sinzi", "Murakoze cyane", "Ndaza ejo mu gitondo kubera imvura"),
    *("oui je viens", "non merci", "bien", "très bien", "je ne sais pas"),
    *("yes", "no", "good", "I will come next time", "don't know"),
    *("ndiyo", "hapana", "nzuri sana", "sijui", "Habari, mkutano ni lini?"),
)
_STORY = "Ejo umugabo wanjye yagiye ku isoko, the rain came early et nous avons attendu, basi tukarudi nyumbani saa kumi. "
WORST: dict[str, str] = {
    "a story": _STORY,
    "one letter": "a",
    "one digit": "7",
    "digits apart": "1 2 ",
    "doubled letters": "aabbccddee",
    "nearly stop": "st0p sto p stopp ",
    "nearly a crisis": "kwiyahur ndashak kill mysel me tue r ",
    "denials": "not no non ne pas si ha- oya sinda ",
    "accents in pieces": "e\u0301",
    "invisible": "\u200b\u200e\u00ad",
    "look-alikes": "\u0455t\u043e\u0440 ",
    "symbols": "\U0001f600\U0001f1f7\U0001f1fc",
    "line ends": "1\r\n",
    "brackets": "((((",
    "yes in four languages": "yego oui yes ndiyo ",
    "number words": "makumyabiri na rimwe quatre-vingt-douze ",
}


def measure(kind: str, *, dialogues: int = 100_000, rounds: int = 10) -> list[Figure]:
    """What needs no database once, with SQLite; replay on each."""
    return [*(_alone(rounds) if kind == "sqlite" else ()), replay(kind, dialogues)]


def _alone(rounds: int) -> list[Figure]:
    loaded = load_catalogue(paths.templates_dir(), proof=False)
    lexicon = build_lexicon(loaded.lexicon)
    return [*step_times(questions(loaded.conversations, lexicon), lexicon, rounds), *growth(lexicon), *worst(lexicon), check()]


@dataclass(frozen=True, slots=True)
class Question:
    """A place where a conversation waits for an answer."""

    conversation: Conversation
    channel: Channel
    place: Dialogue

    def answer(self, lexicon: Lexicon, reply: str, language: str) -> str:
        """The whole of a turn but its storage: what is wanted, the reply read, the step, the text rendered."""
        wanted = engine.wants(self.conversation, self.place)
        reading = read_reply(lexicon, reply, wanted, language=language)
        outcome = settled(self.conversation, self.place, Answered(reading, reply if reply in ("0", "00") else ""), self.channel)
        return render(self.conversation.words, language, outcome.replies[-1], self.channel) if outcome.replies else ""


def settled(conversation: Conversation, place: Dialogue | None, event: Event, channel: Channel) -> Outcome:
    """One step with made-up facts."""
    facts: dict[str, object] = {}
    while True:
        outcome = engine.step(conversation, place, event, facts, channel)
        if isinstance(outcome, Outcome):
            return outcome
        facts[outcome.name] = made_up_fact(outcome.name)


def questions(conversations: Mapping[str, Conversation], lexicon: Lexicon) -> list[Question]:
    """Every question of every conversation that its options lead to, on every channel."""
    found: dict[tuple[str, str, str], Question] = {}
    for conversation in conversations.values():
        for channel in conversation.channels:
            by: Channel = "sms" if channel == "sms" else "ussd"
            waiting = [settled(conversation, None, Begin(begin_with(conversation)), by).dialogue]
            while waiting:
                place = waiting.pop()
                key = (conversation.name, by, place.step)
                wanted = engine.wants(conversation, place)
                if key in found or wanted.kind in ("none", "pin"):
                    continue
                found[key] = Question(conversation, by, place)
                for reply in (*"123456789", "1430"):
                    reading = read_reply(lexicon, reply, wanted)
                    waiting.append(settled(conversation, place, Answered(reading), by).dialogue)
    return list(found.values())


def step_times(asked: list[Question], lexicon: Lexicon, rounds: int) -> list[Figure]:
    """Median and 99th percentile of a turn in milliseconds, over every question, reply and language."""
    times = Measured()
    for _ in range(rounds):
        for question in asked:
            for reply, language in zip(REPLIES, itertools.cycle(LANGUAGES), strict=False):
                started = time.thread_time()
                question.answer(lexicon, reply, language)
                times.delays.append((time.thread_time() - started) * 1000)
    note = f"{len(times.delays)} turns over {len(asked)} questions"
    return [
        Figure("engine: step with its reply read, median", "", times.percentile(0.5), "ms", MEDIAN_MS, note=note),
        Figure("engine: step with its reply read, p99", "", times.percentile(0.99), "ms"),
    ]


def _read_ms(lexicon: Lexicon, text: str, tries: int = 5) -> float:
    """The best of a few, milliseconds: what the text costs, not what the machine was doing besides."""
    best = float("inf")
    for _ in range(tries):
        started = time.thread_time()
        read_reply(lexicon, text, Expectation("scale", 1, 5), language="rw")
        best = min(best, (time.thread_time() - started) * 1000)
    return best


def _of(unit: str, size: int) -> str:
    return (unit * (size // len(unit) + 1))[:size]


def growth(lexicon: Lexicon) -> list[Figure]:
    """The same story at every length; from 32 to 64 KB the time may at most double, and a little."""
    times = {size: _read_ms(lexicon, _of(_STORY, size)) for size in SIZES}
    table = ", ".join(f"{size} characters {took:.2f} ms" for size, took in times.items())
    return [
        Figure(
            "engine: growth from 32,000 to 64,000 characters", "", times[64_000] / times[32_000], "times", MOST_GROWTH, note=table
        )
    ]


def worst(lexicon: Lexicon) -> list[Figure]:
    """The slowest text of 64,000 characters there is among the nasty ones."""
    times = {name: _read_ms(lexicon, _of(unit, WHOLE), tries=3) for name, unit in WORST.items()}
    name = max(times, key=lambda one: times[one])
    others = ", ".join(f"{one} {took:.0f}" for one, took in sorted(times.items(), key=lambda pair: -pair[1])[1:4])
    return [Figure("engine: worst text of 64,000 characters", "", times[name], "ms", WORST_MS, note=f"{name}; then {others}")]


def check() -> Figure:
    """Every conversation in every language, read from the files and proven."""
    started = time.thread_time()
    read = read_catalogue(paths.templates_dir())
    took = time.thread_time() - started
    note = f"{len(read.conversations)} conversations, {len(read.words.languages)} languages"
    return Figure("engine: check of everything", "", took, "s", CHECK_SECONDS, wrong=len(read.faults), note=note)


def replay(kind: str, dialogues: int) -> Figure:
    """Turns a second, to the last character of every text; what does not follow counts as wrong."""
    with site(kind) as here:
        people = seed(here.context, min(2_000, dialogues), 0)
        for done in write_past(here.context, people, dialogues):
            if done % 20_000 == 0:
                print(f"bench: {done} dialogues written", file=sys.stderr, flush=True)
        steps = wrong = count = 0
        started = time.thread_time()
        for one in replay_dialogues(here.context):
            count += 1
            steps += one.steps
            wrong += not one.same
        took = time.thread_time() - started
    note = f"{count} dialogues and dials, {steps} turns in {took:.1f} s of one core"
    return Figure("engine: replay", kind, steps / took, "turns/s", TURNS_A_SECOND, at_most=False, wrong=wrong, note=note)
