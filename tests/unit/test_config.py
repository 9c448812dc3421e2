"""The settings: all faults at once, one line each, and never a value."""

import base64
import hashlib
import os
import stat
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms_service.config import SETTING_NAMES, Settings, SettingsFault, load_settings
from sms_service.keys import KEY_FILE, KeyFileFault, generate_keys, new_keys
from sms_service.paths import default_data_dir, templates_dir


def key(seed: str) -> str:
    return base64.b64encode(hashlib.sha256(seed.encode()).digest()).decode()


KEYS = {
    "SECRET_KEY": key("session"),
    "FIELD_KEYS": f"1:{key('field')}",
    "HASH_KEY": key("hash"),
    "AUDIT_KEY": key("audit"),
    "WEBHOOK_SECRET": hashlib.sha256(b"callback").hexdigest(),
}
GOOD = {
    **KEYS,
    "APP_ENV": "production",
    "DATABASE_URL": "postgresql://app:hunter2hunter2@db.internal/sms",
    "AT_USERNAME": "servas",
    "AT_API_KEY": "atsk_0123456789abcdef",
    "AT_SHORT_CODE": "1234",
    "AT_USSD_CODE": "*384*123#",
    "PUBLIC_URL": "https://sms.example.org",
}


def faults_of(env: Mapping[str, str], env_file: Path | None = None) -> tuple[str, ...]:
    with pytest.raises(SettingsFault) as caught:
        load_settings(env, env_file=env_file)
    return caught.value.faults


def test_a_complete_production_is_accepted_and_parsed() -> None:
    """T24: also the one host that is answered and the number of proxies that are trusted."""
    settings = load_settings({**GOOD, "PATH": "/usr/bin", "REDIS_URL": "rediss://:pw@kv.internal:6379/0"})
    assert settings.production
    assert not settings.sqlite
    assert settings.database_url.startswith("postgresql+psycopg://app:")
    assert list(settings.field_keys) == [1]
    assert len(settings.hash_key) == 32
    assert settings.webhook_secret == (KEYS["WEBHOOK_SECRET"],)
    assert (settings.public_host, settings.trusted_proxies) == ("sms.example.org", 0)
    assert settings.at_base_url == "https://api.africastalking.com"
    assert settings.broadcast_delay_seconds == 300


def test_a_settings_object_does_not_change_and_does_not_show_its_secrets() -> None:
    """I16: printing the settings by mistake prints no secret."""
    settings = load_settings(GOOD)
    with pytest.raises(Exception, match="frozen"):
        settings.log_level = "DEBUG"
    shown = repr(settings)
    assert "servas" in shown
    for name in ("SECRET_KEY", "WEBHOOK_SECRET", "AT_API_KEY", "HASH_KEY"):
        assert GOOD[name] not in shown
    assert "hunter2" not in shown
    assert "field_keys" not in shown


def test_no_settings_at_all_is_a_development_with_keys_of_its_own(tmp_path: Path) -> None:
    """Design decision 8: embedded by default; the keys are made once and stay."""
    env = {"DATA_DIR": str(tmp_path / "state")}
    first, second = load_settings(env), load_settings(env)
    assert first == second
    assert first.app_env == "development"
    assert first.database_url == f"sqlite:///{tmp_path}/state/service.db"
    assert first.at_base_url == "https://api.sandbox.africastalking.com"
    assert first.redis_url == ""
    assert stat.S_IMODE((tmp_path / "state" / KEY_FILE).stat().st_mode) == 0o600


