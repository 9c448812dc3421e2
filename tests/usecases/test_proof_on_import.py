"""A definition that is whole step by step and unsound as a whole is refused at import, and what runs goes on running."""

from __future__ import annotations

import pytest

from sms_service.paths import templates_dir
from sms_service.usecases.bring_in import Given, bring_in
from sms_service.usecases.versions import COMMAND
from tests.service import Service

UNSOUND = {
    "a class B screen on a phone that several people use": (
        'value = "call", next = "call"',
        'value = "call", next = "call_topic"',
        "several people use (S3, S9)",
    ),
    "0 leads to a menu": ('exit = "meeting"', 'exit = "home"', "0 does not leave the dial (S12)"),
    "a way to a step that is misspelt": ('yes = "home"', 'yes = "hom"', "did you mean 'home'?"),
}


@pytest.mark.parametrize("what", UNSOUND)
def test_an_unsound_definition_is_refused_whole(service: Service, what: str) -> None:
    """S3, S9, S12: every fault is named, no draft is made, and the dial shows what it showed."""
    old, new, words = UNSOUND[what]
    shipped = (templates_dir() / "conversations" / "home.toml").read_text(encoding="utf-8")
    assert shipped.count(old) == 1
    before = _running(service)
    report = bring_in(service.context, [Given("home.toml", shipped.replace(old, new).encode())], COMMAND, "command")
    assert not report.applied
    assert not report.made
    assert any(words in str(fault) for fault in report.faults), report.faults
    assert _running(service) == before


def _running(service: Service) -> str:
    """The fingerprint of the home dialogue as the next dial would get it."""
    with service.context.database.begin() as db:
        service.context.now(db)
    return service.context.published.conversation("home").fingerprint
