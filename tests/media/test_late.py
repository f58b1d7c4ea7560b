"""Out of a file that a page sent late only what lies in gaps becomes a segment, and plays in the recording."""

from __future__ import annotations

import os
import zlib
from datetime import datetime, timedelta

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.late import Stretch
from domain.segment import OWN_COPY
from media.clips import Clip
from media.codec import VideoFormat
from media.finalise import finalise
from media.late import LateSegment, NotPlayable, cut_out
from media.names import SegmentName
from media.sealing import open_segment
from media.webm import AUDIO_TRACK, VIDEO_TRACK, Block, cluster, header
from tests.media.hall import watch
from tests.media.tape import DATA_KEY, RECORDING, START, browser_file, play, record
from tests.media.test_finalise import plaintext

COMPRESSION = bytes.fromhex("6D8096 624093 50318100 50328101 50338100 503484 42548100")
"""Of a Matroska track: its frames are compressed by zlib (RFC 9559, ContentEncodings)."""


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def cut(file: bytes, *stretches: tuple[float, float], began_s: float = 0.0, long_s: float = 6.0) -> list[LateSegment]:
    return cut_out(
        DATA_KEY, RECORDING, file, began_at=after(began_s), ended_at=after(began_s + long_s),
        stretches=[Stretch(after(a), after(b)) for a, b in stretches], zero=START,
    )  # fmt: skip


def shown(late: LateSegment) -> bytes:
    opened = open_segment(DATA_KEY, SegmentName(RECORDING, OWN_COPY, late.segment.number), late.stored)
    assert opened.complete
    return opened.plaintext


def test_a_piece_within_a_gap_is_taken_whole(card: Clip, tone: Clip) -> None:
    (late,) = cut(browser_file(card, tone, 6), (-10, 30))
    seen = watch(shown(late))
    assert seen.decoded == seen.packets == {"video": 90, "audio": 100}
    assert (late.segment.started_at, late.segment.ended_at) == (after(0), after(6))
    assert (late.segment.frames, late.segment.connection, late.segment.bytes) == (90, OWN_COPY, len(late.stored))


def test_of_a_piece_that_reaches_out_only_what_lies_in_the_gap_is_taken(card: Clip, tone: Clip) -> None:
    file = browser_file(card, tone, 6)  # its key frames are at 0, 2 and 4 s
    (late,) = cut(file, (102, 105.5), began_s=100)
    assert (late.segment.started_at, late.segment.ended_at) == (after(102), after(105.5))
    assert late.segment.number == 102_000
    assert watch(shown(late)).decoded["video"] == 53


def test_pictures_that_are_needed_from_before_the_gap_pass_in_a_moment(card: Clip, tone: Clip) -> None:
    (late,) = cut(browser_file(card, tone, 6), (3.5, 5.5))
    assert (late.segment.started_at, late.segment.ended_at) == (after(3.5), after(5.5))
    seen = watch(shown(late))
    assert seen.decoded == {"video": 53, "audio": 33}  # 23 pictures of those were before
    assert seen.monotonic
    assert len([at for at in seen.times["video"] if at < 0.05]) == 24
    assert seen.times["video"][24] == pytest.approx(0.033 + 1 / 15, abs=0.01)


def test_a_piece_may_fill_two_gaps(card: Clip) -> None:
    first, second = cut(browser_file(card, None, 6), (-5, 1.5), (4, 20))
    assert (first.segment.started_at, first.segment.ended_at) == (after(0), after(1.5))
    assert (second.segment.started_at, second.segment.ended_at) == (after(4), after(6))
    assert watch(shown(second)).decoded == {"video": 30}


def test_where_no_picture_is_nothing_is_taken(card: Clip) -> None:
    assert cut(browser_file(card, None, 6), (6.2, 9), long_s=9) == []
    assert cut(browser_file(card, None, 6), (4.01, 4.02)) == []


@given(st.integers(0, 5_000_000), st.integers(0, 999), st.integers(600_000, 5_000_000))
@settings(max_examples=30, deadline=None)
def test_nothing_reaches_out_of_its_gap_by_less_than_a_millisecond_even(
    card: Clip, begins: int, began: int, long: int
) -> None:
    gap = Stretch(START + timedelta(microseconds=begins), START + timedelta(microseconds=begins + long))
    began_at = START + timedelta(microseconds=began)
    found = cut_out(
        DATA_KEY, RECORDING, browser_file(card, None, 6), began_at=began_at, ended_at=began_at + timedelta(seconds=6),
        stretches=[gap], zero=START,
    )  # fmt: skip
    for late in found:
        assert gap.started_at <= late.segment.started_at < late.segment.ended_at <= gap.ended_at


