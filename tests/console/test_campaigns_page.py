"""The campaigns' pages: written with its faults named, looked at, approved by another, paused and ended."""

from __future__ import annotations

import re
from datetime import timedelta

from sms_service import clock
from tests.console.conftest import Browsers
from tests.console.world import World

TEXTS = {
    "text_rw": "Servas: inama itaha ni ku wa Gatatu saa munani (14:00).",
    "text_fr": "Servas: prochaine réunion mercredi à 14:00.",
    "text_en": "Servas: the next meeting is on Wednesday at 14:00.",
    "text_sw": "Servas: mkutano ujao ni Jumatano saa nane (14:00).",
}


def test_a_campaign_from_form_to_end(world: World, browsers: Browsers) -> None:
    """S40: what is wrong is named and kept; the author cannot approve; a double click makes one; no number on any page (S31)."""
    author, approver = browsers("staff"), browsers("safeguarding")
    page = author.get("/console/campaigns/write")[1]
    once = re.search(r'name="once" value="(\d+)"', page)
    assert once
    day = clock.local(world.now + timedelta(days=3)).date().isoformat()
    sent = {"once": once.group(1), "anchor": "date", "text_class": "A", "groups_list": world.group, **TEXTS}
    status, page = author.post("/console/campaigns/write", sent)
    assert status == 422
    assert "A day such as 2026-05-13." in page
    assert TEXTS["text_en"] in page
    for _ in range(2):
        status, _page = author.post("/console/campaigns/write", {**sent, "on_day": day})
        assert status == 303
    listed = author.get("/console/campaigns")[1]
    codes = set(re.findall(r"/console/campaigns/(K\d+)", listed))
    assert len(codes) == 1
    path = f"/console/campaigns/{codes.pop()}"
    assert author.post(f"{path}/decide", {"act": "approve"})[0] == 422
    assert 'value="approve"' not in author.get(path)[1]
    assert approver.post(f"{path}/decide", {"act": "approve"})[0] == 303
    page = approver.get(path)[1]
    assert "Running" in page
    assert "+250" not in page
    for act in ("pause", "resume", "end"):
        assert author.post(f"{path}/act", {"act": act})[0] == 303
    assert author.post(f"{path}/act", {"act": "resume"})[0] == 422
    assert author.get("/console/campaigns/K99999")[0] == 404
