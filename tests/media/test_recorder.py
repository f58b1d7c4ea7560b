"""The recorder: where it cuts; no sound, sound first, changed sizes, jumping clocks, and no room."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from domain.messages import Track
from media.clips import Clip, card_clip
from media.current_segment import LONGEST_BYTES, LONGEST_S
from media.recorder import Recorder
from media.sealing import measure
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


def test_what_is_learnt_in_the_first_segment_holds_for_all_of_it(card: Clip, tone: Clip) -> None:
    """The first pictures come late, the first sounds too, though less: by the first flush, and by the first cut, it is
    known. Within the file nothing moves that is written; its wall time does.
    """
    late = [replace(f, arrival=f.arrival + max(0.0, 0.2 - f.arrival / 20)) for f in play(card, 20)]
    heard = [replace(f, arrival=f.arrival + max(0.0, 0.1 - f.arrival / 2)) for f in play(tone, 20)]
    tape = record(late + heard)
    assert (tape.notes[0].started_at - START).total_seconds() == pytest.approx(0.02, abs=0.002)
    assert all(abs((b.started_at - a.ended_at).total_seconds()) < 0.07 for a, b in itertools.pairwise(tape.notes))
    seen = watch(tape.opened(1).plaintext)
    assert seen.monotonic
    steps = [b - a for a, b in itertools.pairwise(seen.times["video"])]
    assert all(abs(step - 1 / 15) < 0.0025 for step in steps)


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


def test_h264_is_kept_in_matroska_and_other_parameter_sets_begin_a_new_segment(clip_h264: Clip, tone: Clip) -> None:
    small = card_clip(2, width=320, height=240, codec="H264")
    frames = play(clip_h264, 2) + play(small, 2, start_s=2, ticks=180_000)
    tape = record(frames + play(tone, 4))
    assert [(n.codec, n.width, n.height, n.frames) for n in tape.notes] == [
        ("H264", 640, 480, 30),
        ("H264", 320, 240, 30),
    ]
    for number, note in enumerate(tape.notes, 1):
        data = tape.opened(number).plaintext
        seen = watch(data)
        assert b"matroska" in data[:64]
        assert seen.sizes == {(note.width, note.height)}
        assert seen.decoded == seen.packets == {"video": note.frames, "audio": note.sounds}
        assert seen.keyframes[0]
        assert seen.monotonic
    assert b"webm" in record(play(tone, 2) + play(card_clip(2), 2)).opened(1).plaintext[:64]


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


def test_while_pictures_stay_away_there_is_a_gap_whatever_sound_comes(card: Clip, tone: Clip) -> None:
    again = [replace(f, ticks=f.ticks + 600 * 90_000) for f in play(card, 3, start_s=600)]
    tape = record(play(card, 3) + again + play(tone, 603))
    assert [n.gap_before for n in tape.notes] == [None, None]
    first, second = tape.notes
    assert (first.ended_at - START).total_seconds() == pytest.approx(3, abs=0.1)
    assert (second.started_at - START).total_seconds() == pytest.approx(600, abs=0.1)
    assert (first.frames, second.frames) == (45, 45)
    assert first.sounds == pytest.approx(LONGEST_S / 0.06, abs=2)  # what was heard meanwhile is kept for a while
    for note in tape.notes:
        assert watch(tape.opened(note.number).plaintext).decoded == {"video": note.frames, "audio": note.sounds}
        assert measure(tape.files[note.number]).whole_bytes == note.bytes


@pytest.mark.parametrize(
    ("track", "away_s", "gaps"), [("camera", 2.3, 0), ("camera", 2.7, 1), ("screen", 2.8, 0), ("screen", 3.2, 1)]
)
def test_a_camera_may_pause_for_two_seconds_and_a_still_screen_for_longer(
    card: Clip, track: Track, away_s: float, gaps: int
) -> None:
    tape, asked = Tape(), list[bool]()
    recorder = new_recorder(tape, sound=False, track=track, want_keyframe=lambda: asked.append(True))
    frames = play(card, 2.6)
    late = [replace(f, ticks=f.ticks + round(away_s * 90_000), arrival=f.arrival + away_s) for f in frames[20:]]
    for frame in frames[:20] + late:  # in the middle between two key frames
        recorder.on_frame(frame)
    recorder.close()
    assert len(asked) == gaps
    assert len(tape.notes) == 1 + gaps
    if gaps:
        first, second = tape.notes
        assert first.frames == 20
        assert (first.ended_at - START).total_seconds() == pytest.approx(20 / 15, abs=0.1)
        assert watch(tape.opened(2, track=track).plaintext).keyframes[0]
        assert (second.started_at - first.ended_at).total_seconds() > away_s


def test_a_key_frame_after_a_pause_begins_the_next_segment_at_once(card: Clip) -> None:
    tape = record(play(card, 2) + play(card, 2, start_s=5, ticks=450_000), sound=False)
    first, second = tape.notes
    assert (first.frames, second.frames) == (30, 30)
    assert (second.started_at - first.ended_at).total_seconds() == pytest.approx(3 + 1 / 15, abs=0.02)


def test_the_last_picture_lasts_to_the_end_unless_it_went_before(card: Clip) -> None:
    for at, ended_s in [(2.3, 2.3), (5.0, 29 / 15), (None, 29 / 15)]:
        tape = Tape()
        recorder = new_recorder(tape, sound=False)
        _feed(recorder, card, 2)
        assert recorder.close(at) is None
        (note,) = tape.notes
        assert (note.ended_at - START).total_seconds() == pytest.approx(ended_s, abs=0.03)


def test_a_sender_without_key_frames_fills_no_endless_segment(card: Clip) -> None:
    tape, asked = Tape(), list[bool]()
    recorder = new_recorder(tape, sound=False, want_keyframe=lambda: asked.append(True))
    for number, frame in enumerate(play(card, 50)):
        recorder.on_frame(replace(frame, keyframe=number in (0, 600)))
    recorder.close()
    first, second = tape.notes
    assert (first.ended_at - first.started_at).total_seconds() == pytest.approx(LONGEST_S, abs=0.1)
    assert (second.started_at - START).total_seconds() == pytest.approx(40, abs=0.1)
    assert (first.gap_before, second.gap_before, asked) == (None, "no_keyframe", [True])


def test_a_fast_sender_fills_no_endless_segment(card: Clip) -> None:
    tape = Tape()
    recorder = new_recorder(tape, sound=False)
    for frame in play(card, 5):
        recorder.on_frame(replace(frame, data=frame.data + bytes(1 << 20)))
    recorder.close()
    assert max(map(len, tape.files.values())) < LONGEST_BYTES + (2 << 20)
    assert tape.notes[1].gap_before == "no_keyframe"
    assert watch(tape.opened(2).plaintext).keyframes[0]


def test_a_spool_that_stays_full_to_the_end_is_told_at_the_end(card: Clip) -> None:
    tape = Tape()
    recorder = new_recorder(tape, sound=False)
    for frame in play(card, 16):
        tape.full = frame.arrival > 8.5
        recorder.on_frame(frame)
    assert recorder.close(16) == "spool_full"
    assert [n.gap_before for n in tape.notes] == [None, None]


def test_a_spool_that_is_full_at_the_last_write_is_told_at_the_end(card: Clip) -> None:
    tape = Tape()
    recorder = new_recorder(tape, sound=False)
    _feed(recorder, card, 2.5)
    tape.full = True
    assert recorder.close(2.5) == "spool_full"
    (note,) = tape.notes
    assert not note.complete


def _feed(recorder: Recorder, clip: Clip, seconds: float) -> None:
    for frame in play(clip, seconds):
        recorder.on_frame(frame)
