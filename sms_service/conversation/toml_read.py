"""An author's TOML read within limits (I22): what ``tomllib`` alone would take minutes for, or let through too deep to be kept.

In: a file's text. Out: its table. A syntax error, a number no computer holds, a key or nesting that no definition needs: all of
them are a ``TomlFault`` that says what and what to do.
"""

from __future__ import annotations

import tomllib
from typing import Any

MAX_LINE = 20_000
"""Characters of one line."""

MAX_DOTS = 200
"""Dots in one line: reading a dotted key takes time with the square of its parts."""

MAX_DEPTH = 32
"""Tables and lists within one another; a definition needs six."""


class TomlFault(ValueError):
    """Why a text cannot be read, and in ``fix`` what would help."""

    def __init__(self, reason: str, fix: str = "") -> None:
        super().__init__(f"cannot be read as TOML: {reason}")
        self.fix = fix


def read_toml(text: str) -> dict[str, Any]:
    """The table that the text holds; raises ``TomlFault``."""
    for number, line in enumerate(text.split("\n"), start=1):
        if len(line) > MAX_LINE:
            raise TomlFault(f"line {number} is longer than {MAX_LINE} characters", "break it into several")
        if line.count(".") > MAX_DOTS:
            raise TomlFault(f"line {number} has more than {MAX_DOTS} dots", "write a short key")
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TomlFault(str(error), "look at the line named, and the one before it") from None
    except RecursionError:
        raise TomlFault("nested too deeply") from None
    except ValueError:  # the one other there is: a number of thousands of digits
        raise TomlFault("a number is too long", "write a text in quotation marks, or a number of a few digits") from None
    if _deeper(table, MAX_DEPTH):
        raise TomlFault("nested too deeply")
    return table


def _deeper(table: dict[str, Any], most: int) -> bool:
    """Whether anything stands below ``most`` levels; without recursion, which is what it guards against."""
    level: list[Any] = [table]
    for _ in range(most):
        level = [
            inner for one in level for inner in (one.values() if isinstance(one, dict) else one) if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True
