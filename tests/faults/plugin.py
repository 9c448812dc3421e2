"""Chooses the tests of the faults asked for and collects what each says: a pytest plugin for ``./run faults``."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import pytest


@dataclass(slots=True)
class Played:
    """One test that ran: the faults it plays, on which database, in which form, how it ended and what it counted."""

    faults: tuple[str, ...]
    database: str
    form: str
    name: str
    began: float = field(default_factory=time.monotonic)
    failed: bool = False
    why_not: str = ""
    tally: dict[str, Any] = field(default_factory=dict)


class Chooser:
    """Keeps the tests that play one of ``wanted`` on one of ``databases``; ``played`` holds what they said, in order.

    ``short``: the short forms only. Otherwise the full forms, and the short ones of a fault that has no full form.
    """

    def __init__(self, wanted: Collection[str], databases: Collection[str], short: bool) -> None:
        self.wanted, self.databases, self.short = wanted, databases, short
        self.played: list[Played] = []
        self._now: Played | None = None
        self._left = 0

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Choose, and play one fault after the other."""
        of_faults = [item for item in items if faults_of(item)]
        in_full = {fault for item in of_faults if is_full(item) for fault in faults_of(item)}
        kept = []
        for item in of_faults:
            needed = [fault for fault in faults_of(item) if fault in self.wanted]
            in_short = not is_full(item)
            fits = in_short if self.short else not in_short or any(fault not in in_full for fault in needed)
            if needed and fits and database_of(item) in (*self.databases, ""):
                kept.append(item)
        kept.sort(key=lambda item: min(int(fault[1:]) for fault in faults_of(item)))
        chosen = set(kept)
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = kept
        self._left = len(kept)

    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        """Say what begins; pytest itself runs it."""
        now = Played(faults_of(item), database_of(item), "full" if is_full(item) else "short", item.name)
        self._now = now
        self.played.append(now)
        say(f"{' '.join(now.faults)} {now.database} {now.form}: {now.name} ({self._left} to go)")
        self._left -= 1

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what a part of a test says about itself."""
        now = self._now
        if now is None:
            return
        now.failed |= report.failed
        for name, value in report.user_properties:
            if name == "tally" and isinstance(value, dict):
                now.tally = value
            elif name == "not_played":
                now.why_not = str(value)
            elif name == "note" and report.when == "call":
                say(f"{' '.join(now.faults)} {now.database}: {value}")
        if report.when == "teardown":
            took = time.monotonic() - now.began
            say(f"{' '.join(now.faults)} {now.database}: {'FAIL' if now.failed else 'pass'} in {took:.0f} s")

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """No dots among the lines of progress."""
        return (report.outcome if report.when == "call" else "", "", "") if report.passed else None


def faults_of(item: pytest.Item) -> tuple[str, ...]:
    """The ids of its ``fault`` markers."""
    return tuple(str(word) for mark in item.iter_markers("fault") for word in mark.args)


def is_full(item: pytest.Item) -> bool:
    """Whether it is a fault at full length."""
    return item.get_closest_marker("full") is not None


def database_of(item: pytest.Item) -> str:
    """``sqlite``, ``postgresql``, or '' for a test that needs neither: as its marker says, else the fixture's parameter."""
    for mark in item.iter_markers("fault"):
        if "database" in mark.kwargs:
            return str(mark.kwargs["database"])
    callspec = getattr(item, "callspec", None)
    return str(callspec.params.get("database_url", "")) if callspec is not None else ""


def say(words: str) -> None:
    """Progress, for people."""
    print(f"faults: {words}", file=sys.stderr, flush=True)
