"""Conversations: every one with its versions, words, diagram, check and reviews; sign-off, approval, publication (decision 4)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from flask import request
from markupsafe import Markup
from werkzeug.wrappers import Response

from handlers.console import guard, labels
from handlers.console.acting import carried_out, sent_form
from handlers.console.conversation_words import CHANGES, DIFFERENCES, STATES, TERMS
from handlers.console.forms import Form
from handlers.console.frame import say
from handlers.console.language import current
from handlers.console.language import gettext as _
from handlers.console.pages import Pages
from sms_service.conversation.compare import Change
from sms_service.conversation.definition import Conversation
from sms_service.conversation.draw import draw
from sms_service.conversation.faults import Fault
from sms_service.conversation.outline import outline
from sms_service.conversation.version import NOTICES_NAME
from sms_service.usecases import conversation_pages, versions
from sms_service.usecases.conversation_pages import VersionView
from sms_service.usecases.faults import UseFault
from sms_service.usecases.keep_draft_replay import ask_replay, kept_replay

pages = Pages("conversations")
SEE, REVIEW, PUBLISH = "conversations.see", "conversations.review", "conversations.publish"
MOST_FAULTS = 200


@pages.page("/conversations", needs=SEE)
def conversations() -> Response:
    """Every conversation and the service's own texts: what runs, what waits, which languages nobody has signed off."""
    context = guard.service()
    with context.database.begin() as db:
        lines = conversation_pages.overviews(context, db)
    return guard.show("conversations.html", lines=lines, notices=NOTICES_NAME)


@pages.page("/conversations/<name>", needs=SEE)
def one(name: str) -> Response:
    """One conversation: the version that runs."""
    return _page(name, None, Form())


@pages.page("/conversations/<name>/<int:number>", needs=SEE)
def version(name: str, number: int) -> Response:
    """One version of it."""
    return _page(name, number, Form())


@pages.page("/conversations/<name>/<int:number>/diagram.svg", needs=SEE)
def diagram(name: str, number: int) -> Response:
    """The drawing by itself, to print or to keep."""
    view = found_view(name, number)
    if view.version.conversation is None:
        guard.missing()
    drawn = draw(view.version.conversation, _language(view), _terms())
    return Response(drawn, mimetype="image/svg+xml")


@pages.page("/conversations/<name>/<int:number>/sign", needs=REVIEW, methods=["POST"])
def sign(name: str, number: int) -> Response:
    """A native reviewer approved what this version says in one language."""
    form = sent_form()
    view = found_view(name, number)
    language = form.choice("language", view.version.words.languages)
    reviewer = form.text("reviewer", most=versions.REVIEWER_LENGTH)
    me = guard.me().code
    done = carried_out(form, lambda: versions.sign_off(guard.service(), name, number, language, reviewer, me))
    return _after(name, number, form, done)


@pages.page("/conversations/<name>/<int:number>/decide", needs=PUBLISH, methods=["POST"])
def decide(name: str, number: int) -> Response:
    """Approve, publish (an older one again, too), or put a draft aside."""
    form = sent_form()
    acts = {"approve": versions.approve, "publish": versions.publish, "withdraw": versions.withdraw}
    wanted = form.choice("act", acts)
    done = bool(wanted) and carried_out(form, lambda: acts[wanted](guard.service(), name, number, guard.me().code))
    return _after(name, number, form, done)


@pages.page("/conversations/<name>/<int:number>/replay", needs=REVIEW, methods=["POST"])
def replay(name: str, number: int) -> Response:
    """Have the last days' dialogues replayed on this version."""
    found_view(name, number)
    form = sent_form()
    done = carried_out(form, lambda: ask_replay(guard.service(), name, number, guard.me().code))
    return _after(name, number, form, done)


def found_view(name: str, number: int | None) -> VersionView:
    """The version, or the same 404 for every name and number that is not there."""
    context = guard.service()
    try:
        with context.database.begin() as db:
            return conversation_pages.view_version(context, db, name, number)
    except UseFault:
        guard.missing()


