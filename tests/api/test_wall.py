"""The wall: thumbnails of a schedule's own candidates, for those who are on it, from Vigil's own pages."""

from __future__ import annotations

import asyncio
import json
import struct
import time
from datetime import UTC, datetime

import msgspec
import pytest
from nats.aio.msg import Msg
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from api.wall import Wall
from domain.messages import Picture
from tests.api.hall import PASSWORD, Exam, Hall, an_exam


@pytest.fixture(scope="module")
async def exam(hall: Hall) -> Exam:
    return await an_exam(hall, candidates=2)


async def cookie(hall: Hall, email: str) -> str:
    body = {"email": email, "password": PASSWORD, "keep": "cookie"}
    return (await hall.http.post("/api/v1/sign-in", json=body)).headers["set-cookie"].split(";")[0]


def at(exam: Exam) -> str:
    return f"{exam.hall.url.replace('http', 'ws')}/api/v1/schedules/{exam.schedule}/wall"


def opened(exam: Exam, cookie: str, origin: str | None = "http://vigil.test") -> connect:
    headers = {"Cookie": cookie} | ({"Origin": origin} if origin else {})
    return connect(at(exam), additional_headers=headers)


def picture(session: str, thumbnail: bytes, tenant: str = "main") -> Picture:
    return Picture(
        tenant=tenant, session=session, track="camera", at=datetime.now(UTC), width=640, height=480, jpeg=b"640 pixels",
        thumbnail=thumbnail,
    )  # fmt: skip


async def show(hall: Hall, session: str, thumbnail: bytes, tenant: str = "main") -> None:
    message = msgspec.msgpack.encode(picture(session, thumbnail, tenant))
    await hall.services.nats.publish(f"vigil.picture.{session}.camera", message)


def unpack(frame: bytes) -> dict[str, bytes]:
    found, place = {}, 0
    while place < len(frame):
        (length,) = struct.unpack_from("!H", frame, place)
        session = frame[place + 2 : place + 2 + length].decode()
        _, size = struct.unpack_from("!dI", frame, place + 2 + length)
        start = place + 2 + length + 12
        found[session] = frame[start : start + size]
        place = start + size
    return found


async def next_frame(socket: ClientConnection) -> dict[str, bytes]:
    async with asyncio.timeout(5):
        frame = await socket.recv()
    assert isinstance(frame, bytes)
    return unpack(frame)


async def test_thumbnails_of_ones_own_candidates_come_in_one_message(exam: Exam) -> None:
    async with opened(exam, await cookie(exam.hall, "invigilator@example.org")) as socket:
        await asyncio.sleep(0.2)
        await show(exam.hall, exam.sessions[0], b"old")
        await show(exam.hall, exam.sessions[0], b"new")
        await show(exam.hall, exam.sessions[1], b"one")
        await show(exam.hall, "somebodyelse", b"no")
        await show(exam.hall, exam.sessions[1], b"no", tenant="another")
        seen: dict[str, bytes] = {}
        while len(seen) < 2:
            seen |= await next_frame(socket)
        assert seen == {exam.sessions[0]: b"new", exam.sessions[1]: b"one"}
        await show(exam.hall, exam.sessions[1], b"two")
        assert await next_frame(socket) == {exam.sessions[1]: b"two"}


async def test_a_viewer_chooses_how_often_whom_and_how_large(exam: Exam) -> None:
    first, second = exam.sessions
    async with opened(exam, await cookie(exam.hall, "invigilator@example.org")) as socket:
        await socket.send(json.dumps({"size": "large", "sessions": [second, first, "somebodyelse"]}))
        await asyncio.sleep(0.2)
        for session in (first, second, "somebodyelse"):
            await show(exam.hall, session, b"small")
        seen: dict[str, bytes] = {}
        while len(seen) < 2:
            seen |= (frame := await next_frame(socket))
        assert seen == {second: b"640 pixels", first: b"640 pixels"}
        if len(frame) == 2:
            assert list(frame) == [second, first]
        await socket.send(json.dumps({"every_s": 2, "sessions": [first]}))
        assert await next_frame(socket) == {first: b"small"}
        began = time.monotonic()
        for _ in range(2):
            await show(exam.hall, first, b"more")
            await show(exam.hall, second, b"more")
            assert await next_frame(socket) == {first: b"more"}
        assert time.monotonic() - began > 1.5
        for bad, field in (({"every_s": 0}, "every_s"), ({"colour": True}, "colour")):
            await socket.send(json.dumps(bad))
            async with asyncio.timeout(5):
                (error,) = json.loads(await socket.recv())["errors"]
            assert error["field"] == field
        await show(exam.hall, first, b"last")
        assert await next_frame(socket) == {first: b"last"}


async def test_nothing_but_the_newest_thumbnail_is_kept_and_that_for_seconds(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = Wall(hall.services.nats)

    async def heard(session: str, thumbnail: bytes) -> None:
        await shown._heard(Msg(_client=hall.services.nats, data=msgspec.msgpack.encode(picture(session, thumbnail))))

    def seen(after: int = 0) -> dict[str, bytes]:
        return unpack(shown.pack("main", "schedule", frozenset({"a", "b"}), after))

    await heard("a", b"old")
    await heard("b", b"one")
    assert seen() == {"a": b"old", "b": b"one"}
    await heard("a", b"new")
    assert (seen(2), seen()) == ({"a": b"new"}, {"a": b"new", "b": b"one"})
    kept = repr((shown._newest, shown._packed))
    assert "new" in kept
    assert "old" not in kept
    assert "640 pixels" not in kept
    monkeypatch.setattr("api.wall.KEPT_S", 0.0)
    assert seen() == {}
    assert not shown._newest


async def test_a_foreign_page_and_a_stranger_are_turned_away(exam: Exam) -> None:
    mine = await cookie(exam.hall, "invigilator@example.org")
    await exam.hall.account("invigilator", email="not.here@example.org")
    theirs = await cookie(exam.hall, "not.here@example.org")
    for sent, origin in ((mine, "http://evil.test"), (mine, None), (theirs, "http://vigil.test"), ("", None)):
        with pytest.raises(InvalidStatus) as turned:
            async with opened(exam, sent, origin):
                pass
        assert turned.value.response.status_code == 403


async def test_somebody_who_is_taken_off_the_schedule_sees_no_more(hall: Hall) -> None:
    exam = await an_exam(hall)
    async with opened(exam, await cookie(hall, "invigilator@example.org")) as socket:
        who = hall.user("invigilator@example.org")
        assert (await exam.planner.delete(f"/api/v1/schedules/{exam.schedule}/invigilators/{who}")).status_code == 204
        with pytest.raises(ConnectionClosed) as closed:
            async with asyncio.timeout(5):
                await socket.recv()
        assert closed.value.rcvd
        assert closed.value.rcvd.code == 4403
