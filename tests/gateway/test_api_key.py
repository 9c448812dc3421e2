"""The gateway's key is changed in its file while texts go: no restart, and no send with half a key (T18)."""

from __future__ import annotations

import threading
from pathlib import Path

from sms_service.config import load_settings
from sms_service.gateway.africastalking import Client
from tests.gateway.client_scripts import KEY, ONE, TEXT, always, recipient, sent
from tests.gateway.raw_server import RawServer

NEW = "atsk_the_new_key_0123456789"


def replaced(file: Path, key: str) -> None:
    """As an operator does it: a new file, then a rename."""
    draft = file.with_name("draft")
    draft.write_text(f"{key}\n")
    draft.chmod(0o600)
    draft.rename(file)


def keys_of(server: RawServer) -> list[str]:
    heads = [request.partition(b"\r\n\r\n")[0].split(b"\r\n") for request in server.requests]
    return [line.split(b": ", 1)[1].decode() for head in heads for line in head if line.lower().startswith(b"apikey")]


def test_a_new_key_in_the_file_is_used_by_the_next_send(tmp_path: Path) -> None:
    """T18: rotated without a restart; a file that is gone, empty or no key is passed over."""
    file = tmp_path / "key"
    replaced(file, KEY)
    with RawServer(always("201 Created", sent(recipient()))) as server:
        client = Client("amahoro", KEY, base_url=server.url, key_file=file)
        for content in (None, NEW, "", "two words"):
            if content is not None:
                replaced(file, content)
            assert client.send([ONE], TEXT, sender=None).kind == "accepted"
        file.unlink()
        assert client.send([ONE], TEXT, sender=None).kind == "accepted"
    assert keys_of(server) == [KEY, NEW, NEW, NEW, NEW]


def test_changed_under_load_every_call_has_one_of_the_two_keys_and_succeeds(tmp_path: Path) -> None:
    """T18: four threads send while the file is replaced again and again."""
    file = tmp_path / "key"
    replaced(file, KEY)
    kinds: list[str] = []
    with RawServer(always("201 Created", sent(recipient()))) as server:
        client = Client("amahoro", KEY, base_url=server.url, key_file=file)

        def send() -> None:
            for _ in range(15):
                kinds.append(client.send([ONE], TEXT, sender=None).kind)

        senders = [threading.Thread(target=send) for _ in range(4)]
        for one in senders:
            one.start()
        for no in range(40):
            replaced(file, NEW if no % 2 else KEY)
        for one in senders:
            one.join()
        replaced(file, NEW)
        client.send([ONE], TEXT, sender=None)
    assert kinds == ["accepted"] * 60
    assert set(keys_of(server)) <= {KEY, NEW}
    assert keys_of(server)[-1] == NEW


def test_the_settings_remember_the_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    replaced(file, KEY)
    settings = load_settings({"APP_ENV": "test", "DATA_DIR": str(tmp_path), "AT_API_KEY_FILE": str(file)})
    assert (settings.at_api_key, settings.at_api_key_file) == (KEY, file)
    assert KEY not in repr(settings)
