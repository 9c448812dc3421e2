"""Logs as JSON lines on standard error that cannot carry a number, a name or a text (T15, I16).

First net: a field is written only if its name is listed here and its value has the form of a code, a count or a short
lower-case word; anything else is dropped and the field's name is given under ``withheld``. Second net: what looks like
a phone number is masked. An exception is written as its class and the place it came from; its message, which may quote
a value, never. Other libraries' records give their logger, place and format string, without what was filled in.
"""

from __future__ import annotations

import enum
import json
import logging
import re
import sys
import threading
import traceback
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final

import structlog

from sms_service.security.redact import redact

_WORD: Final = re.compile(r"[a-z][a-z0-9_.:-]{0,59}")
_CODE: Final = re.compile(r"[A-Z]{1,3}[0-9]{1,6}|RED|AMBER|GET|HEAD|POST")
_PLACE: Final = re.compile(r"[A-Za-z_<>][A-Za-z0-9_.<>]{0,119}(:[A-Za-z_<>][A-Za-z0-9_<>]{0,79})?(:[0-9]{1,6})?")
_LOCAL_ADDRESS: Final = re.compile(r"(https?://(127\.0\.0\.1|localhost|\[::1\]):[0-9]{1,5}/?|unix)")
_VERSION: Final = re.compile(r"[0-9]{1,3}(\.[0-9]{1,5}){0,3}")

# Every field a log line may have, by the form of its text. Numbers and true/false are allowed in all of them.
FIELDS: Final[Mapping[str, tuple[re.Pattern[str], ...]]] = {
    **dict.fromkeys(
        (
            "act", "action", "actor", "attempt", "attempts", "backlog", "call", "channel", "conversation",
            "count", "delay_s", "due", "duration_ms", "fault", "gateway", "health", "job", "kind", "lane",
            "language", "left", "limit", "method", "name_of_setting", "oldest_s", "outcome", "pid", "port",
            "process", "queue", "reason", "role", "row", "seq", "signal", "size", "state", "status", "step",
            "sweep", "table", "unit", "verdict", "workers",
        ),
        (_WORD, _CODE),
    ),
    **dict.fromkeys(("concern", "group", "person", "staff"), (_CODE,)),
    **dict.fromkeys(("error", "caused_by", "where", "logger", "part", "route"), (_PLACE,)),
    "address": (_LOCAL_ADDRESS,),
    "version": (_VERSION, _WORD),
}  # fmt: skip
_EVENT: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*")
# A number kept as an integer has 9 to 15 digits; row ids have 18, and nothing we count reaches 9.
_LIKE_A_NUMBER: Final = (10**8, 10**15)
_OWN: Final = ("sms_service", "handlers", "workers")
_LEVELS: Final = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40}

GRANIAN_LOGGING: Final[dict[str, Any]] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {},
    "handlers": {},
    "loggers": {
        "_granian": {"handlers": [], "level": "WARNING", "propagate": True},
        "granian.access": {"handlers": [], "level": "CRITICAL", "propagate": False},
    },
}
"""For the web server: its lines go through ours, and no access log, since a callback's path holds a secret (W15)."""


def configure(level: str, process_name: str) -> None:
    """Send every line of this process, its libraries' and its uncaught exceptions' through the two nets.

    ``level`` is DEBUG, INFO, WARNING or ERROR and holds for our own lines; libraries are heard from WARNING up. May be
    called again, for instance in a forked child.
    """
    threshold = _LEVELS[level]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            _describe_exception,
            _Finish(process_name),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=_StandardError,
        cache_logger_on_first_use=False,
    )
    root, foreign = logging.getLogger(), _ForeignRecords(process_name)
    foreign.setLevel(max(threshold, logging.WARNING))  # a library that lowers its own logger's level is heard no earlier
    root.handlers[:] = [foreign]
    root.setLevel(foreign.level)
    logging.captureWarnings(True)
    logging.raiseExceptions = False
    sys.excepthook = _uncaught
    threading.excepthook = lambda hook: _uncaught(hook.exc_type, hook.exc_value, hook.exc_traceback)
    sys.unraisablehook = lambda hook: _uncaught(hook.exc_type, hook.exc_value, hook.exc_traceback)


def logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """The logger of one part of the service. Events are dotted lower-case names (``outbox.accepted``)."""
    bound: structlog.typing.FilteringBoundLogger = structlog.get_logger(part=name)
    return bound


def describe(fault: BaseException) -> dict[str, str]:
    """An exception as it may be logged: ``error`` its class, ``where`` the innermost place in our own code."""
    frames = traceback.extract_tb(fault.__traceback__)
    modules = [frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(fault.__traceback__)]
    place = len(frames) - 1
    for index, module in enumerate(modules):
        if str(module).split(".")[0] in _OWN:
            place = index
    described = {"error": type(fault).__name__}
    if frames:
        described["where"] = f"{modules[place]}:{frames[place].name}:{frames[place].lineno}"
    cause = fault.__cause__ or fault.__context__
    if cause is not None:
        described["caused_by"] = type(cause).__name__
    return described


def allowed(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that may be written, and under ``withheld`` the names of those that may not."""
    kept: dict[str, Any] = {}
    withheld: list[str] = []
    for name, value in fields.items():
        if isinstance(value, enum.Enum):
            value = value.value
        if isinstance(value, float):
            value = round(value, 3)
        if name in FIELDS and _may_show(name, value):
            kept[name] = value
        else:
            withheld.append(name if _WORD.fullmatch(name) else "field")
    if withheld:
        kept["withheld"] = sorted(redact(name) for name in withheld)
    return kept


def _may_show(name: str, value: object) -> bool:
    if value is None or isinstance(value, bool):
        return True
    if isinstance(value, int | float):
        return not _LIKE_A_NUMBER[0] <= abs(value) < _LIKE_A_NUMBER[1]
    return isinstance(value, str) and any(form.fullmatch(value) for form in FIELDS[name]) and redact(value) == value


class _Finish:
    """The last step: what is left is put in order and written as one line."""

    def __init__(self, process_name: str) -> None:
        self.process_name = process_name

    def __call__(self, _logger: object, _method: str, fields: MutableMapping[str, Any]) -> str:
        event, level = str(fields.pop("event", "")), fields.pop("level", "info")
        message = fields.pop("message", None)
        line: dict[str, Any] = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "level": level,
            "event": event if _EVENT.fullmatch(event) and redact(event) == event else "withheld",
            "process": self.process_name,
            **allowed(fields),
        }
        if message is not None:
            line["message"] = redact(str(message))[:200]
        return json.dumps(line)


class _StandardError:
    """Writes finished lines; looks up the stream each time, since a parent may have replaced it."""

    def __init__(self, *_: object) -> None:
        pass

    def msg(self, line: str) -> None:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()

    debug = info = warning = warn = error = critical = exception = fatal = log = msg


class _ForeignRecords(logging.Handler):
    """Records of libraries: logger, place, exception class, and the format string where something was filled in.

    Without arguments the text may have been put together beforehand from anything, so it is not written.
    """

    def __init__(self, process_name: str) -> None:
        super().__init__()
        self.finish = _Finish(process_name)

    def emit(self, record: logging.LogRecord) -> None:
        fields: dict[str, Any] = {
            "event": "library.record",
            "level": record.levelname.lower(),
            "logger": record.name,
            "where": f"{record.module}:{record.lineno}",
        }
        if record.args and isinstance(record.msg, str):
            fields["message"] = record.msg
        if record.exc_info and record.exc_info[1] is not None:
            fields |= describe(record.exc_info[1])
        _StandardError().msg(self.finish(None, "", fields))


def _describe_exception(_logger: object, method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    given = fields.pop("exc_info", None)
    fault = given if isinstance(given, BaseException) else sys.exc_info()[1] if given or method == "exception" else None
    if isinstance(given, tuple):
        fault = given[1]
    if fault is not None:
        fields.update(describe(fault))
    return fields


def _uncaught(kind: type[BaseException], fault: BaseException | None, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logger("process").critical("process.uncaught", exc_info=fault if fault is not None else kind())
