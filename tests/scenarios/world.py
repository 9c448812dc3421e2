"""What a transcript acts on: people, phones, duty and directory put in by code, and what each phone has seen since."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, update

from sms_service import clock
from sms_service.models import groups, meetings, numbers, outbox, people
from sms_service.models.cascade import pair, pair_member
from sms_service.models.concerns import concern
from sms_service.models.dialogues import dialogue, response
from sms_service.models.directory import directory_entry
from sms_service.models.groups import group_facilitator
from sms_service.models.people import contact_point
from sms_service.rules.recurrence import DAYS
from sms_service.security.tokens import new_row_id
from sms_service.text.phone import normalise_msisdn
from sms_service.usecases.attendance import mark_attendance
from sms_service.usecases.check_ins import set_check_ins
from sms_service.usecases.contacts import change_phone, verify_phone
from sms_service.usecases.enrol import enrol
from sms_service.usecases.move_meeting import cancel_meeting, move_meeting
from sms_service.usecases.new_person import NewPerson
from sms_service.usecases.outbound_switch import set_outbound
from sms_service.usecases.pauses import add_pause
from sms_service.usecases.pins import draw_pin, set_code_word
from sms_service.usecases.remembrance import approve_remembrance, texts_hash, withdraw_remembrance
from sms_service.usecases.remind_group import remind_group
from sms_service.usecases.rota import add_duty
from tests.scenarios import follow_up_acts
from tests.scenarios.late_texts import attach_newest
from tests.service import Service
from tests.usecases.site import Site

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
OWNERSHIP = {"own": "own", "shared": "shared_other", "partner": "shared_partner"}
OPENED = re.compile(r"\{(\w+(?:\.\w+)?)\}|\.\.\.")


class Broken(AssertionError):
    """What happened is not what the transcript says."""


@dataclass
class World:
    """``heard`` holds texts sent and not yet claimed by a line, ``seen`` the last state of each concern."""

    service: Service
    site: Site
    phones: dict[str, str] = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict)
    dials: dict[str, list[str]] = field(default_factory=dict)
    screens: dict[str, str] = field(default_factory=dict)
    sent: int = 0
    heard: list[tuple[str, str]] = field(default_factory=list)
    raised: dict[int, Any] = field(default_factory=dict)
    pending: list[Any] = field(default_factory=list)
    serial: int = 0
    fresh: bool = False

    # given

    def group(self, words: list[str]) -> None:
        """``G07 Wed 14:00 from 2026-11-11 [check-in Thu]``"""
        first = date.fromisoformat(words[4])
        weekday = WEEKDAYS.index(words[1])
        self.site.group(words[0], first, weekday=weekday, start_time=words[2])
        if "check-in" in words:
            day = WEEKDAYS.index(words[words.index("check-in") + 1])
            set_check_ins(self.service.context, words[0], f"FREQ=WEEKLY;BYDAY={DAYS[day]}", "command")

    def person(self, code: str, words: list[str]) -> None:
        """``P1001 own|shared|partner 0788001001 en [in G07] [leads G07,G09] [agreed] [checkins] [learning] [pin] [word=..] ..``"""
        context = self.service.context
        options = dict(one.split("=", 1) for one in words if "=" in one)
        phone = normalise_msisdn(words[1]) or ""
        self.phones[code] = phone
        consents = () if "leads" in words else ("reminders", *(one for one in ("checkins", "learning") if one in words))
        new = NewPerson(
            name=f"Person {code}",
            sex=options.get("sex", "M"),
            age_band="35-59",
            language=words[2],
            kind="facilitator" if "leads" in words else "participant",
            code=code,
            group=words[words.index("in") + 1] if "in" in words else "",
            part=options.get("part", "member"),
            phone=words[1],
            phone_ownership=OWNERSHIP[words[0]],
            safe_hours=options.get("hours", ""),
            consents=consents,
        )
        enrol(context, new, "command")
        contact = self.site.contact_of(code)
        if "agreed" in words:
            self._agreed(contact)
        if "leads" in words:
            for led in words[words.index("leads") + 1].split(","):
                self._leads(code, led)
        if "pin" in words:
            self.known[f"{code}.pin"] = draw_pin(context, contact.id, "command")
        if "word" in options:
            set_code_word(context, contact.id, options["word"], "command")

    def _agreed(self, contact: Any) -> None:
        """The own-phone opt-in lies in the past: V1 was answered and is not under way."""
        with self.service.context.database.begin() as db:
            now = self.service.context.now(db)
            long_ago = now - timedelta(days=30)
            db.execute(update(contact_point).where(contact_point.c.id == contact.id).values(opted_in_at=long_ago))
            rows = outbox.outbox.c
            outbox.cancel_queued(db, now, "set up", rows.number_id == contact.number_id, rows.template == "V1")
            mine = (dialogue.c.person_id == contact.person_id) & (dialogue.c.conversation == "optin")
            db.execute(update(dialogue).where(mine).values(state="closed"))

    def _leads(self, code: str, group_code: str) -> None:
        with self.service.context.database.begin() as db:
            who, where = people.by_code(db, code), groups.by_code(db, group_code)
            assert who is not None
            assert where is not None
            db.execute(insert(group_facilitator).values(id=new_row_id(), group_id=where.id, person_id=who.id))

    def duty(self, words: list[str]) -> None:
        """``1 Lead 0788009001``: line, label of the phone, its number; on duty for the next ten days."""
        line, label, phone = words[:3]
        login = self.site.staff(label.lower(), "safeguarding")
        self.phones[label] = normalise_msisdn(phone) or ""
        begin = self.service.now() - timedelta(hours=1)
        add_duty(self.service.context, login, int(line), begin, begin + timedelta(days=10), phone, "command")

    def pair(self, words: list[str]) -> None:
        """``R12 P1001 P1002``: a pair that teaches, made now."""
        with self.service.context.database.begin() as db:
            pair_id, now = new_row_id(), self.service.context.now(db)
            db.execute(insert(pair).values(id=pair_id, code=words[0], generation=1, created_at=now))
            for code in words[1:]:
                who = people.by_code(db, code)
                assert who is not None
                db.execute(insert(pair_member).values(id=new_row_id(), pair_id=pair_id, person_id=who.id))

    def directory(self, words: list[str]) -> None:
        """``verified`` or ``expired``: the three numbers of V11."""
        with self.service.context.database.begin() as db:
            now = self.service.context.now(db)
            until = now + timedelta(days=80 if words == ["verified"] else -1)
            for slot, phone in (("police", "112"), ("ambulance", "912"), ("health", "114")):
                fixed = {"name": slot, "kind": "emergency", "area": "-", "hours": "-", "cost": "-"}
                values = {"slot": slot, "phone": phone, "verified_on": now, "valid_until": until, "created_at": now}
                db.execute(insert(directory_entry).values(id=new_row_id(), **fixed, **values))

    # what people do

    def say(self, label: str, words: str) -> None:
        answer = self.service.text(self.phones.get(label, label), self.fill(words))
        if answer.status_code != 200:
            raise Broken(f"the text was answered {answer.status_code}")

    def dial(self, label: str) -> None:
        self.serial += 1
        self.dials[label] = [f"ATUid_{self.serial}", ""]
        self._hop(label)

    def key(self, label: str, typed: str) -> None:
        session = self.dials[label]
        session[1] = f"{session[1]}*{typed}" if session[1] else typed
        self._hop(label)

    def _hop(self, label: str) -> None:
        session, history = self.dials[label]
        answer = self.service.hop(session, self.phones[label], history)
        if answer.status_code != 200:
            raise Broken(f"the turn was answered {answer.status_code}")
        self.screens[label] = answer.get_data(as_text=True)

    def opt_out(self, label: str) -> None:
        self.service.post("opt-out", {"phoneNumber": self.phones[label], "senderId": "SERVAS"})

    def report(self, label: str, status: str, reason: str = "") -> None:
        """A delivery report for the last text to this phone."""
        gateway_id = next(one[2] for one in reversed(self.service.gateway.sent) if one[0] == self.phones[label])
        fields = {"id": gateway_id, "status": status, "phoneNumber": self.phones[label]}
        self.service.post("delivery", fields | ({"failureReason": reason} if reason else {}))

    def staff(self, words: list[str]) -> None:
        """What is done in the console: ``marks P1001 absent G07 1`` - ``switches outbound off`` - ``moves G07 1 to ...`` ..."""
        context, verb = self.service.context, words[0]
        if verb == "marks":
            meeting = self.site.meetings(words[3])[int(words[4]) - 1]
            mark_attendance(context, meeting.id, {words[1]: words[2]}, "command", source="staff")
        elif verb == "switches":
            set_outbound(context, words[2] == "on", "command", "a reason")
        elif verb == "cancels":
            cancel_meeting(context, self.site.meetings(words[1])[int(words[2]) - 1].id, "command")
        elif verb == "moves":
            start = datetime.fromisoformat(f"{words[4]}T{words[5]}").replace(tzinfo=clock.KIGALI)
            move_meeting(context, self.site.meetings(words[1])[int(words[2]) - 1].id, start, "command")
        elif verb == "pauses":
            days = (date.fromisoformat(words[1]), date.fromisoformat(words[3]))
            add_pause(context, *days, words[4], "other", "command", group_code=words[5] if len(words) > 5 else "")
        elif verb == "reminds":
            remind_group(context, words[1], "command")
        elif verb == "approves":
            with context.database.begin() as db:
                context.now(db)
            approve_remembrance(context, texts_hash(context.words), "director")
        elif verb == "withdraws":
            withdraw_remembrance(context, "director")
        elif verb == "draws":
            self.known[f"{words[1]}.pin"] = draw_pin(context, self.site.contact_of(words[1]).id, "command")
        elif verb == "shares":
            change_phone(context, self.site.contact_of(words[1]).id, OWNERSHIP[words[2]], "", "discreet", "command")
        elif verb == "attaches":
            if not attach_newest(self.site, words[1], self.phones[words[1]]):
                raise Broken("this text is offered to no question")
        elif verb == "verifies":
            verify_phone(context, self.site.contact_of(words[1]).id, "command")
        elif verb in follow_up_acts.STAFF:
            follow_up_acts.STAFF[verb](self.site, words[1:])
        else:
            raise Broken(f"no such act of staff: {verb}")

    # what came of it

    def gather(self) -> None:
        """Work what waits, then take note of new texts and of concerns that are new or changed."""
        self.service.work()
        sent = self.service.gateway.sent
        self.heard += [(number, text) for number, text, _ in sent[self.sent :]]
        self.sent = len(sent)
        with self.service.context.database.begin() as db:
            query = (
                select(concern, people.person.c.code.label("person"), numbers.number.c.hash)
                .outerjoin(people.person, people.person.c.id == concern.c.person_id)
                .outerjoin(numbers.number, numbers.number.c.id == concern.c.number_id)
                .order_by(concern.c.id)
            )
            for row in db.execute(query):
                if self.raised.get(row.id) != row:
                    self.raised[row.id] = row
                    self.pending.append(row)

    def settled(self) -> None:
        """Nothing may be left that no line spoke of."""
        if self.heard:
            raise Broken("texts that the transcript does not have:\n" + "\n".join(f"  {self.name(n)} < {t}" for n, t in self.heard))
        if self.pending:
            kinds = [f"  {row.kind} {row.person or ''} note={row.note_code} texts={row.texts} {row.state}" for row in self.pending]
            raise Broken("concerns that the transcript does not have:\n" + "\n".join(kinds))

    def hears(self, label: str, wanted: str) -> None:
        number = self.phones[label]
        for place, (to, text) in enumerate(self.heard):
            if to == number:
                self.heard.pop(place)
                self.match(wanted, text)
                return
        raise Broken(f"nothing was sent to {label}")

    def concerned(self, words: list[str]) -> None:
        """``KIND [P1001] [topic=..] [slot=..] [note=..] [texts=..] [state=..] [severity=..]``"""
        fields = dict(one.split("=", 1) for one in words[1:] if "=" in one)
        people_named = [one for one in words[1:] if "=" not in one]
        for place, row in enumerate(self.pending):
            if row.kind != words[0] or (row.person or "") != "".join(people_named):
                continue
            real = {"topic": row.topic, "slot": row.slot, "note": row.note_code, "texts": row.texts, "state": row.state}
            real |= {"severity": row.severity, "due": clock.local(row.due_at).strftime("%Y-%m-%dT%H:%M")}
            wrong = {name: real[name] for name, value in fields.items() if str(real[name] or "") != value}
            if wrong:
                raise Broken(f"the concern is otherwise: {wrong}")
            self.pending.pop(place)
            return
        raise Broken(f"no new concern {words[0]} of {people_named or 'nobody'}")

    def state_of(self, label: str, words: list[str]) -> None:
        """``number is stopped|frozen|free`` - ``speaks en`` - ``coming yes|no|dont_know|nothing``"""
        with self.service.context.database.begin() as db:
            number = numbers.find(db, self.service.context.vault, self.phones[label])
            assert number is not None
            if words[0] == "speaks":
                real = number.language or ""
            elif words[0] == "answered":
                row = db.execute(
                    select(response.c.value, people.person.c.code)
                    .join(people.person, people.person.c.id == response.c.person_id)
                    .where(response.c.question == words[1], people.person.c.code == label)
                    .order_by(response.c.id.desc())
                ).first()
                real, words = (row.value if row else "nothing"), words[1:]
            else:
                real = "stopped" if number.stopped_at else "frozen" if number.frozen_at else "free"
        if real != words[1]:
            raise Broken(f"{label} {words[0]} {real}")

    def meeting_is(self, words: list[str]) -> None:
        """``G07 1 on 2026-11-12 14:00``"""
        with self.service.context.database.begin() as db:
            group = groups.by_code(db, words[0])
            assert group is not None
            found = next(row for row in meetings.of_group(db, group.id) if row.no == int(words[1]))
        real = clock.local(found.starts_at).strftime("%Y-%m-%d %H:%M")
        if real != f"{words[3]} {words[4]}":
            raise Broken(f"meeting {words[1]} is on {real}")

    # matching

    def name(self, number: str) -> str:
        return next((label for label, phone in self.phones.items() if phone == number), number)

    def fill(self, words: str) -> str:
        return re.sub(r"\{(\w+(?:\.\w+)?)\}", lambda found: self.known.get(found[1], found[0]), words)

    def match(self, wanted: str, real: str) -> None:
        """Compare; ``...`` stands for anything, ``{name}`` for what it stood for before, or for one word from now on."""
        pattern, names, end = "", [], 0
        for found in OPENED.finditer(wanted):
            pattern += re.escape(wanted[end : found.start()])
            end = found.end()
            if found[1] is None:
                pattern += ".*"
            elif found[1] in self.known:
                pattern += re.escape(self.known[found[1]])
            else:
                names.append(found[1])
                pattern += r"(\w+)"
        matched = re.fullmatch(pattern + re.escape(wanted[end:]), real, re.DOTALL)
        if matched is None:
            raise Broken(f"expected: {wanted}\n  but was: {real}")
        self.known |= dict(zip(names, matched.groups(), strict=True))


def split(words: str) -> list[str]:
    """Words of a line; quotes keep several together."""
    return shlex.split(words)
