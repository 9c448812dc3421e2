"""Texts written on the handsets, on their way to the service; contract sections 10.1 and 13.5."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sms_service.simulator.callbacks import KINDS, ServiceAnswer
from sms_service.simulator.outcomes import network_of
from sms_service.simulator.simulation import Simulation

MOST_COPIES = 100
DATE_FORMS = {"plain": "%Y-%m-%d %H:%M:%S", "zone": "%Y-%m-%dT%H:%M:%SZ", "millis": "%Y-%m-%dT%H:%M:%S.000Z"}


@dataclass(frozen=True, slots=True)
class InboundOptions:
    """How one text is handed over.

    ``id``, ``to`` and ``date`` replace what the gateway would choose; ``date_form`` is a key of ``DATE_FORMS``;
    ``optional`` adds linkId, cost and networkCode; ``copies`` are posted at the same moment; ``raw`` leaves ``*`` and
    ``+`` unescaped; ``redeliver`` repeats until 200; ``omit`` leaves fields out.
    """

    id: str = ""
    to: str = ""
    date: str = ""
    date_form: str = "plain"
    optional: bool = True
    copies: int = 1
    raw: bool | None = None
    redeliver: bool = True
    omit: tuple[str, ...] = ()


class Inbound:
    """Posts inbound texts and any other callback a test wants to see."""

    def __init__(self, simulation: Simulation) -> None:
        self._sim = simulation

    def text(self, sender: str, text: str, options: InboundOptions) -> dict[str, Any]:
        """Post one inbound text; returns its id and the status of each copy's first delivery (None: no answer)."""
        if options.date_form not in DATE_FORMS:
            raise ValueError(f"date_form must be one of {', '.join(DATE_FORMS)}")
        to = options.to or self._sim.settings.short_code
        fields = {
            "linkId": "",
            "text": text,
            "to": to,
            "id": options.id or self._sim.chance.uuid(),
            "date": options.date or self._sim.time.now().strftime(DATE_FORMS[options.date_form]),
            "from": sender,
            "cost": "RWF 0.0000",
            "networkCode": network_of(sender),
        }
        left_out = set(options.omit) | (set() if options.optional else {"linkId", "cost", "networkCode"})
        kept = {name: value for name, value in fields.items() if name not in left_out}
        self._sim.phones.wrote(sender, to, text, self._sim.time.now())
        answers = self.post("sms", kept, copies=options.copies, raw=options.raw, redeliver=options.redeliver)
        return {"id": fields["id"], "statuses": [answer.status for answer in answers]}

    def post(
        self, kind: str, fields: Mapping[str, str], *, copies: int = 1, raw: bool | None = None, redeliver: bool = False
    ) -> list[ServiceAnswer]:
        """Post a callback of any kind, ``copies`` times at the same moment; ``ValueError`` for an unknown kind."""
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}")
        if not 1 <= copies <= MOST_COPIES:
            raise ValueError(f"copies must be between 1 and {MOST_COPIES}")
        return together(copies, lambda: self._post_one(kind, fields, raw, redeliver))

    def _post_one(self, kind: str, fields: Mapping[str, str], raw: bool | None, redeliver: bool) -> ServiceAnswer:
        if redeliver:
            return self._sim.poster.post_until_accepted(kind, fields, raw=raw)
        return self._sim.poster.post(kind, fields, raw=raw)


def together(copies: int, work: Callable[[], ServiceAnswer]) -> list[ServiceAnswer]:
    """Run ``work`` that many times at once and collect what each returned."""
    if copies == 1:
        return [work()]
    start = threading.Barrier(copies)
    answers: list[ServiceAnswer] = []

    def run() -> None:
        start.wait()
        answers.append(work())

    threads = [threading.Thread(target=run, daemon=True) for _ in range(copies)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers
