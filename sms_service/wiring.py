"""Puts the service together: settings and files in, a context out. May import everything; imported by nobody inside the package."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sms_service import paths
from sms_service.catalogue import load_catalogue
from sms_service.database import Database
from sms_service.gateway.africastalking import Client
from sms_service.security.vault import Vault
from sms_service.text.reading import build_lexicon
from sms_service.usecases.context import Context, no_nudge


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
    """A context over ``database`` with the words, lexicon and conversations of the templates folder.

    Raises ``CatalogueFault`` listing every fault of the templates.
    """
    loaded = load_catalogue(paths.templates_dir())
    return Context(
        database=database,
        vault=Vault(field_keys, hash_key),
        audit_key=audit_key,
        words=loaded.words,
        conversations=loaded.conversations,
        lexicon=build_lexicon(loaded.lexicon),
        topics=loaded.topics,
        client=client,
        nudge=nudge,
        **settings,
    )
