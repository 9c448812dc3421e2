"""Counting of segments against an independent library, and the folds of domain guide section 10 (S6)."""

from __future__ import annotations

import smsutil
from hypothesis import given, settings
from hypothesis import strategies as st

from sms_service.text.gsm import (
    BASIC,
    EXTENSION,
    drop_accents_outside_gsm,
    encoding_of,
    fold,
    segments,
)

_GSM = st.text(st.sampled_from(sorted((BASIC | EXTENSION) - {"\f"})), max_size=500)
_WIDE = st.text(st.one_of(st.sampled_from("abc ê€😀𝄞—"), st.characters(exclude_categories=["Cs"])), max_size=220)


@given(st.one_of(_GSM, _WIDE))
@settings(max_examples=250, deadline=None)
def test_parts_as_smsutil_counts_them(text: str) -> None:
    """S6: the same number of parts as a second implementation; a pair is never split over two parts."""
    # The other library calls an empty text UCS-2, does not know the form feed, and takes the escape code for a character.
    if not text or "\f" in text or "\x1b" in text:
        return
    ours = segments(text)
    theirs = smsutil.split(text)
    assert ours.parts == max(1, len(theirs.parts))
    assert ours.encoding == ("GSM-7" if theirs.encoding == "gsm0338" else "UCS-2")
    assert ours.left >= 0


def test_limits() -> None:
    """160/153 and 70/67; an extension character at the edge moves whole into the next part."""
    assert [segments("a" * n).parts for n in (0, 160, 161, 306, 307)] == [1, 1, 2, 2, 3]
    assert [segments("ê" * n).parts for n in (70, 71, 134, 135)] == [1, 2, 2, 3]
    assert segments("a" * 152 + "€" + "a" * 152).parts == 3
    assert segments("ê" * 66 + "😀" + "ê" * 66).parts == 3
    assert segments("a€").units == 3
    assert segments("abc").left == 157


def test_culprits_are_named() -> None:
    """The characters that make a text costly are listed once each, in order."""
    assert segments("n’umugore, être – n’").culprits == ("’", "ê", "–")
    assert encoding_of("éèùìò à Ç É ñ") == "GSM-7"


def test_folds() -> None:
    """Word-processor characters become plain; only accents outside GSM-7 are dropped."""
    assert fold("n’umugore “yego” – a…\u00a0b\u200b") == 'n\'umugore "yego" - a... b'
    assert drop_accents_outside_gsm("être reçu bientôt, août, cœur, é è à ù Ç") == "etre recu bientot, aout, coeur, é è à ù Ç"
    assert encoding_of(drop_accents_outside_gsm(fold("L’hôpital — français"))) == "GSM-7"
