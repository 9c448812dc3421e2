"""Laws over every source file: size, docstrings, no silenced checks, arrows one way, a pure core."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.laws.rules import ROOT

PACKAGES = ("sms_service", "handlers", "workers")
PURE = ("sms_service/conversation", "sms_service/text", "sms_service/rules")
LONGEST_FILE = 350
# Put together here, so that this file does not find itself.
SILENCERS = re.compile("#.*(" + "|".join(["type" + ": ignore", "no" + "qa", "pragma: no" + " cover", "TO" + "DO|FIX" + "ME"]) + ")")
SKIPS = re.compile(r"mark\." + r"(skip|xfail)\b")


def python_files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "__pycache__" not in path.parts:
                yield path


def named(paths: Iterator[Path] | list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def test_no_file_is_over_350_lines() -> None:
    """A file that grows past it has two subjects: split it by meaning."""
    long = [path for path in python_files(*PACKAGES, "tests") if path.read_text().count("\n") > LONGEST_FILE]
    assert not named(long)


def test_every_module_says_what_it_is_for() -> None:
    silent = [path for path in python_files(*PACKAGES) if not ast.get_docstring(ast.parse(path.read_text()))]
    assert not named(silent)


def test_no_check_is_silenced_and_no_work_is_promised_in_a_comment() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in python_files(*PACKAGES, "tests")
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if SILENCERS.search(line)
    ]
    assert not found, f"solve it or write it down elsewhere: {found}"


def test_no_test_is_switched_off() -> None:
    """What a machine cannot run is left out by its marker, with the reason printed (tests/left_out.py)."""
    assert not named([path for path in python_files("tests") if SKIPS.search(path.read_text())])


def test_imports_follow_the_arrows() -> None:
    """The contracts of pyproject.toml: inward only, a pure core, Flask and RQ at the edges."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command; lint_imports_command()",
            "--no-cache",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


# What an import contract cannot see: calls on allowed modules that read a clock, a file or the environment.
IMPURE_CALLS = {"now", "utcnow", "today", "open", "getenv", "uuid4", "input", "print", "read_text", "read_bytes"}


@pytest.mark.parametrize("folder", PURE)
def test_the_pure_folders_call_nothing_that_looks_outside(folder: str) -> None:
    """``now``, ids and the contents of files come in as arguments."""
    found = []
    for path in python_files(folder):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name in IMPURE_CALLS:
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno} calls {name}()")
    assert not found


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_personal_to_a_machine_is_written_in_the_source(package: str) -> None:
    pattern = re.compile(r"/(?:home|Users|root)/[a-z]")
    assert not named([path for path in python_files(package) if pattern.search(path.read_text())])
