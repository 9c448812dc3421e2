"""Logs carry codes only: a canary number, name and text, put in by every way we know, never come out."""

import enum
import json
import logging
import re
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from sms_service import logs

NUMBER = "+250788123456"


def untimed(lines: str) -> str:
    """Log lines without their times, which may hold any three digits."""
    return re.sub(r'"at": "[^"]*"', "", lines)


NAME = "Mukamana Claudine"
TEXT = "Umugabo wanjye arankubita"
CANARIES = (
    NUMBER,
    NUMBER[1:],
    "0788123456",
    "788123456",
    "%2B250788123456",
    "+250 788 123 456",
    f"'{NUMBER}'",
    NAME,
    TEXT,
)


class Channel(enum.Enum):
    SMS = "sms"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    hooks = sys.excepthook, sys.unraisablehook, threading.excepthook
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    sys.excepthook, sys.unraisablehook, threading.excepthook = hooks
    logging.captureWarnings(False)
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return [json.loads(line) for line in captured.err.splitlines()]


def test_a_line_has_its_time_level_process_and_fields(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO", "worker")
    logs.logger("outbox").info(
        "outbox.accepted",
        row=463251129856348160,
        state="accepted",
        channel=Channel.SMS,
        person="P4821",
        duration_ms=12.34567,
    )
    [line] = lines(capsys)
    assert line.pop("at").endswith("+00:00")
    assert line == {
        "level": "info",
        "event": "outbox.accepted",
        "process": "worker",
        "part": "outbox",
        "row": 463251129856348160,
        "state": "accepted",
        "channel": "sms",
        "person": "P4821",
        "duration_ms": 12.346,
    }


def test_lines_below_the_level_are_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("WARNING", "web")
    logs.logger("a").info("b.c")
    logging.getLogger("rq.worker").info("job %s", "x")
    logs.logger("a").warning("b.d")
    lowered = logging.getLogger("a.library.of.its.own")
    lowered.setLevel(logging.INFO)
    lowered.info("job %s", "y")
    assert [line["event"] for line in lines(capsys)] == ["b.d"]


@pytest.mark.parametrize("canary", CANARIES)
@pytest.mark.parametrize("field", ["state", "where", "error", "person", "address", "text", "phone", "version", "reason"])
def test_no_field_carries_a_number_a_name_or_a_text(field: str, canary: str, capsys: pytest.CaptureFixture[str]) -> None:
    """T15, I16: an unknown field and a value of the wrong form are withheld, by name."""
    logs.configure("INFO", "web")
    logs.logger("x").info("y.z", **{field: canary})
    out = capsys.readouterr().err
    assert field in json.loads(out)["withheld"]
    assert canary not in out
    assert "788" not in untimed(out)


@pytest.mark.parametrize("field", ["person", "staff", "group", "concern"])
@pytest.mark.parametrize("name", ["mukamana", "MUKAMA", "Uwase", "P4821x"])
def test_who_it_is_about_is_only_ever_a_code(field: str, name: str) -> None:
    """T15: a name without a blank in it looks like a word, so these fields take none."""
    assert logs.allowed({field: name}) == {"withheld": [field]}
    assert logs.allowed({field: "P4821"}) == {field: "P4821"}


@pytest.mark.parametrize("canary", CANARIES)
def test_no_other_way_carries_it_either(canary: str, capsys: pytest.CaptureFixture[str]) -> None:
    """T15, I16: events, exceptions, warnings, context and the records of libraries."""
    logs.configure("INFO", "web")
    log = logs.logger("x")
    log.info(canary)
    log.info(f"stored {canary}")
    with structlog.contextvars.bound_contextvars(sender=canary, row=int("250788123456")):
        log.info("bound.context")
    try:
        try:
            raise KeyError(canary)
        except KeyError as fault:
            raise ValueError(f"no such number: {canary}") from fault
    except ValueError:
        log.exception("step.failed")
        log.warning("step.failed", exc_info=True)
        logging.getLogger("sqlalchemy.engine").exception("while %s", canary)
        logging.getLogger("rq.worker").error(f"job failed for {canary}")
        logging.getLogger("werkzeug").warning("%s - %s", canary, {"text": canary})
    warnings.warn(f"odd value {canary}", UserWarning, stacklevel=1)
    out = capsys.readouterr().err
    assert len(out.splitlines()) >= 8
    assert canary not in out
    assert "788" not in untimed(out)
    assert "Traceback" not in out


def test_an_exception_is_its_class_and_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO", "web")
    try:
        json.loads(TEXT)
    except ValueError as fault:
        logs.logger("x").error("step.failed", exc_info=fault)
    [line] = lines(capsys)
    assert line["error"] == "JSONDecodeError"
    assert "raw_decode" in line["where"]
    assert "caused_by" in line


def test_a_library_record_gives_its_form_not_its_filling(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO", "web")
    logging.getLogger("redis").warning("retrying %s in %d s", NAME, 3)
    [line] = lines(capsys)
    assert (line["logger"], line["message"], line["level"]) == ("redis", "retrying %s in %d s", "warning")


def test_an_uncaught_exception_leaves_no_traceback_and_no_value() -> None:
    """I16: not in the main thread, not in another, not in a finaliser."""
    program = f"""
import threading
from sms_service import logs
logs.configure("INFO", "clock")
class Odd:
    def __del__(self): raise ValueError("{NAME}")
def fail(): raise ValueError("{NUMBER}")
thread = threading.Thread(target=fail); thread.start(); thread.join()
Odd()
fail()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert [json.loads(line)["event"] for line in done.stderr.splitlines()] == ["process.uncaught"] * 3
    assert "Traceback" not in done.stderr
    assert NAME not in done.stderr
    assert "788" not in untimed(done.stderr)


def test_the_web_servers_lines_go_through_the_nets_and_its_access_log_is_off(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """W15: a callback's path holds a secret, so no access log is written."""
    from granian.log import LogLevels, configure_logging

    logs.configure("INFO", "web")
    configure_logging(LogLevels.info, logs.GRANIAN_LOGGING)
    logging.getLogger("granian.access").info("POST /callbacks/africastalking/s3cret/sms")
    logging.getLogger("_granian").warning(f"from {NUMBER}")
    [line] = lines(capsys)
    assert line["logger"] == "_granian"
    assert "message" not in line


@given(st.text(), st.one_of(st.text(), st.integers(), st.floats(), st.none(), st.lists(st.text())))
def test_any_field_is_kept_as_a_code_or_withheld(name: str, value: object) -> None:
    """T15: never raises, and a text with a blank in it is never kept."""
    kept = logs.allowed({name: value})
    assert set(kept) <= {name, "withheld"}
    assert " " not in str(kept.get(name, ""))
    json.dumps(kept)
