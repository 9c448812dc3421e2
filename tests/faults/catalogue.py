"""The catalogue of faults, read from ``catalogue.toml``, and the test functions that play each, read from their markers."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parent
LAST: Final = 48


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: its id, a few words, how it is played, the one database it is about ('' for both), why it is not played."""

    id: str
    title: str
    recipe: str
    only: str = ""
    reason: str = ""


def load() -> dict[str, Fault]:
    """Every fault by its id, in order; ``TypeError`` for a key that is not one of ``Fault``'s."""
    listed = tomllib.loads((FOLDER / "catalogue.toml").read_text("utf-8"))
    return {name: Fault(name, **values) for name, values in listed.items()}


def marked() -> dict[str, set[str]]:
    """The test functions of this folder by the fault ids of their markers, read from the source without running it."""
    found: dict[str, set[str]] = {}
    for path in sorted(FOLDER.glob("test_*.py")):
        for test, fault in _marked_in(ast.parse(path.read_text("utf-8"))):
            found.setdefault(fault, set()).add(f"{path.name}::{test}")
    return found


def _marked_in(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Attribute) and mark.func.attr == "fault":
                    yield from ((node.name, str(ast.literal_eval(word))) for word in mark.args)
