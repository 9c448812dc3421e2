"""Which client serves which settings; a second gateway is one more row in ``CLIENTS``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from sms_service.gateway.africastalking import Client
from sms_service.gateway.results import Balance, CallResult


class Secret(Protocol):
    """A value kept out of representations until asked for."""

    def get_secret_value(self) -> str:
        """The value itself."""
        ...


class GatewaySettings(Protocol):
    """The part of the settings a gateway needs. ``at_base_url`` ends before ``/version1``; empty or None = the
    gateway's own.
    """

    @property
    def at_username(self) -> str:
        """The account's username."""
        ...

    @property
    def at_api_key(self) -> str | Secret:
        """The account's key."""
        ...

    @property
    def at_api_key_file(self) -> Path | None:
        """The file the key lies in, if it does: the key may be changed there while texts go."""
        ...

    @property
    def at_base_url(self) -> str | None:
        """Where calls go instead of the gateway's own address."""
        ...


class Gateway(Protocol):
    """What the rest of the service may ask of any gateway."""

    def send(
        self,
        numbers: Sequence[str],
        text: str,
        *,
        sender: str | None,
        enqueue: bool | None = None,
        deadline: float = 30.0,
    ) -> CallResult:
        """Send once to each number; see ``africastalking.Client.send``."""
        ...

    def balance(self, *, deadline: float = 10.0) -> Balance | None:
        """Money left, or None."""
        ...


def _africastalking(settings: GatewaySettings, connections: int) -> Client:
    key = settings.at_api_key
    return Client(
        settings.at_username,
        key if isinstance(key, str) else key.get_secret_value(),
        base_url=settings.at_base_url or "",
        connections=connections,
        key_file=settings.at_api_key_file,
    )


CLIENTS: Mapping[str, Callable[[GatewaySettings, int], Client]] = {"africastalking": _africastalking}


def client_for(settings: GatewaySettings, *, gateway: str = "africastalking", connections: int = 32) -> Client:
    """The client for ``settings``, keeping up to ``connections`` open. ValueError for unusable settings or an unknown
    gateway.
    """
    if gateway not in CLIENTS:
        raise ValueError(f"gateway: expected one of {', '.join(sorted(CLIENTS))}")
    return CLIENTS[gateway](settings, connections)
