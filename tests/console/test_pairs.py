"""The page of pairs, and the small parts of pages that draw or name things: tables, the rota, screens, queued texts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
from sqlalchemy import select, update

from handlers.console import duty_chart, meanings, reasons
from handlers.console.pairs import BOX, COLUMN, tree
from handlers.console.tables import labelled
from sms_service.models.cascade import activity, pair
from sms_service.models.dials import turn
from sms_service.models.outbox import outbox
from sms_service.usecases import read_log
from sms_service.usecases.activities import PairLine
from sms_service.usecases.context import Context
from tests.console.conftest import Browsers
from tests.console.test_forms import count, once_on
from tests.console.world import World

SENT = {
    "pair": "R11",
    "kind": "workshop",
    "held_on": "2026-01-05",
    "minutes": "90",
    "cell_code": "0201-01",
    "co_led": "1",
    "women_0": "3",
    "men_2": "12",
    "first_time": "2",
    "commitments": "0",
    "evidence": "list",
    "verified_by": "none",
}
NOW = datetime(2026, 5, 13, 7, 0, tzinfo=UTC)


class Turn(NamedTuple):
    """A row of the rota, as far as it is drawn."""

    line: int
    staff_code: str
    starts_at: datetime
    ends_at: datetime


@pytest.fixture
def one_pair(world: World) -> World:
    with world.context.database.begin() as db:
        world.put(db, pair, code="R11", generation=1, created_at=world.now)
    return world


def test_an_activity_is_filed_once_and_read_as_counts(browsers: Browsers, one_pair: World) -> None:
    """S34: the office sees its counts, who only reads counts sees none below five."""
    staff = browsers("staff")
    held_on = (one_pair.now - timedelta(days=3)).date().isoformat()
    sent = {**SENT, "held_on": held_on, **once_on(staff, "/console/pairs/add")}
    assert [staff.post("/console/pairs/add", sent)[0] for _ in range(2)] == [303, 303]
    assert count(one_pair, activity) == 1
    assert '<td data-label="Women reached" class="n">3</td>' in staff.get("/console/pairs")[1]
    page = browsers("read_only").get("/console/pairs")[1]
    assert "R11" in page
    assert page.count("below 5") == 2
    assert "/console/people" not in page


@pytest.mark.parametrize(("field", "value"), [("pair", "R99"), ("minutes", "5"), ("women_0", "x"), ("held_on", ""), ("co_led", "")])
def test_a_wrong_field_is_named_and_nothing_is_filed(browsers: Browsers, one_pair: World, field: str, value: str) -> None:
    status, page = browsers("staff").post("/console/pairs/add", {**SENT, field: value})
    assert status == 422
    assert f'href="#f-{field}"' in page
    assert count(one_pair, activity) == 0


def test_the_tree_has_parents_between_their_children() -> None:
    def line(code: str, generation: int, parent: str, *children: str) -> PairLine:
        return PairLine(code, generation, parent, (), 0, 0, 0, 0, None, children)

    lines = [line("R1", 1, "", "R2", "R3"), line("R4", 1, ""), line("R2", 2, "R1"), line("R3", 2, "R1")]
    nodes = {node.line.code: node for node in tree(lines)}
    assert nodes["R1"].y == (nodes["R2"].y + nodes["R3"].y) / 2
    assert nodes["R2"].x - nodes["R1"].x == COLUMN
    assert nodes["R2"].from_x == nodes["R1"].x + BOX[0]
    assert nodes["R4"].from_x is None
    assert len({(node.x, node.y) for node in nodes.values()}) == 4


def test_the_rota_is_drawn_from_todays_midnight_in_kigali_for_two_weeks() -> None:
    """S25: a turn that began before is cut at the edge, one after the two weeks is left out, now lies inside its turn."""
    turns = [
        Turn(1, "S1", NOW - timedelta(days=40), NOW + timedelta(days=1)),
        Turn(1, "S2", NOW + timedelta(days=1), NOW + timedelta(days=60)),
        Turn(2, "S3", NOW + timedelta(days=20), NOW + timedelta(days=30)),
    ]
    chart = duty_chart.draw(turns, (1, 2, 3), NOW)
    first, second = chart.blocks
    assert (first.who, first.x, first.running) == ("S1", duty_chart.LEFT, True)
    assert (second.who, second.running) == ("S2", False)
    assert second.x == pytest.approx(first.x + first.width)
    assert second.x + second.width == pytest.approx(duty_chart.LEFT + duty_chart.WIDTH)
    assert first.x < chart.now_x < second.x
    assert [line for line, _ in chart.lines] == [1, 2, 3]


@pytest.mark.parametrize(
    ("rows", "marked"),
    [
        (
            "<tr><td>a</td><td class='n'>1</td></tr>",
            '<tr><td data-label="Who">a</td><td data-label="How many" class=\'n\'>1</td></tr>',
        ),
        ("<tr><td>a</td></tr><tr><th>b</th></tr>", '<tr><td data-label="Who">a</td></tr><tr><th data-label="Who">b</th></tr>'),
        (
            "<tr><td>a</td><td>1</td><td>x</td></tr>",
            '<tr><td data-label="Who">a</td><td data-label="How many">1</td><td>x</td></tr>',
        ),
        ("<tr><td>&lt;td&gt; <time>1</time></td></tr>", '<tr><td data-label="Who">&lt;td&gt; <time>1</time></td></tr>'),
    ],
)
def test_cells_carry_their_columns_heading(rows: str, marked: str) -> None:
    assert labelled(rows, ["Who", "How many#"]) == marked


def test_a_heading_cannot_break_out_of_its_cell() -> None:
    """T7."""
    assert "<b>" not in labelled("<tr><td>a</td></tr>", ['"><b>'])


def test_answers_and_reasons_are_words_and_unknown_ones_stay() -> None:
    assert [meanings.answer(one) for one in ("True", "False", "3", "G07")] == ["Yes", "No", "3", "G07"]
    assert reasons.reason("weekly cap reached") == "enough texts this week"
    assert reasons.reason("gateway said 403") == "gateway said 403"


def test_a_queued_text_says_when_it_leaves_and_a_sent_one_does_not(context: Context, browsers: Browsers, world: World) -> None:
    with context.database.begin() as db:
        rows = db.execute(select(outbox.c.id).where(outbox.c.kind != "alert")).scalars().all()
        leaves = world.now + timedelta(days=2)
        db.execute(update(outbox).values(state="delivered"))
        db.execute(update(outbox).where(outbox.c.id == rows[0]).values(state="queued", not_before=leaves))
        lines = read_log.page(context, db, read_log.Filter(direction="out"), limit=50)
    assert [line.leaves_at for line in lines if line.leaves_at] == [leaves]
    assert browsers("staff").get("/console/log")[1].count("leaves ") == 1


def test_a_screen_is_shown_as_the_phone_shows_it(context: Context, browsers: Browsers, world: World) -> None:
    """V2: the wire's CON and END are not part of what a person reads."""
    with context.database.begin() as db:
        row = db.execute(select(turn)).first()
        assert row is not None
        sealed = context.vault.seal("turn", "screen", row.id, "CON Servas\n1) Inama")
        db.execute(update(turn).where(turn.c.id == row.id).values(screen=sealed))
        lines = read_log.page(context, db, read_log.Filter(channel="ussd"), limit=50)
    assert "Servas\n1) Inama" in [line.screen for line in lines]
    assert not [line for line in lines if line.screen.startswith(("CON ", "END "))]
