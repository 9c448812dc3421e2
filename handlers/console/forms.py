"""Reading what a person filled in: bounded, without control characters, every fault named beside its field.

The same object feeds the page again, so that nothing a person typed is lost when something is wrong (reliability 10).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from typing import Any

from werkzeug.datastructures import MultiDict

from handlers.console.language import gettext as _
from sms_service.clock import KIGALI
from sms_service.usecases.faults import UseFault

#: Only fields with this ending may come more than once.
LIST_ENDING = "_list"
_KEPT_CONTROLS = "\n"


class Form:
    """The values of one form and what is wrong with them.

    ``Form(request.form)`` reads a sent form; ``Form(initial={...})`` fills an empty one. Readers return the value, or
    an empty one after noting the fault; check ``form.errors`` before acting, and answer 422 when there are any.
    """

    def __init__(self, sent: MultiDict[str, str] | None = None, *, initial: Mapping[str, Any] | None = None) -> None:
        self._sent: MultiDict[str, str] = sent if sent is not None else MultiDict()
        self._initial = dict(initial or {})
        self.errors: dict[str, str] = {}

    def value(self, name: str) -> str:
        """What to show in the field again."""
        if name in self._sent:
            return self._sent[name]
        shown = self._initial.get(name)
        return "" if shown is None else str(shown)

    def chosen(self, name: str) -> list[str]:
        """The ticked values of a list field (its name ends in ``_list``)."""
        return self._sent.getlist(name) if self._sent else [str(value) for value in self._initial.get(name, ())]

    def fault(self, name: str, message: str) -> None:
        """Note what is wrong with a field; the first fault of a field stays."""
        self.errors.setdefault(name, message)

    def take_faults(self, refused: UseFault) -> None:
        """Note the faults a use case found, in the page's language."""
        for fault in refused.faults:
            self.fault(fault.field, _(fault.message, **fault.values) if fault.values else _(fault.message))

    def text(self, name: str, *, most: int = 200, required: bool = True, lines: bool = False) -> str:
        """A text of at most ``most`` characters, composed (NFC), trimmed, without control characters."""
        raw = unicodedata.normalize("NFC", self._sent.get(name, "")).replace("\r\n", "\n")
        kept = "".join(c for c in raw if unicodedata.category(c) not in ("Cc", "Cs") or (lines and c in _KEPT_CONTROLS))
        kept = kept.strip() if lines else " ".join(kept.split())
        if required and not kept:
            self.fault(name, _("Please fill in this field."))
        if len(kept) > most:
            self.fault(name, _("At most %(most)s characters, this has %(has)s.", most=most, has=len(kept)))
        return kept

    def choice(self, name: str, allowed: Iterable[str], *, required: bool = True) -> str:
        """One of the allowed codes."""
        given = self._sent.get(name, "")
        if not given and not required:
            return ""
        if given not in set(allowed):
            self.fault(name, _("Please choose one of the list."))
            return ""
        return given

    def choices(self, name: str, allowed: Iterable[str], *, required: bool = True) -> list[str]:
        """Several of the allowed codes, in the order of the form, each once."""
        given = list(dict.fromkeys(self._sent.getlist(name)))
        if required and not given:
            self.fault(name, _("Please choose at least one."))
        if set(given) - set(allowed):
            self.fault(name, _("Please choose only from the list."))
            return []
        return given

    def ticked(self, name: str) -> bool:
        """Whether a tick box was ticked."""
        return self._sent.get(name, "") == "1"

    def whole(self, name: str, *, low: int, high: int, required: bool = True) -> int | None:
        """A whole number in plain digits between ``low`` and ``high``."""
        given = self._sent.get(name, "").strip()
        if not given and not required:
            return None
        if given.isascii() and given.isdigit() and len(given) <= 9 and low <= int(given) <= high:
            return int(given)
        self.fault(name, _("A whole number from %(low)s to %(high)s.", low=low, high=high))
        return None

    def day(self, name: str, *, required: bool = True) -> date | None:
        """A day written as the browser's date field sends it (2026-05-13), local to Kigali."""
        given = self._sent.get(name, "").strip()
        if not given and not required:
            return None
        try:
            found = datetime.strptime(given, "%Y-%m-%d").replace(tzinfo=KIGALI).date()
        except ValueError:
            self.fault(name, _("A day such as 2026-05-13."))
            return None
        if not 2000 <= found.year <= 2100:
            self.fault(name, _("A day between 2000 and 2100."))
            return None
        return found

    def clock(self, name: str, *, required: bool = True) -> time | None:
        """A time of day written as 14:00 (24 h), local to Kigali."""
        given = self._sent.get(name, "").strip()
        if not given and not required:
            return None
        try:
            if not given.isascii():
                raise ValueError
            return datetime.strptime(given, "%H:%M").replace(tzinfo=KIGALI).time()
        except ValueError:
            self.fault(name, _("A time such as 14:00."))
            return None


def repeated_field(sent: MultiDict[str, str]) -> str | None:
    """The first field that came twice although it may come once (ASVS 15.3.7), or None."""
    for name, values in sent.lists():
        if len(values) > 1 and not name.endswith(LIST_ENDING):
            return name
    return None
