"""H.264: real encoders' sizes, packets against aiortc's packer, lost and mangled packets, and FFmpeg's decoder."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from fractions import Fraction
from random import Random

import av
import numpy as np
import pytest
from aiortc.codecs.h264 import H264Encoder
from hypothesis import given, settings
from hypothesis import strategies as st

from media.clips import Clip
from media.codec import VideoFormat
from media.forward import Forward
from media.h264 import H264, byte_stream, format_of, size_in_stream, units_of
from media.parameter_sets import read_picture, read_sequence
from media.rtp import MalformedPacket, RtpPacket, parse_rtp
from media.track import EncodedFrame, ReceiveTrack
from tests.media.test_forward import STREAM, Nobody
from tests.media.test_track import SimulatedTime

STEP = 6000  # ticks from frame to frame


def encoded(width: int, height: int, encoder: str, pix_fmt: str = "yuv420p", **options: str) -> list[bytes]:
    """Four pictures as byte streams."""
    context = av.CodecContext.create(encoder, "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = width, height, pix_fmt
    context.time_base, context.framerate, context.options = Fraction(1, 15), Fraction(15), options
    made = []
    for number in range(4):
        grey = np.full((height, width, 3), 60 * number, np.uint8)
        frame = av.VideoFrame.from_ndarray(grey, format="rgb24").reformat(format=pix_fmt)
        frame.pts = number
        made += [bytes(p) for p in context.encode(frame)]
    return made + [bytes(p) for p in context.encode(None)]


def units(stream: bytes) -> list[bytes]:
    return list(H264Encoder._split_bitstream(stream))


def packets_of(frames: Iterable[bytes], first: int = 65_500) -> Iterator[RtpPacket]:
    """The packets of byte streams, as aiortc makes them."""
    sequence = first
    for number, frame in enumerate(frames):
        payloads = H264Encoder._packetize(iter(units(frame)))
        for place, payload in enumerate(payloads):
            stamp = 0xFFFF_0000 + number * STEP & 0xFFFFFFFF
            yield RtpPacket(102, place == len(payloads) - 1, sequence & 0xFFFF, stamp, 7, payload)
            sequence += 1


def received(packets: Iterable[RtpPacket], codec: H264 | None = None) -> tuple[list[EncodedFrame], ReceiveTrack]:
    clock, frames = SimulatedTime(), list[EncodedFrame]()
    track = ReceiveTrack("video", 90_000, clock, Nobody(), codec=codec or H264())
    track.frame_sinks.append(frames.append)
    track.begin(7)
    for packet in packets:
        clock.run_until(clock.now + 0.005)
        track.receive(packet)
    clock.run_until(clock.now + 3)
    return frames, track


def shown(frame: bytes) -> list[bytes]:
    """The slices of a byte stream, which is what a player sees."""
    return [unit for unit in units(frame) if unit[0] & 31 in range(1, 6)]


@pytest.mark.parametrize(("width", "height"), [(640, 480), (1280, 720), (1920, 1080), (642, 362), (34, 18)])
@pytest.mark.parametrize("profile", ["baseline", "main", "high"])
def test_the_size_is_that_of_the_picture(width: int, height: int, profile: str) -> None:
    stream = encoded(width, height, "libx264", profile=profile, tune="zerolatency")[0]
    assert size_in_stream(stream) == (width, height)


@pytest.mark.parametrize(
    ("pix_fmt", "chroma", "depth"),
    [("yuv420p", 1, 8), ("yuv422p", 2, 8), ("yuv444p", 3, 8), ("gray", 0, 8), ("yuv420p10le", 1, 10)],
)
@pytest.mark.parametrize("options", [{}, {"x264-params": "interlaced=1:cqm=jvt"}])
def test_every_way_to_keep_colours_and_lines_is_read(
    pix_fmt: str, chroma: int, depth: int, options: dict[str, str]
) -> None:
    stream = encoded(650, 372, "libx264", pix_fmt, tune="zerolatency", **options)[0]
    sequence = read_sequence(next(unit for unit in units(stream) if unit[0] & 31 == 7))
    assert (sequence.width, sequence.height) == (650, 372)
    assert (sequence.chroma, sequence.luma_depth, sequence.chroma_depth) == (chroma, depth, depth)


@pytest.mark.parametrize("profile", ["baseline", "high"])
def test_a_key_frame_can_be_decoded_alone_and_the_rest_with_what_its_format_says(profile: str) -> None:
    streams = encoded(642, 362, "libx264", profile=profile, tune="zerolatency")
    frames, _ = received(packets_of(streams))
    assert [f.keyframe for f in frames] == [True, False, False, False]
    assert [shown(byte_stream(f.data)) for f in frames] == [shown(s) for s in streams]
    picture = frames[0].format
    assert picture is not None
    assert picture[:3] == ("H264", 642, 362)
    assert format_of(frames[0].data) == picture
    assert format_of(frames[1].data) is None
    decoder = av.CodecContext.create("h264", "r")
    decoder.extradata = picture.private
    seen = [image for f in frames for image in decoder.decode(av.Packet(f.data))] + decoder.decode(None)
    assert [(image.width, image.height) for image in seen] == [(642, 362)] * 4
    alone = av.CodecContext.create("h264", "r")
    assert alone.decode(av.Packet(byte_stream(frames[0].data))) + alone.decode(None)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([1, 6]), st.integers(1, 4000)), min_size=1, max_size=8))
def test_units_of_any_size_come_out_as_they_went_in(made: list[tuple[int, int, int]]) -> None:
    """Single, aggregated and in fragments, whatever the packer chooses."""
    wanted = [bytes([importance << 5 | kind]) + bytes([1]) * size for importance, kind, size in made]
    payloads = H264Encoder._packetize(iter(wanted))
    codec = H264()
    parts = [codec.part(payload) for payload in payloads]
    assert parts[0][1]
    if any(unit[0] & 31 == 1 for unit in wanted):
        data, picture = codec.frame([part for part, _ in parts])
        assert list(units_of(data)) == wanted
        assert picture is None


@settings(max_examples=60, deadline=None)
@given(
    st.sets(st.integers(0, 200), max_size=15),
    st.lists(st.tuples(st.integers(0, 200), st.binary(max_size=40)), max_size=10),
    st.randoms(use_true_random=False),
)
def test_whatever_is_lost_late_or_mangled_no_frame_is_made_up(
    clip_h264: Clip, lost: set[int], mangled: list[tuple[int, bytes]], chance: Random
) -> None:
    streams = [clip_h264.frames[n % len(clip_h264.frames)] for n in range(45)]
    packets = list(packets_of(streams))
    sent = [shown(s) for s in streams]
    wrong = {place % len(packets): data for place, data in mangled}
    came = [p._replace(payload=wrong.get(n, p.payload)) for n, p in enumerate(packets) if n not in lost]
    came.sort(key=lambda p: (p.sequence - 65_500 & 0xFFFF) + chance.randrange(4))
    frames, _ = received(came)
    if not wrong:
        places = [sent.index(shown(byte_stream(f.data))) for f in frames]
        assert places == sorted(places)
        for before, place, frame in zip(places, places[1:], frames[1:], strict=False):
            assert frame.keyframe or place == before + 1, "nothing refers to what is not there"
    if not wrong and not lost:
        assert len(frames) == len(streams)


@given(st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=6))
def test_any_bytes_are_taken_or_refused(payloads: list[bytes]) -> None:
    codec = H264(sets=payloads)
    for payload in payloads:
        codec.begins_key_frame(payload)
        codec.needed_before(payload)
        with contextlib.suppress(MalformedPacket):
            codec.part(payload)
        for read in (read_sequence, read_picture, size_in_stream, format_of, byte_stream):
            with contextlib.suppress(MalformedPacket):
                read(payload)
    with contextlib.suppress(MalformedPacket):
        codec.frame([codec.part(payload)[0] for payload in payloads])


def test_parameter_sets_that_only_the_offer_has_are_used(clip_h264: Clip) -> None:
    sets = [unit for unit in units(clip_h264.frames[0]) if unit[0] & 31 in (7, 8)]
    bare = [b"".join(b"\0\0\0\1" + unit for unit in shown(frame)) for frame in clip_h264.frames[:5]]
    assert received(packets_of(bare))[0] == []
    frames, track = received(packets_of(bare), H264(sets=sets))
    assert len(frames) == 5
    assert frames[0].format == format_of(frames[0].data) == received(packets_of(clip_h264.frames[:1]))[0][0].format
    begins = next(packets_of(bare)).payload
    first = track.codec.needed_before(begins)
    assert received([RtpPacket(102, False, 1, 0, 7, first)], H264())[1].codec.needed_before(begins) == b""
    again = H264()
    assert again.frame([first]) == (b"", None)
    assert again.needed_before(begins) == first


def test_a_viewer_keeps_the_picture_though_a_packet_of_the_source_is_mangled(clip_h264: Clip) -> None:
    clock = SimulatedTime()
    track = ReceiveTrack("video", 90_000, clock, Nobody(), codec=H264())
    track.begin(7)
    sent: list[bytes] = []
    forward = Forward(STREAM, clock, sent.append)
    forward.follow(track)
    idr = shown(clip_h264.frames[0])[0][:100]
    mangled = bytes([3 << 5 | 24]) + len(idr).to_bytes(2) + idr + b"\xff\xff\0"
    track.receive(RtpPacket(102, True, 65_499, 0, 7, mangled))
    for packet in packets_of(clip_h264.frames[:3]):
        track.receive(packet)
    assert len(sent) == len(list(packets_of(clip_h264.frames[:3])))


def test_a_picture_whose_first_part_is_lost_is_no_key_frame(clip_h264: Clip) -> None:
    sets, idr = units(clip_h264.frames[0])[:2], shown(clip_h264.frames[0])[0]
    second_slice = bytes([idr[0], 0x40]) + idr[2:]  # begins at another macroblock
    codec = H264()
    assert codec.frame([*sets, second_slice])[1] is None
    assert codec.begins_key_frame(idr)
    assert not codec.begins_key_frame(second_slice)


def test_other_parameter_sets_are_another_format() -> None:
    small, large = (encoded(w, h, "libx264", tune="zerolatency") for w, h in ((320, 240), (640, 480)))
    frames, _ = received(packets_of(small + large))
    formats = [f.format for f in frames if f.keyframe]
    assert [f and f[:3] for f in formats] == [("H264", 320, 240), ("H264", 640, 480)]
    assert all(isinstance(f, VideoFormat) and f.private for f in formats)


def test_parameter_sets_that_the_source_sent_only_once_go_before_each_beginning(clip_h264: Clip) -> None:
    first = list(packets_of(clip_h264.frames[:1], first=1))
    bare = [byte_stream(b"".join(len(u).to_bytes(4) + u for u in shown(f))) for f in clip_h264.frames[:30]]
    rest = [p._replace(timestamp=p.timestamp + STEP & 0xFFFFFFFF) for p in packets_of(bare, first=1 + len(first))]
    clock = SimulatedTime()
    track = ReceiveTrack("video", 90_000, clock, Nobody(), codec=H264())
    track.begin(7)
    for packet in first:
        track.receive(packet)
    sent: list[RtpPacket] = []
    forward = Forward(STREAM, clock, lambda data: sent.append(parse_rtp(data)))
    forward.follow(track)
    for packet in rest:
        track.receive(packet)
    assert [p.sequence - sent[0].sequence & 0xFFFF for p in sent] == list(range(len(rest) + 1))
    assert sent[0].timestamp == sent[1].timestamp
    frames, _ = received(sent)
    assert [shown(byte_stream(f.data)) for f in frames] == [shown(f) for f in bare]
