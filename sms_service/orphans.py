"""A process that serves for another one ends with it: a web worker whose master was killed would keep its port for ever (F1)."""

from __future__ import annotations

import os
import threading
import time

LOOK_EVERY = 1.0


def end_with_parent() -> None:
    """Watch the parent from a thread and end this process within a second of its death, as if killed with it.

    Nothing is finished politely: what the kill cut off is redelivered by the gateway (I1).
    """
    parent = os.getppid()
    threading.Thread(target=_watch, args=(parent,), name="parent", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_EVERY)
    os._exit(1)
