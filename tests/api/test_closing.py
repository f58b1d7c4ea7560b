"""An exam is closed when it is over, and called off also while it runs."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from tests.api.hall import Hall, an_exam, refused, sit


async def test_an_exam_is_closed_when_all_is_over_and_changes_no_more(hall: Hall) -> None:
    exam = await an_exam(hall, candidates=2)
    await sit(exam)
    at = f"/api/v1/schedules/{exam.schedule}"
    before = await hall.position()
    await refused(hall, await exam.planner.post(f"{at}/close"), before, 409, "", "still run: 1")
    await exam.candidates[0].post(f"/api/v1/sessions/{exam.sessions[0]}/submit")
    before = await hall.position()
    await refused(hall, await exam.planner.post(f"{at}/close"), before, 409, "", "may still come: 1")
    hall.clock.ahead += timedelta(hours=1)  # the last entry has passed
    closed = await exam.planner.post(f"{at}/close")
    assert closed.status_code == 204, closed.text
    head = {"Vigil-At-Least": closed.headers["vigil-position"]}
    assert (await exam.planner.get(at, headers=head)).json()["phase"] == "closed"
    absent = (await exam.planner.get(f"/api/v1/sessions/{exam.sessions[1]}")).json()["clock"]
    assert absent["phase"] == "no_show"
    assert (await exam.planner.post(f"{at}/close")).status_code == 204
    before = await hall.position()
    for change in (
        exam.planner.patch(at, json={"title": "Too late"}),
        exam.planner.post(f"{at}/candidates", json={"name": "Late", "number": "late"}),
        exam.planner.post(f"{at}/cancel", json={"reason": "No."}),
    ):
        await refused(hall, await change, before, 409, "", "closed and can no longer change")
    reviewer = await hall.as_a("reviewer")
    assert (await reviewer.get(f"/api/v1/sessions/{exam.sessions[0]}/record")).status_code == 200
    assert (await exam.invigilator.get(f"{at}/live")).status_code == 404


async def test_an_exam_that_is_called_off_ends_for_who_sits_it_and_nobody_starts(hall: Hall) -> None:
    exam = await an_exam(hall, candidates=2)
    await sit(exam)
    at = f"/api/v1/schedules/{exam.schedule}"
    assert (await exam.planner.post(f"{at}/cancel", json={"reason": "The hall is flooded."})).status_code == 204
    async with asyncio.timeout(20):
        while True:
            clock = (await exam.candidates[0].get(f"/api/v1/sessions/{exam.sessions[0]}")).json()["clock"]
            if clock["phase"] == "ended_in_fault":
                break
            await asyncio.sleep(0.1)
    waiting = (await exam.invigilator.get(f"/api/v1/sessions/{exam.sessions[1]}")).json()["clock"]
    assert waiting["phase"] == "expected"
    assert (await exam.planner.post(f"{at}/cancel", json={"reason": "Said twice."})).status_code == 204
    before = await hall.position()
    await refused(hall, await exam.planner.post(f"{at}/close"), before, 409, "", "cancelled")
    late = await hall.http.post("/api/v1/join", json={"token": exam.links[1]})
    assert (late.status_code, late.json()["detail"][:23]) == (401, "the exam was called off")


async def test_a_draft_is_cancelled_not_closed(hall: Hall) -> None:
    planner = await hall.as_a("planner")
    opens = hall.clock() + timedelta(minutes=1)
    window = {
        "opens_at": opens.isoformat(), "last_entry_at": opens.isoformat(),
        "closes_at": (opens + timedelta(hours=2)).isoformat(), "time_zone": "Europe/Vienna",
    }  # fmt: skip
    body = {"title": "Draft", "window": window, "duration_s": 3600}
    at = f"/api/v1/schedules/{(await planner.post('/api/v1/schedules', json=body)).json()['schedule']}"
    before = await hall.position()
    await refused(hall, await planner.post(f"{at}/close"), before, 409, "", "cancelled, not closed")
