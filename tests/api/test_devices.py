"""One device at a time: the newest before the start, and the one that an invigilator admits while the exam runs."""

from __future__ import annotations

import asyncio

import httpx

from tests.api.fake_media import FakeMedia
from tests.api.hall import Exam, Hall, an_exam, join, refused, sit
from tests.api.test_identity import an_exam_that_asks, ready, seen, show
from tests.api.test_whip import HEAD, OFFER

V1 = "/api/v1"
OTHER = "another-browser-somewhere"


async def elsewhere(exam: Exam, number: int = 0) -> tuple[httpx.AsyncClient, bool]:
    """Opens the link on another device: a client for it, and whether that is live."""
    answer = await join(exam.hall, exam.links[number], OTHER)
    assert answer.status_code == 200, answer.text
    return exam.hall.bearing(answer.json()["token"]), answer.json()["live"]


async def asking(exam: Exam) -> list[dict[str, str]]:
    at = f"{V1}/schedules/{exam.schedule}/waiting"
    found: list[dict[str, str]] = (await exam.invigilator.get(at, headers=await seen(exam.hall))).json()["devices"]
    return found


async def test_before_the_start_the_newest_device_holds_and_the_older_one_is_told(hall: Hall) -> None:
    exam = await an_exam(hall)
    at = f"{V1}/sessions/{exam.sessions[0]}"
    me = exam.candidates[0]
    assert (await me.get(at)).status_code == 200
    other, live = await elsewhere(exam)
    assert live
    assert (await other.get(at)).status_code == 200
    turned = await me.get(at)
    assert turned.status_code == 403
    assert turned.json()["type"] == "urn:vigil:problem:other-device"
    assert "open your link again" in turned.json()["detail"]
    assert (await me.get(f"{at}/devices/mine")).json() == {"standing": "not_live"}
    before = await hall.position()
    await refused(hall, await me.post(f"{at}/devices"), before, 409, "", "nobody has to be asked")
    assert (await join(hall, exam.links[0])).json()["live"]
    assert (await me.get(at)).status_code == 200
    assert (await other.get(at)).status_code == 403


async def test_the_same_browser_comes_back_as_often_as_it_likes(hall: Hall) -> None:
    exam = await an_exam(hall)
    await sit(exam)
    before = await hall.position()
    for _ in range(2):
        answer = await join(hall, exam.links[0])
        assert answer.json()["live"]
        back = hall.bearing(answer.json()["token"])
        assert (await back.get(f"{V1}/sessions/{exam.sessions[0]}")).status_code == 200
    assert await hall.position() == before


async def test_who_tells_no_key_is_given_one_and_the_same_when_the_answer_got_lost(hall: Hall) -> None:
    exam = await an_exam(hall)
    head = {"Idempotency-Key": "one try of a program"}
    body = {"token": exam.links[0]}
    first, again = [await hall.http.post(f"{V1}/join", json=body, headers=head) for _ in range(2)]
    assert first.json()["device"] == again.json()["device"]
    assert again.json()["live"]
    third = await hall.http.post(f"{V1}/join", json=body)
    assert third.json()["device"] != first.json()["device"]
    kept = await hall.http.post(f"{V1}/join", json={**body, "device": third.json()["device"]})
    assert kept.json()["device"] == third.json()["device"]
    for bad in ("short", "x" * 101, "not-allowed-here!!"):
        assert (await hall.http.post(f"{V1}/join", json={**body, "device": bad})).status_code == 400


