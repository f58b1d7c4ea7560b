"""The identity check over HTTP: pictures in, the list of who waits, decisions, and what a reviewer finds."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from io import BytesIO

import httpx
import pytest
from PIL import Image

from commands import identity, sessions
from commands.handler import Order
from domain import session_rules
from tests.api.hall import CHECKS, Exam, Hall, an_exam, refused

V1 = "/api/v1"


def picture(kind: str = "JPEG", size: tuple[int, int] = (640, 480), shade: int = 90) -> bytes:
    out = BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "the maker of this camera"
    Image.new("RGB", size, (shade, 120, 150)).save(out, kind, exif=exif)
    return out.getvalue()


async def an_exam_that_asks(hall: Hall, candidates: int = 1) -> Exam:
    exam = await an_exam(hall, candidates)
    at = f"{V1}/schedules/{exam.schedule}/policy"
    policy = {"identity": True}
    assert (await exam.planner.put(at, json=policy)).status_code in (200, 204)
    return exam


def path(exam: Exam, number: int = 0) -> str:
    return f"{V1}/sessions/{exam.sessions[number]}"


async def ready(exam: Exam, number: int = 0) -> str:
    """Brings a candidate to the identity check, and gives the path of their session."""
    me, at = exam.candidates[number], path(exam, number)
    told = (await me.get(f"{at}/notice")).json()
    answer = {"policy_version": told["policy_version"], "sha256": told["sha256"]}
    assert (await me.post(f"{at}/notice", json=answer)).status_code == 204
    assert (await me.post(f"{at}/system-check", json={"checks": CHECKS})).json() == {"passed": True, "advice": []}
    return at


async def put(me: httpx.AsyncClient, at: str, raw: bytes, kind: str = "image/jpeg") -> httpx.Response:
    return await me.put(at, content=raw, headers={"Content-Type": kind})


async def show(exam: Exam, number: int = 0, shade: int = 90) -> str:
    """Takes both pictures."""
    me, at = exam.candidates[number], path(exam, number)
    assert (await put(me, f"{at}/identity/photo", picture(shade=shade))).status_code == 204
    assert (await put(me, f"{at}/identity/document", picture("PNG", shade=shade), "image/png")).status_code == 204
    return at


async def seen(hall: Hall) -> dict[str, str]:
    """The header with which a reader sees all that was done so far."""
    return {"Vigil-At-Least": str(await hall.position())}


async def waiting(exam: Exam, client: httpx.AsyncClient | None = None) -> list[dict[str, object]]:
    at = f"{V1}/schedules/{exam.schedule}/waiting"
    answer = await (client or exam.invigilator).get(at, headers=await seen(exam.hall))
    assert answer.status_code == 200, answer.text
    found: list[dict[str, object]] = answer.json()["waiting"]
    return found


async def test_who_shows_their_pictures_is_let_in_by_a_person_and_starts(hall: Hall) -> None:
    exam = await an_exam_that_asks(hall)
    at = await ready(exam)
    me = exam.candidates[0]
    before = await hall.position()
    await refused(hall, await me.post(f"{at}/start"), before, 409, "identity", "take the pictures")
    await show(exam)
    before = await hall.position()
    await refused(hall, await me.post(f"{at}/start"), before, 409, "identity", "looking at your pictures")
    (one,) = await waiting(exam)
    assert (one["session"], one["name"], one["standing"]) == (exam.sessions[0], "Candidate 0", "waiting")
    assert one["reference"] is None
    for which in ("photo", "document"):
        got = await exam.invigilator.get(str(one[which]))
        assert got.headers["content-type"] == "image/jpeg"
        assert Image.open(BytesIO(got.content)).size == (640, 480)
        assert b"maker of this camera" not in got.content
    assert (await exam.invigilator.post(f"{at}/identity/decision", json={"decision": "approve"})).status_code == 204
    assert await waiting(exam) == []
    assert (await me.get(f"{at}/view")).json()["identity"] == {
        "kind": "identity", "standing": "approved", "pictures": ["document", "photo"], "reason": "",
    }  # fmt: skip
    assert (await me.post(f"{at}/start")).status_code == 200
    reviewer = await hall.as_a("reviewer")
    record = (await reviewer.get(f"{at}/record", headers=await seen(hall))).json()["record"]
    assert record["identity"]["standing"] == "approved"
    assert record["identity"]["by"] == hall.user("invigilator@example.org")
    assert not record["identity_owed"]
    assert record["views"] == 2


async def test_pictures_lie_sealed_and_their_names_tell_nothing(hall: Hall) -> None:
    exam = await an_exam_that_asks(hall)
    at = await ready(exam)
    await show(exam)
    stream = f"main/session/{exam.sessions[0]}"
    _, state = await hall.services.handler.load(session_rules.DECIDER, stream, fresh=True)
    assert set(state.identity.pictures) == {"photo", "document"}
    for one in state.identity.pictures.values():
        raw = await hall.core.objects.get(one.object_key)
        assert b"JFIF" not in raw
    before = await hall.position()
    assert (await put(exam.candidates[0], f"{at}/identity/photo", picture())).status_code == 204
    assert await hall.position() == before, "the same picture again is the same picture"


@pytest.mark.parametrize(
    ("raw", "kind", "status", "rule"),
    [
        (b"GIF89a not one of ours", "image/gif", 415, "JPEG or PNG"),
        (b"\xff\xd8\xff and nothing of a picture", "image/jpeg", 422, "cannot be read"),
        (picture()[:400], "image/jpeg", 422, "cannot be read"),
        (picture(size=(100, 400)), "image/jpeg", 422, "too small"),
        (picture("PNG", size=(9000, 6000)), "image/png", 422, "million pixels"),
    ],
    ids=["another kind", "no picture", "torn", "too small", "too large"],
)
async def test_what_is_no_picture_is_refused(hall: Hall, raw: bytes, kind: str, status: int, rule: str) -> None:
    exam = await an_exam_that_asks(hall)
    at = await ready(exam)
    before = await hall.position()
    await refused(hall, await put(exam.candidates[0], f"{at}/identity/photo", raw, kind), before, status, "body", rule)


async def test_pictures_come_in_order_and_only_where_they_are_asked_for(hall: Hall) -> None:
    exam = await an_exam(hall)
    me, at = exam.candidates[0], path(exam)
    before = await hall.position()
    answer = await put(me, f"{at}/identity/photo", picture())
    await refused(hall, answer, before, 409, "identity", "no identity check")
    asks = await an_exam_that_asks(hall)
    me, at = asks.candidates[0], path(asks)
    before = await hall.position()
    answer = await put(me, f"{at}/identity/photo", picture())
    await refused(hall, answer, before, 409, "notice", "acknowledge the notice")
    assert (await put(me, f"{at}/identity/passport", picture())).status_code == 404
    large = await put(me, f"{at}/identity/photo", bytes(6 * 1024 * 1024))
    assert large.status_code == 413, large.text


async def test_rejected_pictures_are_taken_again_and_the_candidate_is_told_why(hall: Hall) -> None:
    exam = await an_exam_that_asks(hall)
    at = await ready(exam)
    await show(exam)
    decision = f"{at}/identity/decision"
    before = await hall.position()
    for body, field, status in (
        ({"decision": "reject"}, "reason", 422),
        ({"decision": "reject", "reason": " "}, "reason", 422),
        ({"decision": "approve", "route": "other"}, "reason", 422),
        ({"decision": "dispute", "reason": "x"}, "decision", 409),
    ):
        await refused(hall, await exam.invigilator.post(decision, json=body), before, status, field, "")
    no = {"decision": "reject", "reason": "The document is too dark."}
    assert (await exam.invigilator.post(decision, json=no)).status_code == 204
    told = (await exam.candidates[0].get(f"{at}/view")).json()["identity"]
    assert (told["standing"], told["reason"]) == ("rejected", "The document is too dark.")
    before = await hall.position()
    answer = await exam.candidates[0].post(f"{at}/start")
    await refused(hall, answer, before, 409, "identity", "take new ones")
    assert await waiting(exam) == []
    await show(exam, shade=200)
    assert [one["standing"] for one in await waiting(exam)] == ["waiting"]
    assert (await exam.invigilator.post(decision, json={"decision": "approve"})).status_code == 204
    assert (await exam.candidates[0].post(f"{at}/start")).status_code == 200


async def test_two_who_decide_at_once_and_the_second_is_told_who_and_what(hall: Hall) -> None:
    exam = await an_exam_that_asks(hall)
    at = await ready(exam)
    await show(exam)
    second = await hall.as_a("invigilator", "second@example.org")
    there = f"{V1}/schedules/{exam.schedule}/invigilators"
    await exam.planner.post(there, json={"user": hall.user("second@example.org")})
    no = {"decision": "reject", "reason": "It is somebody else."}
    answers = await asyncio.gather(
        exam.invigilator.post(f"{at}/identity/decision", json={"decision": "approve"}),
        second.post(f"{at}/identity/decision", json=no),
    )
    assert sorted(answer.status_code for answer in answers) == [204, 409]
    late = next(answer for answer in answers if answer.status_code == 409)
    assert "The invigilator has" in late.json()["errors"][0]["rule"], late.text
    assert late.json()["errors"][0]["field"] == "decision"


async def test_who_starts_with_a_deferred_decision_is_owed_one_and_a_reviewer_finds_it(hall: Hall) -> None:
    exam = await an_exam_that_asks(hall, candidates=2)
    known, at = await ready(exam), await ready(exam, 1)
    await show(exam, 1)
    later = {"decision": "defer", "reason": "The document will be brought."}
    assert (await exam.invigilator.post(f"{at}/identity/decision", json=later)).status_code == 204
    way = {"decision": "approve", "route": "in_person"}
    assert (await exam.invigilator.post(f"{known}/identity/decision", json=way)).status_code == 204
    for me, session in zip(exam.candidates, (known, at), strict=True):
        assert (await me.post(f"{session}/start")).status_code == 200
    assert [one["standing"] for one in await waiting(exam)] == ["deferred"]
    for me, session in zip(exam.candidates, (known, at), strict=True):
        assert (await me.post(f"{session}/submit")).status_code == 200
    assert await waiting(exam) == []
    reviewer = await hall.as_a("reviewer")
    record = (await reviewer.get(f"{at}/record", headers=await seen(hall))).json()["record"]
    assert (record["identity"]["standing"], record["identity_owed"]) == ("deferred", True)
    gradebook = f"{V1}/schedules/{exam.schedule}/gradebook"
    records = (await reviewer.get(gradebook, headers=await seen(hall))).json()["records"]
    assert [record["name"] for record in records] == ["Candidate 1", "Candidate 0"]
    before = await hall.position()
    late = await exam.invigilator.post(f"{at}/identity/decision", json={"decision": "approve"})
    await refused(hall, late, before, 409, "", "a reviewer decides now")
    found = {"finding": "same_person", "reason": "The document was shown afterwards."}
    assert (await reviewer.post(f"{at}/identity/finding", json=found)).status_code == 204
    record = (await reviewer.get(f"{at}/record", headers=await seen(hall))).json()["record"]
    assert (record["identity"]["finding"], record["identity_owed"]) == ("same_person", False)


async def test_a_doubt_lets_the_candidate_go_on(hall: Hall) -> None:
    exam = await an_exam_that_asks(hall)
    at = await ready(exam)
    reviewer = await hall.as_a("reviewer")
    way = {"decision": "approve", "route": "in_person"}
    assert (await exam.invigilator.post(f"{at}/identity/decision", json=way)).status_code == 204
    assert (await exam.candidates[0].post(f"{at}/start")).status_code == 200
    doubt = {"decision": "dispute", "reason": "Somebody else sits there now."}
    assert (await exam.invigilator.post(f"{at}/identity/decision", json=doubt)).status_code == 204
    assert (await exam.candidates[0].get(at)).json()["clock"]["phase"] == "in_progress"
    record = (await reviewer.get(f"{at}/record", headers=await seen(hall))).json()["record"]
    assert record["identity_owed"]


async def test_a_reference_photo_is_there_to_compare_with(hall: Hall) -> None:
    exam = await an_exam_that_asks(hall, candidates=2)
    at = f"{V1}/schedules/{exam.schedule}/candidates/{exam.sessions[0]}/reference-photo"
    assert (await put(exam.planner, at, picture())).status_code == 204
    gone = f"{V1}/schedules/{exam.schedule}/candidates/{exam.sessions[1]}"
    assert (await exam.planner.delete(gone)).status_code == 204
    assert (await put(exam.planner, f"{gone}/reference-photo", picture())).status_code == 404
    await ready(exam)
    await show(exam)
    (one,) = await waiting(exam)
    assert (await exam.invigilator.get(str(one["reference"]))).status_code == 200
    assert (await waiting(exam, exam.planner))[0]["session"] == exam.sessions[0]


async def test_whom_an_accommodation_spares_the_pictures_stands_on_the_list_and_is_seen(hall: Hall) -> None:
    exam = await an_exam_that_asks(hall)
    granted = [{"session": exam.sessions[0], "identity_route": "in_person"}]
    answer = await exam.planner.post(f"{V1}/schedules/{exam.schedule}/accommodations", json=granted)
    assert answer.status_code == 200, answer.text
    at = await ready(exam)
    before = await hall.position()
    await refused(hall, await exam.candidates[0].post(f"{at}/start"), before, 409, "identity", "no pictures")
    (one,) = await waiting(exam)
    assert (one["standing"], one["route"], one["photo"], one["since"]) == ("none", "in_person", None, None)
    following = f"{V1}/schedules/{exam.schedule}/waiting/next"
    assert (await exam.invigilator.post(following)).json()["waiting"]["session"] == exam.sessions[0]
    way = {"decision": "approve", "route": "in_person"}
    assert (await exam.invigilator.post(f"{at}/identity/decision", json=way)).status_code == 204
    assert await waiting(exam) == []
    assert (await exam.candidates[0].post(f"{at}/start")).status_code == 200


async def test_what_one_looks_at_the_other_is_not_given(hall: Hall) -> None:
    exam = await an_exam_that_asks(hall, candidates=2)
    await hall.as_a("invigilator", "second@example.org")
    second = await hall.as_a("invigilator", "second@example.org")
    there = f"{V1}/schedules/{exam.schedule}/invigilators"
    await exam.planner.post(there, json={"user": hall.user("second@example.org")})
    for number in range(2):
        await ready(exam, number)
        await show(exam, number)
    following = f"{V1}/schedules/{exam.schedule}/waiting/next"
    first = (await exam.invigilator.post(following, headers=await seen(hall))).json()["waiting"]
    assert first["session"] == exam.sessions[0]
    assert first["taken_by"] == hall.user("invigilator@example.org")
    again = (await exam.invigilator.post(following, headers=await seen(hall))).json()["waiting"]
    assert again["session"] == exam.sessions[0], "who has somebody in hand gets them again"
    other = (await second.post(following, headers=await seen(hall))).json()["waiting"]
    assert other["session"] == exam.sessions[1]
    before = await hall.position()
    held = await second.post(f"{path(exam)}/identity/take")
    await refused(hall, held, before, 409, "taken_by", "The invigilator is looking at it")
    hall.clock.ahead += timedelta(seconds=61)
    assert (await second.post(f"{path(exam)}/identity/take")).status_code == 204
    assert {one["taken_by_name"] for one in await waiting(exam)} == {"The invigilator", None}


@pytest.mark.slow
@pytest.mark.alone
async def test_150_who_arrive_at_once_are_let_in_by_two_and_nothing_is_done_twice(hall: Hall) -> None:
    exam = await an_exam_that_asks(hall, candidates=150)
    second = await hall.as_a("invigilator", "second@example.org")
    there = f"{V1}/schedules/{exam.schedule}/invigilators"
    await exam.planner.post(there, json={"user": hall.user("second@example.org")})
    told = (await exam.candidates[0].get(f"{path(exam)}/notice")).json()
    version, sha256 = told["policy_version"], told["sha256"]

    async def arrive(session: str) -> None:
        def order(key: str) -> Order:
            return Order(
                tenant="main", actor="arriving", key=f"{session} {key}", request=bytes(32), at=hall.clock()
            )  # fmt: skip

        run = hall.services.handler.run
        notice = partial(sessions.acknowledge_notice, name=session, policy_version=version, sha256=sha256)
        await run(order("notice"), notice)
        for what in ("photo", "document"):
            stored = partial(identity.capture, name=session, picture=what, object_key=f"{session}/{what}", sha256="5f")  # type: ignore[arg-type]
            await run(order(what), stored)

    arriving = asyncio.gather(*(arrive(session) for session in exam.sessions))
    approved: list[str] = []

    async def work(invigilator: httpx.AsyncClient) -> None:
        """Takes the next one and decides, until everybody is in."""
        following = f"{V1}/schedules/{exam.schedule}/waiting/next"
        while len(approved) < len(exam.sessions):
            answer = await invigilator.post(following)
            assert answer.status_code == 200, answer.text
            if (one := answer.json()["waiting"]) is None:
                await asyncio.sleep(0.05)
                continue
            decided = await invigilator.post(
                f"{V1}/sessions/{one['session']}/identity/decision", json={"decision": "approve"}
            )
            assert decided.status_code == 204, decided.text
            approved.append(one["session"])

    async with asyncio.timeout(120):
        await asyncio.gather(arriving, work(exam.invigilator), work(second))
    assert sorted(approved) == sorted(exam.sessions)
    assert await waiting(exam) == []
