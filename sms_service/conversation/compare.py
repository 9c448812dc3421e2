"""What differs between two versions of a conversation: steps and what stands in them, then texts and labels by language."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sms_service.conversation.version import Version


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. ``what`` is a step, a setting of the whole (``start``), a text, a label or a language's forms; ``name`` its
    name, ``language`` empty for the first two. ``before`` and ``after`` are what stood and stands there, empty for absent.
    """

    what: Literal["setting", "step", "text", "label", "forms"]
    name: str
    language: str
    before: str
    after: str

    @property
    def kind(self) -> Literal["added", "removed", "changed"]:
        """How it differs."""
        if not self.before:
            return "added"
        return "changed" if self.after else "removed"

    def __str__(self) -> str:
        where = f" ({self.language})" if self.language else ""
        return f"{self.what} {self.name}{where} {self.kind}"


def compare(before: Version, after: Version) -> list[Change]:
    """Every difference, in reading order; an empty list means the same version."""
    found = list(_steps(json.loads(before.definition), json.loads(after.definition)))
    for language in sorted({*before.words.languages, *after.words.languages}):
        texts = [{key: one.text for key, one in version.words.entries.get(language, {}).items()} for version in (before, after)]
        labels = [dict(version.words.option_labels.get(language, {})) for version in (before, after)]
        found += [Change("text", *one) for one in _differing(texts[0], texts[1], language)]
        found += [Change("label", *one) for one in _differing(labels[0], labels[1], language)]
        forms = [str(version.words.forms.get(language, "")) for version in (before, after)]
        if forms[0] != forms[1]:
            found.append(Change("forms", "forms", language, forms[0], forms[1]))
    return found


def _steps(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    settings = [{key: _shown(value) for key, value in table.items() if key != "steps"} for table in (before, after)]
    steps = [{key: _shown(value) for key, value in table.get("steps", {}).items()} for table in (before, after)]
    for one in _differing(settings[0], settings[1], ""):
        yield Change("setting", *one)
    for one in _differing(steps[0], steps[1], ""):
        yield Change("step", *one)


def _shown(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _differing(before: Mapping[str, str], after: Mapping[str, str], language: str) -> list[tuple[str, str, str, str]]:
    names = [*after, *(name for name in before if name not in after)]
    return [(n, language, before.get(n, ""), after.get(n, "")) for n in names if before.get(n, "") != after.get(n, "")]
