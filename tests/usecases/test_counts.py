"""Figures for those who see counts only: small ones are left out, also by difference."""

from __future__ import annotations

import pytest

from sms_service.usecases.overview import counts
from tests.usecases.site import Site


@pytest.mark.parametrize(
    ("women", "men", "shown"), [(5, 6, (5, 6)), (4, 9, (None, None)), (9, 4, (None, None)), (0, 0, (None, None))]
)
def test_a_cell_below_five_is_left_out_and_so_is_what_it_would_follow_from(
    site: Site, women: int, men: int, shown: tuple[int | None, int | None]
) -> None:
    """S34, T21: women and men are shown together or not at all."""
    site.group()
    for sex, number in (("F", women), ("M", men)):
        for _ in range(number):
            site.person(sex=sex)
    with site.context.database.begin() as db:
        figures = counts(db, site.context.now(db))
    assert (figures.women, figures.men) == shown
    assert figures.groups is None
