"""Trains the statistical layer of the crisis check: ``./run bench train --ordinary FOLDER`` writes its ``model.toml``.

Positives and hard negatives are the families of ``tests/replies/training`` and the labelled replies of ``tests/replies``;
negatives are ordinary public texts, plain .txt files with one a line, of which nothing but weights is kept. Limits are chosen
on texts that a fold was not trained on. The same files and seed give the same table.
"""

from __future__ import annotations

import argparse
import random
import sys
import tomllib
import zlib
from array import array
from base64 import b32encode
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from math import sqrt
from pathlib import Path

from sms_service.text.concepts import Concepts, build_concepts
from sms_service.text.crisis import crisis_alert, spoken_words
from sms_service.text.model import HEADS, fingerprint, pieces, places_of
from sms_service.text.patterns import choices_of
from tests.bench.corpora import FOLDER, LEXICON, corpora, samples, shipped_lexicon

TRAINING = FOLDER / "training"
BITS = 18
SEED = 20261128
FOLDS = 3
_PER_PATTERN = 16
_SLIPPED = 0.3
#: What one text weighs: the families make many alike, the labelled replies and what four hands wrote stand for themselves.
_FAMILY, _REPLY = 0.5, 2.0
_EPOCHS = 6
_RATE = 0.5
_START = 1e-2
#: A text so far on its side of the limit is looked at every fourth round only.
_EASY, _LOOKED_AT_AGAIN = -0.7, 4
#: Ordinary texts of 5,000 that the layer alone may flag, by limit.
ALLOWED = {"red": 4.0, "amber": 40.0, "stop": 0.5}
#: Below these a RED of the lists counts as AMBER, in a text of six words and of nine: of 69 REDs of the lists among replies that
#: the weights had not seen none scored so low, of twenty in ordinary texts eight.
UNLIKELY = {"unlikely": -1.8, "unlikely_long": -1.5}
_HEAD_OF = {"red": "red", "amber": "alert", "stop": "stop"}


@dataclass(frozen=True, slots=True)
class Text:
    """One text to learn from: its places in the table, its family (a fold never parts one), and how much it weighs."""

    places: array[int]
    family: str
    alert: str
    stop: bool
    weight: float

    def says(self, head: str) -> bool:
        return {"red": self.alert == "red", "alert": self.alert != "none", "stop": self.stop}[head]


def slip(rng: random.Random, text: str) -> str:
    """A text with one slip in it: a letter lost, swapped or wrong, two words joined, the vowels of one left out, capitals."""
    kind, place = rng.randrange(6), rng.randrange(len(text))
    words = text.split(" ")
    word = rng.randrange(len(words))
    if kind == 0:
        return text[:place] + text[place + 1 :]
    if kind == 1:
        return text[:place] + text[place : place + 2][::-1] + text[place + 2 :]
    if kind == 2:
        return text[:place] + rng.choice("aeioutnsr") + text[place + 1 :]
    if kind == 3:
        return " ".join([*words[:word], "".join(words[word : word + 2]), *words[word + 2 :]])
    if kind == 4:
        bare = words[word][:1] + "".join(letter for letter in words[word][1:] if letter not in "aeiou")
        return " ".join([*words[:word], bare, *words[word + 1 :]])
    return text.upper()


def written(rng: random.Random) -> list[tuple[str, str, str, bool]]:
    """(text, family, alert, stop) of the families written for training; some with a slip."""
    found = []
    for file in sorted(TRAINING.glob("*.toml")):
        for family in tomllib.loads(file.read_text("utf-8")).get("family", ()):
            for pattern in (pattern for language in ("rw", "en", "fr", "sw") for pattern in family.get(language, ())):
                choices = choices_of(pattern)
                made = {" ".join("".join(map(rng.choice, choices)).split()) for _ in range(2 * _PER_PATTERN)}
                kept = sorted(made)[:_PER_PATTERN]
                said = [slip(rng, text) if rng.random() < _SLIPPED else text for text in kept]
                if len(kept) == 1:  # a sentence of its own stands for itself, and twice as people mistype it
                    said = [kept[0], slip(rng, kept[0]), slip(rng, kept[0])]
                found += [(one, family["name"], family.get("alert", "none"), family.get("intent") == "stop") for one in said]
    return found


