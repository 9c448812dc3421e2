"""What is said in two parts, with other words between: danger and the wish to get no more messages (S17, S22, S23)."""

from __future__ import annotations

import copy
import time
from typing import Any

import pytest

from sms_service.text.check_lexicon import check_lexicon
from sms_service.text.crisis import crisis_alert, examine
from sms_service.text.lexicon import Lexicon
from sms_service.text.pairs import MOST_PAIRS, build_pairs
from sms_service.text.reading import is_stop
from sms_service.text.reply_types import Alert

_SAID: tuple[tuple[Alert, tuple[str, ...]], ...] = (
    (
        "red",
        (
            "i drank all of that sumu|nanyoye agacupa k'umuti wica imbeba|nimekunywa ile dawa ya panya",
            "j'ai bu tout le flacon de poison|hes hitting me now|he said tonight he will finish me",
            "yavuze ngo nindara hano aranyica|amesema leo usiku ataniua|il a dit qu'il me tuera",
            "they are outside the house and banging on the door|je suis enfermée dans la chambre",
            "i am just a burden to my family|mtakuwa sawa bila mimi|ndi umutwaro ku bana|jemeuxtuerjeveuxmourir",
            "i will go and kill my husband",
        ),
    ),
    (
        "amber",
        (
            "i will never kill him|je ne veux vraiment pas du tout mourir|sitaki kabisa kufa|bring a knife for cutting meat",
            "kisu cha jikoni kimepotea|maze ibyumweru bibiri ntasinzira|abana banjye baburaye",
        ),
    ),
    (
        "none",
        (
            "i hope i die of laughter|panga mkutano|i took the bus and ate bananas|the children are outside in the garden",
            "nanyoye amazi n'icyayi|nimekunywa chai na maziwa",
        ),
    ),
)
_ROWS = [(alert, text) for alert, lines in _SAID for line in lines for text in line.split("|")]


@pytest.mark.parametrize(("alert", "text"), _ROWS)
def test_danger_in_two_parts(lexicon: Lexicon, alert: Alert, text: str) -> None:
    """S22, S23: other words between hide nothing, a denial between lowers, an idiom excuses."""
    assert crisis_alert(lexicon, text) == alert


@pytest.mark.parametrize(
    "text",
    [
        "stop kunyandikira",
        "arrêtez kunyandikira svp",
        "stop kunitumia message",
        "jveu plu de vos sms",
        "vous pouvez arrêter d'envoyer ces messages, merci",
        "Muvane nimero yanjye kuri lisiti",
        "do not text this number again",
        "please delete my number from your list",
        "sinshaka kongera kubona ubu butumwa",
        "tafadhali msinitumie tena hizo meseji",
        "je suis fatiguée de tous ces messages",
        "stop merci beaucoup",
    ],
)
def test_stop_in_two_parts(lexicon: Lexicon, text: str) -> None:
    """S17: the wish is understood in mixed languages and with other words between."""
    assert is_stop(lexicon, text)


@pytest.mark.parametrize(
    "text",
    [
        "sinabonye ubutumwa bwanyu",
        "my number has changed",
        "i did not get your message",
        "don't stop sending messages",
        "nataka ujumbe zaidi",
        "je n'ai pas reçu le message",
    ],
)
def test_no_stop_in_talk_of_messages(lexicon: Lexicon, text: str) -> None:
    """S17: a word about messages is no request to end them."""
    assert not is_stop(lexicon, text)


def test_the_layer_is_told(lexicon: Lexicon) -> None:
    """S32: how it was seen is a code, never the words."""
    assert examine(lexicon, "il a encore dit qu'il me tuera").code == "red:attack:near"


def test_of_runs_that_overlap_the_shorter_counts() -> None:
    """9.1: what follows may begin with letters that a longer run would have taken ("me coupe la tete", "me coupera")."""
    pairs = build_pairs([{"first": ["me coupe", "me coupera"], "second": ["ra tete"]}], lambda phrase: phrase.replace(" ", ""))
    assert [found[0] for found in pairs.find(["ir", "me", "coupe", "ra", "tete"])] == [0]


def test_a_text_that_repeats_itself_costs_no_more() -> None:
    """I22: the pairs told of one text are bounded, and so is the time."""
    pairs = build_pairs([{"first": ["aaa*"], "second": ["bcd"], "either": True}], lambda phrase: phrase)
    begun = time.process_time()
    assert len(list(pairs.find(["aaa", "bcd"] * 20_000))) == MOST_PAIRS
    assert time.process_time() - begun < 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"role": "purple"}, "role is unknown"),
        ({"topic": ""}, "topic is missing"),
        ({"within": 99}, "no number from 1"),
        ({"first": []}, "no list of texts"),
        ({"first": ["one two three four five"]}, "more than 4"),
        ({"second": ["ab*"]}, "a beginning is one word"),
        ({"second": ["(ab"]}, "brackets"),
        ({"urgent": True}, "'urgent' is unknown"),
        ({"review": ""}, "review state is missing"),
    ],
)
def test_a_slip_in_a_pair_is_told(tables: dict[str, dict[str, Any]], change: dict[str, Any], reason: str) -> None:
    """9.2: the shipped pairs have no fault, and a slip is told before anything is read with it."""
    changed = copy.deepcopy(tables)
    assert not check_lexicon(changed)
    changed["near"]["pair"][0].update(change)
    assert any(reason in problem.reason and problem.file == "near" for problem in check_lexicon(changed))
