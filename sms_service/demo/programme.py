"""Setting up the demo's programme: curricula, staff, rota and directory, groups, people, pairs and what the pairs did."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from random import Random
from typing import Final

from sqlalchemy import insert, select

from sms_service import paths
from sms_service.conversation.toml_read import read_toml
from sms_service.demo import people as data
from sms_service.demo.people import Circle, Demo, e164
from sms_service.models import people
from sms_service.models.cascade import activity, pair, pair_member
from sms_service.models.directory import all_entries
from sms_service.rules.recurrence import chosen
from sms_service.rules.timing import at_local, local, meeting_dates, stage_dates
from sms_service.security.tokens import new_row_id
from sms_service.security.vault import new_pin_salt
from sms_service.usecases import campaigns
from sms_service.usecases.check_ins import set_check_ins
from sms_service.usecases.context import Context
from sms_service.usecases.directory import Entry, add_entry, expire_entry, verify_entry
from sms_service.usecases.enrol import enrol
from sms_service.usecases.find import group_named, person_named, staff_named
from sms_service.usecases.groups import NewGroup, add_group, set_facilitators
from sms_service.usecases.new_person import NewPerson
from sms_service.usecases.pins import set_code_word
from sms_service.usecases.plan_meetings import plan_meetings
from sms_service.usecases.question_sets import turn_set
from sms_service.usecases.referrals import refer
from sms_service.usecases.rota import add_duty
from sms_service.usecases.sign_in import SignedIn
from sms_service.usecases.staff_accounts import add_staff

ACTOR: Final = "command"
TURN_DAYS: Final = 14
TURNS_BEFORE: Final = 6
ROTA_DAYS: Final = 60
MOST_PAUSED_WEEKS: Final = 4
COMMONLY: Final = 80  # of a hundred activities are led by a woman and a man together
SUNDAY: Final = 6
_AGES: Final = ("18-24", "25-34", "35-59", "60+")


def add_accounts(context: Context) -> None:
    """The staff; facilitators' own people must have been enrolled."""
    for login, name, role, language, own in data.STAFF:
        add_staff(context, login, name, [role], actor=ACTOR, language=language, person_code=own)


