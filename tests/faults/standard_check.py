"""What must hold after every fault, whatever it was: the ledger, the invariants, and nothing personal where it must not be."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from sqlalchemy import select

from sms_service.__main__ import main
from sms_service.models import numbers
from sms_service.models.numbers import number
from sms_service.models.outbox import outbox
from sms_service.usecases.context import Context

CANARY = "Kanariya"
TAKEN = ("accepted", "delivered", "failed")
MAY_HAVE_GONE = (*TAKEN, "unknown", "calling")
Pair = tuple[str, str]


def standard_check(context: Context, env: Mapping[str, str], sends: Sequence[dict[str, Any]], folders: Sequence[Path]) -> list[str]:
    """Every fault found, as sentences: I7 and I8 over the ledger, every invariant, and I16 over ``folders`` and the database."""
    faults = _ledger_faults(_command(env, "ledger", "--json"), _texts(context), [line for line in sends if line["taken"]])
    faults += [f"{one['rule']}: {one['broken']} rows" for one in json.loads(_command(env, "invariants", "--json")) if one["broken"]]
    return faults + _personal(context, [path for folder in folders for path in folder.rglob("*") if path.is_file()])


def _command(env: Mapping[str, str], *words: str) -> str:
    """What a command of the console script prints, run in this process: loading it anew costs seconds of processor time."""
    done = CliRunner().invoke(main, words, env=env, catch_exceptions=False)
    if done.exit_code != 0:
        raise AssertionError(f"sms-service {words[0]} ended with {done.exit_code}: {done.output}")
    return done.stdout


def _texts(context: Context) -> dict[str, tuple[Pair, str]]:
    """Each outbox key's number, text and kind, unsealed: the simulator's record knows numbers and texts only."""
    with context.database.begin() as db:
        phones = {row.id: numbers.reveal(context.vault, row) for row in db.execute(select(number))}
        rows = db.execute(select(outbox.c.id, outbox.c.key, outbox.c.number_id, outbox.c.body, outbox.c.kind)).all()
    return {row.key: ((phones[row.number_id], context.vault.open("outbox", "body", row.id, row.body)), row.kind) for row in rows}


def _ledger_faults(ledger: str, texts: Mapping[str, tuple[Pair, str]], taken: Sequence[dict[str, Any]]) -> list[str]:
    """At most one message a row, every accepted row present under its own id, nothing present that is not in the outbox."""
    faults = []
    rows = [json.loads(line) for line in ledger.splitlines()]
    went = Counter(texts[row["key"]][0] for row in rows if row["state"] in MAY_HAVE_GONE)
    present = Counter((line["number"], line["text"]) for line in taken)
    by_id = {line["messageId"]: (line["number"], line["text"]) for line in taken}
    for pair, count in present.items():
        if count > went[pair]:
            keys = [(row["key"], row["state"]) for row in rows if texts[row["key"]][0] == pair]
            faults.append(f"the gateway took {count} messages where {went[pair]} can have gone: {keys} (I7)")
    for row in rows:
        if row["state"] in TAKEN and by_id.get(row["gateway_id"]) != texts[row["key"]][0]:
            faults.append(f"{row['key']} is {row['state']}, but the gateway has no such message (I8)")
    ids = Counter(row["gateway_id"] for row in rows if row["gateway_id"])
    faults += [f"{count} rows share one gateway id (I7)" for count in ids.values() if count > 1]
    return faults


def _personal(context: Context, files: Sequence[Path]) -> list[str]:
    """Numbers, names, texts or tracebacks in logs, in the queue store's folder and in the bytes of an SQLite database."""
    url = context.database.url
    if url.get_backend_name() == "sqlite" and url.database:
        found = Path(url.database)
        files = [*files, *found.parent.glob(f"{found.name}*")]
    with context.database.begin() as db:
        phones = [numbers.reveal(context.vault, row)[-9:] for row in db.execute(select(number))]
    faults = []
    for path in files:
        content = path.read_bytes()
        if b"Traceback" in content:
            faults.append(f"a traceback in {path.name}: {content[content.index(b'Traceback') - 300 :][:1200]!r}")
        if CANARY.encode() in content or any(phone.encode() in content for phone in phones):
            faults.append(f"a number, name or text in {path.name} (I16)")
    return faults
