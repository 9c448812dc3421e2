"""People by code: enrol, phones, consent, PIN and code word, leaving; and the list that brings many at once."""

from __future__ import annotations

from typing import Any

from flask import request
from werkzeug.wrappers import Response

from handlers.console import guard, labels
from handlers.console.acting import carried_out, fresh_form, once, sent_form
from handlers.console.forms import Form
from handlers.console.frame import say
from handlers.console.language import gettext as _
from handlers.console.language import later
from handlers.console.pages import Pages
from sms_service.models.people import PURPOSES
from sms_service.usecases import contacts, doubt_holder, enrol, new_person, pins, question_sets, read_people
from sms_service.usecases.faults import UseFault
from sms_service.usecases.import_participants import ImportReport, import_participants
from sms_service.usecases.list_file import MOST_BYTES
from sms_service.usecases.outbound_switch import hold

pages = Pages("people")
NEEDS = "manage_people"
UPLOAD_BYTES = MOST_BYTES + 64 * 1024
MOST_SHOWN = 100
KINDS = {
    "participant": later("Participant"),
    "practitioner": later("Practitioner"),
    "facilitator": later("Facilitator"),
}
STATUSES = {
    "active": (later("Active"), "green"),
    "withdrawn": (later("Withdrawn"), "grey"),
    "closed": (later("Closed"), "grey"),
    "erased": (later("Erased"), "grey"),
}
SEXES = {"F": later("Woman"), "M": later("Man")}
HOW = {"oral": later("By word of mouth"), "written": later("In writing"), "electronic": later("By phone")}
CONSENTS = {
    "reminders": later("Meeting reminders"),
    "checkins": later("Weekly question"),
    "calls": later("Being called"),
    "learning": later("Answers used for learning"),
    "story": later("A story told in person"),
}
OWNERSHIPS = {code: text for code, text in labels.OWNERSHIP.items() if code != contacts.NO_PHONE}


@pages.page("/people", needs="see_people")
def people() -> Response:
    """People by code, fifty at a time, by group and role."""
    group, kind = request.args.get("group", "").strip()[:8], request.args.get("kind", "")[:20]
    status, after = request.args.get("status", "active")[:12], request.args.get("after", "")[:12]
    with guard.service().database.begin() as db:
        found = read_people.find_people(db, group_code=group.upper(), kind=kind, status=status, after=after)
        shown = found[: read_people.PAGE]
        belongs = read_people.groups_by_person(db, [row.id for row in shown])
    return guard.show(
        "people.html",
        rows=shown,
        belongs=belongs,
        more=shown[-1].code if len(found) > len(shown) else "",
        form=Form(initial={"group": group, "kind": kind, "status": status}),
        **_words(),
    )


def _words() -> dict[str, Any]:
    return {
        "kinds": labels.options(KINDS),
        "statuses": labels.options(STATUSES),
        "ownerships": labels.options(OWNERSHIPS),
        "overtness": labels.options(labels.OVERTNESS),
        "consent_words": labels.options(CONSENTS),
        "how_words": labels.options(HOW),
        "sex_words": SEXES,
        "status_words": STATUSES,
        "kind_words": KINDS,
        "ownership_words": labels.OWNERSHIP,
        "overtness_words": labels.OVERTNESS,
        "how_table": HOW,
        "label": labels.label,
        "tone": labels.tone,
    }


@pages.page("/people/enrol", needs=NEEDS, methods=["GET", "POST"])
def enrol_one() -> Response:
    """Enrol one person, face to face."""
    posted = request.method == "POST"
    form = sent_form() if posted else fresh_form(language="rw", phone_ownership=contacts.DEFAULT_OWNERSHIP, how="oral")
    if posted:
        made: list[str] = []
        new = _new_person(form)
        if carried_out(form, lambda: made.append(enrol.enrol(guard.service(), new, guard.me().code, once(form)))):
            say(_("%(code)s is enrolled.", code=made[0]))
            return guard.back_to("people_one", code=made[0])
    return guard.show(
        "person_add.html",
        422 if form.errors else 200,
        form=form,
        sexes=labels.options(SEXES),
        ages=[(band, band) for band in new_person.AGE_BANDS],
        languages=labels.languages(guard.service().languages),
        **_words(),
    )


def _new_person(form: Form) -> new_person.NewPerson:
    phone = form.text("phone", most=30, required=False)
    ownership = form.choice("phone_ownership", OWNERSHIPS)
    return new_person.NewPerson(
        name=form.text("name", most=new_person.LONGEST_NAME),
        sex=form.choice("sex", new_person.SEXES),
        age_band=form.choice("age_band", new_person.AGE_BANDS),
        language=form.choice("language", guard.service().languages),
        kind=form.choice("kind", new_person.KINDS),
        group=form.text("group", most=8, required=False),
        part="partner" if form.ticked("partner") else "member",
        phone=phone,
        phone_ownership=ownership if phone else "",
        safe_hours=form.text("safe_hours", most=400, required=False),
        consents=tuple(form.choices("consents_list", PURPOSES, required=False)),
        how=form.choice("how", new_person.HOW),
        literacy_aid=form.ticked("literacy_aid"),
    )


@pages.page("/people/<code>", needs="see_people")
def one(code: str) -> Response:
    """One person by code: groups, phones, consents, meetings attended."""
    return _page(code, Form())


def _page(code: str, form: Form, status: int = 200, pin: str = "", pin_for: int = 0) -> Response:
    context = guard.service()
    with context.database.begin() as db:
        context.now(db)
        view = read_people.view_person(db, code)
        sets = question_sets.sets_of_person(context, db, view.row.id) if view is not None else []
    if view is None:
        guard.missing()
    if not form.errors and view is not None:
        form = Form(initial={"consents_list": [purpose for purpose, row in view.consents.items() if row.given]})
    shown = {"view": view, "sets": sets, "set_words": labels.QUESTION_SETS}
    return guard.show("person.html", status, form=form, pin=pin, pin_for=pin_for, **shown, **_words())


