"""Outages over HTTP: declared once, given back in each session, told to everybody; and a schedule that is put off."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from commands import sessions
from commands.handler import Work
from tests.api.hall import Exam, Hall, an_exam, refused, sit
from tests.api.reading import Reader

V1 = "/api/v1"


def outage(exam: Exam, minutes: float = 10, **more: str) -> dict[str, Any]:
    """It lasted so many minutes, until now."""
    now = exam.hall.clock()
    body = {
        "from": (now - timedelta(minutes=minutes)).isoformat(), "to": now.isoformat(), "whose": "network",
        "cause": "a cable", "text": "The network was down. You get the time back.",
    }  # fmt: skip
    return body | more


async def declare(exam: Exam, body: dict[str, Any]) -> httpx.Response:
    return await exam.planner.post(f"{V1}/schedules/{exam.schedule}/outages", json=body)


async def clock(exam: Exam, number: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = (await exam.candidates[number].get(f"{V1}/sessions/{exam.sessions[number]}")).json()[
        "clock"
    ]
    return found


async def listed(exam: Exam) -> list[dict[str, Any]]:
    seen = {"Vigil-At-Least": str(await exam.hall.position())}
    answer = await exam.invigilator.get(f"{V1}/schedules/{exam.schedule}/outages", headers=seen)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["outages"]
    return found


async def test_one_call_marks_gives_back_and_tells(hall: Hall) -> None:
    exam = await an_exam(hall, 3)
    await sit(exam)
    hall.clock.ahead += timedelta(minutes=20)
    await sit(exam, 1)
    hall.clock.ahead += timedelta(minutes=4)
    before = await clock(exam)
    body = outage(exam)
    async with Reader(exam.candidates[0], f"{V1}/sessions/{exam.sessions[0]}/stream") as stream:
        await stream.next("snapshot")
        made = (await declare(exam, body)).json()
        told = (await stream.until("message")).data
    assert {answer["state"] for answer in made["answers"]} == {"done"}
    assert (told["side"], told["text"]) == ("invigilator", body["text"])
    after = await clock(exam)
    assert after["extra_s"] == 600
    assert datetime.fromisoformat(after["due_at"]) - datetime.fromisoformat(before["due_at"]) == timedelta(minutes=10)
    assert 240 <= (await clock(exam, 1))["extra_s"] <= 250  # sat down in the middle of it
    (one,) = await listed(exam)
    assert (one["outage"], one["whose"], one["cause"], one["to_reopen"]) == (made["outage"], "network", "a cable", [])
    assert {row["session"] for row in one["sessions"]} == set(exam.sessions[:2])
    for n, number in ((0, 1), (1, 1), (2, 1)):  # who has not started is told as well
        view = (await exam.candidates[n].get(f"{V1}/sessions/{exam.sessions[n]}/view")).json()
        assert len(view["messages"]) == number
    reviewer = await hall.as_a("reviewer")
    record = (await reviewer.get(f"{V1}/sessions/{exam.sessions[0]}/record")).json()["record"]
    assert "the network: a cable" in {fault["why"] for fault in record["faults"] if fault["what"] == "outage"}


async def test_the_same_again_gives_nothing_twice_whoever_says_it(hall: Hall) -> None:
    exam = await an_exam(hall)
    await sit(exam)
    hall.clock.ahead += timedelta(minutes=12)
    body = outage(exam)
    answers = await asyncio.gather(*(declare(exam, body) for _ in range(3)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["outage"] for answer in answers}) == 1
    before = await hall.position()
    again = await declare(exam, body | {"cause": "said in other words"})
    assert again.json()["outage"] == answers[0].json()["outage"]
    assert await hall.position() == before
    assert (await clock(exam))["extra_s"] == 600


async def test_who_ended_in_the_outage_is_listed_and_gets_the_time_once_reopened(hall: Hall) -> None:
    exam = await an_exam(hall)
    session = await sit(exam)
    hall.clock.ahead += timedelta(minutes=10)
    began = hall.clock()
    hall.clock.ahead += timedelta(minutes=5)

    async def lose(work: Work) -> None:
        work.at = hall.clock()
        await sessions.lose_connection(work, session, "camera", "no packets")

    async def expire(work: Work) -> None:
        work.at = hall.clock()
        await sessions.expire(work, session)

    await hall.act("lost", lose)
    hall.clock.ahead += timedelta(hours=2)
    await hall.act("expire", expire)
    assert (await clock(exam))["phase"] == "ended_in_fault"
    now = hall.clock()
    body = outage(exam, **{"from": began.isoformat(), "to": now.isoformat()})
    assert (await declare(exam, body)).status_code == 200
    (one,) = await listed(exam)
    assert one["to_reopen"] == [session]
    assert one["sessions"][0]["given_s"] == 0
    reopened = await exam.invigilator.post(f"{V1}/sessions/{session}/reopen", json={"reason": "network"})
    assert reopened.status_code == 204
    (one,) = await listed(exam)
    assert one["to_reopen"] == []
    assert 290 <= one["sessions"][0]["given_s"] <= 310  # from when it began until the connection was lost
    before = await hall.position()
    assert (await declare(exam, body)).status_code == 200
    assert await hall.position() == before


@pytest.mark.parametrize(
    ("change", "field", "status"),
    [
        ({"to": "2999-01-01T00:00:00+00:00"}, "to", 422),
        ({"from": "2999-01-01T00:00:00+00:00"}, "to", 422),
        ({"from": "2020-01-01T00:00:00+00:00"}, "from", 422),
        ({"cause": " "}, "cause", 422),
        ({"text": " "}, "text", 422),
        ({"from": "2026-01-01T00:00:00"}, "from", 400),
        ({"whose": "nobody"}, "whose", 400),
        ({"cause": ""}, "cause", 400),
        ({"also": 1}, "also", 400),
    ],
)
async def test_an_outage_that_cannot_be_is_refused_by_field(
    hall: Hall, change: dict[str, Any], field: str, status: int
) -> None:
    exam = await an_exam(hall)
    before = await hall.position()
    await refused(hall, await declare(exam, outage(exam) | change), before, status, field, "")


async def put_off(exam: Exam, minutes: float, duration_s: int | None = None) -> None:
    at = f"{V1}/schedules/{exam.schedule}"
    seen = {"Vigil-At-Least": str(await exam.hall.position())}
    window = (await exam.planner.get(at, headers=seen)).json()["window"]
    window["closes_at"] = (datetime.fromisoformat(window["closes_at"]) + timedelta(minutes=minutes)).isoformat()
    body: dict[str, Any] = {"window": window} | ({"duration_s": duration_s} if duration_s else {})
    answer = await exam.planner.patch(at, json=body)
    assert answer.status_code == 204, answer.text


async def test_a_schedule_that_is_put_off_reaches_who_sits_it_and_every_client_at_once(hall: Hall) -> None:
    exam = await an_exam(hall, 2)
    session = await sit(exam)
    before = await clock(exam)
    live = f"{V1}/schedules/{exam.schedule}/live/stream"
    mine = f"{V1}/sessions/{session}/stream"
    async with Reader(exam.candidates[0], mine) as page, Reader(exam.invigilator, live) as wall:
        await page.next("snapshot")
        await wall.next("snapshot")
        await put_off(exam, 30)
        told = (await page.until("session")).data
        seen = ""
        while seen != told["end_at"]:  # the start may only just reach the wall
            for patch in (await wall.until("change")).data:
                seen = patch["set"].get("clock", {}).get("end_at", seen)
    later = datetime.fromisoformat(told["end_at"]) - datetime.fromisoformat(before["end_at"])
    assert later == timedelta(minutes=30)
    await put_off(exam, -45)
    assert (await clock(exam))["end_at"] == told["end_at"]
    await put_off(exam, 45, duration_s=4500)
    assert (await clock(exam))["duration_s"] == 4500
    assert (await clock(exam))["end_at"] == told["end_at"]
    await sit(exam, 1)
    assert (await clock(exam, 1))["end_at"] == told["end_at"]
