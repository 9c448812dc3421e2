"""The callbacks over HTTP on both databases: every raw payload, W1-W15 each, locks, receipts, and posts in parallel."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from sms_service.database import Database
from sms_service.models.base import metadata
from sms_service.models.concerns import concern
from sms_service.models.dialogues import dialogue_event
from sms_service.models.dials import dial, turn
from sms_service.models.inbound import inbound
from sms_service.models.numbers import number
from sms_service.models.outbox import outbox, parked_report
from tests.gateway.payloads import DELIVERY, FORM, GOOD, OPT_OUT, PAYLOADS, SMS, changed
from tests.service import PREFIX, Service

PATHS = {"sms": "sms", "ussd": "ussd", "end": "ussd-end", "delivery": "delivery", "opt_out": "opt-out"}
CALLER = "+250788001001"
WATCHED = [table for table in metadata.sorted_tables if table.name not in ("service_state", "channel")]


def rows(db: Connection) -> dict[str, int]:
    """How many rows each table holds."""
    return {table.name: db.execute(select(func.count()).select_from(table)).scalar_one() for table in WATCHED}


def count(service: Service, table: Any, *where: Any) -> int:
    with service.context.database.begin() as db:
        return int(db.execute(select(func.count()).select_from(table).where(*where)).scalar_one())


def test_every_payload_gets_its_status(service: Service) -> None:
    """W2-W10, W13: the table's status over HTTP; a refusal changes no row; never a 5xx; a turn is CON or END."""
    wrong = []
    for one in PAYLOADS:
        with service.context.database.begin() as db:
            before = rows(db)
        answer = service.post(PATHS[one.kind], one.body, one.content_type)
        said = answer.get_data(as_text=True)
        expected = (409,) if one.kind == "ussd" and answer.status_code == 409 else (one.expected_status,)
        if answer.status_code not in expected:
            wrong.append(f"{one.name}: {answer.status_code} {said[:60]}")
        if answer.status_code != 200:
            with service.context.database.begin() as db:
                if rows(db) != before:
                    wrong.append(f"{one.name}: refused, and yet something changed")
        elif one.kind == "ussd" and not said.startswith(("CON ", "END ")):
            wrong.append(f"{one.name}: the turn was answered {said[:20]!r}")
        elif one.kind != "ussd" and said != "OK":
            wrong.append(f"{one.name}: {said[:40]!r}")
    assert not wrong, "\n".join(wrong)
    service.work()
    assert count(service, inbound, inbound.c.state == "new") == 0


@pytest.mark.parametrize("kind", sorted(PATHS))
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
def test_only_post_is_taken(service: Service, kind: str, method: str) -> None:
    """W1: any other method is 405 and changes nothing."""
    path = f"{PREFIX}/{service.secret}/{PATHS[kind]}"
    answer = service.app.test_client().open(path, method=method, data=GOOD[kind], content_type=FORM)
    assert answer.status_code == 405
    assert count(service, inbound) == count(service, dial) == count(service, number) == 0


def test_fields_of_the_query_are_not_read(service: Service) -> None:
    """W2: only the body counts."""
    path = f"{PREFIX}/{service.secret}/sms?id=1&from=0788001001&to=1234&text=Yego"
    assert service.app.test_client().post(path, data=b"", content_type=FORM).status_code == 400
    assert count(service, inbound) == 0


def test_a_body_without_a_length_is_read_up_to_the_limit(service: Service) -> None:
    """W3: a chunked body counts too; 64 KiB and one byte is too much."""
    path = f"{PREFIX}/{service.secret}/sms"
    for extra, status in ((0, 200), (1, 413)):
        body = SMS + b"&pad=" + b"x" * (65_536 - len(SMS) - 5 + extra)
        answer = service.app.test_client().post(path, data=body, content_type=FORM)
        assert answer.status_code == status


@pytest.mark.parametrize("kind", sorted(PATHS))
def test_a_wrong_secret_is_an_unknown_path(service: Service, kind: str) -> None:
    """W15: a wrong or retired secret is answered like any unknown path, byte for byte."""
    client = service.app.test_client()
    unknown = client.post("/callbacks/nothing/here", data=GOOD[kind], content_type=FORM)
    for secret in ("x", service.secret[:-1], service.secret + "x", service.secret.upper(), "%C3%A9" * 4):
        answer = service.post(PATHS[kind], GOOD[kind], secret=secret)
        assert (answer.status_code, answer.data) == (404, unknown.data)
    assert count(service, inbound) == count(service, dial) == 0


