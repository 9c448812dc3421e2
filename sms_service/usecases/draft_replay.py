"""What an edit would have changed: the dialogues of the last days played again on a draft, before anybody publishes it.

Each dialogue is played twice from its stored events, on the version it ran on and on the draft, step beside step. Where the draft
asks something else at that point, what the person wrote is read again if it is still kept; else it cannot be compared. Nobody is
written to and nothing is changed. What comes out names people by code, and steps, never content.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from typing import Any, Literal

from sms_service.conversation import engine
from sms_service.conversation.definition import Conversation
from sms_service.conversation.render import render
from sms_service.conversation.types import Answered, Begin, Channel, Dialogue, PinChecked
from sms_service.conversation.words import WordsFault
from sms_service.security.vault import Unsealable
from sms_service.text.reading import read_reply
from sms_service.text.reply_types import Expectation
from sms_service.usecases import read_versions
from sms_service.usecases.context import Context
from sms_service.usecases.faults import UseFault
from sms_service.usecases.replay import BATCH
from sms_service.usecases.replay_play import (
    CannotPlay,
    Differs,
    Input,
    Player,
    Said,
    Taken,
    answers_in,
    definition_of,
    inputs_of,
    step,
)
from sms_service.usecases.replay_read import Batch, Kind, Stored, Versions, read_batch
from sms_service.usecases.take_turn import DEFAULT_LANGUAGE

DAYS = 90
MOST_LISTED = 500
"""Differences that are listed; all are counted."""

What = Literal["path", "answer", "effect", "text"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One dialogue that would have gone otherwise, at the first place where it would.

    ``code`` is the person's, or the number's where nobody is known. ``step`` is where the dialogue stood; ``was`` and ``would``
    are the steps it went to and would go to (for ``path``), else the questions, effects or text keys that differ.
    """

    code: str
    step: str
    what: What
    was: str
    would: str


@dataclass(slots=True)
class DraftReplay:
    """The counts: ``dialogues`` is the sum of ``same``, ``different`` and ``not_comparable``.

    ``different`` counts another path, answer or effect; ``reworded`` the dialogues, whatever else, in which a text would read
    otherwise. ``reasons`` says why some could not be compared. ``differences`` holds at most ``MOST_LISTED``.
    """

    conversation: str
    number: int
    days: int
    dialogues: int = 0
    same: int = 0
    different: int = 0
    not_comparable: int = 0
    reworded: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Plain values, to be kept and shown later."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> DraftReplay:
        """What ``to_json`` gave."""
        return cls(**{**value, "differences": [Difference(**one) for one in value["differences"]]})


class _NotComparable(Exception):
    """The draft needs something that was not asked or is no longer kept."""


def replay_draft(context: Context, name: str, number: int, days: int = DAYS) -> DraftReplay:
    """Every dialogue of conversation ``name`` opened in the last ``days`` days (every dial, for the menu) on version ``number``.

    Raises ``UseFault`` when there is no such version or it has no steps.
    """
    found = DraftReplay(name, number, days)
    for so_far in replay_in_batches(context, name, number, days):
        found = so_far
    return found


def replay_in_batches(context: Context, name: str, number: int, days: int = DAYS) -> Iterator[DraftReplay]:
    """The same, giving the counts so far after every batch; in short transactions beside a working service."""
    with context.database.begin() as db:
        _, version = read_versions.one_version(context, db, name, number)
        since = context.now(db) - timedelta(days=days)
    draft = version.conversation
    if draft is None:
        raise UseFault("name", "%(name)s are single texts: no dialogue runs on them", name=name)
    kind: Kind = "dial" if draft.closes == "dial" else "dialogue"
    known = Versions()
    comparer = _Comparer(context, known, draft)
    found = DraftReplay(name, number, days)
    before: int | None = None
    while True:
        with context.database.begin() as db:
            batch = read_batch(context, db, known, kind, before=before, size=BATCH, conversation=name, since=since, heard=True)
        comparer.use(batch)
        for stored in batch.stored:
            comparer.count(stored, found)
        yield found
        if len(batch.stored) < BATCH:
            return
        before = batch.stored[-1].head.id
        context.database.give_way()


