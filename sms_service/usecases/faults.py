"""What a use case says when a person's request cannot be done: which field, what is wrong, what was expected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from dataclasses import field as made_of
from typing import Any


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of one field. ``message`` is an English sentence with ``%(name)s`` places for ``values``, so that a
    page can show it in its own language; values are codes, counts and dates, never personal data.
    """

    field: str
    message: str
    values: Mapping[str, Any] = made_of(default_factory=dict)

    @property
    def text(self) -> str:
        """The whole sentence in English."""
        return self.message % self.values if self.values else self.message


class UseFault(Exception):
    """A request was refused and nothing was changed. ``faults`` lists every fault found, field by field."""

    def __init__(self, field: str, message: str, **values: Any) -> None:
        self.faults: list[Fault] = [Fault(field, message, values)]
        super().__init__(self.faults[0].text)

    @classmethod
    def of(cls, faults: Iterable[Fault]) -> UseFault:
        """One exception that carries several faults; at least one is needed."""
        listed = list(faults)
        first = listed[0]
        made = cls(first.field, first.message, **first.values)
        made.faults = listed
        return made

    def __str__(self) -> str:
        return "; ".join(f"{fault.field}: {fault.text}" for fault in self.faults)


class Faults:
    """Collects faults while a form is read, so that all are shown at once."""

    def __init__(self) -> None:
        self.found: list[Fault] = []

    def add(self, field: str, message: str, **values: Any) -> None:
        """Note one fault; ``message`` as in ``Fault``."""
        self.found.append(Fault(field, message, values))

    def need(self, condition: object, field: str, message: str, **values: Any) -> None:
        """Note the fault unless the condition holds."""
        if not condition:
            self.add(field, message, **values)

    def done(self) -> None:
        """Raise ``UseFault`` with everything found, if anything was."""
        if self.found:
            raise UseFault.of(self.found)
