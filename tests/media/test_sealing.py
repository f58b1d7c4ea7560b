"""Sealed segments: what goes in comes out, a torn end is told, a changed bit is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.names import RecordingName, SegmentName
from media.sealing import HEADER_BYTES, SegmentSealer, Tampered, measure, open_segment

KEY = bytes(range(32))
NAME = SegmentName(RecordingName("school", "s1", "camera"), 1, 2)
pieces = st.lists(st.binary(max_size=60), min_size=1, max_size=6)


def seal(parts: list[bytes], *, finished: bool = True) -> list[bytes]:
    sealer = SegmentSealer(KEY, NAME)
    frames = [
        sealer.seal(p, end_ms=1000 * n, frames=15 * n, sounds=17 * n, last=finished and n == len(parts))
        for n, p in enumerate(parts, 1)
    ]
    return [sealer.header, *frames]


@given(pieces, st.booleans())
def test_what_was_sealed_is_opened_and_the_end_is_known(parts: list[bytes], finished: bool) -> None:
    opened = open_segment(KEY, NAME, b"".join(seal(parts, finished=finished)))
    assert opened == (b"".join(parts), finished)


@given(pieces, st.data())
def test_a_file_that_was_cut_off_gives_all_whole_frames_and_says_so(parts: list[bytes], data: st.DataObject) -> None:
    sealed = seal(parts)
    stored = b"".join(sealed)
    cut = data.draw(st.integers(HEADER_BYTES, len(stored) - 1))
    whole = next(n for n in range(len(parts) + 1) if len(b"".join(sealed[: n + 2])) > cut)
    opened = open_segment(KEY, NAME, stored[:cut])
    assert opened == (b"".join(parts[:whole]), False)
    measured = measure(stored[:cut])
    assert measured.whole_bytes == (len(b"".join(sealed[: whole + 1])) if whole else 0)
    if whole:
        assert measured.head is not None
        assert (measured.head.end_ms, measured.head.frames, measured.head.sounds) == (
            1000 * whole,
            15 * whole,
            17 * whole,
        )


@pytest.mark.parametrize("zeros", [1, 15, 16, 17, 4096])
def test_zeros_behind_the_last_frame_are_no_frame(zeros: int) -> None:
    whole = b"".join(seal([b"one", b"two"], finished=False))
    assert measure(whole + bytes(zeros)) == measure(whole)
    assert open_segment(KEY, NAME, whole + bytes(zeros)) == (b"onetwo", False)


def test_a_head_whose_sums_fall_is_no_frame() -> None:
    header, one, two = seal([b"one", b"two"])
    assert measure(header + two + one).whole_bytes == len(header + two)
    assert measure(header + one + two).whole_bytes == len(header + one + two)


@given(pieces, st.data())
def test_any_changed_bit_is_refused_or_ends_the_file(parts: list[bytes], data: st.DataObject) -> None:
    stored = bytearray(b"".join(seal(parts)))
    place = data.draw(st.integers(0, len(stored) * 8 - 1))
    stored[place // 8] ^= 1 << place % 8
    try:
        opened = open_segment(KEY, NAME, bytes(stored))
    except Tampered:
        return
    assert not opened.complete  # a longer length: as if the rest had not been written
    assert b"".join(parts).startswith(opened.plaintext)


def test_frames_cannot_be_moved_dropped_or_added() -> None:
    header, one, two, three = seal([b"one", b"two", b"three"])
    for changed in ((two, one, three), (one, three), (one, two, three, three), (one, one, two, three)):
        with pytest.raises(Tampered):
            open_segment(KEY, NAME, header + b"".join(changed))


@pytest.mark.parametrize(
    "other",
    [
        NAME._replace(number=3),
        NAME._replace(connection=2),
        NAME._replace(recording=NAME.recording._replace(track="screen")),
        NAME._replace(recording=NAME.recording._replace(session="s2")),
        NAME._replace(recording=NAME.recording._replace(tenant="other")),
    ],
)
def test_a_segment_does_not_open_under_another_name(other: SegmentName) -> None:
    with pytest.raises(Tampered):
        open_segment(KEY, other, b"".join(seal([b"one"])))


def test_the_same_segment_sealed_twice_shares_no_key() -> None:
    first, second = (b"".join(seal([b"same"])) for _ in range(2))
    assert first[HEADER_BYTES:] != second[HEADER_BYTES:]


def test_nothing_readable_is_in_the_file() -> None:
    assert b"secret" not in b"".join(seal([b"a secret picture"]))


def test_what_is_no_segment_is_refused() -> None:
    for data in (b"", b"short", bytes(100)):
        with pytest.raises(Tampered):
            open_segment(KEY, NAME, data)
    with pytest.raises(ValueError, match="32 bytes"):
        open_segment(b"short", NAME, seal([b"x"])[0])
