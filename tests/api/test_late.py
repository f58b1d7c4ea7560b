"""A candidate's page asks what is missing of its recordings and sends just that, and stills while no video holds."""

from __future__ import annotations

import asyncio
import itertools
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from io import BytesIO
from typing import Any

import httpx
import msgspec
import pytest
from PIL import Image

from commands import recordings
from commands.keys import KeyName
from domain import late, record, recording
from domain.late import in_order
from domain.messages import Picture
from domain.recording import DECIDER, Recording
from domain.segment import Segment
from domain.stream import Stream
from media.clips import card_clip, sound_clip
from media.names import SegmentName, recording_name
from media.sealing import open_segment
from tests.api.hall import Exam, Hall, an_exam, refused, sit
from tests.media.hall import watch
from tests.media.tape import browser_file

FILE = browser_file(card_clip(2), sound_clip(3), 6)
HEAD = {"Content-Type": "video/webm"}


async def interrupted(hall: Hall, session: str) -> datetime:
    """Media for six seconds, nothing for thirty, and media again. Returns when the first came, two minutes ago."""
    began = hall.clock() - timedelta(minutes=2)
    name = recordings.recording_name(session, "camera")
    await stored(hall, session, 1, began)
    end = recording.End(connection=1, at=began + timedelta(seconds=6), why="lost")
    await hall.act(f"end {name}", partial(recordings.end_connection, name=name, order=end))
    await stored(hall, session, 2, began + timedelta(seconds=36))
    return began


async def stored(hall: Hall, session: str, connection: int, at: datetime) -> None:
    """A connection, and its first six seconds."""
    name = recordings.recording_name(session, "camera")
    start = partial(recordings.start_connection, session=session, track="camera", connection=connection, worker="w1")
    await hall.act(f"start {name} {connection}", start)
    segment = Segment(
        connection=connection, number=1, started_at=at, ended_at=at + timedelta(seconds=6), bytes=1, frames=90,
        sha256="aa" * 32, object_key=f"{name}.{connection}", codec="VP8", width=640, height=480, complete=True,
    )  # fmt: skip
    order = recording.StoreSegment(segment=segment)
    await hall.act(f"store {name} {connection}", partial(recordings.store_segment, name=name, order=order))


def span(began: datetime, from_s: float, to_s: float) -> tuple[str, str]:
    """As the server writes it."""
    first, last = ((began + timedelta(seconds=s)).isoformat().replace("+00:00", "Z") for s in (from_s, to_s))
    return first, last


def sent(began: datetime, from_s: float, long_s: float = 6.0, *, skew_s: float = 0.0) -> dict[str, Any]:
    """The query of a file that was taken so long after the recording began, by a clock that is so far ahead."""
    device = began + timedelta(seconds=from_s + skew_s)
    ended_at = device + timedelta(seconds=long_s)
    return {"started_at": device.isoformat(), "ended_at": ended_at.isoformat(), "skew_ms": skew_s * 1000}


@pytest.fixture(scope="module")
async def exam(hall: Hall) -> Exam:
    return await an_exam(hall, candidates=len(NUMBERS))


@pytest.fixture
async def sitter(exam: Exam) -> Sitter:
    number = NUMBERS.pop()
    await sit(exam, number)
    return Sitter(exam, number)


NUMBERS = list(range(16))


class Sitter:
    """A candidate who sits the exam, and their camera's recording."""

    def __init__(self, exam: Exam, number: int) -> None:
        self.hall, self.me, self.session = exam.hall, exam.candidates[number], exam.sessions[number]
        self.at = f"/api/v1/sessions/{self.session}"

    async def missing(self) -> dict[str, Any]:
        answer = await self.me.get(f"{self.at}/late/camera")
        assert answer.status_code == 200, answer.text
        return msgspec.json.decode(answer.content, type=dict[str, Any])

    async def send(self, query: dict[str, Any], file: bytes = FILE, name: str = "") -> httpx.Response:
        at = f"{self.at}/late/camera/{name or sha256(file).hexdigest()}"
        return await self.me.put(at, content=file, params=query, headers=HEAD)

    async def tape(self) -> Recording:
        stream = str(Stream("main", "recording", f"{self.session}.camera"))
        return (await self.hall.services.handler.load(DECIDER, stream, fresh=True))[1]

    async def submit(self) -> None:
        assert (await self.me.post(f"{self.at}/submit")).status_code == 200


