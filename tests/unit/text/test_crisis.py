"""The crisis check: recall first, downgrades for what is denied, past, of others, joking or course talk (S22-S24)."""

from __future__ import annotations

import pytest

from sms_service.text.crisis import crisis_alert
from sms_service.text.lexicon import Lexicon
from sms_service.text.reply_types import Alert

_TABLE: tuple[tuple[Alert, str], ...] = (
    (
        "red",
        (
            "ndashaka gupfa|nshaka gupfa|nifuza gupfa|NDASHAKA GUPFA!!|ndashakagupfa|ndshaka gupfa|kwiahura|"
            "kwiyaura|nshk gupfa|sinshak kubaho|i wnt to die|jveu mourir|nataka kujiuwa|ndashaka rwose gupfa|"
            "kwiyahura|ndashaka kwiyahura|kwiyahulla|kwi yahura|kwiyica|ndiyica|sinshaka kubaho|nanze kubaho|"
            "nyanze kubaho|nta mpamvu yo kubaho|ntampamvu yo kubaho|kwikomeretsa|kwigirira nabi|1 ndashaka gupfa|"
            "oya, ndashaka gupfa|niyahure"
        ),
    ),
    (
        "red",
        (
            "kill myself|i want to die|iwanttodie|i wanna die|end my life|no reason to live|I dont want to live|"
            "not ok i want to die|no I want to die|i am going to kill myself|kil myself|suicide|"
            "i w4nt it, want to die|he will kill me|he is beating me|took all the pills|rescue me|i will kill him|"
            "my husband has a knife|he is coming with a machete|overdose|he has a gun"
        ),
    ),
    (
        "red",
        (
            "je veux mourir|envie de mourir|me suicider|me tuer|je veux me tuer|plus envie de vivre|"
            "j'ai plus envie de vivre|il veut me tuer|il me frappe|il me bat|au secours|ausecours|il a un couteau|"
            "il a une machette|j?ai envie de mourir|enfant en danger"
        ),
    ),
    (
        "red",
        (
            "kujiua|nataka kujiua|nataka kufa|natakakufa|sitaki kuishi|nimechoka kuishi|kujidhuru|anataka kuniua|"
            "niokoeni|ananipiga|ana panga|ana kisu|nimekunywa sumu|nataka sana kufa"
        ),
    ),
    (
        "red",
        (
            "ntabara|mutabare|arashaka kunyica|afite umuhoro|afite icyuma|arankubita|nzamwica|arakubita umwana|"
            "nanyoye imiti myinshi|yankubise nonaha|he beats me right now|amenipiga sasa hivi|mutabaree"
        ),
    ),
    (
        "amber",
        (
            "yankubise|yamfashe ku ngufu|gufatwa ku ngufu|ihohoterwa|yankoreye nabi|he beat me|he hit me|"
            "she was raped|il m'a frappée hier|amenibaka|knife|couteau|kisu|panga|machete|umuhoro|ntinya gutaha|"
            "afraid to go home|peur de rentrer|naogopa kurudi nyumbani"
        ),
    ),
    (
        "amber",
        (
            "agahinda kenshi|agahinda gakabije|kwiheba|ndihebye|guhangayika|ihahamuka|ihungabana|umushiha|"
            "sinsinzira|hopeless|can't sleep|can't cope|désespéré|desespere|d?sesp?r?|je n'en peux plus|huzuni|"
            "msongo wa mawazo|hofu|can't stop crying|n'arrête pas de pleurer"
        ),
    ),
    ("amber", "inzara iranyica|nta byo kurya|njaa inaniua|nothing to eat|rien à manger"),
    (
        "amber",
        (
            "sinshaka gupfa|sinshaka kwiyahura|kwirinda kwiyahura|ashaka kwiyahura|arashaka kwiyahura|yiyahuye|"
            "sinziyahura|nashakaga gupfa|i don't want to die|I do not want to kill myself|i wanted to die|"
            "he wants to kill himself|suicide prevention lesson|je ne veux pas mourir|je ne veux pas me tuer|"
            "prévention du suicide|sitaki kufa|anataka kujiua|nilitaka kufa|i want to die haha|kurwanya ihohoterwa|"
            "alitaka kuniua"
        ),
    ),
    (
        "none",
        (
            "imvura yatwishe|ndapfa guseka|telefoni yapfuye|batiri yapfuye|data yapfuye|killing time|"
            "dying of laughter|my phone died|mort de rire|crevé|nimekufa kicheko|panga mkutano|ananipigia simu|"
            "ananipigia|simu imekufa|i want to diet|nataka kufanya kazi|ndashaka gufata imiti yo mu rugo|"
            "ndashaka gufasha|nataka kula|violet|le violon|icyicaro|biyicaye hasi|kupanga"
        ),
    ),
    (
        "none",
        (
            "yego|oya|1|2 murakoze|nzaza|stop|hagarika|neza cyane|nabi cyane|very hard|saa munani|about 21|"
            "comme tuer le temps|STOP|ubufasha|help|aide|msaada|inama izaba ryari|I will come with my husband|"
            "good morning|asante sana|la réunion|wapi|umwana yagiye ku ishuri|twize kumva|we talked about money|"
            "abana bameze neza||   |mukubite umuryango|rapide|je viens en paix"
        ),
    ),
)
ROWS = [(alert, text) for alert, texts in _TABLE for text in texts.split("|")]


@pytest.mark.parametrize(("alert", "text"), ROWS)
def test_verdict(lexicon: Lexicon, alert: Alert, text: str) -> None:
    """S22, S23, S24 and every trap and idiom of domain guide 9.2."""
    assert crisis_alert(lexicon, text) == alert


@pytest.mark.parametrize("text", [text for alert, text in ROWS if alert == "red"])
def test_red_survives_its_surroundings(lexicon: Lexicon, text: str) -> None:
    """S22: capitals, greetings and a valid answer around it change nothing."""
    assert crisis_alert(lexicon, f"Muraho! {text.upper()}.") == "red"
    assert crisis_alert(lexicon, f"{text}... murakoze") == "red"


@pytest.mark.parametrize(("alert", "text"), [(alert, text) for alert, text in ROWS if alert != "none" and text[-1].isalpha()])
def test_next_word_sharing_a_letter(lexicon: Lexicon, alert: Alert, text: str) -> None:
    """S22: a neighbour that begins with the letter a phrase ends with hides nothing (``yankubise ejo``)."""
    assert crisis_alert(lexicon, f"{text} {text[-1]}jozq") == alert
    assert crisis_alert(lexicon, f"zqj{text[0]} {text}") == alert