def add_rota(context: Context, starts_at: datetime) -> None:
    """Three lines without a gap from before the demo's past to 60 days after ``starts_at``; two people take turns.

    The turn that begins on the day of ``starts_at`` has the handset page's duty phone on its first line.
    """
    day = local(starts_at).date()
    for turn in range(-TURNS_BEFORE, ROTA_DAYS // TURN_DAYS + 2):
        begins = at_local(day + timedelta(days=turn * TURN_DAYS), time())
        ends = at_local(day + timedelta(days=(turn + 1) * TURN_DAYS), time())
        pair_on_duty = data.DUTY[:2] if turn % 2 == 0 else data.DUTY[1::-1]
        for line, (login, phone) in enumerate((*pair_on_duty, data.DUTY[2]), start=1):
            add_duty(context, login, line, begins, ends, phone, ACTOR)


def add_directory(context: Context) -> None:
    """The three numbers of the urgent text, and one more that will expire."""
    for row in (*data.DIRECTORY, data.EXPIRED_ENTRY):
        add_entry(context, Entry(*row), ACTOR)


def check_directory(context: Context) -> None:
    """The three urgent numbers are called and found right; the fourth is not (S38)."""
    with context.database.begin() as db:
        entries = all_entries(db)
        actor = str(staff_named(db, "admin").code)
    for entry in entries:
        if entry.slot == data.EXPIRED_ENTRY[0]:
            expire_entry(context, entry.id, actor)
        else:
            verify_entry(context, entry.id, entry.phone, actor)


def enrol_demo(context: Context, who: Demo) -> None:
    """Enrol one invented person face to face, with phone, consents, PIN and code word."""
    new = NewPerson(
        name=who.name,
        sex=who.sex,
        age_band=who.age_band,
        language=who.language,
        kind=who.kind,
        code=who.code,
        group=who.group,
        part=who.part,
        phone=who.phone,
        phone_ownership=who.ownership if who.phone else "none",
        safe_hours=who.safe_hours,
        consents=who.consents,
        literacy_aid=who.literacy_aid,
    )
    enrol(context, new, ACTOR)
    if who.pin:
        _set_pin(context, who)
    if who.code_word:
        with context.database.begin() as db:
            contact_id = people.phones_of(db, [person_named(db, who.code).id])[0].id
        set_code_word(context, contact_id, who.code_word, ACTOR)


def _set_pin(context: Context, who: Demo) -> None:
    """The published PIN of a demo person; anyone real gets one drawn by the system and shown once (S11)."""
    salt = new_pin_salt()
    with context.database.begin() as db:
        contact_id = people.phones_of(db, [person_named(db, who.code).id])[0].id
        people.change_contact(db, contact_id, pin_salt=salt, pin_hash=context.vault.pin_hash(salt, who.pin))
        context.record(db, ACTOR, "pin.draw", who.code)


def add_circle(context: Context, circle: Circle, first_day: date, check_in_weekday: int | None) -> None:
    """A group with its pair of facilitators, without meetings yet; it meets on the weekday of ``first_day`` (local)."""
    new = NewGroup(
        programme=circle.programme,
        neutral_name=circle.name,
        cell_code=circle.cell,
        weekday=first_day.weekday(),
        start_time=circle.start_time,
        venue_code=circle.venue,
        code=circle.code,
    )
    add_group(context, new, ACTOR)
    if check_in_weekday is not None:
        set_check_ins(context, circle.code, chosen("week", check_in_weekday).text, ACTOR)
    set_facilitators(context, circle.code, circle.woman, circle.man, ACTOR)


def plan_circle(context: Context, circle: Circle, first_day: date) -> None:
    """The meetings of the group's curriculum: a weekly chain, or stages."""
    plan_meetings(context, circle.code, first_day, ACTOR)


def wmp_stages() -> list[tuple[int, int]]:
    """The stages of the WMP curriculum that ships: days after the first, and days it lasts."""
    table = read_toml((paths.templates_dir() / "programmes" / "WMP.toml").read_text(encoding="utf-8"))
    return [(int(one["offset_days"]), int(one.get("days", 1))) for one in table["session"]]


def stage_starts(circle: Circle, first_day: date) -> list[datetime]:
    """When each stage meets (aware UTC), as ``plan_meetings`` plans it without pauses."""
    return list(stage_dates(first_day, wmp_stages(), time.fromisoformat(circle.start_time), ()))


def chain_to(target: date, at: time, week: int) -> list[date]:
    """The days of meetings 1 to ``week`` of a weekly chain: the last is ``target`` or the first possible week after it,
    the others lie before ``target`` (at least two meetings).
    """
    for weeks_back in range(week - 1, week + MOST_PAUSED_WEEKS):
        first = target - timedelta(weeks=weeks_back)
        days = [local(start).date() for start in meeting_dates(first, first.weekday(), at, week, ())]
        if days[-2] < target <= days[-1]:
            return days
    raise ValueError(f"no weekly chain reaches meeting {week} on {target}")


def add_pairs(context: Context, generation: int) -> None:
    """The cohort's pairs of one generation (domain section 2.5); their people must have been enrolled."""
    with context.database.begin() as db:
        now = context.now(db)
        group_id = group_named(db, "G03").id
        for code, parent, its_generation, members in data.PAIRS:
            if its_generation != generation:
                continue
            parent_id = db.execute(select(pair.c.id).where(pair.c.code == parent)).scalar()
            values = {"code": code, "group_id": group_id, "parent_pair_id": parent_id, "generation": generation}
            pair_id = new_row_id()
            db.execute(insert(pair).values(id=pair_id, created_at=now, **values))
            for member in members:
                person_id = person_named(db, member).id
                db.execute(insert(pair_member).values(id=new_row_id(), pair_id=pair_id, person_id=person_id))
            context.record(db, ACTOR, "pair.add", code)


def add_activity(context: Context, row: tuple[str, str, int, float, str], held_on: date, rng: Random) -> None:
    """One thing a pair did: counts by age band, never people (domain section 2.5)."""
    code, kind, _, hours, verified_by = row
    women, men = ({band: rng.randint(0, 9) for band in _AGES} for _ in range(2))
    before = rng.randint(30, 55) / 10
    with context.database.begin() as db:
        pair_id = db.execute(select(pair.c.id).where(pair.c.code == code)).scalar_one()
        db.execute(
            insert(activity).values(
                id=new_row_id(),
                pair_id=pair_id,
                kind=kind,
                held_on=held_on,
                hours=hours,
                cell_code="0201-01",
                modules=sorted(rng.sample(range(1, 9), 2)),
                women=women,
                men=men,
                first_time=rng.randint(0, sum(women.values()) + sum(men.values())),
                co_led=rng.randrange(100) < COMMONLY,
                commitments=rng.randint(0, 6),
                knowledge_before=before,
                knowledge_after=before + rng.randint(5, 30) / 10,
                evidence=rng.choice(("list", "photo", "letter")),
                verified_by=verified_by,
                created_at=context.now(db),
            )
        )


def use_sets(context: Context, code: str) -> None:
    """A weekly group uses the two question sets that are asked on a dial (domain section 2.6)."""
    for name in data.QUESTION_SETS:
        turn_set(context, code, name, ACTOR, on=True)


def refer_to_health_line(context: Context, me: SignedIn, concern_code: str) -> None:
    """Somebody agreed to be pointed to the health line (S28)."""
    with context.database.begin() as db:
        entry_id = next(entry.id for entry in all_entries(db) if entry.slot == "health")
    refer(context, me, concern_code, entry_id, "oral", "")


def phones() -> list[dict[str, str]]:
    """The phones of the handset page."""
    return [{"number": e164(phone), "label": label} for phone, label in data.HANDSET]


def write_campaign(context: Context) -> None:
    """A campaign that waits for its second person (S40): a week after enrolment, how to get the meeting's date by a dial."""
    new = campaigns.NewCampaign(texts=data.CAMPAIGN, anchor="enrolled", days=7, programme="CSG")
    campaigns.write_campaign(context, new, "staff")
