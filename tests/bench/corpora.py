"""Corpora of replies with their right readings (``tests/replies/*.toml``) and what the reader makes of them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sms_service.text.lexicon import Lexicon, build_lexicon
from sms_service.text.reading import read_reply
from sms_service.text.reply_types import Expectation, Option, Reading

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "replies"
LEXICON = ROOT / "templates" / "lexicon"

_MISSED = (
    Option(1, "next_time", ("I will come next time", "Nzaza ubutaha", "Je viens la prochaine fois", "Nitakuja safari ijayo")),
    Option(2, "call", ("Please call me", "Mumpamagare", "Appelez-moi", "Nipigie simu")),
    Option(3, "leave", ("I will not come again", "Sinzongera kuza", "Je ne viens plus", "Sitakuja tena")),
)
_PRACTICE = (
    Option(1, "yes", ("Yes", "Yego", "Oui", "Ndiyo")),
    Option(2, "not_yet", ("Not yet", "Sindawukora", "Pas encore", "Bado")),
    Option(3, "explain", ("I need it explained", "Nkeneye ibisobanuro", "J'ai besoin d'explications", "Nahitaji maelezo")),
)
#: The open questions a corpus may name in ``asked``.
ASKED = {
    "none": Expectation(),
    "yesno": Expectation("yesno"),
    "scale_1_5": Expectation("scale", 1, 5),
    "options_missed": Expectation("options", options=_MISSED),
    "options_practice": Expectation("options", options=_PRACTICE),
    "number_0_50": Expectation("number", 0, 50),
    "text": Expectation("text"),
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One reply with its right reading; ``value`` is None where there is none."""

    text: str
    asked: str
    language: str
    intent: str
    value: Any
    alert: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """A sample and how it was read."""

    sample: Sample
    reading: Reading

    @property
    def understood(self) -> bool:
        """Intent and value right. A crisis with no other meaning counts as such whatever its severity."""
        if self.reading.intent != self.sample.intent:
            return False
        return self.sample.intent not in ("answer", "language") or self.sample.value is None or self.same_value

    @property
    def same_value(self) -> bool:
        read, due = self.reading.value, self.sample.value
        return type(read) is type(due) and bool(read == due)

    @property
    def right(self) -> bool:
        return self.understood and self.reading.alert == self.sample.alert


def shipped_lexicon() -> Lexicon:
    """The lexicon of ``templates/``."""
    return build_lexicon({file.stem: tomllib.loads(file.read_text("utf-8")) for file in LEXICON.glob("*.toml")})


def corpora(folder: Path = FOLDER) -> list[Path]:
    """The corpora there are, by name."""
    return sorted(folder.glob("*.toml"))


def samples(file: Path) -> Iterator[Sample]:
    """Every reply of one corpus, whatever its arrays are called; ``KeyError`` names what a row lacks."""
    for rows in tomllib.loads(file.read_text("utf-8")).values():
        for row in rows if isinstance(rows, list) else ():
            if isinstance(row, dict):
                value = row.get("value", "")
                yield Sample(
                    row["text"], row["asked"], row["language"], row["intent"], None if value == "" else value, row["alert"]
                )


def read_all(lexicon: Lexicon, given: Sequence[Sample]) -> list[Outcome]:
    """Read every sample against its open question."""
    return [Outcome(one, read_reply(lexicon, one.text, ASKED[one.asked], language=one.language)) for one in given]
