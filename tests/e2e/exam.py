"""An exam under way on an installation: staff who are signed in, candidates who publish, and what people are shown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from tests.e2e.installation import Installation
from vigil.demo.cast import Candidates, Person, accounts
from vigil.demo.orders import API
from vigil.demo.sse import Event, follow

T = TypeVar("T")
Row = dict[str, Any]


class Exam:
    """One schedule. Every candidate has joined, started, and publishes camera and screen."""

    def __init__(self, planner: Person, invigilator: Person, reviewer: Person, candidates: Candidates) -> None:
        self.planner, self.invigilator, self.reviewer = planner, invigilator, reviewer
        self.candidates = candidates
        self.schedule = ""
        self.sessions: list[str] = []
        self.heard: list[Event] = []  # what the invigilator's live stream said

    async def live(self, session: str) -> Row:
        """The session's row on the wall."""
        found = (await self.invigilator.get(f"/schedules/{self.schedule}/live"))["rows"].values()
        return next(row for row in found if row["session"] == session)

    async def account(self, session: str) -> Row:
        """The session's row in the gradebook."""
        found = (await self.reviewer.get(f"/schedules/{self.schedule}/gradebook"))["records"]
        return next(row for row in found if row["session"] == session)

    async def healthy(self) -> None:
        """Until every track is up and nothing of ours is at fault but the detectors."""

        async def so() -> bool:
            rows = [await self.live(session) for session in self.sessions]
            up = all(row["tracks"].get(t, {}).get("up") for row in rows for t in ("camera", "screen"))
            return up and not {what for row in rows for what in row["faults"] if not what.startswith("detector ")}

        await until("the exam goes on", so, 60)


@asynccontextmanager
async def under_way(place: Installation, seats: int) -> AsyncIterator[Exam]:
    """Schedules an exam and has it begin."""
    staff = await accounts(place.settings())
    people = [Person(place.base, staff[role]) for role in ("planner", "invigilator", "reviewer")]
    for person in people:
        await person.sign_in()
    async with Candidates(place.base, seats, None) as candidates:
        exam = Exam(*people, candidates)
        now = datetime.now(UTC)
        window = {
            "opens_at": now.isoformat(), "last_entry_at": (now + timedelta(hours=1)).isoformat(),
            "closes_at": (now + timedelta(hours=3)).isoformat(), "time_zone": "Europe/Vienna",
        }  # fmt: skip
        body = {"title": "Anatomy II", "window": window, "duration_s": 3600}
        exam.schedule = (await exam.planner.post("/schedules", body))["schedule"]
        path = f"/schedules/{exam.schedule}"
        await exam.planner.post(f"{path}/live-proctoring", {"enabled": True})
        await exam.planner.post(f"{path}/invigilators", {"user": staff["invigilator"].user})
        await exam.invigilator.post(f"{path}/duty/on")
        rows = [{"name": f"Candidate {n}", "number": f"{n}"} for n in range(seats)]
        links = [row["join_link"] for row in (await exam.planner.post(f"{path}/candidates", rows))["rows"]]
        await exam.planner.post(f"{path}/activate")
        await candidates.ready()
        exam.sessions = [one.session for one in await candidates.all("join", links)]
        await candidates.all("publish", seats)
        listening = asyncio.create_task(_listen(exam))
        try:
            await exam.healthy()
            yield exam
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening


async def until(what: str, look: Callable[[], Awaitable[T]], within_s: float = 20) -> T:
    """Looks again and again; the first true answer is returned."""
    loop = asyncio.get_running_loop()
    latest = loop.time() + within_s
    while not (found := await look()):
        assert loop.time() < latest, f"{what}: not within {within_s:.0f} s"
        await asyncio.sleep(0.1)
    return found


async def _listen(exam: Exam) -> None:
    async for event in follow(exam.invigilator.http, f"{API}/schedules/{exam.schedule}/live/stream"):
        exam.heard.append(event)
