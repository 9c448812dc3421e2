"""Ports for servers that tests start, outside the range the system takes for outgoing connections: none is taken meanwhile."""

from __future__ import annotations

import random
import socket

FIRST, LAST = 20_000, 32_000


def free_port(in_a_row: int = 1) -> int:
    """The first of so many neighbouring ports that nobody listens on."""
    while True:
        port = random.SystemRandom().randrange(FIRST, LAST - in_a_row)
        if all(_is_free(port + place) for place in range(in_a_row)):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
