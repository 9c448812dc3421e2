"""A service of real processes over each database; a test that needs only one says so by ``database_url``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.faults.service import RunningService

Start = Callable[..., RunningService]


@pytest.fixture
def start_service(tmp_path: Path, database_url: str) -> Iterator[Start]:
    """``start_service(**options)``: a ``RunningService`` whose processes are killed at the end of the test."""
    with ExitStack() as running:

        def start(**options: Any) -> RunningService:
            return running.enter_context(RunningService(tmp_path / "service", database_url, **options))

        yield start
