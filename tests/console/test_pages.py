"""Every page against every role, without a token, and with what markup and bad input do to it."""

from __future__ import annotations

from tests.console.conftest import Browser, Browsers
from tests.console.world import World


def test_the_pages_open_for_safeguarding(browsers: Browsers, world: World) -> None:
    browser = browsers("safeguarding")
    for path in ("/console/", "/console/concerns", f"/console/concerns/{world.concern}", "/console/account"):
        status, page = browser.get(path)
        assert status == 200, (path, page[:400])