# name, value, what the line must say
WRONG = [
    ("APP_ENV", "prod", "APP_ENV is none of demo, test, development, production"),
    ("LOG_LEVEL", "LOUD", "LOG_LEVEL is none of"),
    ("DATABASE_URL", "mysql://root@db/sms", "DATABASE_URL is neither sqlite"),
    ("DATABASE_URL", "sqlite://", "DATABASE_URL names no file"),
    ("DATABASE_URL", "sqlite:///:memory:", "DATABASE_URL names no file"),
    ("DATABASE_URL", "postgresql://host", "DATABASE_URL names no database"),
    ("DATABASE_URL", "postgresql://host:notaport/sms", "DATABASE_URL is not a well-formed address"),
    ("REDIS_URL", "http://kv:6379", "REDIS_URL is not redis://"),
    ("REDIS_URL", "redis://kv.internal:6379/0", "REDIS_URL names another machine without a password"),
    ("SECRET_KEY", "short", "SECRET_KEY has 5 characters"),
    ("SECRET_KEY", "changeme" * 5, "SECRET_KEY is a placeholder"),
    ("HASH_KEY", "not base64!", "HASH_KEY is not base64"),
    ("HASH_KEY", "c2hvcnQ=", "HASH_KEY holds 5 bytes"),
    ("HASH_KEY", "A" * 44, "HASH_KEY is no random key"),
    ("AUDIT_KEY", "A", "AUDIT_KEY is not base64"),
    ("FIELD_KEYS", KEYS["HASH_KEY"], "FIELD_KEYS entry 1 is not 'id:key'"),
    ("FIELD_KEYS", f"0:{KEYS['FIELD_KEYS'][2:]}", "FIELD_KEYS entry 1 is not 'id:key'"),
    ("FIELD_KEYS", f"{KEYS['FIELD_KEYS']},1:{KEYS['FIELD_KEYS'][2:]}", "FIELD_KEYS entry 2 repeats key id 1"),
    ("FIELD_KEYS", f"{KEYS['FIELD_KEYS']},2:c2hvcnQ=", "FIELD_KEYS entry 2 holds 5 bytes"),
    ("WEBHOOK_SECRET", "tooshort", "WEBHOOK_SECRET is not url-safe or too short"),
    ("WEBHOOK_SECRET", f"{KEYS['WEBHOOK_SECRET']},", "WEBHOOK_SECRET is not url-safe or too short"),
    ("WEBHOOK_SECRET", "with/slash" * 4, "WEBHOOK_SECRET is not url-safe"),
    ("WEBHOOK_SECRET", ",".join([KEYS["WEBHOOK_SECRET"]] * 3), "WEBHOOK_SECRET holds more than two"),
    ("WEBHOOK_SECRET", "a" * 30, "WEBHOOK_SECRET is a placeholder"),
    ("AT_USERNAME", "sandbox", "names the gateway's sandbox"),
    ("AT_API_KEY", "two words", "AT_API_KEY holds a space"),
    ("AT_BASE_URL", "https://api.africastalking.com/version1", "AT_BASE_URL must end before /version1"),
    ("AT_BASE_URL", "http://gateway.example.org", "AT_BASE_URL sends the gateway key without TLS"),
    ("AT_BASE_URL", "gateway", "AT_BASE_URL is not an address"),
    ("AT_BASE_URL", "https://api.sandbox.africastalking.com", "names the gateway's sandbox"),
    ("AT_SENDER_ID", "INFO", "AT_SENDER_ID is a generic word"),
    ("AT_SENDER_ID", "TwelveLetters", "AT_SENDER_ID is no sender id"),
    ("AT_SHORT_CODE", "12", "AT_SHORT_CODE is no short code"),
    ("AT_SHORT_CODE", "", "AT_SHORT_CODE is missing"),
    ("AT_USSD_CODE", "384*123", "AT_USSD_CODE is no USSD code"),
    ("PUBLIC_URL", "http://sms.example.org", "PUBLIC_URL is plain http"),
    ("PUBLIC_URL", "https://sms.example.org/console", "PUBLIC_URL has more than"),
    ("PUBLIC_URL", "sms.somewhere.rw", "PUBLIC_URL is not an address"),
    ("TRUSTED_PROXIES", "all", "TRUSTED_PROXIES is not a whole number"),
    ("TRUSTED_PROXIES", "-1", "TRUSTED_PROXIES is not a whole number"),
    ("TRUSTED_PROXIES", "٢", "TRUSTED_PROXIES is not a whole number"),
    ("BROADCAST_DELAY_SECONDS", "5m", "BROADCAST_DELAY_SECONDS is not a whole number"),
    ("ALARM_COMMAND", "our-pager --to ops", "ALARM_COMMAND does not begin with a program's whole path"),
    ("ALARM_COMMAND", "/bin/page 'us", "ALARM_COMMAND has a quotation mark that is not closed"),
    ("ALARM_URL", "http://alarms.example.org/", "ALARM_URL has no TLS"),
    ("HEARTBEAT_URL", "my.monitor.example", "HEARTBEAT_URL is not an address"),
    ("SEGMENT_COST_RWF", "1e3", "SEGMENT_COST_RWF is not an amount"),
    ("SPEND_DAY_RWF", "-1", "SPEND_DAY_RWF is not an amount in RWF"),
    ("SPEND_MONTH_RWF", "lots", "SPEND_MONTH_RWF is not an amount in RWF"),
    ("SEND_RATE_PER_SECOND", "0", "SEND_RATE_PER_SECOND is not a number of text parts a second"),
    ("DATABSE_URL", "x", "DATABSE_URL is no setting: did you mean DATABASE_URL?"),
    ("FLASK_DEBUG", "1", "FLASK_DEBUG is on"),
    ("SMS_FAILPOINT", "outbox.call", "SMS_FAILPOINT is set"),
    *((name, "", f"{name} is missing") for name in (*KEYS, "DATABASE_URL", "AT_USERNAME", "AT_API_KEY", "PUBLIC_URL")),
]


