"""``python -m tests.bench [PART]``: measures the real processes beside their targets.

Results go to standard output, progress to standard error; exit 1 when a figure is short of its target. Ratios are taken
within one run; delays and rates belong to the machine, so run them on a quiet one.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from tests.bench import broadcast, engine, idle, inbound, reminders, replies, send, size, train, ussd, workers
from tests.bench.figures import Figure, as_json, as_table
from tests.bench.site import DATABASES

PARTS: dict[str, Callable[[str], list[Figure]]] = {
    "ussd": ussd.measure,
    "inbound": inbound.measure,
    "send": send.measure,
    "broadcast": broadcast.measure,
    "reminders": reminders.measure,
    "engine": engine.measure,
}


def main(arguments: list[str] | None = None) -> int:
    """Run what was asked for; 0 when every figure reaches its target, 1 when one does not."""
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] == ["replies"]:  # reading has options and tables of its own
        return replies.main(given[1:])
    if given[:1] == ["train"]:
        return train.main(given[1:])
    parser = argparse.ArgumentParser(prog="run bench", description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("part", nargs="?", choices=(*PARTS, "workers", "size", "idle", "all"), default="all")
    parser.add_argument("--database", choices=(*DATABASES, "both"), default="both")
    parser.add_argument("--rows", type=int, default=10_000_000, help="rows in the log that `size` measures with; not part of `all`")
    parser.add_argument("--json", action="store_true", help="one JSON list instead of the table")
    options = parser.parse_args(given)
    kinds = DATABASES if options.database == "both" else (options.database,)
    figures: list[Figure] = []
    for name, measure in PARTS.items():
        for kind in kinds if options.part in (name, "all") else ():
            print(f"bench: {name} on {kind}", file=sys.stderr, flush=True)
            figures += measure(kind)
    if options.part in ("workers", "all"):
        print("bench: workers on postgresql", file=sys.stderr, flush=True)
        figures += workers.measure()
    for kind in kinds if options.part == "size" else ():  # minutes and gigabytes: only when it is asked for
        print(f"bench: size on {kind}", file=sys.stderr, flush=True)
        figures += size.measure(kind, rows=options.rows)
    if options.part in ("idle", "all"):
        print("bench: idle", file=sys.stderr, flush=True)
        figures += idle.measure()
    print(as_json(figures) if options.json else as_table(figures))
    return 1 if any(one.verdict == "short" for one in figures) else 0


if __name__ == "__main__":
    sys.exit(main())
