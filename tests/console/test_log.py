"""The log, the search and the thread: what they show, what they hold back, and to whom (S31, S32, T7, T13)."""

from __future__ import annotations

from datetime import timedelta
from html import escape

import pytest

from handlers.console.log import read_place, write_place
from sms_service.models import audit, search
from sms_service.text.search_words import search_words
from sms_service.usecases import read_log, reveal
from sms_service.usecases.context import Context
from sms_service.usecases.faults import UseFault
from sms_service.usecases.read_log import Filter, Place
from tests.console.conftest import Browsers
from tests.console.world import HELD, MARKUP, PLAIN, World


def test_the_log_shows_texts_and_dials_newest_first(context: Context, world: World) -> None:
    with context.database.begin() as db:
        lines = read_log.page(context, db, Filter(), limit=50)
    assert [line.source for line in lines] == ["dial", "dial", "dial", "in", "in", "in", "out"]
    assert [line.at for line in lines] == sorted((line.at for line in lines), reverse=True)
    assert {line.people for line in lines} == {(world.person,), (world.other,)}


def test_a_flagged_text_is_held_in_lists_for_everyone(browsers: Browsers, world: World) -> None:
    """S32: masked for the safeguarding role too; its own page asks why."""
    for role in ("staff", "safeguarding"):
        browser = browsers(role)
        for path in ("/console/log", f"/console/people/{world.person}/thread", "/console/log/fresh?live=1"):
            _, page = browser.get(path)
            assert "held - safeguarding" in page
            assert HELD not in page
            assert PLAIN in page


def test_a_pin_turn_shows_its_verdict_only(browsers: Browsers, world: World) -> None:
    """Reliability section 3: digits are never stored, the page says right, wrong or locked."""
    _, page = browsers("staff").get(f"/console/people/{world.person}/thread")
    assert "PIN wrong" in page


def test_markup_in_a_text_is_shown_as_text(browsers: Browsers, world: World) -> None:
    """T7, W11: in the log, the thread and the search's answer."""
    browser = browsers("staff")
    pages = [browser.get("/console/log")[1], browser.get(f"/console/people/{world.other}/thread")[1]]
    pages.append(browser.post("/console/log/search", {"words": "alert onerror"})[1])
    for page in pages:
        assert escape(MARKUP, quote=False) in page.replace("&#34;", '"')
        assert MARKUP not in page


def test_search_finds_whole_words_and_never_a_held_text(context: Context, world: World) -> None:
    """T13, S32: all words, any case; held texts have no index rows."""
    wanted = {"gitondo": 1, "NZAZA Gitondo": 1, "nzaza saa": 0, "gito": 0, "gupfa": 0, "ndashaka": 0, "muzaza yego": 1}
    with context.database.begin() as db:
        found = {words: len(read_log.find_words(context, db, Filter(), words, limit=50)) for words in wanted}
    assert found == wanted


def test_a_held_text_is_not_found_even_when_an_index_row_exists(context: Context, world: World) -> None:
    """T13: the query itself leaves flagged rows out, whatever the index says."""
    with context.database.begin() as db:
        digest = context.vault.text_hash("text", HELD)
        search.index(db, {digest: [context.vault.word_hash(word) for word in search_words(HELD)]})
        assert read_log.find_words(context, db, Filter(), "gupfa", limit=50) == []


def test_a_collision_of_word_hashes_shows_nothing(context: Context, world: World) -> None:
    """T13: what the truncated index offers is opened and compared."""
    with context.database.begin() as db:
        search.index(db, {context.vault.text_hash("text", PLAIN): [context.vault.word_hash("isoko")]})
        assert read_log.find_words(context, db, Filter(), "isoko", limit=50) == []


def test_search_is_a_form_and_its_words_reach_no_address(browsers: Browsers, world: World) -> None:
    """I16: by POST only; every address on the answer is free of the word."""
    browser = browsers("staff")
    assert browser.client.get("/console/log/search?words=gitondo").status_code == 405
    status, page = browser.post("/console/log/search", {"words": "gitondo"})
    assert status == 200
    assert PLAIN in page
    assert all("gitondo" not in part.split('"')[0] for part in page.split('href="')[1:])


def test_nonsense_in_the_search_is_no_fault(browsers: Browsers, world: World) -> None:
    browser = browsers("staff")
    for words, status in (("", 422), ("   ", 422), ("x" * 201, 422), ("%_'\"", 200)):
        assert browser.post("/console/log/search", {"words": words})[0] == status


FILTERS = (
    (Filter(person="P1001"), 6),
    (Filter(person="P1002"), 1),
    (Filter(person="P0000"), 0),
    (Filter(group="G07"), 6),
    (Filter(group="G08"), 1),
    (Filter(channel="ussd"), 3),
    (Filter(channel="sms"), 4),
    (Filter(direction="out"), 1),
    (Filter(direction="in"), 6),
    (Filter(channel="ussd", direction="out"), 0),
    (Filter(state="delivered"), 1),
    (Filter(state="done", channel="sms"), 3),
    (Filter(language="rw"), 7),
    (Filter(language="fr"), 0),
)


def test_filters(context: Context, world: World) -> None:
    with context.database.begin() as db:
        found = [(wanted, len(read_log.page(context, db, wanted, limit=50))) for wanted, _ in FILTERS]
    assert found == list(FILTERS)


