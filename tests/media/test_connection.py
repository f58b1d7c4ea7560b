"""A connection whose pictures stop though other packets flow, and one that breaks."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import cast

import msgspec
import pytest
from nats.aio.msg import Msg

from domain.messages import LiveTrack, MediaBeat
from media import connection as connection_module
from media.clips import Clip
from media.connection import KEYFRAME_EVERY_S, PICTURELESS_S, SILENCE_S, Connection
from media.peer import Peer
from media.recorder import HOLE_S, Recorder
from media.rtp import RtpPacket
from tests.media.hall import Eventually, Hall


async def test_a_camera_that_stops_while_sound_flows_is_lost_since_its_last_picture(
    hall: Hall, session: str, monkeypatch: pytest.MonkeyPatch, *, card: Clip, tone: Clip, eventually: Eventually
) -> None:
    monkeypatch.setattr(connection_module, "PICTURELESS_S", 4.0)
    told: list[LiveTrack] = []

    async def on_beat(message: Msg) -> None:
        told.extend(t for t in msgspec.msgpack.decode(message.data, type=MediaBeat).tracks if t.session == session)

    await hall.front.subscribe("vigil.beat", cb=on_beat)
    async with hall.publisher(session, "camera", card, tone) as publisher:
        await publisher.connected()
        await eventually(lambda: publisher.video.sent > 20)
        assert publisher.audio is not None
        publisher.video.stop()
        stopped_at, heard = datetime.now(UTC), publisher.audio.sent
        await eventually((hall.folder(session, "camera") / "ended.json").exists, within_s=15)
        assert publisher.audio.sent > heard + 30
    ended = hall.ended(session, "camera")
    assert ended.why == "lost"
    assert abs((ended.at - stopped_at).total_seconds()) < 1
    (segment,) = hall.segments(session, "camera")
    assert segment.note.frames >= 20
    assert abs((segment.note.ended_at - ended.at).total_seconds()) < 0.5
    assert max(track.quiet_s for track in told) > 2, "the beat tells of pictures"


class Asked:
    """A video that notes when it is asked for a key frame."""

    kind = "video"

    def __init__(self, frame_at: float | None) -> None:
        self.frame_at, self.count = frame_at, 0

    def request_keyframe(self) -> None:
        self.count += 1


def ticking(now: float, *, packet_at: float, picture_at: float | None) -> tuple[Asked, list[str]]:
    """One tick of a connection that stood at 100."""
    video, ended = Asked(picture_at), list[str]()
    loop = cast("asyncio.AbstractEventLoop", SimpleNamespace(time=lambda: now))
    connection = Connection.__new__(Connection)
    connection._loop, connection._recorder = loop, None
    connection._video = video  # type: ignore[assignment]
    connection._peer = cast("Peer", SimpleNamespace(media_at=packet_at, connected_at=100.0))
    connection._peer_ended = ended.append  # type: ignore[assignment, method-assign]
    connection.tick()
    return video, ended


@pytest.mark.parametrize(
    ("quiet_s", "unseen_s", "asked", "ended"),
    [
        (0.1, 0.5, 0, []),
        (0.1, 1.5, 1, []),
        (SILENCE_S + 0.1, SILENCE_S + 0.1, 0, ["lost"]),
        (0.1, PICTURELESS_S - 0.1, 1, []),
        (0.1, PICTURELESS_S + 0.1, 0, ["lost"]),
    ],
)
def test_a_key_frame_is_asked_for_and_in_the_end_the_connection_is_given_up(
    quiet_s: float, unseen_s: float, asked: int, ended: list[str]
) -> None:
    now = 200.0
    video, said = ticking(now, packet_at=now - quiet_s, picture_at=now - unseen_s)
    assert (video.count, said) == (asked, ended)


def test_a_connection_that_never_gives_a_picture_is_given_up_too() -> None:
    assert ticking(100 + PICTURELESS_S - 1, packet_at=100, picture_at=None)[1] == ["lost"]
    video, said = ticking(105, packet_at=105, picture_at=None)
    assert (video.count, said) == (1, [])
    assert ticking(100.1 + PICTURELESS_S, packet_at=110, picture_at=None)[1] == ["lost"]


def test_a_still_screen_that_answers_has_no_holes() -> None:
    asked_at_s = connection_module._QUIET_S + 1  # a tick later at most
    assert asked_at_s < HOLE_S["screen"] < KEYFRAME_EVERY_S["screen"]


async def test_a_tick_that_breaks_ends_its_connection_and_no_other(
    hall: Hall, monkeypatch: pytest.MonkeyPatch, *, card: Clip, eventually: Eventually
) -> None:
    tick = Recorder.tick

    def breaks_for_one(self: Recorder, now: float) -> None:
        if self._recording.session == "breaks":
            raise RuntimeError("whatever it is")
        tick(self, now)

    async with hall.publisher("breaks", "camera", card) as one, hall.publisher("goes-on", "camera", card) as other:
        await one.connected()
        await other.connected()
        await eventually(lambda: one.video.sent > 10)
        monkeypatch.setattr(Recorder, "tick", breaks_for_one)
        await eventually((hall.folder("breaks", "camera") / "ended.json").exists)
        sent = other.video.sent
        await eventually(lambda: other.video.sent > sent + 30)
        assert not (hall.folder("goes-on", "camera") / "ended.json").exists()
    await eventually((hall.folder("goes-on", "camera") / "ended.json").exists)
    assert hall.ended("breaks", "camera").why == "lost"
    assert sum(s.note.frames for s in hall.segments("goes-on", "camera")) > sent


def test_a_packet_of_no_stream_is_no_sign_of_life() -> None:
    peer = Peer.__new__(Peer)
    peer._routes, peer.streams, peer.media_at = {}, [], 7.0
    peer._on_rtp(RtpPacket(96, True, 1, 1, 1, b"junk"))
    assert peer.media_at == 7.0
