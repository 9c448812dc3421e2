"""The wheel carries everything it needs and finds it from any directory."""

import os
import subprocess
import sys
import time
import urllib.request
import zipfile
from pathlib import Path

import pytest

from tests.free_ports import free_port
from tests.laws.rules import ROOT


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's contents, as an installation has them."""
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    [wheel] = folder.glob("*.whl")
    site = folder / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def test_the_wheel_holds_code_templates_and_the_command_and_nothing_else(installed: Path) -> None:
    top = {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")}
    assert top == {"sms_service", "handlers", "workers"}
    entry_points = next(installed.glob("*.dist-info/entry_points.txt")).read_text()
    assert "sms-service = sms_service.__main__:main" in entry_points
    templates = {str(path.relative_to(ROOT / "templates")) for path in (ROOT / "templates").rglob("*") if path.is_file()}
    carried = installed / "sms_service" / "_templates"
    assert {str(path.relative_to(carried)) for path in carried.rglob("*") if path.is_file()} == templates


def test_an_installed_service_finds_its_templates_from_any_directory(installed: Path, tmp_path: Path) -> None:
    program = (
        "import os; from sms_service.paths import templates_dir, default_data_dir\n"
        "print(templates_dir()); print(default_data_dir(os.environ))"
    )
    environment = {**os.environ, "PYTHONPATH": str(installed), "HOME": str(tmp_path)}
    environment.pop("XDG_STATE_HOME", None)
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    templates, state = done.stdout.split()
    assert Path(templates) == installed / "sms_service" / "_templates"
    assert Path(state) == tmp_path / ".local" / "state" / "sms-service"


def test_an_installed_service_starts_elsewhere(installed: Path, tmp_path: Path) -> None:
    """Migrated, checked and served from a folder that knows nothing of the clone: pages, callbacks and the phone simulator."""
    environment = {**os.environ, "PYTHONPATH": str(installed), "DATA_DIR": str(tmp_path / "state"), "APP_ENV": "test"}

    def start(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-P", "-m", *arguments]
        return subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    for command in ("migrate", "check", "invariants"):
        done = start("sms_service", command)
        assert done.wait(60) == 0, done.communicate()[1]
    port = free_port()
    web = start("sms_service", "web", "--port", str(port), "--workers", "1")
    record = ("--record", str(tmp_path / "simulator"), "--service-url", f"http://127.0.0.1:{port}")
    account = ("--username", "u", "--api-key", "k", "--short-code", "1234", "--ussd-code", "*384*123#")
    phones = start("sms_service.simulator", "--port", "0", *record, *account)
    try:
        assert "Servas" in _page(f"http://127.0.0.1:{port}/console/sign-in")
        assert phones.stdout is not None
        assert "Simulator" in _page(phones.stdout.readline().split()[-1] + "/")
    finally:
        for process in (web, phones):
            process.terminate()
            process.wait(20)


def _page(address: str) -> str:
    until = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return str(answer.read().decode())
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
