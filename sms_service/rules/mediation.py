"""Whom a mediator may be offered to: never after violence (S29)."""

from __future__ import annotations

import re

from sms_service.text.normalise import plain

MAY_BE_MEDIATED = frozenset({"legal"})
"""Topics of a request for a call that a mediator may settle: law and land."""

_MEDIATES = re.compile(
    r"mediat|conciliat|arbitr|abunzi|umwunzi|ubwunzi|inama y?\s*umuryango|inteko y?\s*abaturage|family council|conseil de famille"
    r"|suluhis|usuluhi|wapatanishi|mpatanishi"
)


def is_mediation(kind: str, name: str) -> bool:
    """Whether a directory entry is a mediator (abunzi, a family council), by its kind or by its name in any of the languages."""
    return bool(_MEDIATES.search(plain(kind)) or _MEDIATES.search(plain(name)))


def may_offer_mediation(severity: str, topic: str | None) -> bool:
    """Only for a request about law or land that nothing grave stands behind: of any other concern nobody can know by its code
    that it is not about violence.
    """
    return severity not in ("red", "amber") and topic in MAY_BE_MEDIATED
