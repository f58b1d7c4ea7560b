"""RTP and RTCP against aiortc's own parsers, which share no code with ours, and against damage."""

from __future__ import annotations

import contextlib
import struct

import pytest
from aiortc import rtp as other
from aiortc.codecs.vpx import VpxPayloadDescriptor
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from hypothesis import given
from hypothesis import strategies as st

from media.offer import MID_EXTENSION
from media.rtcp import ReportBlock, build_nack, build_pli, build_receiver_report, parse_sender_reports
from media.rtp import (
    MalformedPacket,
    RtpPacket,
    Unwrapper,
    build_rtp,
    find_extension,
    parse_rtp,
    unwrap_rtx,
)
from media.vp8 import Vp8, vp8_keyframe_size

sequences = st.integers(0, 0xFFFF)
words = st.integers(0, 0xFFFFFFFF)
packets = st.builds(
    RtpPacket,
    payload_type=st.integers(0, 127),
    marker=st.booleans(),
    sequence=sequences,
    timestamp=words,
    ssrc=words,
    payload=st.binary(max_size=1300),
    extension=st.just(b""),
)


@given(packets)
def test_a_packet_that_was_built_is_parsed_as_it_was(packet: RtpPacket) -> None:
    assert parse_rtp(build_rtp(packet)) == packet


@given(packets, st.text(st.characters(codec="ascii"), min_size=1, max_size=16), st.integers(1, 40))
def test_a_foreign_packet_with_padding_and_header_extension_is_understood(
    packet: RtpPacket, mid: str, padding: int
) -> None:
    numbers = other.HeaderExtensionsMap()
    numbers.configure(RTCRtpParameters(headerExtensions=[RTCRtpHeaderExtensionParameters(5, MID_EXTENSION)]))
    foreign = other.RtpPacket(packet.payload_type, int(packet.marker), packet.sequence, packet.timestamp, packet.ssrc)
    foreign.payload, foreign.padding_size = packet.payload, padding
    foreign.extensions.mid = mid
    parsed = parse_rtp(foreign.serialize(numbers))
    assert parsed._replace(extension=b"") == packet
    assert find_extension(parsed.extension, 5) == mid.encode()
    assert find_extension(parsed.extension, 6) is None


@given(st.binary(max_size=100))
def test_whatever_comes_is_parsed_or_refused(data: bytes) -> None:
    with contextlib.suppress(MalformedPacket):
        parse_rtp(data)
    with contextlib.suppress(MalformedPacket):
        Vp8.part(data)
    parse_sender_reports(data)
    find_extension(data, 3)
    vp8_keyframe_size(data)


def test_extensions_in_two_byte_form_are_found() -> None:
    values = bytes([3, 2]) + b"ab" + bytes([0, 4, 1]) + b"c"
    extension = b"\x10\x00" + struct.pack("!H", 2) + values
    assert find_extension(extension, 3) == b"ab"
    assert find_extension(extension, 4) == b"c"


@given(packets.filter(lambda p: p.payload), sequences)
def test_a_retransmission_gives_the_packet_that_was_lost(packet: RtpPacket, number: int) -> None:
    lost = other.RtpPacket(96, int(packet.marker), packet.sequence, packet.timestamp, 7)
    lost.payload = packet.payload
    again = parse_rtp(other.wrap_rtx(lost, payload_type=97, sequence_number=number, ssrc=8).serialize())
    original = unwrap_rtx(again)
    assert original is not None
    assert (original.sequence, original.timestamp, original.payload) == (
        packet.sequence,
        packet.timestamp,
        packet.payload,
    )


