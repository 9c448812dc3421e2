"""Reads the files people may change (``templates/``), and files laid over them for a trial. A syntax error is a fault like others.

In: a folder, and paths given on the command line. Out: parsed tables by kind, and faults; nothing is raised for what a file holds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sms_service.conversation.faults import Fault, shortly
from sms_service.conversation.toml_read import TomlFault, read_toml

MAX_FILE_BYTES = 1024 * 1024
"""A definition, words file, list or transcript larger than this is refused unread (I22)."""

MAX_SHEET_BYTES = 5 * 1024 * 1024

SHEETS = (".xlsx", ".csv", ".po")
"""The endings of translators' files."""

Table = dict[str, Any]


@dataclass(slots=True)
class Sources:
    """What the files hold: tables by ``folder/file``, those of ``messages`` by language; transcripts as text, sheets as bytes."""

    conversations: dict[str, Table] = field(default_factory=dict)
    messages: dict[str, dict[str, Table]] = field(default_factory=dict)
    lexicon: dict[str, Table] = field(default_factory=dict)
    programmes: dict[str, Table] = field(default_factory=dict)
    transcripts: dict[str, str] = field(default_factory=dict)
    sheets: dict[str, bytes] = field(default_factory=dict)
    outdated: set[str] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)

    @property
    def reviews(self) -> dict[str, str]:
        """The ``review`` of each words file."""
        return {file: str(table.get("review", "")) for tables in self.messages.values() for file, table in tables.items()}

    def lay_over(self, files: Collection[Path]) -> None:
        """Put these files in the place of those shipped: definitions by their name, words by language and file name.

        A definition is TOML with ``steps``; other TOML is words, and its folder names the language (``fr/texts.toml``). The
        transcripts that ship then tell of what was there before: ``outdated`` names them.
        """
        shipped = set(self.transcripts)
        for file in files:
            if file.suffix.lower() == ".txt":
                text = _text(file, file.name, self.faults)
                self.transcripts |= {f"transcripts/{file.name}": text} if text is not None else {}
            elif file.suffix.lower() == ".toml":
                table = _toml(file, file.name, self.faults)
                if table is not None:
                    self._lay(file, table)
            elif file.suffix.lower() in SHEETS:
                content = _bytes(file, file.name, MAX_SHEET_BYTES, self.faults)
                self.sheets |= {file.name: content} if content is not None else {}
            else:
                reason = f"'{shortly(file.suffix)}' is no kind of file the check reads"
                kinds = "a definition or words as .toml, words as .xlsx, .csv or .po, a transcript as .txt"
                self.faults.append(Fault(file.name, "", "", reason, kinds))
            if file.suffix.lower() != ".txt":
                self.outdated |= shipped
        self.outdated -= {f"transcripts/{file.name}" for file in files}

    def _lay(self, file: Path, table: Table) -> None:
        if "steps" in table or "name" in table:
            same = [name for name, other in self.conversations.items() if other.get("name") == table.get("name")]
            for name in same:
                del self.conversations[name]
            self.conversations[f"conversations/{file.name}"] = table
        elif file.parent.name in self.messages:
            self.messages[file.parent.name][f"messages/{file.parent.name}/{file.name}"] = table
        else:
            known = ", ".join(sorted(self.messages))
            reason = "neither a definition (no 'steps') nor in the folder of a language"
            self.faults.append(Fault(file.name, "", "", reason, f"put words into a folder named {known}"))


def read_templates(templates: Path) -> Sources:
    """Everything under ``templates`` that conversations are made of."""
    found = Sources()
    found.conversations = _tables(templates, "conversations", found.faults)
    folder = templates / "messages"
    for child in sorted(folder.iterdir()) if folder.is_dir() else ():
        if child.is_dir():
            found.messages[child.name] = _tables(templates, f"messages/{child.name}", found.faults)
    found.lexicon = {Path(file).stem: table for file, table in _tables(templates, "lexicon", found.faults).items()}
    found.programmes = _tables(templates, "programmes", found.faults)
    for file in sorted((templates / "transcripts").glob("*.txt")):
        name = f"transcripts/{file.name}"
        text = _text(file, name, found.faults)
        found.transcripts |= {name: text} if text is not None else {}
    return found


def _tables(templates: Path, folder: str, faults: list[Fault]) -> dict[str, Table]:
    files = sorted((templates / folder).glob("*.toml"))
    if not files:
        faults.append(Fault(folder, "", "", "no .toml file in this folder"))
    tables = ((f"{folder}/{file.name}", _toml(file, f"{folder}/{file.name}", faults)) for file in files)
    return {name: table for name, table in tables if table is not None}


def _toml(file: Path, name: str, faults: list[Fault]) -> Table | None:
    text = _text(file, name, faults)
    if text is None:
        return None
    try:
        return read_toml(text)
    except TomlFault as fault:
        faults.append(Fault(name, "", "", str(fault), fault.fix))
    return None


def _text(file: Path, name: str, faults: list[Fault]) -> str | None:
    content = _bytes(file, name, MAX_FILE_BYTES, faults)
    try:
        return None if content is None else content.decode("utf-8-sig")
    except UnicodeDecodeError:
        faults.append(Fault(name, "", "", "cannot be read: it is not UTF-8", "save it as UTF-8"))
    return None


def _bytes(file: Path, name: str, most: int, faults: list[Fault]) -> bytes | None:
    try:
        if file.stat().st_size > most:
            faults.append(Fault(name, "", "", f"cannot be read: larger than {most} bytes", "split it"))
            return None
        return file.read_bytes()
    except OSError as error:
        faults.append(Fault(name, "", "", f"cannot be read: {error.strerror or 'the file cannot be opened'}"))
    return None


def is_words(value: Any) -> bool:
    """A list of texts, as lexicon files hold them."""
    return isinstance(value, list) and all(isinstance(word, str) for word in value)


def as_table(value: Any) -> Mapping[str, Any]:
    """The table a file should hold here; an empty one in its place where it holds something else."""
    return value if isinstance(value, Mapping) else {}
