"""What goes on beside a rebuild, as a process: people write, readers look at every model, and the projector follows.

`python -m bench.busy URL [follow]` says "ready", works until it is told a line, and then says what it has seen.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count, cycle
from uuid import uuid4

import msgspec
import uvloop
from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier

from bench.mornings import ENVELOPE, decode, held, names_of
from bench.processes import say, told
from commands.envelope import encode, tag_of
from commands.ledger import Append, Appender, Part
from domain import chat, incidents
from domain.event import Event, Private
from projections.kernel import Projector
from projections.model import AnyModel
from projections.models import MODELS
from projections.reader import as_tenant, find
from vigil.settings import as_role

NAMES = names_of(0)[:60]  # in whose sessions something happens
STREAMS = [f"t/{kind}/{name}" for kind in ("chat", "incidents") for name in NAMES]
AT_ONCE, PAUSE_S = 10, 0.25  # so at most 40 events a second
FEW = 50
LOOK_S = 0.2  # between two looks: counting full tables without pause would take a core from one way and not the other


class Seen(msgspec.Struct):
    """What a process that was busy has to tell. `less` names each model that a reader saw with fewer rows than before,
    or at an earlier position.
    """

    written: int = 0
    reads: int = 0
    longest_s: float = 0.0
    less: list[str] = []


async def busy(url: str, *, follow: bool) -> None:
    """Works until it is told to end."""
    seen, over = Seen(), asyncio.Event()
    working = [asyncio.create_task(_write(url, seen, over)), asyncio.create_task(_read(url, seen, over))]
    following = asyncio.create_task(Projector(as_role(url, "project"), decode, MODELS).run()) if follow else None
    say("ready")
    await told()
    over.set()
    await asyncio.gather(*working)
    if following:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
    say(msgspec.to_builtins(seen))


async def _write(url: str, seen: Seen, over: asyncio.Event) -> None:
    async with await AsyncConnection.connect(url) as owner:
        query = (
            "SELECT originator_id, max(originator_version) FROM ledger.events WHERE originator_id = ANY(%s) GROUP BY 1"
        )
        versions = dict.fromkeys(STREAMS, 0) | dict(await (await owner.execute(query, (STREAMS,))).fetchall())
    happening = _happening()
    async with Appender(as_role(url, "app")) as appender:

        async def append(stream: str, event: Event) -> None:
            state = encode(event, ENVELOPE, stream, versions[stream] + 1, held)
            part = Part(stream, versions[stream], [(tag_of(event), state)])
            versions[stream] += 1
            answer = await appender.append(Append(uuid4(), b"", "{}", [part]))
            if answer.verdict != "done":
                raise RuntimeError(f"{stream}: {answer.verdict}")
            seen.written += 1

        while not over.is_set():
            await asyncio.gather(*(append(*next(happening)) for _ in range(AT_ONCE)))
            await asyncio.sleep(PAUSE_S)


def _happening() -> Iterator[tuple[str, Event]]:
    """Messages and flags, which only ever add to what the models show."""
    for number, name in zip(count(), cycle(NAMES), strict=False):
        at = datetime.now(UTC)
        own = f"{name}b{at.timestamp()}n{number}"
        if number % 3:
            text = Private(name, "May I leave the room?", session=name, key_class="chat")
            yield f"t/chat/{name}", chat.MessageSent(message=own, side="candidate", by=name, at=at, text=text)
        else:
            yield (
                f"t/incidents/{name}",
                incidents.RaisedByPerson(
                    incident=own,
                    at=at,
                    severity="info",
                    note=Private(name, "whispers", session=name, key_class="notes"),
                ),
            )


async def _read(url: str, seen: Seen, over: asyncio.Event) -> None:
    """Looks as the front door does: how many rows there are, and a page of them."""
    least, reached = dict.fromkeys(MODELS, 0), dict.fromkeys(MODELS, 0)
    async with await AsyncConnection.connect(as_role(url, "app"), autocommit=True) as conn:
        for model in cycle(MODELS):
            if over.is_set() and seen.reads >= 2 * len(MODELS):  # each at least once, however soon it was over
                return
            began = time.perf_counter()
            rows = await _rows(conn, model)
            page = await find(conn, model, "t", most=FEW)
            seen.longest_s = max(seen.longest_s, time.perf_counter() - began)
            if rows < least[model] or len(page.rows) < min(FEW, least[model]) or page.position < reached[model]:
                seen.less.append(model.name)
            least[model], reached[model] = rows, page.position
            seen.reads += 2
            await asyncio.sleep(0 if over.is_set() else LOOK_S)


async def _rows(conn: AsyncConnection, model: AnyModel) -> int:
    async with as_tenant(conn, "t"):
        row = await (
            await conn.execute(SQL("SELECT count(*) FROM {}").format(Identifier("read", model.name)))
        ).fetchone()
    assert row
    return int(row[0])


if __name__ == "__main__":
    uvloop.run(busy(sys.argv[1], follow=sys.argv[2:] == ["follow"]))
