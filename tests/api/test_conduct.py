"""How the API conducts itself: bodies are bounded, a key is one effect of many requests, every answer has the time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.services import Limits
from tests.api.hall import Exam, Hall, an_exam, refused, sit
from tests.api.reading import Reader
from tests.serving import serving

V1 = "/api/v1"
MORE = 5 * 1024 * 1024  # than a file of candidates may have


@pytest.fixture(scope="module")
async def exam(hall: Hall) -> Exam:
    exam = await an_exam(hall, candidates=3)
    for n in (0, 1):
        await sit(exam, n)
    return exam


# Bodies.


async def chunks(size: int) -> AsyncIterator[bytes]:
    for _ in range(0, size, 1000):
        yield b" " * 1000


async def test_a_body_is_bounded_whether_it_says_its_length_or_not(exam: Exam) -> None:
    hall = exam.hall
    app = create_app(replace(hall.services, limits=Limits(body_bytes=20_000)))
    async with serving(app) as url:
        for client, method, path in (
            (exam.planner, "POST", "/schedules"), (exam.planner, "PATCH", f"/schedules/{exam.schedule}"),
            (exam.planner, "PUT", f"/schedules/{exam.schedule}/policy"),
            (exam.planner, "POST", f"/schedules/{exam.schedule}/activate"),
            (exam.planner, "DELETE", f"/schedules/{exam.schedule}/invigilators/u"),
            (exam.candidates[0], "POST", f"/sessions/{exam.sessions[0]}/messages"),
            (exam.candidates[0], "POST", f"/sessions/{exam.sessions[0]}/submit"),
            (exam.candidates[0], "POST", f"/sessions/{exam.sessions[0]}/whip/camera"),
        ):  # fmt: skip
            before = await hall.position()
            for content in (b" " * 40_000, chunks(40_000)):
                async with httpx.AsyncClient(base_url=url, headers=client.headers) as http:
                    answer = await http.request(method, V1 + path, content=content)
                await refused(hall, answer, before, 413, "", "")
                assert answer.json()["type"] == "urn:vigil:problem:too-large"
    async with httpx.AsyncClient(base_url=hall.url, headers=exam.planner.headers, timeout=30) as http:
        path, before = f"{V1}/schedules/{exam.schedule}/candidates", await hall.position()
        head = {"Content-Type": "text/csv"}
        answer = await http.post(path, content=chunks(MORE), headers=head)
        await refused(hall, answer, before, 413, "", "")


async def test_a_body_that_nests_or_counts_without_end_does_no_harm(exam: Exam) -> None:
    hall, at = exam.hall, f"{V1}/schedules/{exam.schedule}"
    before = await hall.position()
    deep = "[" * 200_000
    huge = "9" * 5000
    bodies = (
        deep, deep + "]" * 200_000, '{"a":' * 100_000, '{"title":' + deep, f'{{"title": "x", "more": {deep}',
        f'{{"window": {{"opens_at": {deep}', f'{{"window": {{"more": {deep}', f'{{"duration_s": {huge}}}',
        '{"duration_s": 1e400}',
        '{"duration_s": -1e400}', '{"duration_s": NaN}', '{"title": "\\ud800"}', '{"title": "x"} {}', "nul", "\x00",
        f'{{"window": {{"opens_at": {huge}}}}}', '{"duration_s": 9223372036854775807}',
        '{"duration_s": 99999999999999999999}',
    )  # fmt: skip
    for body in bodies:
        answer = await exam.planner.patch(at, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 422), (body[:40], answer.status_code, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert len(answer.content) < 2000, "what was sent is not sent back"
    order = f"{V1}/sessions/{exam.sessions[0]}/interventions"
    for minutes in ("1e308", "-1e308", "1e9", huge, "1e400"):
        body = f'{{"kind": "extra_time", "minutes": {minutes}}}'
        answer = await exam.invigilator.post(order, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 409, 422), (minutes[:40], answer.status_code, answer.text)
    assert await hall.position() == before


# Keys.


async def orders(exam: Exam) -> list[tuple[httpx.AsyncClient, str, str, Any, Any]]:
    """Commands of every kind: who, method, path, body, and another body."""
    at, session = f"/schedules/{exam.schedule}", f"/sessions/{exam.sessions[0]}"
    window = (await exam.planner.get(V1 + at)).json()["window"]
    admin = await exam.hall.as_a("admin")
    flag = {"severity": "info", "note": "A cough"}
    incident = await exam.invigilator.post(f"{V1}{session}/incidents", json=flag)
    judged = f"{session}/incidents/{incident.json()['incident']}/verdict"
    person = {"name": "Ann", "email": "ann.of.the.key@example.org", "password": "a long enough one"}
    plan = {"title": "Once", "window": window, "duration_s": 3600}
    verdict = {"verdict": "dismissed", "reason": "Only a cough."}
    warning = {"kind": "warn", "text": "Stay in view.", "sessions": [exam.sessions[0]]}
    everybody = {"text": "Five minutes left.", "sessions": "all"}
    return [
        (exam.planner, "POST", "/schedules", plan, plan | {"title": "Twice"}),
        (exam.planner, "PATCH", at, {"title": "Renamed"}, {"title": "Renamed twice"}),
        (exam.planner, "PUT", f"{at}/policy", {"screen": False}, {"screen": True}),
        (exam.planner, "POST", "/policy-templates", {"name": "A", "policy": {}}, {"name": "B", "policy": {}}),
        (exam.planner, "POST", "/canned-messages", {"label": "A", "text": "A"}, {"label": "B", "text": "B"}),
        (exam.planner, "POST", f"{at}/candidates", {"name": "K", "number": f"{at}k"}, {"name": "K", "number": "k"}),
        (exam.planner, "POST", f"{at}/live-proctoring", {"enabled": False}, {"enabled": True}),
        (exam.planner, "POST", f"{at}/pin", {"enabled": True}, {"enabled": False}),
        (exam.invigilator, "POST", f"{session}/messages", {"text": "Once"}, {"text": "Twice"}),
        (exam.candidates[0], "POST", f"{session}/messages", {"text": "Once"}, {"text": "Twice"}),
        (exam.invigilator, "POST", f"{at}/broadcasts", everybody, everybody | {"text": "Four."}),
        (exam.invigilator, "POST", f"{at}/interventions", warning, warning | {"sessions": [exam.sessions[1]]}),
        (exam.invigilator, "POST", f"{session}/interventions", {"kind": "pause"}, {"kind": "resume"}),
        (exam.invigilator, "POST", f"{session}/incidents", flag, flag | {"note": "Two coughs"}),
        (exam.invigilator, "POST", judged, verdict, verdict | {"verdict": "unsure"}),
        (admin, "POST", "/users", person, person | {"name": "Anna"}),
    ]  # fmt: skip


def told(answer: httpx.Response) -> object:
    """An answer without the join link, which is another one each time, for the same session."""
    body = answer.json() if answer.content else None
    return {name: value for name, value in body.items() if name != "join_link"} if isinstance(body, dict) else body


async def test_a_key_makes_one_effect_of_many_requests_at_once(hall: Hall) -> None:
    exam = await an_exam(hall, candidates=2)
    await sit(exam)
    second = create_app(hall.services)
    async with serving(second) as url:
        for n, (client, method, path, body, other) in enumerate(await orders(exam)):
            what, key = f"{method} {path}", {"Idempotency-Key": f"a race {n}"}
            elsewhere = httpx.AsyncClient(base_url=url, headers=client.headers, timeout=15)
            answers = await asyncio.gather(
                *((client, elsewhere)[n % 2].request(method, V1 + path, json=body, headers=key) for n in range(6))
            )
            assert all(answer.is_success for answer in answers), (what, [answer.text for answer in answers])
            assert len({answer.status_code for answer in answers}) == 1, what
            assert all(told(answer) == told(answers[0]) for answer in answers), what
            assert len({answer.headers["vigil-position"] for answer in answers}) == 1, what
            before = await hall.position()
            again = await client.request(method, V1 + path, json=body, headers=key)
            assert (again.status_code, told(again)) == (answers[0].status_code, told(answers[0])), what
            assert await hall.position() == before
            reused = await client.request(method, V1 + path, json=other, headers=key)
            await refused(hall, reused, before, 422, "Idempotency-Key", "used for another request")
            await elsewhere.aclose()


async def test_a_key_is_for_one_path_and_one_person(exam: Exam) -> None:
    hall, key = exam.hall, {"Idempotency-Key": "whose is it"}
    one, other = (f"{V1}/sessions/{session}/messages" for session in exam.sessions[:2])
    first = await exam.invigilator.post(one, json={"text": "Hello"}, headers=key)
    before = await hall.position()
    elsewhere = await exam.invigilator.post(other, json={"text": "Hello"}, headers=key)
    await refused(hall, elsewhere, before, 422, "Idempotency-Key", "used for another request")
    theirs = await exam.candidates[0].post(one, json={"text": "Hello"}, headers=key)
    assert theirs.json()["message"] != first.json()["message"]
    before = await hall.position()
    long = await exam.invigilator.post(one, json={"text": "Hello"}, headers={"Idempotency-Key": "x" * 201})
    await refused(hall, long, before, 400, "Idempotency-Key", "200")


async def test_a_key_is_for_one_query_too(exam: Exam) -> None:
    hall, key = exam.hall, {"Idempotency-Key": "which sign-out"}
    client = await hall.as_a("reviewer", "leaves.twice@example.org")
    assert (await client.post(f"{V1}/sign-out", headers=key)).status_code == 204
    before = await hall.position()
    everywhere = await client.post(f"{V1}/sign-out?everywhere=true", headers=key)
    await refused(hall, everywhere, before, 422, "Idempotency-Key", "used for another request")


async def test_of_two_bodies_under_one_key_at_once_one_is_done(exam: Exam) -> None:
    at = f"{V1}/sessions/{exam.sessions[1]}/messages"
    for n in range(5):
        key = {"Idempotency-Key": f"two bodies {n}"}
        answers = await asyncio.gather(
            *(exam.invigilator.post(at, json={"text": f"{text} {n}"}, headers=key) for text in ("one", "two"))
        )
        assert sorted(answer.status_code for answer in answers) == [201, 422]


async def test_a_refusal_is_the_same_again_under_its_key(exam: Exam) -> None:
    hall, key = exam.hall, {"Idempotency-Key": "too early"}
    at = f"{V1}/sessions/{exam.sessions[2]}/interventions"
    before = await hall.position()
    for _ in range(2):
        answer = await exam.invigilator.post(at, json={"kind": "pause"}, headers=key)
        await refused(hall, answer, before, 409, "", "cannot be paused")


# Time.


def time_of(answer: httpx.Response) -> datetime:
    return datetime.fromisoformat(answer.headers["vigil-server-time"])


async def test_every_answer_tells_the_servers_time(exam: Exam) -> None:
    hall, session = exam.hall, exam.sessions[0]
    me = exam.candidates[0]
    for answer in (
        await me.get(f"{V1}/sessions/{session}"), await me.post(f"{V1}/sessions/{session}/messages", json={"text": ""}),
        await hall.http.get(f"{V1}/me"), await hall.http.get("/healthz"), await hall.http.get("/nosuch"),
    ):  # fmt: skip
        assert abs(time_of(answer) - hall.clock()) < timedelta(seconds=30), answer.url
        assert time_of(answer).tzinfo == UTC
    first = await me.get(f"{V1}/sessions/{session}")
    again = await me.get(f"{V1}/sessions/{session}", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert time_of(again) >= time_of(first)
    assert first.json()["window"]["time_zone"] == "Europe/Vienna"


async def test_streams_tell_it_with_their_snapshots(exam: Exam) -> None:
    live = f"{V1}/schedules/{exam.schedule}/live"
    for client, path in (
        (exam.invigilator, f"{live}/stream"), (exam.candidates[0], f"{V1}/sessions/{exam.sessions[0]}/stream"),
    ):  # fmt: skip
        async with Reader(client, path) as stream:
            snapshot = (await stream.next("snapshot")).data
        assert abs(datetime.fromisoformat(snapshot["server_time"]) - exam.hall.clock()) < timedelta(seconds=30)
        assert snapshot["time_zone"] == "Europe/Vienna"
    whole = (await exam.invigilator.get(live)).json()
    assert whole["time_zone"] == "Europe/Vienna"


async def test_the_description_names_the_headers(hall: Hall) -> None:
    paths = (await hall.http.get("/schema/openapi.json")).json()["paths"]

    def headers(path: str, method: str) -> set[str]:
        return {one["name"] for one in paths[V1 + path][method].get("parameters", ()) if one["in"] == "header"}

    assert headers("/schedules/{schedule}", "patch") == {"Idempotency-Key", "If-Match"}
    assert "412" in paths[f"{V1}/schedules/{{schedule}}"]["patch"]["responses"]
    assert headers("/schedules", "post") == {"Idempotency-Key"}
    assert headers("/join", "post") == set()
    versioned = {path for path, item in paths.items() if "304" in item.get("get", {}).get("responses", ())}
    assert versioned == {
        f"{V1}{path}"
        for path in (
            "/schedules/{schedule}", "/schedules/{schedule}/policy", "/policy-templates/{template}",
            "/canned-messages/{canned}", "/sessions/{session}", "/sessions/{session}/record",
        )
    }  # fmt: skip
    for path in versioned:
        assert headers(path.removeprefix(V1), "get") == {"If-None-Match"}
        assert "ETag" in paths[path]["get"]["responses"]["200"]["headers"]
