"""Commands for the ledger in few words, and all that it holds."""

from __future__ import annotations

from uuid import uuid4

from psycopg import AsyncConnection

from commands.ledger import (
    Append,
    Part,
)
from domain.recorded import Stored


def command(*parts: Part, request: bytes = b"r", outcome: str = "{}") -> Append:
    """A command with an id of its own."""
    return Append(uuid4(), request, outcome, parts)


def writes(stream: str, after: int = 0, *, count: int = 1) -> Part:
    return Part(stream, after, [("session.opened", f"{stream} {after + n}".encode()) for n in range(1, count + 1)])


def reads(stream: str, after: int) -> Part:
    return Part(stream, after, ())


async def everything(conn: AsyncConnection) -> list[Stored]:
    rows = await conn.execute(
        "SELECT notification_id, originator_id, originator_version, topic, recorded_at, state FROM ledger.events"
        " ORDER BY notification_id"
    )
    return [Stored(*row) async for row in rows]
