"""The demo's programme and its past: two groups of CSG, a cohort of WMP, and what happened to them until ``starts_at``.

A group is in its sixth week of fifteen, another in its second, a cohort has two generations of pairs; someone stopped, some
share a phone, someone awaits a call. History is made by the use cases themselves while the clock is moved through it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any, Final

from sqlalchemy import Connection, select

from sms_service import paths
from sms_service.catalogue import read_catalogue
from sms_service.demo import people as data
from sms_service.demo import programme
from sms_service.demo.past import Past
from sms_service.demo.people import Circle, Demo
from sms_service.demo.reports import report_meeting, report_month
from sms_service.models import audit, groups, meetings
from sms_service.models import concerns as concern_rows
from sms_service.models import staff as accounts
from sms_service.models.concerns import concern
from sms_service.rules.audience import invited
from sms_service.rules.timing import at_local, local
from sms_service.usecases import broadcasts, concerns, harm
from sms_service.usecases.add_programmes import add_programmes
from sms_service.usecases.attendance import mark_attendance
from sms_service.usecases.context import Context
from sms_service.usecases.find import group_named, person_named, staff_named
from sms_service.usecases.move_meeting import move_check, move_meeting
from sms_service.usecases.pauses import add_pause
from sms_service.usecases.sign_in import SignedIn

SEED: Final = 4821
SEEDED: Final = "demo.seeded"
WEEK_OF_G07, WEEK_OF_G12 = 6, 2
# The cohort's fifth stage lies five days ahead: block 1 was 82 days before it, so no text is older than 90 days.
STAGE_AHEAD, DAYS_TO_STAGE = 4, 5
MARKED_AFTER: Final = timedelta(hours=4)
REPORTED_BEFORE: Final = timedelta(days=8)  # the latest meeting of a group waits for its report
PRESENT, KNOWN = 84, 96  # of a hundred: present, and marked at all

NOTE: Final = "Reached as agreed with the person. We meet again next week."

OnConcern = Callable[[Context, SignedIn, str], None]


@dataclass(frozen=True, slots=True)
class DemoSeed:
    """What the demo shows its visitor: ``staff`` as (login, role, staff row id), ``phones`` as number and label."""

    staff: list[tuple[str, str, int]]
    phones: list[dict[str, str]]


def is_seeded(db: Connection) -> bool:
    """Whether a whole demo is in the database: the seed's last act is its mark in the audit."""
    return db.execute(select(audit.audit.c.seq).where(audit.audit.c.act == SEEDED).limit(1)).first() is not None


def is_empty(db: Connection) -> bool:
    """Whether nobody and no group is in the database yet, so that a demo may be made in it."""
    return db.execute(select(groups.group.c.id).limit(1)).first() is None


def read_seed(db: Connection) -> DemoSeed:
    """The accounts and phones of a demo that was seeded before."""
    roles = {login: role for login, _, role, _, _ in data.STAFF}
    staff = [(login, roles[login], int(staff_named(db, login).id)) for login in data.SHOWN_STAFF]
    return DemoSeed(staff=staff, phones=programme.phones())


def seed(context: Context, starts_at: datetime) -> DemoSeed:
    """Fill an empty database with the demo's programme and some 80 days of history; the service's clock ends at
    ``starts_at`` (aware). The same start gives the same story; row ids, drawn codes and sealed bytes differ. No text leaves:
    the context's own gateway is not used.
    """
    past = Past(context, data.PEOPLE, Random(SEED), scripted=data.SCRIPTED, unreachable=data.UNREACHABLE)
    _Story(past, starts_at).tell()
    past.run(starts_at)
    with context.database.begin() as db:
        context.record(db, "command", SEEDED)
        return read_seed(db)


