"""Help over HTTP: a raised hand, the queue, and who deals with it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from commands import sessions
from domain.user import Role
from tests.api.hall import Exam, Hall, an_exam, refused, sit
from tests.api.reading import Reader

V1 = "/api/v1"


async def queue(exam: Exam, who: httpx.AsyncClient | None = None) -> list[dict[str, Any]]:
    seen = {"Vigil-At-Least": str(await exam.hall.position())}
    answer = await (who or exam.invigilator).get(f"{V1}/schedules/{exam.schedule}/help", headers=seen)
    assert answer.status_code == 200, answer.text
    waiting: list[dict[str, Any]] = answer.json()["waiting"]
    return waiting


async def ask(exam: Exam, number: int = 0, topic: str = "technical", text: str = "It is all black.") -> str:
    at = f"{V1}/sessions/{exam.sessions[number]}/help"
    answer = await exam.candidates[number].post(at, json={"topic": topic, "text": text})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["help"])


async def another_invigilator(
    exam: Exam, role: Role = "invigilator", email: str = "lou@example.org"
) -> httpx.AsyncClient:
    lou = await exam.hall.as_a(role, email)
    body = {"user": exam.hall.user(email)}
    assert (await exam.planner.post(f"{V1}/schedules/{exam.schedule}/invigilators", json=body)).status_code == 200
    return lou


async def test_a_raised_hand_waits_in_the_queue_and_is_up_once(hall: Hall) -> None:
    exam = await an_exam(hall, 2)
    name = await ask(exam)
    before = await hall.position()
    assert await ask(exam, topic="break", text="") == name
    assert await hall.position() == before
    hall.clock.ahead += timedelta(seconds=90)
    second = await ask(exam, 1, topic="question", text="")
    first, then = await queue(exam)
    assert (first["help"], first["topic"], first["text"], first["phase"]) == (
        name, "technical", "It is all black.", "expected",
    )  # fmt: skip
    assert (first["name"], first["taken_by"]) == ("Candidate 0", None)
    assert first["waiting_s"] >= 90 > then["waiting_s"]
    assert (then["help"], then["text"]) == (second, "")
    assert len(await queue(exam, exam.planner)) == 2


async def test_the_candidate_sees_who_comes_and_what_is_answered(hall: Hall) -> None:
    exam = await an_exam(hall)
    session = await sit(exam)
    async with Reader(exam.candidates[0], f"{V1}/sessions/{session}/stream") as stream:
        assert (await stream.next("snapshot")).data["help"] is None
        name = await ask(exam)
        assert (await stream.until("help")).data["stage"] == "requested"
        at = f"{V1}/sessions/{session}/help/{name}"
        assert (await exam.invigilator.post(f"{at}/take")).status_code == 204
        assert (await stream.until("help")).data["stage"] == "taken"
        assert (await queue(exam))[0]["taken_by_name"] == "The invigilator"
        assert (await exam.invigilator.post(f"{at}/release")).status_code == 204
        assert (await stream.until("help")).data["stage"] == "requested"
        assert (await exam.invigilator.post(f"{at}/answer", json={"text": "Turn it on."})).status_code == 204
        told = (await stream.until("help")).data
    assert (told["stage"], told["answer"]) == ("answered", "Turn it on.")
    assert hall.user("invigilator@example.org") not in str(told)
    assert await queue(exam) == []
    view = (await exam.candidates[0].get(f"{V1}/sessions/{session}/view")).json()
    assert view["help"] == told
    assert await ask(exam) != name


async def test_a_hand_is_taken_down(hall: Hall) -> None:
    exam = await an_exam(hall)
    at = f"{V1}/sessions/{exam.sessions[0]}/help"
    name = await ask(exam)
    assert (await exam.candidates[0].delete(at)).status_code == 204
    assert (await exam.candidates[0].delete(at)).status_code == 204
    assert await queue(exam) == []
    before = await hall.position()
    late = await exam.invigilator.post(f"{at}/{name}/answer", json={})
    await refused(hall, late, before, 409, "help", "withdrawn already")
    nothing = await exam.invigilator.post(f"{at}/nosuch/take")
    await refused(hall, nothing, before, 404, "help", "no such request")


async def test_of_two_who_take_it_at_once_one_has_it_and_the_other_is_told_who(hall: Hall) -> None:
    exam = await an_exam(hall)
    lou = await another_invigilator(exam)
    name = await ask(exam)
    at = f"{V1}/sessions/{exam.sessions[0]}/help/{name}"
    answers = await asyncio.gather(*(who.post(f"{at}/take") for who in (exam.invigilator, lou)))
    assert sorted(answer.status_code for answer in answers) == [204, 409]
    (told,) = [answer.json() for answer in answers if answer.status_code == 409]
    assert told["errors"] == [{"field": "taken_by", "rule": "The invigilator deals with this request"}]
    loser = lou if answers[0].status_code == 204 else exam.invigilator
    assert (await loser.post(f"{at}/answer", json={})).status_code == 409
    lead = await another_invigilator(exam, "lead_invigilator", "lead@example.org")
    assert (await lead.post(f"{at}/release")).status_code == 204
    assert (await loser.post(f"{at}/take")).status_code == 204


async def test_who_lost_the_connection_stays_in_the_queue_and_who_handed_in_does_not(hall: Hall) -> None:
    exam = await an_exam(hall)
    session = await sit(exam)
    await ask(exam)
    await hall.act("lost", lambda work: sessions.lose_connection(work, session, "camera", "no packets"))
    assert len(await queue(exam)) == 1
    await exam.candidates[0].post(f"{V1}/sessions/{session}/submit")
    assert await queue(exam) == []
    before = await hall.position()
    answer = await exam.candidates[0].post(f"{V1}/sessions/{session}/help", json={"topic": "other"})
    await refused(hall, answer, before, 409, "", "write in the chat")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"topic": "gossip"}, "topic"),
        ({"topic": "other", "text": "a" * 501}, "text"),
        ({"topic": "other", "x": 1}, "x"),
    ],
)
async def test_what_cannot_be_asked_is_refused_by_field(hall: Hall, body: dict[str, Any], field: str) -> None:
    exam = await an_exam(hall)
    before = await hall.position()
    answer = await exam.candidates[0].post(f"{V1}/sessions/{exam.sessions[0]}/help", json=body)
    await refused(hall, answer, before, 400, field, "")
