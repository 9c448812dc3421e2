"""Late answers attached by staff, wrong readings corrected: once, by whom it is, and with what follows from the answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from sms_service.models.audit import audit
from sms_service.models.concerns import concern
from sms_service.models.dialogues import dialogue, response
from sms_service.models.inbound import inbound
from sms_service.models.people import contact_point
from sms_service.models.staff import staff
from sms_service.usecases import late_answers
from sms_service.usecases.check_ins import set_check_ins
from sms_service.usecases.faults import UseFault
from sms_service.usecases.late_answers import Offer
from sms_service.usecases.open_dialogue import Questions
from sms_service.usecases.sign_in import SignedIn
from tests.service import Service
from tests.usecases.site import Site

PHONE = "+250788000001"
START = datetime(2026, 7, 15, 7, tzinfo=UTC)  # a Wednesday outside the months that ask earlier for a call
ASKED = START + timedelta(days=2, hours=1, minutes=1)  # Friday 10:01: the weekly question goes at 10:00


@dataclass
class Desk:
    """A person who was asked about the week on a Friday and answered late; staff at the console."""

    service: Service
    site: Site
    code: str

    def me(self, role: str = "staff") -> SignedIn:
        with self.service.context.database.begin() as db:
            row = db.execute(select(staff).where(staff.c.login == role[:8])).first()
        if row is None:
            self.site.staff(role[:8], role)
            return self.me(role)
        return SignedIn(1, row.id, row.code, role, role, "en", frozenset({role}), None, True)

    def says(self, text: str) -> int:
        """A text from the phone; its row id."""
        self.service.text(PHONE, text)
        self.service.work()
        with self.service.context.database.begin() as db:
            return int(db.execute(select(inbound.c.id).order_by(inbound.c.id.desc())).scalars().first() or 0)

    def later(self, **passed: float) -> None:
        self.to(self.service.now() + timedelta(**passed))

    def to(self, moment: datetime) -> None:
        self.service.set_time(moment)
        self.service.tick()

    def offers(self, text_id: int, *, flagged: bool = False) -> list[Offer]:
        with self.service.context.database.begin() as db:
            return late_answers.offers(self.service.context, db, [text_id], flagged=flagged).get(text_id, [])

    def attach(self, text_id: int, offer: Offer, role: str = "staff", code: str = "") -> None:
        late_answers.attach(self.service.context, self.me(role), code or self.code, text_id, offer.dialogue_id)

    def answers(self) -> list[Any]:
        with self.service.context.database.begin() as db:
            return list(db.execute(select(response).order_by(response.c.at, response.c.id)))

    def kinds(self) -> list[str]:
        with self.service.context.database.begin() as db:
            return list(db.execute(select(concern.c.kind).order_by(concern.c.id)).scalars())


@pytest.fixture
def desk(service: Service) -> Desk:
    site = Site.build(service.context)
    site.at(START)
    site.group(first_day=(START + timedelta(days=42)).date())
    set_check_ins(service.context, "G07", "FREQ=WEEKLY;BYDAY=FR", "command")
    code = site.person(language="en", consents=("reminders", "checkins"))
    made = Desk(service, site, code)
    for moment in (START, ASKED, START + timedelta(days=6)):  # on Tuesday the question has been closed since Monday
        made.to(moment)
    return made


def test_a_late_answer_is_offered_and_attached_once(desk: Desk) -> None:
    """V6: the answer stands at the time it was given; kept once, whoever clicks twice; nothing is sent; in the audit."""
    text = desk.says("4")
    sent = len(desk.service.gateway.sent)
    (offer,) = desk.offers(text)
    assert (offer.question, offer.value) == ("week", "4")
    desk.attach(text, offer)
    (kept,) = desk.answers()
    assert (kept.value, kept.rule) == ("4", late_answers.ATTACHED)
    assert kept.corrected_by == desk.me().staff_id
    assert kept.at < desk.service.now()
    assert desk.offers(text) == []
    with pytest.raises(UseFault, match="any more"):
        desk.attach(text, offer)
    assert len(desk.answers()) == 1
    desk.service.work()
    assert len(desk.service.gateway.sent) == sent
    with desk.service.context.database.begin() as db:
        acts = db.execute(select(audit.c.act, audit.c.subject).order_by(audit.c.seq.desc())).first()
    assert acts is not None
    assert tuple(acts) == ("answer.attach", desk.code)


def test_two_late_texts_answer_one_question_once(desk: Desk) -> None:
    first, second = desk.says("4"), desk.says("2")
    (offer,) = desk.offers(first)
    desk.attach(first, offer)
    assert desk.offers(second) == []


@pytest.mark.parametrize(
    ("text", "value"), [("4", "4"), ("neza cyane", "5"), ("it was so-so", "3"), ("9", "call"), ("6", None), ("yes", None)]
)
def test_it_is_read_against_that_question(desk: Desk, text: str, value: str | None) -> None:
    """A text that would not have been understood in time is not offered now."""
    assert [one.value for one in desk.offers(desk.says(text))] == ([value] if value else [])


@pytest.mark.parametrize(("text", "kind"), [("1", "checkin_call"), ("9", "call_request")])
def test_what_asks_a_person_to_act_asks_it_late_as_well(desk: Desk, text: str, kind: str) -> None:
    """V6: a very hard week, or a call, is acted on when it becomes known."""
    row_id = desk.says(text)
    before = desk.kinds()
    desk.attach(row_id, desk.offers(row_id)[0])
    assert desk.kinds() == [*before, kind]


def test_the_order_of_weeks_is_when_they_were_answered(desk: Desk) -> None:
    """V6: a 5 that is attached after this week's 2 shows the fall of three points."""
    late = desk.says("5")
    desk.to(ASKED + timedelta(days=7))
    desk.says("2")
    assert "checkin_call" not in desk.kinds()
    desk.attach(late, next(one for one in desk.offers(late)))
    assert desk.kinds()[-1] == "checkin_call"


