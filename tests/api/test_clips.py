"""What is stored of a recording can be looked at while it goes on: a manifest, and clips of up to two minutes."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, expect

from commands import recordings
from commands.keys import KeyName
from domain import record, recording
from domain.stream import Stream
from media.clips import card_clip, sound_clip
from media.clock import SenderClock, StreamClock
from media.names import SegmentName, recording_name
from media.recorder import Recorder
from tests.api.hall import Exam, Hall, an_exam, refused, sit
from tests.api.test_live import flag
from tests.api.test_pages import browser
from tests.media.hall import watch
from tests.media.tape import Tape, play, segment_of
from tests.web.looking import a_page
from tests.web.walls import at_the_wall, focus

__all__ = ["browser"]


async def taped(exam: Exam, number: int, seconds: float = 20) -> datetime:
    """A camera's first segments, as a media worker and its uploader bring them; the connection goes on."""
    session, hall = exam.sessions[number], exam.hall
    name = recording_name("main", session, "camera")
    began = hall.clock()
    start = partial(recordings.start_connection, session=session, track="camera", connection=1, worker="w1")
    await hall.act(f"start {session}", start)
    subject = (await exam.candidates[number].get("/api/v1/me")).json()["actor"]
    key = await hall.core.keys.data_key(KeyName(subject, session, "media"))
    tape, sender = Tape(), SenderClock()
    clocks = {"video": StreamClock(90_000, sender), "audio": StreamClock(48_000, sender)}
    recorder = Recorder(
        name,
        1,
        data_key=key,
        store=tape,
        clocks=clocks,
        wall=lambda at: began + timedelta(seconds=at),  # type: ignore[arg-type]
    )
    for frame in sorted([*play(card_clip(2), seconds), *play(sound_clip(3), seconds)], key=lambda f: f.arrival):
        recorder.on_frame(frame)
    recorder.close()
    for note in tape.notes:
        place = SegmentName(name, 1, note.number).object_key()
        await hall.core.objects.put_new(place, tape.files[note.number])
        segment = segment_of(note, tape.files[note.number], object_key=place)
        order = recording.StoreSegment(segment=segment)
        await hall.act(f"store {place}", partial(recordings.store_segment, name=name.text, order=order))
    hall.clock.ahead += timedelta(seconds=seconds)
    return began


@pytest.fixture(scope="module")
async def exam(hall: Hall) -> Exam:
    exam = await an_exam(hall, candidates=2)
    await sit(exam, 0)
    return exam


@pytest.fixture(scope="module")
async def began(exam: Exam) -> datetime:
    return await taped(exam, 0)


def span(began: datetime, from_s: float, to_s: float) -> dict[str, Any]:
    return {
        f"{which}_at": (began + timedelta(seconds=s)).isoformat() for which, s in (("starts", from_s), ("ends", to_s))
    }


def at(exam: Exam, what: str) -> str:
    return f"/api/v1/recordings/{exam.sessions[0]}.camera/{what}"


async def test_an_invigilator_sees_the_moments_before_while_the_recording_goes_on(exam: Exam, began: datetime) -> None:
    answer = await exam.invigilator.get(at(exam, "clip"), params=span(began, 7, 13))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "video/webm")
    seen = watch(answer.content)
    assert seen.monotonic
    assert seen.decoded == seen.packets == {"video": 180, "audio": 200}
    starts = datetime.fromisoformat(answer.headers["vigil-clip-starts"])
    assert abs((starts - began).total_seconds() - 6) < 0.2
    stream = str(Stream("main", "record", exam.sessions[0]))
    _, looked = await exam.hall.services.handler.load(record.DECIDER, stream, fresh=True)
    assert [what for _, what in looked.viewed] == [f"{exam.sessions[0]}.camera"]


async def test_a_player_takes_it_in_parts(exam: Exam, began: datetime) -> None:
    query = span(began, 0, 5)
    whole = await exam.invigilator.get(at(exam, "clip"), params=query)
    etag = whole.headers["etag"]
    part = await exam.invigilator.get(
        at(exam, "clip"), params=query, headers={"Range": "bytes=100-299", "If-Range": etag}
    )
    assert (part.status_code, part.content) == (206, whole.content[100:300])
    assert part.headers["content-range"] == f"bytes 100-299/{len(whole.content)}"
    beyond = await exam.invigilator.get(at(exam, "clip"), params=query, headers={"Range": "bytes=99999999-"})
    assert beyond.status_code == 416


async def test_the_manifest_says_what_there_is(exam: Exam, began: datetime) -> None:
    told = (await exam.invigilator.get(at(exam, "manifest"))).json()
    assert (told["track"], told["live"], told["gaps"]) == ("camera", True, [])
    assert [(s["connection"], s["number"], s["late"]) for s in told["segments"]] == [
        (1, n, False) for n in (1, 2, 3, 4)
    ]
    first = told["segments"][0]
    assert (first["frames"], first["codec"], first["width"], first["complete"]) == (90, "VP8", 640, True)


async def test_what_is_not_there_is_said(exam: Exam, began: datetime) -> None:
    before = await exam.hall.position()

    async def asked(query: dict[str, Any], name: str = "clip") -> httpx.Response:
        return await exam.invigilator.get(at(exam, name), params=query)

    await refused(exam.hall, await asked(span(began, 30, 40)), before, 404, "starts_at", "comes in a moment")
    await refused(exam.hall, await asked(span(began, 0, 121)), before, 422, "ends_at", "at most 120 seconds")
    await refused(exam.hall, await asked(span(began, 5, 5)), before, 422, "ends_at", "later than")
    screen = await exam.invigilator.get(at(exam, "manifest").replace(".camera", ".screen"))
    await refused(exam.hall, screen, before, 404, "recording", "no such")


async def test_the_same_moments_in_other_words_are_one_look(exam: Exam, began: datetime) -> None:
    query = span(began, 1, 3)
    other = {name: time.replace("+00:00", "Z") for name, time in query.items()}
    assert other != query
    for asked in (query, other):
        assert (await exam.invigilator.get(at(exam, "clip"), params=asked)).status_code == 200


async def test_more_than_fits_into_memory_is_not_put_together(
    exam: Exam, began: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await exam.hall.position()
    monkeypatch.setattr("api.clips.BYTES", 1000)
    answer = await exam.invigilator.get(at(exam, "clip"), params=span(began, 0, 5))
    await refused(exam.hall, answer, before, 422, "ends_at", "an earlier time")


async def test_an_invigilator_plays_the_moments_around_a_flag(exam: Exam, began: datetime, browser: Browser) -> None:
    await flag(exam, 0, "seen", began + timedelta(seconds=12))
    async with a_page(browser) as page:
        await at_the_wall(page, exam)
        await focus(page)
        await page.get_by_role("button", name="Show the moments before").click()
        video = page.locator("#log video")
        await expect(video).to_be_focused()
        await page.wait_for_function("() => document.querySelector('#log video').currentTime > 2.5")
        shown = await video.evaluate("(video) => [video.videoWidth, video.duration, video.error]")
        assert shown[0] == 640
        assert shown[2] is None
