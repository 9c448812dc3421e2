"""Replies as people text them, and what each must be read as: rows by open question, language and outcome."""

from __future__ import annotations

from typing import Any, NamedTuple

from sms_service.text.reply_types import Expectation, Intent, Option


class Row(NamedTuple):
    """One reply, the open question, and the expected intent and value (``alert`` is none in every one)."""

    text: str
    expectation: Expectation
    language: str
    intent: Intent
    value: Any


NONE = Expectation()
YESNO = Expectation("yesno")
SCALE = Expectation("scale", 1, 5)
COUNT = Expectation("number", 0, 40)
DATE, TIME, TEXT, PIN = Expectation("date"), Expectation("time"), Expectation("text"), Expectation("pin")
WEEK = Expectation("scale", 1, 5, (Option(9, "call", ("ask for a call", "guhamagarwa")),))
MISSED = Expectation(
    "options",
    options=(
        Option(1, "next", ("I will come next time", "Nzaza ubutaha", "Je viens la prochaine fois", "Nitakuja safari ijayo")),
        Option(2, "call", ("Please call me", "Mumpamagare", "Appelez-moi", "Nipigie simu")),
        Option(3, "never", ("I will not come again", "Sinzongera kuza", "Je ne viens plus", "Sitakuja tena")),
    ),
)
PRACTICE = Expectation(
    "options",
    options=(
        Option(1, "yes", ("Yes", "Yego", "Oui", "Ndiyo")),
        Option(2, "not_yet", ("Not yet", "Sindawukora", "Pas encore", "Bado")),
        Option(3, "explain", ("I need it explained", "Nkeneye ibisobanuro", "J'ai besoin d'explications")),
    ),
)
LANGUAGE = Expectation(
    "options",
    options=(Option(1, "rw", ("Ikinyarwanda",)), Option(2, "en", ("English",)), Option(3, "fr", ("Francais",))),
)

