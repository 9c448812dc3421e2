"""From file to phone: what is imported waits, what is published runs everywhere at once, and nothing unreviewed reaches people."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import delete, func, select, update

from sms_service.conversation.parse import parse_conversation
from sms_service.conversation.version import NOTICES_NAME, Version, version_of
from sms_service.models.audit import audit
from sms_service.models.concerns import concern
from sms_service.models.schedules import occurrence
from sms_service.models.versions import conversation_version, text_review
from sms_service.usecases import versions
from sms_service.usecases.context import Context
from sms_service.usecases.faults import UseFault
from sms_service.usecases.published import NotPublished, Published
from sms_service.usecases.read_health import read_health
from sms_service.usecases.read_versions import changes, list_versions, newest_draft, one_version, reviews
from tests.releases import publish_another_release, reworded
from tests.service import Service
from tests.usecases.site import Site

CALLER = "+250788000001"


def draft_of(context: Context, name: str) -> Version:
    """What runs, in other words."""
    with context.database.begin() as db:
        context.now(db)
    return reworded(version_of(context.conversations[name]))


def brought_in(context: Context, name: str, actor: str = "S00001") -> int:
    made = versions.import_versions(context, [draft_of(context, name)], actor, "console")
    return made[0].number


def first_screen(service: Service, session: str) -> str:
    return service.hop(session, CALLER, "").get_data(as_text=True)


def test_an_import_waits_and_a_publication_runs_everywhere_at_once(service: Service) -> None:
    """Decision 4: a draft changes nothing; once published, the next dial shows it in every process, and the old one is retired."""
    before = first_screen(service, "d1")
    number = brought_in(service.context, "home")
    assert first_screen(service, "d2") == before
    versions.approve(service.context, "home", number, "S00002")
    versions.publish(service.context, "home", number, "S00002")
    assert first_screen(service, "d3") == f"{before}."
    with service.context.database.begin() as db:
        states = {one.number: one.state for one in list_versions(service.context, db, "home")}
    assert states == {1: "retired", 2: "published"}


def test_a_running_dialogue_ends_in_the_words_it_began_with(service: Service) -> None:
    """Decision 4: the dial that was open when another version was published goes on with its own steps and words."""
    screen = first_screen(service, "d1")
    publish_another_release(service.context)
    again = service.hop("d1", CALLER, "9").get_data(as_text=True)
    assert again == screen
    assert first_screen(service, "d2") == f"{screen}."


def test_the_way_back_is_to_publish_the_older_version_again(service: Service) -> None:
    """Decision 4: no version is ever changed, so the one before is still there, word for word."""
    before = first_screen(service, "d1")
    publish_another_release(service.context)
    versions.publish(service.context, "home", 1, "S00002")
    assert first_screen(service, "d2") == before


def test_the_same_files_make_no_second_version(context: Context) -> None:
    """Decision 4: importing again, by whomever, finds the version that is there."""
    version = draft_of(context, "checkin")
    assert [one.new for one in versions.import_versions(context, [version], "S00001", "console")] == [True]
    assert [one.new for one in versions.import_versions(context, [version], "S00002", "console")] == [False]
    with context.database.begin() as db:
        assert newest_draft(context, db, "checkin") == 2
        assert len(list_versions(context, db, "checkin")) == 2


REFUSALS: dict[str, tuple[Callable[[Context, int], None], str]] = {
    "not approved": (lambda context, number: versions.publish(context, "checkin", number, "S00002"), "is not approved yet"),
    "own approval": (lambda context, number: versions.approve(context, "checkin", number, "S00001"), "ask a second person"),
    "no such version": (lambda context, number: versions.publish(context, "checkin", number + 1, "S00002"), "there is no version"),
    "runs already": (lambda context, number: versions.publish(context, "checkin", 1, "S00002"), "is what runs already"),
    "no such language": (lambda context, number: versions.sign_off(context, "checkin", number, "de", "A B", "S1"), "no words in"),
    "own words": (lambda context, number: versions.sign_off(context, "checkin", number, "fr", "A B", "S00001"), "a second person"),
    "no draft": (lambda context, number: versions.withdraw(context, "checkin", 1, "S00002"), "is no draft"),
    "nobody named": (lambda context, number: versions.sign_off(context, "checkin", number, "fr", " ", "S1"), "name is needed"),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_what_is_refused_changes_nothing(context: Context, what: str) -> None:
    """S40 in spirit: two people publish; every refusal says why and leaves versions, sign-offs and audit as they were."""
    number = brought_in(context, "checkin")

    def kept() -> list[object]:
        with context.database.begin() as db:
            rows = [tuple(row) for row in db.execute(select(conversation_version).order_by(conversation_version.c.id))]
            counts = [db.execute(select(func.count()).select_from(table)).scalar() for table in (text_review, audit)]
        return [*rows, *counts]

    act, expected = REFUSALS[what]
    before = kept()
    with pytest.raises(UseFault, match=expected):
        act(context, number)
    assert kept() == before


@pytest.mark.parametrize(("brought", "approved", "published"), [("S00001", "S00002", "S00001"), ("command", "S00001", "S00001")])
def test_no_version_is_published_by_one_person_alone(context: Context, brought: str, approved: str, published: str) -> None:
    """S40 in spirit: of those who brought it in, approved and published it, two are different people; the way back needs one."""
    number = brought_in(context, "checkin", brought)
    versions.approve(context, "checkin", number, approved)
    with pytest.raises(UseFault, match="two people"):
        versions.publish(context, "checkin", number, published)
    versions.publish(context, "checkin", number, "S00003")
    versions.publish(context, "checkin", 1, published)
    versions.publish(context, "checkin", number, published)


def test_nobody_approves_their_own_words_under_another_persons_draft(context: Context) -> None:
    """S40 in spirit: a draft is laid over the newest one, so it holds that one's words whoever brought it in."""
    brought_in(context, "checkin", "S00001")
    over = reworded(reworded(version_of(context.conversations["checkin"])))
    with context.database.begin() as db:
        first = one_version(context, db, "checkin", 2)[1]
    assert over.conversation is not None
    entries = {**over.words.entries, "fr": first.words.entries["fr"]}
    words = replace(over.words, entries=entries)
    held, _ = parse_conversation("checkin.toml", json.loads(over.definition), words)
    assert held is not None
    second = versions.import_versions(context, [version_of(held)], "S00002", "console")[0].number
    for act in (
        lambda: versions.approve(context, "checkin", second, "S00001"),
        lambda: versions.sign_off(context, "checkin", second, "fr", "Uwase N.", "S00001"),
    ):
        with pytest.raises(UseFault, match="an earlier draft that you brought in"):
            act()
    versions.approve(context, "checkin", second, "S00003")


