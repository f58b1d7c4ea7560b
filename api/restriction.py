"""What is restricted is shown only to who holds it, whom they named, and the data-protection officer.

Lists show its row to all others too, who work with the schedule: by its number, without its name or anybody's words.

A record is restricted while something of it has to be erased and a hold keeps it, or because the candidate asked for
it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from litestar.handlers import BaseRouteHandler
from msgspec.structs import replace
from psycopg import AsyncConnection

from api.callers import Caller, Connection
from api.problems import Denied
from api.services import Services
from domain import record
from domain.stream import Stream
from projections.gradebook import Account
from projections.keeping import KEEPING, Kept
from projections.live import Live
from projections.reader import Found, find

R = TypeVar("R")


async def unrestricted(connection: Connection, _: BaseRouteHandler) -> None:
    """A guard that stands behind `may(...)`, for staff, on routes with a session or a recording in their path."""
    named = connection.path_params
    session = str(named.get("session") or str(named.get("recording", "")).partition(".")[0])
    await must_be_shown(connection.app.state.services, connection.scope["user"], session)


async def must_be_shown(services: Services, caller: Caller, session: str) -> None:
    """Raises `Denied` 403 where the session's record is restricted and the caller is none of those who may look."""
    if sees_all(caller):
        return
    stream = str(Stream(caller.tenant, record.DECIDER.kind, session))
    _, state = await services.handler.load(record.DECIDER, stream, fresh=True)
    if not state.keeping.shown_to(caller.actor):
        raise Denied(
            403, "restricted", "this record is restricted: only those look at it who hold it for a claim or an appeal"
        )


def sees_all(caller: Caller) -> bool:
    """Candidates, who are shown nothing but their own, and the data-protection officer."""
    return caller.candidate or "data_protection_officer" in caller.roles


async def restricted(conn: AsyncConnection, tenant: str) -> Found[Kept]:
    """The sessions that are restricted. Raises `NotThereYet`."""
    return await find(conn, KEEPING, tenant, {"restricted": "yes"})


def shown(rows: Mapping[str, R], kept: Found[Kept], caller: Caller) -> dict[str, R]:
    """Rows of sessions as this caller may see them in a list."""
    hidden = {row.session for row in kept.rows.values() if not row.keeping.shown_to(caller.actor)}
    return {key: _unnamed(row) if getattr(row, "session", "") in hidden else row for key, row in rows.items()}


def _unnamed(row: R) -> R:
    match row:
        case Live():  # what they write while they sit the exam is for who helps them
            return replace(row, name=_by_number(row))
        case Account():
            return replace(
                row, name=_by_number(row),
                objections=tuple(replace(one, text=None) for one in row.objections),
                decisions=tuple(replace(one, reason=None) for one in row.decisions),
                notes=tuple(replace(one, text=None) for one in row.notes),
                priorities=tuple(replace(one, why=None) for one in row.priorities),
                appeals=tuple(replace(one, text=None, reason=None) for one in row.appeals),
            )  # fmt: skip
        case _:
            return row


def _by_number(row: Live | Account) -> str:
    """In place of a name, so that every page and sheet tells such a row from others."""
    return f"{row.number} (restricted)" if row.number else "restricted"
