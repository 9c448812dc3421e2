"""The second net under the logs: whatever looks like a phone number is masked, however it was written (T15).

The first net is the allow-list of ``sms_service.logs``; this one is for what slips through it.
"""

from __future__ import annotations

import re
from typing import Final

MASK: Final = "[number]"

# 9 to 15 digits (any script's) in one run, or in groups parted by up to three blanks, dots, dashes, brackets, slashes
# or their url-encoded forms. Longer runs are row ids. Digit and separator never match the same character, so the time
# is linear in the text (I22).
_SEPARATOR: Final = r"(?:[ \t\u00a0\u202f().+/\-\u2010-\u2013]|%(?:20|2[Dd]|28|29|2[Bb])(?=\D|\d))"
_NUMBER: Final = re.compile(rf"(?:\+|%2[Bb])?(?<!\d)\d(?:{_SEPARATOR}{{0,3}}\d){{8,14}}(?!\d)")


def redact(text: str) -> str:
    """``text`` with every phone-like number replaced by ``[number]``."""
    return _NUMBER.sub(MASK, text)
