"""The names of the nudges: each means 'look again', carries no data that matters, and may be lost (design decision 1)."""

from __future__ import annotations

QUEUE = "nudges"
INBOUND = "inbound"
SEND = "send"
EXPAND = "expand_broadcast"
KINDS = (INBOUND, SEND, EXPAND)

#: How long one job goes on before it hands over to a new one, in seconds; its time-out is far beyond.
WORK_SECONDS = 20.0
TIMEOUT_SECONDS = 180
