"""What the codes of texts and readings mean to a person: which text it was, what a reply said, how it was read, and why one
did not go.
"""

from __future__ import annotations

from typing import Final

from handlers.console import labels, reasons
from handlers.console.language import gettext as _
from handlers.console.language import later

TEXTS: Final = {
    "V1": later("Asks to join"),
    "V3": later("Reminder"),
    "V3b": later("Reminder, without a question"),
    "V4": later("Meeting moved"),
    "V4b": later("Meeting moved, without a question"),
    "V5": later("Missed meeting"),
    "V6": later("Weekly question"),
    "V7": later("Feedback on a meeting"),
    "V8": later("Exercise at home"),
    "V10": later("Call is noted"),
    "V11": later("Answer to an urgent text"),
    "V12": later("Stop is confirmed"),
    "V13": later("Could not be understood"),
    "V14": later("Who is writing"),
    "V18": later("Caring message"),
    "V19": later("After a referral"),
    "question_set": later("Question of a set"),
    "learning_confidence": later("Question of a set"),
    "learning_plan": later("Question of a set"),
    "thanks": later("Thanks"),
    "thanks_line": later("Thanks, with a number to call"),
    "report": later("Report is noted"),
    "V17": later("Remembrance text"),
    "V17b": later("Remembrance text, without a number"),
    "started": later("Texts go again"),
    "cancelled": later("Meeting cancelled"),
    "broadcast": later("Broadcast"),
    "campaign": later("Campaign"),
    "campaign_b": later("Campaign"),
    "alert": later("Alert"),
}
#: What people choose on a screen or by a digit; anything else (a group, a time, a scale) is shown as it was read.
ANSWERS: Final = {
    "True": later("Yes"),
    "False": later("No"),
    "rw": "Kinyarwanda",
    "en": "English",
    "fr": "Français",
    "sw": "Kiswahili",
    "meeting": later("Meeting"),
    "questions": later("Answer questions"),
    "call": later("A call"),
    "language": later("Language"),
    "stop": later("Stop"),
    "facilitator": later("Facilitator"),
    "health": later("Health"),
    "family": later("Family advice"),
    "legal": later("Legal or land"),
    "talk": later("Someone to talk to"),
    "other": later("Other"),
    "morning": later("Morning"),
    "midday": later("Midday"),
    "afternoon": later("Afternoon"),
    "report": later("Meeting report"),
    "send": later("Send"),
    "correct": later("Correct"),
    "none": later("Nothing happened"),
    "safety": later("A risk to somebody"),
    "conflict": later("Conflict in the group"),
    "outside": later("Interference from outside"),
    "coming": later("Who is coming"),
    "remind": later("Remind"),
    "move": later("Move"),
    "cancel": later("Cancel"),
    "menu": later("Back to the menu"),
    "next_time": later("Next time"),
    "leave": later("Leave"),
    "next_day": later("Next day"),
    "next_week": later("Next week"),
    "same": later("Same time"),
    "date": later("Another day"),
    "yes": later("Yes"),
    "not_yet": later("Not yet"),
    "explain": later("Wants it explained"),
    "not_needed": later("No longer needed"),
    "not_begun": later("Not begun"),
    "begun": later("Begun"),
    "half": later("Half done"),
    "done": later("Done"),
}
QUESTIONS: Final = {
    "coming": later("Will you come?"),
    "missed": later("Missed meeting"),
    "week": later("Weekly question"),
    "optin": later("Asks to join"),
    "useful": later("Was the meeting useful?"),
    "practice": later("Home practice"),
    "referral": later("After a referral"),
}
KEPT: Final = {"yes": later("Yes"), "no": later("No"), "dont_know": later("Does not know")}
RULES: Final = {
    "attached by staff": later("attached by staff"),
    "corrected by staff": later("corrected by staff"),
    "yesno": later("yes or no"),
    "options": later("a choice"),
    "scale": later("1 to 5"),
    "stop": later("a stop word"),
    "start": later("a start word"),
    "help": later("a word for help"),
    "language": later("a language"),
    "code_word": later("the code word"),
    "pin": later("a PIN"),
    "courtesy": later("a courtesy"),
    "no_question": later("no question was open"),
    "no_value": later("no answer in it"),
    "empty": later("nothing in it"),
    "wrong_person": later("asks who writes"),
    "dont_know": later("does not know"),
    "dial": later("first screen"),
    "report": later("a meeting report"),
}


def answer(value: str) -> str:
    """A reply's value in words; what has none is shown as it is."""
    return labels.label(ANSWERS, value)


def kept_answer(code: str) -> str:
    """The code an answer is kept as, in words; a number or an option without words is shown as it is."""
    return labels.label(KEPT, code) if code in KEPT else answer(code)


def question(code: str) -> str:
    """Which question was asked; one without a name here is shown by its own."""
    return labels.label(QUESTIONS, code)


def template(code: str) -> str:
    """Which text it was."""
    return labels.label(TEXTS, code)


def rule(code: str) -> str:
    """How a reply was read."""
    return labels.label(RULES, code)


def leaving(moment: str) -> str:
    """When a queued text will leave; ``moment`` is already written for the page."""
    return _("leaves %(moment)s", moment=moment)


FILTERS: Final = {
    "kept_answer": kept_answer,
    "question_name": question,
    "answer_words": answer,
    "text_name": template,
    "rule_words": rule,
    "why": reasons.reason,
    "explained": reasons.explained,
    "leaving": leaving,
}
