"""A long list or menu over several screens: no entry is cut, split or left out.

In: the codes of a list, at most ``MAX_ENTRIES``, and the page a dialogue stands at (0 is the first). Out: what one screen offers.
Up to ``MAX_LISTED`` entries are one screen, keyed 1 to 9. A longer list shows ``PER_PAGE`` entries a screen, keyed 1 to 8, and
key 9 turns the page; ``00`` turns back, and leaves the list from its first page. The keys begin at 1 again on each page, so that
one digit is always enough. A menu with ``page = 4`` shows its options four at a time, each under its own number on every page.
Whether the longest entries fit one screen is proven by the check in every language.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from sms_service.conversation.vocabulary import MAX_ENTRIES, MAX_LISTED
from sms_service.text.reply_types import Option

PER_PAGE = MAX_LISTED - 1

MORE_KEY = MAX_LISTED

MORE = ":more"
"""What the key that turns the page is read as; no code looks like it."""

MENU = "options"
"""The name of the value that a paged menu fills in by itself."""

PLACE = ":page"
"""Where a dialogue keeps the page it stands at; no field of a definition can have this name."""


@dataclass(frozen=True, slots=True)
class Page:
    """One screen of a list; ``more`` says that another follows."""

    codes: tuple[str, ...]
    number: int
    more: bool

    def options(self) -> tuple[Option, ...]:
        """What may be keyed here: each entry by its digit or its code, and the key that turns the page."""
        entries = tuple(Option(key, code, (code,)) for key, code in enumerate(self.codes, start=1))
        return (*entries, Option(MORE_KEY, MORE)) if self.more else entries

    def shown(self) -> list[str] | dict[str, Any]:
        """The value that fills ``{name:list}`` in a text."""
        return {"codes": list(self.codes), "more": True} if self.more else list(self.codes)


@dataclass(frozen=True, slots=True)
class Menu:
    """One screen of a paged menu: numbers and the labels that stand beside them."""

    lines: tuple[tuple[int, str], ...]
    number: int
    more: bool

    codes: ClassVar[tuple[str, ...]] = ()

    def shown(self) -> dict[str, Any]:
        """The value that fills ``{options:menu}`` in a screen."""
        return {"labels": [[key, label] for key, label in self.lines], "more": self.more}


def menu_of(data: Mapping[str, Any], lines: Sequence[tuple[int, str]], size: int) -> Menu:
    """The page of a menu that a dialogue with this data stands at, ``size`` options a page."""
    last = max(0, (len(lines) - 1) // size)
    number = min(max(int(data.get(PLACE, 0)), 0), last)
    return Menu(tuple(lines[number * size : (number + 1) * size]), number, more=number < last)


def menu_text(shown: Mapping[str, Any], labels: Mapping[str, str], more: str) -> str:
    """The lines of a menu's screen from ``Menu.shown``; KeyError for a label this language lacks."""
    lines = [f"{key}) {labels[label]}" for key, label in shown["labels"]]
    return "\n".join([*lines, f"{MORE_KEY}) {more}"] if shown["more"] else lines)


def entries(data: Mapping[str, Any], source: str) -> list[str]:
    """Every code of the list kept in the field ``source``; empty when there is none."""
    codes = data.get(source, [])
    return [str(code) for code in codes][:MAX_ENTRIES] if isinstance(codes, list | tuple) else []


def page_of(data: Mapping[str, Any], source: str) -> Page:
    """The page a dialogue with this data stands at."""
    codes = entries(data, source)
    if len(codes) <= MAX_LISTED:
        return Page(tuple(codes), 0, more=False)
    last = (len(codes) - 1) // PER_PAGE
    number = min(max(int(data.get(PLACE, 0)), 0), last)
    return Page(tuple(codes[number * PER_PAGE : (number + 1) * PER_PAGE]), number, more=number < last)


def list_text(shown: Sequence[str] | Mapping[str, Any], more: str = "") -> str:
    """Numbered lines of a screen, one digit each, from ``Page.shown``: ``1) G07`` and so on, at last ``9) More``."""
    codes = shown["codes"] if isinstance(shown, Mapping) else shown
    lines = [f"{key}) {code}" for key, code in enumerate(codes[:MAX_LISTED], start=1)]
    if isinstance(shown, Mapping) and shown["more"]:
        lines.append(f"{MORE_KEY}) {more}")
    return "\n".join(lines)
