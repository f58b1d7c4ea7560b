"""From a stock aiortc publisher through a real worker to segments that decode."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import msgspec
import pytest
from nats.aio.msg import Msg

from domain.messages import Hangup, KeyFrame, MediaBeat, Publish, Published, Refusal, Track
from media import worker
from media.clips import Clip, card_clip
from media.frames import to_picture
from media.publisher import Publisher, PublishRefused
from media.worker import MediaWorker
from tests.media.hall import Eventually, Hall, new_settings, open_hall, watch


@dataclass
class Exam:
    """Six candidates at once, each with another fate; all is over when the tests look at what was recorded."""

    hall: Hall
    stayed: Publisher


@pytest.fixture(scope="module")
async def exam(
    nats_url: str,
    tmp_path_factory: pytest.TempPathFactory,
    *,
    card: Clip,
    tone: Clip,
    page: Clip,
    eventually: Eventually,
) -> AsyncIterator[Exam]:
    async with open_hall(new_settings(nats_url, tmp_path_factory.mktemp("exam"))) as hall:

        async def over(session: str, track: Track, connection: int = 1) -> None:
            await eventually((hall.folder(session, track, connection) / "ended.json").exists, 20)

        async def stays() -> Publisher:
            async with hall.publisher("stays", "camera", card, tone) as publisher:
                await publisher.connected()
                await asyncio.sleep(8)
                publisher.video.stop()
                publisher.audio.stop()
                await asyncio.sleep(0.1)
            return publisher

        async def shares_a_screen() -> None:
            async with hall.publisher("shares", "screen", page) as publisher:
                await publisher.connected()
                await asyncio.sleep(2)

        async def is_cut_off() -> None:
            async with hall.publisher("cut", "camera", card, tone) as publisher:
                await publisher.connected()
                await asyncio.sleep(1.5)
                await publisher.cut()

        async def says_goodbye() -> None:
            async with hall.publisher("goodbye", "camera", card) as publisher:
                await publisher.connected()
                await asyncio.sleep(0.5)
                publisher._location = None  # no DELETE
            await over("goodbye", "camera")

        async def comes_again() -> None:
            async with hall.publisher("again", "camera", card) as older:
                await older.connected()
                await asyncio.sleep(0.5)
                async with hall.publisher("again", "camera", card) as newer:
                    await newer.connected()
                    await over("again", "camera", 1)
                    await asyncio.sleep(1)

        async def shows_another_picture() -> None:
            async with hall.publisher("changes", "camera", card) as publisher:
                await publisher.connected()
                await asyncio.sleep(1)
                publisher.show(card_clip(2, width=320, height=240))
                await asyncio.sleep(1)

        others = (shares_a_screen(), is_cut_off(), says_goodbye(), comes_again(), shows_another_picture())
        stayed, *_ = await asyncio.gather(stays(), *others)
        await over("shares", "screen")
        for session, connection in (("stays", 1), ("cut", 1), ("again", 2), ("changes", 1)):
            await over(session, "camera", connection)
        yield Exam(hall, stayed)


def test_a_camera_is_recorded_frame_by_frame(exam: Exam) -> None:
    first, second = exam.hall.segments("stays", "camera")
    seen = [watch(s.opened.plaintext) for s in (first, second)]
    assert all(s.opened.complete and s.note.complete for s in (first, second))
    assert all(w.monotonic and w.keyframes[0] and w.packets == w.decoded for w in seen)
    assert [(w.packets["video"], w.packets["audio"]) for w in seen] == [
        (s.note.frames, s.note.sounds) for s in (first, second)
    ]
    assert exam.stayed.audio is not None
    assert first.note.frames + second.note.frames == exam.stayed.video.sent
    assert first.note.sounds + second.note.sounds == exam.stayed.audio.sent
    assert 5.8 < (first.note.ended_at - first.note.started_at).total_seconds() < 7
    assert abs((second.note.started_at - first.note.ended_at).total_seconds()) < 0.1
    assert exam.hall.ended("stays", "camera").why == "stopped"
    assert not list(exam.hall.folder("stays", "camera").glob("*.part"))


def test_a_screen_is_recorded_without_sound(exam: Exam) -> None:
    (segment,) = exam.hall.segments("shares", "screen")
    seen = watch(segment.opened.plaintext)
    assert seen.sizes == {(1280, 720)}
    assert seen.decoded == {"video": segment.note.frames}
    assert segment.note.frames >= 9


def test_a_connection_cut_without_goodbye_was_lost_when_media_stopped(exam: Exam) -> None:
    (segment,) = exam.hall.segments("cut", "camera")
    ended = exam.hall.ended("cut", "camera")
    assert ended.why == "lost"
    assert segment.note.complete
    assert abs((ended.at - segment.note.ended_at).total_seconds()) < 0.3  # not when it was noticed, 3 s later


def test_a_goodbye_without_delete_ends_the_connection(exam: Exam) -> None:
    assert exam.hall.ended("goodbye", "camera").why == "stopped"


def test_a_newer_connection_replaces_the_older(exam: Exam) -> None:
    assert exam.hall.ended("again", "camera", 1).why == "replaced"
    assert exam.hall.ended("again", "camera", 2).why == "stopped"
    assert exam.hall.segments("again", "camera", 2)


def test_another_picture_size_is_another_segment(exam: Exam) -> None:
    segments = exam.hall.segments("changes", "camera")
    assert [(s.note.width, s.note.height) for s in segments] == [(640, 480), (320, 240)]
    assert all(watch(s.opened.plaintext).decoded["video"] == s.note.frames > 10 for s in segments)


async def test_key_frames_and_beats_are_told_over_nats(
    hall: Hall, session: str, card: Clip, eventually: Eventually
) -> None:
    keyframes: list[KeyFrame] = []
    beats: list[MediaBeat] = []

    async def on_keyframe(message: Msg) -> None:
        keyframes.append(msgspec.msgpack.decode(message.data, type=KeyFrame))

    async def on_beat(message: Msg) -> None:
        beat = msgspec.msgpack.decode(message.data, type=MediaBeat)
        if beat.worker == hall.settings.worker:
            beats.append(beat)

    await hall.front.subscribe(f"vigil.keyframe.{session}.camera", cb=on_keyframe)
    await hall.front.subscribe("vigil.beat", cb=on_beat)
    async with hall.publisher(session, "camera", card) as publisher:
        await publisher.connected()
        await eventually(lambda: len(keyframes) >= 2 and any(b.tracks for b in beats))
    first, second = keyframes[:2]
    assert (first.session, first.track, first.codec) == (session, "camera", "VP8")
    assert first.data == card.frames[0]
    assert 1.9 < (second.at - first.at).total_seconds() < 2.1
    track = next(b.tracks[0] for b in beats if b.tracks)
    assert (track.session, track.track, track.connection, track.packets_lost) == (session, "camera", 1, 0)


async def test_an_offer_that_cannot_be_taken_is_refused_with_the_rule(hall: Hall, session: str) -> None:
    def publish(sdp: str) -> Publish:
        return Publish(tenant="school", session=session, track="camera", connection=1, subject="someone", sdp=sdp)

    for sdp in ("", "nonsense", "v=0\r\nm=video x"):
        reply = await hall.ask(publish(sdp))
        assert isinstance(reply, Refusal)
        assert (reply.field, reply.status) == ("sdp", 422)
    reply = await hall.ask(msgspec.structs.replace(publish(""), session="../other"))
    assert isinstance(reply, Refusal)
    assert reply.field == "session"


async def test_key_frames_of_h264_are_told_of_as_what_a_decoder_takes(
    hall: Hall, session: str, *, clip_h264: Clip, eventually: Eventually
) -> None:
    keyframes: list[KeyFrame] = []

    async def on_keyframe(message: Msg) -> None:
        keyframes.append(msgspec.msgpack.decode(message.data, type=KeyFrame))

    await hall.front.subscribe(f"vigil.keyframe.{session}.camera", cb=on_keyframe)
    async with hall.publisher(session, "camera", clip_h264) as publisher:
        await publisher.connected()
        await eventually(lambda: bool(keyframes))
    assert keyframes[0].codec == "H264"
    picture = to_picture(keyframes[0])
    assert picture is not None
    assert (picture.width, picture.height) == (640, 480)


async def test_a_recording_stays_in_the_codec_in_which_it_began(
    hall: Hall, session: str, *, card: Clip, clip_h264: Clip
) -> None:
    async with hall.publisher(session, "camera", clip_h264):
        with pytest.raises(PublishRefused, match=r"send video in H\.264, the codec of this recording"):
            async with hall.publisher(session, "camera", card):
                pass
    hall.codec = "VP8"
    with pytest.raises(PublishRefused, match="send video in VP8, the codec of this recording"):
        async with hall.publisher(session, "screen", clip_h264):
            pass
    hall.record = False
    hall.codec = None
    async with hall.publisher(session, "screen", clip_h264), hall.publisher(session, "screen", card):
        assert not list(hall.folder(session, "screen").glob("*"))


async def test_the_same_request_again_gets_the_same_answer_another_offer_and_an_older_one_none(
    hall: Hall, session: str, card: Clip
) -> None:
    publisher = hall.publisher(session, "camera", card)
    async with publisher:
        sdp = publisher._peer.localDescription.sdp
        again = Publish(tenant="school", session=session, track="camera", connection=1, subject="someone", sdp=sdp)
        reply = await hall.ask(msgspec.structs.replace(again, sdp=re.sub("a=ice-pwd:.", "a=ice-pwd:another", sdp)))
        assert isinstance(reply, Refusal)
        assert (reply.field, reply.status) == ("connection", 409)
        reply = await hall.ask(again)
        assert isinstance(reply, Published)
        assert reply.sdp == publisher.answer
        reply = await hall.ask(msgspec.structs.replace(again, connection=0))
        assert isinstance(reply, Refusal)
        assert (reply.field, reply.status) == ("connection", 409)


async def test_a_connection_that_breaks_ends_alone(
    hall: Hall, session: str, *, card: Clip, page: Clip, eventually: Eventually, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks() -> None:
        raise RuntimeError("whatever it is")

    async with hall.publisher(session, "camera", card) as camera, hall.publisher(session, "screen", page) as screen:
        await camera.connected()
        await screen.connected()
        next(iter(hall.worker._connections.values())).tick = breaks  # type: ignore[method-assign]
        await eventually((hall.folder(session, "camera") / "ended.json").exists)
        first, second = await beats(hall, 2)
        assert [track.track for beat in (first, second) for track in beat.tracks] == ["screen", "screen"]
        assert not (hall.folder(session, "screen") / "ended.json").exists()
    assert hall.ended(session, "camera").why == "lost"
    assert caplog.text.count("a connection broke") == 1


async def test_a_worker_that_cannot_go_on_says_so(nats_url: str, tmp_path: Path) -> None:
    def breaks() -> MediaBeat:
        raise RuntimeError("no beat")

    def stop_beating(worker: MediaWorker) -> None:
        worker._beat_now = breaks  # type: ignore[method-assign]

    def stop_sending(worker: MediaWorker) -> None:
        worker._keyframes.waiting.put_nowait(cast("KeyFrame", "no key frame"))

    for stop, error in ((stop_beating, RuntimeError), (stop_sending, AttributeError)):
        async with open_hall(new_settings(nats_url, tmp_path)) as hall:
            stop(hall.worker)
            with pytest.raises(error):
                await asyncio.wait_for(hall.worker.failed(), 5)


async def test_setting_the_clock_makes_nobody_silent(
    hall: Hall, session: str, card: Clip, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = SimpleNamespace(now=lambda zone: datetime.now(zone) + timedelta(days=1))
    async with hall.publisher(session, "camera", card) as publisher:
        await publisher.connected()
        monkeypatch.setattr(worker, "datetime", ahead)
        *_, beat = await beats(hall, 2)
        assert beat.at > datetime.now(UTC) + timedelta(hours=23)
        assert [0 <= track.quiet_s < 3 for track in beat.tracks] == [True]


async def beats(hall: Hall, count: int) -> list[MediaBeat]:
    """The next beats of the hall's worker."""
    heard: asyncio.Queue[MediaBeat] = asyncio.Queue()

    async def on_beat(message: Msg) -> None:
        beat = msgspec.msgpack.decode(message.data, type=MediaBeat)
        if beat.worker == hall.settings.worker:
            heard.put_nowait(beat)

    asked = await hall.front.subscribe("vigil.beat", cb=on_beat)
    async with asyncio.timeout(10):
        found = [await heard.get() for _ in range(count)]
    await asked.unsubscribe()
    return found


async def test_without_record_nothing_is_written(hall: Hall, session: str, card: Clip, eventually: Eventually) -> None:
    keyframes: list[bytes] = []

    async def on_keyframe(message: Msg) -> None:
        keyframes.append(message.data)

    await hall.front.subscribe(f"vigil.keyframe.{session}.camera", cb=on_keyframe)
    hall.record = False
    async with hall.publisher(session, "camera", card) as publisher:
        await publisher.connected()
        await eventually(lambda: bool(keyframes))
    assert not hall.folder(session, "camera").exists()


@pytest.mark.parametrize("track", [None, "screen"])
async def test_hanging_up_ends_one_track_or_all(
    hall: Hall, session: str, *, card: Clip, page: Clip, track: Track | None, eventually: Eventually
) -> None:
    async with hall.publisher(session, "camera", card) as camera, hall.publisher(session, "screen", page) as screen:
        await camera.connected()
        await screen.connected()
        await hall.ask(Hangup(session=session, track=track, why="stopped"))
        await eventually((hall.folder(session, "screen") / "ended.json").exists)
        assert (hall.folder(session, "camera") / "ended.json").exists() == (track is None)
