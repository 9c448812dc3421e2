"""One language's words as a PO file, for translators' programs: msgctxt is the key, msgid the English text, msgstr the translation.

Comments name the limit, the placeholders and where the text is said. Fuzzy means that no native reviewer has signed it off; the
header's ``X-Reviewer`` names who has.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import PoFileError, PoFileParser, normalize
from babel.messages.pofile import write_po as write_catalog

from sms_service.conversation.faults import Fault, shortly
from sms_service.conversation.translations import Place, Row, RowKind, ordered, rows_of
from sms_service.conversation.words import Words
from sms_service.usecases.faults import UseFault
from sms_service.usecases.list_file import MOST_BYTES, UPLOAD_ROWS
from sms_service.usecases.translations import context_of, limit_and_placeholders

_LINE = re.compile(r'(?:(?:msgctxt|msgid|msgid_plural|msgstr(?:\[[0-9]\])?) +)?"(?:[^"\\]|\\["\\ntr])*"')
_LANGUAGE = re.compile(r"[a-z]{2}")
_KINDS: dict[str, RowKind] = {"label": "label", "form": "form"}
_LONGEST_LINE = 20_000


def write_po(
    words: Words,
    language: str,
    keys: Sequence[str] | None = None,
    places: Mapping[str, Place] | None = None,
    reviewer: str = "",
) -> bytes:
    """One language's texts (``keys`` alone, in their order, when given), labels and forms as UTF-8 PO, the same for the same words.

    A text the language lacks has an empty msgstr; the msgid is the English text, or the first there is.
    """
    catalog = Catalog(fuzzy=False)
    for row in rows_of(words, keys)[1:]:
        source = _source(row)
        if not source:
            continue
        limit, names = limit_and_placeholders(words, row)
        said = [context_of(row, places or {})]
        said += [f"at most {limit} characters with the longest values"] if limit else []
        said += [f"placeholders to keep: {names}"] if names else []
        flags = () if reviewer or language not in row.cells else ("fuzzy",)
        catalog.add(source, row.cells.get(language, ""), context=row.ident, auto_comments=said, flags=flags)
    body = io.BytesIO()
    write_catalog(body, catalog, width=0, omit_header=True)
    return _header(language, reviewer).encode() + body.getvalue()


def _header(language: str, reviewer: str) -> str:
    lines = (f"Language: {language}", "MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8")
    more = ("Content-Transfer-Encoding: 8bit", f"X-Reviewer: {' '.join(reviewer.split())}")
    text = "".join(f"{line}\n" for line in (*lines, *more))
    return f'msgid ""\nmsgstr {normalize(text, width=0)}\n\n'


def _source(row: Row) -> str:
    """The text a translator sees: the English, or the first there is."""
    return next((row.cells[one] for one in ("en", *ordered(row.cells)) if row.cells.get(one)), "")


def read_po_rows(name: str, content: bytes, base: Words, faults: list[Fault]) -> list[Row]:
    """The messages of a PO file as rows of one language. Raises ``UseFault('file', ...)`` where it cannot be read at all."""
    messages = _parsed(content)
    header = _header_of(messages)
    language = header.get("language", "").partition("_")[0].lower()
    if not _LANGUAGE.fullmatch(language):
        raise UseFault("file", "line 1: the header names no language; write Language: and its two letters")
    if language not in base.languages:
        faults.append(Fault(f"{name}, line 1", "", language, f"new language '{language}'", "", "notice"))
    sources = {row.ident: _source(row) for row in rows_of(base)}
    reviewer = header.get("x-reviewer", "")
    rows = [Row("review", "review", {language: reviewer} if reviewer else {}, place="line 1")]
    for message in messages:
        place = f"line {message.lineno}"
        if not message.id:
            continue
        ident = message.context or ""
        if not ident or not isinstance(message.id, str) or not isinstance(message.string, str):
            reason = "no msgctxt: it names the key of the text" if not ident else "a text has no plural forms"
            faults.append(Fault(f"{name}, {place}", shortly(ident), language, reason, "export the file again and fill that in"))
            continue
        before, _, after = ident.partition(":")
        kind = _KINDS.get(before, "text")
        key = ident if kind == "text" else after
        if ident in sources and message.id != sources[ident] and message.string:
            reason = "the text it was translated from is another one now"
            faults.append(Fault(f"{name}, {place}", key, language, reason, f"it says '{shortly(sources[ident])}'", "notice"))
        said = {language: message.string} if message.string else {}
        rows.append(Row(kind, key, said, place=place, source=message.id, fuzzy=message.fuzzy))
    return rows


class _Kept(Catalog):
    """Keeps every message in the order of the file, the header and repeated ones among them, and reads nothing into them."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[Message] = []

    def __setitem__(self, id: Any, message: Message) -> None:
        self.kept.append(message)


def _parsed(content: bytes) -> list[Message]:
    if len(content) > MOST_BYTES:
        raise UseFault("file", "the file is larger than %(limit)s MB", limit=MOST_BYTES // 1024 // 1024)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = content.count(b"\n", 0, error.start) + 1
        raise UseFault("file", "line %(line)s: not UTF-8; save the file again as UTF-8", line=at) from None
    lines = text.split("\n")
    for number, bare in enumerate((line.strip() for line in lines), start=1):
        if len(bare) > _LONGEST_LINE or (bare and not bare.startswith("#") and not _LINE.fullmatch(bare)):
            raise UseFault("file", "line %(line)s: no line of a PO file; correct it, or export the file again", line=number)
    catalog = _Kept()
    try:
        PoFileParser(catalog, ignore_obsolete=True, abort_invalid=True).parse(lines)
    except PoFileError as error:
        raise UseFault("file", "line %(line)s: a part of the PO file is missing here", line=error.lineno + 1) from None
    except (ValueError, IndexError, AttributeError, TypeError):
        raise UseFault("file", "this is no readable PO file; export it again and fill that in") from None
    if not any(message.id for message in catalog.kept):
        raise UseFault("file", "the file holds no text; export it again and fill that in")
    if len(catalog.kept) > UPLOAD_ROWS:
        raise UseFault("file", "more than %(limit)s texts; split the file", limit=UPLOAD_ROWS)
    return catalog.kept


def _header_of(messages: Sequence[Message]) -> dict[str, str]:
    text = next((message.string for message in messages if not message.id), "")
    lines = text.split("\n") if isinstance(text, str) else []
    pairs = (line.partition(":") for line in lines if ":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}
