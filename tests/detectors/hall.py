"""An exam hall for one worker: what it is sent over NATS, and what it tells."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec
from nats.aio.client import Client

from detectors.changes import Change, Kept
from detectors.hearing import Hearing
from detectors.outbox import Outbox, Patience
from detectors.pipeline import Pipeline
from detectors.settings import Settings
from detectors.share import Share
from detectors.worker import Worker
from domain.incidents import Provenance
from domain.messages import Picture
from domain.policy import Policy

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WATCHED = Settings(detectors=Policy().detectors)
TENANT = "school"


@dataclass
class Wiring:
    """What the application would do: answers what is asked and keeps what it is told."""

    answers: dict[str, Settings | None] = field(default_factory=dict)
    changes: list[tuple[str, Change, bytes | None, Provenance]] = field(default_factory=list)
    kept: list[tuple[str, Kept]] = field(default_factory=list)
    faults: list[tuple[str, str, str | None]] = field(default_factory=list)
    asked: int = 0
    away: bool = False

    async def settings(self, tenant: str, session: str) -> Settings | None:
        self.asked += 1
        self._reach(tenant)
        return self.answers.get(session, WATCHED)

    async def changed(
        self, tenant: str, session: str, change: Change, evidence: bytes | None, provenance: Provenance
    ) -> None:
        self._reach(tenant)
        if isinstance(change, Kept):
            self.kept.append((session, change))
        else:
            self.changes.append((session, change, evidence, provenance))

    async def fault(self, tenant: str, session: str, detector: str, why: str | None) -> None:
        self._reach(tenant)
        self.faults.append((session, detector, why))

    def _reach(self, tenant: str) -> None:
        assert tenant == TENANT
        if self.away:
            raise ConnectionError("the database is away")


@dataclass
class Hall:
    """A worker at work, and the candidates' pictures that it is sent."""

    worker: Worker
    wiring: Wiring
    connection: Client
    second: dict[str, float] = field(default_factory=dict)

    async def send(self, session: str, *jpegs: bytes, wait: bool = True) -> None:
        """One picture each two seconds of exam time; waits until each has been looked at, unless told not to."""
        for data in jpegs:
            second = self.second.get(session, 0.0)
            self.second[session] = second + 2.0
            picture = Picture(
                tenant=TENANT, session=session, track="camera", at=START + timedelta(seconds=second),
                width=640, height=480, jpeg=data, thumbnail=b"",
            )  # fmt: skip
            due = self.due(session)
            await self.connection.publish(f"vigil.picture.{session}.camera", msgspec.msgpack.encode(picture))
            if wait:
                await until(lambda due=due: self.due(session) > due)

    def due(self, session: str) -> int:
        return sum(counts.due for counts in self.worker.coverage(TENANT, session).values())

    def counts(self, session: str) -> dict[str, int]:
        """Samples of one kind, by what became of them."""
        counted = msgspec.structs.asdict(self.worker.coverage(TENANT, session)["several_people"])
        return {name: number for name, number in counted.items() if not name.endswith("_s") and name != "reasons"}


async def until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def hall(
    connection: Client, pipeline: Pipeline, wiring: Wiring | None = None, share: Share | None = None,
    outbox: Outbox | None = None, *, hearing: Hearing | None = None,
) -> AsyncIterator[Hall]:  # fmt: skip
    wiring = wiring or Wiring()
    worker = Worker(
        connection, pipeline, settings=wiring.settings, changed=wiring.changed, fault=wiring.fault, share=share,
        outbox=outbox or Outbox(Patience(first_wait_s=0.02, longest_wait_s=0.05)), hearing=hearing,
    )  # fmt: skip
    task = asyncio.create_task(worker.run())
    await asyncio.sleep(0)
    await connection.flush()
    try:
        yield Hall(worker, wiring, connection)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
