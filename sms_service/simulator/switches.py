"""What the simulator has been told to do, changed while it runs by ``POST /switch``."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from sms_service.simulator.outcomes import SEND_MODES
from sms_service.simulator.report_plans import REPORT_PLANS

END_EVENT_MODES = ("on", "delayed", "withheld", "twice")


@dataclass(frozen=True, slots=True)
class Switches:
    """Every setting that can be changed while running. Times are in milliseconds, as the names say.

    ``times`` counts the calls the ``send`` mode still applies to; ``None`` means until changed. ``by_number`` turns the
    special number endings on. ``retry_ms`` is the first wait before a callback is delivered again; it doubles up to
    ``retry_most_ms``. ``sender_ids`` is the list of registered senders, empty for "any". ``ussd_limits`` maps a network
    code (or ``*``) to the longest screen in GSM-7 and in UCS-2 characters, prefix included.
    """

    api_key: str
    service_url: str
    send: str = "normal"
    times: int | None = None
    latency_ms: int = 0
    reports: str = "normal"
    report_delay_ms: int = 300
    by_number: bool = True
    raw: bool = False
    retry_ms: int = 500
    retry_most_ms: int = 30_000
    hang_ms: int = 120_000
    drip_ms: int = 500
    retry_after_s: int = 5
    balance: str = "RWF 1785.5000"
    sender_ids: tuple[str, ...] = ()
    end_events: str = "on"
    end_delay_ms: int = 3_000
    ussd_deadline_ms: int = 10_000
    ussd_limits: Mapping[str, tuple[int, int]] = field(default_factory=lambda: {"*": (160, 70)})

    def limits_for(self, network: str) -> tuple[int, int]:
        """The longest GSM-7 and the longest UCS-2 screen of a network, in characters."""
        return self.ussd_limits.get(network) or self.ussd_limits.get("*", (160, 70))

    def changed(self, changes: Mapping[str, Any]) -> Switches:
        """These switches with the named ones changed; ``ValueError`` names the first fault and what is allowed."""
        known = {item.name for item in fields(self)}
        unknown = sorted(set(changes) - known)
        if unknown:
            raise ValueError(f"unknown switch {', '.join(unknown)}; known are {', '.join(sorted(known))}")
        new = {name: self._checked(name, value) for name, value in changes.items()}
        if "send" in new and "times" not in new:
            new["times"] = None
        return replace(self, **new)

    def _checked(self, name: str, value: Any) -> Any:
        choices = {"send": tuple(SEND_MODES), "reports": tuple(REPORT_PLANS), "end_events": END_EVENT_MODES}
        if name in choices:
            if value not in choices[name]:
                raise ValueError(f"{name} must be one of {', '.join(choices[name])}")
            return value
        if name == "sender_ids":
            return tuple(str(item) for item in value)
        if name == "ussd_limits":
            return {str(network): (int(gsm), int(ucs2)) for network, (gsm, ucs2) in dict(value).items()}
        if name in {"by_number", "raw"}:
            if not isinstance(value, bool):
                raise ValueError(f"{name} must be true or false")
            return value
        if name in {"api_key", "service_url", "balance"}:
            return str(value).rstrip("/")
        if name == "times" and value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise ValueError(f"{name} must be a whole number, 0 or more")
        return value


class SwitchBoard:
    """The current switches, shared by all threads."""

    def __init__(self, switches: Switches) -> None:
        self._lock = threading.Lock()
        self._switches = switches

    @property
    def now(self) -> Switches:
        """The switches as they are at this moment."""
        return self._switches

    def change(self, changes: Mapping[str, Any]) -> Switches:
        """Apply changes at once and return the result; ``ValueError`` changes nothing."""
        with self._lock:
            self._switches = self._switches.changed(changes)
            return self._switches

    def take_send_mode(self) -> str:
        """The mode of the next send call, counting ``times`` down; at 0 the gateway is itself again."""
        with self._lock:
            mode, times = self._switches.send, self._switches.times
            if mode == "normal" or times is None:
                return mode
            if times <= 1:
                self._switches = replace(self._switches, send="normal", times=None)
            else:
                self._switches = replace(self._switches, times=times - 1)
            return mode if times > 0 else "normal"
