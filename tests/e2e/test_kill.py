"""Everything is killed again and again in the middle of an exam; nothing acknowledged is missing afterwards."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import httpx
from psycopg import AsyncConnection

from api.opening import decoder
from commands.audit import check
from commands.envelope import read
from commands.ledger import COLUMNS
from commands.objects import open_store
from domain.recorded import Stored
from domain.recording import Segment, SegmentStored
from projections.models import MODELS
from projections.refold import compare
from tests.e2e.installation import Installation
from vigil.demo.cast import Candidates, Person, accounts
from vigil.demo.steps import StepFailed
from vigil.wiring import core

KILLS = int(os.environ.get("KILLS", "10"))
SEATS = 2  # who sit the exam and publish
WRITTEN_TO = 12  # sessions that the client outside writes to, those of the seats among them


class Acknowledged(NamedTuple):
    """What the client outside was told: its own text, and the message that it became."""

    session: str
    text: str
    message: str


async def test_nothing_acknowledged_is_missing_after_everything_was_killed_at_random_moments(tmp_path: Path) -> None:
    place = Installation(tmp_path / "home")
    await place.start()
    try:
        await place.ready()
        exam = await _Exam.begin(place)
        async with Candidates(place.base, SEATS, None) as candidates:
            await candidates.ready()
            await candidates.all("join", exam.links)
            for round_ in range(KILLS):
                await candidates.all("publish", SEATS)
                async with exam.client_outside():
                    await asyncio.sleep(random.uniform(0.5, 6.0))
                    killed = place.kill()
                await candidates.all("cut", SEATS)
                await place.start()
                await place.ready()
                print(f"kill {round_ + 1}: {killed} processes, {len(exam.acknowledged)} commands acknowledged so far")
            await candidates.all("submit", SEATS)
        await _settled(exam)
        await _nothing_is_missing(exam, place)
    finally:
        await place.stop()


class _Exam:
    """An exam under way, and the client outside that writes down what was acknowledged."""

    def __init__(self, place: Installation) -> None:
        self.place = place
        self.acknowledged: list[Acknowledged] = []
        self.schedule = ""
        self.sessions: list[str] = []
        self.links: list[str] = []

    @classmethod
    async def begin(cls, place: Installation) -> _Exam:
        exam = cls(place)
        staff = await accounts(place.settings())
        exam.planner, exam.invigilator, exam.reviewer = (
            Person(place.base, staff[role]) for role in ("planner", "invigilator", "reviewer")
        )
        for person in (exam.planner, exam.invigilator, exam.reviewer):
            await person.sign_in()
        now = datetime.now(UTC)
        window = {
            "opens_at": now.isoformat(), "last_entry_at": (now + timedelta(hours=1)).isoformat(),
            "closes_at": (now + timedelta(hours=3)).isoformat(), "time_zone": "Europe/Vienna",
        }  # fmt: skip
        made = await exam.planner.post("/schedules", {"title": "Killed", "window": window, "duration_s": 3600})
        exam.schedule = made["schedule"]
        path = f"/schedules/{exam.schedule}"
        await exam.planner.post(f"{path}/live-proctoring", {"enabled": True})
        await exam.planner.post(f"{path}/invigilators", {"user": staff["invigilator"].user})
        people = [{"name": f"Candidate {n}", "number": f"k{n}"} for n in range(WRITTEN_TO)]
        rows = (await exam.planner.post(f"{path}/candidates", people))["rows"]
        exam.links = [row["join_link"] for row in rows[:SEATS]]
        exam.sessions = [row["session"] for row in rows]
        await exam.planner.post(f"{path}/activate")
        return exam

    @asynccontextmanager
    async def client_outside(self) -> AsyncIterator[None]:
        """Writes to the candidates, one message after the other, each with a key of its own."""
        writing = [asyncio.create_task(self._write(session)) for session in self.sessions]
        try:
            yield
        finally:
            for task in writing:
                task.cancel()
            await asyncio.gather(*writing, return_exceptions=True)

    async def _write(self, session: str) -> None:
        while True:
            text = secrets.token_hex(8)
            with suppress(httpx.TransportError, StepFailed):  # not acknowledged: it may be there or not
                made = await self.invigilator.post(f"/sessions/{session}/messages", {"text": text})
                self.acknowledged.append(Acknowledged(session, text, made["message"]))
            await asyncio.sleep(3.1)  # within the limit of twenty a minute


async def _settled(exam: _Exam) -> None:
    """Until every record is sealed for good."""
    async with asyncio.timeout(120):
        while True:
            rows = (await exam.reviewer.get(f"/schedules/{exam.schedule}/gradebook"))["records"]
            ended = [row for row in rows if row["phase"] == "submitted" and row["seals"]]
            if len(ended) == SEATS and all(row["seals"][-1]["kind"] == "complete" for row in ended):
                return
            await asyncio.sleep(0.5)


async def _nothing_is_missing(exam: _Exam, place: Installation) -> None:
    settings = place.settings()
    for session in exam.sessions:
        told = (await exam.reviewer.get(f"/sessions/{session}/messages"))["messages"]
        there = {(m["message"], m["text"]) for m in told}
        wanted = {(a.message, a.text) for a in exam.acknowledged if a.session == session}
        assert wanted <= there, f"{len(wanted - there)} acknowledged messages are missing"
    async with core(settings, "test") as here, here.pool.connection() as conn:
        stored = await _segments(conn)
        store = open_store(settings.objects_url)
        for segment in stored:
            lies_there = await store.get(segment.object_key)
            assert sha256(lies_there).hexdigest() == segment.sha256
        assert stored, "something was recorded"
        checked = await check(conn, here.signer.origin, [here.signer.public])
        assert checked.difference is None
        decode = decoder(here.keys)
        async with await AsyncConnection.connect(settings.database_url_for("project"), autocommit=True) as reading:
            for model in MODELS:
                assert not await compare(reading, decode, model), f"{model.name} differs from a rebuild"
    print(f"{len(exam.acknowledged)} acknowledged messages and {len(stored)} segments are all there")


async def _segments(conn: AsyncConnection) -> Sequence[Segment]:
    cursor = await conn.execute(f"SELECT {COLUMNS} FROM ledger.events WHERE topic = 'recording.segment_stored'")
    bodies = [read(Stored(*row))[1] for row in await cursor.fetchall()]
    return [body.segment for body in bodies if isinstance(body, SegmentStored)]
