"""What a caller is given to say, and what is never said to anyone else."""

from __future__ import annotations

import re

from tests.console.conftest import Browsers
from tests.console.world import World


def test_the_concern_page_gives_the_call_script(world: World, browsers: Browsers) -> None:
    """V20: the greeting names the caller and the meeting only; the reason comes after the identity question; no voicemail."""
    status, page = browsers("safeguarding").get(f"/console/concerns/{world.concern}")
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)).replace("&#39;", "'")
    assert status == 200
    assert "wo muri Servas ku bijyanye n'inama" in words
    assert words.index("Muraho") < words.index("identity question") < words.index("Only then the reason")
    assert "No voicemail" in words