def test_the_same_text_again_is_stored_and_answered_once(service: Service) -> None:
    """W12, W13, I2, S42: a provider's id counts once, whatever else the body says; so do a report and an opt-out."""
    for text in ("mfasha", "mfasha", "ntabara"):
        assert service.text(CALLER, text, provider_id="same").data == b"OK"
        service.work()
    assert count(service, inbound) == 1
    assert count(service, concern) == 1
    assert [text for _, text, _ in service.gateway.sent] == ["Servas: murakoze. Tuzabahamagara ku bijyanye n'inama."]
    for _ in range(3):
        assert service.post("delivery", DELIVERY).data == b"OK"
        assert service.post("opt-out", OPT_OUT).data == b"OK"
    assert count(service, parked_report) == 1


def test_what_nobody_knows_is_accepted_and_changes_nothing(service: Service) -> None:
    """W7, W13: an unknown status, message id, session or number is 200 without effect."""
    assert service.post("delivery", changed(DELIVERY, "status", b"Borked")).status_code == 200
    assert service.post("delivery", changed(DELIVERY, "id", b"None")).status_code == 200
    assert service.post("ussd-end", GOOD["end"]).status_code == 200
    assert count(service, parked_report) == count(service, dial) == count(service, outbox) == 0


def test_the_text_is_kept_as_decoded_and_answers_echo_nothing(service: Service) -> None:
    """W10, W11, W14: stored as data, control characters out, spaces kept; the answer is a short plain OK."""
    written = "  =cmd|' /C calc'!A0 \x00<script>{{7*7}}</script>\u202e\n\t'; DROP TABLE inbound;--  "
    answer = service.text(CALLER, written)
    assert (answer.status_code, answer.data, answer.content_type) == (200, b"OK", "text/plain; charset=utf-8")
    with service.context.database.begin() as db:
        row = db.execute(select(inbound)).one()
    assert service.context.vault.open("inbound", "body", row.id, row.body) == written.replace("\x00", "")


def test_a_name_as_sender_is_kept_unattributed_and_never_answered(service: Service) -> None:
    """W9: networks write from names; the text is read for crisis and nobody is answered."""
    assert service.text("MTN", "Muraho").status_code == 200
    service.work()
    with service.context.database.begin() as db:
        row = db.execute(select(inbound)).one()
    assert (row.number_id, row.state) == (None, "done")
    assert service.context.vault.open("inbound", "sender", row.id, row.sender) == "MTN"
    assert not service.gateway.sent


@pytest.mark.parametrize("spelt", ["+250788001001", " 250788001001", "0788001001", "788001001", "00250788001001"])
def test_one_person_under_every_spelling(service: Service, spelt: str) -> None:
    """W9: each spelling of a number is the same number."""
    service.text(CALLER, "muraho")
    service.text(spelt, "mwiriwe")
    assert count(service, number) == 1


@contextmanager
def locked(service: Service) -> Iterator[None]:
    """Another process holds the database against every writer; waits are a tenth of a second meanwhile."""
    database = service.base.database
    ordinary = (service.app.extensions["service"], service.app.extensions["ussd_service"])
    quick = replace(service.base, database=Database(database.url, wait_ms=100, pool=4))
    service.app.extensions["service"] = service.app.extensions["ussd_service"] = quick
    if database.is_postgresql:
        with database.engine.connect() as db, db.begin():
            db.exec_driver_sql("LOCK TABLE number, inbound, dial, turn IN ACCESS EXCLUSIVE MODE")
            yield
    else:
        held = sqlite3.connect(str(database.url.database), isolation_level=None)
        held.execute("BEGIN EXCLUSIVE")
        yield
        held.close()
    quick.database.dispose()
    service.app.extensions["service"], service.app.extensions["ussd_service"] = ordinary


def test_a_locked_database_is_503_or_an_apology_and_nothing_is_lost(service: Service) -> None:
    """I1, I15, W13, F14: never 200 without a commit; a turn is END with an apology; what comes again later is stored."""
    with locked(service):
        assert service.text(CALLER, "ntabara", provider_id="a").status_code == 503
        assert service.post("opt-out", OPT_OUT).status_code == 503
        apology = service.hop("ATUid_1", CALLER, "")
    assert (apology.status_code, apology.get_data(as_text=True)) == (
        200,
        "END Servas: ntibishobotse ubu. Mwongere muhamagare nyuma.",
    )
    assert count(service, inbound) == 0
    assert service.text(CALLER, "ntabara", provider_id="a").status_code == 200
    assert count(service, concern, concern.c.severity == "red") == 1


