"""What the gateway's answers mean for a text: a few words for a list, and a sentence that says what staff can do."""

from __future__ import annotations

from typing import Final

from handlers.console.language import later

#: reason -> (a few words, the sentence)
GATEWAY: Final = {
    "no answer": (
        later("the gateway did not answer"),
        later(
            "The gateway gave no answer, so the text may or may not have left. It is never sent again by itself: decide on "
            "the page of sends without an answer."
        ),
    ),
    "no answer was recorded": (
        later("the gateway's answer was lost"),
        later(
            "The sending process ended before the answer was written down, so the text may or may not have left. It is never "
            "sent again by itself: decide on the page of sends without an answer."
        ),
    ),
    "restored": (
        later("older than the restoration"),
        later(
            "The service was restored from a backup, and the text may have left between the two. It is never sent again by "
            "itself: decide on the page of sends without an answer."
        ),
    ),
    "risk hold": (
        later("the gateway holds it as risky"),
        later("The gateway holds the text back as risky. Ask the gateway's support why, with its time and the code of the number."),
    ),
    "invalid number": (
        later("not a number that exists"),
        later("The gateway says that this number does not exist. Ask for the right one, and correct the person's page."),
    ),
    "unsupported number": (
        later("a number that cannot get texts"),
        later("The gateway cannot send texts to this kind of number. Ask for a mobile number."),
    ),
    "blacklisted": (
        later("opted out at the network"),
        later(
            "The person has blocked our texts at the network. They must allow them there; ask in person whether they want texts."
        ),
    ),
    "do not disturb": (
        later("on the network's list of who wants no texts"),
        later(
            "The network keeps this number on its list of who wants no such texts. Ask the person; they can leave that list "
            "at the network."
        ),
    ),
    "other code": (
        later("the gateway refused it"),
        later(
            "The gateway refused it with a code we do not know. Ask the gateway's support, with its time and the code of the "
            "number."
        ),
    ),
    "invalid sender id": (
        later("the gateway refuses our sender id"),
        later(
            "The gateway refuses the sender id or short code, so all sending is paused. An administrator corrects the setting "
            "and resumes the channel; the text leaves then, if it is still of use."
        ),
    ),
    "no recipients: sender id refused": (
        later("the gateway refuses our sender id"),
        later(
            "The gateway took the call and sent nothing, which means that it refuses the sender id: all sending is paused. An "
            "administrator corrects the setting and resumes the channel."
        ),
    ),
    "insufficient balance": (
        later("no money on the gateway account"),
        later(
            "The gateway account is empty, so all sending is paused. Top it up and resume the channel; the text leaves then, "
            "if it is still of use."
        ),
    ),
    "could not route": (
        later("the network cannot be reached"),
        later(
            "The gateway has no route to this network now; it is tried once more, an hour later. If that fails too, ring the "
            "person."
        ),
    ),
    "gateway: internal error": (
        later("an error inside the gateway"),
        later(
            "The gateway had an error of its own and did not send it; it is tried again, three times in all. If it was given "
            "up, ring the person."
        ),
    ),
    "gateway: gateway error": (
        later("an error inside the gateway"),
        later(
            "The gateway could not hand it to the network; it is tried again, three times in all. If it was given up, ring "
            "the person."
        ),
    ),
    "gateway: rejected": (
        later("the network rejected it"),
        later("The network rejected it; it is tried again, three times in all. If it was given up, ring the person."),
    ),
    "unreadable answer": (
        later("an answer nobody can read"),
        later(
            "The gateway's answer could not be read, so the text may or may not have left. Decide on the page of sends "
            "without an answer."
        ),
    ),
    "unreadable entry": (
        later("an answer nobody can read"),
        later(
            "The gateway's answer for this number could not be read, so the text may or may not have left. Decide on the page "
            "of sends without an answer."
        ),
    ),
    "listed twice": (
        later("two answers for one number"),
        later(
            "The gateway gave two different answers for this number, so the text may or may not have left. Decide on the page "
            "of sends without an answer."
        ),
    ),
    "missing from the answer": (
        later("not in the gateway's answer"),
        later(
            "The gateway's answer does not speak of this number, so the text may or may not have left. Decide on the page of "
            "sends without an answer."
        ),
    ),
    "no status code": (
        later("an answer without a code"),
        later(
            "The gateway's answer has no code for this number, so the text may or may not have left. Decide on the page of "
            "sends without an answer."
        ),
    ),
    "accepted without an id": (
        later("taken, but without an id"),
        later(
            "The gateway says it took the text and gave no id to follow it by. It may have left: decide on the page of sends "
            "without an answer."
        ),
    ),
    "other code with an id": (
        later("a code we do not know"),
        later(
            "The gateway gave an id and a code we do not know. It may have left: its delivery report will tell, or decide on "
            "the page of sends without an answer."
        ),
    ),
    "the gateway refuses our key or sender id; correct the settin": (
        later("the gateway refuses our key or sender id"),
        later(
            "The gateway refuses our key or sender id, so all sending is paused. An administrator corrects the settings and "
            "resumes the channel."
        ),
    ),
    "the gateway account has no balance; top it up, then resume t": (
        later("no money on the gateway account"),
        later("The gateway account is empty, so all sending is paused. Top it up and resume the channel."),
    ),
    "the gateway holds a text as risky; ask the gateway": (
        later("the gateway holds it as risky"),
        later("The gateway holds the text back as risky. Ask the gateway's support why."),
    ),
    "the gateway cannot read our request; the service needs corre": (
        later("the gateway cannot read our call"),
        later(
            "The gateway cannot read what we send it, so it was given up. Tell the administrator: the service itself needs "
            "correcting."
        ),
    ),
}
#: how reasons begin that end in a number or in the machine's own words
BEGINNINGS: Final = {
    "not connected:": (
        later("the gateway was not reached"),
        later(
            "The gateway was not reached, so nothing left; it is tried again while it is of use. If it was given up, look at "
            "the connection, and ring the person."
        ),
    ),
    "no answer:": (
        later("the gateway did not answer"),
        later(
            "The call broke off before the gateway answered, so the text may or may not have left. It is never sent again by "
            "itself: decide on the page of sends without an answer."
        ),
    ),
    "unreadable answer:": (
        later("an answer nobody can read"),
        later(
            "The gateway's answer could not be read, so the text may or may not have left. Decide on the page of sends "
            "without an answer."
        ),
    ),
    "HTTP ": (
        later("the gateway answered with an error"),
        later(
            "The gateway answered the whole call with an error. Where it proved that nothing left, it is tried again; else "
            "decide on the page of sends without an answer. If it lasts, tell the administrator."
        ),
    ),
    "code ": (
        later("a code we do not know"),
        later(
            "The gateway gave an id and a code we do not know. It may have left: its delivery report will tell, or decide on "
            "the page of sends without an answer."
        ),
    ),
}
