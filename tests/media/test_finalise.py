"""Finalised recordings: every frame once, gaps kept as time, seekable, played by ranges, tampering refused."""

from __future__ import annotations

import io
import itertools
import tracemalloc
from dataclasses import replace as replace_frame
from pathlib import Path

import av
import pytest
from msgspec.structs import replace

from commands.objects import FolderStore
from domain.messages import VideoCodec
from domain.segment import Segment
from media.blocks import HEADER_BYTES, SealedRecording
from media.clips import Clip, card_clip
from media.finalise import FinalisedFile, finalise
from media.names import finalised_object_key
from media.playback import Playback
from media.remux import RemuxFailed
from media.sealing import Tampered
from tests.media.hall import watch
from tests.media.tape import DATA_KEY, RECORDING, Tape, play, record


def finalised(*tapes: Tape) -> FinalisedFile:
    files = {(c, n): data for c, tape in enumerate(tapes, 1) for n, data in tape.files.items()}
    segments = [segment for c, tape in enumerate(tapes, 1) for segment in tape.segments(c)]
    return finalise(DATA_KEY, RECORDING, segments, lambda s: files[s.connection, s.number])


def plaintext(file: FinalisedFile) -> bytes:
    sealed = SealedRecording(DATA_KEY, RECORDING, file.stored[:HEADER_BYTES], len(file.stored))
    span = sealed.span(0, sealed.size)
    return sealed.open_range(span, file.stored[span.stored_start : span.stored_stop], 0, sealed.size)


def test_every_frame_of_every_segment_is_in_the_file(card: Clip, tone: Clip) -> None:
    tape = record(play(card, 20) + play(tone, 20))
    file = finalised(tape)
    seen = watch(plaintext(file))
    assert (file.frames, file.sounds, file.segments) == (300, 333, 4)
    assert seen.decoded == seen.packets == {"video": 300, "audio": 333}
    assert seen.monotonic
    assert file.duration_s == pytest.approx(20, abs=0.1)


def test_one_segment_without_sound_works(card: Clip) -> None:
    seen = watch(plaintext(finalised(record(play(card, 2), sound=False))))
    assert seen.decoded == {"video": 30}


def test_a_microphone_that_never_sent_is_left_out(card: Clip) -> None:
    seen = watch(plaintext(finalised(record(play(card, 2), sound=True))))
    assert seen.decoded == {"video": 30}


def in_h264(clip_h264: Clip, tone: Clip) -> bytes:
    """A file of two connections with ten seconds of nothing between."""
    first = record(play(clip_h264, 20) + play(tone, 20))
    second = record(play(clip_h264, 4, start_s=30) + play(tone, 4, start_s=30), connection=2)
    return plaintext(finalised(first, second))


def test_h264_becomes_one_mp4_of_every_frame_with_its_gap(clip_h264: Clip, tone: Clip) -> None:
    data = in_h264(clip_h264, tone)
    seen = watch(data)
    assert seen.decoded == seen.packets == {"video": 360, "audio": 333 + 67}
    assert seen.monotonic
    for times, begins, every in ((seen.times["video"], 0, 1 / 15), (seen.times["audio"], 0, 0.06)):
        longest, before = max((b - a, a) for a, b in itertools.pairwise(times))
        assert times[0] == begins
        assert longest == pytest.approx(10 + every, abs=0.1)
        assert before == pytest.approx(20, abs=0.1)
    assert seen.sizes == {(640, 480)}
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(io.BytesIO(data), "r", format="mp4") as file:
        assert file.duration == pytest.approx(34_000_000, abs=50_000)
        assert file.metadata["creation_time"].startswith("2026-03-02T09:00:00")
        for second in (32, 3, 17, 0):
            file.seek(second * 1_000_000)
            packet = next(file.demux(video=0))
            assert packet.is_keyframe
            assert 0 <= second - float(packet.pts * packet.time_base) <= 13
    assert in_h264(clip_h264, tone) == data, "the same again"


def test_sound_that_begins_later_or_earlier_than_the_picture_stays_in_its_place(clip_h264: Clip, tone: Clip) -> None:
    for picture_s, sound_s in ((0.0, 1.0), (0.0, -0.0)):
        tape = record(play(clip_h264, 6, start_s=picture_s) + play(tone, 4, start_s=sound_s))
        times = watch(plaintext(finalised(tape))).times
        assert times["audio"][0] - times["video"][0] == pytest.approx(sound_s - picture_s, abs=0.1)


def test_h264_of_another_size_plays_through_wherever_one_begins(clip_h264: Clip) -> None:
    small = card_clip(4, width=320, height=240, codec="H264")
    frames = play(clip_h264, 8) + [replace_frame(f, ticks=f.ticks + 720_000) for f in play(small, 8, start_s=8)]
    data = plaintext(finalised(record(frames, sound=False)))
    seen = watch(data)
    assert (seen.decoded, seen.sizes) == ({"video": 240}, {(640, 480), (320, 240)})
    with av.open(io.BytesIO(data), "r", format="mp4") as file:
        file.seek(14_000_000)
        frame = next(file.decode(video=0))
        assert (frame.width, frame.height) == (320, 240)


