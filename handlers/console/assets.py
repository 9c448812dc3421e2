"""The console's own few files (style, script, mark): named here, so that no path is ever taken from a request."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from typing import Final

from flask import Response, abort, url_for

from handlers.console.pages import ANYONE, Pages
from sms_service import paths

pages = Pages("assets")

KINDS: Final = {"console.css": "text/css", "console.js": "text/javascript", "mark.svg": "image/svg+xml"}


@cache
def _content(name: str) -> bytes:
    return (paths.templates_dir() / "console" / "static" / name).read_bytes()


def asset_url(name: str) -> str:
    """The address of a file, with a part that changes when the file does, so that browsers may keep it."""
    return url_for("console.assets_asset", name=name, v=sha256(_content(name)).hexdigest()[:10])


@pages.page("/static/<name>", needs=ANYONE)
def asset(name: str) -> Response:
    """One of the files; kept by the browser for a day, for slow connections."""
    if name not in KINDS:
        abort(404)
    answer = Response(_content(name), mimetype=KINDS[name])
    answer.headers["Cache-Control"] = "public, max-age=86400"
    return answer
