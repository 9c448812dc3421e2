"""A small programme to act on: one curriculum, a group, its facilitators and staff, at 09:00 on Wednesday 13 May 2026."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from sms_service import clock
from sms_service.models import meetings, people
from sms_service.models.groups import curriculum, group, programme, session_template
from sms_service.models.outbox import outbox
from sms_service.models.people import contact_point
from sms_service.models.staff import staff, staff_role
from sms_service.security.tokens import new_row_id
from sms_service.usecases import answer_text
from sms_service.usecases.context import Context
from sms_service.usecases.enrol import enrol
from sms_service.usecases.groups import NewGroup, add_group
from sms_service.usecases.new_person import NewPerson

NOW = datetime(2026, 5, 13, 7, 0, tzinfo=UTC)  # 09:00 in Kigali, a Wednesday
AUDIENCES = ("M", "M", "C", "X", "C")


@dataclass
class Site:
    """The service with a programme in it; every helper commits."""

    context: Context
    phones: int = 0

    @classmethod
    def build(cls, context: Context) -> Site:
        """Programme CSG with five meetings in its curriculum; the clock stands at ``NOW``."""
        site = cls(context)
        site.at(NOW)
        with context.database.begin() as db:
            db.execute(insert(programme).values(id=(one := new_row_id()), code="CSG", names={}, outbound_held=False))
            db.execute(insert(curriculum).values(id=(two := new_row_id()), programme_id=one, version=1))
            for no, audience in enumerate(AUDIENCES, start=1):
                db.execute(
                    insert(session_template).values(
                        id=new_row_id(),
                        curriculum_id=two,
                        no=no,
                        phase="Safety",
                        audience=audience,
                        internal_theme="-",
                        neutral_label={},
                        duration_minutes=120,
                    )
                )
        return site

    def at(self, moment: datetime) -> None:
        """Set the service's clock."""
        with self.context.database.begin() as db:
            clock.set_now(db, moment)

    def group(self, code: str = "G07", first_day: date | None = date(2026, 5, 20), **values: Any) -> str:
        """A group that meets on Wednesdays at 14:00."""
        new = NewGroup(
            programme="CSG",
            neutral_name=f"Imena {code}",
            cell_code="0101-01",
            weekday=2,
            start_time="14:00",
            venue_code="V1",
            code=code,
            first_day=first_day,
        )
        return add_group(self.context, replace(new, **values), "command")

    def staff(self, login: str, *roles: str) -> str:
        """An account with roles; returns its code."""
        with self.context.database.begin() as db:
            row_id = new_row_id()
            name = self.context.vault.seal("staff", "name", row_id, login)
            values = {"id": row_id, "code": f"S{login}", "login": login, "name": name, "language": "en", "totp_step": 0}
            db.execute(insert(staff).values(**values, created_at=NOW))
            for role in roles:
                db.execute(insert(staff_role).values(id=new_row_id(), staff_id=row_id, role=role))
        return f"S{login}"

    def person(self, group_code: str = "G07", *, opted_in: bool = True, **values: Any) -> str:
        """A man with an own phone and consent to reminders, unless told otherwise; returns the code."""
        self.phones += 1
        new = NewPerson(
            name=f"Person {self.phones}",
            sex="M",
            age_band="35-59",
            language="rw",
            group=group_code,
            phone=f"0788{self.phones:06d}",
            phone_ownership="own",
            consents=("reminders",),
        )
        code = enrol(self.context, replace(new, **values), "command")
        if opted_in:
            with self.context.database.begin() as db:
                who = people.by_code(db, code)
                assert who is not None
                db.execute(update(contact_point).where(contact_point.c.person_id == who.id).values(opted_in_at=NOW))
        return code

    def id_of(self, person_code: str) -> int:
        """A person's row id."""
        with self.context.database.begin() as db:
            return int(db.execute(select(people.person.c.id).where(people.person.c.code == person_code)).scalar_one())

    def contact_of(self, person_code: str) -> Any:
        """A person's only phone in use."""
        with self.context.database.begin() as db:
            who = people.by_code(db, person_code)
            assert who is not None
            return people.phones_of(db, [who.id])[0]

    def meetings(self, group_code: str = "G07") -> list[Any]:
        """The group's meetings by number."""
        with self.context.database.begin() as db:
            row_id = db.execute(select(group.c.id).where(group.c.code == group_code)).scalar_one()
            return list(meetings.of_group(db, row_id))

    def days(self, group_code: str = "G07") -> list[str]:
        """Each meeting's local day and time, by number."""
        return [f"{clock.local(row.starts_at):%m-%d %H:%M}" for row in self.meetings(group_code)]

    def texts(self, *where: Any) -> list[Any]:
        """Outbox rows that match, oldest first."""
        with self.context.database.begin() as db:
            return list(db.execute(select(outbox).where(*where).order_by(outbox.c.id)))


def break_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading the text ``breaks`` fails, as a fault of ours would; every other text is read."""
    real = answer_text.read_reply

    def breaks(lexicon: Any, text: str, *rest: Any, **more: Any) -> Any:
        if text == "breaks":
            raise ValueError("a fault of ours")
        return real(lexicon, text, *rest, **more)

    monkeypatch.setattr(answer_text, "read_reply", breaks)
