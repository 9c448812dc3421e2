"""The words of the conversation pages: states, kinds of change, kinds of steps."""

from __future__ import annotations

from typing import Final

from handlers.console.language import later

STATES: Final = {
    "draft": (later("Draft"), "amber"),
    "published": (later("Runs"), "green"),
    "retired": (later("Earlier"), "grey"),
}
CHANGES: Final = {
    "added": (later("New"), "green"),
    "removed": (later("Gone"), "red"),
    "changed": (later("Changed"), "blue"),
}
#: The kinds of ``draft_replay.Difference``.
DIFFERENCES: Final = {
    "path": later("another way"),
    "answer": later("another answer"),
    "effect": later("something else is done"),
    "text": later("another text"),
}
#: The codes of ``conversation.outline.TERMS``.
TERMS: Final = {
    "ask": later("asks"),
    "pin": later("asks for the PIN"),
    "fetch": later("looks up"),
    "branch": later("decides"),
    "say": later("says, and ends"),
    "resume": later("open question"),
    "yes": later("yes"),
    "no": later("no"),
    "dont_know": later("does not know"),
    "list": later("one of the list"),
    "right": later("right"),
    "answered": later("answered"),
    "part": later("part"),
    "end": later("end"),
    "start": later("start"),
    "keys": later("On every screen"),
}
