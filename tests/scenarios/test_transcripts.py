"""Every transcript, over HTTP, on both databases; the dialogue is read again from the database between any two lines."""

from __future__ import annotations

import pytest

from tests.scenarios.transcript import Scenario, play, scenarios
from tests.service import Service


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda one: f"{one.file.removesuffix('.txt')}: {one.title}")
def test_transcript(service: Service, scenario: Scenario) -> None:
    play(service, scenario)
