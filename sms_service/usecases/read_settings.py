"""What the settings page shows: the switch, pause windows, the rota and the directory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from sms_service import clock
from sms_service.models import directory, pauses, state
from sms_service.models.groups import group
from sms_service.usecases.duty_care import Strain, strains
from sms_service.usecases.rota import coming_duty


@dataclass(frozen=True, slots=True)
class SettingsView:
    """``switch`` is the state row; ``group_codes`` names the groups of the windows by row id."""

    switch: Any
    pauses: Sequence[Any]
    group_codes: dict[int, str]
    duty: Sequence[Any]
    directory: Sequence[Any]
    strains: Sequence[Strain]


def view_settings(db: Connection, now: datetime) -> SettingsView:
    """Everything the settings page shows; windows and duty that are over are left out."""
    return SettingsView(
        switch=state.read(db),
        pauses=pauses.active(db, clock.local(now).date()),
        group_codes={row.id: row.code for row in db.execute(select(group.c.id, group.c.code))},
        duty=coming_duty(db, now),
        directory=directory.all_entries(db),
        strains=strains(db, now),
    )