def time(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def test_a_page_is_told_what_is_missing_and_fills_it(sitter: Sitter) -> None:
    nothing = await sitter.missing()
    assert (nothing["settled_until"], nothing["gaps"]) == (None, [])
    began = await interrupted(sitter.hall, sitter.session)
    told = await sitter.missing()
    assert time(told["settled_until"]) == began + timedelta(seconds=42)
    (gap,) = told["gaps"]
    assert [time(gap["started_at"]) - began, time(gap["ended_at"]) - began] == [timedelta(seconds=s) for s in (6, 36)]

    answer = await sitter.send(sent(began, 10, skew_s=7200))
    assert answer.status_code == 201, answer.text
    (filled,) = answer.json()["filled"]
    assert time(filled["started_at"]) == began + timedelta(seconds=10)
    told = await sitter.missing()
    assert [(time(g["started_at"]) - began, time(g["ended_at"]) - began) for g in told["gaps"]] == [
        (timedelta(seconds=6), timedelta(seconds=10)), (timedelta(seconds=16), timedelta(seconds=36)),
    ]  # fmt: skip

    (kept,) = (await sitter.tape()).late
    assert (kept.sent_sha256, kept.skew_ms) == (sha256(FILE).hexdigest(), 7_200_000)
    assert kept.device_started_at == began + timedelta(seconds=7210)
    stored = await sitter.hall.core.objects.get(kept.segment.object_key)
    assert sha256(stored).hexdigest() == kept.segment.sha256
    subject = (await sitter.me.get("/api/v1/me")).json()["actor"]
    key = await sitter.hall.core.keys.data_key(KeyName(subject, sitter.session, "media"))
    name = SegmentName(recording_name("main", sitter.session, "camera"), 0, kept.segment.number)
    assert watch(open_segment(key, name, stored).plaintext).decoded == {"video": 90, "audio": 100}


async def test_a_file_that_comes_again_is_kept_once(sitter: Sitter) -> None:
    began = await interrupted(sitter.hall, sitter.session)
    first = await sitter.send(sent(began, 20))
    before = await sitter.hall.position()
    again = await sitter.send(sent(began, 20, skew_s=1))
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert await sitter.hall.position() == before


async def test_a_file_that_comes_again_fills_a_gap_that_was_not_known_before(sitter: Sitter) -> None:
    """The second connection was lost as well, while the page recorded a piece that began in the first gap."""
    began = await interrupted(sitter.hall, sitter.session)
    file = browser_file(card_clip(2), None, 10)
    first = await sitter.send(sent(began, 34, 10), file)
    assert [(p["started_at"], p["ended_at"]) for p in first.json()["filled"]] == [span(began, 34, 36)]

    end = recording.End(connection=2, at=began + timedelta(seconds=42), why="lost")
    name = recordings.recording_name(sitter.session, "camera")
    await sitter.hall.act(f"end 2 {name}", partial(recordings.end_connection, name=name, order=end))
    await stored(sitter.hall, sitter.session, 3, began + timedelta(seconds=60))
    again = await sitter.send(sent(began, 34, 10, skew_s=9), file)
    assert again.status_code == 201
    filled = [(p["started_at"], p["ended_at"]) for p in again.json()["filled"]]
    assert filled == [span(began, 34, 36), span(began, 42, 44)]
    assert (await sitter.send(sent(began, 34, 10), file)).status_code == 200


async def test_of_two_files_that_come_at_once_both_fill_what_they_can(sitter: Sitter) -> None:
    began = await interrupted(sitter.hall, sitter.session)
    files = [browser_file(card_clip(2), None, seconds) for seconds in (6.0, 8.0, 7.0)]
    places = zip(files, (10, 14, 20), (6, 8, 7), strict=True)
    answers = await asyncio.gather(*(sitter.send(sent(began, at, long), file) for file, at, long in places))
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    kept = [s.segment for s in (await sitter.tape()).late]
    assert sum((s.ended_at - s.started_at).total_seconds() for s in kept) == pytest.approx(17, abs=0.2)
    assert all(one.ended_at <= following.started_at for one, following in itertools.pairwise(kept))


async def test_a_page_keeps_its_copy_until_all_is_told_of_a_session_that_went_on(sitter: Sitter) -> None:
    """What was finished before the session went on says nothing of what came afterwards."""
    began = await interrupted(sitter.hall, sitter.session)
    name = recordings.recording_name(sitter.session, "camera")
    await sitter.send(sent(began, 10))
    made = recording.Finalise(object_key="film", bytes=1, sha256="aa" * 32, duration_s=1, frames=1, segments=3)
    end = recording.End(connection=2, at=began + timedelta(seconds=42), why="lost")
    await sitter.hall.act(f"end 2 {name}", partial(recordings.end_connection, name=name, order=end))
    await sitter.hall.act(f"film {name}", partial(recordings.finalise, name=name, order=made))
    await stored(sitter.hall, sitter.session, 3, began + timedelta(seconds=60))
    end = recording.End(connection=3, at=began + timedelta(seconds=66), why="lost")
    await sitter.hall.act(f"end 3 {name}", partial(recordings.end_connection, name=name, order=end))
    await sitter.submit()
    told = await sitter.missing()
    assert time(told["settled_until"]) == began + timedelta(seconds=66), "what is missing up to the end is not told yet"


async def test_what_was_recorded_is_not_sent_twice(sitter: Sitter) -> None:
    began = await interrupted(sitter.hall, sitter.session)
    before = await sitter.hall.position()
    answer = await sitter.send(sent(began, 0))
    await refused(sitter.hall, answer, before, 409, "started_at", "nothing is missing there")
    longer = browser_file(card_clip(2), None, 8)
    assert (await sitter.send(sent(began, 4, 8), longer)).status_code == 201
    (kept,) = (await sitter.tape()).late
    assert kept.segment.started_at == began + timedelta(seconds=6)


async def test_what_does_not_fit_is_refused(sitter: Sitter) -> None:
    began = await interrupted(sitter.hall, sitter.session)
    before, hall = await sitter.hall.position(), sitter.hall
    await refused(hall, await sitter.send(sent(began, 10), name="ab" * 32), before, 422, "sha256", "SHA-256")
    await refused(hall, await sitter.send(sent(began, 10, -1)), before, 422, "ended_at", "at most 60 seconds")
    await refused(hall, await sitter.send(sent(began, 10), b"no film"), before, 422, "body", "WebM")
    huge = bytes(4 * 1024 * 1024 + 1)
    assert (await sitter.send(sent(began, 10), huge)).status_code == 413
    at = f"{sitter.at}/late/camera/{sha256(FILE).hexdigest()}"
    wrong = await sitter.me.put(at, content=FILE, params=sent(began, 10), headers={"Content-Type": "video/mp4"})
    await refused(hall, wrong, before, 415, "body", "video/webm")
    early = await sitter.me.put(at, content=FILE, params=sent(began, 10) | {"started_at": "yesterday"}, headers=HEAD)
    assert early.status_code == 400
    nobody = await sitter.me.put(at.replace("camera", "voice"), content=FILE, params=sent(began, 10), headers=HEAD)
    await refused(hall, nobody, before, 404, "", "no such track")


async def test_after_the_end_the_rest_may_come_for_a_day(sitter: Sitter) -> None:
    began = await interrupted(sitter.hall, sitter.session)
    await sitter.submit()
    assert (await sitter.send(sent(began, 10))).status_code == 201
    sitter.hall.clock.ahead += late.TAKEN_FOR + timedelta(minutes=1)
    try:
        told = (await sitter.me.get(f"{sitter.at}/late/camera")).json()
        assert (told["settled_until"], told["gaps"]) == (told["now"], [])
        other = browser_file(card_clip(2), None, 6)
        at = f"{sitter.at}/late/camera/{sha256(other).hexdigest()}"
        answer = await sitter.me.put(at, content=other, params=sent(began, 20), headers=HEAD)
        assert answer.status_code == 409
    finally:
        sitter.hall.clock.ahead -= late.TAKEN_FOR + timedelta(minutes=1)


async def test_late_segments_are_played_between_the_others_and_shown_as_late(sitter: Sitter, exam: Exam) -> None:
    began = await interrupted(sitter.hall, sitter.session)
    await sitter.send(sent(began, 10))
    assert [s.connection for s in in_order(await sitter.tape())] == [1, 0, 2]
    reviewer = await sitter.hall.as_a("reviewer")
    (camera,) = (await reviewer.get(f"{sitter.at}/recordings")).json()["recordings"]
    assert len(camera["gaps"]) == 1
    (shown,) = camera["late"]
    assert time(shown["started_at"]) == began + timedelta(seconds=10)
    assert shown["skew_ms"] == 0


# Stills.


def jpeg(width: int = 640, height: int = 480) -> bytes:
    out = BytesIO()
    Image.new("RGB", (width, height), (90, 120, 60)).save(out, "JPEG")
    return out.getvalue()


async def test_a_still_is_kept_and_shown_to_who_watches(sitter: Sitter) -> None:
    heard: list[Picture] = []

    async def hear(message: Any) -> None:  # noqa: ANN401
        heard.append(msgspec.msgpack.decode(message.data, type=Picture))

    await sitter.hall.core.nats.subscribe(f"vigil.still.{sitter.session}.camera", cb=hear)
    await sitter.hall.core.nats.flush()
    now = sitter.hall.clock()
    query = {"taken_at": (now + timedelta(hours=1)).isoformat(), "skew_ms": 3_600_000}
    at, head = f"{sitter.at}/stills/camera", {"Content-Type": "image/jpeg"}
    answer = await sitter.me.post(at, content=jpeg(), params=query, headers=head)
    assert answer.status_code == 201, answer.text
    assert time(answer.json()["at"]) == now
    again = await sitter.me.post(at, content=jpeg(), params=query, headers=head)
    assert again.status_code == 201
    (still,) = (await sitter.tape()).stills
    assert (still.width, still.height) == (640, 480)
    while not heard:
        await sitter.hall.core.nats.flush()
    assert (heard[0].width, len(heard[0].thumbnail) < len(heard[0].jpeg)) == (640, True)

    before = await sitter.hall.position()
    soon = query | {"taken_at": (now + timedelta(hours=1, seconds=2)).isoformat()}
    other = await sitter.me.post(at, content=jpeg(600), params=soon, headers=head)
    await refused(sitter.hall, other, before, 409, "taken_at", "each 5 seconds")
    old = query | {"taken_at": now.isoformat()}
    await refused(
        sitter.hall, await sitter.me.post(at, content=jpeg(), params=old, headers=head), before, 422, "taken_at", "ago"
    )

    reviewer = await sitter.hall.as_a("reviewer")
    recordings_read = (await reviewer.get(f"{sitter.at}/recordings")).json()["recordings"]
    (shown,) = recordings_read[0]["stills"]
    picture = await reviewer.get(shown["picture"])
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
    with Image.open(BytesIO(picture.content)) as opened:
        assert opened.size == (640, 480)
    assert (await reviewer.get(shown["picture"].replace("/1", "/2"))).status_code == 404
    stream = str(Stream("main", "record", sitter.session))
    _, seen = await sitter.hall.services.handler.load(record.DECIDER, stream, fresh=True)
    assert [what for _, what in seen.viewed] == [f"{sitter.session}.camera"]


async def test_of_a_screen_that_does_not_change_each_still_is_kept(sitter: Sitter) -> None:
    at, head = f"{sitter.at}/stills/screen", {"Content-Type": "image/jpeg"}
    for _ in range(2):
        query = {"taken_at": sitter.hall.clock().isoformat(), "skew_ms": 0}
        answer = await sitter.me.post(at, content=jpeg(), params=query, headers=head)
        assert answer.status_code == 201, answer.text
        sitter.hall.clock.ahead += timedelta(seconds=10)
    stream = str(Stream("main", "recording", f"{sitter.session}.screen"))
    _, tape = await sitter.hall.services.handler.load(DECIDER, stream, fresh=True)
    first, second = tape.stills
    assert second.at - first.at >= timedelta(seconds=10)
    assert second.object_key == first.object_key
    assert await sitter.hall.services.late.open_still("main", f"{sitter.session}.screen", second)


async def test_a_still_that_is_refused_is_neither_stored_nor_shown(sitter: Sitter) -> None:
    heard: list[bytes] = []

    async def hear(message: Any) -> None:  # noqa: ANN401
        heard.append(message.data)

    await sitter.hall.core.nats.subscribe(f"vigil.still.{sitter.session}.camera", cb=hear)
    await sitter.hall.core.nats.flush()
    at, head, store = f"{sitter.at}/stills/camera", {"Content-Type": "image/jpeg"}, sitter.hall.core.objects
    sitter.hall.clock.ahead += timedelta(seconds=60)
    now = sitter.hall.clock()

    async def send(at_s: float, width: int) -> int:
        query = {"taken_at": (now + timedelta(seconds=at_s)).isoformat(), "skew_ms": 0}
        return (await sitter.me.post(at, content=jpeg(width), params=query, headers=head)).status_code

    async def stored() -> int:
        return len(await store.list(f"main/media/{sitter.session}.camera/"))

    assert await send(0, 640) == 201
    assert await send(-3, 600) == 409
    assert await stored() == 1
    assert await send(-40, 620) == 201, "it comes late, and is no picture of now"
    await sitter.hall.core.nats.flush()
    assert (len(heard), await stored()) == (1, 2)
    sitter.hall.clock.ahead += timedelta(minutes=5)


async def test_a_still_of_the_time_before_the_start_is_refused(sitter: Sitter) -> None:
    before = await sitter.hall.position()
    query = {"taken_at": (sitter.hall.clock() - timedelta(minutes=5)).isoformat(), "skew_ms": 0}
    head = {"Content-Type": "image/jpeg"}
    answer = await sitter.me.post(f"{sitter.at}/stills/camera", content=jpeg(), params=query, headers=head)
    await refused(sitter.hall, answer, before, 422, "taken_at", "after the exam was started")


async def test_a_still_of_what_is_not_captured_or_over_is_refused(sitter: Sitter) -> None:
    query = {"taken_at": sitter.hall.clock().isoformat(), "skew_ms": 0}
    head = {"Content-Type": "image/jpeg"}
    before = await sitter.hall.position()
    text = await sitter.me.post(f"{sitter.at}/stills/camera", content=b"text", params=query, headers=head)
    await refused(sitter.hall, text, before, 415, "body", "JPEG")
    await sitter.submit()
    answer = await sitter.me.post(f"{sitter.at}/stills/camera", content=jpeg(), params=query, headers=head)
    assert answer.status_code == 409
