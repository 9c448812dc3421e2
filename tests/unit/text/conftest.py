"""The shipped lexicon, parsed once for all reading tests."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from sms_service.text.lexicon import Lexicon, build_lexicon

LEXICON_DIR = Path(__file__).resolve().parents[3] / "templates" / "lexicon"


def lexicon_tables() -> dict[str, dict[str, Any]]:
    names = ("rw", "en", "fr", "sw", "crisis", "near", "concepts", "model")
    return {name: tomllib.loads((LEXICON_DIR / f"{name}.toml").read_text("utf-8")) for name in names}


@pytest.fixture(scope="session")
def tables() -> dict[str, dict[str, Any]]:
    return lexicon_tables()


@pytest.fixture(scope="session")
def lexicon(tables: dict[str, dict[str, Any]]) -> Lexicon:
    return build_lexicon(tables)
