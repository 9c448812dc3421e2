"""Why a text did not go, waits or is in doubt, in words: a few for a list, and a sentence that says what happened, why, and what
staff can do.

Every reason that the outbox can hold has its line here or among the gateway's; a test walks the code for those that have none.
"""

from __future__ import annotations

from typing import Final

from handlers.console.gateway_reasons import BEGINNINGS, GATEWAY
from handlers.console.language import gettext as _
from handlers.console.language import later

#: reason -> (a few words, the sentence)
REASONS: Final = {
    "stopped": (
        later("the number asked to stop"),
        later(
            "The number has asked to stop, so nothing but the answer to that leaves. Only START from the phone or a new "
            "consent face to face lets texts go again."
        ),
    ),
    "opted out at the network": (
        later("opted out at the network"),
        later(
            "The person has blocked our texts at the network. They must allow them there; ask in person whether they want texts."
        ),
    ),
    "number frozen until verified": (
        later("the number is frozen until verified"),
        later(
            "Nobody is sure who holds this phone now, so nothing is sent to it. Verify it in person and mark it as verified "
            "on the person's page."
        ),
    ),
    "the meeting moved or was cancelled": (
        later("the meeting moved or was cancelled"),
        later(
            "Its meeting has another date now, or none: the text would have said something wrong. Nothing to do: the new date "
            "has texts of its own."
        ),
    ),
    "class C never goes by SMS": (
        later("a sensitive text never goes by SMS"),
        later("A text of this class never goes by SMS. Speak to the person instead, and tell the administrator which text it was."),
    ),
    "class B goes to own phones only": (
        later("personal texts go to own phones only"),
        later(
            "Others use this phone too, and personal texts go to own phones only. Nothing to do, unless the phone is really "
            "the person's own: then correct its page."
        ),
    ),
    "phone_shared": (
        later("personal texts go to own phones only"),
        later(
            "The phone became shared while the text waited, and personal texts go to own phones only. Nothing to do, unless "
            "that is a mistake: then correct the person's page."
        ),
    ),
    "phone_ended": (
        later("no longer this person's phone"),
        later("The phone was taken off this person while the text waited. If they have another one, add it on their page."),
    ),
    "withdrawn": (
        later("the person left"),
        later("The person left the programme while the text waited. Nothing to do."),
    ),
    "no consent for this purpose": (
        later("no consent for this purpose"),
        later(
            "Nobody on this phone has agreed to texts for this purpose, or has not agreed on the phone itself yet. Ask face "
            "to face, and note the consent on the person's page."
        ),
    ),
    "directory number expired": (
        later("a number in it is not checked any more"),
        later("The text names a service number that nobody has called for 90 days. Call it, and renew it in the directory."),
    ),
    "too late": (
        later("too late to be of use"),
        later(
            "It could not leave while it was of use: sending was held, switched off or behind. Look at the switch and at the "
            "gateway; tell the group by its facilitator if it still matters."
        ),
    ),
    "no allowed minute before it expires": (
        later("no allowed hour before it is of no use"),
        later(
            "Between quiet hours, the phone's own hours and pauses there was no allowed minute while the text was of use. Ask "
            "the person whether their hours can be wider, or move the meeting."
        ),
    ),
    "reply cap reached": (
        later("enough answers for one day"),
        later(
            "This number has had its answers for the hour or day: what it writes is kept and read, and not answered. Read its "
            "texts; call if there is need."
        ),
    ),
    "replies go to Rwandan numbers only": (
        later("answers go to Rwandan numbers only"),
        later(
            "The number is not a Rwandan one, and answers abroad are switched off. What it wrote is kept: call if there is need."
        ),
    ),
    "outbound is switched off": (
        later("sending is switched off"),
        later(
            "Sending is switched off for everyone, or held for this programme, group or person. It leaves when that ends, if "
            "it is still of use then: look at the settings and the group's page."
        ),
    ),
    "spend ceiling reached": (
        later("the money of the day is spent"),
        later(
            "The ceiling of what may be spent is reached, so reminders and broadcasts wait. An administrator can raise it; "
            "answers and alerts go on."
        ),
    ),
    "its number is busy": (
        later("its number is busy"),
        later("Another step for this number is being taken: it is looked at again every second. Nothing to do."),
    ),
    "not due yet": (
        later("not due yet"),
        later("It is planned for later and leaves then. Nothing to do."),
    ),
    "outside allowed hours": (
        later("outside the allowed hours"),
        later(
            "It waits for the next allowed minute: nothing leaves outside 08:00 to 19:00, outside the phone's own hours, on a "
            "Sunday or an umuganda morning before 13:00, or in a pause. Nothing to do."
        ),
    ),
    "weekly cap reached": (
        later("enough texts this week"),
        later(
            "The number had three scheduled texts in seven days already; the rest of a week is dropped, not postponed. On a "
            "shared phone the texts of everybody on it count together. Plan fewer texts for that week."
        ),
    ),
    "weekly check-in cap reached": (
        later("enough texts this week"),
        later("The number had its check-in within the last seven days, and has one a week. Nothing to do."),
    ),
    "weekly cap: the reminders go first": (
        later("the week's texts are kept for reminders"),
        later(
            "A week holds three scheduled texts, and its places are needed by texts that are kept before this one, such as "
            "reminders. Nothing to do."
        ),
    ),
    "within a day of a text about a meeting": (
        later("too close to a text about a meeting"),
        later(
            "A text about a meeting goes to this number within a day of it, and a second question would take the answer away "
            "from the first. It is dropped; nothing to do."
        ),
    ),
    "closed": (
        later("the group has closed"),
        later("The group has closed, and a closed group is reminded of nothing. Reopen it on its page if that was a mistake."),
    ),
    "reopened": (
        later("the group runs again"),
        later("The group was reopened, so the messages of the year after its closing ended. Nothing to do."),
    ),
    "question set turned off": (
        later("the group uses these questions no more"),
        later(
            "The question set was turned off for this group while its text waited. Turn it on again on the group's page if "
            "that was a mistake."
        ),
    ),
    "answered": (
        later("already answered"),
        later("The person had answered already, so this text was not needed. Nothing to do."),
    ),
    "moved": (
        later("the meeting moved"),
        later("The meeting was moved while its text waited; the new date has texts of its own. Nothing to do."),
    ),
    "shifted": (
        later("the meeting moved"),
        later("An earlier meeting of the group moved and pushed this one on; the new date has texts of its own. Nothing to do."),
    ),
    "cancelled": (
        later("the meeting was cancelled"),
        later("The meeting's date was cancelled while its text waited; its number takes the next free week. Nothing to do."),
    ),
    "text paused": (
        later("this text is paused"),
        later("This text is paused because it caused trouble: nobody gets it. Safeguarding lets it go again in the harm log."),
    ),
    "not approved": (
        later("the year's approval was taken back"),
        later(
            "The director's approval of this year's remembrance text was taken back, or its words changed. Ask the director "
            "to approve the words that stand now."
        ),
    ),
    "paused": (
        later("the meeting moved out of a pause"),
        later(
            "A pause covers the meeting's old date, so it moved on, and this text with it; the new date has texts of its own. "
            "Nothing to do."
        ),
    ),
    "recalled": (
        later("recalled"),
        later("Somebody recalled it before it left. Write another one if it is still needed."),
    ),
    "acknowledged": (
        later("somebody has it"),
        later("Somebody acknowledged the alert, so it is not repeated. Nothing to do."),
    ),
    "its number cannot be opened: see the keys": (
        later("its number cannot be opened"),
        later("No key opens the stored number, so nobody can be called. An administrator must put the missing field key back."),
    ),
    "an alert repeats by itself until somebody has it": (
        later("an alert repeats by itself until somebody has it"),
        later("An alert repeats by itself until somebody acknowledges it. Nothing to do."),
    ),
    "it was sent again once already": (
        later("it was sent again once already"),
        later(
            "A person had it sent once more already, and a text is sent again once only. Ring the person, or ask the facilitator."
        ),
    ),
    "its broadcast was recalled": (
        later("its broadcast was recalled"),
        later("Its broadcast was recalled, so none of its texts goes any more. Write another one if it is still needed."),
    ),
    "the question it asks is closed": (
        later("the question it asks is closed"),
        later("The question it asks is closed, and an answer would be lost. Ask the person another way."),
    ),
    "directory number expired: first sentence only": (
        later("without the numbers in it"),
        later(
            "The service numbers in it have not been called for 90 days, so only its first sentence leaves. Call them, and "
            "renew them in the directory."
        ),
    ),
    "no_phone": (
        later("no phone on file"),
        later(
            "No phone of this person is on file, so nothing can be sent. Their facilitator tells them; add a phone on their "
            "page if they have one."
        ),
    ),
    "not_opted_in": (
        later("has not agreed on the own phone yet"),
        later(
            "Texts begin when the person has agreed on the own phone, by answering the first text or face to face. Ask, and "
            "note it on their page."
        ),
    ),
    "said no": (
        later("said no to this meeting"),
        later("The person had answered that they do not come, and is not reminded of that meeting again. Nothing to do."),
    ),
    "no allowed minute from ten to two days before": (
        later("no allowed hour from ten to two days before"),
        later(
            "From ten to two days before the meeting there was no minute in which this phone may get a text: its own hours, quiet "
            "hours and pauses left none. Ask whether its hours can be wider, and tell the person of the meeting another way."
        ),
    ),
    "joined later": (
        later("came to the group or the phone later"),
        later(
            "When the reminders were written the person was not in the group, or the phone not on file. The next meeting's "
            "reminders include them."
        ),
    ),
    "campaign paused": (
        later("the campaign is paused"),
        later(
            "The campaign was paused while this text waited. It waits again when the campaign goes on, if it is of use "
            "then: look at the campaign's page."
        ),
    ),
    "campaign ended": (
        later("the campaign has ended"),
        later("The campaign was ended while this text waited. Write another campaign if the text is still needed."),
    ),
}
#: what becomes of a text or an occurrence without any reason of its own
FATES: Final = {
    "missed": (
        later("was due while nothing could be sent"),
        later(
            "It was due while the clock process or the database was away, or its schedule could not be carried out (then the "
            "audit has an entry), and it was of no use any more afterwards. Tell the group by its facilitator if it still "
            "matters."
        ),
    ),
    "failed": (
        later("did not arrive"),
        later(
            "It was handed over, and the network says that it did not arrive: the phone was off for long, or its memory is "
            "full. Ring the person, or ask the facilitator."
        ),
    ),
    "refused": (
        later("the gateway refused it"),
        later("The gateway refused it for this number. Ask for another number, and correct the person's page."),
    ),
    "given_up": (
        later("given up"),
        later("It could not be handed over, whatever was tried. Look at the gateway, and ring the person."),
    ),
    "unknown": (
        later("not known whether it went"),
        later("Nobody knows whether it left. It is never sent again by itself: decide on the page of sends without an answer."),
    ),
}


def reason(code: str) -> str:
    """Why a text did not go, in a few words; words of the gateway's that are not known here are shown as they came."""
    found = words_of(code)
    return _(found[0]) if found else code


def explained(code: str, state: str = "") -> str:
    """The same as a sentence: what happened, why, and what staff can do. ``state`` speaks where there is no reason."""
    found = words_of(code) or FATES.get(state)
    return _(found[1]) if found else code


def words_of(code: str) -> tuple[str, str] | None:
    """The few words and the sentence of a reason, in English; None for one that is not known."""
    if code in REASONS:
        return REASONS[code]
    return GATEWAY.get(code) or next((words for start, words in BEGINNINGS.items() if code.startswith(start)), None)
