"""What a schedule's stream holds about one session: that its candidate was enrolled, and perhaps withdrawn."""

from __future__ import annotations

import msgspec
from psycopg import AsyncConnection

from commands.ledger import read_stream
from domain.recorded import Stored
from domain.stream import Stream

ENROLMENT = ("schedule.candidate_enrolled", "schedule.candidate_withdrawn")


async def read_enrolment(conn: AsyncConnection, tenant: str, schedule: str, session: str, up_to: int) -> list[Stored]:
    """In the order of the ledger, up to a position. Nothing about any other candidate is among it."""
    rows = await read_stream(conn, str(Stream(tenant, "schedule", schedule)), up_to=up_to)
    return [row for row in rows if row.tag in ENROLMENT and _about(row) == session]


def _about(row: Stored) -> str:
    return str(msgspec.json.decode(row.state)["event"]["session"])
