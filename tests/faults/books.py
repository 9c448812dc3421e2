"""The service's ledger joined with the gateway's own record while both grow: each broadcast once it has settled, then forgotten.

The record is read in passing, so that a run of hours takes no more memory than a run of minutes.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select

from sms_service.models.outbox import outbox
from tests.faults.crowd import Announced, Crowd
from tests.faults.service import CANARY, RunningService
from tests.faults.standard_check import TAKEN

TAG = re.compile(rf"{CANARY} (\S+) ")


@dataclass
class Tally:
    """What the joins have found so far. ``lost``, ``doubled`` and ``doubtful`` name rows by their keys."""

    rows: int = 0
    accepted: int = 0
    doubtful: list[str] = field(default_factory=list)
    doubtful_taken: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)


class Books:
    """One run's accounts: broadcasts still open, what the gateway took for each, and the texts in that were answered 200."""

    def __init__(self, service: RunningService) -> None:
        self._service = service
        self._lines = RecordLines(service.simulator.record_path)
        self._open: dict[str, tuple[Announced, Crowd]] = {}
        self._taken: dict[str, dict[str, list[str]]] = {}
        self._closed: set[str] = set()
        self.tally = Tally()
        self.texts_in: set[str] = set()
        self.replies: Counter[tuple[str, str]] = Counter()

    def opened(self, announced: Announced, crowd: Crowd) -> None:
        """A broadcast was handed in: every number of the crowd is owed one row."""
        self._open[announced.tag] = (announced, crowd)

    @property
    def broadcasts(self) -> int:
        return len(self._open) + len(self._closed)

    def read(self) -> None:
        """Take in what the gateway has recorded since."""
        for line in self._lines.new():
            if line["kind"] == "callback" and line["callback"] == "sms" and line["status"] == 200:
                self.texts_in.add(line["fields"]["id"])
            elif line["kind"] == "send" and line["taken"]:
                found = TAG.search(line["text"])
                if found is None:
                    self.replies[line["number"], line["text"]] += 1
                elif found[1] in self._closed:
                    self.tally.doubled.append(f"{found[1]}: sent again after everything of it was settled")
                else:
                    self._taken.setdefault(found[1], {}).setdefault(line["number"], []).append(line["messageId"])

    def close(self) -> None:
        """Join every open broadcast; all of them have settled. What was found is in ``tally``."""
        self.read()
        for tag, (announced, crowd) in self._open.items():
            self._join(announced, crowd, self._taken.pop(tag, {}))
            self._closed.add(tag)
        self._open.clear()
        for tag in self._taken:
            self.tally.doubled.append(f"{tag}: sent, and no broadcast of that name")
        self._taken.clear()

    def _join(self, announced: Announced, crowd: Crowd, taken: dict[str, list[str]]) -> None:
        columns = (outbox.c.key, outbox.c.number_id, outbox.c.state, outbox.c.gateway_id)
        with self._service.context.database.begin() as db:
            rows = db.execute(select(*columns).where(outbox.c.broadcast_id == announced.row_id).order_by(outbox.c.key)).all()
        owed = set(crowd.phones)
        for row in rows:
            owed.discard(row.number_id)
            self._judge(row, taken.pop(crowd.phones.get(row.number_id, ""), []))
        self.tally.rows += len(rows)
        self.tally.lost += [f"bc:{announced.row_id}:{number_id}: never written" for number_id in sorted(owed)]
        self.tally.doubled += [f"{announced.tag}: sent to a number without a row" for _ in taken]

    def _judge(self, row: Any, ids: list[str]) -> None:
        if len(ids) > 1 or (ids and row.state not in (*TAKEN, "unknown")):
            self.tally.doubled.append(f"{row.key}: {row.state}, and the gateway has it {len(ids)} times")
        elif row.state == "unknown":
            self.tally.doubtful.append(f"{row.key}: {'the gateway has it' if ids else 'the gateway has it not'}")
            self.tally.doubtful_taken += bool(ids)
        elif row.state in TAKEN and ids == [row.gateway_id]:
            self.tally.accepted += 1
        else:
            self.tally.lost.append(f"{row.key}: {row.state}, and the gateway has {'another id' if ids else 'no such message'}")


class RecordLines:
    """The record's lines as they come; a line that is still being written waits for the next look."""

    def __init__(self, path: Path) -> None:
        self._path, self._offset = path, 0

    def new(self) -> Iterator[dict[str, Any]]:
        with self._path.open("rb") as record:
            record.seek(self._offset)
            for line in record:
                if not line.endswith(b"\n"):
                    return
                self._offset += len(line)
                yield json.loads(line)


_NUMBER = re.compile(rb"(?<![0-9])(?:00250|\+?250|0)7[2389][0-9]{7}(?![0-9])")
_PIECE, _OVERLAP = 1 << 20, 64


def told(files: list[Path]) -> list[str]:
    """Files with a name, text or number in them (I16), or with a traceback; read in pieces, whatever their size.

    Numbers are looked for in logs only: in a database's pages digits of other things stand side by side.
    """
    found = []
    for path in files:
        before = b""
        with path.open("rb") as content:
            while piece := content.read(_PIECE):
                seen = before + piece
                if CANARY.encode() in seen or (path.suffix == ".log" and _NUMBER.search(seen)):
                    found.append(f"a number, name or text in {path.name} (I16)")
                    break
                if path.suffix == ".log" and b"Traceback" in seen:
                    found.append(f"a traceback in {path.name}")
                    break
                before = seen[-_OVERLAP:]
    return found