def _after(name: str, number: int, form: Form, done: bool) -> Response:
    if not done:
        return _page(name, number, form, 422)
    say(_("Saved."))
    return guard.back_to("conversations_version", name=name, number=number)


def _page(name: str, number: int | None, form: Form, status: int = 200) -> Response:
    view = found_view(name, number)
    language = _language(view)
    conversation = view.version.conversation
    faults = conversation_pages.check_version(guard.service(), view.version)
    with guard.service().database.begin() as db:
        replayed = kept_replay(db, name, view.listed.number)
    return guard.show(
        "conversation.html",
        status,
        view=view,
        name=name,
        form=form,
        here_language=language,
        drawn=Markup(draw(conversation, language, _terms())) if conversation else "",
        steps_told=_steps(conversation, language) if conversation else [],
        terms=_terms(),
        ours={"name": name, "number": view.listed.number},
        languages_of=view.version.words.languages,
        faults=faults[:MOST_FAULTS],
        more_faults=max(0, len(faults) - MOST_FAULTS),
        stands=_in_the_way(view, faults),
        differing=_differing(view),
        replayed=replayed,
        what_differs=DIFFERENCES,
        states=STATES,
        kinds=CHANGES,
        label=labels.label,
        tone=labels.tone,
        languages=labels.LANGUAGES,
        notices=NOTICES_NAME,
    )


def _language(view: VersionView) -> str:
    """The language of the texts beside the diagram: the one asked for, else the page's, else the first there is."""
    known = view.version.words.languages
    wanted = (request.args.get("language", ""), current(), *known)
    return next((one for one in wanted if one in known), "")


def _terms() -> dict[str, str]:
    return {code: _(words) for code, words in TERMS.items()}


def _steps(conversation: Conversation, language: str) -> list[tuple[object, list[str]]]:
    """Each step as told, with its texts in one language."""
    texts = conversation.words.entries.get(language, {})
    told = outline(conversation, _terms())
    return [(step, [texts[key].text if key in texts else key for _channel, key in step.texts]) for step in told]


def _differing(view: VersionView) -> list[tuple[str, list[tuple[Change, list[tuple[str, str]]]]]]:
    """The changes by heading: settings, steps, then what each language says; with what stood and stands there, part by part."""
    found: dict[str, list[tuple[Change, list[tuple[str, str]]]]] = {}
    for one in view.changes:
        titles = {"setting": _("Settings"), "step": _("Steps")}
        title = titles.get(one.what) or _("Words in %(language)s", language=labels.LANGUAGES.get(one.language, one.language))
        found.setdefault(title, []).append((one, _parts(one)))
    return list(found.items())


def _parts(one: Change) -> list[tuple[str, str]]:
    """Before and after; a step key by key, and of a changed one only the keys that differ."""
    if one.what != "step":
        return [(one.before, one.after)]
    before, after = (json.loads(table) if table else {} for table in (one.before, one.after))
    keys = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    if one.kind == "changed":
        return [(_said(key, before), _said(key, after)) for key in keys]
    return [("\n".join(_said(key, before) for key in before), "\n".join(_said(key, after) for key in after))]


def _said(key: str, table: dict[str, Any]) -> str:
    return f"{key} = {json.dumps(table[key], ensure_ascii=False)}" if key in table else ""


def _in_the_way(view: VersionView, faults: Sequence[Fault]) -> list[tuple[bool, str]]:
    """What must be done before this version may run: whether it is, and what it is."""
    listed = view.listed
    missing = ", ".join(listed.unreviewed)
    real = guard.service().reviewed_only
    signed = _("Every language signed off by a native reviewer") if not missing else _("Not signed off: %(which)s", which=missing)
    return [
        (not any(fault.kind == "fault" for fault in faults), _("The check finds no fault")),
        (not missing, signed if real or not missing else _("%(signed)s (needed outside the demo)", signed=signed)),
        (bool(listed.approved_by), _("Approved by a second person")),
    ]