# (open question, language, intent, value, replies parted by "|")
_TABLE: tuple[tuple[Expectation, str, Intent, Any, str], ...] = (
    (
        YESNO,
        "rw",
        "answer",
        True,
        (
            "1|yego|Yego!|YEGO|yeego|yeegooo|ego|yigo|nibyo|ndemeye|ndabyemeye|nzaza|ndaza|ndahari|yego murakoze|"
            "murakoze yego|muraho, yego nzaza|ndazarwose|yego rwose|1 murakoze|1murakoze|1.|1)|(1)|nimero 1|"
            "nzaza no kuganira|yes ariko nzakererwa|yego ariko nzakererwa|yegoo nzaza|l|I|yego 1|si 2 ni 1|"
            "ok murakoze|ee"
        ),
    ),
    (
        YESNO,
        "en",
        "answer",
        True,
        (
            "yes|y|yeah|yep|ok|sure|will come|yes please|Yes, thank you|I will come|opt 1|option 1|"
            "no 2 is wrong i meant 1|1 1|yes yes|１|1️⃣|OK thanks|hello yes|yse i will come"
        ),
    ),
    (
        YESNO,
        "fr",
        "answer",
        True,
        (
            "oui|ouais|d'accord|d’accord|ok|je viens|oui jvien|si|mais si|si je viens|oui merci|pas 2 mais 1|"
            "bonjour oui|OUI SVP|oui stp|choix 1|pas de problème"
        ),
    ),
    (
        YESNO,
        "sw",
        "answer",
        True,
        "ndiyo|ndio|naam|sawa|nitakuja|ndiyo asante|sawa sawa|asante, nitakuja|namba 1|hakuna shida",
    ),
    (
        YESNO,
        "rw",
        "answer",
        False,
        (
            "2|oya|hoya|oy|apana|sibyo|si byo|wapi|reka|sinzaza|oya sinzaza|oyasinzaza|oya murakoze|"
            "2 sinzaza mfite abana 4|2)|nimero 2|ntabwo nzaza|o ya sinzaza|si 1 ni 2|2 murakoze|"
            "nzaza, oh nibeshye ni 2|sinshobora kuza"
        ),
    ),
    (
        YESNO,
        "en",
        "answer",
        False,
        "no|n|nope|can't|cant|not coming|I can't come|no thanks|No 2|not 1 but 2|2 2|no, I will not",
    ),
    (
        YESNO,
        "fr",
        "answer",
        False,
        ("non|pas possible|je ne viens pas|je viens pas|pa dispo|jsui pa dispo|non merci|nan|pas 1 mais 2|je peux pas"),
    ),
    (YESNO, "sw", "answer", False, "hapana|la|sitakuja|hapana asante|si 1 ni 2|la asante|siwezi|sitaweza"),
    (YESNO, "rw", "dont_know", None, "simbizi|si mbizi|sinzi|ntabyo nzi|sinkeka|wenda|wenda nzaza|simbizii"),
    (YESNO, "en", "dont_know", None, "don't know|dont know|maybe|not sure|I don't know"),
    (YESNO, "fr", "dont_know", None, "je ne sais pas|on verra|peut-être|peut?etre"),
    (YESNO, "sw", "dont_know", None, "sijui|labda|labda nitakuja"),
    (
        YESNO,
        "rw",
        "unclear",
        None,
        (
            "murakoze|muraho|mwiriwe|mwaramutse||   |1 2|1/2|yego oya|1 oya|3|7|1 cyangwa 2|si 1|si|"
            "inama izaba ryari|0788123456|no kuza|saba|?"
        ),
    ),
    (
        YESNO,
        "en",
        "unclear",
        None,
        "thanks|hi|there is no water in our home today because the pump is broken|yes and no|not 1",
    ),
    (YESNO, "fr", "unclear", None, "merci|bonjour|la|la réunion|oui et non"),
    (YESNO, "sw", "unclear", None, "asante|habari|wapi|wapi?|si 1"),
    (SCALE, "rw", "answer", 1, "1|nabi cyane|rimwe|nimero 1"),
    (SCALE, "rw", "answer", 2, "2|nabi|kabiri|ebyiri|2 murakoze|icya kabiri"),
    (SCALE, "rw", "answer", 3, "3|biringaniye|gatatu|eshatu|3 kuko narwaye|biringanye"),
    (
        SCALE,
        "rw",
        "answer",
        4,
        "4|neza|kane|enye|4murakoze|4/5|4 4|murakoze 4|4.|bane|neza murakoze|si 3 ni 4|mwaramutse neza, 4|opt 4",
    ),
    (SCALE, "rw", "answer", 5, "5|neza cyane|nezacyane|gatanu|5 neza cyane|batanu|bitanu|5/5|neza rwose"),
    (SCALE, "en", "answer", 1, "very hard|one|very bad"),
    (SCALE, "en", "answer", 5, "very good|five|very well|5 very good|fife... i mean 5"),
    (SCALE, "en", "answer", 4, "good|four|good, thank you|GOOD|goood|4 thanks"),
    (SCALE, "fr", "answer", 2, "mal|deux|difficile|2 merci"),
    (SCALE, "fr", "answer", 5, "très bien|tres bien|TRES BIEN|tr?s bien|cinq"),
    (SCALE, "fr", "answer", 4, "bien|quatre|bien merci"),
    (SCALE, "sw", "answer", 1, "mbaya sana|moja|ya kwanza"),
    (SCALE, "sw", "answer", 5, "nzuri sana|tano|5 asante"),
    (SCALE, "sw", "answer", 4, "nzuri|nne|vizuri|asante nzuri|ya nne"),
    (
        SCALE,
        "rw",
        "unclear",
        None,
        "ok|sawa|0|6|3 cyangwa 4|3 4|3.5|3,5|rimwe na rimwe|ku wa kabiri|bombi|si neza|2 neza|4/6|00",
    ),
    (SCALE, "en", "unclear", None, "ok|not good|good morning|between 2 and 3|very good 1"),
    (WEEK, "rw", "answer", "call", "9|9 murakoze|nimero 9"),
    (WEEK, "sw", "answer", 3, "3|wastani|tatu"),
    (MISSED, "rw", "answer", "next", "1|Nzaza ubutaha|nzaza ubutaha murakoze|1 nzaza ubutaha|1) "),
    (MISSED, "rw", "answer", "call", "2|Mumpamagare|mumpamagare murakoze|kabiri|2 mumpamagare"),
    (MISSED, "fr", "answer", "never", "3|je ne viens plus|trois"),
    (MISSED, "sw", "answer", "never", "sitakuja tena|tatu"),
    (MISSED, "rw", "unclear", None, "4|1 3|ok|1 2"),
    (PRACTICE, "rw", "answer", "yes", "1|yego|ego|ndio|oui"),
    (PRACTICE, "fr", "answer", "not_yet", "2|pas encore|deux"),
    (PRACTICE, "sw", "answer", "not_yet", "bado|mbili|bado asante"),
    (PRACTICE, "rw", "unclear", None, "oya|12"),
    (LANGUAGE, "rw", "answer", "en", "2|English|english please"),
    (LANGUAGE, "rw", "language", "sw", "kiswahili"),
    (COUNT, "rw", "answer", 0, "0|zero|ubusa|nta n'umwe|ntawe|O"),
    (COUNT, "rw", "answer", 12, "12|cumi na babiri|cuminababiri|nka 12|hafi 12|12 gusa|abantu 12|cumi n'abiri 12"),
    (COUNT, "rw", "answer", 11, "11|cumi n'umwe|l1|1l"),
    (COUNT, "rw", "answer", 20, "20|makumyabiri|2O"),
    (COUNT, "rw", "answer", 33, "mirongo itatu na gatatu|33"),
    (COUNT, "rw", "answer", 4, "ane|kane|bane|4 gusa"),
    (COUNT, "sw", "answer", 8, "nane|wanane|8 tu"),
    (COUNT, "sw", "answer", 7, "saba|kama 7|watu saba"),
    (COUNT, "sw", "answer", 12, "kumi na mbili|kumi na wawili"),
    (COUNT, "sw", "answer", 25, "ishirini na tano"),
    (COUNT, "en", "answer", 21, "twenty one|twenty-one|about 21|21 people"),
    (COUNT, "en", "answer", 0, "none|nobody|zero"),
    (COUNT, "fr", "answer", 17, "dix-sept|dix sept|environ 17"),
    (COUNT, "fr", "answer", 0, "aucun|personne"),
    (COUNT, "fr", "answer", 22, "vingt deux|vingt-deux"),
    (COUNT, "rw", "unclear", None, "41|-3|999999999|8 3|abagabo 5 abagore 3|bombi|3.5|saba|saa 8"),
    (DATE, "rw", "answer", "1211", "1211|12/11|12-11|12.11|12 11|12/11/2026|12 ugushyingo|ku wa 12 ugushyingo"),
    (DATE, "fr", "answer", "0502", "5 février|05/02|0502|5/2"),
    (DATE, "rw", "unclear", None, "3102|511|32/01|ejo|13 14 15|0013"),
    (TIME, "rw", "answer", "1400", "1400|14:00|14h|14h00|saa munani|saa munani (14:00)|14.00|saa 8|14"),
    (TIME, "rw", "answer", "0700", "saa moya|0700|7h|700"),
    (TIME, "rw", "answer", "1600", "saa kumi|16h"),
    (TIME, "rw", "answer", "1200", "saa sita|1200"),
    (TIME, "rw", "answer", "1430", "14h30|14:30|saa munani n'igice"),
    (TIME, "sw", "answer", "1400", "saa nane|saa 8|saa nane mchana"),
    (TIME, "sw", "answer", "1900", "saa moja usiku|saa moja jioni"),
    (TIME, "en", "answer", "1400", "2pm|2 pm|2:00 pm"),
    (TIME, "rw", "unclear", None, "8|2400|25:00|14:00 15:00|ejo|saa 0|1 : 75"),
    (TEXT, "rw", "answer", "Inama yagenze neza", "Inama yagenze neza|  Inama yagenze neza "),
    (TEXT, "en", "answer", "we had to stop early and ask for help", "we had to stop early and ask for help"),
    (TEXT, "en", "unclear", None, "thank you|"),
    (TEXT, "en", "wrong_person", None, "who is this?"),
    (TEXT, "en", "stop", None, "STOP|stop please"),
    (PIN, "rw", "answer", "1234", "1234|12 34| 1234 "),
    (PIN, "rw", "unclear", None, "123|12345|abcd|1 2"),
    (
        NONE,
        "rw",
        "stop",
        None,
        (
            "STOP|stop|Stop.|stopp|sotp|hagarika|guhagarika|mpagarika|rekera aho|turekere|kurekera|munkuremo|"
            "sinshaka ubutumwa|ntimukongere kunyandikira|hagarka|HAGARIKA murakoze|oya hagarika|1 stop|hagarikaa"
        ),
    ),
    (
        NONE,
        "en",
        "stop",
        None,
        "cancel|unsubscribe|quit|end|remove me|please stop|please stop sending me messages|s t o p|unsubscribed",
    ),
    (
        NONE,
        "fr",
        "stop",
        None,
        "arret|arrêt|arrêter|désabonner|desaboner|plus de messages|stop svp|je ne veux plus de messages",
    ),
    (NONE, "sw", "stop", None, "acha|sitisha|ghairi|simamisha|sitaki ujumbe|acha tafadhali|sitishaa"),
    (YESNO, "rw", "stop", None, "stop|oya, hagarika|STOP 2"),
    (NONE, "fr", "unclear", None, "stp|n'arrêtez pas|non"),
    (
        NONE,
        "en",
        "unclear",
        None,
        "don't stop|1|yes|the bus did not stop near our market yesterday|I don't understand English",
    ),
    (NONE, "rw", "start", None, "tangira|nongere|kongera|START|Tangira murakoze"),
    (NONE, "en", "start", None, "start|yes start"),
    (NONE, "fr", "start", None, "reprendre|commencer"),
    (NONE, "sw", "start", None, "anza|endelea"),
    (
        NONE,
        "rw",
        "help",
        None,
        "ubufasha|mfasha|mumfashe|mumpamagare|nkeneye uwo tuvugana|UBUFASHA!|ubufashaa|mumpamagre",
    ),
    (NONE, "en", "help", None, "help|call me|HELP please|please call me"),
    (NONE, "fr", "help", None, "aide|aidez-moi|appelez-moi|aidez moi svp"),
    (NONE, "sw", "help", None, "msaada|nisaidie|nipigie|nipigie simu"),
    (YESNO, "rw", "help", None, "ubufasha|mumpamagare"),
    (NONE, "rw", "language", "rw", "ikinyarwanda|kinyarwanda"),
    (NONE, "rw", "language", "en", "icyongereza|english|English please|anglais|kiingereza"),
    (NONE, "rw", "language", "fr", "igifaransa|french|français|kifaransa"),
    (NONE, "rw", "language", "sw", "igiswahili|kiswahili|swahili"),
    (NONE, "rw", "wrong_person", None, "ni nde?|muri bande?|ninde"),
    (NONE, "en", "wrong_person", None, "who is this|wrong number|who are you?"),
    (NONE, "fr", "wrong_person", None, "c'est qui?|faux numéro"),
    (NONE, "sw", "wrong_person", None, "ni nani?|umekosea namba"),
)

ROWS = [
    Row(text, expectation, language, intent, value)
    for expectation, language, intent, value, replies in _TABLE
    for text in replies.split("|")
]
