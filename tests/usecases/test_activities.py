"""Activities of pairs and what readers of counts see of them (domain section 2.5, S34, T21)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, insert, select

from sms_service.models.audit import audit
from sms_service.models.cascade import activity, pair, pair_member
from sms_service.security.tokens import new_row_id
from sms_service.usecases.activities import Cascade, NewActivity, _total, add_activity, cascade, pair_codes
from sms_service.usecases.faults import UseFault
from tests.usecases.site import NOW, Site

HELD = NewActivity(
    pair="R11",
    kind="workshop",
    held_on=date(2026, 5, 2),
    hours=5.5,
    cell_code="0201-01",
    women={"18-24": 4, "25-34": 8},
    men={"35-59": 9},
    co_led=True,
    modules=(4, 3, 4),
    first_time=7,
    knowledge_before=3.0,
    knowledge_after=6.5,
    verified_by="visit",
)


@pytest.fixture
def pairs(site: Site) -> Site:
    """R11, which trained R21 and R22; two people in R11."""
    site.group()
    people = [site.id_of(site.person()) for _ in range(2)]
    with site.context.database.begin() as db:
        ids = {code: new_row_id() for code in ("R11", "R21", "R22")}
        for code, row_id in ids.items():
            parent = None if code == "R11" else ids["R11"]
            values = {"id": row_id, "code": code, "parent_pair_id": parent, "generation": 1 if parent is None else 2}
            db.execute(insert(pair).values(**values, created_at=NOW))
        for person_id in people:
            db.execute(insert(pair_member).values(id=new_row_id(), pair_id=ids["R11"], person_id=person_id))
    return site


def seen(site: Site, *, counts_only: bool = False) -> Cascade:
    with site.context.database.begin() as db:
        return cascade(db, NOW, counts_only=counts_only)


def test_an_activity_is_filed_once_whoever_of_the_pair_reports_it(pairs: Site) -> None:
    """Domain 2.5: both may file; the same pair, day and kind is one. A double submit is one as well."""
    once = new_row_id()
    assert [add_activity(pairs.context, HELD, "S1", once) for _ in range(2)] == [True, True]
    assert not add_activity(pairs.context, replace(HELD, hours=1.0), "S2")
    assert add_activity(pairs.context, replace(HELD, kind="radio"), "S2")
    with pairs.context.database.begin() as db:
        assert db.execute(select(func.count()).select_from(activity)).scalar_one() == 2
        assert db.execute(select(activity.c.modules, activity.c.hours).where(activity.c.id == once)).one() == ([3, 4], 5.5)
        acts = db.execute(select(audit.c.subject).where(audit.c.act == "activity.add")).scalars().all()
        assert acts == ["R11", "R11"]
        assert pair_codes(db) == ["R11", "R21", "R22"]


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("pair", {"pair": "R99"}),
        ("kind", {"kind": "party"}),
        ("held_on", {"held_on": date(2026, 5, 14)}),
        ("held_on", {"held_on": date(2016, 5, 2)}),
        ("hours", {"hours": 0.0}),
        ("hours", {"hours": float("nan")}),
        ("cell_code", {"cell_code": "a b"}),
        ("people", {"women": {}, "men": {}, "first_time": 0}),
        ("people", {"women": {"18-24": -1}}),
        ("people", {"women": {"10-17": 3}}),
        ("first_time", {"first_time": 22}),
        ("commitments", {"commitments": 501}),
        ("modules", {"modules": (0,)}),
        ("knowledge_after", {"knowledge_after": None}),
        ("knowledge_before", {"knowledge_before": 11.0}),
        ("evidence", {"evidence": "names"}),
        ("verified_by", {"verified_by": "rumour"}),
    ],
)
def test_what_cannot_be_is_refused_by_its_field_and_changes_nothing(pairs: Site, field: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(UseFault) as refused:
        add_activity(pairs.context, replace(HELD, **wrong), "S1")
    assert [fault.field for fault in refused.value.faults] == [field]
    assert seen(pairs).activities == 0


def test_the_measures_of_the_cascade(pairs: Site) -> None:
    """Domain 2.5: people reached, share co-led, generations, verification, months since the last report."""
    add_activity(pairs.context, HELD, "S1")
    add_activity(pairs.context, replace(HELD, held_on=date(2026, 1, 10), co_led=False, verified_by="none"), "S1")
    add_activity(pairs.context, replace(HELD, pair="R21", held_on=date(2026, 1, 20), verified_by="none"), "S1")
    found = seen(pairs)
    by_code = {line.code: line for line in found.pairs}
    assert (found.generations, found.active, found.activities, found.women, found.men) == (2, 1, 3, 36, 27)
    assert (found.co_led, found.visited) == (67, 33)
    assert by_code["R11"].children == ("R21", "R22")
    assert len(by_code["R11"].members) == 2
    assert [by_code[code].months for code in ("R11", "R21", "R22")] == [0, 3, None]


def test_readers_of_counts_see_no_small_one_and_cannot_subtract(pairs: Site) -> None:
    """S34, T21: a pair's small count goes with its other one, and takes every sum it would follow from with it."""
    add_activity(pairs.context, HELD, "S1")
    add_activity(pairs.context, replace(HELD, pair="R21", women={"18-24": 4}), "S1")
    found = seen(pairs, counts_only=True)
    by_code = {line.code: line for line in found.pairs}
    assert (by_code["R11"].women, by_code["R11"].men) == (12, 9)
    assert (by_code["R21"].women, by_code["R21"].men) == (None, None)
    assert (found.women, found.men) == (None, None)
    assert not any(line.members for line in found.pairs)
    whole = seen(pairs)
    assert (whole.women, {line.code: line.women for line in whole.pairs}) == (16, {"R11": 12, "R21": 4, "R22": 0})


@pytest.mark.parametrize(("days", "active"), [(60, 1), (100, 0)])
def test_a_pair_is_silent_after_three_months(pairs: Site, days: int, active: int) -> None:
    add_activity(pairs.context, replace(HELD, pair="R22", held_on=NOW.date() - timedelta(days=days)), "S1")
    assert seen(pairs).active == active


@given(st.lists(st.one_of(st.none(), st.integers(0, 500)), max_size=8))
def test_a_sum_with_a_hidden_part_is_hidden(parts: list[int | None]) -> None:
    """T21."""
    assert _total(parts) == (None if None in parts else sum(part or 0 for part in parts))
