"""Where frames stand in time: arrival anchors, the RTP clock runs, sender reports join sound, picture and screen."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.clock import SLEW_S, SenderClock, StreamClock
from media.rtcp import SenderReport

RATE = 90_000


def report(ntp_s: float, ticks: int) -> SenderReport:
    return SenderReport(1, ntp_s, 1, ticks)


def test_without_reports_the_first_arrival_is_the_anchor_and_the_rtp_clock_runs() -> None:
    clock = StreamClock(RATE, SenderClock())
    assert clock.time(0, 100.0) == 100.0
    assert clock.time(RATE, 101.4) == 101.0


@given(st.lists(st.floats(0, 0.5), min_size=30, max_size=60))
def test_settling_moves_to_the_least_delayed_arrival(delays: list[float]) -> None:
    clock = StreamClock(RATE, SenderClock())
    for number, delay in enumerate(delays):
        clock.time(number * RATE // 10, 50 + number / 10 + delay)
    clock.settle()
    at = clock.time(100 * RATE, 50 + 100 + max(delays))
    assert at - 150 == pytest.approx(min(delays), abs=0.001)


def test_when_enough_is_known_settling_moves_only_a_little() -> None:
    clock = StreamClock(RATE, SenderClock())
    for number in range(100):
        clock.time(number * RATE // 10, number / 10)
    clock.settle()
    for number in range(100, 400):  # the network gets slower for good
        clock.time(number * RATE // 10, 0.3 + number / 10)
    before = clock.time(40 * RATE, 40.3)
    assert clock.settle() == pytest.approx(SLEW_S)
    assert clock.time(40 * RATE, 40.3) - before == pytest.approx(SLEW_S)


def test_what_came_in_the_first_moments_may_all_have_been_late() -> None:
    clock = StreamClock(RATE, SenderClock())
    clock.time(0, 10.15)
    assert clock.settle() == 0
    for number in range(1, 10):
        clock.time(number * RATE // 10, 10.1 + number / 10)
    assert clock.settle() == pytest.approx(-0.05)
    for number in range(10, 60):
        clock.time(number * RATE // 10, 10 + number / 10)
    assert clock.settle() == pytest.approx(-0.1)
    for number in range(60, 70):
        clock.time(number * RATE // 10, 9.9 + number / 10)
    assert clock.settle() == pytest.approx(-SLEW_S)


def test_reports_are_followed_at_once_when_they_come_for_the_first_time() -> None:
    clock = StreamClock(RATE, SenderClock())
    for number in range(100):
        clock.time(number * RATE // 10, 10.1 + number / 10)  # each takes a tenth of a second to encode
    clock.settle()
    clock.report(report(7010.0, 10 * RATE), 10 * RATE, 20.01)
    assert clock.settle() == pytest.approx(-0.09)


def test_where_few_reports_come_and_late_frames_tell_how_quick_the_way_is() -> None:
    clock, chance = StreamClock(RATE, SenderClock()), random.Random(2)
    for step in range(100):
        at = step / 10
        clock.time(step * 9000, at + 0.01 + chance.random() * 0.14)
        if step % 50 == 10:
            clock.report(report(at + 7000, step * 9000), step * 9000, at + 0.15)
    clock.settle()
    assert clock.time(200 * 9000, 20.1) == pytest.approx(20.01, abs=0.005)


def test_a_sender_that_reports_late_what_it_took_early_is_believed_where_it_was_quickest() -> None:
    clock, chance = StreamClock(RATE, SenderClock()), random.Random(2)
    for step in range(100):
        at = step / 10
        clock.time(step * 9000, at + 0.3)
        if step % 10 == 9:
            clock.report(report(at + 7000 + 0.005 + chance.random() * 0.2, step * 9000), step * 9000, at + 0.3)
    clock.settle()
    by_the_last = clock.time(200 * 9000, 20.3)
    for step in range(100, 110):
        clock.time(step * 9000, step / 10 + 0.3)
    clock.report(report(11 + 7000 + 0.2, 110 * 9000), 110 * 9000, 11.3)
    assert abs(clock.settle()) < 0.005
    assert clock.time(200 * 9000, 20.3) == pytest.approx(by_the_last, abs=0.005)


def test_reports_put_sound_and_picture_in_step_whatever_their_delays() -> None:
    sender = SenderClock()
    picture, sound = StreamClock(RATE, sender), StreamClock(48_000, sender)
    chance = random.Random(1)
    for step in range(100):
        at = step / 10  # on the sender's clock, which is 7000 s ahead of ours
        picture.time(round(at * RATE), at + 0.2 + chance.random() * 0.05)
        sound.time(round(at * 48_000), at + 0.02 + chance.random() * 0.02)
        if step % 10 == 5:
            picture.report(report(at + 7000, round(at * RATE)), round(at * RATE), at + 0.03)
            sound.report(report(at + 7000, round(at * 48_000)), round(at * 48_000), at + 0.021)
    picture.settle()
    sound.settle()
    assert picture.time(20 * RATE, 20.2) == pytest.approx(sound.time(20 * 48_000, 20.02), abs=0.001)
    assert picture.time(20 * RATE, 20.2) == pytest.approx(20.021, abs=0.002)


def test_two_connections_of_one_machine_are_in_step() -> None:
    starts = []
    for delay in (0.02, 0.25):  # the screen takes longer to encode
        sender = SenderClock()
        clock = StreamClock(RATE, sender)
        for step in range(50):
            clock.time(step * 9000, step / 10 + delay)
            clock.report(report(step / 10 + 9, step * 9000), step * 9000, step / 10 + 0.01)
        clock.settle()
        starts.append(clock.time(60 * 9000, 6 + delay))
    assert starts[0] == pytest.approx(starts[1], abs=0.001)


def test_reports_that_cannot_be_believed_are_not() -> None:
    sender = SenderClock()
    clock = StreamClock(RATE, sender)
    for step in range(50):
        clock.time(step * 9000, step / 10)
        clock.report(report(step * 37.0, step * 9000), step * 9000, step / 10)
        clock.report(SenderReport(1, -2_208_988_800.0, 0, 0), 0, step / 10)  # sent before the first packet
    clock.settle()
    assert clock.time(60 * 9000, 6.0) == pytest.approx(6.0, abs=0.05)


def test_a_stream_that_jumps_is_followed_at_once() -> None:
    clock = StreamClock(RATE, SenderClock())
    clock.time(0, 10.0)
    assert clock.time(3600 * RATE, 10.1) == pytest.approx(10.1)
    assert clock.time(3601 * RATE, 11.3) == pytest.approx(11.1)
