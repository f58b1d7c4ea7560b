"""The institution's switches and the sessions that have not been told of them yet.

The switch itself is one command, however many sit an exam. Each session is told by a command of its own, before it is
sealed, and again until it shows that it knows: so whoever dies in between leaves nothing undone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial
from typing import NamedTuple

from commands import muting
from commands.handler import UseCase
from domain import switches
from domain.policy import IncidentKind
from domain.stream import Stream
from domain.switches import Switches
from vigil.outlook import Outlook
from vigil.wiring import Core


class Untold(NamedTuple):
    """A session that ran when a detector was switched off, and the command that tells it."""

    tenant: str
    session: str
    cause: str
    use_case: UseCase


async def untold(core: Core, seen: Outlook) -> list[Untold]:
    """Reads the switches from the ledger: a session that is sealed is never ahead of them."""
    tenants = {running.tenant for running in seen.running} | {over.tenant for over in seen.over}
    found: list[Untold] = []
    for tenant in sorted(tenants):
        stream = str(Stream(tenant, switches.DECIDER.kind, switches.NAME))
        _, known = await core.handler.load(switches.DECIDER, stream, fresh=True)
        if known.last:
            found += _of(tenant, known, seen)
    return found


def _of(tenant: str, known: Switches, seen: Outlook) -> Iterator[Untold]:
    for _, watch in (one for one in seen.running if one.tenant == tenant):
        if watch.clock.started_at:
            yield from _told(tenant, watch.session, known, watch.listening, (watch.clock.started_at, None))
    for over in (one for one in seen.over if one.tenant == tenant):
        if over.ran:
            yield from _told(tenant, over.session, known, over.listening, over.ran)


def _told(
    tenant: str, session: str, known: Switches, listening: Iterable[IncidentKind], ran: tuple[datetime, datetime | None]
) -> Iterator[Untold]:
    started_at, ended_at = ran
    for kind in listening:
        since = known.silent_since(kind, started_at)
        if since is not None and (ended_at is None or since < ended_at):
            cause = f"off everywhere {session} {kind} {since.isoformat()}"
            yield Untold(tenant, session, cause, partial(muting.mute_everywhere, session=session, kind=kind))
