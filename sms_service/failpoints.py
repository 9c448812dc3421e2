"""Places where a test may kill or hold this process (F2, F41): armed by the environment, refused by the settings in production.

The steps of a send: ``before_claim``, ``after_claim``, ``after_fence``, ``after_answer``, ``after_record``. Between the fence
and the answer the request is on the wire; a test kills there from outside, while the simulator holds its answer back. A change
of the field key has ``after_reseal``, between two of its transactions (F46).
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

_ARMED, _, _HOLD_IN = os.environ.get("SMS_FAILPOINT", "").partition(":")
_HELD_SECONDS = 60.0
_to_hold = [True]


def reach(place: str) -> None:
    """At the place that the test armed: kill this process, as a power cut would, or, armed as ``place:FOLDER``, hold it there.

    A held process, once only, writes ``FOLDER/place`` and goes on when somebody has removed it, after a minute at the latest.
    """
    if place != _ARMED:
        return
    if not _HOLD_IN:
        os.kill(os.getpid(), signal.SIGKILL)
    if not _to_hold:
        return
    _to_hold.clear()
    held = Path(_HOLD_IN) / place
    held.touch()
    until = time.monotonic() + _HELD_SECONDS
    while held.exists() and time.monotonic() < until:
        time.sleep(0.02)
