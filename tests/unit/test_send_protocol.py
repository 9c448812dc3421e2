"""Every course of two senders and their crashes through claim, fence, call and record: one copy leaves at most (I7, I9)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

WORKERS = (0, 1)
MOST_TRIES = 2  # of one worker in one course: enough for every interleaving that matters


@dataclass(frozen=True)
class Rules:
    """The four things that make it safe, each of which a test leaves out."""

    mark_before_call: bool = True
    fence_tests_token: bool = True
    lease_end_is_unknown: bool = True
    ambiguous_is_unknown: bool = True


@dataclass(frozen=True)
class Sender:
    """``at``: idle, claimed, fenced, answered or unanswered (the call is over), dead; its claim's token; ``sent`` by this call."""

    at: str = "idle"
    token: int = 0
    tries: int = 0
    sent: bool = False


@dataclass(frozen=True)
class World:
    """One text. ``leased``: the lease still runs; tokens are drawn by counting; ``copies`` is the gateway's own record."""

    state: str = "queued"
    token: int = 0
    leased: bool = False
    drawn: int = 0
    copies: int = 0
    senders: tuple[Sender, ...] = (Sender(), Sender())

    def moved(self, place: int, sender: Sender, **values: Any) -> World:
        senders = tuple(sender if one == place else other for one, other in enumerate(self.senders))
        return replace(self, senders=senders, **values)


def nexts(world: World, rules: Rules) -> Iterator[World]:
    """Every world one step on: a lease ends, or one sender takes its next step or dies."""
    if world.leased:
        yield replace(world, leased=False)
    elif world.state == "reserved":
        yield replace(world, state="queued", token=0)
    elif world.state == "calling":
        yield replace(world, state="unknown" if rules.lease_end_is_unknown else "queued", token=0)
    for place in WORKERS:
        yield from steps(world, place, rules)


def steps(world: World, place: int, rules: Rules) -> Iterator[World]:
    sender = world.senders[place]
    if sender.at == "dead":
        yield world.moved(place, Sender(tries=sender.tries))  # started again, remembering nothing
        return
    if sender.at != "idle":
        yield world.moved(place, replace(sender, at="dead"))
    if sender.at == "idle" and world.state == "queued" and sender.tries < MOST_TRIES:
        token = world.drawn + 1
        claimed = Sender("claimed", token, sender.tries + 1)
        yield world.moved(place, claimed, state="reserved", token=token, leased=True, drawn=token)
    elif sender.at == "claimed":
        ours = world.state == "reserved" and world.token == sender.token
        if not rules.fence_tests_token:
            ours = world.state in ("reserved", "calling")  # somebody's, perhaps no longer this sender's
        if ours:
            marked: dict[str, Any] = {"state": "calling", "leased": True} if rules.mark_before_call else {}
            yield world.moved(place, replace(sender, at="fenced"), **marked)
        else:
            yield world.moved(place, Sender(tries=sender.tries))
    elif sender.at == "fenced":
        yield world.moved(place, replace(sender, at="answered", sent=True), copies=world.copies + 1)
        yield world.moved(place, replace(sender, at="unanswered", sent=True), copies=world.copies + 1)
        yield world.moved(place, replace(sender, at="unanswered"))
        yield world.moved(place, replace(sender, at="answered"))  # refused connection: proved not sent
    elif sender.at in ("answered", "unanswered"):
        yield recorded(world, place, sender, rules)


def recorded(world: World, place: int, sender: Sender, rules: Rules) -> World:
    """What the answer does to the row: everything while the lease is this call's, only better evidence afterwards."""
    idle = Sender(tries=sender.tries)
    held = world.state in ("calling", "reserved") and world.token == sender.token
    if sender.at == "answered" and sender.sent:
        accepted = held or world.state == "unknown"
        return world.moved(place, idle, **({"state": "accepted", "leased": False} if accepted else {}))
    if not held:
        return world.moved(place, idle)
    proved = sender.at == "answered" or not rules.ambiguous_is_unknown
    return world.moved(place, idle, state="queued" if proved else "unknown", token=0, leased=False)


def explore(rules: Rules) -> tuple[int, set[tuple[str, str]], int]:
    """All worlds there are, or those up to the first second copy: how many, which state followed which, the most copies."""
    first = World()
    seen, waiting = {first}, [first]
    changes: set[tuple[str, str]] = set()
    most = 0
    while waiting and most < 2:
        world = waiting.pop()
        most = max(most, world.copies)
        for following in nexts(world, rules):
            changes.add((world.state, following.state))
            if following not in seen:
                seen.add(following)
                waiting.append(following)
    return len(seen), changes, most


def test_no_course_sends_twice_and_unknown_is_never_queued() -> None:
    """I7, I9: two senders, a crash after every step, lost and late answers, leases that end at any moment."""
    worlds, changes, most = explore(Rules())
    assert most == 1
    assert ("unknown", "queued") not in changes
    assert {("unknown", "accepted"), ("calling", "queued"), ("reserved", "queued")} <= changes
    assert worlds > 1_000, "the search looked at everything"


@pytest.mark.parametrize("left_out", ["mark_before_call", "fence_tests_token", "lease_end_is_unknown", "ambiguous_is_unknown"])
def test_each_shortcut_sends_twice(left_out: str) -> None:
    """I7: what the protocol does is all needed; without any one of the four the search finds a second copy."""
    assert explore(replace(Rules(), **{left_out: False}))[2] > 1
