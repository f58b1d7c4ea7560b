"""A receive track against a simulated network: loss, reordering, doubles; a sender that answers NACK and PLI."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
from collections.abc import Callable
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.codec import VideoFormat
from media.keyframes import PLI_SPACING_S
from media.rtp import RtpPacket
from media.track import GIVE_UP_AUDIO_S, GIVE_UP_S, NACK_EVERY_S, EncodedFrame, ReceiveTrack

KEY = b"\x10\x00\x00\x9d\x01\x2a" + (640).to_bytes(2, "little") + (480).to_bytes(2, "little")
DELTA = b"\x11\x00\x00"
DELAY_S = 0.02
FPS = 15


class SimulatedTime:
    """The clock of an event loop that jumps from timer to timer."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._count = itertools.count()

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        loop = cast("asyncio.AbstractEventLoop", self)
        handle = asyncio.TimerHandle(self.now + delay, callback, (), loop)
        heapq.heappush(self._timers, (self.now + delay, next(self._count), handle))
        return handle

    def run_until(self, end: float) -> None:
        while self._timers and self._timers[0][0] <= end:
            self.now, _, handle = heapq.heappop(self._timers)
            if not handle.cancelled():
                handle._run()
        self.now = end

    def get_debug(self) -> bool:
        return False

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """The real loop counts these."""