def test_a_dial_belongs_to_its_caller_and_code(service: Service) -> None:
    """T5: another number or service code on the same session is 409, and sees nothing of it."""
    service.hop("ATUid_1", CALLER, "")
    assert service.hop("ATUid_1", "+250788009999", "").status_code == 409
    assert service.hop("ATUid_1", CALLER, "1", code="*999#").status_code == 409
    assert count(service, turn) == 1


def test_the_same_turn_again_shows_the_same_screen_and_does_nothing_twice(service: Service) -> None:
    """I15: repeats and late older turns come from their receipts; one request, one concern."""
    screens = {}
    for typed in ("", "2", "2*3"):
        screens[typed] = service.hop("ATUid_1", CALLER, typed).data
    assert screens["2*3"].startswith(b"END ")
    for typed in ("2", "2*3", "", "2*3"):
        assert service.hop("ATUid_1", CALLER, typed).data == screens[typed]
    assert count(service, concern) == 1
    assert count(service, turn) == 3


def test_lost_histories_and_odd_keys_are_always_answered(service: Service) -> None:
    """I15, I22: whatever the history, the turn is 200 with CON or END."""
    service.hop("ATUid_1", CALLER, "")
    for typed in ("9*9*9", "****", "#", "2*", "2**", "\u0660", "1" * 500, "2*3*4*5"):
        answer = service.hop("ATUid_1", CALLER, typed)
        assert answer.status_code == 200
        assert answer.data[:4] in (b"CON ", b"END ")


def test_a_deep_dial_shows_the_menu(service: Service) -> None:
    """W13, V2: keys that came with the dial are set aside."""
    assert service.hop("ATUid_1", CALLER, "5").data.startswith(b"CON Servas")
    assert count(service, number, number.c.stopped_at.is_not(None)) == 0


def test_a_pin_is_nowhere_in_the_database(service: Service) -> None:
    """S11, T13: a PIN turn is kept as its verdict; neither the digits nor the history are stored."""
    for typed in ("", "2", "2*2", "2*2*4821"):
        service.hop("ATUid_1", CALLER, typed)
    with service.context.database.begin() as db:
        kept = db.execute(select(turn).order_by(turn.c.seq)).all()
        stored = [str(row._mapping) for table in (turn, dial, dialogue_event) for row in db.execute(select(table))]
    opened = [service.context.vault.open("turn", "typed", row.id, row.typed) for row in kept if row.typed]
    assert kept[-1].value == "PIN wrong"
    assert not [text for text in (*stored, *opened) if "4821" in text]


def test_twenty_identical_posts_at_once_make_one_row_and_one_reply(service: Service) -> None:
    """F31, I2, I3: in parallel, ten rounds; workers drain while posts still come."""
    with ThreadPoolExecutor(20) as pool:
        for round_no in range(10):
            start = threading.Barrier(20)
            caller = f"+25078800{round_no:04d}"

            def post(_: int, caller: str = caller, start: threading.Barrier = start, round_no: int = round_no) -> int:
                start.wait()
                return service.text(caller, "mfasha", provider_id=f"r{round_no}").status_code

            answers = list(pool.map(post, range(20)))
            assert set(answers) <= {200, 503}
            assert 200 in answers
    service.work()
    assert count(service, inbound) == 10
    assert count(service, outbox, outbox.c.kind == "reply") == 10
    assert len(service.gateway.sent) == 10


def test_different_texts_at_once_from_one_number_are_taken_one_by_one(service: Service) -> None:
    """I4, I6, F32: a stop and a crisis among them are honoured, and each text has its own result."""
    texts = ["stop", "ntabara", "1", "mfasha", "murakoze", "2", "yego", "oya"]
    with ThreadPoolExecutor(8) as pool:
        assert {answer.status_code for answer in pool.map(lambda one: service.text(CALLER, one), texts)} == {200}
    service.work()
    assert count(service, inbound, inbound.c.state == "done") == len(texts)
    assert count(service, number, number.c.stopped_at.is_not(None)) == 1
    assert count(service, concern, concern.c.severity == "red") == 1


def test_health_tells_the_truth(service: Service) -> None:
    """I21, I16: live and ready are plain; what is degraded is named; nothing personal is shown."""
    client = service.app.test_client()
    service.tick()
    service.text(CALLER, "ntabara")
    ready = client.get("/health/ready")
    assert (client.get("/health/live").status_code, ready.status_code) == (200, 200)
    assert {"nobody on duty", "alert unacknowledged"} <= set(ready.get_json()["degraded"])
    shown = ready.get_data(as_text=True) + client.get("/metrics").get_data(as_text=True)
    assert "788001001" not in shown
    assert "ntabara" not in shown
