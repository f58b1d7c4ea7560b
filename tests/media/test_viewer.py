"""Watching live: from a stock publisher through a real worker to stock viewers that decode every picture."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from domain.messages import KeepWatching, Refusal, StopWatching, Watch
from media import viewer
from media.clips import Clip
from tests.media.hall import TENANT, Eventually, Hall
from tests.media.watcher import Watcher, WatchRefused


async def test_several_watch_the_camera_with_its_sound_from_the_next_key_frame_on(
    hall: Hall, session: str, *, card: Clip, tone: Clip, eventually: Eventually
) -> None:
    async with hall.publisher(session, "camera", card, tone) as publisher:
        await publisher.connected()
        async with Watcher(hall, session, "camera", "one") as one, Watcher(hall, session, "camera", "two") as two:
            await eventually(lambda: all(len(w.times[k]) > 20 for w in (one, two) for k in ("video", "audio")))
            assert one.times["video"][0] - one.asked_at < 2.5  # a clip has a key frame each two seconds, asked or not
            assert one.sizes == {(640, 480)}
            assert all(a < b for w in (one, two) for a, b in itertools.pairwise(w.stamps["video"]))
            assert "a=sendonly" in one.answer
            assert await hall.ask(StopWatching(viewer="two")) is not None
            await eventually(lambda: two.state == "closed")
            seen = len(one.times["video"])
            await eventually(lambda: len(one.times["video"]) > seen + 10)
    await eventually((hall.folder(session, "camera") / "ended.json").exists)
    assert sum(s.note.frames for s in hall.segments(session, "camera")) > publisher.video.sent - 5


async def test_a_viewer_stays_while_the_candidate_connects_anew(
    hall: Hall, session: str, *, page: Clip, eventually: Eventually
) -> None:
    async with Watcher(hall, session, "screen", "early") as watcher:
        await asyncio.sleep(0.3)
        assert watcher.times["video"] == []
        async with hall.publisher(session, "screen", page) as publisher:
            await publisher.connected()
            await eventually(lambda: len(watcher.times["video"]) > 5)
            await publisher.cut()
        async with hall.publisher(session, "screen", page) as publisher:
            await publisher.connected()
            seen = len(watcher.times["video"])
            await eventually(lambda: len(watcher.times["video"]) > seen + 5)
        stamps = watcher.stamps["video"]
        assert all(a < b for a, b in itertools.pairwise(stamps))
        assert stamps[-1] - stamps[0] == pytest.approx(watcher.times["video"][-1] - watcher.times["video"][0], abs=1)


async def test_a_viewer_whom_nobody_vouches_for_any_more_is_let_go(
    hall: Hall, session: str, *, page: Clip, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewer, "LEASE_S", 2.0)
    async with hall.publisher(session, "screen", page), Watcher(hall, session, "screen", "lent") as watcher:
        for _ in range(4):
            await asyncio.sleep(1)
            assert not isinstance(await hall.ask(KeepWatching(viewer="lent")), Refusal)
        assert watcher.state == "connected"
        await eventually(lambda: watcher.state == "closed", 10)
        assert await hall.ask(KeepWatching(viewer="lent")) == Refusal(
            field="viewer", rule="is not here any more", status=404
        )


async def test_h264_is_shown_to_whoever_takes_it_and_refused_in_words_to_others(
    hall: Hall, session: str, *, clip_h264: Clip, tone: Clip, eventually: Eventually
) -> None:
    async with hall.publisher(session, "camera", clip_h264, tone) as publisher:
        await publisher.connected()
        async with Watcher(hall, session, "camera", "one") as one:
            await eventually(lambda: all(len(one.times[k]) > 20 for k in ("video", "audio")))
            assert one.sizes == {(640, 480)}
            assert all(a < b for a, b in itertools.pairwise(one.stamps["video"]))
            assert "H264/90000" in one.answer
            assert "VP8" not in one.answer
        with pytest.raises(WatchRefused, match=r"receive video in H\.264"):
            async with Watcher(hall, session, "camera", "two", "VP8"):
                pass
    await eventually((hall.folder(session, "camera") / "ended.json").exists)
    assert {s.note.codec for s in hall.segments(session, "camera")} == {"H264"}
    assert sum(s.note.frames for s in hall.segments(session, "camera")) > publisher.video.sent - 5


async def test_who_waits_in_another_codec_has_to_ask_anew(
    hall: Hall, session: str, *, clip_h264: Clip, eventually: Eventually
) -> None:
    async with Watcher(hall, session, "camera", "early") as early:
        await eventually(lambda: early.state == "connected")
        async with hall.publisher(session, "camera", clip_h264) as publisher:
            await publisher.connected()
            await eventually(lambda: early.state == "closed")
            assert isinstance(await hall.ask(KeepWatching(viewer="early")), Refusal)
            async with Watcher(hall, session, "camera", "anew") as anew:
                await eventually(lambda: len(anew.times["video"]) > 5)


async def test_an_offer_that_takes_nothing_is_refused(hall: Hall, session: str) -> None:
    reply = await hall.ask(Watch(tenant=TENANT, session=session, track="camera", viewer="odd", sdp="v=0"))
    assert isinstance(reply, Refusal)
    assert reply.field == "sdp"


async def test_only_so_many_watch_one_track(hall: Hall, session: str, *, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewer, "VIEWERS_MAX", 1)
    async with Watcher(hall, session, "screen", "first") as first:
        request = Watch(tenant=TENANT, session=session, track="screen", viewer="second", sdp=first.offer)
        assert await hall.ask(request) == Refusal(field="track", rule="is watched by 1 already", status=409)
