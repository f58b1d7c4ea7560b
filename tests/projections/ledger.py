"""A ledger that tests write to past all rules, a decoder for it, and a model that shows what was folded how often."""

from __future__ import annotations

import asyncio
import pickle
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import msgspec
from psycopg import AsyncConnection

from domain.event import Event
from domain.recorded import Envelope, Recorded, Stored
from projections.builds import live_build
from projections.feed import Feed
from projections.kernel import Projector
from projections.model import AnyModel, Model
from projections.rows import as_json
from tests.projections.hall import Said

UNREADABLE = b"not an event"


async def decode(rows: Sequence[Stored]) -> Sequence[Recorded | Exception]:
    return [_decoded(row) for row in rows]


def _decoded(row: Stored) -> Recorded | Exception:
    try:
        event: Event = pickle.loads(row.state)
    except pickle.UnpicklingError as error:
        return error
    envelope = Envelope(actor="someone", command=f"c{row.position}")
    return Recorded(row.position, row.stream, row.version, row.recorded_at, envelope, event)


class Ledger:
    """Appends as the owner, like the function `ledger.append` does: in one order, with a hint."""

    def __init__(self, owner: AsyncConnection) -> None:
        self.owner = owner
        self._versions: Counter[str] = Counter()
        self.appended: list[tuple[int, Said]] = []

    async def append(
        self, *happened: Said, hint: bool = True, ago: timedelta = timedelta(), unreadable: bool = False,
        since: datetime | None = None, tag: str = "",
    ) -> int:  # fmt: skip
        """Gives the last position. Recorded `ago` before now, or one each second `since` then.

        `unreadable` bytes take the events' place, perhaps under another `tag`.
        """
        rows = []
        for stream, body in happened:
            self._versions[stream] += 1
            state = UNREADABLE if unreadable else pickle.dumps(body)
            rows.append((stream, self._versions[stream], tag or str(type(body).__struct_config__.tag), state))
        async with self.owner.transaction(), self.owner.cursor() as cursor:
            await cursor.execute("LOCK TABLE ledger.events IN EXCLUSIVE MODE")
            if hint:
                await cursor.execute("NOTIFY ledger")
            moment = datetime.now(UTC) - ago
            await cursor.executemany(
                "INSERT INTO ledger.events (originator_id, originator_version, topic, state, recorded_at)"
                " VALUES (%s, %s, %s, %s, %s) RETURNING notification_id",
                [(*row, since + timedelta(seconds=n) if since else moment) for n, row in enumerate(rows, 1)],
                returning=True,
            )
            positions = []
            while True:
                (position,) = await cursor.fetchone() or (0,)
                positions.append(position)
                if not cursor.nextset():
                    break
        self.appended += zip(positions, happened, strict=True)
        return int(positions[-1])


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """The positions of the events that a row took, in the order in which it took them."""

    stream: str
    positions: tuple[int, ...] = ()


def _key(stream: str) -> str:
    tenant, _, rest = stream.partition("/")
    return f"{tenant}/{rest.replace('/', '.')}"


def _fold(row: Tally | None, recorded: Recorded) -> Tally:
    row = row or Tally(stream=recorded.stream)
    return Tally(stream=row.stream, positions=(*row.positions, recorded.position))


TALLY: Model[Tally] = Model(
    name="tally", version=1, row=Tally, events=None, index=("stream",), fold=_fold,
    keys=lambda recorded: (_key(recorded.stream),), streams=lambda key: (key.replace(".", "/", 1),),
    suspects=lambda stored: (_key(stored.stream),),
)  # fmt: skip


async def step_all(conn: AsyncConnection, *models: AnyModel) -> None:
    """Brings the models up to date, in this task."""
    projector = Projector("", decode, models)
    async with Feed(conn.info.dsn, decode) as feed:
        while await projector.step(conn, feed):
            pass


@asynccontextmanager
async def projecting(conninfo: str, *models: AnyModel, announced: list[str] | None = None) -> AsyncIterator[Projector]:
    """A projector that runs meanwhile."""

    async def announce(channels: Sequence[str]) -> None:
        if announced is not None:
            announced.extend(channels)

    projector = Projector(conninfo, decode, models, announce=announce)  # type: ignore[arg-type]
    task = asyncio.create_task(projector.run())
    try:
        yield projector
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(true: Callable[[], Awaitable[bool]], within_s: float = 10.0) -> float:
    """Waits until it is so; gives how long that took."""
    began = time.monotonic()
    while not await true():
        assert time.monotonic() - began < within_s, "it did not become so in time"
        await asyncio.sleep(0.01)
    return time.monotonic() - began


async def reached(conn: AsyncConnection, model: AnyModel, position: int) -> bool:
    build = await live_build(conn, model)
    return build is not None and build.position >= position


def plain(row: object) -> object:
    """A row as JSON holds it."""
    return msgspec.json.decode(as_json(row))
