"""Pairs of Women and Men as Partners: who taught whom to teach, what was done, and the form for one more activity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from flask import request
from werkzeug.wrappers import Response

from handlers.console import guard, labels
from handlers.console.acting import carried_out, fresh_form, once, sent_form
from handlers.console.forms import Form
from handlers.console.frame import say
from handlers.console.language import gettext as _
from handlers.console.language import later
from handlers.console.pages import Pages
from sms_service.usecases import activities as acts
from sms_service.usecases.activities import BANDS, EVIDENCE, KINDS, VERIFIED, NewActivity, PairLine
from sms_service.usecases.cascade_reports import months_filed, silent_pairs

pages = Pages("pairs")
KIND_WORDS = {
    "workshop": later("Workshop"),
    "dialogue": later("Community dialogue"),
    "home_visits": later("Home visits"),
    "coaching": later("Coaching"),
    "radio": later("Radio"),
}
EVIDENCE_WORDS = {"list": later("List"), "photo": later("Photo"), "letter": later("Letter")}
VERIFIED_WORDS = {"none": later("Not yet"), "call": later("By a call"), "visit": later("By a visit")}
CO_LED = {"1": later("Yes"), "0": later("No")}
COLUMN, ROW, BOX = 150, 52, (112, 38)
MOST_MODULE: Final = acts.MOST_MODULES


@dataclass(frozen=True, slots=True)
class Node:
    """One pair in the drawing; ``from_x`` and ``from_y`` is where its parent's box ends, None for the first generation."""

    line: PairLine
    x: float
    y: float
    from_x: float | None = None
    from_y: float | None = None


def tree(lines: Sequence[PairLine]) -> list[Node]:
    """Places for every pair: a column each generation, parents in the middle of their children."""
    by_code = {line.code: line for line in lines}
    heights: dict[str, float] = {}
    free = 0

    def place(line: PairLine) -> float:
        nonlocal free
        below = [place(by_code[code]) for code in line.children if code not in heights]
        if below:
            heights[line.code] = sum(below) / len(below)
        else:
            heights[line.code] = free * ROW + 4.0
            free += 1
        return heights[line.code]

    for line in lines:
        if line.parent not in by_code:
            place(line)
    made = []
    for line in lines:
        x, y = 4.0 + (line.generation - 1) * COLUMN, heights.get(line.code, 0.0)
        parent = by_code.get(line.parent)
        if parent is None:
            made.append(Node(line, x, y))
        else:
            made.append(Node(line, x, y, 4.0 + (parent.generation - 1) * COLUMN + BOX[0], heights[parent.code] + BOX[1] / 2))
    return made


@pages.page("/pairs", needs="see_reports")
def pairs() -> Response:
    """The tree and its table; who only reads counts sees none below 5 and no person's code."""
    context = guard.service()
    with context.database.begin() as db:
        now, staff = context.now(db), guard.may("see_people")
        found = acts.cascade(db, now, counts_only=not staff)
        months, silent = (months_filed(db), silent_pairs(db, now)) if staff else ([], [])
    nodes = tree(found.pairs)
    size = (found.generations * COLUMN, max((node.y for node in nodes), default=0.0) + ROW)
    return guard.show("pairs.html", cascade=found, nodes=nodes, size=size, box=BOX, months=months, silent=silent)


@pages.page("/pairs/add", needs="manage_groups", methods=["GET", "POST"])
def add() -> Response:
    """File one activity of a pair."""
    form = sent_form() if request.method == "POST" else fresh_form(verified_by="none", first_time=0, commitments=0)
    with guard.service().database.begin() as db:
        codes = acts.pair_codes(db)
    if request.method == "POST":
        new = _new_activity(form, codes)
        made: list[bool] = []
        if new is not None and carried_out(
            form, lambda: made.append(acts.add_activity(guard.service(), new, guard.me().code, once(form)))
        ):
            filed = (
                _("The activity is filed.")
                if made[0]
                else _("This was filed before: the same pair, day and kind. Nothing changed.")
            )
            say(filed, "green" if made[0] else "amber")
            return guard.back_to("pairs_pairs")
    return guard.show(
        "pair_activity.html",
        422 if form.errors else 200,
        form=form,
        pairs=[(code, code) for code in codes],
        kinds=labels.options(KIND_WORDS),
        evidence=labels.options(EVIDENCE_WORDS),
        verified=labels.options(VERIFIED_WORDS),
        co_led=labels.options(CO_LED),
        bands=BANDS,
        modules=[(str(no), str(no)) for no in range(1, MOST_MODULE + 1)],
    )


def _new_activity(form: Form, codes: Sequence[str]) -> NewActivity | None:
    """What was sent; None after noting the faults."""
    pair, kind = form.choice("pair", codes), form.choice("kind", KINDS)
    held_on, minutes = form.day("held_on"), form.whole("minutes", low=15, high=6000)
    cell_code = form.text("cell_code", most=20)
    women, men = (_people(form, who) for who in ("women", "men"))
    modules = form.choices("modules_list", [str(no) for no in range(1, MOST_MODULE + 1)], required=False)
    first_time = form.whole("first_time", low=0, high=4000)
    commitments = form.whole("commitments", low=0, high=acts.MOST_PEOPLE)
    before, after = (form.whole(name, low=0, high=10, required=False) for name in ("knowledge_before", "knowledge_after"))
    evidence, verified_by = form.choice("evidence", EVIDENCE), form.choice("verified_by", VERIFIED)
    co_led = form.choice("co_led", CO_LED)
    if form.errors or held_on is None or minutes is None:
        return None
    return NewActivity(
        pair=pair,
        kind=kind,
        held_on=held_on,
        hours=minutes / 60,
        cell_code=cell_code,
        women=women,
        men=men,
        co_led=co_led == "1",
        modules=[int(no) for no in modules],
        first_time=first_time or 0,
        commitments=commitments or 0,
        knowledge_before=before,
        knowledge_after=after,
        evidence=evidence,
        verified_by=verified_by,
    )


def _people(form: Form, who: str) -> dict[str, int]:
    fields = {band: form.whole(f"{who}_{place}", low=0, high=acts.MOST_PEOPLE, required=False) for place, band in enumerate(BANDS)}
    return {band: count or 0 for band, count in fields.items()}