class _Comparer:
    """Plays one dialogue after another on its own version and on the draft."""

    def __init__(self, context: Context, known: Versions, draft: Conversation) -> None:
        self.context = context
        self.known = known
        self.draft = draft
        self.player = Player(context.vault, known)
        self.batch = Batch([], {})

    def use(self, batch: Batch) -> None:
        """Go on with this batch."""
        self.batch = batch
        self.player.use(batch)

    def count(self, stored: Stored, into: DraftReplay) -> None:
        """Compare one and add it to the counts."""
        into.dialogues += 1
        code = self.batch.codes.get(stored.head.id, "")
        try:
            differences = list(self._compare(stored, code))
        except (_NotComparable, CannotPlay, Differs) as fault:
            into.not_comparable += 1
            reason = str(fault) if isinstance(fault, _NotComparable) else "it does not follow from its own events"
            into.reasons = dict(Counter(into.reasons) + Counter([reason]))
            return
        worded = [one for one in differences if one.what == "text"]
        into.reworded += bool(worded)
        if len(differences) > len(worded):
            into.different += 1
        else:
            into.same += 1
        into.differences += differences[: MOST_LISTED - len(into.differences)]

    def _compare(self, stored: Stored, code: str) -> Iterator[Difference]:
        """The first text that would read otherwise, and the first other difference, after which the ways have parted."""
        inputs = inputs_of(stored)
        own = definition_of(self.known, stored)
        begun = [no for no, given in enumerate(inputs) if isinstance(given.event, Begin)]
        was: Dialogue | None = None
        would: Dialogue | None = None
        reworded = False
        for no, given in list(enumerate(inputs))[begun[-1] if begun else 0 :]:
            at = was.step if was else own.start
            before = self._take(stored, own, was, given)
            after = self._on_draft(stored, would, self._heard(stored, own, was, would, given, no))
            was, would = before.place, after.place
            parted = _parted(code, at, before, after)
            text = None if reworded else self._reworded(stored, code, at, before, after, given.channel)
            if text is not None and (parted is None or parted.what != "path"):
                reworded = True
                yield text
            if parted is not None:
                yield parted
                return

    def _take(self, stored: Stored, conversation: Conversation, place: Dialogue | None, given: Input) -> Taken:
        if stored.kind == "dial":
            return self.player.turn(conversation, place, given)
        outcome = step(conversation, place, given)
        replies = outcome.replies[:1] if given.channel == "sms" else outcome.replies[-1:]
        said = Said(replies[0], conversation.words) if replies else None
        return Taken(outcome.dialogue, outcome, said)

    def _on_draft(self, stored: Stored, place: Dialogue | None, given: Input) -> Taken:
        if isinstance(given.event, Begin):
            missing = [name for name, kind in self.draft.args.items() if kind != "flag" and name not in given.event.data]
            if missing:
                raise _NotComparable(f"the draft begins with {', '.join(sorted(missing))}, which was not given then")
        try:
            return self._take(stored, self.draft, place, given)
        except (Differs, CannotPlay):
            raise _NotComparable("the draft asks the service for something that was not asked then") from None

    def _heard(
        self, stored: Stored, own: Conversation, was: Dialogue | None, would: Dialogue | None, given: Input, no: int
    ) -> Input:
        """What the draft is given: the reading as it was stored, or the words read again where it asks something else."""
        if was is None or would is None or would.done:
            return given
        asked, asks = engine.wants(own, was), engine.wants(self.draft, would)
        if isinstance(given.event, PinChecked):
            if asks.kind != "pin":
                raise _NotComparable("a PIN was asked for that the draft does not ask for")
            return given
        if not isinstance(given.event, Answered) or given.event.raw_key or asked == asks:
            return given
        words = self._words(stored, given, no)
        if words is None:
            if _bare(asked) == _bare(asks):
                return given
            raise _NotComparable("the draft asks something else, and what was written is no longer kept")
        reading = read_reply(self.context.lexicon, words, asks, language=_language(stored))
        return replace(given, event=Answered(reading, words.strip() if words.strip() in ("0", "00") else ""))

    def _words(self, stored: Stored, given: Input, no: int) -> str | None:
        """What the person wrote or keyed then; None when it is no longer kept."""
        if stored.kind == "dial":
            return self._opened("turn", "typed", stored.events[no])
        if given.channel == "ussd":
            return self._opened("turn", "typed", self.batch.typed.get(given.at))
        came = [row for row in stored.heard if row.processed_at is not None and row.processed_at <= given.at]
        return self._opened("inbound", "body", came[-1] if came else None)

    def _opened(self, table: str, column: str, row: Any) -> str | None:
        sealed = getattr(row, column, None)
        if not sealed:
            return None
        try:
            return self.context.vault.open(table, column, row.id, sealed)
        except Unsealable:
            return None

    def _reworded(self, stored: Stored, code: str, at: str, before: Taken, after: Taken, channel: Channel) -> Difference | None:
        texts = [_text(one.said, _language(stored), channel) for one in (before, after)]
        if texts[0] == texts[1]:
            return None
        keys = [one.said.reply.key if one.said else "" for one in (before, after)]
        return Difference(code, at, "text", *keys)


def _parted(code: str, at: str, before: Taken, after: Taken) -> Difference | None:
    """Where the two go different ways, save another answer or ask for another effect."""
    ways = [f"{one.place.step}{' (ended)' if one.place.done else ''}" for one in (before, after)]
    if ways[0] != ways[1]:
        return Difference(code, at, "path", *ways)
    if before.outcome is None or after.outcome is None:
        return None
    answers = [answers_in(one) for one in (before.outcome, after.outcome)]
    if answers[0] != answers[1]:
        return Difference(code, at, "answer", *(", ".join(question for question, _ in one) for one in answers))
    effects = [[(one.name, dict(one.args)) for one in taken.effects] for taken in (before.outcome, after.outcome)]
    if effects[0] != effects[1]:
        return Difference(code, at, "effect", *(", ".join(name for name, _ in one) for one in effects))
    return None


def _bare(wanted: Expectation) -> Expectation:
    """The question without its options' labels: a corrected label asks nothing else."""
    return replace(wanted, options=tuple(replace(one, labels=()) for one in wanted.options))


def _language(stored: Stored) -> str:
    if stored.kind == "dial":
        return str(stored.head.language)
    return str(stored.texts[-1].language) if stored.texts else DEFAULT_LANGUAGE


def _text(said: Said | None, language: str, channel: Channel) -> str:
    """The text as this version says it; the service's own texts are no part of a draft."""
    if said is None or said.lacks or said.words is None:
        return ""
    try:
        return render(said.words, language, said.reply, channel)
    except WordsFault:
        return ""