def test_days_are_those_of_kigali(context: Context, world: World) -> None:
    with context.database.begin() as db:
        lines = read_log.page(context, db, Filter(), limit=50)
        day = (lines[-1].at + timedelta(hours=2)).date()
        early = read_log.page(context, db, Filter(first_day=day, last_day=day), limit=50)
        none = read_log.page(context, db, Filter(first_day=day + timedelta(days=9)), limit=50)
    assert lines[-1].id in {line.id for line in early}
    assert all((line.at + timedelta(hours=2)).date() == day for line in early)
    assert none == []


def test_pages_follow_each_other_without_gap_or_repeat(context: Context, world: World) -> None:
    with context.database.begin() as db:
        whole = [line.id for line in read_log.page(context, db, Filter(), limit=50)]
        seen: list[int] = []
        place: Place | None = None
        while lines := read_log.page(context, db, Filter(), limit=2, before=place):
            seen += [line.id for line in lines]
            place = lines[-1].place
    assert seen == whole


def test_the_live_list_brings_what_came_since(context: Context, browsers: Browsers, world: World) -> None:
    browser = browsers("staff")
    answer = browser.client.get("/console/log/fresh?live=1")
    newest = answer.headers["X-Newest"]
    with context.database.begin() as db:
        world.sms_in(db, world.ids[f"number {world.other}"], "ndahari rwose", world.now + timedelta(minutes=5))
    page = browser.client.get("/console/log/fresh", query_string={"live": 1, "after": newest}).get_data(as_text=True)
    assert "ndahari rwose" in page
    assert PLAIN not in page


def test_a_place_that_is_none_is_left_out(browsers: Browsers) -> None:
    browser = browsers("staff")
    for given in ("", "x", "2026-01-01~", "2026-01-01T00:00:00~1", "nonsense~12", f"2026-01-01~{'9' * 30}"):
        assert read_place(given) is None
        assert browser.client.get("/console/log", query_string={"before": given, "state": "x"}).status_code == 200


def test_a_place_is_read_as_it_was_written(world: World) -> None:
    place = Place(world.now, 2**62)
    assert read_place(write_place(place)) == place


def test_on_a_shared_number_a_known_speaker_is_not_shown_to_the_others_thread(context: Context, world: World) -> None:
    """S9, S10: a text that is known to be one person's is in that thread only; an unknown one is in both."""
    from sms_service.models.people import contact_point

    shared = world.ids[f"number {world.person}"]
    with context.database.begin() as db:
        world.put(
            db,
            contact_point,
            person_id=world.ids[world.other],
            number_id=shared,
            ownership="shared_partner",
            channels=["sms"],
            created_at=world.now,
        )
        lines = read_log.page(context, db, Filter(person=world.other), limit=50)
    assert PLAIN in {line.words for line in lines}, "nobody knows whose this text is"
    assert not [line for line in lines if line.source == "out"], "the reminder was to the other person"


def test_opening_a_held_text_asks_why_and_is_audited(context: Context, browsers: Browsers, world: World) -> None:
    """S32, I17: a warning first, then the words once, with one audit entry."""
    browser = browsers("safeguarding")
    _, page = browser.get("/console/log")
    path = next(part.split('"')[0] for part in page.split('href="') if part.startswith("/console/log/in/"))
    _, warning = browser.get(path)
    assert HELD not in warning
    assert browser.post(path, {"reason": " "})[0] == 422
    status, page = browser.post(path, {"reason": "to prepare the call"})
    assert status == 200
    assert HELD in page
    with context.database.begin() as db:
        opened = audit.latest(db, 10, act="text.open")
    assert len(opened) == 1


def test_only_a_held_text_opens_that_way(browsers: Browsers, context: Context, world: World) -> None:
    """T12: an id of an ordinary text answers like one that does not exist."""
    browser = browsers("safeguarding")
    with context.database.begin() as db:
        plain = next(line for line in read_log.page(context, db, Filter(), limit=50) if line.words == PLAIN)
    for row_id in (plain.id, 12345, 2**63):
        assert browser.get(f"/console/log/in/{row_id}")[0] == 404


def test_a_role_without_the_right_opens_no_held_text(context: Context, browsers: Browsers, world: World) -> None:
    """S32: the use case refuses by itself, not only the page."""
    from sms_service.usecases.sign_in import SignedIn

    me = SignedIn(1, 1, "S1", "s", "S", "en", frozenset({"staff"}), None, True)
    with context.database.begin() as db:
        held = next(line for line in read_log.page(context, db, Filter(), limit=50) if line.held)
    with pytest.raises(UseFault):
        reveal.open_held(context, me, "in", held.id, "curious")


def test_a_staff_alert_shows_no_answer_code(context: Context, browsers: Browsers, world: World) -> None:
    """S25: the code that acknowledges an alert is for the duty phone."""
    with context.database.begin() as db:
        text = "Servas: RED C1042, 1 open, since 15:42. Reply 7731 = I have it. See the console."
        world.sms_out(db, world.ids[f"number {world.other}"], text, world.now, kind="alert", template="alert", lane=0)
    _, page = browsers("staff").get("/console/log")
    assert "7731" not in page
    assert "alert to staff" in page