def by_hand() -> list[tuple[str, str, bool]]:
    """(text, alert, stop) of the replies that others wrote, row by row (``hands*.toml``)."""
    files = sorted(TRAINING.glob("hands*.toml"))
    rows = [row for file in files for row in tomllib.loads(file.read_text("utf-8"))["reply"]]
    return [(row["text"], row["alert"], row["stop"]) for row in rows]


def taken(concepts: Concepts, text: str, family: str, alert: str = "none", *, stop: bool = False, weight: float = 1.0) -> Text:
    """One text ready to be learnt from."""
    words = next(iter(pieces(spoken_words(text))))
    return Text(array("I", places_of(words, concepts, (1 << BITS) - 1)), family, alert, stop, weight)


def labelled(concepts: Concepts) -> list[Text]:
    """What was written for training, and the labelled replies, which weigh more: they are written as people write."""
    rng = random.Random(SEED)
    found = [taken(concepts, text, name, alert, stop=stop, weight=_FAMILY) for text, name, alert, stop in written(rng)]
    found += [
        taken(concepts, text, f"hands {place}", alert, stop=stop, weight=_REPLY)
        for place, (text, alert, stop) in enumerate(by_hand())
    ]
    for file in corpora(FOLDER):
        found += [
            taken(concepts, one.text, f"{file.stem} {place}", one.alert, stop=one.intent == "stop", weight=_REPLY)
            for place, one in enumerate(samples(file))
            if spoken_words(one.text)
        ]
    return found


def ordinary(file: Path) -> list[Text]:
    """The texts of one file. What the lists read as RED is left out: some of it says so, and none teaches what is ordinary."""
    concepts = build_concepts(tomllib.loads((LEXICON / "concepts.toml").read_text("utf-8")))
    listed = replace(shipped_lexicon(), model=None)
    lines = enumerate(filter(spoken_words, file.read_text("utf-8").splitlines()))
    return [taken(concepts, line, f"ordinary {file.stem} {at}") for at, line in lines if crisis_alert(listed, line) != "red"]


def fit(given: Sequence[Text], head: str) -> tuple[list[float], float]:
    """Weights and bias of one head: squared hinge, a rate of its own for each weight (AdaGrad), a few rounds in seeded order."""
    weights, seen = [0.0] * (1 << BITS), [_START] * (1 << BITS)
    bias, bias_seen = 0.0, _START
    order = list(range(len(given)))
    rng = random.Random(SEED)
    easy = bytearray(len(given))
    for epoch in range(_EPOCHS):
        rng.shuffle(order)
        for number in order:
            if easy[number] and (number + epoch) % _LOOKED_AT_AGAIN:
                continue
            text = given[number]
            due = 1.0 if text.says(head) else -1.0
            share = 1 / sqrt(len(text.places) + 1)
            short = 1 - due * (bias + share * sum(map(weights.__getitem__, text.places)))
            easy[number] = short < _EASY
            if short > 0:
                slope = -2 * due * short * text.weight
                step = slope * share
                for place in text.places:
                    seen[place] += step * step
                    weights[place] -= _RATE * step / sqrt(seen[place])
                bias_seen += slope * slope
                bias -= 0.3 * _RATE * slope / sqrt(bias_seen)
    return weights, bias


def score(fitted: tuple[list[float], float], text: Text) -> float:
    """What a fitted head gives a text."""
    weights, bias = fitted
    return bias + sum(map(weights.__getitem__, text.places)) / sqrt(len(text.places) + 1)


def out_of_fold(given: Sequence[Text], head: str) -> list[float]:
    """The score of every text by a head that saw none of its family."""
    folds = [zlib.crc32(text.family.encode()) % FOLDS for text in given]
    scores = [0.0] * len(given)
    for fold in range(FOLDS):
        fitted = fit([text for text, own in zip(given, folds, strict=True) if own != fold], head)
        for place, own in enumerate(folds):
            if own == fold:
                scores[place] = score(fitted, given[place])
    return scores


