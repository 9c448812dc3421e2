"""Playing stored dialogues and dials again from their stored events and facts alone; nothing is changed (design decision 5).

The engine is a pure function, so the events and the facts stored with them must lead to the place that is stored, to the coded
answers that were kept and, in the words of the version the dialogue is pinned to, to every text and screen that is still kept, to
the byte. What comes out names codes, steps and fields only, never a value.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sms_service.usecases.context import Context
from sms_service.usecases.replay_play import CannotPlay, Differs, Player
from sms_service.usecases.replay_read import Kind, Stored, Versions, read_batch

BATCH = 500  # read in one transaction, played after it: on SQLite that holds the file's lock, and a dial may be waiting
_KINDS: tuple[Kind, ...] = ("dialogue", "dial")
Verdict = Literal["same", "different", "not replayable"]


@dataclass(frozen=True, slots=True)
class Replayed:
    """One dialogue or dial played again.

    ``row_id`` is its row in the table ``kind``, ``steps`` the stored events (a dial's turns). ``first_difference`` says in codes
    where it went another way or said something else (``text differs at event 2``), or why it could not be played; empty when the
    verdict is ``same``.
    """

    kind: Kind
    row_id: int
    conversation: str
    steps: int
    verdict: Verdict = "same"
    first_difference: str = ""

    @property
    def same(self) -> bool:
        """Whether it led to the stored place, answers and texts."""
        return self.verdict == "same"

    def __str__(self) -> str:
        return f"{self.kind} {self.row_id} {self.conversation} {self.verdict}: {self.first_difference or f'{self.steps} steps'}"


def replay_dialogues(context: Context, *, limit: int | None = None) -> Iterator[Replayed]:
    """Play every dialogue, then every dial again, newest first; with ``limit`` only so many of each.

    Reads in short transactions of its own, holds one batch in memory and may run beside a working service. A row that cannot be
    read is a difference, not an error; raises only the database's own faults.
    """
    known = Versions()
    player = Player(context.vault, known)
    for kind in _KINDS:
        before: int | None = None
        left = limit
        while left is None or left > 0:
            size = BATCH if left is None else min(BATCH, left)
            with context.database.begin() as db:
                batch = read_batch(context, db, known, kind, before=before, size=size)
            player.use(batch)
            for stored in batch.stored:
                yield _replayed(player, stored)
            if len(batch.stored) < size:
                break
            before = batch.stored[-1].head.id
            left = None if left is None else left - size
            context.database.give_way()


def _replayed(player: Player, stored: Stored) -> Replayed:
    verdict: Verdict = "same"
    why = ""
    try:
        player.play(stored)
    except Differs as fault:
        verdict, why = "different", str(fault)
    except CannotPlay as fault:
        verdict, why = "not replayable", str(fault)
    conversation = str(stored.place.get("conversation", ""))
    return Replayed(stored.kind, stored.head.id, conversation, len(stored.events), verdict, why)
