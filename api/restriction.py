"""What is restricted is shown only to who holds it, whom they named, and the data-protection officer.

A record is restricted while something of it has to be erased and a hold keeps it, or because the candidate asked for
it.
"""

from __future__ import annotations

from litestar.handlers import BaseRouteHandler

from api.callers import Caller, Connection
from api.problems import Denied
from api.services import Services
from domain import record
from domain.stream import Stream


async def unrestricted(connection: Connection, _: BaseRouteHandler) -> None:
    """A guard that stands behind `may(...)`, for staff, on routes with a session or a recording in their path."""
    named = connection.path_params
    session = str(named.get("session") or str(named.get("recording", "")).partition(".")[0])
    await must_be_shown(connection.app.state.services, connection.scope["user"], session)


async def must_be_shown(services: Services, caller: Caller, session: str) -> None:
    """Raises `Denied` 403 where the session's record is restricted and the caller is none of those who may look."""
    if caller.candidate or "data_protection_officer" in caller.roles:
        return
    stream = str(Stream(caller.tenant, record.DECIDER.kind, session))
    _, state = await services.handler.load(record.DECIDER, stream, fresh=True)
    if not state.keeping.shown_to(caller.actor):
        raise Denied(
            403, "restricted", "this record is restricted: only those look at it who hold it for a claim or an appeal"
        )
