"""Living through the demo's past: the service's clock is moved from one event to the next, and invented phones answer.

Everything goes through the use cases that serve real people; only the gateway is replaced, by one that sends nothing.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from sqlalchemy import select

from sms_service import clock
from sms_service.demo.people import NO, USSD_CODE, WEEKS, YES, Demo, e164
from sms_service.gateway.results import Balance, CallResult, RecipientResult
from sms_service.gateway.wire import InboundSms, UssdTurn
from sms_service.models.base import insert_ignore
from sms_service.models.outbox import outbox, parked_report
from sms_service.models.people import person
from sms_service.security.tokens import new_row_id
from sms_service.usecases.accept_inbound import accept_inbound
from sms_service.usecases.context import Context, no_nudge
from sms_service.usecases.forward_time import SETTLE, next_event
from sms_service.usecases.process_inbound import process_waiting
from sms_service.usecases.send_texts import send_due
from sms_service.usecases.take_report import match_parked
from sms_service.usecases.take_turn import take_turn
from sms_service.usecases.tick import expand_due, run_schedules

NETWORKS: Final = {"78": "63510", "79": "63510"}
OTHER_NETWORK: Final = "63514"
# How often a person of each mood answers a question, in hundredths.
ANSWERS: Final[Mapping[str, int]] = {"steady": 82, "slow": 45, "silent": 0}
COMES: Final = 85
RATES: Final = 70
SLOWEST_MINUTES: Final = 170
FOLLOW_UPS: Final[Mapping[str, str]] = {"V5": "1", "V7": "3455", "V8": "112", "V19": "1"}

Act = Callable[[], None]
Scripted = Mapping[tuple[str, str, int], str]


class Delivered:
    """A gateway that takes every text, sends none, and remembers the ids it gave, so that reports can follow."""

    def __init__(self, price: str) -> None:
        self.taken: list[str] = []
        self._price = price
        self._count = 0

    def send(
        self,
        numbers: Sequence[str],
        text: str,
        *,
        sender: str | None,
        enqueue: bool | None = None,
        deadline: float = 30.0,
    ) -> CallResult:
        """Accept the text for each number."""
        results = {}
        for number in numbers:
            self._count += 1
            gateway_id = f"ATXid_demo{self._count:06d}"
            self.taken.append(gateway_id)
            results[number] = RecipientResult("accepted", 101, gateway_id, self._price)
        return CallResult("accepted", results, 201, None, "")

    def balance(self, *, deadline: float = 10.0) -> Balance | None:
        """Nothing is paid here."""
        return None


class Past:
    """Acts and the service's own events in the order of their time.

    ``scripted`` overrides what a person (code) answers to the nth text of a template, counted from 1: the words, or
    empty for no answer. ``unreachable`` holds codes whose texts fail. ``rng`` decides the rest, the same way each time.
    """

    def __init__(
        self,
        context: Context,
        folk: Sequence[Demo],
        rng: Random,
        *,
        scripted: Scripted,
        unreachable: frozenset[str],
    ) -> None:
        self._gateway = Delivered(f"{context.currency} {context.price_per_segment:.4f}")
        self.context = replace(context, client=self._gateway, nudge=no_nudge)
        self.rng = rng
        self._folk = {one.code: one for one in folk}
        self._scripted = scripted
        self._unreachable = unreachable
        self._acts: list[tuple[datetime, int, Act, bool]] = []
        self._asked: Counter[tuple[str, str]] = Counter()
        self._count = 0

    def plan(self, at: datetime, act: Act, *, schedules: bool = False) -> None:
        """Let ``act`` happen at ``at`` (aware). ``schedules``: it makes occurrences, which may be due at once."""
        self._count += 1
        heapq.heappush(self._acts, (at, self._count, act, schedules))

    def run(self, until: datetime) -> None:
        """Live from the first act to ``until`` (aware); the clock ends there. Acts planned for later are left out."""
        self._set(self._acts[0][0])
        with ThreadPoolExecutor(1) as pool:
            while self._step(until):
                while send_due(self.context, pool, most=1):
                    self._report_and_answer()
        self._set(until)

    def _step(self, until: datetime) -> bool:
        """Take the next act or event; False when nothing is left before ``until``."""
        with self.context.database.begin() as db:
            now = clock.now(db)
            due = next_event(db, now)
            act_at = max(self._acts[0][0], now) if self._acts else None
            acting = act_at is not None and (due is None or act_at <= due + SETTLE)
            at = act_at if acting else due + SETTLE if due is not None else None
            if at is None or at >= until:
                return False
            clock.set_now(db, at)
        schedules = True
        if acting:
            _, _, act, schedules = heapq.heappop(self._acts)
            act()
        if schedules:
            run_schedules(self.context)
            expand_due(self.context)
        return True

    def _set(self, moment: datetime) -> None:
        with self.context.database.begin() as db:
            clock.set_now(db, moment)

    def _report_and_answer(self) -> None:
        """The reports of the texts just taken, as the gateway would bring them; then people begin to answer."""
        taken, self._gateway.taken = self._gateway.taken, []
        if not taken:
            return
        with self.context.database.begin() as db:
            now = clock.now(db)
            query = select(outbox.c.gateway_id, outbox.c.template, person.c.code).outerjoin(
                person, person.c.id == outbox.c.person_id
            )
            sent = db.execute(query.where(outbox.c.gateway_id.in_(taken)).order_by(outbox.c.id)).all()
            insert_ignore(db, parked_report, [self._report(row, now) for row in sent])
            match_parked(self.context, db)
        for row in sent:
            if row.code in self._folk and row.code not in self._unreachable:
                self._plan_answer(self._folk[row.code], row.template, now)

    def _report(self, row: Any, now: datetime) -> dict[str, Any]:
        failed = row.code in self._unreachable
        return {
            "id": new_row_id(),
            "gateway_id": row.gateway_id,
            "status": "Failed" if failed else "Success",
            "failure_reason": "AbsentSubscriber" if failed else None,
            "received_at": now,
        }

    def _plan_answer(self, who: Demo, template: str, now: datetime) -> None:
        self._asked[who.code, template] += 1
        written = self._scripted.get((who.code, template, self._asked[who.code, template]))
        words = self._words(who, template) if written is None else written
        after = timedelta(minutes=self.rng.randint(3, SLOWEST_MINUTES), seconds=self.rng.randint(0, 59))
        if words:
            self.plan(now + after, lambda: self.sms(who.phone, words))

    def _words(self, who: Demo, template: str) -> str:
        """What a person sends back, by mood and luck; empty for nothing."""
        rng = self.rng
        likely, luck = ANSWERS[who.mood], rng.randrange(100)
        if template == "V1":
            return rng.choice(YES[who.language]) if likely else ""
        if luck >= likely:
            return ""
        if template in ("V3", "V4"):
            return rng.choice((YES if rng.randrange(100) < COMES else NO)[who.language])
        if template in FOLLOW_UPS:
            return rng.choice(FOLLOW_UPS[template])
        return rng.choice(WEEKS) if template == "V6" and rng.randrange(100) < RATES else ""

    def sms(self, phone: str, words: str) -> None:
        """A text from a demo phone, accepted and processed as if a worker had been nudged."""
        self._count += 1
        number = e164(phone)
        message = InboundSms(
            provider_id=f"demo-in-{self._count}",
            sender=number,
            sender_raw=number,
            to=self.context.short_code,
            text=words,
            date=None,
            link_id="",
            network_code=NETWORKS.get(phone[1:3], OTHER_NETWORK),
            cost="",
        )
        accept_inbound(self.context, message)
        process_waiting(self.context)

    def dial(self, phone: str, *keyed: str) -> None:
        """One dial from a demo phone; ``keyed`` is what is entered screen by screen, the first screen needing nothing."""
        self._count += 1
        for entered in range(len(keyed) + 1):
            hop = UssdTurn(
                session_id=f"demo-dial-{self._count}",
                service_code=USSD_CODE,
                number=e164(phone),
                network_code=NETWORKS.get(phone[1:3], OTHER_NETWORK),
                text="*".join(keyed[:entered]),
            )
            take_turn(self.context, hop)