class Sender:
    """Sends frames of several packets over a bad network, answers NACK by RTX and PLI by a key frame."""

    def __init__(self, clock: SimulatedTime, lossy: Callable[[], bool], late: Callable[[], float], first: int) -> None:
        self.clock, self._lossy, self._late = clock, lossy, late
        self.sequence, self.sent, self.plis, self.nacked = first, list[bytes](), 0, 0
        self.track: ReceiveTrack | None = None
        self.deaf = False
        self._packets: dict[int, RtpPacket] = {}
        self._key_asked = True

    def frame(self, number: int, packets: int) -> None:
        head, self._key_asked = (KEY, False) if self._key_asked else (DELTA, False)
        body = head + number.to_bytes(4, "big") * 3
        self.sent.append(body)
        pieces = [body[i * len(body) // packets : (i + 1) * len(body) // packets] for i in range(packets)]
        for place, piece in enumerate(pieces):
            descriptor = b"\x10" if place == 0 else b"\x00"
            timestamp = (0xFFFF_F000 + number * (90_000 // FPS)) & 0xFFFFFFFF
            packet = RtpPacket(96, place == packets - 1, self.sequence & 0xFFFF, timestamp, 1, descriptor + piece)
            self._packets[self.sequence & 0xFFFF] = packet
            self.sequence += 1
            self._transmit(packet, retransmitted=False)

    def nack(self, ssrc: int, sequences: list[int]) -> None:
        assert ssrc == 1
        self.nacked += 1
        if self.deaf or self._lossy():
            return
        for sequence in sequences:
            packet = self._packets.get(sequence & 0xFFFF)
            if packet is not None:
                self._transmit(packet, retransmitted=True)

    def pli(self, ssrc: int) -> None:
        assert ssrc == 1
        self.plis += 1
        if not self.deaf and not self._lossy():
            self._key_asked = True

    def _transmit(self, packet: RtpPacket, *, retransmitted: bool) -> None:
        if self._lossy():
            return
        track = self.track
        assert track is not None
        for _ in range(2 if self._late() > 0.03 else 1):  # some come twice
            self.clock.call_later(DELAY_S + self._late(), lambda: track.receive(packet, retransmitted=retransmitted))


def transfer(
    *,
    loss: float,
    jitter_s: float,
    seed: int,
    frames: int = 150,
    packets: int = 3,
    first: int = 65_000,
    calm_end: int = 2,
) -> tuple[Sender, list[EncodedFrame], ReceiveTrack]:
    """Sends `frames` through a network that loses and delays from the third frame on, up to the last `calm_end`."""
    clock, chance, got = SimulatedTime(), random.Random(seed), list[EncodedFrame]()
    calm = True
    sender = Sender(
        clock,
        lambda: not calm and chance.random() < loss,
        lambda: 0.0 if calm else chance.random() * jitter_s,
        first,
    )
    track = ReceiveTrack("video", 90_000, clock, sender)
    track.ssrc, sender.track = 1, track
    track.frame_sinks.append(got.append)
    for number in range(frames):
        calm = number < 2 or number >= frames - calm_end
        sender.frame(number, packets)
        clock.run_until(clock.now + 1 / FPS)
    clock.run_until(clock.now + 2)
    return sender, got, track


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.floats(0, 0.2), st.floats(0, 0.05), st.integers(1, 5))
def test_what_is_lost_or_late_is_repaired_in_order(seed: int, loss: float, jitter_s: float, packets: int) -> None:
    sender, got, track = transfer(loss=loss, jitter_s=jitter_s, seed=seed, packets=packets)
    if track.packets_lost == 0:
        assert [f.data for f in got] == sender.sent
    assert [f.ticks for f in got] == sorted({f.ticks for f in got})
    sent = iter(sender.sent)
    assert all(f.data in sent for f in got)  # in order, whole, none twice


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.floats(0.2, 0.35))
def test_under_heavy_loss_nothing_is_given_out_that_refers_to_a_lost_frame(seed: int, loss: float) -> None:
    sender, got, _ = transfer(loss=loss, jitter_s=0.05, seed=seed, calm_end=3 * FPS)
    place = {data: number for number, data in enumerate(sender.sent)}
    before = -1
    for frame in got:
        assert frame.keyframe or place[frame.data] == before + 1
        before = place[frame.data]
    assert before == len(sender.sent) - 1  # three calm seconds, and it has come back


def test_ten_percent_loss_costs_no_frame() -> None:
    sender, got, track = transfer(loss=0.1, jitter_s=0.01, seed=3, frames=600)
    assert [f.data for f in got] == sender.sent
    assert track.packets_lost == 0


def test_sizes_and_key_frames_are_told() -> None:
    _, got, _ = transfer(loss=0, jitter_s=0, seed=0, frames=5)
    assert [f.keyframe for f in got] == [True, False, False, False, False]
    assert {f.format for f in got} == {VideoFormat("VP8", 640, 480)}
    assert [b.ticks - a.ticks for a, b in itertools.pairwise(got)] == [6000] * 4


def test_a_hole_is_asked_for_at_once_and_every_80_ms_and_given_up_after_400() -> None:
    clock = SimulatedTime()
    sender = Sender(clock, lambda: False, lambda: 0.0, first=10)
    track = ReceiveTrack("video", 90_000, clock, sender)
    track.ssrc, sender.track = 1, track
    sender.frame(0, 1)
    clock.run_until(clock.now + 0.1)
    sender.deaf = True
    sender.sequence += 1  # one packet that never was
    sender.frame(1, 1)
    start = clock.now
    clock.run_until(start + DELAY_S + 0.001)
    assert sender.nacked == 1
    clock.run_until(start + DELAY_S + GIVE_UP_S - 0.01)
    assert sender.nacked == 1 + int(GIVE_UP_S / NACK_EVERY_S) - 1
    assert sender.plis == 0
    clock.run_until(start + DELAY_S + GIVE_UP_S + NACK_EVERY_S)
    assert track.packets_lost == 1
    assert sender.plis == 1


def test_a_key_frame_request_is_repeated_until_one_comes_and_then_no_more() -> None:
    clock = SimulatedTime()
    sender = Sender(clock, lambda: False, lambda: 0.0, first=0)
    track = ReceiveTrack("video", 90_000, clock, sender)
    track.ssrc, sender.track, sender.deaf = 1, track, True
    track.request_keyframe()
    track.request_keyframe()
    assert sender.plis == 1
    clock.run_until(clock.now + 3)
    assert 3 <= sender.plis <= 6
    sender.deaf = False
    clock.run_until(clock.now + 1.5)
    sender.frame(0, 2)
    clock.run_until(clock.now + 0.1)
    before = sender.plis
    clock.run_until(clock.now + 5)
    assert sender.plis == before


def test_a_request_soon_after_another_is_deferred_not_dropped() -> None:
    clock = SimulatedTime()
    sender = Sender(clock, lambda: False, lambda: 0.0, first=0)
    track = ReceiveTrack("video", 90_000, clock, sender)
    track.ssrc, sender.track = 1, track
    track.request_keyframe()
    sender.frame(0, 1)
    clock.run_until(clock.now + 0.05)
    track.request_keyframe()
    assert sender.plis == 1
    clock.run_until(clock.now + PLI_SPACING_S)
    assert sender.plis == 2


def test_key_frames_are_asked_for_at_the_given_pace() -> None:
    clock = SimulatedTime()
    sender = Sender(clock, lambda: False, lambda: 0.0, first=0)
    track = ReceiveTrack("video", 90_000, clock, sender, keyframe_every_s=2.0)
    track.ssrc, sender.track = 1, track
    keys: list[float] = []
    track.frame_sinks.append(lambda f: keys.append(f.arrival) if f.keyframe else None)
    for number in range(FPS * 12):
        sender.frame(number, 1)
        clock.run_until(clock.now + 1 / FPS)
    assert len(keys) == 6
    assert all(2.0 <= b - a <= 2.3 for a, b in itertools.pairwise(keys))


def test_sound_is_never_asked_for_again_and_waits_little() -> None:
    clock = SimulatedTime()
    sender = Sender(clock, lambda: False, lambda: 0.0, first=0)
    track = ReceiveTrack("audio", 48_000, clock, sender)
    got: list[EncodedFrame] = []
    track.ssrc = 1
    track.frame_sinks.append(got.append)
    for number in (0, 1, 3, 2, 5):
        track.receive(RtpPacket(111, False, number, number * 2880, 1, bytes([number])))
    assert [f.data for f in got] == [b"\x00", b"\x01", b"\x02", b"\x03"]
    clock.run_until(clock.now + GIVE_UP_AUDIO_S + NACK_EVERY_S)
    assert got[-1].data == b"\x05"
    assert (sender.nacked, track.packets_lost) == (0, 1)


def test_padding_that_probes_the_bandwidth_is_counted_and_gives_no_frame() -> None:
    clock = SimulatedTime()
    sender = Sender(clock, lambda: False, lambda: 0.0, first=0)
    track = ReceiveTrack("video", 90_000, clock, sender)
    track.ssrc, sender.track = 1, track
    got: list[EncodedFrame] = []
    track.frame_sinks.append(got.append)
    sender.frame(0, 1)
    sender.sequence += 1
    clock.run_until(clock.now + 0.1)
    track.receive(RtpPacket(96, False, 1, 0, 1, b""))
    sender.frame(1, 1)
    clock.run_until(clock.now + 0.1)
    assert [f.data for f in got] == sender.sent


def test_a_sender_that_numbers_anew_is_followed() -> None:
    clock = SimulatedTime()
    sender = Sender(clock, lambda: False, lambda: 0.0, first=100)
    track = ReceiveTrack("video", 90_000, clock, sender)
    track.ssrc, sender.track = 1, track
    got: list[EncodedFrame] = []
    track.frame_sinks.append(got.append)
    sender.frame(0, 2)
    clock.run_until(clock.now + 0.1)
    sender.sequence += 20_000
    for number in range(1, 4):
        sender.frame(number, 2)
        clock.run_until(clock.now + 0.1)
    assert got[-1].data == sender.sent[-1]


@pytest.mark.parametrize("loss", [0.0, 0.25])
def test_the_receiver_report_tells_the_loss_of_the_network(loss: float) -> None:
    _, _, track = transfer(loss=loss, jitter_s=0, seed=1, frames=400)
    block = track.report_block()
    assert block is not None
    assert block.fraction_lost / 256 == pytest.approx(loss, abs=0.04)
    again = track.report_block()
    assert again is not None
    assert again.fraction_lost == 0


def test_another_source_on_the_same_line_is_taken_from_its_first_packet() -> None:
    clock = SimulatedTime()
    got: list[EncodedFrame] = []
    track = ReceiveTrack("video", 90_000, clock, Sender(clock, lambda: False, lambda: 0.0, first=0))
    track.frame_sinks.append(got.append)
    for ssrc, first in ((1, 500), (2, 480)):  # the second numbers from a little before the first
        sender = Sender(clock, lambda: False, lambda: 0.0, first=first)
        sender.track = track
        track.begin(ssrc)
        for number in range(3):
            sender.frame(number, 2)
            clock.run_until(clock.now + 0.1)
    assert len(got) == 6
