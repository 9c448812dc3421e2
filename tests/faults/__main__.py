"""``python -m tests.faults [F…]``: plays the faults of the catalogue on the running service and prints what each cost.

Progress goes to standard error, the table to standard output. Exit 0 when nothing failed, 1 when something did, 2 on wrong use.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from tests.faults import catalogue, kills, table
from tests.faults.plugin import Chooser, say

DATABASES = ("sqlite", "postgresql")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="run faults", description=(__doc__ or "").partition("\n\n")[2])
    parser.epilog = "run faults kills …: random kills of every process for about an hour (run faults kills --help)"
    parser.add_argument("faults", nargs="*", metavar="F", help="the faults to play, such as F4 F22; all when none is named")
    parser.add_argument("--database", choices=(*DATABASES, "both"), default="both")
    parser.add_argument("--short", action="store_true", help="the short forms: seconds each instead of minutes")
    parser.add_argument("--seed", type=int, help="repeat the choices by chance of an earlier run")
    parser.add_argument("--json", action="store_true", help="the rows of the table as one JSON list")
    parser.add_argument("--list", action="store_true", help="say what each fault is, and play nothing")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Play what was asked for; 0 when nothing failed, 1 when something did. Wrong use ends the program with 2."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if given[:1] == ["kills"]:  # an hour of its own, with options of its own
        return kills.main(given[1:])
    parser = _parser()
    options = parser.parse_args(given)
    faults = catalogue.load()
    unknown = [name for name in options.faults if name.upper() not in faults]
    if unknown:
        parser.error(f"unknown fault {', '.join(unknown)}: the catalogue has F1 to F{catalogue.LAST} (--list says what they are)")
    asked = {name.upper() for name in options.faults} or set(faults)
    wanted = [name for name in faults if name in asked]
    if options.list:
        for name in wanted:
            fault = faults[name]
            print(f"{name:4} {fault.title}: {fault.recipe}{f' (not played: {fault.reason})' if fault.reason else ''}")
        return 0
    databases = DATABASES if options.database == "both" else (options.database,)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1_000_000)
    say(f"seed {seed}")
    chooser = Chooser(wanted, databases, options.short)
    code = _play(chooser, databases, seed)
    made = table.rows(faults, wanted, databases, chooser.played, seed)
    print(table.as_json(made) if options.json else table.as_text(made), flush=True)
    failed = sum(row.result == "FAIL" for row in made)
    idle = sum(row.result.startswith("not played") for row in made)
    say(f"{len(made) - failed - idle} passed, {failed} failed, {idle} not played; seed {seed}")
    return 0 if not failed and code in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED) else 1


def _play(chooser: Chooser, databases: Sequence[str], seed: int) -> int:
    os.environ["FAULTS_DATABASES"] = ",".join(databases)  # read by the short forms (conftest)
    os.environ["FAULTS_SEED"] = str(seed)
    options = ["-q", "-m", "", "--tb=short", "-rN", "--no-header", "-p", "no:cacheprovider"]
    with _on_standard_error():
        return int(pytest.main([*options, str(catalogue.FOLDER)], plugins=[chooser]))


@contextmanager
def _on_standard_error() -> Iterator[None]:
    """Whatever is printed meanwhile, by whomever, is progress."""
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        os.dup2(2, 1)
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


if __name__ == "__main__":
    sys.exit(main())
