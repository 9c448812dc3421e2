"""The texts that the statistical layer learns from are sound, and learning separates what it is shown, the same way every time."""

from __future__ import annotations

import random
import tomllib
from array import array

from tests.bench.train import BITS, SEED, TRAINING, Text, as_toml, by_hand, fit, limit, score, slip, written

LANGUAGES = {"rw", "en", "fr", "sw"}


def test_every_family_is_labelled_and_of_known_languages() -> None:
    """S22-S24, S17: a family says what its texts are; names are not used twice."""
    names: list[str] = []
    for file in sorted(TRAINING.glob("*.toml")):
        for family in tomllib.loads(file.read_text("utf-8")).get("family", ()):
            names.append(family["name"])
            assert family.get("alert") in ("none", "amber", "red") or family.get("intent") == "stop"
            assert LANGUAGES & set(family)
            assert set(family) <= {"name", "alert", "intent", *LANGUAGES}
    assert len(names) == len(set(names))


def test_what_others_wrote_is_labelled_and_not_written_twice() -> None:
    """S17, S22: each reply once, of a known severity, and none both a stop and a danger."""
    rows = by_hand()
    assert len({text for text, _, _ in rows}) == len(rows) > 1900
    assert {alert for _, alert, _ in rows} == {"none", "amber", "red"}
    assert not [text for text, alert, stop in rows if stop and alert != "none"]


def test_the_same_seed_writes_the_same_texts() -> None:
    first = written(random.Random(SEED))
    assert first == written(random.Random(SEED))
    assert len(first) > 5000
    assert {alert for _, _, alert, _ in first} == {"none", "amber", "red"}


def test_a_slip_changes_little() -> None:
    """9.3: a letter, a space or the vowels of a word; never the whole text."""
    rng = random.Random(1)
    made = {slip(rng, "ndashaka kujya mu nama") for _ in range(200)}
    assert len(made) > 20
    assert all(len(text) > 12 for text in made)


def test_learning_separates_what_it_is_shown() -> None:
    """S22: RED places weigh more than ordinary ones, and a limit keeps ordinary texts below it."""
    given = [Text(array("I", [1, 2, 3 + n % 5]), f"a {n}", "red", False, 1.0) for n in range(20)]
    given += [Text(array("I", [9, 10, 11 + n % 5]), f"ordinary b {n}", "none", False, 1.0) for n in range(20)]
    fitted = fit(given, "red")
    scores = [score(fitted, text) for text in given]
    assert min(scores[:20]) > max(scores[20:])
    assert fitted == fit(given, "red")
    assert limit(scores, given, 0.0) == max(scores[20:])


def test_the_file_is_one_the_reader_takes() -> None:
    """9.2: signed, and in lines that the reader of TOML allows."""
    text = as_toml(bytes(3 << BITS), {"red": 0.1}, {"red": 0.0}, {"red": 1.0}, 7)
    table = tomllib.loads(text)
    assert table["bits"] == BITS
    assert table["source"]
    assert max(map(len, text.splitlines())) < 20_000
