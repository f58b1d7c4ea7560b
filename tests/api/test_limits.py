"""How much one caller may ask: far more than anybody needs, each by themselves, and told how long to wait."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from api.app import create_app
from api.limits import RATES, Buckets, Rate
from api.services import Limits
from tests.api.hall import Exam, Hall, an_exam, refused, serving, sit


class Hand:
    """A clock whose hand a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_gives_its_burst_and_then_one_at_a_time() -> None:
    hand = Hand()
    buckets = Buckets({**RATES, "messages": Rate(3, 10)}, hand)
    assert [buckets.take("main", "ada", "messages") for _ in range(4)] == [0, 0, 0, 10]
    assert buckets.take("main", "alan", "messages") == 0
    assert buckets.take("other", "ada", "messages") == 0
    assert buckets.take("main", "ada", "commands") == 0
    hand.now += 4
    assert buckets.take("main", "ada", "messages") == 6, "who was refused has not used anything up"
    hand.now += 6
    assert [buckets.take("main", "ada", "messages") for _ in range(2)] == [0, 10]
    hand.now += 1000
    assert [buckets.take("main", "ada", "messages") for _ in range(4)] == [0, 0, 0, 10], "a burst is never saved up"


def test_buckets_that_are_full_again_are_not_kept() -> None:
    hand = Hand()
    buckets = Buckets(RATES, hand)
    for n in range(10_000):
        hand.now += 0.1
        assert buckets.take("main", f"candidate {n}", "reads") == 0
    assert len(buckets._full_at) <= 1001


@pytest.fixture
async def exam(hall: Hall) -> Exam:
    return await an_exam(hall, candidates=2)


async def test_each_candidate_and_each_account_has_a_bucket_of_its_own(exam: Exam) -> None:
    hall = exam.hall
    slow = Limits(rates={**RATES, "messages": Rate(2, 60), "commands": Rate(3, 60), "reads": Rate(4, 60)})
    async with serving(create_app(replace(hall.services, limits=slow))) as url:
        one, other, staff = (
            httpx.AsyncClient(base_url=url, headers={"Authorization": client.headers["authorization"]}, timeout=15)
            for client in (*exam.candidates, exam.invigilator)
        )
        for client, n in ((one, 0), (other, 1), (staff, 0)):
            at = f"/api/v1/sessions/{exam.sessions[n]}"
            for _ in range(2):
                assert (await client.post(f"{at}/messages", json={"text": "Hello"})).status_code == 201
            before = await hall.position()
            answer = await client.post(f"{at}/messages", json={"text": "Hello"})
            await refused(
                hall, answer, before, 429, "", "you are writing very fast, so this message was not sent; wait"
            )
            assert 50 < int(answer.headers["retry-after"]) <= 60
            assert answer.headers["retry-after"] in answer.json()["detail"]
            assert answer.json()["type"] == "urn:vigil:problem:wait"
            assert [(await client.get(at)).status_code for _ in range(5)] == [200] * 4 + [429]
        async with httpx.AsyncClient(base_url=url) as nobody:
            assert [(await nobody.get("/healthz")).status_code for _ in range(9)] == [200] * 9
        for client in (one, other, staff):
            await client.aclose()


async def test_a_chat_that_is_flooded_says_when_to_go_on_and_then_takes_the_same_request(hall: Hall) -> None:
    exam = await an_exam(hall)
    me, at = exam.candidates[0], f"/api/v1/sessions/{await sit(exam)}/messages"
    for n in range(20):
        assert (await me.post(at, json={"text": f"{n}"})).status_code == 201
    before, key = await hall.position(), {"Idempotency-Key": "the last"}
    answer = await me.post(at, json={"text": "Help"}, headers=key)
    await refused(hall, answer, before, 429, "", "send this again: it was not sent")
    assert 50 <= int(answer.headers["retry-after"]) <= 60
    hall.clock.ahead += timedelta(seconds=int(answer.headers["retry-after"]))
    sent = await me.post(at, json={"text": "Help"}, headers=key)
    assert sent.status_code == 201, sent.text
    again = await me.post(at, json={"text": "Help"}, headers=key)
    assert again.json() == sent.json()


async def test_the_description_says_how_fast_each_call_may_be_made(hall: Hall) -> None:
    paths = (await hall.http.get("/schema/openapi.json")).json()["paths"]
    said = paths["/api/v1/schedules/{schedule}/broadcasts"]["post"]["responses"]["429"]
    assert "60 at once" in said["description"]
    assert "Retry-After" in said["headers"]
    assert "429" not in paths["/api/v1/join"]["post"]["responses"]
    assert "429" in paths["/api/v1/schedules"]["get"]["responses"]


async def test_a_hall_full_of_people_never_meets_the_limits(hall: Hall) -> None:
    exam = await an_exam(hall)
    me, at = exam.candidates[0], f"/api/v1/sessions/{exam.sessions[0]}"
    answers = await asyncio.gather(*(me.get(at) for _ in range(200)))
    assert {answer.status_code for answer in answers} == {200}
