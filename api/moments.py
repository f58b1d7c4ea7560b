"""`?as_of=`: a position of the ledger, or a time, which means the last position recorded at or before it."""

from __future__ import annotations

import re
from datetime import datetime

from psycopg import AsyncConnection

from api.problems import Denied
from commands.ledger import last_position, position_at

_UNQUOTED = re.compile(r" (\d\d:\d\d)$")  # a plus sign that was not written as %2B comes as a space


async def position_of(conn: AsyncConnection, text: str) -> int:
    """The position that `as_of` names. Raises `Denied` 422, also for what has not come yet."""
    if text.isascii() and text.isdigit() and len(text) <= 18:
        position = int(text)
        if position > await last_position(conn):
            raise Denied(422, "invalid", "nothing has been recorded at this position yet", field="as_of")
        return position
    rule = "a position, or a time with its offset such as 2026-06-01T09:42:07+02:00, is expected"
    return await position_at(conn, moment_of(text, "as_of", rule))


def moment_of(
    text: str, field: str, rule: str = "a time with its offset such as 2026-06-01T09:42:07+02:00 is expected"
) -> datetime:
    """The time that is written. Raises `Denied` 422 with the rule."""
    try:
        moment = datetime.fromisoformat(_UNQUOTED.sub(r"+\1", text))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Denied(422, "invalid", rule, field=field)
    return moment
