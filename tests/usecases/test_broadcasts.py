"""Broadcasts: words, audience, two people, the wait, expansion in chunks and recall (S1, S7, S9, S16, S39, S40)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, update

from sms_service.models import broadcasts, numbers
from sms_service.models.audit import audit
from sms_service.models.directory import directory_entry
from sms_service.models.outbox import outbox
from sms_service.models.people import contact_point
from sms_service.security.tokens import new_row_id
from sms_service.usecases.broadcasts import (
    approve_broadcast,
    broadcast_named,
    draft_broadcast,
    preview_broadcast,
    progress_of,
    recall_broadcast,
    refuse_broadcast,
    submit_broadcast,
)
from sms_service.usecases.enrol import set_consents
from sms_service.usecases.expand_broadcast import due_broadcasts, expand_broadcast, finish_broadcasts
from sms_service.usecases.faults import UseFault
from sms_service.usecases.outbound_switch import hold
from tests.service import Service
from tests.usecases.dialling import command
from tests.usecases.site import NOW, Site

TEXTS = {
    "rw": "Servas: inama itaha ni ku wa Gatatu saa munani (14:00).",
    "fr": "Servas: prochaine réunion mercredi à 14:00.",
    "en": "Servas: the next meeting is on Wednesday at 14:00.",
    "sw": "Servas: mkutano ujao ni Jumatano saa nane (14:00).",
}


def two_groups(site: Site, people: int = 1) -> None:
    site.group("G07")
    site.group("G08")
    for code in ("G07", "G08"):
        for _ in range(people):
            site.person(code)


def started(site: Site, *codes: str) -> int:
    """A broadcast to these groups, approved and past its wait; its row id."""
    author, approver = site.staff("anne", "staff"), site.staff("ben", "safeguarding")
    code = draft_broadcast(site.context, author, codes, TEXTS)
    submit_broadcast(site.context, code, author)
    if len(codes) > 1:
        approve_broadcast(site.context, code, approver)
    site.at(NOW + timedelta(seconds=site.context.broadcast_delay_seconds + 60))
    with site.context.database.begin() as db:
        return int(broadcast_named(db, code).id)


def sent(site: Site) -> list[str]:
    return [row.key for row in site.texts(outbox.c.kind == "broadcast")]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("rw", ""),
        ("en", "Hello: the next meeting is on Wednesday."),
        ("fr", "Servas: réunion bientôt."),
        ("en", "Servas: " + "a" * 153),
        ("en", "Servas: we talk about violence."),
        ("en", "Servas: see http://example.org now"),
        ("en", "Servas: see example.com now"),
        ("en", "Servas: meeting on {day}."),
        ("en", "Servas: call 114 now."),
        ("en", "Servas: replies are free."),
    ],
)
def test_each_language_is_linted(site: Site, language: str, text: str) -> None:
    """S1, S2, S6, S7, S38: refused at drafting, with the language's field named."""
    two_groups(site)
    with site.context.database.begin() as db:
        db.execute(
            insert(directory_entry).values(
                id=new_row_id(),
                slot="health",
                name="Line",
                kind="health",
                phone="114",
                area="all",
                hours="all",
                cost="none",
                verified_on=NOW - timedelta(days=91),
                valid_until=NOW - timedelta(days=1),
                created_at=NOW,
            )
        )
    with pytest.raises(UseFault) as caught:
        draft_broadcast(site.context, site.staff("anne", "staff"), ["G07", "G08"], {**TEXTS, language: text})
    assert {one.field for one in caught.value.faults} == {f"text_{language}"}


def test_typographic_marks_are_folded_not_refused(site: Site) -> None:
    two_groups(site)
    code = draft_broadcast(site.context, site.staff("anne", "staff"), ["G07"], {**TEXTS, "rw": "Servas: y’inama – 14:00…"})
    with site.context.database.begin() as db:
        assert preview_broadcast(site.context, db, code).texts["rw"] == "Servas: y'inama - 14:00..."


