"""`?as_of=`: a position of the ledger, or a time, which means the last position recorded at or before it."""

from __future__ import annotations

from datetime import datetime

from psycopg import AsyncConnection

from api.problems import Denied
from commands.ledger import position_at


async def position_of(conn: AsyncConnection, text: str) -> int:
    """The position that `as_of` names. Raises `Denied` 400."""
    if text.isascii() and text.isdigit() and len(text) <= 18:
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        rule = "a position, or a time with its offset such as 2026-06-01T09:42:07+02:00, is expected"
        raise Denied(400, "malformed", rule, field="as_of")
    return await position_at(conn, moment)
