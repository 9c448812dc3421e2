"""A release that is killed half-way has not happened, and can simply be run again."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from sms_service import schema
from sms_service.database import Database


@pytest.mark.parametrize("seconds", [0.6, 0.9, 1.2])
def test_a_killed_migration_leaves_all_or_nothing(
    database: Database, tmp_path_factory: pytest.TempPathFactory, seconds: float
) -> None:
    """F43, I24: kill -9 during the upgrade; afterwards there is the old schema or the new, and a second run reaches it."""
    schema.downgrade(database)
    url = database.url.render_as_string(hide_password=False)
    state = tmp_path_factory.mktemp("state")
    environment = {**os.environ, "APP_ENV": "test", "DATABASE_URL": url, "DATA_DIR": str(state)}
    release = subprocess.Popen([sys.executable, "-m", "sms_service", "migrate"], env=environment, stderr=subprocess.DEVNULL)
    time.sleep(seconds)
    release.kill()
    release.wait()
    schema.migrate(database)
    with database.begin() as db:
        assert schema.is_current(db)
