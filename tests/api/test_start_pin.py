"""A schedule has a PIN that is told in the room; who does not know it does not start, and nobody finds it written."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import psycopg

from tests.api.hall import CHECKS, Exam, Hall, an_exam, refused, sit


async def ready(exam: Exam, number: int = 0) -> str:
    """Brings a candidate to the door, and gives the path of their session."""
    me, at = exam.candidates[number], f"/api/v1/sessions/{exam.sessions[number]}"
    told = (await me.get(f"{at}/notice")).json()
    answer = {"policy_version": told["policy_version"], "sha256": told["sha256"]}
    assert (await me.post(f"{at}/notice", json=answer)).status_code == 204
    assert (await me.post(f"{at}/system-check", json={"checks": CHECKS})).json() == {"passed": True, "advice": []}
    return at


async def a_pin(exam: Exam) -> str:
    answer = await exam.planner.post(f"/api/v1/schedules/{exam.schedule}/pin", json={"enabled": True})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["pin"])


def wrong(pin: str, n: int = 1) -> str:
    return f"{(int(pin) + n) % 1_000_000:06}"


async def test_a_planner_makes_a_pin_another_one_and_none(hall: Hall) -> None:
    exam = await an_exam(hall)
    at = f"/api/v1/schedules/{exam.schedule}/pin"
    assert (await exam.invigilator.get(at)).json() == {"pin": None}
    pin = await a_pin(exam)
    assert len(pin) == 6
    assert pin.isdigit()
    seen = await exam.invigilator.get(at)
    assert seen.json() == (await exam.planner.get(at)).json() == {"pin": pin}
    assert "no-store" in seen.headers["cache-control"]
    head = {"Idempotency-Key": "one more"}
    more = [(await exam.planner.post(at, json={"enabled": True}, headers=head)).json() for _ in range(2)]
    assert more[0] == more[1]
    assert (await exam.invigilator.get(at)).json() == more[0]
    assert (await exam.planner.post(at, json={"enabled": False})).json() == {"pin": None}
    stranger = await hall.as_a("invigilator", "stranger.to.the.pin@example.org")
    assert (await stranger.get(at)).status_code == 404


async def test_a_candidate_starts_with_the_pin_and_comes_back_without(hall: Hall) -> None:
    exam = await an_exam(hall)
    me, at = exam.candidates[0], f"/api/v1/sessions/{exam.sessions[0]}"
    assert not (await me.get(at)).json()["pin_needed"]
    pin = await a_pin(exam)
    assert (await me.get(at)).json()["pin_needed"]
    before = await hall.position()
    first = await me.post(f"{at}/start", json={"pin": wrong(pin)})
    await refused(hall, first, before, 409, "notice", "acknowledge the notice")
    await ready(exam)
    before = await hall.position()
    for body in (None, {}, {"pin": " "}):
        answer = await me.post(f"{at}/start", json=body) if body is not None else await me.post(f"{at}/start")
        await refused(hall, answer, before, 422, "pin", "6-digit PIN that your invigilator tells you")
    for body, field in (({"pin": 123456}, "pin"), ({"pin": "1" * 21}, "pin"), ({"code": pin}, "code")):
        await refused(hall, await me.post(f"{at}/start", json=body), before, 400, field, "")
    started = await me.post(f"{at}/start", json={"pin": f"{pin[:3]} {pin[3:]} "})
    assert started.status_code == 200, started.text
    assert (await me.post(f"{at}/start")).json() == started.json()
    assert not (await me.get(at)).json()["pin_needed"]


async def test_the_pin_of_now_counts_and_none_is_asked_for_when_it_is_taken_away(hall: Hall) -> None:
    exam = await an_exam(hall, candidates=2)
    old = await a_pin(exam)
    new = old
    while new == old:
        new = await a_pin(exam)
    at = await ready(exam)
    assert (await exam.candidates[0].post(f"{at}/start", json={"pin": old})).status_code == 422
    assert (await exam.candidates[0].post(f"{at}/start", json={"pin": new})).status_code == 200
    pin = f"/api/v1/schedules/{exam.schedule}/pin"
    assert (await exam.planner.post(pin, json={"enabled": False})).status_code == 200
    await sit(exam, 1)


async def test_who_is_wrong_five_times_waits_a_little_and_longer_each_time(hall: Hall) -> None:
    exam = await an_exam(hall, candidates=2)
    pin = await a_pin(exam)
    me, at = exam.candidates[0], await ready(exam)
    for n in range(1, 6):
        answer = await me.post(f"{at}/start", json={"pin": wrong(pin, n)})
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["field"] == "pin"
        assert "not the PIN of your exam" in answer.json()["errors"][0]["rule"]
        assert ("retry-after" in answer.headers) == (n == 5)
        assert pin not in answer.text
        assert wrong(pin, n) not in answer.text
    before = await hall.position()
    answer = await me.post(f"{at}/start", json={"pin": pin})
    await refused(hall, answer, before, 429, "pin", "your exam is not lost")
    assert 0 < int(answer.headers["retry-after"]) <= 30
    assert f"in {answer.headers['retry-after']} seconds" in answer.json()["detail"]
    other = await ready(exam, 1)
    assert (await exam.candidates[1].post(f"{other}/start", json={"pin": pin})).status_code == 200
    hall.clock.ahead += timedelta(seconds=31)
    again = await me.post(f"{at}/start", json={"pin": wrong(pin, 6)})
    assert 30 < int(again.headers["retry-after"]) <= 60
    hall.clock.ahead += timedelta(seconds=61)
    assert (await me.post(f"{at}/start", json={"pin": pin})).status_code == 200


async def test_a_wrong_try_is_on_the_record_and_no_digit_is_written_anywhere(hall: Hall) -> None:
    exam = await an_exam(hall)
    pin = await a_pin(exam)
    at = await ready(exam)
    tries = [wrong(pin, n) for n in range(1, 4)]
    head = {"Idempotency-Key": "one try"}
    first, again = [
        await exam.candidates[0].post(f"{at}/start", json={"pin": tries[0]}, headers=head) for _ in range(2)
    ]
    assert first.json() == again.json()
    answers = await asyncio.gather(*(exam.candidates[0].post(f"{at}/start", json={"pin": t}) for t in tries[1:]))
    assert {answer.status_code for answer in answers} == {422}
    reviewer = await hall.as_a("reviewer")
    seen = {"Vigil-At-Least": str(await hall.position())}
    events = (await reviewer.get(f"{at}/timeline", headers=seen)).json()["events"]
    assert [event["tag"] for event in events].count("session.pin_refused") == 3
    async with await psycopg.AsyncConnection.connect(hall.database) as conn:
        for table, column in (("ledger.events", "convert_from(state, 'UTF8')"), ("ledger.receipts", "outcome")):
            for digits in (pin, *tries):
                found = f"SELECT count(*) FROM {table} WHERE {column} LIKE %s"
                cursor = await conn.execute(found, (f'%"{digits}"%',))
                assert await cursor.fetchone() == (0,), table
