"""The recorder: where it cuts; no sound, sound first, changed sizes, jumping clocks, and no room."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from media.clips import Clip, card_clip
from media.recorder import Recorder
from tests.media.hall import watch
from tests.media.tape import START, Tape, new_recorder, play, record


def test_segments_are_cut_at_key_frames_after_six_seconds_and_abut(card: Clip, tone: Clip) -> None:
    tape = record(play(card, 20) + play(tone, 20))
    assert [round((n.ended_at - n.started_at).total_seconds(), 1) for n in tape.notes[:-1]] == [6.0] * 3
    assert all(abs((b.started_at - a.ended_at).total_seconds()) < 0.07 for a, b in itertools.pairwise(tape.notes))
    assert (sum(n.frames for n in tape.notes), sum(n.sounds for n in tape.notes)) == (300, 333)
    for note in tape.notes:
        opened = tape.opened(note.number)
        seen = watch(opened.plaintext)
        assert opened.complete
        assert note.complete
        assert seen.monotonic
        assert seen.keyframes[0]
        assert seen.decoded == {"video": note.frames, "audio": note.sounds}
        assert note.bytes == len(tape.files[note.number])


def test_times_in_the_file_are_those_of_the_stream(card: Clip, tone: Clip) -> None:
    tape = record(play(card, 5, delay_s=0.05) + play(tone, 5, delay_s=0.02))
    seen = watch(tape.opened(1).plaintext)
    assert seen.times["audio"][0] - seen.times["video"][0] == pytest.approx(0.03, abs=0.002)
    steps = [b - a for a, b in itertools.pairwise(seen.times["video"])]
    assert all(abs(step - 1 / 15) < 0.0015 for step in steps)
    assert (tape.notes[0].started_at - START).total_seconds() == pytest.approx(0.05, abs=0.002)


def test_sound_that_comes_first_waits_for_the_picture(card: Clip, tone: Clip) -> None:
    tape = record(play(tone, 4) + play(card, 2, start_s=2))
    (note,) = tape.notes
    seen = watch(tape.opened(1).plaintext)
    assert seen.decoded["video"] == note.frames == 30
    assert 33 <= seen.decoded["audio"] <= 35
    assert seen.monotonic


def test_a_microphone_that_never_sends_harms_nothing(card: Clip) -> None:
    seen = watch(record(play(card, 3), sound=True).opened(1).plaintext)
    assert seen.decoded == {"video": 45}


def test_a_camera_without_microphone_is_recorded(card: Clip) -> None:
    seen = watch(record(play(card, 3), sound=False).opened(1).plaintext)
    assert seen.decoded == {"video": 45}


def test_a_new_size_begins_a_new_segment(card: Clip) -> None:
    small = card_clip(2, width=320, height=240)
    tape = record(play(card, 2) + play(small, 2, start_s=2, ticks=180_000), sound=False)
    assert [(n.width, n.height, n.frames) for n in tape.notes] == [(640, 480, 30), (320, 240, 30)]
    assert [watch(tape.opened(n).plaintext).sizes for n in (1, 2)] == [{(640, 480)}, {(320, 240)}]


def test_frames_before_the_first_key_frame_are_not_kept(card: Clip) -> None:
    frames = play(card, 4)[7:]
    tape = record(frames, sound=False)
    assert tape.notes[0].frames == 30
    assert watch(tape.opened(1).plaintext).keyframes[0]


def test_a_clock_that_jumps_is_followed_and_times_still_rise(card: Clip, tone: Clip) -> None:
    before = play(card, 4)
    after = [replace(f, ticks=f.ticks + 3600 * 90_000) for f in play(card, 4, start_s=4)]
    tape = record(before + after + play(tone, 8))
    for note in tape.notes:
        assert watch(tape.opened(note.number).plaintext).monotonic
    assert (tape.notes[-1].ended_at - START).total_seconds() == pytest.approx(8, abs=0.2)


def test_each_second_is_flushed_also_when_no_frame_comes(card: Clip) -> None:
    tape = Tape()
    recorder = new_recorder(tape, sound=False)
    _feed(recorder, card, 2.5)
    written = len(tape._open)
    recorder.tick(2.6)
    assert len(tape._open) == written  # it is younger than a second
    recorder.tick(3.6)
    assert len(tape._open) == written + 1


def test_a_full_spool_is_a_gap_with_its_reason_and_recording_goes_on_after(card: Clip) -> None:
    tape = Tape()
    recorder = new_recorder(tape, sound=False)
    for frame in play(card, 16):
        tape.full = 8.5 < frame.arrival < 11
        recorder.on_frame(frame)
    recorder.close()
    assert [n.gap_before for n in tape.notes] == [None, None, "spool_full"]
    assert [n.number for n in tape.notes] == [1, 2, 3]
    assert [n.complete for n in tape.notes] == [True, False, True]
    gap_s = (tape.notes[2].started_at - tape.notes[1].ended_at).total_seconds()
    assert 2 < gap_s < 5
    seen = watch(tape.opened(3).plaintext)
    assert seen.keyframes[0]
    assert seen.packets == seen.decoded


def _feed(recorder: Recorder, clip: Clip, seconds: float) -> None:
    for frame in play(clip, seconds):
        recorder.on_frame(frame)
