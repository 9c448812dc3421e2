"""Every sentence of the console has its French, with the same places for values (issue 7: English and French)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir

from handlers.console.language import catalogue, ngettext
from sms_service import paths

ROOT = Path(__file__).parents[2]
KEYWORDS = {"_": None, "gettext": None, "later": None, "ngettext": (1, 2)}
PLACES = re.compile(r"%\((\w+)\)s")


def sentences() -> dict[str, str]:
    """Every sentence that may be shown -> where it stands."""
    found: dict[str, str] = {}
    pages = [("**.html", "jinja2.ext:babel_extract")]
    code = [("**.py", "python")]
    for folder, method in ((paths.templates_dir() / "console", pages), (ROOT / "handlers" / "console", code)):
        for file, line, message, _, _ in extract_from_dir(folder, method, keywords=KEYWORDS):
            one = message if isinstance(message, str) else message[0]
            found[one] = f"{file}:{line}"
    return found


def test_every_sentence_of_the_pages_has_its_french() -> None:
    known = catalogue("fr")
    missing = sorted(f"{where}: {one}" for one, where in sentences().items() if one not in known)
    assert not missing, "\n".join(missing)


def test_no_french_is_left_without_its_english() -> None:
    """A changed English sentence would leave its French behind unseen; faults of use cases count as used."""
    files = [*(ROOT / "sms_service" / "usecases").glob("*.py"), ROOT / "sms_service" / "security" / "passwords.py"]
    faults = "\n".join(file.read_text() for file in files)
    left = [one for one in set(catalogue("fr")) - set(sentences()) if f'"{one}"' not in faults]
    assert not sorted(left)


def test_translations_keep_the_places_for_values() -> None:
    wrong = []
    for english, french in catalogue("fr").items():
        for sentence in [french] if isinstance(french, str) else french:
            if set(PLACES.findall(sentence)) - {"n"} != set(PLACES.findall(english)) - {"n"}:
                wrong.append(english)
    assert not wrong


@pytest.mark.parametrize(("n", "shown"), [(0, "0 days"), (1, "1 day"), (2, "2 days")])
def test_counted_sentences_outside_a_page_are_english(n: int, shown: str) -> None:
    assert ngettext("%(n)s day", "%(n)s days", n) == shown
