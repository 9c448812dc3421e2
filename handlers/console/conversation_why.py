"""Why a message was sent and how a text was understood, in sentences: codes, times and rules only (S31)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

from handlers.console import labels, meanings
from handlers.console.language import gettext as _
from handlers.console.language import later
from sms_service.usecases.explain_message import Heard, Stood, Why

SCHEDULES: Final = {
    "reminder_two_day": later("the reminder two days before a meeting"),
    "reminder_morning": later("the reminder on the morning of a meeting"),
    "again_two_day": later("the second look for who joined after the reminder two days before"),
    "again_morning": later("the second look for who joined after the morning's reminder"),
    "missed": later("the day after a missed meeting"),
    "check_in": later("the weekly check-in"),
    "feedback": later("the day after a meeting"),
    "practice": later("three days after a meeting, about the practice at home"),
    "caring": later("months after the group closed"),
    "referral": later("seven days after a referral"),
    "question_set": later("the group's question set"),
    "campaign": later("a campaign"),
}
ALERTS: Final = {"red": later("urgent (RED)"), "amber": later("worrying (AMBER)")}


def sentences(why: Why, when: Callable[[datetime], str]) -> list[str]:
    """The explanation, one sentence each, the most telling first; ``when`` writes a moment for the page."""
    return [*_cause(why, when), *_heard(why, when), *_meeting(why, when), *_place(why)]


def _cause(why: Why, when: Callable[[datetime], str]) -> Iterator[str]:
    if why.rule == "schedule" and why.due_at is not None:
        kind = labels.label(SCHEDULES, why.schedule)
        yield _("Sent by the schedule: %(kind)s, due %(due)s.", kind=kind, due=when(why.due_at))
    elif why.rule == "broadcast":
        yield _("Part of broadcast %(code)s, written by %(author)s.", code=why.broadcast, author=why.author)
        if why.approver:
            yield _("Approved by %(approver)s.", approver=why.approver)
    elif why.rule in _CAUSES:
        yield _(_CAUSES[why.rule])


_CAUSES: Final = {
    "schedule": later("Sent by the schedule."),
    "remind": later("A reminder that a facilitator or staff asked for on that day."),
    "meeting_changed": later("Sent because the meeting was moved or cancelled."),
    "opt_in": later("Sent once after enrolment, to ask the person's own phone whether it wants texts."),
    "remembrance": later("The one text before the week of remembrance, approved for this year."),
    "campaign": later("Part of a campaign: its text goes to each person once."),
    "alert": later("An alert to staff."),
}


def _heard(why: Why, when: Callable[[datetime], str]) -> Iterator[str]:
    heard = why.heard
    if heard is None:
        return
    if heard.held:
        if why.rule != "heard":
            yield _("Answers a text of %(at)s that safeguarding holds.", at=when(heard.at))
        else:
            yield _("Held for safeguarding: how it was understood is told to those who may open it.")
        return
    if why.rule != "heard":
        yield _("Answers the text of %(at)s, understood as: %(what)s.", at=when(heard.at), what=_understood(heard))
    else:
        yield _("Understood as: %(what)s.", what=_understood(heard))
    if heard.alert in ALERTS:
        yield _("Alert: %(alert)s.", alert=labels.label(ALERTS, heard.alert))


def _understood(heard: Heard) -> str:
    """Intent, value, rule and confidence in one line."""
    if not heard.intent and heard.rule != "repeat":
        return _("not read yet")
    said = labels.label(labels.INTENTS, heard.intent) if heard.intent else _("the same text again")
    value = f" “{meanings.answer(heard.value)}”" if heard.value else ""
    how = [meanings.rule(heard.rule)] if heard.rule else []
    if heard.confidence:
        how.append(f"{round(heard.confidence * 100)} %")
    return f"{said}{value}" + (f" ({', '.join(how)})" if how else "")


def _meeting(why: Why, when: Callable[[datetime], str]) -> Iterator[str]:
    if why.meeting_at is not None:
        values = {"no": why.meeting_no, "group": why.group, "at": when(why.meeting_at)}
        yield _("About meeting %(no)s of group %(group)s, %(at)s.", **values)


def _place(why: Why) -> Iterator[str]:
    if why.rule == "heard":
        if why.before is not None:
            yield _("It answered step %(step)s of %(where)s.", step=why.before.step, where=_where(why.before))
        elif why.heard is not None and why.heard.intent and not why.heard.held:
            yield _("No question was open for it.")
        return
    if why.after is None:
        return
    if why.before is not None and why.before.step != why.after.step:
        values = {"before": why.before.step, "after": why.after.step, "where": _where(why.after)}
        yield _("The dialogue went from step %(before)s to %(after)s of %(where)s.", **values)
    else:
        yield _("The dialogue stands at step %(step)s of %(where)s.", step=why.after.step, where=_where(why.after))


def _where(stood: Stood) -> str:
    if not stood.number:
        return stood.conversation
    return _("%(name)s, version %(n)s", name=stood.conversation, n=stood.number)


def stood(why: Why) -> Stood | None:
    """The place to link to: where the text answered, else where the dialogue stands now."""
    return why.before if why.rule == "heard" else why.after
