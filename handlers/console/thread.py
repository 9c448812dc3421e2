"""One person's thread as the phone saw it: bubbles in order, dials grouped, each reply with how it was understood."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from flask import request, url_for
from werkzeug.wrappers import Response

from handlers.console import conversation_why, guard
from handlers.console.acting import carried_out, sent_form
from handlers.console.forms import Form
from handlers.console.frame import localtime, say
from handlers.console.language import gettext as _
from handlers.console.log import read_place, write_place
from handlers.console.pages import Pages
from sms_service import clock
from sms_service.models import groups, people
from sms_service.usecases import late_answers, read_log
from sms_service.usecases.explain_message import explain
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
    """The latest texts and dials of one person, each with its reason; late answers that may be attached, and the kept ones."""
    return _page(code, Form())


def _page(code: str, form: Form) -> Response:
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
        texts = [line.id for line in shown if line.source == "in"]
        late = late_answers.offers(context, db, texts, flagged=guard.may("open_flagged"))
        answers = late_answers.answers_of(context, db, row.id)
    explained = explain(context, shown, entitled=guard.may("open_flagged"))
    return guard.show(
        "thread.html",
        422 if form.errors else 200,
        form=form,
        late=late,
        answers=answers,
        person=row,
        groups=codes,
        phones=phones,
        shared=bool(shared),
        blocks=blocks(shown),
        why={key: (conversation_why.sentences(why, localtime), conversation_why.stood(why)) for key, why in explained.items()},
        older=url_for("console.thread_thread", code=code, before=write_place(shown[-1].place)) if len(lines) > ROWS else "",
        newer=url_for("console.thread_thread", code=code) if before else "",
    )


@pages.page("/people/<code>/thread/answers", needs="work_tasks", methods=["POST"])
def settle(code: str) -> Response:
    """Attach a late text to the question it answers, or correct an answer that was read wrongly."""
    form, context, me = sent_form(), guard.service(), guard.me()
    if form.choice("act", ("attach", "correct")) == "attach":
        done = carried_out(form, lambda: late_answers.attach(context, me, code, _row_id("text"), _row_id("question")))
    else:
        value = form.text("value", most=20)
        done = carried_out(form, lambda: late_answers.correct(context, me, code, _row_id("answer"), value))
    if not done:
        return _page(code, form)
    say(_("Saved."))
    return guard.back_to("thread_thread", code=code)


def _row_id(field: str) -> int:
    """A row id from a hidden field; 0, which no row has, for anything else."""
    sent = request.form.get(field, "")
    return int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 20 else 0
