"""A phone that dials and texts, and what a replay of everything stored says of it afterwards."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

from click.testing import CliRunner, Result

from sms_service.__main__ import main
from sms_service.usecases.replay import Replayed, replay_dialogues
from tests.conftest import KEYS
from tests.service import Service

CALLER = "+250788000001"


class Phone:
    """One person's phone: every dial begins afresh, ``keys`` adds to what was typed."""

    def __init__(self, service: Service, pin: str) -> None:
        self.service = service
        self.pin = pin
        self.serial = 0
        self.typed: list[str] = []

    def dials(self, *keys: str) -> str:
        """Dial and press these keys one after another; the last screen."""
        self.serial += 1
        self.typed = []
        screen = self._hop()
        return self.keys(*keys) if keys else screen

    def keys(self, *keys: str) -> str:
        screen = ""
        for key in keys:
            self.typed.append(key)
            screen = self._hop()
        return screen

    def loses_its_state(self) -> str:
        """A text that goes on from nothing the service knows: the menu again (contract 11.2)."""
        self.typed = ["5", "5", "5", "5"]
        return self._hop()

    def _hop(self) -> str:
        return self.service.hop(f"ATUid_{self.serial}", CALLER, "*".join(self.typed)).get_data(as_text=True)


def played(service: Service) -> list[Replayed]:
    return list(replay_dialogues(service.context))


def different(service: Service) -> list[str]:
    return [f"{one.kind} {one.verdict}: {one.first_difference}" for one in played(service) if not one.same]


def command(service: Service, folder: Path, *words: str, typed: str = "") -> Result:
    """The console script over this service's database, with its keys; ``typed`` is its standard input."""
    url = service.context.database.url.render_as_string(hide_password=False)
    env = {"APP_ENV": "test", "DATA_DIR": str(folder), "DATABASE_URL": url}
    env |= {name: b64encode(KEYS[name.lower()]).decode() for name in ("HASH_KEY", "AUDIT_KEY")}
    env["FIELD_KEYS"] = f"1:{b64encode(KEYS['field_keys'][1]).decode()}"
    return CliRunner().invoke(main, list(words), env=env, input=typed)