class _Story:
    """What happens when. Days are local and counted from the day of ``starts_at``."""

    def __init__(self, past: Past, starts_at: datetime) -> None:
        self.past, self.context, self.starts_at = past, past.context, starts_at
        self.today = local(starts_at).date()

    def tell(self) -> None:
        """Plan every act of the past."""
        g07, g12, g03 = data.CIRCLES
        self._cohort(g03)
        days = self._weekly_group(g07, WEEK_OF_G07, days_ahead=3, check_in=True)
        self._weekly_group(g12, WEEK_OF_G12, days_ahead=1, check_in=False)
        self.past.plan(self._at(days[2] - timedelta(days=1), "10:00"), lambda: self._move(g07, "facilitator"))
        self.past.plan(self._ago(1, "10:00"), lambda: self._move(g12, "staff"), schedules=True)
        self._stopped_and_heard(days)
        self._crises(days)
        self._office()
        self._last_days()

    def _ago(self, days: int, clock_time: str) -> datetime:
        return self._at(self.today - timedelta(days=days), clock_time)

    def _at(self, day: date, clock_time: str) -> datetime:
        return at_local(day, time.fromisoformat(clock_time))

    def _days(self, circle: Circle, days_ahead: int, week: int) -> list[date]:
        """The days of meetings 1 to ``week``, the last about ``days_ahead`` days after the start and on no Sunday."""
        target = self.today + timedelta(days=days_ahead)
        if target.weekday() == programme.SUNDAY:
            target -= timedelta(days=1 if days_ahead > 1 else -1)
        return programme.chain_to(target, time.fromisoformat(circle.start_time), week)

    def _enrol(self, folk: list[Demo], at: datetime) -> None:
        for place, who in enumerate(folk):
            self.past.plan(at + timedelta(minutes=9 * place), self._enrolling(who))

    def _enrolling(self, who: Demo) -> Callable[[], None]:
        return lambda: programme.enrol_demo(self.context, who)

    def _cohort(self, g03: Circle) -> None:
        """The office opens; the WMP cohort begins; from its third month on its pairs teach the next ones."""
        block_1 = self.today + timedelta(days=DAYS_TO_STAGE - programme.wmp_stages()[STAGE_AHEAD][0])
        opening = self._at(block_1 - timedelta(days=3), "08:00")
        self.past.plan(opening, lambda: self._open_office(g03, block_1))
        own = [one for one in data.PEOPLE if one.group == g03.code]
        self._enrol([one for one in own if one.code not in data.SECOND_GENERATION], opening + timedelta(hours=1))
        self.past.plan(opening + timedelta(hours=3), lambda: programme.add_pairs(self.context, 1))
        self.past.plan(opening + timedelta(hours=4), lambda: programme.plan_circle(self.context, g03, block_1), schedules=True)
        for no, starts in enumerate(programme.stage_starts(g03, block_1)[:STAGE_AHEAD], start=1):
            self._plan_marks(g03, no, starts + MARKED_AFTER)
        self._enrol([one for one in own if one.code in data.SECOND_GENERATION], self._ago(29, "09:00"))
        self.past.plan(self._ago(29, "12:00"), lambda: programme.add_pairs(self.context, 2))
        self.past.plan(self._at(self.today.replace(day=1), "07:30"), lambda: report_month(self.context))
        for row in data.ACTIVITIES:
            self.past.plan(self._ago(row[2] - 1, "17:30"), self._activity(row))

    def _open_office(self, g03: Circle, block_1: date) -> None:
        add_programmes(self.context, read_catalogue(paths.templates_dir(), proof=False).programmes)
        for who in data.PEOPLE:
            if who.kind == "facilitator":
                programme.enrol_demo(self.context, who)
        programme.add_accounts(self.context)
        programme.add_rota(self.context, self.starts_at)
        programme.add_directory(self.context)
        programme.add_circle(self.context, g03, block_1, None)

    def _activity(self, row: tuple[str, str, int, float, str]) -> Callable[[], None]:
        held_on = self.today - timedelta(days=row[2])
        return lambda: programme.add_activity(self.context, row, held_on, self.past.rng)

    def _weekly_group(self, circle: Circle, week: int, *, days_ahead: int, check_in: bool) -> list[date]:
        """A group is set up three days before its first meeting, meets weekly, and its facilitators mark who came.

        Returns the days of its meetings up to ``week``, the first after the start, as they were planned.
        """
        days = self._days(circle, days_ahead, week)
        first = days[0]
        day = (first.weekday() + 3) % 7 if check_in else None
        opening = self._at(first - timedelta(days=3), "09:00")
        self.past.plan(opening, lambda: programme.add_circle(self.context, circle, first, day))
        own = [one for one in data.PEOPLE if one.group == circle.code]
        self._enrol(own, opening + timedelta(minutes=20))
        self.past.plan(opening + timedelta(hours=5), lambda: programme.plan_circle(self.context, circle, first), schedules=True)
        self.past.plan(opening + timedelta(hours=6), lambda: programme.use_sets(self.context, circle.code))
        for no, held_on in enumerate(days[:-1], start=1):
            self._plan_marks(circle, no, self._at(held_on, circle.start_time) + MARKED_AFTER)
        return days

    def _plan_marks(self, circle: Circle, no: int, at: datetime) -> None:
        self.past.plan(at, lambda: self._mark(circle, no), schedules=True)

    def _mark(self, circle: Circle, no: int) -> None:
        """Attendance of a meeting that is over; of one that was moved, later."""
        with self.context.database.begin() as db:
            row = self._meeting(db, circle, no)
            now = self.context.now(db)
            members = [one for one in groups.members(db, row.group_id) if invited(row.audience, one.part, one.sex)]
            actor = str(person_named(db, circle.man).code)
        if row.starts_at > now:
            self._plan_marks(circle, no, row.starts_at + MARKED_AFTER)
            return
        marks = {one.code: self._attended(one.code, no) for one in members}
        mark_attendance(self.context, row.id, marks, actor, source="facilitator")
        if row.starts_at < self.starts_at - REPORTED_BEFORE:
            with self.context.database.begin() as db:
                report_meeting(self.context, db, row, marks, members, actor)

    def _attended(self, code: str, no: int) -> str:
        luck = self.past.rng.randrange(100)
        if (code, no) in data.ABSENT:
            return "absent"
        return "present" if luck < PRESENT else "absent" if luck < KNOWN else "unknown"

    def _meeting(self, db: Connection, circle: Circle, no: int) -> Any:
        return next(row for row in meetings.of_group(db, group_named(db, circle.code).id) if row.no == no)

    def _move(self, circle: Circle, login: str) -> None:
        """The group's next meeting moves to the first possible day after it, and everyone is told (V4)."""
        with self.context.database.begin() as db:
            now, group_row = self.context.now(db), group_named(db, circle.code)
            row = meetings.next_of_group(db, group_row.id, now)
            actor = str(staff_named(db, login).code)
            if row is None:
                return
            starts = [row.starts_at + timedelta(days=days) for days in (1, 2, 3)]
            free = [
                one
                for one in starts
                if local(one).weekday() != programme.SUNDAY and move_check(self.context, db, group_row, row, one, now) == "ok"
            ]
        if free:
            move_meeting(self.context, row.id, free[0], actor)

    def _stopped_and_heard(self, days: list[date]) -> None:
        """A stop by text, a code word, a low week, a call asked for in answer to V5, and dials from several phones."""
        plan, sms, dial = self.past.plan, self.past.sms, self.past.dial
        plan(self._at(days[2] + timedelta(days=3), "18:20"), lambda: sms("0788001106", "HAGARIKA"))
        word_day = days[3] + timedelta(days=1)
        plan(self._at(word_day, "16:05"), lambda: sms("0788001103", "umuyaga"))
        self._handle("P2290", "code_word", self._at(word_day, "16:40"), "staff", ("spoke",), "done")
        self._on_concern("P2290", "code_word", self._at(word_day, "18:30"), "staff", programme.refer_to_health_line)
        self._handle("P2290", "referral_call", self._at(word_day + timedelta(days=7), "15:00"), "staff", ("spoke",), "done")
        for day in days[:3]:  # the weekly cap decides which check-in is the first to arrive (S39)
            after = self._at(day + timedelta(days=3), "16:30")
            for kind, login in (("checkin_call", "staff"), ("checkin_amber", "safeguarding")):  # the second from April to July
                self._handle("P7203", kind, after, login, ("no_answer", "spoke"), "supported")
        called_for = self._at(days[3] + timedelta(days=2), "09:10")
        self._handle("P6674", "call_request", called_for, "staff", ("no_answer",), "")
        last_check_in = days[WEEK_OF_G07 - 2] + timedelta(days=3)
        plan(self._at(last_check_in, "15:30"), lambda: dial("0788001101", "2", "4821", "4"))
        plan(self._ago(6, "12:10"), lambda: dial("0788001101", "1", "1"))
        plan(self._ago(5, "18:45"), lambda: dial("0788001102", "1", "1"))
        plan(self._ago(3, "07:50"), lambda: dial("0788002001", "1", "6", "7301", "1", "1"))

    def _crises(self, days: list[date]) -> None:
        """One RED, answered within minutes and closed; one AMBER of the last days, still open (S24, S25, S30)."""
        day = days[2] + timedelta(days=2)
        self.past.plan(self._at(day, "15:42"), lambda: self.past.sms("0788001111", "ndashaka kwiyahura"))
        self._handle("P8346", "crisis_red", self._at(day, "15:46"), "safeguarding", ("no_answer", "spoke"), "supported")
        self.past.plan(self._ago(2, "18:20"), lambda: self.past.sms("0788001112", "ndihebye cyane"))
        self._handle("P2418", "crisis_amber", self._ago(1, "08:35"), "safeguarding", ("no_answer",), "")

    def _handle(self, person_code: str, kind: str, at: datetime, login: str, tries: tuple[str, ...], outcome: str) -> None:
        """Someone takes the newest concern of this kind, tries to reach the person, and closes it (``outcome`` empty: not yet)."""
        self._on_concern(person_code, kind, at, login, concerns.acknowledge)
        for place, result in enumerate(tries, start=1):
            tried = at + timedelta(minutes=70 * place)
            self._on_concern(person_code, kind, tried, login, _with(concerns.log_attempt, result))
        if outcome:
            closing = at + timedelta(days=1, minutes=20)
            self._on_concern(person_code, kind, closing, login, _with(concerns.add_note, NOTE))
            self._on_concern(person_code, kind, closing, login, _with(concerns.close, outcome))

    def _on_concern(self, person_code: str, kind: str, at: datetime, login: str, act: OnConcern) -> None:
        def do() -> None:
            with self.context.database.begin() as db:
                query = select(concern.c.code).where(
                    concern.c.kind == kind,
                    concern.c.person_id == person_named(db, person_code).id,
                    concern.c.state.in_(concern_rows.OPEN),
                )
                code = db.execute(query.order_by(concern.c.id.desc()).limit(1)).scalar()
                me = _signed_in(self.context, db, login)
            if code is not None:
                act(self.context, me, code)

        self.past.plan(at, do)

    def _office(self) -> None:
        """A broadcast approved by a second person, a campaign that waits for one; a pause window; numbers checked (S38, S40)."""
        texts = data.BROADCAST
        codes: list[str] = []

        def write() -> None:
            codes.append(broadcasts.draft_broadcast(self.context, "staff", ["G07", "G12"], texts))
            broadcasts.submit_broadcast(self.context, codes[0], "staff")

        self.past.plan(self._ago(8, "09:30"), write)
        self.past.plan(self._ago(8, "10:05"), lambda: _approve(self.context, codes[0], "staff-two"), schedules=True)
        first, last = self.today + timedelta(days=24), self.today + timedelta(days=25)
        self.past.plan(
            self._ago(4, "11:00"),
            lambda: _pause(self.context, first, last, "staff", "G07"),
        )
        self.past.plan(self._ago(1, "10:40"), lambda: programme.write_campaign(self.context))
        self.past.plan(self.starts_at - timedelta(minutes=50), lambda: programme.check_directory(self.context))

    def _last_days(self) -> None:
        """An unknown number writes and dials; someone asks for a call by USSD and still awaits it."""
        plan, dial = self.past.plan, self.past.dial
        plan(self._ago(2, "11:15"), lambda: self.past.sms(data.UNKNOWN_PHONE, "Muraho, inama ni ryari?"))
        plan(self._ago(1, "17:05"), lambda: dial(data.UNKNOWN_PHONE, "1", "1"))
        plan(self._ago(1, "17:08"), lambda: dial(data.UNKNOWN_PHONE, "3"))
        asking = self.starts_at - timedelta(minutes=95)
        plan(asking, lambda: dial("0788001107", "1", "3", "1", "3"))
        plan(self._ago(2, "15:20"), self._harm)

    def _harm(self) -> None:
        """A partner saw a reminder and asked about it; the case waits for its review (S44)."""
        with self.context.database.begin() as db:
            me = _signed_in(self.context, db, "staff")
        harm.record_harm(self.context, me, "seen", "V3", "P3316", "")


def _with(act: Callable[[Context, SignedIn, str, str], None], word: str) -> OnConcern:
    return lambda context, me, code: act(context, me, code, word)


def _approve(context: Context, code: str, login: str) -> None:
    with context.database.begin() as db:
        reachable = broadcasts.preview_broadcast(context, db, code).recipients
    if reachable:
        broadcasts.approve_broadcast(context, code, login)


def _pause(context: Context, first: date, last: date, login: str, group_code: str) -> None:
    add_pause(context, first, last, "block", "harvest", login, group_code=group_code)


def _signed_in(context: Context, db: Connection, login: str) -> SignedIn:
    """The account as it would act in the console."""
    row = staff_named(db, login)
    return SignedIn(
        login_id=0,
        staff_id=row.id,
        code=row.code,
        login=row.login,
        name=context.vault.open("staff", "name", row.id, row.name),
        language=row.language,
        roles=accounts.roles_of(db, row.id),
        person_id=row.person_id,
        confirmed=True,
    )
