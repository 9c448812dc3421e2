"""The console's languages: English is the key, the others lie in ``templates/console/locales/<language>/*.toml``.

A value is the translated sentence, or for a counted one the list ``[one, many]`` under its English singular.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from flask import Flask, g, has_request_context, request, session
from flask_babel import Babel

from sms_service import paths

LANGUAGES: Final = {"en": "English", "fr": "Français"}
DEFAULT: Final = "en"

Entry = str | list[str]


@cache
def catalogue(language: str) -> Mapping[str, Entry]:
    """Every translated sentence of one language; empty for English.

    Raises ``ValueError`` naming the file and the sentence when two files translate the same sentence differently.
    """
    found: dict[str, Entry] = {}
    for file in sorted((paths.templates_dir() / "console" / "locales" / language).glob("*.toml")):
        for key, value in tomllib.loads(file.read_text(encoding="utf-8")).items():
            if found.setdefault(key, value) != value:
                raise ValueError(f"{file.name}: {key!r} is already translated otherwise: keep one")
    return found


def current() -> str:
    """The language of this page: the signed-in person's own, else the one chosen before, else the browser's."""
    if not has_request_context():
        return DEFAULT
    me = g.get("me")
    wanted = me.language if me is not None else session.get("language")
    if wanted not in LANGUAGES:
        wanted = request.accept_languages.best_match(list(LANGUAGES)) or DEFAULT
    return str(wanted)


def gettext(message: str, **values: Any) -> str:
    """The sentence in the page's language with its values filled in; ``%(name)s`` marks a value."""
    found = catalogue(current()).get(message, message)
    sentence = found if isinstance(found, str) else found[0]
    return sentence % values if values else sentence


def ngettext(one: str, many: str, n: int, **values: Any) -> str:
    """The counted sentence for ``n`` (also filled in as ``%(n)s``); in French nought counts as one."""
    language = current()
    found = catalogue(language).get(one)
    forms = found if isinstance(found, list) else [one, many]
    single = n in (0, 1) if language == "fr" and isinstance(found, list) else n == 1
    return forms[0 if single else 1] % {"n": n, **values}


def later(message: str) -> str:
    """Marks a sentence that is translated where it is shown, so that the test for missing translations finds it."""
    return message


def install(app: Flask) -> None:
    """Dates and numbers by Babel in the page's language and Kigali time; sentences from the catalogue above."""
    Babel(app, locale_selector=current, timezone_selector=lambda: "Africa/Kigali")
    app.jinja_env.globals.update(_=gettext, ngettext=ngettext)