@pages.page("/people/<code>/change", needs=NEEDS, methods=["POST"])
def change(code: str) -> Response:
    """What the pressed button says: phones, consent, PIN, code word, hold, leaving."""
    form = sent_form()
    act = form.choice("act", (*_ON_PERSON, *_ON_PHONE, "pin"))
    contact_id = _contact_of(code, form, act)
    if act == "pin" and not form.errors:
        drawn: list[str] = []
        if carried_out(form, lambda: drawn.append(pins.draw_pin(guard.service(), contact_id, guard.me().code))):
            return _page(code, Form(), pin=drawn[0], pin_for=contact_id)
    elif act in _ON_PERSON:
        if _ON_PERSON[act](code, form):
            say(_("Saved."))
            return guard.back_to("people_one", code=code)
    elif act in _ON_PHONE and not form.errors and _ON_PHONE[act](contact_id, form):
        say(_("Saved."))
        return guard.back_to("people_one", code=code)
    return _page(code, form, 422)


def _contact_of(code: str, form: Form, act: str) -> int:
    """The phone a form is about: one of this person's own; another's is the same as none (T12)."""
    if act in _ON_PERSON or not act:
        return 0
    with guard.service().database.begin() as db:
        view = read_people.view_person(db, code)
    known = {str(phone.id): int(phone.id) for phone in view.phones} if view is not None else {}
    if form.value("contact") not in known:
        form.fault("contact", _("this phone is no longer in use; open the person again"))
    return known.get(form.value("contact"), 0)


def _add_phone(code: str, form: Form) -> bool:
    phone, ownership = form.text("phone", most=30), form.choice("phone_ownership", OWNERSHIPS)
    hours, overtness = form.text("safe_hours", most=400, required=False), form.choice("overtness", contacts.OVERTNESS)
    return carried_out(
        form,
        lambda: contacts.add_phone(guard.service(), code, phone, ownership, hours, guard.me().code, overtness=overtness),
    )


def _consents(code: str, form: Form) -> bool:
    given, how = form.choices("consents_list", PURPOSES, required=False), form.choice("how", new_person.HOW)
    return carried_out(form, lambda: enrol.set_consents(guard.service(), code, given, how, guard.me().code))


def _hold(code: str, form: Form) -> bool:
    held = form.choice("held", ("0", "1"))
    return carried_out(form, lambda: hold(guard.service(), "person", code, held == "1", guard.me().code))


def _under_age(code: str, form: Form) -> bool:
    if form.value("young") != "1":
        form.fault("young", _("Tick the box: texts stop, and child protection is told."))
    return carried_out(form, lambda: doubt_holder.mark_under_age(guard.service(), code, guard.me().code))


def _withdraw(code: str, form: Form) -> bool:
    if form.value("sure") != "1":
        form.fault("sure", _("Tick the box: leaving cannot be undone here."))
    return carried_out(form, lambda: enrol.withdraw(guard.service(), code, guard.me().code))


def _change_phone(contact_id: int, form: Form) -> bool:
    ownership, overtness = form.choice("phone_ownership", OWNERSHIPS), form.choice("overtness", contacts.OVERTNESS)
    hours = form.text("safe_hours", most=400, required=False)
    return carried_out(
        form,
        lambda: contacts.change_phone(guard.service(), contact_id, ownership, hours, overtness, guard.me().code),
    )


def _code_word(contact_id: int, form: Form) -> bool:
    word = form.text("code_word", most=20, required=False)
    return carried_out(form, lambda: pins.set_code_word(guard.service(), contact_id, word, guard.me().code))


def _verify(contact_id: int, form: Form) -> bool:
    return carried_out(form, lambda: contacts.verify_phone(guard.service(), contact_id, guard.me().code))


def _resume(contact_id: int, form: Form) -> bool:
    return carried_out(form, lambda: contacts.resume_phone(guard.service(), contact_id, guard.me().code))


def _end(contact_id: int, form: Form) -> bool:
    return carried_out(form, lambda: contacts.end_phone(guard.service(), contact_id, guard.me().code))


_ON_PERSON = {"phone": _add_phone, "consents": _consents, "hold": _hold, "under_age": _under_age, "withdraw": _withdraw}
_ON_PHONE = {"profile": _change_phone, "code_word": _code_word, "verify": _verify, "resume": _resume, "end": _end}


@pages.page("/import", needs="import_people", methods=["GET", "POST"], body_limit=UPLOAD_BYTES)
def bring() -> Response:
    """A list of people: first looked at, then carried out, all or nothing."""
    form, report = Form(request.form if request.method == "POST" else None), None
    if request.method == "POST":
        report = _import(form)
    status = 422 if form.errors or (report is not None and report.rejected) else 200
    shown = [(fault.line, fault.column, fault.fault) for fault in report.faults[:MOST_SHOWN]] if report else []
    return guard.show("import.html", status, form=form, report=report, faults=shown)


def _import(form: Form) -> ImportReport | None:
    act, sent = form.choice("act", ("look", "do")), request.files.get("file")
    if sent is None or not sent.filename:
        form.fault("file", _("Choose the list first."))
    if form.errors or sent is None:
        return None
    try:
        return import_participants(
            guard.service(), sent.filename or "", sent.stream.read(MOST_BYTES + 1), guard.me().code, dry_run=act == "look"
        )
    except UseFault as fault:
        form.take_faults(fault)
        return None
