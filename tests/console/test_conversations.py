"""The conversation pages: what runs and what waits, one version in full, two people to publish, a handset that reaches nobody."""

from __future__ import annotations

import io
import re
from collections import OrderedDict
from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import func, select, update

from sms_service import paths
from sms_service.conversation.faults import Fault
from sms_service.conversation.play import run_transcript
from sms_service.conversation.version import version_of
from sms_service.database import Database
from sms_service.models.base import metadata
from sms_service.models.draft_replays import draft_replay
from sms_service.usecases import conversation_pages, versions
from sms_service.usecases.context import Context
from sms_service.usecases.draft_replay import Difference, DraftReplay
from sms_service.usecases.keep_draft_replay import replay_waiting
from sms_service.usecases.read_versions import list_versions
from tests.console.conftest import Browser, Browsers
from tests.console.world import World
from tests.releases import reworded

CHECKIN = "/console/conversations/checkin"
TRY = f"{CHECKIN}/1/try"
HUGE = "checkin/99999999999999999999"


@pytest.fixture
def draft(context: Context, world: World, accounts: dict[str, str]) -> int:
    """A draft of the weekly check-in, brought in by the administrator: its number."""
    version = reworded(version_of(context.conversations["checkin"]))
    return versions.import_versions(context, [version], accounts["admin"], "console")[0].number


def states(context: Context) -> dict[int, str]:
    with context.database.begin() as db:
        return {one.number: one.state for one in list_versions(context, db, "checkin")}


def test_the_list_says_what_runs_what_waits_and_what_is_unreviewed(browsers: Browsers, draft: int) -> None:
    status, page = browsers("read_only").get("/console/conversations")
    assert status == 200
    rows = {found[0]: found[1] for found in re.findall(r'<tr>.*?conversations/(\w+)">(.*?)</tr>', page, re.DOTALL)}
    assert {"checkin", "home", "notices"} <= set(rows)
    assert f"Version {draft}" in rows["checkin"]
    assert "Version 1" in rows["home"]
    assert f"Version {draft}" not in rows["home"]
    assert rows["checkin"].count("Awaits native review") >= 4


@pytest.mark.parametrize("path", ["checkin", "home", "notices", "checkin/1"])
def test_a_version_is_shown_with_words_diagram_and_check(browsers: Browsers, world: World, path: str) -> None:
    status, page = browsers("staff").get(f"/console/conversations/{path}")
    assert status == 200
    assert ("<svg" in page and 'id="steps"' in page) == (path != "notices")
    assert re.search(r"\d+/160", page)
    assert "Kinyarwanda" in page


@pytest.mark.parametrize(
    "path",
    [
        "nothing",
        "checkin/99",
        "checkin/99/try",
        "notices/1/try",
        "notices/1/diagram.svg",
        "checkin/0",
        HUGE,
        f"{HUGE}/try",
        "a%00b",
        "a%00b/1/try",
    ],
)
def test_what_is_not_there_is_the_same_404(browsers: Browsers, world: World, path: str) -> None:
    """T12."""
    assert browsers("staff").get(f"/console/conversations/{path}")[0] == 404


