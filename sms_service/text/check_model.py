"""What is wrong with ``concepts.toml`` and ``model.toml``: the lists of the statistical layer, and weights that are not theirs.

Pure: the parsed tables in, (file, entry, reason, remedy) out. Without both files there is no fault: the lists read alone.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from sms_service.text.concepts import spelling
from sms_service.text.model import build_model

_TRAIN = "train again: ./run bench train"


def check_model(tables: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str, str, str]]:
    """Every fault of the two tables, keyed ``concepts`` and ``model``, as (file, entry, reason, what puts it right)."""
    if "concepts" not in tables and "model" not in tables:
        return
    for name, other in (("concepts", "model"), ("model", "concepts")):
        if name not in tables:
            yield name, "", f"the file is missing, and {other}.toml says nothing without it", "restore it"
            return
    found = list(_concepts(tables["concepts"].get("concept")))
    yield from found
    if found:
        return
    try:
        build_model(tables["model"], tables["concepts"])
    except (KeyError, TypeError, ValueError, zlib.error) as fault:
        yield "model", "", f"it cannot be used: {fault}", _TRAIN


def _concepts(table: Any) -> Iterator[tuple[str, str, str, str]]:
    if not isinstance(table, Mapping) or not table:
        yield "concepts", "", "[concept] is missing", "restore the file"
        return
    for name, entries in table.items():
        if not isinstance(entries, list) or not entries or not all(isinstance(entry, str) for entry in entries):
            yield "concepts", name, "its words are no list of texts", 'write name = ["one", "two*"]'
            continue
        seen: set[str] = set()
        for entry in entries:
            if not spelling(entry):
                yield "concepts", f"{name}: {entry[:60]}", "it is not one word", "write each word, beginning or ending by itself"
            elif entry in seen:
                yield "concepts", f"{name}: {entry[:60]}", "it stands there twice", "remove one"
            seen.add(entry)
