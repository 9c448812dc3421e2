"""One thing wrong in a conversation or its words, said so that the person who wrote it can put it right."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """Where (file, step or text key, language) and what, with what was expected; a fault never stops the search for
    others.

    ``step`` and ``language`` are empty when the fault belongs to the whole file or to every language.
    """

    file: str
    step: str
    language: str
    reason: str

    def __str__(self) -> str:
        """One line for the command line and the console: ``file, step s, language l: reason``."""
        where = [self.file]
        if self.step:
            where.append(f"step {self.step}")
        if self.language:
            where.append(f"language {self.language}")
        return f"{', '.join(where)}: {self.reason}"
