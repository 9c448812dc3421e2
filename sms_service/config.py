"""The settings: read once, checked together, then handed down as one frozen object.

Values come from the environment, else from files named by ``NAME_FILE`` (secrets only), else from a ``.env`` file, else
from the defaults below. Outside production, missing keys are made once in ``DATA_DIR/keys.env``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from sms_service import setting_values as read
from sms_service.config_checks import (
    SANDBOX_GATEWAY,
    between_settings,
    misspelt,
    outside_production,
    production_faults,
)
from sms_service.keys import KEY_NAMES, KeyFileFault, generate_keys, read_env_file, readable_by_others
from sms_service.paths import default_data_dir

SECRET_NAMES: Final = (*KEY_NAMES, "BACKUP_KEY", "AT_API_KEY", "DATABASE_URL", "REDIS_URL", "ALARM_URL", "HEARTBEAT_URL")
PRODUCTION_GATEWAY: Final = "https://api.africastalking.com"

_EXPECTED: Final = {
    "APP_ENV": "is none of demo, test, development, production",
    "LOG_LEVEL": "is none of DEBUG, INFO, WARNING, ERROR",
}

Hidden = Field(repr=False)


class SettingsFault(Exception):
    """The settings cannot be used; ``faults`` has one line each, ``str()`` has them all. Values are never repeated."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(faults))


