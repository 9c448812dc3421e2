"""Puts the service together: settings and files in, a context out. May import everything; imported by nobody inside the package."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sms_service import clock, logs, orphans, paths, store
from sms_service.catalogue import Catalogue, load_catalogue
from sms_service.config import Settings, load_settings
from sms_service.conversation.version import NOTICES_NAME
from sms_service.database import CALLBACK_WAIT_MS, WORKER_WAIT_MS, Database
from sms_service.gateway.africastalking import Client
from sms_service.gateway.registry import client_for
from sms_service.models.spending import Ceilings
from sms_service.rules.public_holidays import public_holidays
from sms_service.security.vault import Vault
from sms_service.text.reading import Lexicon, build_lexicon
from sms_service.usecases.add_programmes import add_programmes
from sms_service.usecases.claim_texts import CALLS_A_ROUND
from sms_service.usecases.compare_clocks import WEB
from sms_service.usecases.context import Context, no_nudge, no_queue
from sms_service.usecases.nightly_backup import Backups
from sms_service.usecases.versions import import_release

if TYPE_CHECKING:
    from workers.nudge import Nudger


def build_context(
    database: Database,
    *,
    field_keys: Mapping[int, bytes],
    hash_key: bytes,
    audit_key: bytes,
    client: Client | None = None,
    nudge: Callable[[str, int], None] = no_nudge,
    **settings: Any,
) -> Context:
    """A context over ``database`` with the words of the templates folder; its lexicon is built when it is first used.

    Raises ``CatalogueFault`` listing every fault of the templates.
    """
    templates = paths.templates_dir()
    loaded = _templates(templates)
    return Context(
        database=database,
        vault=Vault(field_keys, hash_key),
        audit_key=audit_key,
        shipped=loaded.words,
        expected=frozenset({NOTICES_NAME, *loaded.conversations}),
        read_lexicon=partial(_lexicon, templates),
        topics=loaded.topics,
        client=client,
        nudge=nudge,
        **settings,
    )


def install_release(context: Context) -> list[str]:
    """Add the programmes and conversations that ship with this program; returns what is new, one line each.

    Every release does this once, after the migrations (``sms-service migrate``). Raises ``CatalogueFault``.
    """
    loaded = load_catalogue(paths.templates_dir())
    added = [f"{name} added" for name in add_programmes(context, loaded.programmes)]
    return added + import_release(context, loaded.versions(), loaded.reviews)


@cache
def _templates(templates: Path) -> Catalogue:
    """The checked templates, read once a process: they change with a release, which has proven them, not while it runs."""
    return load_catalogue(templates, proof=False)


@cache
def _lexicon(templates: Path) -> Lexicon:
    """What replies are read by: some 30 MB that a process which reads none need not carry."""
    return build_lexicon(_templates(templates).lexicon)


def get_ready(context: Context) -> None:
    """Do beforehand what the first text or dial would otherwise wait for: the lexicon, and beside the start the holidays."""
    context.read_lexicon()
    threading.Thread(target=public_holidays, args=(clock.wall().year,), daemon=True).start()


def context_from(
    settings: Settings,
    *,
    wait_ms: int = WORKER_WAIT_MS,
    pool: int = 8,
    nudge: Callable[[str, int], None] = no_nudge,
    queue_length: Callable[[], int | None] = no_queue,
    sends: bool = False,
) -> Context:
    """The context of one process from its settings; ``sends`` gives it the gateway's client.

    Raises ``CatalogueFault`` for faulty templates and ``ValueError`` for a gateway that cannot be used.
    """
    return build_context(
        Database(settings.database_url, wait_ms=wait_ms, pool=pool),
        field_keys=settings.field_keys,
        hash_key=settings.hash_key,
        audit_key=settings.audit_key,
        client=client_for(settings, connections=CALLS_A_ROUND + 8) if sends else None,
        nudge=nudge,
        queue_length=queue_length,
        data_dir=settings.data_dir,
        sender_id=settings.at_sender_id,
        short_code=settings.at_short_code,
        broadcast_delay_seconds=settings.broadcast_delay_seconds,
        send_rate_per_second=settings.send_rate_per_second,
        price_per_segment=settings.segment_cost_rwf,
        spending=Ceilings(settings.spend_day_rwf, settings.spend_month_rwf),
        public_url=settings.public_url,
        reviewed_only=settings.production,
    )


def backups_of(settings: Settings) -> Backups | None:
    """Where the clock process makes its backups; None where it makes none."""
    if settings.backup_dir is None or settings.backup_key is None:
        return None
    return Backups(settings.backup_dir, settings.backup_key)


def nudger(settings: Settings) -> Nudger:
    """The nudge of a process, with a short time-out: to the named store, else to the private one a worker starts here.

    A store that is not there costs nothing and loses nothing: the sweep works alone (I13).
    """
    from workers.nudge import Nudger

    url = settings.redis_url or f"unix://{store.socket_path(settings.data_dir)}"
    return Nudger(store.connect(url, timeout=0.3))


def web_application() -> Callable[..., Any]:
    """The application a web server loads, from the process's own environment. Raises ``SettingsFault`` naming every fault."""
    from handlers.app import create_app
    from workers.heartbeat import start_heartbeat

    settings = load_settings(os.environ, env_file=Path(".env"))
    logs.configure(settings.log_level, "web")
    orphans.end_with_parent()
    nudge = nudger(settings)
    context = context_from(settings, wait_ms=CALLBACK_WAIT_MS, nudge=nudge, queue_length=nudge.waiting)
    application = create_app(context, settings)
    start_heartbeat(context, WEB)
    get_ready(context)  # a telephone waits a few seconds only
    return application
