"""The small programme of ``site.py`` over each database."""

from __future__ import annotations

import pytest

from sms_service.usecases.context import Context
from tests.usecases.site import Site


@pytest.fixture
def site(context: Context) -> Site:
    return Site.build(context)