def test_whose_draft_was_not_built_upon_is_a_second_person(context: Context) -> None:
    """Of a draft that says nothing an earlier one said, the earlier one's author wrote nothing."""
    brought_in(context, "checkin", "S00001")
    other = reworded(reworded(version_of(context.conversations["checkin"])))
    second = versions.import_versions(context, [other], "S00002", "console")[0].number
    versions.approve(context, "checkin", second, "S00001")


def test_a_release_that_a_person_put_aside_is_not_published_by_the_next_start(context: Context) -> None:
    """What nobody will publish stays put aside, even when its languages are signed off meanwhile."""
    newer = draft_of(context, "checkin")
    real = replace(context, reviewed_only=True)
    assert versions.import_release(real, [newer], {}) == ["checkin 2 waits for review and publication"]
    versions.withdraw(real, "checkin", 2, "S00001")
    signed = dict.fromkeys(("en", "fr", "rw", "sw"), "Uwase N., Juma M.")
    assert versions.import_release(real, [newer], signed) == []
    with context.database.begin() as db:
        assert {one.number: one.state for one in list_versions(context, db, "checkin")} == {1: "published", 2: "retired"}


def test_a_draft_put_aside_waits_no_longer(context: Context) -> None:
    """The newest draft that nobody wants does not stand before the next one; it is kept like every version."""
    number = brought_in(context, "checkin")
    versions.withdraw(context, "checkin", number, "S00001")
    with context.database.begin() as db:
        assert newest_draft(context, db, "checkin") is None
        assert {one.number: one.state for one in list_versions(context, db, "checkin")} == {1: "published", number: "retired"}


