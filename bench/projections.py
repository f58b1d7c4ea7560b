"""What keeping the read models costs: catching up and rebuilding, beside reading and decoding the same events alone.

The events are a morning of 150 candidates as they lie in the ledger: mostly segments, then chat, incidents and faults,
with sealed texts. Rounds alternate with the baseline, and the median counts.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import uvloop
from psycopg import AsyncConnection

from commands.envelope import encode, read, recorded, tag_of, unseal
from commands.keys import KeyName
from domain import chat, enrolment, fault, incidents, recording, session
from domain.event import Event, Private
from domain.policy import Policy
from domain.recorded import Envelope, Recorded, Stored
from projections.builds import builds_of, drop, prepare
from projections.connection import connect
from projections.events import read_after
from projections.feed import Feed
from projections.gradebook import GRADEBOOK
from projections.kernel import Projector
from projections.live import LIVE
from projections.model import AnyModel
from projections.models import MODELS
from projections.rebuild import rebuild
from vigil import embedded
from vigil.embedded.place import remove
from vigil.migrate import migrate
from vigil.settings import as_role

CANDIDATES, TURNS, ROUNDS = 150, 20, 5
NINE = datetime(2026, 6, 1, 9, tzinfo=UTC)
KEY = bytes(32)
ENVELOPE = Envelope(actor="system/upload", command="c" * 32, correlation="c" * 32)


def run() -> list[dict[str, object]]:
    """Rows of {name, value, unit, baseline, ratio, goal, note}. Takes about 20 seconds."""
    home = Path(tempfile.mkdtemp(prefix="vigil-bench-"))
    try:
        with embedded.servers(home) as servers, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_measure(servers.database_url))
    finally:
        remove(home)


async def _measure(url: str) -> list[dict[str, object]]:
    await migrate(url)
    events = await _fill(url)
    conninfo = as_role(url, "project")
    took: dict[str, list[float]] = {"plain": [], "wall": [], "gradebook": [], "rebuild": []}
    async with await connect(conninfo) as conn:
        for _ in range(ROUNDS + 1):  # the first is discarded
            took["plain"].append(await _plainly(conn))
            took["wall"].append(await _caught_up(conninfo, conn, LIVE))
            took["gradebook"].append(await _caught_up(conninfo, conn, GRADEBOOK))
            took["rebuild"].append(await _rebuilt(conninfo))
        took["all"] = [0, await _caught_up(conninfo, conn, *MODELS)]
    rates = {name: events / median(rounds[1:]) for name, rounds in took.items()}

    def row(name: str, what: str, beside: str, goal: str | None, note: str) -> dict[str, object]:
        ratio = median(other / own for own, other in zip(took[what][1:], took[beside][1:], strict=False))
        return {
            "name": name, "value": round(rates[what]), "unit": "events/s", "baseline": round(rates[beside]),
            "ratio": round(ratio, 3), "goal": goal, "note": note,
        }  # fmt: skip

    alone = "baseline: SELECT and msgspec decode of the same events, in the same batches"
    many = f"{len(MODELS)} models in one process; {alone}"
    return [
        row("catching up with the wall, changes pushed", "wall", "plain", ">=0.25", alone),
        row("catching up with the gradebook, a row of which every event changes", "gradebook", "plain", None, alone),
        row("catching up with all read models at once", "all", "plain", None, many),
        row(
            "rebuilding the gradebook, switch included", "rebuild", "gradebook", ">=1", "baseline: catching up with it"
        ),
    ]


async def _plainly(conn: AsyncConnection) -> float:
    began, position = time.perf_counter(), 0
    while rows := await read_after(conn, position, 1000):
        for row in rows:
            read(row)
        position = rows[-1].position
    return time.perf_counter() - began


async def _caught_up(conninfo: str, conn: AsyncConnection, *models: AnyModel) -> float:
    for build in await builds_of(conn, models):
        await conn.execute(f"DROP VIEW read.{build.model}")
        await drop(conn, build)
    await conn.execute("DELETE FROM read.live_change")
    await prepare(conn, models)
    projector = Projector("", decode, models)
    began = time.perf_counter()
    async with Feed(conninfo, decode) as feed:
        while await projector.step(conn, feed):
            pass
    return time.perf_counter() - began


async def _rebuilt(conninfo: str) -> float:
    began = time.perf_counter()
    await rebuild(conninfo, decode, GRADEBOOK)
    return time.perf_counter() - began


async def decode(rows: Sequence[Stored]) -> Sequence[Recorded | Exception]:
    return [
        recorded(row, e, unseal(event, row.stream, row.version, _held)) for row in rows for e, event in (read(row),)
    ]


def _held(_: KeyName) -> bytes:
    return KEY


async def _fill(url: str) -> int:
    rows = []
    versions: dict[str, int] = {}
    for stream, event in _morning():
        versions[stream] = version = versions.get(stream, 0) + 1
        rows.append((stream, version, tag_of(event), encode(event, ENVELOPE, stream, version, _held)))
    into = "COPY ledger.events (originator_id, originator_version, topic, state, recorded_at) FROM STDIN"
    async with await AsyncConnection.connect(url, autocommit=True) as owner:
        async with owner.cursor().copy(into) as copy:
            for row in rows:
                await copy.write_row((*row, datetime.now(UTC)))
        await owner.execute("VACUUM ANALYZE ledger.events")
    return len(rows)


def _morning() -> Iterator[tuple[str, Event]]:
    """The events of all candidates, interleaved as they come."""
    names = [f"s{n}" for n in range(CANDIDATES)]
    for name in names:
        about = {field: Private(name, f"{field} of {name}", key_class="profile") for field in ("name", "number")}
        yield "t/schedule/x", enrolment.CandidateEnrolled(subject=name, session=name, **about)
        yield f"t/session/{name}", session.Opened(schedule="x", subject=name)
        yield (
            f"t/session/{name}",
            session.Started(at=NINE, policy=Policy(), duration_s=7200, end_at=NINE + timedelta(hours=3)),
        )
    for turn in range(TURNS):
        at = NINE + timedelta(seconds=30 * turn)
        for name in names:
            yield from _turn(name, turn, at)


def _turn(name: str, turn: int, at: datetime) -> Iterator[tuple[str, Event]]:
    """Half a minute of one candidate: ten segments, and now and then something else."""
    for n in range(5):
        for track in ("camera", "screen"):
            began = at + timedelta(seconds=6 * n)
            yield f"t/recording/{name}.{track}", recording.SegmentStored(
                segment=recording.Segment(
                    connection=1, number=5 * turn + n + 1, started_at=began, ended_at=began + timedelta(seconds=6),
                    bytes=400_000, frames=90, sha256="ab" * 32, object_key=f"t/{name}.{track}/1/{5 * turn + n + 1}",
                    codec="VP8", width=640, height=480, complete=True,
                )
            )  # fmt: skip
    if turn % 5 == 1:
        incident, text = (
            f"{name}i{turn}",
            Private(name, "My screen went black for a moment.", session=name, key_class="chat"),
        )
        yield f"t/incidents/{name}", incidents.Opened(
            incident=incident, kind="out_of_view", started_at=at, severity="warn", confidence=0.9,
            provenance=incidents.Provenance(
                detector="out_of_view", detector_version="1", weights={"faces": "ab" * 32}, thresholds={"score": 0.5},
                rule_version="1",
            ),
            evidence=None,
        )  # fmt: skip
        yield (
            f"t/incidents/{name}",
            incidents.Closed(incident=incident, ended_at=at, severity="warn", peak=0.9, why="clear"),
        )
        yield f"t/session/{name}", fault.ConnectionLost(at=at, track="camera", why="no media arrives")
        yield f"t/session/{name}", fault.ConnectionRestored(at=at, track="camera", away_s=3.0)
        yield f"t/chat/{name}", chat.MessageSent(message=f"{name}m{turn}", side="candidate", by=name, at=at, text=text)
        yield f"t/chat/{name}", chat.MessageRead(message=f"{name}m{turn}", by="kim")
