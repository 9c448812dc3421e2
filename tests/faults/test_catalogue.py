"""The catalogue and the markers of the tests agree; the command refuses what is in neither."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.faults import catalogue
from tests.faults.__main__ import main
from tests.faults.processes import ROOT


def test_every_fault_has_its_line() -> None:
    """F1-F48, in order, each with words of its own."""
    faults = catalogue.load()
    assert list(faults) == [f"F{no}" for no in range(1, catalogue.LAST + 1)]
    assert all(fault.title and fault.recipe and fault.only in ("", "sqlite", "postgresql") for fault in faults.values())
    assert len({fault.title for fault in faults.values()}) == len(faults)


def test_each_fault_is_played_or_says_why_not() -> None:
    faults, marked = catalogue.load(), catalogue.marked()
    assert not set(marked) - set(faults), "a marker names a fault that the catalogue does not have"
    both = [name for name, fault in faults.items() if fault.reason and name in marked]
    assert not both, f"played by now: take their reason out of catalogue.toml: {both}"
    neither = [name for name, fault in faults.items() if not fault.reason and name not in marked]
    assert not neither, f"no test carries their marker: give them a reason in catalogue.toml: {neither}"


def test_every_test_of_a_fault_names_it() -> None:
    """Whatever starts a service is found by ``./run faults``."""
    named = {test for tests in catalogue.marked().values() for test in tests}
    started = {
        f"{path.name}::{line.partition('(')[0].removeprefix('def ')}"
        for path in catalogue.FOLDER.glob("test_*.py")
        for line in path.read_text("utf-8").splitlines()
        if line.startswith("def test_") and "start_service" in line
    }
    assert started
    assert not started - named, f"mark them with pytest.mark.fault: {sorted(started - named)}"


def test_wrong_use_is_named_in_one_sentence() -> None:
    command = [sys.executable, "-m", "tests.faults", "F4", "F99"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1].startswith("run faults: error: unknown fault F99")


def test_the_list_has_every_fault(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) >= catalogue.LAST