@pytest.mark.parametrize(("name", "value", "line"), WRONG, ids=[f"{name}-{line}" for name, _, line in WRONG])
def test_one_wrong_value_is_one_plain_line_without_the_value(name: str, value: str, line: str, tmp_path: Path) -> None:
    """S2, T23: production refuses defaults, weak keys, plain http, an open store and a missing short code."""
    faults = faults_of({**GOOD, "DATA_DIR": str(tmp_path), name: value})
    assert [fault for fault in faults if line in fault], faults
    assert len(faults) == 1
    if len(value) > 9:
        assert value not in "\n".join(faults)


def test_all_faults_are_told_together() -> None:
    faults = faults_of({**GOOD, "HASH_KEY": "x", "PUBLIC_URL": "http://a.example", "AT_SHORT_CODE": ""})
    assert [fault.split()[0] for fault in faults] == ["AT_SHORT_CODE", "HASH_KEY", "PUBLIC_URL"]


@pytest.mark.parametrize("other", ["HASH_KEY", "AUDIT_KEY", "SECRET_KEY"])
def test_one_key_never_serves_two_purposes(other: str) -> None:
    shared = KEYS["FIELD_KEYS"].partition(":")[2]
    faults = faults_of({**GOOD, other: shared.rstrip("=")})
    assert f"{' and '.join(sorted(['FIELD_KEYS', other]))} hold the same secret" in "\n".join(faults)


def test_two_callback_secrets_live_side_by_side_during_rotation() -> None:
    """T4: the new secret is accepted before the old one is withdrawn."""
    other = new_keys()["WEBHOOK_SECRET"]
    settings = load_settings({**GOOD, "WEBHOOK_SECRET": f"{other},{KEYS['WEBHOOK_SECRET']}"})
    assert settings.webhook_secret == (other, KEYS["WEBHOOK_SECRET"])


def test_a_gateway_key_without_an_environment_is_refused(tmp_path: Path) -> None:
    env = {"AT_API_KEY": "atsk_real", "DATA_DIR": str(tmp_path)}
    assert faults_of(env)[0].startswith("APP_ENV is missing while AT_API_KEY is set")
    assert load_settings({**env, "APP_ENV": "development"}).at_api_key == "atsk_real"


