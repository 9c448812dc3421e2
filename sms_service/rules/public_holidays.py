"""Rwanda's public holidays, for display and for counting working days; both Eids are estimates until announced."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache


@lru_cache(maxsize=32)
def public_holidays(year: int) -> Mapping[date, str]:
    """Local date to English name for ``year``, substitute days included (section 8.5 of the domain guide)."""
    # Loaded on first use: the library is large, and most processes never show a calendar.
    from holidays.countries.rwanda import Rwanda

    return dict(sorted(Rwanda(years=year, language="en_US").items()))