def test_nothing_unreviewed_is_published_where_people_are(context: Context) -> None:
    """Native review: every language's very texts need a named reviewer; a text changed after the sign-off needs another."""
    real = replace(context, reviewed_only=True, published=Published())
    number = brought_in(real, "checkin")
    versions.approve(real, "checkin", number, "S00002")
    for language in ("en", "fr", "rw"):
        versions.sign_off(real, "checkin", number, language, "Uwase N.", "S00002")
    with pytest.raises(UseFault, match="signed off: sw"):
        versions.publish(real, "checkin", number, "S00002")
    versions.sign_off(real, "checkin", number, "sw", "Juma M.", "S00002")
    versions.publish(real, "checkin", number, "S00002")
    with real.database.begin() as db:
        _, running = one_version(real, db, "checkin")
        assert {one.language: one.reviewer for one in reviews(real, db, running)}["sw"] == "Juma M."
    later = brought_in(real, "checkin")
    versions.approve(real, "checkin", later, "S00002")
    with pytest.raises(UseFault, match="signed off: en, fr, rw, sw"):
        versions.publish(real, "checkin", later, "S00002")


def test_a_release_is_published_unless_a_person_chose_another(context: Context) -> None:
    """What ships runs after `migrate`; where a person published a version of their own, the release's waits for them."""
    with context.database.begin() as db:
        context.now(db)
    shipped = [version_of(one) for one in context.conversations.values()]
    publish_another_release(context)
    assert versions.import_release(context, shipped, {}) == []
    newer = [reworded(reworded(version)) for version in shipped]
    said = versions.import_release(context, newer, {})
    assert len(said) == len(newer)
    assert all("waits for review and publication" in line for line in said)


def test_a_release_without_sign_off_waits_where_people_are(context: Context) -> None:
    """Native review: a new site in production publishes nothing by itself, and says what waits."""
    with context.database.begin() as db:
        context.now(db)
        shipped = [version_of(one) for one in context.conversations.values()]
        db.execute(delete(conversation_version))
    real = replace(context, reviewed_only=True, published=Published())
    assert all("waits" in line for line in versions.import_release(real, shipped, {}))
    signed = dict.fromkeys(("en", "fr", "rw", "sw"), "Uwase N., Juma M.")
    assert all("published" in line for line in versions.import_release(real, shipped, signed))


def test_a_version_that_this_program_cannot_read_is_listed_and_refused(context: Context) -> None:
    """Rolling upgrade: an older program's definition takes nobody's list away, and does not come to run."""
    number = brought_in(context, "checkin")
    versions.approve(context, "checkin", number, "S00002")
    with context.database.begin() as db:
        steps = '{"class":"B","name":"checkin","steps":{"ask":{"kind":"of another time"}}}'
        db.execute(update(conversation_version).where(conversation_version.c.number == number).values(definition=steps))
        assert [one.number for one in list_versions(context, db, "checkin")] == [number, 1]
    with pytest.raises(UseFault, match="cannot be read here"):
        versions.publish(context, "checkin", number, "S00002")


def test_before_anything_is_published_everything_is_kept_and_nothing_said(service: Service) -> None:
    """I1: a request for help on an unpublished site is kept and raised; no text leaves, schedules wait, and health names it."""
    site = Site.build(service.context)
    site.group()
    site.person()
    service.work()
    with service.context.database.begin() as db:
        db.execute(update(conversation_version).values(state="draft"))
    service.base = replace(service.base, published=Published())
    service.renew()
    sent = len(service.gateway.sent)
    service.text(CALLER, "ndashaka gupfa")
    service.tick()
    assert "conversations not published" in read_health(service.context).degraded
    with service.context.database.begin() as db:
        fired = db.execute(select(func.count()).select_from(occurrence).where(occurrence.c.state != "pending")).scalar()
        raised = db.execute(select(concern.c.severity)).scalars().all()
    assert (fired, raised) == (0, ["red"])
    assert not [one for one in service.gateway.sent[sent:] if one[0] == CALLER]
    assert first_screen(service, "d1").startswith("END Servas")


def test_what_changed_is_listed_by_step_text_and_language(context: Context) -> None:
    """Before publishing, the difference is shown: here one full stop in each language's texts."""
    number = brought_in(context, "checkin")
    with context.database.begin() as db:
        found = changes(context, db, "checkin", None, number)
    assert {(one.what, one.kind) for one in found} == {("text", "changed")}
    assert {one.language for one in found} == {"en", "fr", "rw", "sw"}
    assert all(one.after == f"{one.before}." for one in found)


def test_a_name_nobody_published_is_said(context: Context) -> None:
    """The words say what to do about it."""
    with pytest.raises(NotPublished, match="conversation publish nothing_of_the_kind"):
        context.published.conversation("nothing_of_the_kind")
    with context.database.begin() as db, pytest.raises(UseFault, match="is published here"):
        one_version(context, db, "nothing_of_the_kind")
    with context.database.begin() as db:
        assert one_version(context, db, NOTICES_NAME)[1].conversation is None