def test_a_recording_in_two_codecs_is_none(card: Clip, clip_h264: Clip) -> None:
    with pytest.raises(RemuxFailed, match="H264 and VP8"):
        finalised(record(play(card, 4), sound=False), record(play(clip_h264, 4, start_s=10), sound=False))


def test_a_change_of_size_plays_through(card: Clip) -> None:
    small = card_clip(2, width=320, height=240)
    frames = play(card, 2) + [replace_frame(f, ticks=f.ticks + 180_000) for f in play(small, 2, start_s=2)]
    seen = watch(plaintext(finalised(record(frames, sound=False))))
    assert (seen.decoded, seen.sizes) == ({"video": 60}, {(640, 480), (320, 240)})


def test_the_gap_between_two_connections_is_kept_as_time(card: Clip, tone: Clip) -> None:
    first = record(play(card, 4) + play(tone, 4))
    second = record(play(card, 4, start_s=14) + play(tone, 4, start_s=14), connection=2)
    file = finalised(first, second)
    times = watch(plaintext(file)).times["video"]
    assert file.duration_s == pytest.approx(18, abs=0.1)
    assert times[60] - times[59] == pytest.approx(10 + 1 / 15, abs=0.01)


def test_the_index_in_front_leads_anywhere(card: Clip, tone: Clip) -> None:
    data = plaintext(finalised(record(play(card, 30) + play(tone, 30))))
    assert data.index(bytes.fromhex("1C53BB6B")) < data.index(bytes.fromhex("1F43B675"))
    with av.open(io.BytesIO(data), "r", format="webm") as file:
        for second in (28, 3, 17, 0):
            file.seek(second * 1_000_000)
            packet = next(file.demux(video=0))
            assert packet.is_keyframe
            assert 0 <= second - float(packet.pts * packet.time_base) <= 6.1


def test_finalising_again_gives_the_same_bytes(card: Clip) -> None:
    tape = record(play(card, 8), sound=False)
    first, second = finalised(tape), finalised(tape)
    assert first.stored == second.stored
    assert finalised_object_key(RECORDING, first.sha256) == finalised_object_key(RECORDING, second.sha256)


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_little_more_than_the_file_and_its_plaintext_is_held_at_once(
    card: Clip, clip_h264: Clip, codec: VideoCodec
) -> None:
    clip, more = (card, bytes(100_000)) if codec == "VP8" else (clip_h264, (99_996).to_bytes(4) + b"\6" * 99_996)
    large = [replace_frame(f, data=f.data + more) for f in play(clip, 20)]
    tape = record(large, sound=False)
    tracemalloc.start()
    try:
        size = len(finalised(tape).stored)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size > 25_000_000
    assert peak < 2.6 * size


def test_segments_that_are_not_what_was_told_are_refused(card: Clip) -> None:
    tape = record(play(card, 8), sound=False)
    first, second = tape.segments()

    def attempt(segments: list[Segment]) -> None:
        finalise(DATA_KEY, RECORDING, segments, lambda s: tape.files[s.number])

    with pytest.raises(Tampered, match="hash"):
        attempt([replace(first, sha256=second.sha256), second])
    with pytest.raises(RemuxFailed, match="90 frames"):
        attempt([first, replace(second, frames=90)])
    with pytest.raises(RemuxFailed, match="no segments"):
        attempt([])
    tape.files[2] = tape.files[1]
    with pytest.raises(Tampered):
        attempt([first, replace(first, number=2)])


async def played(store: FolderStore, key: str, file: FinalisedFile) -> Playback:
    return await Playback.open(store, key, len(file.stored), data_key=DATA_KEY, recording=RECORDING)


async def test_every_range_gives_what_the_whole_gives(tmp_path: Path, card: Clip, tone: Clip) -> None:
    file = finalised(record(play(card, 30) + play(tone, 30)))
    store, key = FolderStore(tmp_path), finalised_object_key(RECORDING, file.sha256)
    await store.put_new(key, file.stored)
    playback = await played(store, key, file)
    whole = plaintext(file)
    assert playback.size == len(whole)
    for start, stop in [(0, len(whole)), (0, 1), (len(whole) - 1, len(whole)), (65_535, 65_537), (70_000, 500_000)]:
        assert b"".join([piece async for piece in playback.read(start, stop)]) == whole[start:stop]
    with pytest.raises(ValueError, match="no part"):
        _ = [piece async for piece in playback.read(0, len(whole) + 1)]


async def test_one_changed_byte_in_the_store_is_refused_where_it_lies(tmp_path: Path, card: Clip) -> None:
    file = finalised(record(play(card, 30), sound=False))
    changed = bytearray(file.stored)
    changed[100_000] ^= 1
    store = FolderStore(tmp_path)
    await store.put_new("school/changed", bytes(changed))
    playback = await played(store, "school/changed", file)
    assert b"".join([piece async for piece in playback.read(0, 65_536)]) == plaintext(file)[:65_536]
    with pytest.raises(Tampered):
        _ = [piece async for piece in playback.read(65_000, 66_000)]
