"""Finalised recordings in sealed blocks: every range alone gives what the whole gives."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.blocks import BLOCK_BYTES, HEADER_BYTES, SealedRecording, seal_recording
from media.names import RecordingName
from media.sealing import Tampered

KEY = bytes(range(32))
NAME = RecordingName("school", "s1", "camera")
sizes = st.sampled_from([1, 100, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES, 3 * BLOCK_BYTES + 7])


def plaintext(size: int) -> bytes:
    return bytes(range(251)) * (size // 251 + 1)


def sealed(size: int, pieces: int = 3) -> bytes:
    whole = plaintext(size)[:size]
    step = size // pieces + 1
    return b"".join(seal_recording(KEY, NAME, [whole[i : i + step] for i in range(0, size, step)]))


def opened(stored: bytes, start: int, stop: int, name: RecordingName = NAME) -> bytes:
    recording = SealedRecording(KEY, name, stored[:HEADER_BYTES], len(stored))
    span = recording.span(start, stop)
    return recording.open_range(span, stored[span.stored_start : span.stored_stop], start, stop)


@settings(max_examples=50, deadline=None)
@given(sizes, st.data())
def test_every_range_gives_what_the_whole_gives(size: int, data: st.DataObject) -> None:
    stored = sealed(size)
    start = data.draw(st.integers(0, size - 1))
    stop = data.draw(st.integers(start + 1, size))
    assert SealedRecording(KEY, NAME, stored[:HEADER_BYTES], len(stored)).size == size
    assert opened(stored, start, stop) == plaintext(size)[start:stop]


@settings(max_examples=30, deadline=None)
@given(sizes, st.data())
def test_a_range_reads_only_the_blocks_it_lies_in(size: int, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, size - 1))
    stop = data.draw(st.integers(start + 1, min(size, start + 1000)))
    stored = sealed(size)
    span = SealedRecording(KEY, NAME, stored[:HEADER_BYTES], len(stored)).span(start, stop)
    assert span.stored_stop - span.stored_start <= 2 * (BLOCK_BYTES + 16)


@settings(max_examples=30, deadline=None)
@given(sizes, st.data())
def test_one_changed_byte_is_refused(size: int, data: st.DataObject) -> None:
    stored = bytearray(sealed(size))
    stored[data.draw(st.integers(0, len(stored) - 1))] ^= 1
    with pytest.raises(Tampered):
        opened(bytes(stored), 0, size)


def test_an_end_that_was_cut_off_is_refused_even_between_blocks() -> None:
    stored = sealed(3 * BLOCK_BYTES)
    shorter = stored[: -(BLOCK_BYTES + 16)]
    with pytest.raises(Tampered):
        opened(shorter, 0, 2 * BLOCK_BYTES)
    with pytest.raises(Tampered):
        opened(stored[:-BLOCK_BYTES], 0, BLOCK_BYTES * 2 + 1)


def test_a_recording_does_not_open_as_another() -> None:
    with pytest.raises(Tampered):
        opened(sealed(100), 0, 100, NAME._replace(session="s2"))


def test_the_same_recording_is_sealed_to_the_same_bytes_and_another_to_other_keys() -> None:
    assert sealed(1000, pieces=2) == sealed(1000, pieces=7)
    assert sealed(1000)[:HEADER_BYTES] != sealed(1001)[:HEADER_BYTES]


@pytest.mark.parametrize(("start", "stop"), [(-1, 5), (5, 5), (0, 101), (100, 101)])
def test_what_is_no_part_of_the_recording_is_refused(start: int, stop: int) -> None:
    with pytest.raises(ValueError, match="no part"):
        opened(sealed(100), start, stop)