def test_what_was_filled_late_plays_in_the_finished_recording(card: Clip, tone: Clip) -> None:
    before = record(play(card, 12) + play(tone, 12))
    again = record(play(card, 12, start_s=30) + play(tone, 12, start_s=30), connection=2)
    (late,) = cut(browser_file(card, tone, 6), (12.1, 30), began_s=13)
    files = {
        (s.connection, s.number): tape.files[s.number]
        for c, tape in ((1, before), (2, again))
        for s in tape.segments(c)
    }
    files[late.segment.connection, late.segment.number] = late.stored
    segments = [*before.segments(1), late.segment, *again.segments(2)]
    file = finalise(DATA_KEY, RECORDING, segments, lambda s: files[s.connection, s.number])
    seen = watch(plaintext(file))
    assert seen.decoded == seen.packets == {"video": 2 * 180 + 90, "audio": 2 * 200 + 100}
    assert seen.monotonic
    filled = [t for t in seen.times["video"] if 12.1 < t < 29.5]
    assert len(filled) == 90
    assert filled[0] == pytest.approx(13, abs=0.05)


@pytest.mark.parametrize(
    ("spoil", "rule"),
    [
        (lambda f: f[:0], "WebM"),
        (lambda f: os.urandom(len(f)), "WebM"),
        (lambda f: f[: len(f) // 2].replace(b"V_VP8", b"V_VP9"), "VP8"),
        (lambda f: f[:60], "WebM"),
    ],
)  # fmt: skip
def test_what_is_no_recording_of_a_page_is_refused(card: Clip, tone: Clip, spoil: object, rule: str) -> None:
    assert callable(spoil)
    with pytest.raises(NotPlayable, match=rule):
        cut(spoil(browser_file(card, tone, 2)), (-10, 30))


def test_a_file_that_goes_on_for_too_long_is_refused(card: Clip) -> None:
    with pytest.raises(NotPlayable, match="60 seconds"):
        cut(browser_file(card, None, 62), (-10, 100), long_s=62)


def test_frames_that_were_compressed_are_not_blown_up(card: Clip) -> None:
    """Each block of 12 KB would become 12 MB."""
    head = header(VideoFormat("VP8", 640, 480), sound=False, start=START)
    before, tracks = head.split(bytes.fromhex("1654AE6B"))
    entry = tracks[3:] + COMPRESSION  # behind the sizes of the list and of its one entry, and the entry's name
    entry = b"\xae" + (len(entry) | 1 << 14).to_bytes(2) + entry
    bomb = before + bytes.fromhex("1654AE6B") + (len(entry) | 1 << 14).to_bytes(2) + entry
    picture = zlib.compress(card.frames[0] + bytes(12_000_000), 9)
    bomb += b"".join(cluster([Block(at * 10, VIDEO_TRACK, True, picture)]) for at in range(10))
    with pytest.raises(NotPlayable, match="compressed"):
        cut(bomb, (-10, 30))


def test_nothing_of_a_strangers_file_is_decoded(card: Clip, monkeypatch: pytest.MonkeyPatch) -> None:
    """A decoder that had looked into it would know what colours its pictures are in."""
    opened = []

    def spied(*args: object, **options: object) -> object:
        container = av_open(*args, **options)  # type: ignore[call-overload]
        opened.append(container.streams.video[0].codec_context.pix_fmt)
        return container

    av_open = av.open
    monkeypatch.setattr(av, "open", spied)
    assert cut(browser_file(card, None, 2), (-10, 30))
    assert opened == [None]


def test_sound_alone_is_no_recording(tone: Clip) -> None:
    blocks = [Block(round(f.ticks / 48), AUDIO_TRACK, True, f.data) for f in play(tone, 2)]
    with pytest.raises(NotPlayable, match="pictures"):
        cut(header(VideoFormat("VP8", 640, 480), sound=True, start=START) + cluster(blocks), (-10, 30))


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_spoilt_file_breaks_nothing(card: Clip, tone: Clip, data: st.DataObject) -> None:
    file = bytearray(browser_file(card, tone, 2))
    for _ in range(data.draw(st.integers(1, 20))):
        file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = cut(bytes(file), (-10, 30))
    except NotPlayable:
        return
    for late in found:
        assert late.segment.started_at < late.segment.ended_at
        assert shown(late)
