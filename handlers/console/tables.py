"""Tables on a narrow screen: every cell carries its column's heading, which the style sheet shows where the head is not."""

from __future__ import annotations

import re
from collections.abc import Sequence

from markupsafe import Markup, escape

_OPENING = re.compile(r"<(tr|td|th)\b")


def labelled(rows: str, headings: Sequence[str]) -> Markup:
    """The rows of a table (markup, its values escaped) with ``data-label`` on every cell that stands under a heading.

    Texts cannot open a cell here: escaped, they hold no ``<``.
    """
    place = -1

    def mark(found: re.Match[str]) -> str:
        nonlocal place
        if found.group(1) == "tr":
            place = -1
            return found.group()
        place += 1
        heading = headings[place].removesuffix("#") if place < len(headings) else ""
        return f'{found.group()} data-label="{escape(heading)}"' if heading else found.group()

    return Markup(_OPENING.sub(mark, rows))
