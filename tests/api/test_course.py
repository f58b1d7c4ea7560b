"""The course of an exam over HTTP: who sat, who was cut off, what was flagged, each at its time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx

from commands.handler import Work
from domain import fault, session_rules
from tests.api.hall import Exam, Hall, an_exam, sit
from tests.api.test_live import flag

V1 = "/api/v1"


async def cut_off(exam: Exam, number: int) -> None:
    session, now = exam.sessions[number], exam.hall.clock()

    async def lose(work: Work) -> None:
        lost = fault.LoseConnection(at=now, track="camera", why="no media")
        await work.do(session_rules.DECIDER, session, lost)

    await exam.hall.act(f"cut off {session}", lose)


async def course(exam: Exam, who: httpx.AsyncClient) -> dict[str, Any]:
    seen = {"Vigil-At-Least": str(await exam.hall.position())}
    answer = await who.get(f"{V1}/schedules/{exam.schedule}/course", headers=seen)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_course_tells_in_numbers_what_happened_and_names_nobody(hall: Hall) -> None:
    exam = await an_exam(hall, candidates=3)
    auditor = await hall.as_a("auditor")
    assert (await course(exam, auditor))["points"] == []
    for number in (0, 1):
        await sit(exam, number)
    hall.clock.ahead += timedelta(minutes=10)
    await cut_off(exam, 0)
    hall.clock.ahead += timedelta(minutes=10)
    await flag(exam, 1, "several")
    hall.clock.ahead += timedelta(minutes=10)
    await exam.candidates[1].post(f"{V1}/sessions/{exam.sessions[1]}/submit")

    told = await course(exam, auditor)
    counts = [(one["sitting"], one["away"], one["incidents"]) for one in told["points"]]
    assert counts == [(1, 0, 0), (2, 0, 0), (2, 1, 0), (2, 1, 1), (1, 1, 1)]
    assert [one["at"] for one in told["points"]] == sorted(one["at"] for one in told["points"])
    assert told["stale"] == []
    assert told["position"] >= await hall.position()
    assert set(told) == {"schedule", "position", "points", "stale"}
    for who in (exam.planner, exam.invigilator):
        assert (await course(exam, who))["points"] == told["points"]


async def test_who_is_withdrawn_is_not_counted(hall: Hall) -> None:
    exam = await an_exam(hall, candidates=2)
    await flag(exam, 1, "several")
    assert (await exam.planner.delete(f"{V1}/schedules/{exam.schedule}/candidates/{exam.sessions[1]}")).is_success
    assert (await course(exam, exam.planner))["points"] == []