class Settings(BaseSettings):
    """Everything the service is told from outside, parsed. Secrets do not show when the object is printed."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=False)

    app_env: Literal["demo", "test", "development", "production"] = "development"
    data_dir: Annotated[Path, BeforeValidator(read.read_folder)]
    database_url: Annotated[str, BeforeValidator(read.read_database_url), Hidden]
    redis_url: Annotated[str, BeforeValidator(read.read_redis_url), Hidden] = ""
    secret_key: Annotated[str, BeforeValidator(read.read_secret_key), Hidden]
    field_keys: Annotated[dict[int, bytes], BeforeValidator(read.read_key_ring), Hidden]
    hash_key: Annotated[bytes, BeforeValidator(read.read_key), Hidden]
    audit_key: Annotated[bytes, BeforeValidator(read.read_key), Hidden]
    backup_key: Annotated[bytes | None, BeforeValidator(read.read_key), Hidden] = None
    backup_dir: Annotated[Path | None, BeforeValidator(read.read_folder)] = None
    webhook_secret: Annotated[tuple[str, ...], BeforeValidator(read.read_webhook_secrets), Hidden]
    at_username: Annotated[str, BeforeValidator(read.read_plain)] = "sandbox"
    at_api_key: Annotated[str, BeforeValidator(read.read_plain), Hidden] = ""
    at_api_key_file: Path | None = None
    at_base_url: Annotated[str, BeforeValidator(read.read_gateway_url)] = PRODUCTION_GATEWAY
    at_sender_id: Annotated[str, BeforeValidator(read.read_sender)] = ""
    at_short_code: Annotated[str, BeforeValidator(read.read_short_code)] = ""
    at_ussd_code: Annotated[str, BeforeValidator(read.read_ussd_code)] = ""
    public_url: Annotated[str, BeforeValidator(read.read_public_url)] = "http://127.0.0.1:8000"
    trusted_proxies: Annotated[int, BeforeValidator(read.read_proxies)] = 0
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    broadcast_delay_seconds: Annotated[int, BeforeValidator(read.read_delay)] = 300
    send_rate_per_second: Annotated[float, BeforeValidator(read.read_rate)] = 50.0
    alarm_command: Annotated[tuple[str, ...], BeforeValidator(read.read_command)] = ()
    alarm_url: Annotated[str, BeforeValidator(read.read_alarm_url), Hidden] = ""
    heartbeat_url: Annotated[str, BeforeValidator(read.read_alarm_url), Hidden] = ""
    segment_cost_rwf: Annotated[float, BeforeValidator(read.read_cost)] = 12.0
    spend_day_rwf: Annotated[float, BeforeValidator(read.read_ceiling)] = 0.0
    spend_month_rwf: Annotated[float, BeforeValidator(read.read_ceiling)] = 0.0

    @property
    def production(self) -> bool:
        """Whether people's phones are at the other end: then nothing is left to a default."""
        return self.app_env == "production"

    @property
    def sqlite(self) -> bool:
        """Whether the database is a file of this machine."""
        return self.database_url.startswith("sqlite:")

    @property
    def public_host(self) -> str:
        """The host (with its port, if any) that requests must name (T24)."""
        return urlsplit(self.public_url).netloc

    def warnings(self) -> tuple[str, ...]:
        """What is allowed but deserves a line at the start of every process; no values."""
        lines = []
        if self.production and self.sqlite:
            lines.append("DATABASE_URL names SQLite: one machine only, and backups must be copied off it")
        if self.production and self.redis_url.startswith("redis://") and not self._redis_is_local():
            lines.append("REDIS_URL has no TLS: the network between must be private (rediss:// has it)")
        if self.production and self.backup_dir is None:
            lines.append("BACKUP_DIR is empty: the clock makes no backups; make them with sms-service backup, each night")
        if self.production and not self.at_sender_id:
            lines.append("AT_SENDER_ID is empty: one-way texts leave from the short code too")
        if self.production and not (self.alarm_command or self.alarm_url or self.heartbeat_url):
            lines.append("ALARM_COMMAND, ALARM_URL and HEARTBEAT_URL are empty: the watch can call nobody")
        return tuple(lines)

    def _redis_is_local(self) -> bool:
        return urlsplit(self.redis_url).hostname in read.LOOPBACK

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what ``load_settings`` hands in: the process environment is not read a second time behind its back."""
        return (init_settings,)


SETTING_NAMES: Final = tuple(name.upper() for name in Settings.model_fields)


_GATHERED: Final = (*SETTING_NAMES, *(f"{name}_FILE" for name in SECRET_NAMES))


def load_settings(env: Mapping[str, str], *, env_file: Path | None = None) -> Settings:
    """The checked settings from ``env`` (usually ``os.environ``) and, where given and there, ``env_file``.

    Raises ``SettingsFault`` naming every fault at once. Outside production, keys that are missing are taken from
    ``DATA_DIR/keys.env``, which is made at the first start.
    """
    faults: list[str] = []
    raw = _gather(env, env_file, faults)
    production = raw.get("APP_ENV") == "production"
    faults += production_faults(raw, env) if production else outside_production(raw)
    faults += between_settings(raw)
    data_dir = Path(raw.setdefault("DATA_DIR", str(default_data_dir(env)))).expanduser().absolute()
    required = set(raw)
    raw.setdefault("DATABASE_URL", f"sqlite:///{data_dir / 'service.db'}")
    raw.setdefault("AT_BASE_URL", PRODUCTION_GATEWAY if production else SANDBOX_GATEWAY)
    if not production and not required.issuperset(KEY_NAMES) and not data_dir.is_file():
        try:
            raw = {**generate_keys(data_dir), **raw}
        except KeyFileFault as fault:
            faults.append(str(fault))
    try:
        settings = Settings.model_validate({name.lower(): value for name, value in raw.items()})
    except ValidationError as error:
        raise SettingsFault(sorted({*faults, *_sentences(error, faults)})) from None
    if faults:
        raise SettingsFault(sorted(set(faults)))
    return settings


def _gather(env: Mapping[str, str], env_file: Path | None, faults: list[str]) -> dict[str, str]:
    """The raw texts by setting name; a value of the environment wins over a file's, an empty one counts as absent."""
    given = {name: env[name] for name in _GATHERED if env.get(name)}
    faults += misspelt(env, _GATHERED, all_of_them=False)
    if env_file is not None and env_file.is_file():
        try:
            lines = read_env_file(env_file)
        except KeyFileFault as fault:
            faults.append(str(fault))
            lines = {}
        faults += misspelt(lines, _GATHERED, all_of_them=True)
        given = {**{name: value for name, value in lines.items() if name in _GATHERED and value}, **given}
        if given.get("APP_ENV") == "production":
            faults += _exposed(env_file)
    for name in SECRET_NAMES:
        path = given.pop(f"{name}_FILE", "")
        if path:
            given[name] = _from_file(name, Path(path), given, faults)
            if name == "AT_API_KEY":
                given["AT_API_KEY_FILE"] = path  # looked at again with each send (T18)
    return {name: value.strip() for name, value in given.items() if value.strip()}


def _from_file(name: str, path: Path, given: Mapping[str, str], faults: list[str]) -> str:
    if name in given:
        faults.append(f"{name} and {name}_FILE are both set: keep one")
        return given[name]
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as fault:
        faults.append(f"{name}_FILE cannot be read ({type(fault).__name__}): check the path and who may read it")
        return ""
    faults += _exposed(path)
    return text


def _exposed(path: Path) -> list[str]:
    if not readable_by_others(path):
        return []
    return [f"{path} holds secrets and can be read by others: run chmod 600 on it"]


def _sentences(error: ValidationError, said: list[str]) -> list[str]:
    """One line a fault, without pydantic's own words, which may repeat a value."""
    lines = []
    for item in error.errors(include_url=False, include_context=True, include_input=False):
        name = str(item["loc"][0]).upper()
        if item["type"] == "value_error":
            lines.append(f"{name} {item['ctx']['error']}")
        elif item["type"] == "missing":
            if not any(line.startswith(f"{name} is missing") for line in said):
                lines.append(f"{name} is missing")
        else:
            lines.append(f"{name} {_EXPECTED.get(name, 'is not of the expected form')}")
    return lines
