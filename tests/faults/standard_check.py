"""What must hold after every fault, whatever it was: the ledger, the invariants, and nothing personal where it must not be."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from sqlalchemy import func, select

from sms_service.__main__ import main
from sms_service.models import numbers
from sms_service.models.inbound import inbound
from sms_service.models.numbers import number
from sms_service.models.outbox import attempt, outbox
from sms_service.usecases.context import Context
from sms_service.usecases.read_health import read_health
from tests.faults.tally import Tally

CANARY = "Kanariya"
TAKEN = ("accepted", "delivered", "failed")
MAY_HAVE_GONE = (*TAKEN, "unknown", "calling")
#: A number in any spelling of contract 9.1, its last nine digits caught; digits within a longer row id are none.
NUMBER = re.compile(rb"(?<![0-9])(?:00250|\+?250|0)?([1-9][0-9]{8})(?![0-9])")
Pair = tuple[str, str]


def standard_check(
    context: Context, env: Mapping[str, str], record: Sequence[dict[str, Any]], folders: Sequence[Path], tally: Tally
) -> list[str]:
    """Every fault found, as sentences: I1, I2, I7 and I8 over the ledger joined with the simulator's ``record``, every invariant
    with the newest dialogues played again, health, and I16 with tracebacks over ``folders`` and the database. Fills ``tally``.
    """
    taken = [line for line in record if line["kind"] == "send" and line["taken"]]
    faults = _ledger_faults(_command(env, "ledger", "--json"), _texts(context), taken, tally)
    faults += _inbound_faults(context, record, tally)
    checked = json.loads(_command(env, "invariants", "--json", codes=(0, 1)))
    faults += [
        f"{one['rule']}: {one['broken']} of {one['checked']} rows: not so that {one['says']}" for one in checked if one["broken"]
    ]
    health = read_health(context)
    faults += [f"health is not ready: {', '.join(health.degraded)} (I21)"] if not health.ready else []
    return faults + _personal(context, [path for folder in folders for path in folder.rglob("*") if path.is_file()])


def _command(env: Mapping[str, str], *words: str, codes: Collection[int] = (0,)) -> str:
    """What a command of the console script prints, run in this process: loading it anew costs seconds of processor time."""
    done = CliRunner().invoke(main, words, env=env, catch_exceptions=False)
    if done.exit_code not in codes:
        raise AssertionError(f"sms-service {words[0]} ended with {done.exit_code}: {done.output}")
    return done.stdout


def _texts(context: Context) -> dict[str, tuple[Pair, str]]:
    """Each outbox key's number, text and kind, unsealed: the simulator's record knows numbers and texts only."""
    with context.database.begin() as db:
        phones = {row.id: numbers.reveal(context.vault, row) for row in db.execute(select(number))}
        rows = db.execute(select(outbox.c.id, outbox.c.key, outbox.c.number_id, outbox.c.body, outbox.c.kind)).all()
    return {row.key: ((phones[row.number_id], context.vault.open("outbox", "body", row.id, row.body)), row.kind) for row in rows}


def _ledger_faults(ledger: str, texts: Mapping[str, tuple[Pair, str]], taken: Sequence[dict[str, Any]], tally: Tally) -> list[str]:
    """At most one message a row, every accepted row present under its own id, nothing present that is not in the outbox."""
    faults = []
    rows = [json.loads(line) for line in ledger.splitlines()]
    went = Counter(texts[row["key"]][0] for row in rows if row["state"] in MAY_HAVE_GONE)
    present = Counter((line["number"], line["text"]) for line in taken)
    by_id = {line["messageId"]: (line["number"], line["text"]) for line in taken}
    for pair, count in present.items():
        if count > went[pair]:
            tally.doubled += count - went[pair]
            keys = [(row["key"], row["state"]) for row in rows if texts[row["key"]][0] == pair]
            faults.append(f"the gateway took {count} messages where {went[pair]} can have gone: {keys} (I7)")
    for row in rows:
        if row["state"] in TAKEN and by_id.get(row["gateway_id"]) != texts[row["key"]][0]:
            tally.lost += 1
            faults.append(f"{row['key']} is {row['state']}, but the gateway has no such message (I8)")
    ids = Counter(row["gateway_id"] for row in rows if row["gateway_id"])
    faults += [f"{count} rows share one gateway id (I7)" for count in ids.values() if count > 1]
    tally.unknown = sum(row["state"] == "unknown" for row in rows)
    return faults


def _inbound_faults(context: Context, record: Sequence[dict[str, Any]], tally: Tally) -> list[str]:
    """Every text in that was answered 200 is stored, once (I1, I3); none has two answers (I2); no call began too late (I11)."""
    accepted = {line["fields"]["id"] for line in record if line.get("callback") == "sms" and line["status"] == 200}
    with context.database.begin() as db:
        stored = Counter(db.execute(select(inbound.c.provider_id).where(inbound.c.channel == "sms")).scalars())
        replies = select(func.count()).where(outbox.c.kind == "reply", outbox.c.inbound_id.is_not(None))
        answers = [int(count) for count in db.execute(replies.group_by(outbox.c.inbound_id)).scalars()]
        began = select(func.min(attempt.c.started_at)).where(attempt.c.outbox_id == outbox.c.id).scalar_subquery()
        tally.late = db.execute(select(func.count()).where(outbox.c.kind != "alert", began >= outbox.c.expires_at)).scalar_one()
    missing = sorted(accepted - set(stored))
    twice = sum(count - 1 for count in answers)
    tally.lost += len(missing)
    tally.doubled += twice
    faults = [f"{len(missing)} texts were answered 200 and are not stored: {missing[:5]} (I1)"] if missing else []
    faults += [f"{twice} texts in have more than one answer (I2)"] if twice else []
    return faults + ([f"{tally.late} texts were first called after they expired (I11)"] if tally.late else [])


def _personal(context: Context, files: Sequence[Path]) -> list[str]:
    """Numbers, names, texts or tracebacks in logs, in the queue store's folder and in the bytes of an SQLite database."""
    url = context.database.url
    if url.get_backend_name() == "sqlite" and url.database:
        found = Path(url.database)
        files = [*files, *found.parent.glob(f"{found.name}*")]
    with context.database.begin() as db:
        phones = {numbers.reveal(context.vault, row)[-9:].encode() for row in db.execute(select(number))}
    faults = []
    for path in files:
        content = path.read_bytes()
        if b"Traceback" in content:
            faults.append(f"a traceback in {path.name}: {content[content.index(b'Traceback') - 300 :][:1200]!r}")
        if CANARY.encode() in content or not phones.isdisjoint(NUMBER.findall(content)):
            faults.append(f"a number, name or text in {path.name} (I16)")
    return faults
