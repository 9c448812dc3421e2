"""Every reason that the code can give a text has a sentence for staff: what happened, why, and what they can do (S39)."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path
from typing import Any

import pytest

from handlers.console.reasons import words_of
from tests.laws.rules import ROOT

#: Functions whose argument at this place, or of this name, is stored as a text's reason.
CALLS = {
    "cancel_queued": (2, ""),
    "_drop": (0, "reason"),
    "Verdict": (2, "reason"),
    "_retime": (9, "reason"),
    "settle_group_in": (9, "reason"),
    "RecipientResult": (4, "reason"),
    "same_for_all": (9, "reason"),
    "Next": (5, "alarm"),
}
#: What stands there and is no reason: the places where a reason is handed on.
HANDED_ON = {"reason", "decided.reason", "refused.reason", "said.reason", "_ALARMS[kind]", "alarm", "''", "bindparam('why')"}
FILES = [
    *(ROOT / "sms_service" / "usecases").glob("*.py"),
    *(ROOT / "sms_service" / "gateway").glob("*.py"),
    ROOT / "sms_service" / "rules" / "sending.py",
    ROOT / "sms_service" / "rules" / "delivery.py",
]


def texts(node: ast.expr, module: Any) -> list[str]:
    """The reasons an expression can be: literals, constants by name, the beginning of a made-up one."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.IfExp):
        return texts(node.body, module) + texts(node.orelse, module)
    if isinstance(node, ast.JoinedStr):
        first = node.values[0]
        return [str(first.value)] if isinstance(first, ast.Constant) else []
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        return texts(node.value, module)
    if isinstance(node, ast.Name) and isinstance(getattr(module, node.id, None), str):
        return [str(getattr(module, node.id))]
    return [] if ast.unparse(node) in HANDED_ON else [f"? {ast.unparse(node)}"]


def produced(path: Path) -> dict[str, int]:
    """Every reason this file gives a text -> the line."""
    module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    found: dict[str, int] = {}
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        place, keyword = CALLS.get(name, (99, ""))
        given = [word.value for word in node.keywords if keyword and word.arg == keyword]
        given += node.args[place : place + 1]
        if name == "values" and any(word.arg == "state" for word in node.keywords):
            given += [word.value for word in node.keywords if word.arg == "reason" and ast.unparse(word.value) != "None"]
        for one in given:
            found.update(dict.fromkeys(texts(one, module), node.lineno))
    found.pop("", None)
    return found


def test_every_reason_a_text_can_have_is_explained() -> None:
    """S39: each drop, delay or expiry says to staff what happened, why, and what can be done."""
    silent = [
        f"{path.relative_to(ROOT)}:{line}: {reason}"
        for path in FILES
        for reason, line in produced(path).items()
        if words_of(reason[:60]) is None
    ]
    assert not silent, "write its sentence in handlers/console/reasons.py: " + "; ".join(silent)


def test_the_walk_finds_reasons_in_every_kind_of_place() -> None:
    """Had it lost its eyes, the test above would be green for nothing."""
    everything = {reason for path in FILES for reason in produced(path)}
    assert {
        "stopped",
        "recalled",
        "too late",
        "answered",
        "not connected: ",
        "phone_shared",
    } <= everything
    assert len(everything) > 40


def test_constants_that_name_a_reason_are_explained() -> None:
    """Reasons kept in tables: the gateway's codes, alarms, and what a decision about a send without an answer is refused for."""
    from sms_service.gateway.answers import NOT_SENT, REFUSED
    from sms_service.rules.delivery import _ALARMS
    from sms_service.usecases import decide_unanswered as decided
    from sms_service.usecases import personal_texts

    named = [*REFUSED.values(), *(words for _, words in NOT_SENT.values()), *_ALARMS.values()]
    named += [decided.ALERT, decided.TWICE, decided.RECALLED, decided.CLOSED, decided.PAUSED]
    named += [personal_texts.WEEK_IS_FULL, personal_texts.NO_MINUTE]
    assert [one for one in named if words_of(one[:60]) is None] == []


@pytest.mark.parametrize("reason", ["not connected: ConnectTimeout", "code 777 with an id", "HTTP 503"])
def test_the_machines_own_words_are_explained_by_their_beginning(reason: str) -> None:
    assert words_of(reason) is not None


def test_what_is_not_known_is_not_explained() -> None:
    assert words_of("something new") is None
