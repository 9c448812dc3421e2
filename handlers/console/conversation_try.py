"""A handset in the console: a version is played with made-up facts, and nobody is written to.

The whole state travels in the form, signed; no row is stored (what was keyed in is nobody's answer).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import current_app, request
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.wrappers import Response

from handlers.console import guard, labels
from handlers.console.conversations import SEE
from handlers.console.forms import Form
from handlers.console.language import gettext as _
from handlers.console.pages import Pages
from sms_service.conversation.definition import Conversation
from sms_service.conversation.handset import MOST_LINES, Handset, Start, facts_asked, play_handset
from sms_service.conversation.made_up import begin_with, made_up_fact
from sms_service.conversation.play import PlayFault
from sms_service.conversation.types import Channel
from sms_service.usecases.faults import UseFault
from sms_service.usecases.read_versions import one_version

pages = Pages("conversations")
KEYS = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "00", "0")
LONGEST = 480
#: What a button does -> the transcript's line.
ACTS: Mapping[str, str] = {
    "drop": "drop",
    "resume": "resume",
    "timeout": "timeout",
    "sms": "channel sms",
    "ussd": "channel ussd",
}


@pages.page("/conversations/<name>/<int:number>/try", needs=SEE, methods=["GET", "POST"])
def try_it(name: str, number: int) -> Response:
    """The phone: choose how it begins, key in answers, see each text, its length, and how each answer was read."""
    conversation = _conversation(name, number)
    running = guard.service().conversations
    asked = facts_asked(conversation, running)
    form = Form(request.form if request.method == "POST" else None, initial=_beginning(conversation))
    began = request.method == "POST" and form.value("act") != "again"
    start, lines = _state(form, conversation, number)
    phone = None
    if began:
        before = lines or []
        wanted = [*before, *_facts_set(form, asked, before)]
        wanted += _begun_with(form, conversation) if lines is None else _done(form)
        phone = _played(form, start, wanted, {**running, name: conversation})
    if phone is not None and form.value("act") == "save":
        return _download(f"{name}-{start.language}-{start.channel}.txt", phone.recording)
    return guard.show(
        "conversation_try.html",
        422 if form.errors else 200,
        name=name,
        number=number,
        conversation=conversation,
        form=form,
        phone=phone,
        state=_signer().dumps([name, number, start.language, start.channel, list(phone.lines)]) if phone else "",
        facts=[(fact, choices, _chosen(fact, choices, phone.lines if phone else ())) for fact, choices in asked.items()],
        flags=[one for one, kind in conversation.args.items() if kind == "flag"],
        others=[one for one, kind in conversation.args.items() if kind != "flag"],
        keys=KEYS,
        languages=[(one, labels.LANGUAGES.get(one, one)) for one in conversation.words.languages],
        channels=[(one, one.upper()) for one in conversation.channels],
        most=LONGEST,
    )


def _conversation(name: str, number: int) -> Conversation:
    context = guard.service()
    try:
        with context.database.begin() as db:
            found = one_version(context, db, name, number)[1].conversation
    except UseFault:
        found = None
    if found is None:
        guard.missing()
    return found


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.config["SECRET_KEY"]), salt="conversation-handset")


def _state(form: Form, conversation: Conversation, number: int) -> tuple[Start, list[str] | None]:
    """The play as the form carries it; None for its lines and a new start as chosen when there is none of ours for this version."""
    lines: list[str] | None
    try:
        name, of, language, channel, lines = _signer().loads(form.value("state"))
    except (BadSignature, ValueError, TypeError):
        name, of, language, channel, lines = "", 0, form.value("language"), form.value("channel"), None
    if (name, of) != (conversation.name, number):
        lines = None
    known = conversation.words.languages
    by: Channel = "ussd" if channel == "ussd" else "sms"
    other: Channel = "sms" if by == "ussd" else "ussd"
    language = language if language in known else next(iter(known), "")
    return Start(conversation.name, language, by if by in conversation.channels else other), lines


def _beginning(conversation: Conversation) -> dict[str, Any]:
    """The form before anything was chosen: a registered person, alone on an own phone."""
    given = begin_with(conversation)
    shown = {f"given_{name}": _written(value) for name, value in given.items()}
    return {**shown, "language": next(iter(conversation.words.languages), ""), "channel": conversation.channels[0]}


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else ""
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _begun_with(form: Form, conversation: Conversation) -> list[str]:
    """What the conversation begins with, where it differs from what is made up."""
    lines = []
    for name, value in begin_with(conversation).items():
        if isinstance(value, bool):
            if form.ticked(f"given_{name}") != value:
                lines.append(f"given {name} = {'no' if value else 'yes'}")
            continue
        given = form.text(f"given_{name}", most=60, required=False)
        if given and given != _written(value):
            lines.append(f"given {name} = {given}")
    return lines


def _facts_set(form: Form, asked: Mapping[str, Sequence[str]], lines: Sequence[str]) -> list[str]:
    """The facts that were chosen otherwise than they stand."""
    found = []
    for fact, choices in asked.items():
        wanted = form.choice(f"fact_{fact}", choices, required=False)
        if wanted and wanted != _chosen(fact, choices, lines):
            found.append(f"fact {fact} = {wanted}")
    return found


def _chosen(fact: str, choices: Sequence[str], lines: Sequence[str]) -> str:
    """What a fact answers now: as last set, else as it is made up."""
    head = f"fact {fact} = "
    last = next((line.removeprefix(head) for line in reversed(lines) if line.startswith(head)), "")
    result = str(made_up_fact(fact)["result"])
    return last or next((one for one in choices if one.partition(" ")[0] == result), result)


def _done(form: Form) -> list[str]:
    """The line of a transcript for the button that was pressed."""
    act = form.value("act")
    if form.value("key"):
        return [f"phone> {form.choice('key', KEYS)}"]
    if act == "say":
        typed = form.text("typed", most=LONGEST, required=False, lines=True)
        return [] if "typed" in form.errors else [f"phone> {typed}"]
    return [ACTS[act]] if act in ACTS else []


def _played(form: Form, start: Start, lines: Sequence[str], conversations: Mapping[str, Conversation]) -> Handset | None:
    """The phone after these lines; a line that cannot be done leaves it as it was, and the form says why."""
    context = guard.service()
    try:
        phone = play_handset(start, lines, conversations, context.words, context.lexicon)
    except PlayFault:
        form.fault("typed", _("This play is too long to go on (%(most)s lines): begin again.", most=MOST_LINES))
        return None
    if phone.fault:
        form.fault("typed", phone.fault)
    return phone


def _download(file: str, recording: str) -> Response:
    """The transcript as a file, which is a test when it is put beside the others."""
    answer = Response(recording, mimetype="text/plain")
    answer.headers["Content-Disposition"] = f'attachment; filename="{file}"'
    return answer
