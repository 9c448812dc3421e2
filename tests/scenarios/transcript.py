"""Transcripts: plain text files that say what people do and what must come of it, one act a line.

A file holds scenarios, each under a line ``== title``; ``#`` begins a comment. Lines of a scenario:

    at 2026-11-09 08:00                         the clock, local time (first line)
    given group G07 Wed 14:00 from 2026-11-11   set-up: group, person (P1001 own 0788001001 en in G07), phone, duty ...
    wait until 2026-11-10 09:00                 time passes; whatever falls due on the way is done
    P1001 > 1                                   a text from this phone
    P1001 < Servas: thank you.                  the next text to it; ... is anything, {name} a word kept for later lines
    P1001 dials / P1001 keys 1                  a dial and its turns
    P1001 sees CON Servas / 1) Yes              the screen now; " / " is a new line
    concern call_request P1001 slot=morning     a concern that is new or has changed
    nothing                                     no text and no concern
    P1001 is stopped / speaks fr / answered coming yes; meeting G07 1 on 2026-11-12 14:00
    reported G07 1 M4 W0 D1 R0 none by P9001    the report on a meeting, or nothing
    filed R12 2026-11 3 activities W10 M8 both=yes by P1001    the month of a pair, or nothing
    staff ...                                   what is done in the console

Whatever a line causes and the lines after it do not name makes the transcript fail at the next act. Between any two lines
everything is read again from the database by a fresh context. At its end the database keeps the invariants it can check by itself,
and every dialogue, played again from its stored events and facts, stands where it stands (decision 5).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sms_service import clock
from sms_service.text.phone import normalise_msisdn
from sms_service.usecases.invariants import check_invariants
from sms_service.usecases.replay import replay_dialogues
from tests.scenarios import follow_up_acts
from tests.scenarios.reports_seen import meeting_report, pair_month
from tests.scenarios.world import Broken, World, split
from tests.service import Service
from tests.usecases.site import Site

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Scenario:
    """One scenario: its file's name, title, and numbered lines."""

    file: str
    title: str
    lines: tuple[tuple[int, str], ...]


def scenarios() -> list[Scenario]:
    """Every scenario of every transcript in the folder."""
    found: list[Scenario] = []
    for path in sorted(FOLDER.glob("*.txt")):
        title = ""
        lines: list[tuple[int, str]] = []
        for place, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            line = raw.strip()
            if line.startswith("== "):
                if lines:
                    found.append(Scenario(path.name, title, tuple(lines)))
                title, lines = line[3:], []
            elif line and not line.startswith("#"):
                lines.append((place, line))
        found.append(Scenario(path.name, title, tuple(lines)))
    return found


def play(service: Service, scenario: Scenario) -> None:
    """Play one scenario to its end; the fault names file, line and what was otherwise."""
    world = World(service, Site.build(service.context))
    for place, line in scenario.lines:
        service.renew()
        try:
            _act(world, line)
        except Broken as fault:
            raise AssertionError(f"{scenario.file}:{place}: {line}\n  {fault}") from None
    world.settled()
    broken = [f"{one.rule}: {one.says}" for one in check_invariants(service.context) if one.broken]
    broken += [str(one) for one in replay_dialogues(service.context) if not one.same]
    assert not broken, f"{scenario.file}: {scenario.title}\n  " + "\n  ".join(broken)


def _moment(day: str, time: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=clock.KIGALI)


def _act(world: World, line: str) -> None:
    if line.startswith("given "):  # set-up is worked once, with the first line after it
        _given(world, *line.split(" ", 2)[1:])
        world.fresh = True
        return
    if world.fresh:
        world.gather()
        world.fresh = False
    if not _checks(world, line):
        world.settled()
        _does(world, line)
        world.gather()


def _checks(world: World, line: str) -> bool:
    """Lines that only look."""
    first, _, rest = line.partition(" ")
    verb, _, more = rest.partition(" ")
    if line == "nothing":
        world.settled()
    elif first == "concern":
        world.concerned(split(rest))
    elif first == "meeting":
        world.meeting_is(split(rest))
    elif first == "reported":
        meeting_report(world, split(rest))
    elif first == "filed":
        pair_month(world, split(rest))
    elif verb == "<":
        world.hears(first, more)
    elif verb == "sees":
        world.match(more.replace(" / ", "\n"), world.screens[first])
    elif verb in ("is", "speaks", "answered"):
        world.state_of(first, split(rest))
    else:
        return False
    return True


def _does(world: World, line: str) -> None:
    first, _, rest = line.partition(" ")
    verb, _, more = rest.partition(" ")
    if first == "at":
        world.service.set_time(_moment(*rest.split()))
    elif first == "wait":
        world.service.wait_until(_moment(*rest.split()[1:]))
    elif first == "staff":
        world.staff(split(rest))
    elif verb == ">":
        world.say(first, more)
    elif verb == "dials":
        world.dial(first)
    elif verb == "keys":
        world.key(first, world.fill(more))
    elif verb == "opts":
        world.opt_out(first)
    elif verb == "report":
        world.report(first, *more.split())
    else:
        raise Broken("this line says nothing that a transcript knows")


def _given(world: World, what: str, rest: str) -> None:
    words = split(rest)
    if what == "group":
        world.group(words)
    elif what == "duty":
        world.duty(words)
    elif what == "pair":
        world.pair(words)
    elif what == "directory":
        world.directory(words)
    elif what in follow_up_acts.GIVEN:
        follow_up_acts.GIVEN[what](world.site, words)
    elif what == "phone":
        world.phones[words[0]] = normalise_msisdn(words[1]) or words[1]
    else:
        world.person(what, words)