async def test_while_the_exam_runs_a_second_device_asks_and_is_admitted_and_the_first_is_cut_off(hall: Hall) -> None:
    exam = await an_exam(hall)
    await sit(exam)
    me, at = exam.candidates[0], f"{V1}/sessions/{exam.sessions[0]}"
    async with FakeMedia(hall.core.nats, "devices") as worker:
        async with asyncio.timeout(10):
            while not hall.services.workers.alive():
                await asyncio.sleep(0.05)
        assert (await me.post(f"{at}/whip/camera", content=OFFER, headers=HEAD)).status_code == 201
        other, live = await elsewhere(exam)
        assert not live
        for path in (at, f"{at}/view", f"{at}/stream"):
            assert (await other.get(path)).status_code == 403
        assert (await other.post(f"{at}/submit")).status_code == 403
        assert (await other.get(f"{at}/devices/mine")).json() == {"standing": "not_live"}
        assert (await other.post(f"{at}/devices")).json() == {"standing": "asking"}
        assert (await me.get(f"{at}/view")).json()["devices"] == {"kind": "devices", "asking": 1}
        (one,) = await asking(exam)
        assert (one["session"], one["name"]) == (exam.sessions[0], "Candidate 0")
        admission = f"{at}/devices/{one['device']}/admission"
        assert (await me.post(admission)).status_code == 403
        assert (await exam.invigilator.post(admission)).status_code == 204
        assert (await exam.invigilator.post(admission)).status_code == 204
        (hung_up,) = worker.hung_up
        assert (hung_up.track, hung_up.connection, hung_up.why) == ("camera", 1, "replaced")
        assert (await other.get(f"{at}/devices/mine")).json() == {"standing": "live"}
        assert (await other.get(at)).status_code == 200
        for turned in (
            await me.get(at), await me.get(f"{at}/stream"), await me.post(f"{at}/submit"),
            await me.post(f"{at}/whip/camera", content=OFFER, headers=HEAD),
        ):  # fmt: skip
            assert turned.status_code == 403, turned.text
        assert (await other.post(f"{at}/whip/camera", content=OFFER, headers=HEAD)).status_code == 201
    assert await asking(exam) == []
    assert (await other.post(f"{at}/submit")).status_code == 200
    assert (await me.get(at)).status_code == 200, "what is over can be read from everywhere"


async def test_the_stream_of_the_first_device_ends_when_another_is_admitted(hall: Hall) -> None:
    exam = await an_exam(hall)
    await sit(exam)
    me, at = exam.candidates[0], f"{V1}/sessions/{exam.sessions[0]}"
    other, _ = await elsewhere(exam)
    await other.post(f"{at}/devices")
    (one,) = await asking(exam)
    async with me.stream("GET", f"{at}/stream") as stream:
        assert stream.status_code == 200
        assert (await exam.invigilator.post(f"{at}/devices/{one['device']}/admission")).status_code == 204
        async with asyncio.timeout(5):
            async for _ in stream.aiter_bytes():
                pass


async def test_a_device_is_refused_and_may_ask_again(hall: Hall) -> None:
    exam = await an_exam(hall)
    await sit(exam)
    at = f"{V1}/sessions/{exam.sessions[0]}"
    other, _ = await elsewhere(exam)
    await other.post(f"{at}/devices")
    (one,) = await asking(exam)
    assert (await exam.invigilator.post(f"{at}/devices/{one['device']}/refusal")).status_code == 204
    assert await asking(exam) == []
    assert (await other.get(f"{at}/devices/mine")).json() == {"standing": "refused"}
    assert (await exam.candidates[0].get(at)).status_code == 200
    before = await hall.position()
    late = await exam.invigilator.post(f"{at}/devices/{one['device']}/admission")
    await refused(hall, late, before, 409, "device", "does not ask")
    assert (await other.post(f"{at}/devices")).json() == {"standing": "asking"}


async def test_who_was_let_in_on_one_device_does_not_start_on_another(hall: Hall) -> None:
    exam = await an_exam_that_asks(hall)
    at = await ready(exam)
    await show(exam)
    assert (await exam.invigilator.post(f"{at}/identity/decision", json={"decision": "approve"})).status_code == 204
    other, live = await elsewhere(exam)
    assert live
    before = await hall.position()
    await refused(hall, await other.post(f"{at}/start"), before, 409, "identity", "take the pictures")


async def test_on_another_device_the_candidate_shows_again_who_they_are(hall: Hall) -> None:
    exam = await an_exam_that_asks(hall)
    at = await ready(exam)
    way = {"decision": "approve", "route": "in_person"}
    assert (await exam.invigilator.post(f"{at}/identity/decision", json=way)).status_code == 204
    assert (await exam.candidates[0].post(f"{at}/start")).status_code == 200
    other, _ = await elsewhere(exam)
    await other.post(f"{at}/devices")
    (one,) = await asking(exam)
    assert (await exam.invigilator.post(f"{at}/devices/{one['device']}/admission")).status_code == 204
    told = (await other.get(f"{at}/view")).json()
    assert (told["identity"]["standing"], told["session"]["phase"]) == ("deferred", "in_progress")
    exam.candidates[0].headers["Authorization"] = other.headers["Authorization"]
    await show(exam)
    listed = await exam.invigilator.get(f"{V1}/schedules/{exam.schedule}/waiting", headers=await seen(hall))
    assert [row["standing"] for row in listed.json()["waiting"]] == ["deferred"]
