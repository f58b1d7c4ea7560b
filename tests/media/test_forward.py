"""Passing packets on: the viewer gets what we got, under numbers that hold together, whatever was lost on which way."""

from __future__ import annotations

import itertools
import random
from typing import Any

from aiortc import rtp as other
from hypothesis import given, settings
from hypothesis import strategies as st

from media.forward import Forward
from media.offer import OfferedStream
from media.rtcp import SenderReport, build_nack, build_pli, parse_feedback, parse_sender_reports
from media.rtp import RtpPacket, parse_rtp, unwrap_rtx
from media.track import EncodedFrame, ReceiveTrack
from tests.media.test_track import DELTA, KEY, SimulatedTime

STREAM = OfferedStream(
    kind="video", mid="0", payload_type=102, clock_rate=90_000, parameters="", rtx_payload_type=103, ssrc=None,
    rtx_ssrc=None, mid_extension=None, codec="VP8",
)  # fmt: skip
STEP = 6000  # ticks from frame to frame


class Nobody:
    """A sender that hears nothing of what is asked for."""

    def nack(self, ssrc: int, sequences: list[int]) -> None: ...
    def pli(self, ssrc: int) -> None: ...


class Screen:
    """A viewer: loses what `loses` says and asks again for it, and keeps the frames that come out."""

    def __init__(self, clock: SimulatedTime, loses: random.Random | None = None) -> None:
        self.frames: list[EncodedFrame] = []
        self.packets: list[RtpPacket] = []
        self.asked = 0
        self._loses = loses
        self._clock = clock
        self._track = ReceiveTrack("video", 90_000, clock, self)
        self._track.frame_sinks.append(self.frames.append)
        self.forward = Forward(STREAM, clock, self.send)

    def send(self, data: bytes) -> None:
        packet = parse_rtp(data)
        if self._loses and self._loses.random() < 0.2:
            return
        self.packets.append(packet)
        if packet.payload_type == STREAM.rtx_payload_type:
            original = unwrap_rtx(packet)
            assert original
            self._track.receive(original, retransmitted=True)
        else:
            if self._track.ssrc is None:
                self._track.begin(packet.ssrc)
            self._track.receive(packet)

    def nack(self, ssrc: int, sequences: list[int]) -> None:
        self.asked += 1
        (asked,) = parse_feedback(build_nack(1, ssrc, sequences))
        self.forward.send_again(asked.sequences)

    def pli(self, ssrc: int) -> None:
        assert parse_feedback(build_pli(1, ssrc))[0].keyframe
        self.forward.want_keyframe()


def source(clock: SimulatedTime) -> tuple[ReceiveTrack, list[EncodedFrame]]:
    track, frames = ReceiveTrack("video", 90_000, clock, Nobody()), list[EncodedFrame]()
    track.frame_sinks.append(frames.append)
    track.begin(7)
    return track, frames


def film(count: int, first: int = 65_500) -> list[RtpPacket]:
    """Frames of three packets each, every tenth a key frame. Numbers and time stamps wrap on the way."""
    made = []
    for number in range(count):
        body = (KEY if number % 10 == 0 else DELTA) + number.to_bytes(4) * 3
        for place, piece in enumerate((body[:6], body[6:9], body[9:])):
            head = b"\x10" if place == 0 else b"\x00"
            stamp = 0xFFFF_0000 + number * STEP & 0xFFFFFFFF
            made.append(RtpPacket(96, place == 2, first + len(made) & 0xFFFF, stamp, 7, head + piece))
    return made


def play(clock: SimulatedTime, track: ReceiveTrack, packets: list[RtpPacket]) -> None:
    for packet in packets:
        clock.run_until(clock.now + 0.02)
        track.receive(packet)
    clock.run_until(clock.now + 3)


def data(frames: list[EncodedFrame]) -> list[bytes]:
    return [frame.data for frame in frames]


@settings(max_examples=60, deadline=None)
@given(st.sets(st.integers(0, 119), max_size=12), st.integers(0, 2**32), st.integers(0, 40))
def test_a_viewer_sees_from_the_next_key_frame_on_what_we_recorded(lost: set[int], seed: int, begins: int) -> None:
    clock = SimulatedTime()
    track, recorded = source(clock)
    screen = Screen(clock, random.Random(seed))
    packets = [packet for number, packet in enumerate(film(40)) if number not in lost]
    play(clock, track, packets[:begins])
    before = len(recorded)
    screen.forward.follow(track)
    play(clock, track, packets[begins:])
    wanted = list(itertools.dropwhile(lambda frame: not frame.keyframe, recorded[before:]))
    shown = data(screen.frames)
    assert shown == [one for one in data(wanted) if one in set(shown)], "in order, and nothing made up"
    # nobody knows of a first or last packet that is lost, nor is the rest of a frame sent that had begun before
    waits = 2 + screen._track.holes
    assert len(shown) >= len(wanted) - 10 * waits - 1, "each costs no more than the time to the next key frame"


