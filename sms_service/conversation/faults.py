"""One thing wrong in a conversation or its words, said so that the person who wrote it can put it right."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Literal

MOST_NAMED = 60
"""Characters of an author's own name or value that a fault repeats; a longer one is cut (bounded output, I22)."""

MOST_SAID = 600
"""Characters of a reason or a suggestion: an author's own names may be of any length."""

MOST_LISTED = 12
"""Names that a suggestion lists."""

FaultKind = Literal["fault", "notice"]


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """Where (file, step or text key, language), what, and what would put it right; one never stops the search for others.

    ``step`` and ``language`` are empty when the fault belongs to the whole file or to every language. ``fix`` is a
    suggestion, empty where ``reason`` already says what was expected. A ``notice`` refuses nothing by itself: it tells
    what will hold a version back later (a language without native review) or what is sent instead.
    """

    file: str
    step: str
    language: str
    reason: str
    fix: str = ""
    kind: FaultKind = "fault"

    def __post_init__(self) -> None:
        for name, most in (("step", MOST_NAMED), ("reason", MOST_SAID), ("fix", MOST_SAID)):
            text = getattr(self, name)
            if len(text) > most:
                object.__setattr__(self, name, f"{text[:most]}...")

    def __str__(self) -> str:
        """One line for the command line and the console: ``file, step s, language l: reason - suggested: fix``."""
        where = [self.file]
        if self.step:
            where.append(f"step {self.step}")
        if self.language:
            where.append(f"language {self.language}")
        suggested = f" - suggested: {self.fix}" if self.fix else ""
        notice = "notice: " if self.kind == "notice" else ""
        return f"{notice}{', '.join(where)}: {self.reason}{suggested}"

    def to_json(self) -> dict[str, Any]:
        """The fault as a JSON object, one key a field."""
        return {
            "file": self.file,
            "step": self.step,
            "language": self.language,
            "reason": self.reason,
            "fix": self.fix,
            "kind": self.kind,
        }


def refusing(found: Iterable[Fault]) -> tuple[Fault, ...]:
    """Those that refuse a version: every fault that is not a mere notice."""
    return tuple(fault for fault in found if fault.kind == "fault")


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name a misspelt one was meant to be, as a suggestion; empty when none is near."""
    found = difflib.get_close_matches(name[:MOST_NAMED], sorted(known), n=1, cutoff=0.6)
    return f"did you mean '{found[0]}'?" if found else ""


def meant(name: str, known: Collection[str]) -> str:
    """As ``nearest``; when none is near, what there is to choose from."""
    named = sorted(known)[:MOST_LISTED]
    return nearest(name, known) or (f"there {'is' if len(named) == 1 else 'are'} {', '.join(named)}" if named else "there is none")


def shortly(value: object) -> str:
    """An author's own name or value as a message may repeat it: one line, at most ``MOST_NAMED`` characters."""
    text = " ".join(str(value)[: MOST_NAMED + 1].split())
    return text if len(text) <= MOST_NAMED else f"{text[:MOST_NAMED]}..."
