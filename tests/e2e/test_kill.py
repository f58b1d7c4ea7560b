"""Everything is killed again and again in the middle of an exam; nothing acknowledged is missing afterwards."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from psycopg import AsyncConnection

from api.opening import decoder
from commands.audit import check
from commands.envelope import read
from commands.ledger import COLUMNS
from commands.objects import open_store
from domain.recorded import Stored
from domain.recording import SegmentStored
from domain.segment import Segment
from projections.models import MODELS
from projections.refold import compare
from tests.e2e.installation import Installation
from vigil.demo.cast import Candidates, Person, accounts
from vigil.demo.orders import API
from vigil.wiring import core

KILLS = int(os.environ.get("KILLS", "10"))
SEATS = 2  # who sit the exam and publish
WRITTEN_TO = 12  # sessions that the client outside writes to, those of the seats among them


Row = dict[str, Any]
REFUSED = 409  # minutes that do not fit


class Acknowledged(NamedTuple):
    """What the client outside was told: its own text, and the message that it became."""

    session: str
    text: str
    message: str


class Flagged(NamedTuple):
    """An incident whose raising was acknowledged, and the reason of its verdict once that was, too."""

    note: str
    reason: str | None


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
                    await exam.heard_of_each_kind()
                    await asyncio.sleep(random.uniform(0.0, 5.0))
                    killed = place.kill()
                await candidates.all("cut", SEATS)
                await place.start()
                await place.ready()
                print(f"kill {round_ + 1}: {killed} processes, {exam.counts} acknowledged so far")
            await exam.go_on()
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
        self.interventions: dict[str, int] = {}  # that were acknowledged, and the minutes that came with each
        self.incidents: dict[str, Flagged] = {}
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
        """Writes to all candidates, pauses and resumes one, and flags and judges another, again and again."""
        writing = [asyncio.create_task(self._write(session)) for session in self.sessions]
        writing.append(asyncio.create_task(self._pause_and_resume(self.sessions[0])))
        writing.append(asyncio.create_task(self._flag_and_judge(self.sessions[1])))
        try:
            yield
        finally:
            for task in writing:
                task.cancel()
            ended = await asyncio.gather(*writing, return_exceptions=True)
        for how in ended:
            if isinstance(how, Exception):
                raise how

    @property
    def counts(self) -> str:
        return "{} messages, {} interventions and {} verdicts".format(*self._heard)

    async def heard_of_each_kind(self) -> None:
        """Until something of each kind was acknowledged from now on, so that each kill has something to lose."""
        before = self._heard
        async with asyncio.timeout(60):
            while any(now == then for now, then in zip(self._heard, before, strict=True)):
                await asyncio.sleep(0.02)

    async def go_on(self) -> None:
        """The one that was paused last may submit again."""
        await self.invigilator.post(f"/sessions/{self.sessions[0]}/interventions", {"kind": "resume"})

    @property
    def _heard(self) -> tuple[int, int, int]:
        judged = sum(one.reason is not None for one in self.incidents.values())
        return len(self.acknowledged), len(self.interventions), judged

    async def _write(self, session: str) -> None:
        while True:
            text = secrets.token_hex(8)
            if made := await self._ask(f"/sessions/{session}/messages", {"text": text}):
                self.acknowledged.append(Acknowledged(session, text, made["message"]))
            await asyncio.sleep(3.1)  # within the limit of twenty a minute

    async def _pause_and_resume(self, session: str) -> None:
        """Every other time with a minute more; a minute that does not fit is refused, and the next goes on without."""
        path = f"/sessions/{session}/interventions"
        for number in count():
            order: dict[str, object] = {"kind": "resume" if number % 2 else "pause", "reason_code": "killed"}
            minutes = int(number % 4 == 1)
            if made := await self._ask(path, order | ({"minutes": minutes} if minutes else {}), refused=REFUSED):
                self.interventions[made["intervention"]] = minutes
            await asyncio.sleep(0.4)

    async def _flag_and_judge(self, session: str) -> None:
        path = f"/sessions/{session}/incidents"
        while True:
            note, reason = secrets.token_hex(8), secrets.token_hex(8)
            if made := await self._ask(path, {"severity": "warn", "note": note}):
                incident = made["incident"]
                self.incidents[incident] = Flagged(note, None)
                verdict = {"verdict": "dismissed", "reason": reason}
                if await self._ask(f"{path}/{incident}/verdict", verdict) is not None:
                    self.incidents[incident] = Flagged(note, reason)
            await asyncio.sleep(0.6)

    async def _ask(self, path: str, body: object, *, refused: int = 0) -> Row | None:
        """The answer, or None when it was not acknowledged: what was asked for may be there or not."""
        try:
            response = await self.invigilator.http.post(f"{API}{path}", json=body)
        except httpx.TransportError:
            return None
        if response.is_server_error or response.status_code == refused:
            return None
        assert response.is_success, f"{path} answered {response.status_code}: {response.text}"
        return dict(response.json()) if response.content else {}


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
    assert len(exam.acknowledged) > KILLS
    for session in exam.sessions:
        told = await _all(exam.reviewer, f"/sessions/{session}/messages", "messages")
        there = {(m["message"], m["text"]) for m in told}
        wanted = {(a.message, a.text) for a in exam.acknowledged if a.session == session}
        assert wanted <= there, f"{len(wanted - there)} acknowledged messages are missing"
    await _interventions_are_there(exam)
    await _incidents_are_there(exam)
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
    print(f"{exam.counts} and {len(stored)} segments are all there")


async def _all(person: Person, path: str, field: str, **asked: str) -> list[Row]:
    """A list to its last page."""
    rows, after = [], ""
    while after is not None:
        page = await person.get(path, after=after, **asked)
        rows, after = rows + page[field], page["next"]
    return rows


async def _interventions_are_there(exam: _Exam) -> None:
    path = f"/sessions/{exam.sessions[0]}/timeline"
    asked = await _all(exam.reviewer, path, "events", kind="intervention.requested")
    missing = exam.interventions.keys() - {event["stream"].rpartition("/")[2] for event in asked}
    assert not missing, f"{len(missing)} acknowledged interventions are missing"
    extended = await _all(exam.reviewer, path, "events", kind="session.time_extended")
    longer = {name for name, minutes in exam.interventions.items() if minutes}
    assert longer, "time was added"
    missing = longer - {event["body"]["intervention"] for event in extended if event["body"]["seconds"] == 60}
    assert not missing, f"{len(missing)} acknowledged minutes are missing"


async def _incidents_are_there(exam: _Exam) -> None:
    told = await _all(exam.reviewer, f"/sessions/{exam.sessions[1]}/incidents", "incidents")
    there = {i["incident"]: (i["note"], {v["reason"] for v in i["verdicts"]}) for i in told}
    for incident, (note, reason) in exam.incidents.items():
        assert incident in there, "an acknowledged incident is missing"
        found, reasons = there[incident]
        assert found == note
        assert reason is None or reasons == {reason}, "an acknowledged verdict is missing"


async def _segments(conn: AsyncConnection) -> Sequence[Segment]:
    cursor = await conn.execute(f"SELECT {COLUMNS} FROM ledger.events WHERE topic = 'recording.segment_stored'")
    bodies = [read(Stored(*row))[1] for row in await cursor.fetchall()]
    return [body.segment for body in bodies if isinstance(body, SegmentStored)]
