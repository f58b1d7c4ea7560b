"""A morning of 150 candidates as it lies in the ledger: mostly segments, then chat, incidents, faults; sealed texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain

from psycopg import AsyncConnection

from commands.envelope import encode, read, recorded, tag_of, unseal
from commands.keys import KeyName
from domain import chat, enrolment, fault, incidents, recording, session
from domain.event import Event, Private
from domain.policy import Policy
from domain.recorded import Envelope, Recorded, Stored

CANDIDATES, TURNS = 150, 20
NINE = datetime(2026, 6, 1, 9, tzinfo=UTC)
KEY = bytes(32)
ENVELOPE = Envelope(actor="system/upload", command="c" * 32, correlation="c" * 32)


async def decode(rows: Sequence[Stored]) -> Sequence[Recorded | Exception]:
    return [recorded(row, e, unseal(event, row.stream, row.version, held)) for row in rows for e, event in (read(row),)]


def held(_: KeyName) -> bytes:
    return KEY


async def fill(url: str, mornings: int = 1, turns: int = TURNS, ago: timedelta = timedelta()) -> int:
    """Writes so many mornings past all rules, as the owner, recorded `ago`; gives the number of events."""
    rows, moment = [], datetime.now(UTC) - ago
    versions: dict[str, int] = {}
    happened = chain.from_iterable(_morning(names_of(morning), f"x{morning}", turns) for morning in range(mornings))
    for stream, event in happened:
        versions[stream] = version = versions.get(stream, 0) + 1
        rows.append((stream, version, tag_of(event), encode(event, ENVELOPE, stream, version, held)))
    into = "COPY ledger.events (originator_id, originator_version, topic, state, recorded_at) FROM STDIN"
    async with await AsyncConnection.connect(url, autocommit=True) as owner:
        async with owner.cursor().copy(into) as copy:
            for row in rows:
                await copy.write_row((*row, moment))
        await owner.execute("VACUUM ANALYZE ledger.events")
    return len(rows)


def names_of(morning: int) -> list[str]:
    """The sessions, and the candidates, of one morning."""
    return [f"s{morning}x{n}" for n in range(CANDIDATES)]


def _morning(names: Sequence[str], schedule: str, turns: int) -> Iterator[tuple[str, Event]]:
    """The events of all candidates, interleaved as they come."""
    for name in names:
        about = {field: Private(name, f"{field} of {name}", key_class="profile") for field in ("name", "number")}
        yield f"t/schedule/{schedule}", enrolment.CandidateEnrolled(subject=name, session=name, **about)
        yield f"t/session/{name}", session.Opened(schedule=schedule, subject=name)
        yield (
            f"t/session/{name}",
            session.Started(at=NINE, policy=Policy(), duration_s=7200, end_at=NINE + timedelta(hours=3)),
        )
    for turn in range(turns):
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