def limit(scores: Sequence[float], given: Sequence[Text], allowed: float) -> float:
    """The score that no more than ``allowed`` of 5,000 ordinary texts reach."""
    plain = sorted((one for one, text in zip(scores, given, strict=True) if text.family.startswith("ordinary ")), reverse=True)
    return plain[int(allowed * len(plain) / 5000)] if plain else 0.0


def report(head: str, scores: Sequence[float], given: Sequence[Text], least: float) -> None:
    """Recall by family on families not trained on, worst first, to the terminal."""
    due: dict[str, list[bool]] = {}
    for one, text in zip(scores, given, strict=True):
        if text.says(head):
            due.setdefault(text.family.split(" ")[0], []).append(one >= least)
    for family, found in sorted(due.items(), key=lambda pair: sum(pair[1]) / len(pair[1])):
        print(f"{head:>6} {family:<28} {100 * sum(found) / len(found):6.1f} % of {len(found)}", file=sys.stderr)
    wrong = sum(one >= least for one, text in zip(scores, given, strict=True) if not text.says(head) and text.weight > 1)
    print(f"{head:>6} false among labelled replies: {wrong}", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, choose limits, write the file; 0 when it is written."""
    parser = argparse.ArgumentParser(prog="run bench train", description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("--ordinary", type=Path, required=True, help="folder of ordinary texts, .txt, one a line")
    parser.add_argument("--out", type=Path, default=LEXICON / "model.toml")
    parser.add_argument("--scores", type=Path, help="also write what each text scored in the fold that did not see its family")
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args(arguments)
    table = tomllib.loads((LEXICON / "concepts.toml").read_text("utf-8"))
    with ProcessPoolExecutor(options.processes) as pool:
        given = labelled(build_concepts(table))
        for found in pool.map(ordinary, sorted(options.ordinary.glob("*.txt"))):
            given += found
    print(f"train: {len(given)} texts", file=sys.stderr, flush=True)
    with ProcessPoolExecutor(options.processes) as pool:
        scored = pool.map(out_of_fold, [given] * len(_HEAD_OF), _HEAD_OF.values())
        whole = pool.map(fit, [given] * len(HEADS), HEADS)
        limits = dict(UNLIKELY)
        for (name, head), scores in zip(_HEAD_OF.items(), scored, strict=True):
            limits[name] = limit(scores, given, ALLOWED[name])
            report(head, scores, given, limits[name])
            if options.scores:
                told = zip(scores, given, strict=True)
                with options.scores.open("a") as kept:
                    kept.writelines(f"{head}\t{text.family}\t{text.says(head)}\t{one:.4f}\n" for one, text in told)
        fitted = dict(zip(HEADS, whole, strict=True))
    scales = {head: max(map(abs, weights)) / 127 or 1.0 for head, (weights, _) in fitted.items()}
    table_bytes = b"".join(array("b", [round(one / scales[head]) for one in fitted[head][0]]).tobytes() for head in HEADS)
    options.out.write_text(
        as_toml(table_bytes, scales, {head: bias for head, (_, bias) in fitted.items()}, limits, fingerprint(table))
    )
    print(f"train: {options.out} written", file=sys.stderr)
    return 0


def as_toml(weights: bytes, scales: dict[str, float], biases: dict[str, float], limits: dict[str, float], concepts: int) -> str:
    """The file's text: provenance, figures, and the table in lines of text."""
    packed = b32encode(zlib.compress(weights, 9)).decode().lower()  # no letters that look like a rule's number
    lines = "\n".join(f"  '{packed[start : start + 4000]}'," for start in range(0, len(packed), 4000))
    parts = [
        "# Weights of the statistical layer of the crisis check (docs/replies.md). Made by `./run bench train`, never by hand.",
        "# Learnt from tests/replies and the public texts that docs/replies.md names; none of their words are kept here.",
        'source = "P; weights derived from the corpora named in docs/replies.md"',
        'review = "awaiting native review"',
    ]
    parts += [f"bits = {BITS}", f"concepts = {concepts}", f"weights = [\n{lines}\n]"]
    for name, figures in (("scales", scales), ("biases", biases), ("limits", limits)):
        parts += [f"\n[{name}]", *(f"{key} = {value:.6f}" for key, value in figures.items())]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.exit(main())
