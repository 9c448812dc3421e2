"""Classes of meaning the reader once missed, in other words than those it was mended on."""

from __future__ import annotations

import pytest

from sms_service.text.lexicon import Lexicon
from sms_service.text.reading import read_reply
from tests.unit.text.reply_rows import NONE

_RED = """nafashe icyemezo cyo kwimanika|I have made my decision to die
nimefikia uamuzi wa kujinyonga|j'ai pris la décision de mourir
kuva ejo sinzaba nkiri kuri iyi si|je ne serai plus de ce monde|sitakuwa tena duniani
afunze umwana, alifunga mlango na sasa anapiga kelele|he locked her in and she is screaming|il a fermé la porte et la petite hurle
nzamusukaho aside|I will throw boiling water on her|nitammwagia maji ya moto|je vais lui jeter de l'eau bouillante
when you read this I will be gone|quand vous lirez ceci je serai mort|ukisoma hii nitakuwa nimekufa
I want to jump in front of a train|je vais me jeter sous un camion|nataka kujitupa mbele ya treni"""
_STOP = """ntimukanyandikire ukundi|mukuru wanjye ati ntimuzongere kumwoherereza|dontsendmemoremessages
nemenvoyezplusdesms
papa demande de ne plus envoyer des sms
tafadhali msiendelee kuniandikia
unkure kuri liste|izi sms ndazirambiwe mubikureho"""
_START = """mwongere munyandikire ubutumwa|ndashaka kongera kwakira ubutumwa|please start sending messages again
i want the reminders back
je voudrais recommencer à recevoir les rappels|remettez moi les messages svp
naomba mnirudishie ujumbe|nataka kuanza tena kupokea meseji"""
_LANGUAGE = {
    "rw": "write to me in kinyarwanda please|andika kwa kinyarwanda|parlez moi en kinyarwanda",
    "fr": "please reply in french|mumpindurire mu gifaransa|écrivez en français svp",
    "sw": "text me in swahili|badilisha lugha kuwa kiswahili",
}


def _rows(written: str) -> list[str]:
    return [text for line in written.splitlines() for text in line.split("|")]


@pytest.mark.parametrize("text", _rows(_RED))
def test_danger(lexicon: Lexicon, text: str) -> None:
    """S22-S24: a decision taken, a last day, a child shut in, scalding, a letter of farewell, a way to die."""
    assert read_reply(lexicon, text, NONE).alert == "red"


@pytest.mark.parametrize("text", _rows(_STOP))
def test_stop(lexicon: Lexicon, text: str) -> None:
    """S17: never again, for another, without spaces, off the list."""
    assert read_reply(lexicon, text, NONE).intent == "stop"


@pytest.mark.parametrize("text", _rows(_START))
def test_start(lexicon: Lexicon, text: str) -> None:
    """9.1: to start again said in a sentence."""
    assert read_reply(lexicon, text, NONE).intent == "start"


@pytest.mark.parametrize(("code", "text"), [(code, text) for code, texts in _LANGUAGE.items() for text in _rows(texts)])
def test_language(lexicon: Lexicon, code: str, text: str) -> None:
    """9.1: a language asked for in a sentence."""
    reading = read_reply(lexicon, text, NONE)
    assert (reading.intent, reading.value) == ("language", code)


@pytest.mark.parametrize(
    "text", ["I do not understand English", "I changed my mind", "i stopped the messages", "why do you stop in front of the bank"]
)
def test_none_of_these(lexicon: Lexicon, text: str) -> None:
    """9.1: words of a request that ask for nothing."""
    reading = read_reply(lexicon, text, NONE)
    assert (reading.intent, reading.alert) == ("unclear", "none")
