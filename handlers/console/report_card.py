"""The report on a meeting as its page shows it, with the form to file or correct it (V15)."""

from __future__ import annotations

from typing import Any, Final

from handlers.console import labels
from handlers.console.forms import Form
from handlers.console.language import later
from sms_service.usecases import meeting_reports as acts

#: Troubled and sent on: who looked distressed and who was referred, as counts.
COUNTS: Final = {
    "men": later("Men"),
    "women": later("Women"),
    "distressed": later("Troubled"),
    "referred": later("Sent on"),
}
BOTH: Final = {"yes": later("Yes"), "no": later("No"), "": later("Not said")}
SOURCES: Final = {"ussd": later("by a dial"), "sms": later("by a text"), "console": later("in the console")}
FLAGS: Final = {
    "too_many": later("More people than the group has"),
    "nobody": later("Nobody was there"),
    "differs": later("The two facilitators differ"),
}


def shown(db: Any, meeting_id: int, form: Form) -> dict[str, Any]:
    """What the page of a meeting needs to show its report and the form for it."""
    found = acts.report_of(db, meeting_id)
    if found is not None and not form.errors:
        said = acts.said(found.row)
        both = {True: "yes", False: "no", None: ""}[said["both_present"]]
        form = Form(initial={**said, "both_present": both})
    return {
        "report": found,
        "report_form": form,
        "counted": COUNTS,
        "incidents": labels.options(labels.INCIDENTS),
        "both_options": labels.options(BOTH),
        "report_words": {"incident": labels.INCIDENTS, "both": BOTH, "source": SOURCES, "flag": FLAGS},
    }
