"""A sender that means harm: what it sends never grows without bound, and the process goes on for everybody else."""

from __future__ import annotations

import itertools
import logging
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from domain.messages import KeyFrame
from media.connection import Connection
from media.frames import PIXELS_MAX, to_picture
from media.names import SegmentName, recording_name
from media.peer import ROUTES_MAX, Peer
from media.rtp import RtpPacket
from media.sealing import SegmentSealer
from media.spool import Spool
from media.spooled import SEALED, read_segment_note, segment_file
from media.track import FRAME_MAX, ReceiveTrack
from tests.media.test_spool import note, sealed
from tests.media.test_track import KEY, SimulatedTime

NAME = recording_name("main", "s1", "camera")


class _Silent:
    def nack(self, ssrc: int, sequences: list[int]) -> None: ...
    def pli(self, ssrc: int) -> None: ...


def test_a_picture_that_never_ends_is_dropped() -> None:
    track = ReceiveTrack("video", 90_000, SimulatedTime(), _Silent())
    track.begin(1)
    got: list[int] = []
    track.frame_sinks.append(lambda frame: got.append(len(frame.data)))
    piece = KEY + bytes(1200)
    for number in range(2 * FRAME_MAX // len(piece)):
        head = b"\x10" if number == 0 else b"\x00"
        track.receive(_packet(number, 0, head + piece, marker=False))
        assert sum(map(len, track._parts)) <= FRAME_MAX
    assert not got
    track.receive(_packet(number + 1, 3000, b"\x10" + KEY, marker=True))
    assert len(got) == 1, "the next key frame is taken again"


def _packet(sequence: int, timestamp: int, payload: bytes, *, marker: bool) -> RtpPacket:
    return RtpPacket(96, marker, sequence, timestamp, 1, payload)


def test_sources_are_counted() -> None:
    begun = itertools.count()
    offered = SimpleNamespace(mid="0", mid_extension=None, payload_type=96, rtx_payload_type=97)
    stream = SimpleNamespace(offered=offered, track=SimpleNamespace(begin=lambda _: next(begun)))
    peer = cast("Peer", SimpleNamespace(streams=[stream], _routes={}))
    peer._mid_of = lambda *_: None  # type: ignore[method-assign]
    peer._route = lambda *given: Peer._route(peer, *given)  # type: ignore[method-assign]
    for ssrc in range(2 * ROUTES_MAX):
        Peer._find_route(peer, cast("RtpPacket", SimpleNamespace(ssrc=ssrc, payload_type=96)))
    assert len(peer._routes) == ROUTES_MAX


def test_a_picture_that_claims_to_be_huge_is_not_decoded(caplog: pytest.LogCaptureFixture) -> None:
    huge = b"\x10\x00\x00\x9d\x01\x2a\xff\x3f\xff\x3f" + bytes(100)
    assert PIXELS_MAX < 0x3FFF * 0x3FFF
    at = note(1).started_at
    frame = KeyFrame(tenant="main", session="s1", track="camera", at=at, codec="VP8", data=huge)
    with caplog.at_level(logging.WARNING):
        assert to_picture(frame) is None
    assert "larger than any" in caplog.text


async def test_a_recorder_that_breaks_at_the_end_still_lets_its_connection_end() -> None:
    ended: list[str] = []

    def breaks(_: float) -> None:
        raise RuntimeError("whatever it is")

    connection = cast(
        "Connection",
        SimpleNamespace(
            _ended=False, _recorder=SimpleNamespace(close=breaks), _picture_at=7.0, wall=lambda at: at,
            _on_end=lambda _: ended.append("told"),
            _sealing=SimpleNamespace(spool=SimpleNamespace(end=lambda _, why, __: ended.append(why))),
        ),
    )  # fmt: skip
    Connection._finish(connection, "lost")
    assert ended == ["lost", "told"]


async def test_what_was_written_of_an_open_segment_is_kept_when_its_connection_ends(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 1 << 30)
    connection = await spool.connection(NAME, 1)
    sealer = SegmentSealer(bytes(32), SegmentName(NAME, 1, 1))
    connection.begin(note(1), sealer.header)
    connection.append(sealed(sealer, b"a second of pictures"))
    connection.end(note(1).started_at + timedelta(seconds=5), "lost")
    spool.close()
    folder = tmp_path / "main" / NAME.text / "0001"
    assert segment_file(folder, 1, SEALED).exists()
    assert not read_segment_note(segment_file(folder, 1, ".json")).complete