def test_the_author_never_approves_and_only_two_roles_do(site: Site) -> None:
    """S40: two people for more than one group."""
    two_groups(site)
    author = site.staff("anne", "staff", "safeguarding")
    code = draft_broadcast(site.context, author, ["G07", "G08"], TEXTS)
    assert submit_broadcast(site.context, code, author) == "waiting"
    for who in (author, site.staff("carl", "admin"), site.staff("dina", "facilitator"), "Snobody"):
        with pytest.raises(UseFault):
            approve_broadcast(site.context, code, who)
    starts_at = approve_broadcast(site.context, code, site.staff("ben", "staff"))
    assert timedelta(minutes=5) <= starts_at - NOW < timedelta(minutes=6)


def test_one_group_needs_no_second_person_but_the_wait(site: Site) -> None:
    two_groups(site)
    broadcast_id = started(site, "G07")
    site.at(NOW + timedelta(minutes=4))
    assert not expand_broadcast(site.context, broadcast_id)
    assert sent(site) == []
    site.at(NOW + timedelta(minutes=7))
    assert expand_broadcast(site.context, broadcast_id)
    assert len(sent(site)) == 1


def test_a_stranger_to_the_role_writes_none(site: Site) -> None:
    two_groups(site)
    for login, roles in (("a", ("admin",)), ("f", ("facilitator",)), ("r", ("read_only",)), ("n", ())):
        who = site.staff(login, *roles)
        with pytest.raises(UseFault):
            draft_broadcast(site.context, who, ["G07"], TEXTS)


def test_everyone_left_out_is_counted_with_the_reason(site: Site) -> None:
    """S40: exclusions with reasons. A number counts once however many people share it (S9)."""
    two_groups(site)
    stopped, frozen, opted, silent, held, capped, new = (site.person() for _ in range(7))
    site.person(opted_in=False)
    site.person(phone="", phone_ownership="none")
    shared: dict[str, Any] = {"phone": "0799000001", "phone_ownership": "shared_partner"}
    site.person("G07", **shared)
    site.person("G08", **shared)
    set_consents(site.context, silent, [], "oral", "command")
    hold(site.context, "person", held, True, "command")
    points = {code: site.contact_of(code).number_id for code in (stopped, frozen, opted, capped)}
    with site.context.database.begin() as db:
        numbers.change(db, points[stopped], stopped_at=NOW)
        numbers.change(db, points[frozen], frozen_at=NOW)
        numbers.change(db, points[opted], network_opt_out_at=NOW)
    template = {**site.texts()[0]._mapping, "state": "delivered", "kind": "scheduled", "not_before": NOW}
    with site.context.database.begin() as db:
        for n in range(3):
            again = {
                **template,
                "id": new_row_id(),
                "key": f"seen:{n}",
                "number_id": points[capped],
                "dialogue_id": None,
            }
            db.execute(insert(outbox).values(**again))
    code = draft_broadcast(site.context, site.staff("anne", "staff"), ["G07", "G08"], TEXTS)
    with site.context.database.begin() as db:
        preview = preview_broadcast(site.context, db, code)
    reasons = ("no_phone", "no_consent", "not_opted_in", "held", "stopped", "network_opt_out", "frozen", "cap_reached")
    assert preview.excluded == dict.fromkeys(reasons, 1)
    assert preview.recipients == 4
    assert new
    assert preview.cost == 4 * site.context.price_per_segment
    assert preview.languages == {"rw": 4}


def test_expansion_goes_on_where_it_stopped_and_doubles_nothing(site: Site) -> None:
    """Chunks with a unique key: a chunk repeated after a crash writes nothing again (I7)."""
    two_groups(site, people=3)
    broadcast_id = started(site, "G07", "G08")
    with site.context.database.begin() as db:
        assert due_broadcasts(db, site.context.now(db)) == [broadcast_id]
    assert not expand_broadcast(site.context, broadcast_id, chunk=2)
    with site.context.database.begin() as db:
        broadcasts.change(db, broadcast_id, expanded_to=0)
    for done in (False, False, False, True, True):
        assert expand_broadcast(site.context, broadcast_id, chunk=2) is done
    keys = sent(site)
    assert len(keys) == len(set(keys)) == 6
    assert keys[0].startswith(f"bc:{broadcast_id}:")
    with site.context.database.begin() as db:
        assert due_broadcasts(db, site.context.now(db)) == []


