"""One person's thread as the phone saw it: bubbles in order, dials grouped, each reply with how it was understood."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from flask import request, url_for
from werkzeug.wrappers import Response

from handlers.console import guard
from handlers.console.log import read_place, write_place
from handlers.console.pages import Pages
from sms_service import clock
from sms_service.models import groups, people
from sms_service.usecases import read_log
from sms_service.usecases.read_log import Filter, Line

pages = Pages("thread")
ROWS = 80


@dataclass
class Block:
    """A text, or the turns of one dial; ``day`` is set where a new local day begins."""

    lines: list[Line] = field(default_factory=list)
    day: date | None = None

    @property
    def is_dial(self) -> bool:
        return self.lines[0].source == "dial"


def blocks(newest_first: list[Line]) -> list[Block]:
    """Lines as the phone saw them, oldest first, the turns of a dial together."""
    made: list[Block] = []
    dials: dict[int, Block] = {}
    last: date | None = None
    for line in reversed(newest_first):
        known = dials.get(line.dial_id) if line.dial_id is not None else None
        if known is not None:
            known.lines.append(line)
            continue
        today = clock.local(line.at).date()
        block = Block([line], today if today != last else None)
        last = today
        if line.dial_id is not None:
            dials[line.dial_id] = block
        made.append(block)
    return made


@pages.page("/people/<code>/thread", needs="see_log")
def thread(code: str) -> Response:
    """The latest texts and dials of one person, the newest at the end."""
    context = guard.service()
    before = read_place(request.args.get("before"))
    with context.database.begin() as db:
        row = people.by_code(db, code)
        if row is None:
            guard.missing()
        lines = read_log.page(context, db, Filter(person=code), limit=ROWS + 1, before=before)
        phones = people.phones_of(db, [row.id])
        shared = sum(len(people.contact_points_of(db, [phone.number_id])) > 1 for phone in phones)
        codes = [one.code for one in groups.groups_of(db, row.id)]
    shown = lines[:ROWS]
    return guard.show(
        "thread.html",
        person=row,
        groups=codes,
        phones=phones,
        shared=bool(shared),
        blocks=blocks(shown),
        older=url_for("console.thread_thread", code=code, before=write_place(shown[-1].place)) if len(lines) > ROWS else "",
        newer=url_for("console.thread_thread", code=code) if before else "",
    )