def test_a_version_is_checked_outside_of_any_transaction(
    browsers: Browsers, context: Context, draft: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proof takes its time, and on SQLite a transaction holds up every dial meanwhile."""
    checked: list[str] = []
    other = Database(context.database.url, wait_ms=50)

    def check(_conversations: object, *_given: object) -> list[Fault]:
        with other.begin() as db:
            checked.append(str(context.now(db)))
        return []

    monkeypatch.setattr(conversation_pages, "check_all", check)
    monkeypatch.setattr(conversation_pages, "_checked", OrderedDict())
    assert browsers("staff").get(f"{CHECKIN}/{draft}")[0] == 200
    other.dispose()
    assert len(checked) == 1


def test_a_draft_shows_what_it_would_change(browsers: Browsers, draft: int) -> None:
    page = browsers("staff").get(f"{CHECKIN}/{draft}")[1]
    assert "Words in Kiswahili" in page
    assert "<del>Servas: asante.</del>" in page
    assert "<ins>Servas: asante..</ins>" in page
    assert 'id="changes"' not in browsers("staff").get(CHECKIN)[1]


def test_two_people_publish_and_each_refusal_says_why(browsers: Browsers, context: Context, draft: int) -> None:
    """S40 in spirit, decision 4: who brought it in neither approves nor publishes; an older number again is the way back."""
    admin, other = browsers("admin"), browsers("safeguarding")
    decide = f"{CHECKIN}/{draft}/decide"
    assert 'value="approve"' not in admin.get(f"{CHECKIN}/{draft}")[1]
    assert 'value="approve"' in other.get(f"{CHECKIN}/{draft}")[1]
    assert admin.post(decide, {"act": "publish"})[0] == 422
    status, page = admin.post(decide, {"act": "approve"})
    assert status == 422
    assert "ask a second person" in page
    assert other.post(decide, {"act": "approve"})[0] == 303
    assert admin.post(decide, {"act": "publish"})[0] == 422
    assert states(context) == {1: "published", draft: "draft"}
    assert other.post(decide, {"act": "publish"})[0] == 303
    assert states(context) == {1: "retired", draft: "published"}
    assert admin.post(f"{CHECKIN}/1/decide", {"act": "publish"})[0] == 303
    assert states(context) == {1: "published", draft: "retired"}
    assert browsers("staff").post(decide, {"act": "publish"})[0] == 403


def test_a_draft_is_put_aside(browsers: Browsers, context: Context, draft: int) -> None:
    assert browsers("admin").post(f"{CHECKIN}/{draft}/decide", {"act": "withdraw"})[0] == 303
    assert states(context)[draft] == "retired"
    assert browsers("admin").post(f"{CHECKIN}/{draft}/decide", {"act": "nonsense"})[0] == 422


def test_a_language_is_signed_off_by_name_and_not_by_who_wrote_it(browsers: Browsers, draft: int) -> None:
    """Native review: the reviewer is named, on these very texts, and whoever brought them in is not the one to record it."""
    sign, sent = f"{CHECKIN}/{draft}/sign", {"language": "rw", "reviewer": "Mukamana R."}
    status, page = browsers("admin").post(sign, sent)
    assert status == 422
    assert "ask a second person" in page
    other = browsers("safeguarding")
    assert other.post(sign, {**sent, "reviewer": " "})[0] == 422
    assert other.post(sign, {**sent, "language": "de"})[0] == 422
    assert other.post(sign, sent)[0] == 303
    assert "Mukamana R." in other.get(f"{CHECKIN}/{draft}")[1]
    assert "Mukamana R." not in other.get(CHECKIN)[1]
    assert other.post(sign, sent)[0] == 422


def test_a_draft_is_replayed_in_the_background_and_its_result_stays(browsers: Browsers, context: Context, draft: int) -> None:
    """Asked for by a button, once at a time; the counts and their time are on the page, the running version untouched."""
    admin, path = browsers("admin"), f"{CHECKIN}/{draft}"
    assert browsers("staff").post(f"{path}/replay")[0] == 403
    assert admin.post(f"{path}/replay")[0] == 303
    assert "Being played" in admin.get(path)[1]
    assert admin.post(f"{path}/replay")[0] == 422
    assert replay_waiting(context) == 1
    page = admin.get(path)[1]
    assert "Dialogues: 0" in page
    assert "Play them again" in page
    assert replay_waiting(context) == 0
    assert states(context) == {1: "published", draft: "draft"}


@pytest.mark.parametrize(("role", "named"), [("safeguarding", True), ("staff", True), ("admin", False), ("read_only", False)])
def test_who_went_which_way_is_told_to_readers_of_the_log_alone(
    browsers: Browsers, context: Context, draft: int, role: str, named: bool
) -> None:
    """S31: the step somebody went to says what they answered; whoever may not open the log sees steps, and nobody's code."""
    browsers("admin").post(f"{CHECKIN}/{draft}/replay")
    found = DraftReplay("checkin", draft, 90, 1, 0, 1, differences=[Difference("P9731", "ask", "path", "thanks", "more")])
    with context.database.begin() as db:
        db.execute(update(draft_replay).values(state="done", result=found.to_json()))
    page = browsers(role).get(f"{CHECKIN}/{draft}")[1]
    assert ">more</td>" in page
    assert ("P9731" in page) == named


def test_a_replay_whose_process_ended_is_taken_again(browsers: Browsers, context: Context, draft: int) -> None:
    """F7 in spirit: one that fell silent is begun again; one that still speaks is left alone."""
    browsers("admin").post(f"{CHECKIN}/{draft}/replay")
    assert replay_waiting(context, lambda: False) == 1
    for age, taken in ((timedelta(seconds=30), 0), (timedelta(minutes=3), 1)):
        with context.database.begin() as db:
            silent = context.now(db) - age
            db.execute(update(draft_replay).values(state="running", beat_at=silent))
        assert replay_waiting(context) == taken


def sent_files(browser: Browser, act: str, **files: tuple[str, bytes]) -> tuple[int, str]:
    data = {"csrf_token": browser.csrf(), "act": act, **{name: (io.BytesIO(held), file) for name, (file, held) in files.items()}}
    answer = browser.client.post("/console/conversation-drafts", data=data, content_type="multipart/form-data")
    return answer.status_code, answer.get_data(as_text=True)


def test_a_draft_comes_in_by_upload_all_or_nothing(browsers: Browsers, context: Context, world: World) -> None:
    """I23: looked at first, refused whole with every fault and its place, then taken as a draft of the person who brought it."""
    admin = browsers("admin")
    good = (paths.templates_dir() / "conversations" / "checkin.toml").read_bytes().replace(b"hours = 72", b"hours = 48")
    bad = good.replace(b'answer = "scale"', b'answer = "scales"').replace(b"number = 9", b"number = 10")
    status, page = sent_files(admin, "do", definition=("checkin.toml", bad))
    assert status == 422
    found = [unescape(one) for one in re.findall(r"<b>checkin.toml</b>(.*?)</li>", page, re.DOTALL)]
    assert len(found) >= 2, page
    assert sent_files(admin, "look", definition=("checkin.toml", good))[0] == 200
    assert states(context) == {1: "published"}
    assert sent_files(admin, "do", definition=("checkin.toml", good))[0] == 303
    assert states(context) == {1: "published", 2: "draft"}
    page = admin.get(f"{CHECKIN}/2")[1]
    assert "closes_after_hours" in page
    assert admin.post(f"{CHECKIN}/2/decide", {"act": "approve"})[0] == 422
    assert sent_files(admin, "do", definition=("checkin.toml", good))[0] == 200


@pytest.mark.parametrize(
    ("file", "held"), [("a.toml", b"not = [toml"), ("a.exe", b"MZ"), ("words.csv", b"\xff\xfe"), ("words.xlsx", b"PK")]
)
def test_a_file_that_cannot_be_read_is_refused(browsers: Browsers, world: World, file: str, held: bytes) -> None:
    assert sent_files(browsers("admin"), "do", definition=(file, held))[0] == 422
    assert browsers("admin").post("/console/conversation-drafts", {"act": "do"})[0] == 422


def test_the_diagram_stands_by_itself_in_the_language_asked_for(browsers: Browsers, world: World) -> None:
    answer = browsers("staff").client.get(f"{CHECKIN}/1/diagram.svg?language=fr")
    assert answer.mimetype == "image/svg+xml"
    assert "merci." in answer.get_data(as_text=True)


def pressed(browser: Browser, page: str, **sent: str) -> tuple[int, str]:
    """The handset's form sent again with its state."""
    found = re.search(r'name="state" value="([^"]*)"', page)
    return browser.post(TRY, {"state": unescape(found.group(1)) if found else "", **sent})


def rows_of(context: Context) -> dict[str, int]:
    with context.database.begin() as db:
        tables = [table for name, table in metadata.tables.items() if name not in ("login", "service_state")]
        return {table.name: db.execute(select(func.count()).select_from(table)).scalar_one() for table in tables}


def test_the_handset_plays_a_version_and_stores_nothing(browsers: Browsers, context: Context) -> None:
    """Asked by SMS, not understood, on by USSD, the line dropped half-way, answered; no row is written and no text is queued."""
    browser = browsers("staff")
    status, page = browser.get(TRY)
    assert (status, "Begin" in page) == (200, True)
    before = rows_of(context)
    page = pressed(browser, "", act="begin", language="en", channel="sms")[1]
    assert "how was your week" in page
    page = pressed(browser, page, act="say", typed="the bus was late")[1]
    assert "Not understood" in page
    for act in ("ussd", "drop", "resume"):
        status, page = pressed(browser, page, act=act)
        assert status == 200
    page = pressed(browser, page, key="4")[1]
    assert "save_answer week 4" in page
    assert "the dialogue ends" in page
    assert pressed(browser, page, act="say", typed="more")[0] == 422
    assert rows_of(context) == before


def test_a_play_is_saved_as_a_transcript_that_passes(browsers: Browsers, context: Context) -> None:
    browser = browsers("staff")
    page = pressed(browser, "", act="begin", language="sw", channel="ussd")[1]
    page = pressed(browser, page, key="9")[1]
    status, recording = pressed(browser, page, act="save")
    assert status == 200
    assert recording.startswith("# conversation checkin, language sw, channel ussd")
    assert run_transcript("saved", recording, context.conversations, context.words, context.lexicon) == []


def test_a_text_too_long_is_not_said_on_the_handset(browsers: Browsers, world: World) -> None:
    """I22: what is refused is not kept in the form, which would grow past what may be sent."""
    browser = browsers("staff")
    page = pressed(browser, "", act="begin", language="en", channel="sms")[1]
    status, after = pressed(browser, page, act="say", typed="x" * 481)
    assert status == 422
    assert re.findall(r'name="state" value="([^"]*)"', after) == re.findall(r'name="state" value="([^"]*)"', page)


def test_a_version_no_column_counts_to_cannot_be_decided_about(browsers: Browsers, world: World) -> None:
    assert browsers("admin").post(f"/console/conversations/{HUGE}/decide", {"act": "approve"})[0] in (404, 422)


@pytest.mark.parametrize("state", ["", "nonsense", "WyJjaGVja2luIl0.forged"])
def test_a_state_that_is_not_ours_begins_anew(browsers: Browsers, world: World, state: str) -> None:
    status, page = browsers("staff").post(TRY, {"state": state, "act": "say", "typed": "4", "language": "en"})
    assert status == 200
    assert "save_answer" not in page


def test_the_service_answers_on_the_handset_as_it_is_told(browsers: Browsers, world: World) -> None:
    """Facts are made up by whoever plays: here no meeting is planned, and the phone is a facilitator's."""
    browser, path = browsers("staff"), "/console/conversations/home/1/try"
    chosen = {"language": "en", "channel": "ussd", "given_language_known": "1", "given_personal": "1"}
    status, page = browser.post(path, {"act": "begin", **chosen, "given_facilitator": "1", "fact_next_meeting": "none"})
    assert status == 200
    assert "6) Facilitator" in page
    state = re.search(r'name="state" value="([^"]*)"', page)
    assert state
    page = browser.post(path, {"state": unescape(state.group(1)), "key": "1", "fact_next_meeting": "none"})[1]
    assert "No meeting is planned" in page
    assert "fact next_meeting = none" in page


def test_the_pages_are_there_in_french(browsers: Browsers, draft: int) -> None:
    browser = browsers("admin")
    browser.post("/console/language", {"language": "fr"})
    page = browser.get(f"{CHECKIN}/{draft}")[1]
    for words in ("Ce qui change", "Relecture native", "Mots en Kiswahili", "dit, et finit"):
        assert words in page
    assert "Couper l&#39;appel" in pressed(browser, "", act="begin", language="fr", channel="ussd")[1]