def test_a_flagged_text_is_for_safeguarding_only(desk: Desk) -> None:
    """S32, S31: others are neither offered it nor can they attach it by its id."""
    text = desk.says("1 ndashaka gupfa")
    assert desk.offers(text) == []
    (offer,) = desk.offers(text, flagged=True)
    with pytest.raises(UseFault, match="any more"):
        desk.attach(text, offer, role="staff")
    desk.attach(text, offer, role="safeguarding")
    assert [one.value for one in desk.answers()] == ["1"]


def test_nothing_is_attached_to_another_person(desk: Desk) -> None:
    """T12, S10: not by another's page, not across numbers."""
    other = desk.site.person()
    text = desk.says("4")
    (offer,) = desk.offers(text)
    with pytest.raises(UseFault, match="any more"):
        desk.attach(text, offer, code=other)
    with pytest.raises(UseFault, match="any more"):
        late_answers.attach(desk.service.context, desk.me(), desk.code, text, offer.dialogue_id + 1)


def test_a_phone_that_is_shared_by_now_answers_for_nobody(desk: Desk) -> None:
    """S9, T3: asked while it was his own; since then his wife has the number too, and a digit may be hers."""
    text = desk.says("4")
    (offer,) = desk.offers(text)
    with desk.service.context.database.begin() as db:
        db.execute(update(contact_point).values(ownership="shared_partner"))
    desk.site.person(phone="0788000001", phone_ownership="shared_partner")
    assert desk.offers(text) == []
    with pytest.raises(UseFault, match="any more"):
        desk.attach(text, offer)


def test_a_question_that_no_text_asked_is_answered_by_none(desk: Desk) -> None:
    """S9, S11: a question set left half-way on a dial was never asked by SMS; a digit that comes by SMS is no answer to it."""
    text = desk.says("4")
    (week,) = desk.offers(text)
    context, contact = desk.service.context, desk.site.contact_of(desk.code)
    with context.database.begin() as db:
        questions = Questions(context, db, context.now(db))
        for name in ("couple", "learning"):
            questions.open_on_dial(name, number_id=contact.number_id, person_id=contact.person_id)
        questions.store()
    desk.later(hours=1)
    assert [one.question for one in desk.offers(desk.says("3"))] == [week.question]


def test_an_open_or_answered_question_is_offered_nothing(desk: Desk) -> None:
    desk.to(ASKED + timedelta(days=7))  # the new question is open and takes its answer
    text = desk.says("4")
    assert [one.rule for one in desk.answers()] != [late_answers.ATTACHED]
    assert desk.offers(text) == []
    extra = desk.says("murakoze")
    assert desk.offers(extra) == []


def test_an_old_text_is_for_the_old_question(desk: Desk) -> None:
    """Two closed questions, one text: the later one first, and only those asked before it was written."""
    early = desk.says("3")
    desk.to(ASKED + timedelta(days=7))
    desk.later(days=4)
    late = desk.says("4")
    assert len(desk.offers(early)) == 1
    found = desk.offers(late)
    assert len(found) == 2
    assert found[0].asked_at > found[1].asked_at
    with desk.service.context.database.begin() as db:
        assert db.execute(select(dialogue.c.state).where(dialogue.c.id == found[0].dialogue_id)).scalar_one() == "closed"


def test_a_wrong_reading_is_corrected(desk: Desk) -> None:
    """V6: the code changes, by whom is kept, and a mood that asks for a call asks for it now; not twice the same."""
    desk.to(ASKED + timedelta(days=7))
    desk.says("4")
    context, me, person_id = desk.service.context, desk.me(), desk.site.id_of(desk.code)
    with context.database.begin() as db:
        (shown,) = late_answers.answers_of(context, db, person_id)
    assert shown.options == ("1", "2", "3", "4", "5", "call")
    late_answers.correct(context, me, desk.code, shown.id, "1")
    (kept,) = desk.answers()
    assert (kept.value, kept.rule, kept.corrected_by) == ("1", late_answers.CORRECTED, me.staff_id)
    assert desk.kinds()[-1] == "checkin_call"
    for value, reason in (("1", "as it stands"), ("7", "of the list"), ("", "of the list")):
        with pytest.raises(UseFault, match=reason):
            late_answers.correct(context, me, desk.code, shown.id, value)
    with pytest.raises(UseFault, match="no such answer"):
        late_answers.correct(context, me, desk.site.person(), shown.id, "2")
