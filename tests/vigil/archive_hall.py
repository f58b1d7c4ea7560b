"""Sessions that are over and sealed for good, an archive to put them in, and what must be the same afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random

from psycopg import AsyncConnection

from commands import chats, flags, recordings
from commands.archived import Shelf, shelves
from commands.audit import Checked, check
from commands.ledger import read_session
from commands.objects import open_store
from commands.proofs import covered, record_root
from domain import incidents, record
from domain.record import Record, Seal
from domain.recorded import Stored
from domain.stream import Stream
from projections.models import MODELS
from tests.vigil import studio
from tests.vigil.hall import Hall, until
from vigil.archiving import Place, Taken, archive, bring_back, ended
from vigil.shelf import Bundles

LATER = timedelta(days=60)
SAID = "I have a headache today"
PROVENANCE = incidents.Provenance(detector="d", detector_version="1", weights={}, thresholds={}, rule_version="1")


async def random_session(hall: Hall, chance: Random) -> str:
    """Over and sealed, with some of everything that a session may have."""
    session = await hall.sitting()
    for number in range(chance.randrange(1, 6)):
        side = chance.choice(["candidate", "invigilator"])
        text = SAID if not number else "".join(chance.choices("aäß 中𝄞\n", k=chance.randrange(1, 40))) + "."
        await hall.say(partial(chats.send, session=session, side=side, text=text))
    for number in range(chance.randrange(3)):
        found = incidents.OpenIncident(
            incident=f"i{number}", kind="several_people", started_at=hall.clock(), severity="high", confidence=0.9,
            provenance=PROVENANCE, evidence=None, observed=True,
        )  # fmt: skip
        await hall.say(partial(flags.open_incident, session=session, found=found))
    if chance.random() < 0.5:
        await studio.on_air(hall, session, ("camera",))
        await studio.deliver(hall, await studio.taped(hall, session, seconds=2))
        await studio.end(hall, session, ("camera",))
    await hall.submit(session)
    await seal(hall, session)
    return session


async def seal(hall: Hall, session: str) -> None:
    """For good, and everything of it is in the read models."""
    async with hall.core.pool.connection() as conn:
        root = await record_root(conn, "main", session)
        note = (await covered(conn, root.position)).note
    order = Seal(at=hall.clock(), owed=(), streams=root.streams, root=root.root.hex(), checkpoint=note, clock="unknown")
    await hall.say(partial(recordings.seal, session=session, order=order))
    await folded(hall)


async def folded(hall: Hall) -> None:
    head = await hall.position()

    async def caught_up() -> bool:
        async with hall.core.reading() as conn:
            query = "SELECT count(*) FROM read.position WHERE live AND position >= %s"
            return await (await conn.execute(query, (head,))).fetchone() == (len(MODELS),)

    await until(caught_up)


async def rows_of(hall: Hall, session: str) -> list[Stored]:
    """All rows of a session as they lie there, its record's too."""
    async with hall.core.pool.connection() as conn:
        return await read_session(conn, "main", session, whole=False)


def leaving(rows: Sequence[Stored]) -> list[Stored]:
    return [row for row in rows if "/record/" not in row.stream]


async def standing(hall: Hall, session: str) -> Record:
    stream = str(Stream("main", record.DECIDER.kind, session))
    return (await hall.core.handler.load(record.DECIDER, stream, fresh=True))[1]


async def shelf_of(hall: Hall, session: str) -> Shelf | None:
    async with hall.core.pool.connection() as conn:
        return next(iter(await shelves(conn, [f"main/session/{session}"])), None)


def place(folder: Path) -> Place:
    return Place(folder.as_uri(), open_store(folder.as_uri()))


@asynccontextmanager
async def as_owner(hall: Hall) -> AsyncIterator[AsyncConnection]:
    async with await AsyncConnection.connect(hall.core.settings.database_url, autocommit=True) as conn:
        yield conn


async def taken(hall: Hall, session: str, folder: Path) -> Taken:
    """Archives it when the candidate's time to appeal is over."""
    hall.clock.ahead = max(hall.clock.ahead, LATER)
    async with hall.core.reading() as conn:
        (row,) = [row for row in await ended(conn, "main") if row.session == session]
    async with as_owner(hall) as owner:
        return await archive(hall.core, owner, place(folder), "main", row)


async def back(hall: Hall, session: str, folder: Path) -> Taken:
    shelf = await shelf_of(hall, session)
    assert shelf
    async with as_owner(hall) as owner:
        return await bring_back(hall.core, owner, (folder / shelf.bundle).read_bytes(), shelf)


async def checked(hall: Hall) -> Checked:
    """The whole ledger against its tree and checkpoints, with the bundles that can be reached."""
    signer = hall.core.signer
    async with hall.core.pool.connection() as conn:
        return await check(conn, signer.origin, [signer.public], fill=Bundles(hall.core.pool).fill)
