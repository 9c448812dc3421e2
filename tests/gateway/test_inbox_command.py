"""`sms-service inbox fetch` against the simulated gateway, whose callbacks found nobody: list, bring in, nothing left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from sms_service.__main__ import main
from sms_service.models.inbound import inbound
from sms_service.usecases.context import Context
from tests.free_ports import free_port
from tests.simulator_process import SimulatorProcess

PHONE = "+250788000001"
WORDS = "ndashaka kubaza ikintu"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_texts_that_no_callback_brought_are_listed_and_brought_in(context: Context, database_url: str, tmp_path: Path) -> None:
    """I1, I16, F33: two texts while the service was away; one by its number, then the rest; never their words."""
    with SimulatorProcess(tmp_path / "sim", f"http://127.0.0.1:{free_port()}/nobody") as simulator:
        for words in (WORDS, "STOP"):
            simulator.text(PHONE, words)
        env = {
            "APP_ENV": "test",
            "DATABASE_URL": database_url,
            "DATA_DIR": str(tmp_path / "data"),
            "AT_BASE_URL": simulator.url,
            "AT_USERNAME": simulator.username,
            "AT_API_KEY": simulator.api_key,
        }

        def fetch(*words: str) -> Result:
            return CliRunner().invoke(main, ["inbox", "fetch", *words], env=env)

        listed = fetch("--json")
        assert listed.exit_code == 0, listed.output
        found = [json.loads(line) for line in listed.stdout.splitlines()]
        assert [(one["ending"], one["length"]) for one in found] == [("001", len(WORDS)), ("001", 4)]
        assert "2 missing since" in listed.stderr
        assert WORDS not in listed.output
        assert stored(context) == []

        both = fetch("--apply", "--only", "1")
        assert both.exit_code == 2
        assert fetch("--only", str(found[1]["id"])).exit_code == 0
        assert stored(context) == [f"inbox:{found[1]['id']}"]
        assert "1 missing" in fetch().stderr
        assert "1 brought in" in fetch("--apply").stderr
        assert "0 missing" in fetch().stderr

    away = fetch()
    assert away.exit_code == 1
    assert "inbox not fetched" in away.output


def stored(context: Context) -> list[str]:
    with context.database.begin() as db:
        return list(db.execute(select(inbound.c.provider_id).order_by(inbound.c.id)).scalars())