def test_a_file_of_settings_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("".join(f"{name}={value}\n" for name, value in GOOD.items()) + "LOG_LEVEL=ERROR\n")
    file.chmod(0o600)
    assert load_settings({}, env_file=file).log_level == "ERROR"
    assert load_settings({"LOG_LEVEL": "WARNING"}, env_file=file).log_level == "WARNING"
    assert load_settings(GOOD, env_file=tmp_path / "absent").log_level == "INFO"


def test_a_file_that_others_can_read_or_with_unknown_names_is_refused(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("APP_ENV=production\nWEBHOOK_SECERT=abc\nCOLOUR=blue\n")
    file.chmod(0o644)
    faults = faults_of({name: value for name, value in GOOD.items() if name != "APP_ENV"}, env_file=file)
    assert len(faults) == 3
    assert "COLOUR is no setting" in faults[0] or "COLOUR is no setting" in "\n".join(faults)
    assert "did you mean WEBHOOK_SECRET?" in "\n".join(faults)
    assert f"{file} holds secrets and can be read by others" in "\n".join(faults)


def test_a_secret_may_lie_in_a_file_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "hash_key"
    file.write_text(f"{KEYS['HASH_KEY']}\n")
    file.chmod(0o600)
    without = {name: value for name, value in GOOD.items() if name != "HASH_KEY"}
    assert load_settings({**without, "HASH_KEY_FILE": str(file)}).hash_key == load_settings(GOOD).hash_key
    assert "both set" in faults_of({**GOOD, "HASH_KEY_FILE": str(file)})[0]
    assert "HASH_KEY_FILE cannot be read" in "\n".join(faults_of({**without, "HASH_KEY_FILE": str(tmp_path / "no")}))


def test_two_processes_that_start_together_share_one_set_of_keys(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        sets = list(pool.map(lambda _: generate_keys(tmp_path), range(16)))
    assert all(keys == sets[0] for keys in sets)
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]


def test_a_key_file_that_was_opened_up_or_cut_is_refused(tmp_path: Path) -> None:
    generate_keys(tmp_path)
    file = tmp_path / KEY_FILE
    file.chmod(0o640)
    with pytest.raises(KeyFileFault, match="chmod 600"):
        generate_keys(tmp_path)
    file.chmod(0o600)
    file.write_text("SECRET_KEY=abc\n")
    with pytest.raises(KeyFileFault, match="lacks FIELD_KEYS, HASH_KEY"):
        generate_keys(tmp_path)


def test_production_warns_of_what_is_allowed_but_small() -> None:
    settings = load_settings({**GOOD, "DATABASE_URL": "sqlite:////var/lib/sms/service.db"})
    assert settings.sqlite
    assert [line.split()[0] for line in settings.warnings()] == ["DATABASE_URL", "BACKUP_DIR", "AT_SENDER_ID", "ALARM_COMMAND,"]


WILD = st.text(st.characters(exclude_characters="\x00"), max_size=40)


@given(st.sampled_from([name for name in SETTING_NAMES if name != "DATA_DIR"]), WILD, WILD)
def test_any_value_is_accepted_or_refused_in_lines_that_do_not_repeat_it(name: str, before: str, after: str) -> None:
    faults: tuple[str, ...] = ()
    try:
        load_settings({**GOOD, name: f"{before}zqxwcanary{after}", "DATA_DIR": "/nonexistent/sms"})
    except SettingsFault as fault:
        faults = fault.faults
    assert all("\n" not in line and "zqxwcanary" not in line for line in faults)


def test_every_setting_has_a_capital_name() -> None:
    assert set(SETTING_NAMES) >= {"DATABASE_URL", "FIELD_KEYS", "TRUSTED_PROXIES"}
    assert len(SETTING_NAMES) == len(Settings.model_fields)


def test_the_state_folder_is_the_clones_own() -> None:
    assert default_data_dir(os.environ).name == ".state"
    assert templates_dir().name in ("templates", "_templates")