@given(
    st.builds(
        VpxPayloadDescriptor,
        partition_start=st.integers(0, 1),
        partition_id=st.integers(0, 7),
        picture_id=st.none() | st.integers(0, 0x7FFF),
        tl0picidx=st.none() | st.integers(0, 255),
        tid=st.none() | st.tuples(st.integers(0, 3), st.integers(0, 1)),
        keyidx=st.none() | st.integers(0, 31),
    ),
    st.binary(min_size=1, max_size=20),
)
def test_every_vp8_descriptor_is_skipped_whole(descriptor: VpxPayloadDescriptor, body: bytes) -> None:
    part, starts_frame = Vp8.part(bytes(descriptor) + body)
    assert part == body
    assert starts_frame == (descriptor.partition_start == 1 and descriptor.partition_id == 0)


@given(words, words, st.lists(sequences, min_size=1, max_size=40, unique=True))
def test_a_nack_asks_for_just_the_missing_packets(ours: int, theirs: int, missing: list[int]) -> None:
    _, nack = other.RtcpPacket.parse(build_nack(ours, theirs, missing))
    assert isinstance(nack, other.RtcpRtpfbPacket)
    assert (nack.ssrc, nack.media_ssrc) == (ours, theirs)
    assert {n & 0xFFFF for n in nack.lost} == set(missing)


def test_a_nack_over_the_wrap_stays_in_one_item() -> None:
    nack = build_nack(1, 2, range(0xFFFE, 0x10002))
    assert len(nack) == 8 + 16
    assert {n & 0xFFFF for n in other.RtcpPacket.parse(nack)[1].lost} == {0xFFFE, 0xFFFF, 0, 1}


def test_a_pli_names_the_source() -> None:
    _, pli = other.RtcpPacket.parse(build_pli(1, 2))
    assert isinstance(pli, other.RtcpPsfbPacket)
    assert (pli.fmt, pli.ssrc, pli.media_ssrc) == (other.RTCP_PSFB_PLI, 1, 2)


blocks = st.builds(
    ReportBlock,
    ssrc=words,
    fraction_lost=st.integers(0, 255),
    packets_lost=st.integers(0, 0x7FFFFF),
    highest_sequence=words,
    jitter=words,
    last_report=words,
    since_last_report=words,
)


@given(words, st.lists(blocks, max_size=3), st.sampled_from(["vigil", "a", "abc", "abcdefgh"]))
def test_a_receiver_report_says_what_it_was_given(ssrc: int, given_blocks: list[ReportBlock], cname: str) -> None:
    report, description = other.RtcpPacket.parse(build_receiver_report(ssrc, given_blocks, cname))
    assert isinstance(report, other.RtcpRrPacket)
    assert isinstance(description, other.RtcpSdesPacket)
    told = [
        ReportBlock(r.ssrc, r.fraction_lost, r.packets_lost, r.highest_sequence, r.jitter, r.lsr, r.dlsr)
        for r in report.reports
    ]
    assert (report.ssrc, told) == (ssrc, given_blocks)
    assert description.chunks[0].items == [(1, cname.encode())]


def test_sender_reports_are_found_among_other_rtcp() -> None:
    info = other.RtcpSenderInfo(
        ntp_timestamp=(3_900_000_000 << 32) + (1 << 31), rtp_timestamp=77, packet_count=1, octet_count=2
    )
    data = bytes(other.RtcpByePacket(sources=[4])) + bytes(other.RtcpSrPacket(ssrc=5, sender_info=info))
    (report,) = parse_sender_reports(data)
    assert (report.ssrc, report.timestamp) == (5, 77)
    assert report.ntp_s == pytest.approx(3_900_000_000.5 - 2_208_988_800)


@given(st.integers(0, 1 << 40), st.lists(st.integers(-1000, 1000), max_size=200))
def test_numbers_are_unwrapped_over_any_number_of_wraps(start: int, steps: list[int]) -> None:
    unwrap, true, first = Unwrapper(16), start, start & 0xFFFF
    assert unwrap(true & 0xFFFF) == first
    highest = true
    for step in steps:
        true = highest + step
        assert unwrap(true & 0xFFFF) - first == true - start
        highest = max(highest, true)
