"""The conversation log: live, filtered, searched by word; a flagged text is opened one at a time, with a reason."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask import request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from handlers.console import guard, labels
from handlers.console.forms import Form
from handlers.console.pages import Pages
from sms_service.models import groups
from sms_service.usecases import read_log, reveal
from sms_service.usecases.faults import UseFault
from sms_service.usecases.read_log import Filter, Line, Place

pages = Pages("log")
SEE = "see_log"
ROWS = 50
FOUND = 100
LIVE = 60
LONGEST_SEARCH = 200
FIELDS = ("person", "group", "channel", "language", "state", "direction", "first_day", "last_day")


def _day(given: str) -> date | None:
    try:
        return date.fromisoformat(given) if len(given) == 10 else None
    except ValueError:
        return None


def _wanted(asked: MultiDict[str, str]) -> Filter:
    """The filter of a request; nonsense is left out rather than refused."""
    return Filter(
        person=asked.get("person", "").strip().upper()[:12],
        group=asked.get("group", "")[:8],
        channel=asked.get("channel", "")[:4],
        language=asked.get("language", "")[:2],
        state=asked.get("state", "") if asked.get("state") in read_log.states() else "",
        direction=asked.get("direction", "")[:3],
        first_day=_day(asked.get("first_day", "")),
        last_day=_day(asked.get("last_day", "")),
    )


def _kept(wanted: Filter) -> dict[str, str]:
    """The filter as it goes into an address: codes and days only, never a word that was searched (I16)."""
    values = {name: getattr(wanted, name) for name in FIELDS}
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items() if value}


def write_place(place: Place) -> str:
    return f"{place.at.isoformat()}~{place.id}"


def read_place(given: str | None) -> Place | None:
    """A place as ``write_place`` wrote it; None for anything else."""
    moment, _, row_id = (given or "").partition("~")
    if not (row_id.isascii() and row_id.isdigit() and len(row_id) < 20):
        return None
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        return None
    return Place(at, int(row_id)) if at.tzinfo is not None else None


def _show(wanted: Filter, lines: list[Line], status: int = 200, **more: Any) -> Response:
    with guard.service().database.reading() as db:
        codes = [(group.code, group.code) for group in groups.all_groups(db)]
    kept = _kept(wanted)
    states = {**labels.INBOUND_STATES, **labels.OUTBOX_STATES}
    return guard.show(
        "log.html",
        status,
        lines=lines,
        filters=Form(initial=kept),
        kept=kept,
        groups=codes,
        languages=labels.languages(guard.service().languages),
        states=[(state, labels.label(states, state)) for state in read_log.states()],
        **{"searched": False, "older": "", "newer": "", "live": "", "newest": "", "form": Form(), **more},
    )


@pages.page("/log", needs=SEE)
def log() -> Response:
    """Newest first; the first page goes on by itself where there is a script."""
    context = guard.service()
    wanted, before = _wanted(request.args), read_place(request.args.get("before"))
    with context.database.reading() as db:
        lines = read_log.page(context, db, wanted, limit=ROWS + 1, before=before)
    addressed: dict[str, Any] = {**_kept(wanted)}
    shown = lines[:ROWS]
    return _show(
        wanted,
        shown,
        older=url_for("console.log_log", **addressed, before=write_place(shown[-1].place)) if len(lines) > ROWS else "",
        newer=url_for("console.log_log", **addressed) if before else "",
        live="" if before else url_for("console.log_fresh", **addressed, live=1),
        newest=write_place(shown[0].place) if shown else "",
    )


@pages.page("/log/fresh", needs=SEE, live=True)
def fresh() -> Response:
    """The rows since a place, as a piece of the table; asked every few seconds, and no sign of anybody's activity."""
    context = guard.service()
    after = read_place(request.args.get("after"))
    with context.database.reading() as db:
        lines = read_log.page(context, db, _wanted(request.args), limit=LIVE, after=after)
    guard.facts()
    answer = guard.show("_log_rows.html", lines=lines)
    newest = lines[0].place if lines else after
    if newest is not None:
        answer.headers["X-Newest"] = write_place(newest)
    return answer


@pages.page("/log/search", needs=SEE, methods=["POST"])
def search() -> Response:
    """Rows that hold every word; sent in the body, so that what is searched reaches no address and no log (I16)."""
    context = guard.service()
    wanted, form = _wanted(request.form), Form(request.form)
    text = form.text("words", most=LONGEST_SEARCH)
    lines: list[Line] = []
    if not form.errors:
        with context.database.reading() as db:
            lines = read_log.find_words(context, db, wanted, text, limit=FOUND)
    return _show(wanted, lines, 422 if form.errors else 200, searched=not form.errors, form=form)


@pages.page("/log/<any('in', 'dial'):source>/<int:row_id>", needs="open_flagged", methods=["GET", "POST"])
def held(source: str, row_id: int) -> Response:
    """A flagged text: a warning and the question why; then the words, on this one answer only (S32)."""
    context = guard.service()
    if row_id >= 2**63:
        guard.missing()
    with context.database.reading() as db:
        known = reveal.held_text(db, source, row_id) is not None
    if not known:
        guard.missing()
    form = Form(request.form)
    words = None
    if request.method == "POST":
        reason = form.text("reason", most=reveal.REASON_LIMIT)
        if not form.errors:
            try:
                words = reveal.open_held(context, guard.me(), source, row_id, reason)
            except UseFault as fault:
                form.take_faults(fault)
    return guard.show("held.html", 422 if form.errors else 200, form=form, words=words, source=source, row_id=row_id)
