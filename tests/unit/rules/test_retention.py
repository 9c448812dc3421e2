"""Every sealed or hashed field has a period and an erasure rule; a new one without them fails here (S33, I19)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import LargeBinary

from sms_service.models import metadata
from sms_service.rules.retention import CLASSES, PLACES, Periods
from sms_service.usecases.purge import PARTS

NOT_PERSONAL = ("never: the stop outlives the person", "with the account", "with the version", "with the campaign")
BY_OTHERS = {"withdrawn", "audit"}  # erasures have a step of their own; the chain of the audit must verify from its first entry


def test_every_sealed_or_hashed_field_says_what_ends_it_and_what_erasing_does() -> None:
    """S33, I19: the columns of the schema and the table of places are the same, field by field."""
    held = {
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    assert held == set(PLACES)
    assert {one.ends for one in PLACES.values()} <= {*CLASSES, *NOT_PERSONAL}


def test_every_class_has_a_part_of_the_purge() -> None:
    """S33: a period that nothing enforces would be a promise only."""
    assert {part.period for part in PARTS} | BY_OTHERS == set(CLASSES)
    assert len({part.name for part in PARTS}) == len(PARTS)


def test_the_periods_are_those_of_the_rule() -> None:
    """S33: 90 days for texts, five years for consent and audit, 24 months for notes, erased before 30 days."""
    periods, day = Periods(), timedelta(days=1)
    assert (periods.texts, periods.reports) == (90 * day, 7 * day)
    assert (periods.consents, periods.audit) == (5 * 365 * day, 5 * 365 * day)
    assert periods.notes == 24 * 30 * day
    assert periods.withdrawn < 30 * day
    now = datetime(2026, 5, 13, tzinfo=UTC)
    assert periods.over("texts", now) == datetime(2026, 2, 12, tzinfo=UTC)
