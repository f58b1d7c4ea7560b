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
from tests.api.hall import PASSWORD, Exam, Hall, an_exam, refused, sit
from tests.serving import serving


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
    assert "429" in paths["/api/v1/join"]["post"]["responses"]
    assert "429" in paths["/api/v1/schedules"]["get"]["responses"]


async def test_a_hall_full_of_people_never_meets_the_limits(hall: Hall) -> None:
    exam = await an_exam(hall)
    me, at = exam.candidates[0], f"/api/v1/sessions/{exam.sessions[0]}"
    answers = await asyncio.gather(*(me.get(at) for _ in range(200)))
    assert {answer.status_code for answer in answers} == {200}


async def test_a_join_link_that_is_opened_on_ever_new_devices_waits_and_no_other_one_does(hall: Hall) -> None:
    exam = await an_exam(hall, candidates=2)
    mine, other = exam.links
    slow = Limits(rates={**RATES, "joins": Rate(2, 60)})
    async with (
        serving(create_app(replace(hall.services, limits=slow))) as url,
        httpx.AsyncClient(base_url=url, timeout=60) as http,
    ):

        async def open_on(device: str, link: str = mine) -> httpx.Response:
            return await http.post("/api/v1/join", json={"token": link, "device": f"device-of-the-candidate-{device}"})

        assert [(await open_on(device)).status_code for device in "abbb"] == [200] * 4
        before = await hall.position()
        answer = await open_on("c")
        await refused(hall, answer, before, 429, "", "opened on very many devices; wait")
        assert 50 < int(answer.headers["retry-after"]) <= 60
        assert (await open_on("b")).status_code == 200, "where it is taken it may come again"
        assert (await open_on("c", other)).status_code == 200


async def test_a_school_behind_one_address_joins_at_once(hall: Hall) -> None:
    exam = await an_exam(hall, candidates=150)
    opened = [hall.http.post("/api/v1/join", json={"token": link}) for link in exam.links]
    assert {answer.status_code for answer in await asyncio.gather(*opened)} == {200}


async def test_invented_addresses_are_written_down_a_few_times_only_and_answered_like_any_other(hall: Hall) -> None:
    slow = Limits(rates={**RATES, "strangers": Rate(3, 3600)})
    real = "real.one@example.org"
    await hall.account("planner", email=real)
    async with (
        serving(create_app(replace(hall.services, limits=slow))) as url,
        httpx.AsyncClient(base_url=url, timeout=60) as http,
    ):

        async def guess(email: str, password: str = "guess") -> httpx.Response:
            return await http.post("/api/v1/sign-in", json={"email": email, "password": password})

        for n in range(3):
            assert (await guess(f"invented.{n}@example.org")).status_code == 401
        before = await hall.position()
        invented = [await guess("invented.again@example.org") for _ in range(6)]
        assert await hall.position() == before
        existing = [await guess(real) for _ in range(6)]
        assert [answer.status_code for answer in invented] == [401] * 5 + [429]
        assert [(one.status_code, one.json()) for one in invented] == [
            (one.status_code, one.json()) for one in existing
        ]
        assert 50 < int(invented[-1].headers["retry-after"]) <= 60
        both = await asyncio.gather(*(guess("invented.at.once@example.org") for _ in range(6)))
        assert sorted(answer.status_code for answer in both) == [401] * 5 + [429]
        spared = "somebody.else@example.org"
        await hall.account("planner", email=spared)
        before = await hall.position()
        assert (await guess(spared)).status_code == 401
        assert await hall.position() > before, "a guess at an account is always on its record"
        assert (await guess(spared, PASSWORD)).status_code == 200, "nobody waits for what a stranger did"
