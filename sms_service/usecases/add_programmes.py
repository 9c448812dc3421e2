"""Programmes and curricula from their files: a new version is a new row, one that exists is never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select

from sms_service.models.groups import curriculum, programme, session_template
from sms_service.security.tokens import new_row_id
from sms_service.usecases.context import Context


def add_programmes(context: Context, tables: Sequence[Mapping[str, Any]]) -> list[str]:
    """Add what is missing of the parsed ``templates/programmes`` files, audited; returns what was added as ``CSG 1``."""
    added = []
    with context.database.begin() as db:
        for table in tables:
            programme_id = _programme(db, table)
            version = int(table["version"])
            known = select(curriculum.c.id).where(curriculum.c.programme_id == programme_id, curriculum.c.version == version)
            if db.execute(known).first() is None:
                _curriculum(db, programme_id, version, table["session"])
                context.record(db, "command", "programme.add", f"{table['code']} {version}")
                added.append(f"{table['code']} {version}")
    return added


def _programme(db: Connection, table: Mapping[str, Any]) -> int:
    found = db.execute(select(programme.c.id).where(programme.c.code == table["code"])).scalar()
    if found is not None:
        return int(found)
    row_id = new_row_id()
    db.execute(insert(programme).values(id=row_id, code=table["code"], names=dict(table["names"]), outbound_held=False))
    return row_id


def _curriculum(db: Connection, programme_id: int, version: int, sessions: Sequence[Mapping[str, Any]]) -> None:
    row_id = new_row_id()
    db.execute(insert(curriculum).values(id=row_id, programme_id=programme_id, version=version))
    rows = [
        {
            "id": new_row_id(),
            "curriculum_id": row_id,
            "no": no,
            "phase": one["phase"],
            "audience": one["audience"],
            "internal_theme": one["theme"],
            "neutral_label": dict(one["label"]),
            "duration_minutes": int(one["minutes"]),
            "home_practice": one.get("home_practice"),
            "offset_days": one.get("offset_days"),
            "days": int(one.get("days", 1)),
        }
        for no, one in enumerate(sessions, start=1)
    ]
    db.execute(insert(session_template), rows)