def test_expansion_pauses_while_too_many_wait(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    two_groups(site, people=3)
    broadcast_id = started(site, "G07", "G08")
    monkeypatch.setattr("sms_service.usecases.expand_broadcast.MOST_WAITING", 1)
    expand_broadcast(site.context, broadcast_id, chunk=2)
    assert not expand_broadcast(site.context, broadcast_id, chunk=2)
    assert len(sent(site)) == 2


def test_recall_stops_what_has_not_gone_and_writes_no_more(site: Site) -> None:
    two_groups(site, people=2)
    broadcast_id = started(site, "G07", "G08")
    expand_broadcast(site.context, broadcast_id, chunk=2)
    with site.context.database.begin() as db:
        row = broadcasts.get(db, broadcast_id)
        assert row is not None
        last = outbox.c.key == f"bc:{broadcast_id}:{row.expanded_to}"
        db.execute(update(outbox).where(last).values(state="accepted"))
    assert recall_broadcast(site.context, row.code, "Sanne") == 1
    assert expand_broadcast(site.context, broadcast_id)
    with site.context.database.begin() as db:
        assert progress_of(db, broadcast_id) == {"accepted": 1, "cancelled": 1}
    with pytest.raises(UseFault):
        recall_broadcast(site.context, row.code, "Sanne")


def test_rows_leave_in_safe_hours_and_the_broadcast_ends(site: Site) -> None:
    two_groups(site)
    code = site.person()
    contact = site.contact_of(code)
    with site.context.database.begin() as db:
        db.execute(update(contact_point).where(contact_point.c.id == contact.id).values(safe_hours="Wed 15:00-16:00"))
    broadcast_id = started(site, "G07")
    expand_broadcast(site.context, broadcast_id)
    rows = {row.number_id: row for row in site.texts(outbox.c.kind == "broadcast")}
    assert rows[contact.number_id].not_before == NOW + timedelta(hours=6)
    assert {(row.lane, row.template, row.text_class) for row in rows.values()} == {(3, "broadcast", "A")}
    assert finish_broadcasts(site.context) == 0
    with site.context.database.begin() as db:
        db.execute(update(outbox).where(outbox.c.kind == "broadcast").values(state="delivered"))
    assert finish_broadcasts(site.context) == 1


def test_a_form_sent_twice_makes_one_draft_and_a_refused_one_ends(site: Site) -> None:
    two_groups(site)
    author, once = site.staff("anne", "staff"), new_row_id()
    code = draft_broadcast(site.context, author, ["G07", "G08"], TEXTS, once)
    assert draft_broadcast(site.context, author, ["G07", "G08"], TEXTS, once) == code
    submit_broadcast(site.context, code, author)
    refuse_broadcast(site.context, code, site.staff("ben", "staff"))
    with pytest.raises(UseFault):
        approve_broadcast(site.context, code, "Sben")
    with site.context.database.begin() as db:
        acts = [row.act for row in db.execute(audit.select())]
    assert {"broadcast.draft", "broadcast.submit", "broadcast.refuse"} <= set(acts)


@pytest.mark.parametrize("held", [b"en = ", b"\xff", b"en = " + b"9" * 5_000, b".".join([b"a"] * 5_000) + b" = 1"])
def test_a_message_file_that_cannot_be_read_is_a_sentence(service: Service, tmp_path: Path, held: bytes) -> None:
    """Bad input on the command line: what is wrong with the file, never a traceback."""
    (tmp_path / "words.toml").write_bytes(held)
    words = ("--group", "G01", "--message-file", str(tmp_path / "words.toml"), "--author", "S00001")
    done = command(service, tmp_path, "broadcast", *words)
    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit)
    assert "words.toml" in done.output
