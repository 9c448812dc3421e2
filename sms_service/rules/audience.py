"""Who a meeting is for: the template's audience decides who is reminded (domain section 2.2)."""

from __future__ import annotations


def invited(audience: str | None, part: str, sex: str) -> bool:
    """Whether a member (``part`` 'member') or a partner is invited to a meeting for ``audience``.

    M men only, W partners only, C couples, F family, X community; several letters add up. A group without an
    audience invites everyone. A partner is reminded only for W, C, F and X, and only on her or his own consent
    (checked elsewhere).
    """
    if not audience:
        return True
    for letter in audience.replace(",", "").replace(" ", ""):
        if letter in "CFX" or (letter == "W" and part == "partner") or (letter == "M" and part == "member" and sex == "M"):
            return True
    return False
