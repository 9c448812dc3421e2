"""What a USSD hop is compared with: a Flask handler that does one read and one insert in one transaction."""

from __future__ import annotations

import os
import time

from flask import Flask, Response, request
from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, String, Table, insert, select

from sms_service.database import USSD_WAIT_MS, Database
from sms_service.security.tokens import new_row_id

metadata = MetaData()
caller = Table(
    "baseline_caller",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("number", String(20), nullable=False, unique=True),
    Column("language", String(2), nullable=False),
)
hop = Table(
    "baseline_hop",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("caller_id", BigInteger, nullable=False, index=True),
    Column("dial", String(128), nullable=False),
    Column("text", String(200), nullable=False),
    Column("screen", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False),
)
SCREEN = "CON 1. Meeting\n2. Questions\n3. Call me\n4. Language\n0. Leave"


def prepare(database: Database, numbers: list[str]) -> None:
    """Make the two tables and the callers' rows."""
    metadata.create_all(database.engine)
    with database.begin() as db:
        rows = [{"id": new_row_id(), "number": number, "language": "rw"} for number in numbers]
        db.execute(insert(caller), rows)


def application() -> Flask:
    """The handler, over the database of DATABASE_URL, opened exactly as the service opens its own."""
    app = Flask("baseline")
    database = Database(os.environ["DATABASE_URL"], wait_ms=USSD_WAIT_MS, pool=4)

    @app.post("/ussd")
    def ussd() -> Response:
        form = request.form
        with database.begin() as db:
            found = db.execute(select(caller.c.id, caller.c.language).where(caller.c.number == form["phoneNumber"])).one()
            db.execute(
                insert(hop).values(
                    id=new_row_id(),
                    caller_id=found.id,
                    dial=form["sessionId"],
                    text=form["text"],
                    screen=SCREEN.encode(),
                    at=time.time_ns(),
                )
            )
        return Response(SCREEN, content_type="text/plain; charset=utf-8")

    return app
