"""Which numbered rules the code cites, which test proves each, and which are not built yet.

The numbers are those of the five lists the service was specified by: W the gateway's contract, S safety of people,
I invariants, F faults, T threats, V conversations. ``docs/rules.md`` has one row for each rule the code cites.

``python -m tests.laws.rules`` prints the rules not built yet; ``--missing`` prints rows to be written for the table.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
RANGES: Final = {"W": 15, "S": 45, "I": 24, "F": 48, "T": 24, "V": 20}
CODE_FOLDERS: Final = ("sms_service", "handlers", "workers", "templates")
CODE_SUFFIXES: Final = (".py", ".toml", ".html", ".js", ".css", ".txt")
TABLE: Final = ROOT / "docs" / "rules.md"

# A rule number stands alone: not a person's code (S01 has a zero), not part of a word, a version or a longer number.
_CITED = re.compile(r"(?<![A-Za-z0-9_#&+\-./])([WSIFTV])([1-9][0-9]?)(?![0-9A-Za-z_\-]|\.[0-9])")
_SPAN = re.compile(r"(?<![A-Za-z0-9_#&+\-./])([WSIFTV])([1-9][0-9]?)-\1?([1-9][0-9]?)(?![0-9A-Za-z_\-]|\.[0-9])")
_ROW = re.compile(r"^\|\s*([WSIFTV][1-9][0-9]?)\s*\|\s*(.*?)\s*\|\s*(.*?)\s*\|\s*$")
_TEST = re.compile(r"`(tests/[^`:]+)::([^`]+)`")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: the rule, what it means here, and the tests that prove it as (path, name)."""

    rule: str
    meaning: str
    tests: tuple[tuple[str, str], ...]


def order(rule: str) -> tuple[int, int]:
    """Sorts W2 before W10 and W before S."""
    return list(RANGES).index(rule[0]), int(rule[1:])


def known(rule: str) -> bool:
    """Whether the number lies in its list's range."""
    return rule[0] in RANGES and 1 <= int(rule[1:]) <= RANGES[rule[0]]


def cited_in(text: str) -> set[str]:
    """The known rules cited in a text; ``S10-S13`` and ``S10-13`` cite all four."""
    rules = {letter + number for letter, number in _CITED.findall(text)}
    for letter, first, last in _SPAN.findall(text):
        rules |= {f"{letter}{number}" for number in range(int(first), int(last) + 1)}
    return {rule for rule in rules if known(rule)}


def _words_of_python(source: str) -> str:
    """Comments and docstrings: a rule is cited where people read, not in data that happens to look like one."""
    tree = ast.parse(source)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    words = [ast.get_docstring(node) or "" for node in ast.walk(tree) if isinstance(node, documented)]
    words += [line.partition("#")[2] for line in source.splitlines() if "#" in line]
    return "\n".join(words)


def code_files() -> Iterator[Path]:
    """Every file of the service that may cite a rule."""
    for folder in CODE_FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            vendored = any(part in ("__pycache__", "vendor", "static") for part in path.parts)
            if path.is_file() and path.suffix in CODE_SUFFIXES and not vendored:
                yield path


@cache
def code_citations() -> dict[str, tuple[str, ...]]:
    """The files that cite each rule."""
    found: dict[str, list[str]] = {}
    for path in code_files():
        text = path.read_text(encoding="utf-8")
        for rule in cited_in(_words_of_python(text) if path.suffix == ".py" else text):
            found.setdefault(rule, []).append(str(path.relative_to(ROOT)))
    return {rule: tuple(paths) for rule, paths in found.items()}


@cache
def tests_in(path: str) -> dict[str, set[str]]:
    """For each test of a file, the rules cited in its docstring, its body, its decorators and the comments above it.

    In a file of transcripts each scenario, by its title, is a test.
    """
    if path.endswith(".txt"):
        return _scenarios_in(path)
    source = (ROOT / path).read_text(encoding="utf-8")
    lines = source.splitlines()
    found: dict[str, set[str]] = {}
    for node, prefix in _functions(ast.parse(source).body, ""):
        first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]) - 1
        while first > 0 and lines[first - 1].lstrip().startswith("#"):
            first -= 1
        found[prefix + node.name] = cited_in("\n".join(lines[first : node.end_lineno]))
    return found


def _functions(body: Iterable[ast.stmt], prefix: str) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, str]]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            yield node, prefix
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node.body, f"{prefix}{node.name}::")


def _scenarios_in(path: str) -> dict[str, set[str]]:
    parts = (ROOT / path).read_text(encoding="utf-8").split("\n== ")[1:]
    return {part.partition("\n")[0].strip(): cited_in(part.partition("\n")[0]) for part in parts}


def proofs() -> dict[str, list[str]]:
    """For each rule, the tests that cite it, as the table names them."""
    found: dict[str, list[str]] = {}
    scenarios = sorted((ROOT / "tests" / "scenarios").glob("*.txt"))
    for path in [*scenarios, *sorted((ROOT / "tests").rglob("test_*.py"))]:
        name = str(path.relative_to(ROOT))
        for test, rules in tests_in(name).items():
            for rule in rules:
                found.setdefault(rule, []).append(f"`{name}::{test}`")
    return found


def table() -> list[Row]:
    """The rows of ``docs/rules.md``, in its order."""
    rows = []
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        match = _ROW.match(line)
        if match:
            tests = tuple((path, name.partition("[")[0]) for path, name in _TEST.findall(match[3]))
            rows.append(Row(match[1], match[2], tests))
    return rows


def not_built() -> list[str]:
    """The known rules that no line of code cites."""
    every = [f"{letter}{number}" for letter, last in RANGES.items() for number in range(1, last + 1)]
    return [rule for rule in every if rule not in code_citations()]


def missing_rows() -> list[str]:
    """Rows still to be written: each rule cited in the code without one, with a test that cites it if any does."""
    have = {row.rule for row in table()}
    tests = proofs()
    return [
        f"| {rule} |  | {tests[rule][0] if rule in tests else 'NO TEST CITES IT'} |  <!-- {', '.join(paths[:3])} -->"
        for rule, paths in sorted(code_citations().items(), key=lambda item: order(item[0]))
        if rule not in have
    ]


def main(arguments: list[str]) -> int:
    """Print rows to write (``--missing``) or the rules not built yet."""
    if arguments == ["--missing"]:
        sys.stdout.write("".join(f"{line}\n" for line in missing_rows()))
        return 0
    if arguments:
        sys.stderr.write("usage: python -m tests.laws.rules [--missing]\n")
        return 2
    absent = not_built()
    for letter, last in RANGES.items():
        rules = [rule for rule in absent if rule[0] == letter]
        sys.stdout.write(f"{letter}: {last - len(rules)} of {last} built; not yet: {' '.join(rules) or 'none'}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
