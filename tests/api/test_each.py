"""One request for several sessions: refused as a whole before anything happens, and completed by its repetition."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from api import each
from tests.api.hall import Exam, Hall, an_exam, refused, sit

V1 = "/api/v1"


@pytest.fixture
async def exam(hall: Hall) -> Exam:
    return await an_exam(hall, candidates=2)


async def say(exam: Exam, key: str, text: str, sessions: object) -> httpx.Response:
    body = {"text": text, "sessions": sessions}
    at = f"{V1}/schedules/{exam.schedule}/broadcasts"
    return await exam.invigilator.post(at, json=body, headers={"Idempotency-Key": key})


async def texts(exam: Exam, number: int) -> list[str]:
    """What this candidate has been told."""
    head = {"Vigil-At-Least": str(await exam.hall.position())}
    found = await exam.candidates[number].get(f"{V1}/sessions/{exam.sessions[number]}/messages", headers=head)
    return [one["text"] for one in found.json()["messages"]]


async def test_a_key_that_was_used_for_other_sessions_or_another_text_is_refused_before_anything_happens(
    exam: Exam,
) -> None:
    first, second = exam.sessions
    assert (await say(exam, "one", "Hello", [first])).status_code == 200
    before = await exam.hall.position()
    for text, sessions in (("Bye", [second]), ("Bye", "all"), ("Hello", [second]), ("Bye", [first])):
        answer = await say(exam, "one", text, sessions)
        await refused(exam.hall, answer, before, 422, "Idempotency-Key", "used for another request")
    assert (await texts(exam, 0), await texts(exam, 1)) == (["Hello"], [])


async def test_of_two_requests_with_one_key_at_once_one_happens_and_the_other_does_not(exam: Exam) -> None:
    told = await asyncio.gather(*(say(exam, "race", text, "all") for text in ("One", "Two")))
    assert sorted(answer.status_code for answer in told) == [200, 422]
    said = ["One" if told[0].status_code == 200 else "Two"]
    assert (await texts(exam, 0), await texts(exam, 1)) == (said, said)


async def test_interventions_on_several_are_refused_alike(exam: Exam) -> None:
    hall, (first, second) = exam.hall, [await sit(exam, n) for n in range(2)]
    at, key = f"{V1}/schedules/{exam.schedule}/interventions", {"Idempotency-Key": "stop"}
    pause = {"kind": "pause", "sessions": [first]}
    assert (await exam.invigilator.post(at, json=pause, headers=key)).status_code == 200
    before = await hall.position()
    answer = await exam.invigilator.post(at, json=pause | {"sessions": [second]}, headers=key)
    await refused(hall, answer, before, 422, "Idempotency-Key", "used for another request")
    stranger = await exam.invigilator.post(at, json=pause | {"sessions": [first, "nosuch"]})
    await refused(hall, stranger, before, 422, "sessions.1", "not of this schedule")


async def test_a_repetition_completes_what_a_crash_left_for_the_same_sessions(
    exam: Exam, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = each.for_each

    async def broken(request: Any, sessions: tuple[str, ...], wanted: Any, made: str) -> Any:  # noqa: ANN401
        await whole(request, sessions[:1], wanted, made)
        raise RuntimeError("the process ends here")

    with monkeypatch.context() as crashing:
        crashing.setattr(each, "for_each", broken)
        assert (await say(exam, "crash", "Hello", "all")).status_code == 500
    assert len(await texts(exam, 0) + await texts(exam, 1)) == 1
    row = {"name": "Comes later", "number": f"{exam.schedule}-later"}
    enrolled = await exam.planner.post(f"{V1}/schedules/{exam.schedule}/candidates", json=row)
    assert enrolled.status_code < 300, enrolled.text
    done, again = [await say(exam, "crash", "Hello", "all") for _ in range(2)]
    assert done.json() == again.json()
    assert [one["session"] for one in done.json()["answers"]] == sorted(exam.sessions)
    assert (await texts(exam, 0), await texts(exam, 1)) == (["Hello"], ["Hello"])


async def test_a_part_is_never_taken_for_a_request_with_its_key(exam: Exam) -> None:
    first, _ = exam.sessions
    assert (await say(exam, "k", "Hello", [first])).status_code == 200
    assert (await say(exam, f"k {first}", "Bye", [first])).status_code == 200
    assert await texts(exam, 0) == ["Hello", "Bye"]


async def test_a_change_with_if_match_reaches_the_sessions_that_run(exam: Exam) -> None:
    await sit(exam)
    at = f"{V1}/schedules/{exam.schedule}"
    seen = await exam.planner.get(at, headers={"Vigil-At-Least": str(await exam.hall.position())})
    clock = (await exam.candidates[0].get(f"{V1}/sessions/{exam.sessions[0]}")).json()["clock"]
    longer = {"duration_s": seen.json()["duration_s"] + 600}
    changed = await exam.planner.patch(at, json=longer, headers={"If-Match": seen.headers["etag"]})
    assert changed.status_code < 300, changed.text
    after = (await exam.candidates[0].get(f"{V1}/sessions/{exam.sessions[0]}")).json()["clock"]
    assert after["due_at"] > clock["due_at"]