def test_without_loss_numbers_and_times_run_on_over_a_new_connection() -> None:
    clock = SimulatedTime()
    screen = Screen(clock)
    for first in (65_500, 17):
        track, recorded = source(clock)
        seen = len(screen.frames)
        screen.forward.follow(track)
        play(clock, track, film(20, first))
        assert data(screen.frames[seen:]) == data(recorded)
    sequences = [packet.sequence for packet in screen.packets]
    assert all((b - a) & 0xFFFF == 1 for a, b in itertools.pairwise(sequences))
    ticks = [frame.ticks for frame in screen.frames]
    assert all(a < b for a, b in itertools.pairwise(ticks))
    assert ticks[20] - ticks[19] > 2 * 90_000, "three seconds lay between"
    assert {packet.ssrc for packet in screen.packets} == {screen.forward.sources.ssrc}


def test_what_gets_lost_on_the_way_to_the_viewer_is_sent_again() -> None:
    clock = SimulatedTime()
    track, recorded = source(clock)
    screen = Screen(clock, random.Random(5))
    screen.forward.follow(track)
    play(clock, track, film(60))
    assert screen.asked
    assert len(screen.frames) >= len(recorded) - 1  # nothing follows the last
    assert {packet.ssrc for packet in screen.packets} == {*screen.forward.sources}


def test_nobody_makes_a_picture_of_what_is_left_of_one() -> None:
    clock = SimulatedTime()
    track, recorded = source(clock)
    screen = Screen(clock)
    screen.forward.follow(track)
    play(clock, track, [packet for number, packet in enumerate(film(30)) if number != 16])  # of the sixth frame
    assert data(screen.frames) == data(recorded)
    assert len(recorded) == 5 + 20


def test_a_report_says_where_our_numbers_stand_on_the_senders_clock() -> None:
    clock = SimulatedTime()
    track, _ = source(clock)
    screen = Screen(clock)
    screen.forward.follow(track)
    assert screen.forward.report() == b""
    track.sender_report(SenderReport(7, 1_700_000_000.25, 1, 0xFFFF_0000))
    assert screen.forward.report() == b"", "nothing has been sent"
    play(clock, track, film(10))
    (told,) = parse_sender_reports(screen.forward.report())
    assert (told.ssrc, told.ntp_s) == (screen.forward.sources.ssrc, 1_700_000_000.25)
    assert told.timestamp == screen.packets[0].timestamp
    read: Any = other.RtcpPacket.parse(screen.forward.report())[0]
    assert (read.sender_info.packet_count, read.sender_info.octet_count) == (
        len(screen.packets), sum(len(packet.payload) for packet in screen.packets)
    )  # fmt: skip


def test_a_viewer_that_breaks_is_left_and_the_recording_goes_on() -> None:
    clock = SimulatedTime()
    track, recorded = source(clock)

    def breaks(_: bytes) -> None:
        raise RuntimeError("whatever it is")

    Forward(STREAM, clock, breaks).follow(track)
    play(clock, track, film(10))
    assert len(recorded) == 10
    assert track.packet_sinks == []


def test_what_receivers_ask_for_is_read_as_another_library_writes_it() -> None:
    nack = other.RtcpRtpfbPacket(fmt=1, ssrc=1, media_ssrc=9, lost=[3, 19, 200, 65_535])
    pli = other.RtcpPsfbPacket(fmt=4, ssrc=1, media_ssrc=0, fci=(9).to_bytes(4) + b"\x05\0\0\0")
    lost, full = parse_feedback(bytes(other.RtcpByePacket(sources=[4])) + bytes(nack) + bytes(pli))
    assert (lost.ssrc, lost.sequences, lost.keyframe) == (9, (3, 19, 200, 65_535), False)
    assert (full.ssrc, full.keyframe) == (9, True)


@given(st.binary(max_size=80))
def test_whatever_comes_as_feedback_is_read(noise: bytes) -> None:
    for asked in parse_feedback(noise):
        assert 0 <= asked.ssrc < 1 << 32
