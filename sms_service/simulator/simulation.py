"""What all parts of the simulator share: settings, switches, the record, seeded chance, the poster and the phones."""

from __future__ import annotations

import random
import threading
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sms_service.simulator.callbacks import Poster, Scheduler
from sms_service.simulator.phones import PhoneBook
from sms_service.simulator.record import Record
from sms_service.simulator.service_time import ServiceTime
from sms_service.simulator.switches import SwitchBoard, Switches

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Settings:
    """What is fixed when the simulator starts; the command line options of the same names."""

    username: str
    short_code: str
    ussd_code: str
    record_dir: Path
    seed: int = 1
    phones_file: Path | None = None
    time_url: str = ""
    ussd_idle_s: int = 180
    ussd_total_s: int = 600


class Chance:
    """Seeded choices, safe across threads: the same seed and the same record length give the same run."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    def hex_id(self, prefix: str) -> str:
        """An id like ``ATXid_`` with 32 hexadecimal digits."""
        with self._lock:
            return f"{prefix}{self._random.getrandbits(128):032x}"

    def uuid(self) -> str:
        """An id as inbound texts carry it."""
        with self._lock:
            return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def shuffled(self, items: list[_Item]) -> list[_Item]:
        """Another order of the items; never the same one when there are two or more."""
        with self._lock:
            mixed = self._random.sample(items, len(items))
        return mixed if mixed != items else items[::-1]


@dataclass(frozen=True, slots=True)
class Simulation:
    """The running simulator without its HTTP side."""

    settings: Settings
    board: SwitchBoard
    record: Record
    chance: Chance
    poster: Poster
    phones: PhoneBook
    time: ServiceTime

    @classmethod
    def start(cls, settings: Settings, switches: Switches) -> Simulation:
        """Open the record, start the callback threads and note the seed in the record."""
        record = Record(settings.record_dir)
        board = SwitchBoard(switches)
        # The length keeps ids unique when a record is continued with the same seed.
        chance = Chance(f"{settings.seed}:{len(record)}")
        record.write({"kind": "start", "seed": settings.seed})
        poster = Poster(board, record, Scheduler())
        return cls(settings, board, record, chance, poster, PhoneBook(settings.phones_file), ServiceTime(settings.time_url))
