"""How well replies are read: recall, precision and confusion for each corpus, and false alarms on ordinary texts.

``python -m tests.bench.replies`` reads every corpus of tests/replies; ``--corpus FOLDER`` counts, over plain .txt files with
one text a line, what is flagged RED or AMBER or read as a stop, and shows some of it in the terminal, nowhere else.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from sms_service.text.crisis import crisis_alert
from sms_service.text.lexicon import Lexicon
from sms_service.text.reading import is_stop
from tests.bench.corpora import FOLDER, Outcome, corpora, read_all, samples, shipped_lexicon
from tests.bench.figures import Figure, as_table

_EXAMPLES = 20
_PER = 5000
_TEXTS_PER_SECOND = 2000.0


def measure(name: str, outcomes: Sequence[Outcome], seconds: float) -> list[Figure]:
    """The figures of one corpus beside their targets."""
    red = [one for one in outcomes if one.sample.alert == "red"]
    amber = [one for one in outcomes if one.sample.alert == "amber"]
    stops = [one for one in outcomes if one.sample.intent == "stop"]
    answered = [one for one in outcomes if one.sample.alert == "none"]
    stories = [one for one in outcomes if one.sample.intent != "stop" and one.reading.intent == "stop"]
    return [
        _share("RED recall", name, red, lambda one: one.reading.alert == "red", 100),
        Figure("stop missed", name, sum(one.reading.intent != "stop" for one in stops), "texts", 0, note=f"of {len(stops)}"),
        Figure("story read as stop", name, len(stories), "texts", 0, note=f"of {len(outcomes) - len(stops)}"),
        _share("AMBER recall", name, amber, lambda one: one.reading.alert != "none", 95),
        _share("AMBER exactly", name, amber, lambda one: one.reading.alert == "amber", None),
        _share("no false alarm", name, answered, lambda one: one.reading.alert == "none", None),
        _share("intent and value", name, outcomes, lambda one: one.understood, 95),
        Figure("speed", name, len(outcomes) / max(seconds, 1e-9), "texts/s", _TEXTS_PER_SECOND, at_most=False),
    ]


def _share(figure: str, name: str, among: Sequence[Outcome], holds: Callable[[Outcome], bool], target: float | None) -> Figure:
    good = sum(map(holds, among))
    return Figure(figure, name, 100 * good / max(len(among), 1), "%", target, at_most=False, note=f"{good} of {len(among)}")


def confusion(pairs: Iterable[tuple[str, str]]) -> str:
    """A table of how often each due thing (rows) was read as each (columns), with recall and precision."""
    counted = Counter(pairs)
    names = sorted({name for pair in counted for name in pair})
    read = Counter(name for (_, name), times in counted.items() for _ in range(times))
    lines = ["".join(cell.rjust(13) for cell in ("due \\ read", *names, "recall %", "precision %"))]
    for due in names:
        row = [counted[due, name] for name in names]
        recall = 100 * counted[due, due] / max(sum(row), 1)
        precision = 100 * counted[due, due] / max(read[due], 1)
        lines.append("".join(cell.rjust(13) for cell in (due, *map(str, row), f"{recall:.1f}", f"{precision:.1f}")))
    return "\n".join(lines)


def by_language(outcomes: Sequence[Outcome]) -> str:
    """Replies, share understood and share with the right alert, a line a language."""
    lines = [f"{'language':>13}{'replies':>13}{'understood %':>14}{'alert %':>13}"]
    for language in sorted({one.sample.language for one in outcomes}):
        given = [one for one in outcomes if one.sample.language == language]
        understood = 100 * sum(one.understood for one in given) / len(given)
        alert = 100 * sum(one.reading.alert == one.sample.alert for one in given) / len(given)
        lines.append(f"{language:>13}{len(given):>13}{understood:>14.1f}{alert:>13.1f}")
    return "\n".join(lines)


def ordinary(lexicon: Lexicon, folder: Path) -> tuple[list[Figure], list[str]]:
    """What the ordinary texts of a folder are flagged as, per 5,000, and up to twenty of those flagged RED or read as stop."""
    figures: list[Figure] = []
    shown: list[str] = []
    every: Counter[str] = Counter()
    for file in sorted(folder.glob("*.txt")):
        found: Counter[str] = Counter()
        for text in filter(None, map(str.strip, file.read_text("utf-8").splitlines())):
            alert, stop = crisis_alert(lexicon, text), is_stop(lexicon, text)
            found.update(["texts", alert, *(["stop"] if stop else [])])
            if alert == "red" or stop:
                shown.append(f"{alert}{' stop' if stop else ''}: {text}")
        every += found
        figures += _per(file.stem, found)
    return [*figures, *_per("all", every, targets=True)], shown[:: max(1, len(shown) // _EXAMPLES)][:_EXAMPLES]


def _per(name: str, found: Counter[str], *, targets: bool = False) -> list[Figure]:
    texts = max(found["texts"], 1)
    figures = []
    for what, target in (("red", 1.0), ("amber", None), ("stop", 0.0)):
        note = f"{found[what]} of {found['texts']}"
        figures.append(
            Figure(f"read as {what}", name, _PER * found[what] / texts, f"in {_PER}", target if targets else None, note=note)
        )
    return figures


def main(arguments: Sequence[str] | None = None) -> int:
    """Print everything; 0 when every figure reaches its target, 1 when one does not."""
    parser = argparse.ArgumentParser(prog="run bench replies", description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("--corpus", type=Path, help="folder of ordinary texts, .txt, one a line")
    options = parser.parse_args(arguments)
    if options.corpus is not None and not any(options.corpus.glob("*.txt")):
        parser.error(f"{options.corpus} holds no .txt file: name a folder with one text a line")
    lexicon = shipped_lexicon()
    figures: list[Figure] = []
    for file in corpora(FOLDER):
        given = list(samples(file))
        start = time.perf_counter()
        outcomes = read_all(lexicon, given)
        figures += measure(file.stem, outcomes, time.perf_counter() - start)
        print(f"\n{file.stem}: {len(given)} replies\n{by_language(outcomes)}")
        print(confusion((one.sample.alert, one.reading.alert) for one in outcomes))
        print(confusion((one.sample.intent, one.reading.intent) for one in outcomes))
    if options.corpus is not None:
        counted, examples = ordinary(lexicon, options.corpus)
        figures += counted
        print("\nFlagged RED or read as stop, some of them:", *examples, sep="\n  ")
    print("\n" + as_table(figures))
    return 1 if any(one.verdict == "short" for one in figures) else 0


if __name__ == "__main__":
    sys.exit(main())
