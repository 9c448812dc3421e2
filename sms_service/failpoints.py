"""Places where a test may kill this process (F2): armed by the environment, refused by the settings in production.

The steps of a send: ``before_claim``, ``after_claim``, ``after_fence``, ``after_answer``, ``after_record``. Between the fence
and the answer the request is on the wire; a test kills there from outside, while the simulator holds its answer back. A change
of the field key has ``after_reseal``, between two of its transactions (F46).
"""

from __future__ import annotations

import os
import signal

_ARMED = os.environ.get("SMS_FAILPOINT", "")


def reach(place: str) -> None:
    """Kill this process here, as a power cut would, when the test armed this place; otherwise nothing."""
    if place == _ARMED:
        os.kill(os.getpid(), signal.SIGKILL)
