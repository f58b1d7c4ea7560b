"""How long a session of 10,000 events takes to begin to play: `vigil replay`, connections, keys and all."""

from __future__ import annotations

import asyncio
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from psycopg import AsyncConnection

from commands.envelope import encode, read, tag_of
from commands.keys import KeyName, KeyRing
from commands.ledger import read_session
from domain import chat, session
from domain.event import Event, Private
from domain.recorded import Envelope
from vigil import embedded
from vigil.embedded.place import remove
from vigil.migrate import migrate
from vigil.replay import replay
from vigil.settings import Settings, as_role, load
from vigil.wiring import core

EVENTS, ROUNDS = 10_000, 5
GOAL_MS = 1000
SESSION, SUBJECT = "s1", "ada"
INTO = "COPY ledger.events (originator_id, originator_version, topic, state, recorded_at) FROM STDIN"


def run() -> list[dict[str, object]]:
    """Rows of {name, value, unit, baseline, ratio, goal, note}. Takes about 20 seconds."""
    home = Path(tempfile.mkdtemp(prefix="vigil-bench-"))
    try:
        with embedded.servers(home) as servers:
            return asyncio.run(_measure(load({**servers.environment(), "VIGIL_HOME": str(home)})))
    finally:
        remove(home)


async def _measure(settings: Settings) -> list[dict[str, object]]:
    await migrate(settings.database_url)
    async with core(settings, "bench") as here:
        await _fill(settings, here.keys)
    took = [await _played(settings) for _ in range(ROUNDS + 1)][1:]
    plain = [await _plainly(settings) for _ in range(ROUNDS + 1)][1:]
    first, last = (1000 * median(times) for times in zip(*took, strict=True))
    return [
        {
            "name": f"beginning to replay a session of {EVENTS:,} events, against a second", "value": round(first),
            "unit": "ms", "baseline": GOAL_MS, "ratio": round(first / GOAL_MS, 3), "goal": "<=1",
            "note": f"every text opened; the last event after {last:.0f} ms. SELECT and msgspec decode of the same"
            f" events alone: {1000 * median(plain):.0f} ms",
        }
    ]  # fmt: skip


async def _fill(settings: Settings, keys: KeyRing) -> None:
    await keys.data_key(KeyName(SUBJECT, SESSION, "chat"))
    envelope, now = Envelope(actor="candidate", command="c" * 32), datetime.now(UTC)

    def row(stream: str, version: int, event: Event) -> tuple[object, ...]:
        return stream, version, tag_of(event), encode(event, envelope, stream, version, keys.held), now

    talk = f"main/chat/{SESSION}"
    async with await AsyncConnection.connect(settings.database_url) as owner, owner.cursor().copy(INTO) as copy:
        await copy.write_row(row(f"main/session/{SESSION}", 1, session.Opened(schedule="x", subject=SUBJECT)))
        for n in range(1, EVENTS):
            text = Private(SUBJECT, f"This is message {n}.", session=SESSION, key_class="chat")
            said = chat.MessageSent(message=f"m{n}", side="candidate", by=SUBJECT, at=now, text=text)
            await copy.write_row(row(talk, n, said))


async def _played(settings: Settings) -> tuple[float, float]:
    """Seconds to the first line, and to the last event's."""
    at: list[float] = []
    began = time.perf_counter()
    await replay(
        settings, SESSION, tenant="main", as_of=None, speed=None, as_json=False,
        write=lambda _: at.append(time.perf_counter() - began),
    )  # fmt: skip
    assert len(at) == EVENTS + 1
    return at[0], at[-2]


async def _plainly(settings: Settings) -> float:
    async with await AsyncConnection.connect(as_role(settings.database_url, "app"), autocommit=True) as conn:
        began = time.perf_counter()
        for row in await read_session(conn, "main", SESSION):
            read(row)
        return time.perf_counter() - began
