"""The WebM writer against FFmpeg's reader."""

from __future__ import annotations

import io
import itertools
from datetime import UTC, datetime

import av
from hypothesis import given, settings
from hypothesis import strategies as st

from media.clips import Clip
from media.codec import VideoFormat
from media.webm import AUDIO_TRACK, VIDEO_TRACK, Block, CuePoint, cluster, cues, header
from tests.media.hall import watch

START = datetime(2026, 3, 2, 9, 0, 0, 250_000, tzinfo=UTC)


def clusters(card: Clip, tone: Clip, seconds: int) -> list[list[Block]]:
    """A cluster for each second of camera with sound."""
    pictures = [Block(n * 1000 // 15, VIDEO_TRACK, not d[0] & 1, d) for n, d in enumerate(card.frames)]
    sounds = [Block(n * 60, AUDIO_TRACK, True, d) for n, d in enumerate(tone.frames)]
    blocks = sorted(pictures + sounds, key=lambda b: b.at_ms)
    return [[b for b in blocks if b.at_ms // 1000 == second] for second in range(seconds)]


def test_a_file_is_read_back_frame_by_frame(card: Clip, tone: Clip) -> None:
    written = clusters(card, tone, 3)
    data = header(VideoFormat("VP8", 640, 480), sound=True, start=START) + b"".join(map(cluster, written))
    with av.open(io.BytesIO(data), "r", format="webm") as file:
        read = [
            (round(float(p.pts * p.time_base) * 1000), p.stream.type, p.is_keyframe, bytes(p))
            for p in file.demux()
            if p.pts is not None
        ]
        assert (file.streams.video[0].width, file.streams.video[0].height) == (640, 480)
        assert file.streams.audio[0].sample_rate == 48_000
        assert file.metadata["creation_time"].startswith("2026-03-02T09:00:00.25")
    kinds = {VIDEO_TRACK: "video", AUDIO_TRACK: "audio"}
    assert sorted(read) == sorted((b.at_ms, kinds[b.track], b.keyframe, b.data) for c in written for b in c)


def test_a_file_cut_off_behind_any_cluster_plays_to_there(card: Clip, tone: Clip) -> None:
    written = clusters(card, tone, 3)
    data = header(VideoFormat("VP8", 640, 480), sound=True, start=START)
    for count, blocks in enumerate(written, 1):
        data += cluster(blocks)
        seen = watch(data)
        assert seen.decoded == seen.packets
        assert sum(seen.packets.values()) == sum(map(len, written[:count]))


def test_a_cluster_says_its_size(card: Clip, tone: Clip) -> None:
    for blocks in clusters(card, tone, 3):
        data = cluster(blocks)
        assert data[:4] == bytes.fromhex("1F43B675")
        assert int.from_bytes(data[4:12], "big") == (1 << 56 | len(data) - 12)


def test_an_index_in_front_leads_to_each_key_frame(card: Clip, tone: Clip) -> None:
    written = [cluster(blocks) for blocks in clusters(card, tone, 4)]
    offsets = list(itertools.accumulate(map(len, written), initial=0))
    points = [CuePoint(0, 0), CuePoint(2000, offsets[2])]
    head = header(VideoFormat("VP8", 640, 480), sound=True, start=START, duration_ms=4000)
    data = head + cues(points, len(head)) + b"".join(written)
    with av.open(io.BytesIO(data), "r", format="webm") as file:
        assert file.duration == 4_000_000
        file.seek(3_000_000)
        packet = next(file.demux(video=0))
        assert (packet.pts, packet.is_keyframe) == (2000, True)
    for point, offset in zip(points, (0, offsets[2]), strict=True):
        at = len(head) + len(cues(points, len(head))) + offset
        assert data[at : at + 4] == bytes.fromhex("1F43B675")
        assert point.offset == offset


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 32_767), st.binary(min_size=1, max_size=300)), min_size=1, max_size=20))
def test_any_times_within_a_cluster_are_kept(frames: list[tuple[int, bytes]]) -> None:
    times = sorted({at for at, _ in frames})
    blocks = [Block(at, VIDEO_TRACK, True, data) for at, (_, data) in zip(times, frames, strict=False)]
    data = header(VideoFormat("VP8", 2, 2), sound=False, start=START) + cluster(blocks)
    with av.open(io.BytesIO(data), "r", format="webm") as file:
        read = [(p.pts, bytes(p)) for p in file.demux(video=0) if p.pts is not None]
    assert read == [(b.at_ms, b.data) for b in blocks]
