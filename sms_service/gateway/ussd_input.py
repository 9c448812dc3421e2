"""The newest input of a USSD turn, when of the history so far only its length and keyed hash are kept (a PIN may be in
it).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Newest:
    """``new``: ``input`` was just keyed in (empty = a blank reply: show the screen again). ``duplicate``: this turn
    again.

    ``reshow``: a live dial arrived with empty text, show the current screen. ``unknown``: late or lost; look among
    the stored receipts, else begin again with the menu.
    """

    kind: Literal["duplicate", "new", "reshow", "unknown"]
    input: str = ""


def newest_input(previous_len: int, previous_hash: bytes, text: str, hash_of: Callable[[str], bytes]) -> Newest:
    """What ``text`` adds to the history of ``previous_len`` characters whose keyed hash is ``previous_hash`` (I15).

    The history is taken off as a prefix, never split at ``*``: a person may key asterisks. A dial's first turn has
    length 0, and its whole text is the input (a deep dial), and ``previous_hash`` is not looked at.
    """
    if previous_len == 0:
        return Newest("new", text) if text else Newest("duplicate")
    if not text:
        return Newest("reshow")
    if len(text) < previous_len or not hmac.compare_digest(hash_of(text[:previous_len]), previous_hash):
        return Newest("unknown")
    if len(text) == previous_len:
        return Newest("duplicate")
    if text[previous_len] != "*":
        return Newest("unknown")
    return Newest("new", text[previous_len + 1 :])
