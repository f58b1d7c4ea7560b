"""Who may no longer look sees no more: their open streams end within seconds, whatever took their place away.

That somebody is taken off a schedule, is signed out everywhere or loses a token is tested beside those.
"""

from __future__ import annotations

import asyncio

from websockets.asyncio.client import connect

from tests.api.hall import Hall, an_exam
from tests.api.reading import Reader

WITHIN_S = 10  # the design says five; a busy machine may take longer


async def ended(stream: Reader) -> None:
    async with asyncio.timeout(WITHIN_S):
        async for _ in stream.rest():
            pass


async def test_a_candidate_who_is_withdrawn_loses_their_stream(hall: Hall) -> None:
    exam = await an_exam(hall)
    async with Reader(exam.candidates[0], f"/api/v1/sessions/{exam.sessions[0]}/stream") as stream:
        await stream.next("snapshot")
        at = f"/api/v1/schedules/{exam.schedule}/candidates/{exam.sessions[0]}"
        assert (await exam.planner.delete(at)).status_code == 204
        await ended(stream)


async def test_who_came_by_a_link_that_is_replaced_loses_their_stream(hall: Hall) -> None:
    exam = await an_exam(hall)
    async with Reader(exam.candidates[0], f"/api/v1/sessions/{exam.sessions[0]}/stream") as stream:
        await stream.next("snapshot")
        at = f"/api/v1/schedules/{exam.schedule}/candidates/{exam.sessions[0]}/link"
        assert (await exam.planner.post(at)).status_code == 201
        await ended(stream)


async def test_who_loses_the_role_loses_the_wall_and_the_live_list(hall: Hall) -> None:
    exam = await an_exam(hall)
    admin = await hall.as_a("admin")
    watcher = await hall.as_a("invigilator", "sacked@example.org")
    at = f"/api/v1/schedules/{exam.schedule}"
    await exam.planner.post(f"{at}/invigilators", json={"email": "sacked@example.org"})
    wall = hall.url.replace("http", "ws") + f"{at}/wall"
    token = hall.tokens["sacked@example.org"]
    async with (
        Reader(watcher, f"{at}/live/stream") as stream,
        connect(wall, additional_headers={"Authorization": f"Bearer {token}"}) as socket,
    ):
        await stream.next("snapshot")
        gone = await admin.delete(f"/api/v1/users/{hall.user('sacked@example.org')}/roles/invigilator")
        assert gone.status_code == 204
        await ended(stream)
        async with asyncio.timeout(WITHIN_S):
            await socket.wait_closed()


async def test_who_is_removed_with_others_loses_the_live_list(hall: Hall) -> None:
    exam = await an_exam(hall)
    at = f"/api/v1/schedules/{exam.schedule}"
    async with Reader(exam.invigilator, f"{at}/live/stream") as stream:
        await stream.next("snapshot")
        who = hall.user("invigilator@example.org")
        assert (await exam.planner.post(f"{at}/removals", json={"users": [who]})).status_code == 200
        await ended(stream)
