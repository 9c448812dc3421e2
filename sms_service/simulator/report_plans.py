"""The delivery reports each mode sends for one message, as a plain list; contract sections 10.2 and 13.4."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Report:
    """One report to post. ``wait`` counts report delays since the one before; ``id_form`` tells which id it carries."""

    status: str
    reason: str = ""
    wait: float = 1.0
    id_form: str = "real"


_SUCCESS = Report("Success")

REPORT_PLANS: dict[str, tuple[Report, ...]] = {
    "normal": (_SUCCESS,),
    "none": (),
    "full": (Report("Sent"), Report("Submitted"), Report("Buffered"), _SUCCESS),
    "delayed": (Report("Success", wait=20.0),),
    "shuffled": (_SUCCESS, Report("Buffered"), Report("Sent"), Report("Submitted")),
    "duplicated": (_SUCCESS, Report("Success", wait=0.0), Report("Success", wait=0.0)),
    "before": (Report("Success", wait=0.0),),
    "unknown-status": (Report("Teleported"),),
    # The gateway's current documentation misspells NotNetworkSubscriber this way.
    "misspelt": (Report("Failed", "NotNetworkSubcriber"),),
    "unknown-id": (Report("Success", id_form="unknown"),),
    "none-id": (Report("Failed", "DeliveryFailure", id_form="none"),),
    "blacklisted": (Report("Failed", "UserInBlackList"),),
    "rejected": (Report("Rejected", "UserIsInactive"),),
    "expired": (Report("Expired"),),
    "absent": (Report("AbsentSubscriber"),),
    "absent-then-success": (Report("AbsentSubscriber"), _SUCCESS),
    "failed": (Report("Failed"),),
    "failed-then-success": (Report("Failed", "DeliveryFailure"), _SUCCESS),
    "success-then-failed": (_SUCCESS, Report("Failed", "DeliveryFailure")),
}

# With these the phone never gets the text.
_UNDELIVERED = frozenset({"misspelt", "none-id", "blacklisted", "rejected", "expired", "absent", "failed"})


def reaches_phone(mode: str) -> bool:
    """Whether a text sent under this report mode is shown on the handset."""
    return mode not in _UNDELIVERED
