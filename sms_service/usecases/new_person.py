"""A person as a form or a list gives it, and every fault of its fields that needs no database.

Only adults are enrolled (S21): there is no age band below 18. The fields that must not exist do not exist (S37).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from sms_service.models.people import PURPOSES
from sms_service.usecases.contacts import NO_PHONE, OWNERSHIPS, read_phone, read_safe_hours
from sms_service.usecases.faults import Faults, UseFault

CODE = re.compile(r"P[0-9]{4,6}")
KINDS = ("participant", "practitioner", "facilitator")
SEXES = ("F", "M")
AGE_BANDS = ("18-24", "25-34", "35-59", "60+")
HOW = ("oral", "written", "electronic")
LONGEST_NAME = 80
_MINOR = re.compile(r"<\s*18|0-17|1[0-7](-17)?|[0-9]", re.ASCII)


@dataclass(frozen=True, slots=True)
class NewPerson:
    """A person as a form or a list gives it, as written; ``phone`` empty: reached through the facilitator.

    ``consents`` are purposes given now (S16); ``group`` may be empty. ``code`` empty: drawn (P and four digits).
    """

    name: str
    sex: str
    age_band: str
    language: str
    kind: str = "participant"
    code: str = ""
    group: str = ""
    part: str = "member"
    phone: str = ""
    phone_ownership: str = ""
    safe_hours: str = ""
    consents: Sequence[str] = ()
    how: str = "oral"
    literacy_aid: bool = False


def clean_name(written: str) -> str:
    """A name in composed form with single spaces."""
    return " ".join(unicodedata.normalize("NFC", written).split())


def check_person(new: NewPerson, languages: Sequence[str]) -> Faults:
    """Every fault of the fields that need no database; the phone's form included. ``languages``: those people are written to in."""
    faults = Faults()
    name = clean_name(new.name)
    readable = all(unicodedata.category(c)[0] in "LMNZP" for c in name)
    faults.need(1 <= len(name) <= LONGEST_NAME and readable, "name", "give a name of 1 to 80 letters")
    faults.need(not name.startswith(("=", "@", "+", "-")), "name", "this looks like a spreadsheet formula; write the name")
    faults.need(new.sex in SEXES, "sex", "write F or M")
    if _MINOR.fullmatch(new.age_band.strip()):
        faults.add("age_band", "people under 18 are not enrolled (S21)")
    else:
        faults.need(new.age_band in AGE_BANDS, "age_band", "write 18-24, 25-34, 35-59 or 60+")
    faults.need(new.language in languages, "language", "write one of %(known)s", known=", ".join(languages))
    faults.need(new.kind in KINDS, "role", "write participant, practitioner or facilitator")
    faults.need(new.how in HOW, "how", "choose oral, written or electronic")
    unknown = [purpose for purpose in new.consents if purpose not in PURPOSES]
    faults.need(not unknown, "consents", "unknown consent; known are %(known)s", known=";".join(PURPOSES))
    faults.need(
        not new.code or CODE.fullmatch(new.code),
        "code",
        "a person's code is P and four digits; leave it empty to draw one",
    )
    _check_phone(new, faults)
    return faults


def _check_phone(new: NewPerson, faults: Faults) -> None:
    has_phone = bool(new.phone.strip())
    allowed = ("", *OWNERSHIPS) if has_phone else ("", NO_PHONE)
    if new.phone_ownership not in ("", NO_PHONE, *OWNERSHIPS):
        faults.add("phone_ownership", "write own, shared_partner, shared_other or none")
    elif new.phone_ownership not in allowed:
        faults.add("phone_ownership", "none goes with no number, own and shared with a number; correct one of the two")
    for read, written in ((read_phone, new.phone if has_phone else ""), (read_safe_hours, new.safe_hours)):
        try:
            if written:
                read(written)
        except UseFault as fault:
            faults.found += fault.faults
