"""One broken catalogue per class of fault: what is changed in the shipped files, and the fault that must name it."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from sms_service.conversation.check import check_catalogue, check_conversation, load
from sms_service.conversation.definition import Conversation
from sms_service.conversation.faults import Fault
from sms_service.conversation.words import Words
from sms_service.text.forbidden import build_forbidden
from sms_service.text.lexicon import Lexicon, build_lexicon
from sms_service.text.topics import build_topics
from tests.unit.conversation.player import TEMPLATES, catalogue

FORBIDDEN = build_forbidden(tomllib.loads((TEMPLATES / "lexicon" / "forbidden.toml").read_text(encoding="utf-8")))
TOPICS = build_topics({"stems": ["violen", "trauma"], "words": [], "inside": ["hungaban"], "allowed": []}, FORBIDDEN)

Tables = dict[str, Any]
Change = Callable[[Tables, Tables], None]


@cache
def lexicon() -> Lexicon:
    """The shipped lexicon, built once."""
    return build_lexicon(catalogue().lexicon)


@cache
def shipped() -> tuple[Tables, Tables]:
    """The parsed conversations by file, and the parsed messages by language and file."""

    def tables(folder: Path) -> Tables:
        return {file.name: tomllib.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.toml"))}

    return tables(TEMPLATES / "conversations"), {lang: tables(TEMPLATES / "messages" / lang) for lang in ("en", "fr", "rw", "sw")}


def faults_after(change: Change) -> list[Fault]:
    conversations, messages = copy.deepcopy(shipped())
    change(conversations, messages)
    loaded = load(conversations, messages)
    own = [fault for one in loaded.conversations for fault in _own_faults(one, loaded.words)]
    return [*loaded.faults, *own, *check_catalogue(loaded.conversations, loaded.words, TOPICS)]


_known: dict[tuple[str, str], list[Fault]] = {}


def _own_faults(conversation: Conversation, words: Words) -> list[Fault]:
    """What is wrong with one conversation by itself; those that a change left alone are checked once."""
    key = (conversation.file, conversation.fingerprint)
    if key not in _known:
        _known[key] = check_conversation(conversation, words, TOPICS, lexicon())
    return _known[key]


def ask(conversations: Tables, name: str = "missed") -> Tables:
    found: Tables = conversations[f"{name}.toml"]["steps"]["ask"]
    return found


def home(conversations: Tables, step: str) -> Tables:
    found: Tables = conversations["home.toml"]["steps"][step]
    return found


def put(path: str, value: Any) -> Change:
    """Set one value: ``c/<file>/...`` in conversations, ``m/<language>/<file>/...`` in messages."""

    def change(conversations: Tables, messages: Tables) -> None:
        first, *keys, last = path.split("/")
        place: Any = conversations if first == "c" else messages
        for key in keys:
            place = place[int(key)] if isinstance(place, list) else place[key]
        place[last] = value

    return change


def drop(path: str) -> Change:
    def change(conversations: Tables, messages: Tables) -> None:
        first, *keys, last = path.split("/")
        place: Any = conversations if first == "c" else messages
        for key in keys:
            place = place[key]
        del place[last]

    return change


def text(language: str, key: str, value: str) -> Change:
    return put(f"m/{language}/texts.toml/{key}/text", value)


MISSED = "c/missed.toml"
ROWS: list[tuple[str, Change, str, str, str]] = [
    # what is broken, how, then the step (or text), the language and the words of the fault expected
    ("unknown key in a conversation", put(f"{MISSED}/colour", "red"), "", "", "unknown key 'colour'"),
    ("unknown key in a step", put(f"{MISSED}/steps/ask/nxt", "x"), "ask", "", "unknown key 'nxt'"),
    ("unknown key in an option", put(f"{MISSED}/steps/ask/options/0/go", "x"), "ask", "", "unknown key 'go'"),
    ("unknown kind of step", put(f"{MISSED}/steps/ask/kind", "shout"), "ask", "", "unknown kind of step 'shout'"),
    ("wrong type", put(f"{MISSED}/steps/ask/record", 3), "ask", "", "must be of type str, not int"),
    ("step is no table", put(f"{MISSED}/steps/ask", 3), "ask", "", "a table was expected"),
    ("no steps", drop(f"{MISSED}/steps"), "", "", "no steps"),
    ("missing name", drop(f"{MISSED}/name"), "", "", "'name' is missing"),
    ("missing start", drop(f"{MISSED}/start"), "", "", "'start' is missing"),
    ("start is no step", put(f"{MISSED}/start", "begin"), "", "", "'start' names 'begin', which is no step"),
    ("no closing time", drop(f"{MISSED}/closes_after_hours"), "", "", "'closes_after_hours' must be"),
    ("closing never heard of", put(f"{MISSED}/closes", "easter"), "", "", "'closes' must be"),
    ("class C", put(f"{MISSED}/class", "C"), "", "", "class must be A or B"),
    ("channel never heard of", put(f"{MISSED}/channels", ["fax"]), "", "", "'channels' must name"),
    ("argument of unknown kind", put(f"{MISSED}/args/day", "week"), "", "", "unknown kind 'week'"),
    ("two conversations of one name", put(f"{MISSED}/name", "checkin"), "", "", "names are unique"),
    ("jump to nowhere", put(f"{MISSED}/steps/ask/options/0/next", "gone"), "ask", "", "goes to 'gone'"),
    ("back to nowhere", put("c/home.toml/steps/call_when/back", "gone"), "call_when", "", "'back' names 'gone'"),
    ("no way on", drop("c/checkin.toml/steps/ask/next"), "ask", "", "no way on"),
    (
        "unreachable step",
        put(f"{MISSED}/steps/island", {"kind": "say", "sms": "thanks"}),
        "island",
        "",
        "never be reached",
    ),
    (
        "loop without a question",
        put("c/home.toml/steps/entry", {"kind": "branch", "flag": "personal", "yes": "entry", "no": "home"}),
        "entry",
        "",
        "loop without a question",
    ),
    ("dead end", put("c/reminder.toml/steps/ask/next", "ask"), "ask", "", "dead end"),
    (
        "a dial that ends without a screen",
        put("c/home.toml/steps/call_when/next", "end"),
        "call_when",
        "",
        "last screen",
    ),
    ("a dial nobody can leave", drop("c/home.toml/exit"), "", "", "0 and 00 must lead somewhere"),
    ("no screen for a channel", drop(f"{MISSED}/steps/ask/ussd"), "ask", "", "has no 'ussd' text"),
    ("a text for a channel it has not", put("c/home.toml/steps/home/sms", "thanks"), "home", "", "does not run on sms"),
    ("unknown fact", put("c/home.toml/steps/meeting/fact", "weather"), "meeting", "", "unknown fact 'weather'"),
    ("a result without a way", drop("c/home.toml/steps/meeting/cases/none"), "meeting", "", "'cases' must be exactly"),
    ("wrong arguments of a fact", put("c/home.toml/steps/meeting/args", {}), "meeting", "", "'args' must be exactly"),
    ("a field the fact has not", put("c/home.toml/steps/meeting/keep/day", "rain"), "meeting", "", "does not carry"),
    (
        "unknown effect",
        put("c/home.toml/steps/stopped/effects/0/name", "shout"),
        "stopped",
        "",
        "unknown effect 'shout'",
    ),
    (
        "wrong arguments of an effect",
        put("c/home.toml/steps/stopped/effects/0/why", "x"),
        "stopped",
        "",
        "takes exactly",
    ),
    (
        "effect drawn from nowhere",
        put("c/home.toml/steps/call_plain/effects/0/topic", "$gone"),
        "call_plain",
        "",
        "'$gone' draws on a field",
    ),
    (
        "a language without words",
        put("c/home.toml/steps/language/options/0/effects/0/language", "de"),
        "language",
        "",
        "for which there are no words",
    ),
    (
        "flag never declared",
        put("c/home.toml/steps/home/options/5/only_if", "boss"),
        "home",
        "",
        "'boss' is not a flag",
    ),
    ("option number twice", put(f"{MISSED}/steps/ask/options/1/number", 1), "ask", "", "given twice"),
    ("option value twice", put(f"{MISSED}/steps/ask/options/1/value", "leave"), "ask", "", "given twice"),
    ("option 0", put(f"{MISSED}/steps/ask/options/1/number", 0), "ask", "", "0 and 00 leave or go back"),
    ("option without label", put(f"{MISSED}/steps/ask/options/1/label", ""), "ask", "", "needs a 'label'"),
    (
        "label missing in a language",
        drop("m/rw/forms.toml/labels/missed_call"),
        "ask",
        "",
        "label 'missed_call' of option 2",
    ),
    ("option on the scale", put("c/checkin.toml/steps/ask/options/0/number", 5), "ask", "", "a number of the scale"),
    ("options without options", put(f"{MISSED}/steps/ask/options", []), "ask", "", "needs [[options]]"),
    (
        "a number that begins at 0 on USSD",
        put(
            "c/reminder.toml/steps/ask",
            {
                "kind": "ask",
                "sms": "reminder",
                "ussd": "reminder_screen",
                "values": ["day", "time"],
                "answer": "number",
                "low": 0,
                "high": 9,
                "next": "end",
            },
        ),
        "ask",
        "",
        "begin at 1",
    ),
    ("value never given", put(f"{MISSED}/steps/ask/values", []), "ask", "en", "asks for 'day'"),
    ("value from nowhere", put(f"{MISSED}/steps/ask/values", ["day", "rain"]), "ask", "", "value 'rain' is neither"),
    (
        "value not known on every way",
        put("c/home.toml/steps/meeting_none/values", ["day"]),
        "meeting_none",
        "",
        "not known on every way",
    ),
    ("an answer shown again", put("c/home.toml/steps/call_when/values", ["topic"]), "call_when", "", "never repeated"),
    ("missing text in one language", drop("m/sw/texts.toml/missed"), "missed", "sw", "text 'missed' is missing"),
    ("missing notice", drop("m/fr/texts.toml/who"), "who", "fr", "text 'who' is missing"),
    ("missing screen", drop("m/rw/screens.toml/pin_wrong"), "pin_wrong", "rw", "is missing"),
    (
        "text that nobody uses",
        put("m/en/texts.toml/extra", {"text": "Servas: x", "class": "A"}),
        "extra",
        "",
        "used by no",
    ),
    (
        "text given twice",
        put("m/en/screens.toml/missed", {"text": "Servas: x", "class": "B"}),
        "missed",
        "en",
        "already in",
    ),
    ("text is no table", put("m/en/texts.toml/missed", "hello"), "missed", "en", "a text is a table"),
    ("unknown key of a text", put("m/en/texts.toml/missed/colour", "red"), "missed", "en", "unknown key colour"),
    ("text of class C", put("m/en/texts.toml/missed/class", "C"), "missed", "en", "class must be A or B"),
    ("class differs", put("m/en/texts.toml/missed/class", "A"), "missed", "", "class differs"),
    (
        "class B text in a class A conversation",
        put("c/reminder.toml/steps/ask/sms", "optin"),
        "ask",
        "en",
        "class B but",
    ),
    ("no review mark", drop("m/fr/texts.toml/review"), "", "fr", "'review' is missing"),
    ("no forms", drop("m/fr/forms.toml/forms"), "forms", "fr", "no [forms] table"),
    ("six weekdays", put("m/fr/forms.toml/forms/weekdays", ["lundi"] * 6), "forms", "fr", "seven days"),
    ("eleven hours", put("m/rw/forms.toml/forms/hours", ["saa"] * 11), "forms", "rw", "twelve spoken hours"),
    ("SMS too long", text("sw", "missed", "Servas: {day:weekday} " + "a" * 144), "missed", "sw", "at most 160 fit"),
    ("screen too long", put("m/en/screens.toml/home/text", "Servas\n" + "a" * 150), "home", "en", "at most 156 fit"),
    ("two-unit characters", text("sw", "thanks", "Servas: " + "€" * 75), "thanks", "sw", "at most 156 fit"),
    ("not GSM-7", text("fr", "thanks", "Servas: merci, bientôt."), "thanks", "fr", "outside GSM-7: ô"),
    ("curly apostrophe", text("rw", "thanks", "Servas: n’inama."), "thanks", "rw", "outside GSM-7"),
    ("topic word", text("en", "thanks", "Servas: about violence."), "thanks", "en", "topic word 'violence'"),
    ("topic word inside a word", text("rw", "thanks", "Servas: ihungabana."), "thanks", "rw", "topic word"),
    ("link", text("en", "thanks", "Servas: see servas.org now."), "thanks", "en", "a link"),
    ("no brand", text("en", "thanks", "thank you."), "thanks", "en", "begins with 'Servas: '"),
    ("unknown placeholder", text("en", "missed", "Servas: {name}"), "ask", "en", "asks for 'name'"),
    ("unknown format", text("en", "missed", "Servas: {day:roman}"), "missed", "en", "unknown format 'roman'"),
    ("wrong format", text("en", "missed", "Servas: {day:time}"), "ask", "en", "says 'day' as 'time'"),
    ("brace", text("en", "missed", "Servas: {day"), "missed", "en", "a brace that is no placeholder"),
    (
        "SMS text on a screen",
        put(f"{MISSED}/steps/ask/ussd", "missed"),
        "ask",
        "en",
        "written for sms but shown by ussd",
    ),
]
