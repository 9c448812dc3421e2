"""Alembic's entry: migrates over the connection the caller hands in (``sms_service.schema``)."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

from sms_service.models import metadata
from sms_service.models.base import UtcTime


def render_item(kind: str, item: Any, _autogen: Any) -> str | Literal[False]:
    """A migration never imports the models, which go on changing: the aware time is written as its plain type."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcTime) else False


connection = context.config.attributes["connection"]
tables = context.config.attributes.get("tables")
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=False,
    render_item=render_item,
    include_name=lambda name, kind, _parents: kind != "table" or tables is None or name in tables,
    include_object=lambda item, name, kind, _reflected, _other: kind != "table" or tables is None or name in tables,
)
with context.begin_transaction():
    context.run_migrations()
