"""RTCP on the wire: reports, and what a receiver asks for. Pure.

Sources: RFC 3550 (RTCP), RFC 4585 (NACK, PLI), RFC 5104 (FIR).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_NTP_EPOCH = 2_208_988_800  # seconds from 1900 to 1970

SENDER_REPORT, RECEIVER_REPORT, SOURCE_DESCRIPTION, TRANSPORT_FEEDBACK, PAYLOAD_FEEDBACK = 200, 201, 202, 205, 206
_NACK, _PLI, _FIR = 1, 1, 4


class SenderReport(NamedTuple):
    """What a sender says of its clocks: at Unix time `ntp_s` (its own clock) its RTP clock stood at `timestamp`."""

    ssrc: int
    ntp_s: float
    ntp_middle: int
    timestamp: int


class ReportBlock(NamedTuple):
    """What we received of one source (RFC 3550 section 6.4.1). `fraction_lost` is of 256."""

    ssrc: int
    fraction_lost: int
    packets_lost: int
    highest_sequence: int
    jitter: int
    last_report: int
    since_last_report: int


class Feedback(NamedTuple):
    """What a receiver asks of the sender of `ssrc`: packets again, by their numbers, or a key frame."""

    ssrc: int
    sequences: tuple[int, ...]
    keyframe: bool


def parse_sender_reports(data: bytes) -> list[SenderReport]:
    """The sender reports in a compound RTCP packet; whatever else is in it is passed over."""
    reports = []
    for at, kind, _, end in _packets(data):
        if kind == SENDER_REPORT and end - at >= 28:
            ssrc, ntp, timestamp = struct.unpack_from("!LQL", data, at + 4)
            seconds = ntp / 2**32 - _NTP_EPOCH
            reports.append(SenderReport(ssrc, seconds, ntp >> 16 & 0xFFFFFFFF, timestamp))
    return reports


def parse_feedback(data: bytes) -> list[Feedback]:
    """What is asked for in a compound RTCP packet; whatever else is in it is passed over."""
    asked = []
    for at, kind, form, end in _packets(data):
        if kind == TRANSPORT_FEEDBACK and form == _NACK and end - at >= 16:
            items = struct.iter_unpack("!HH", data[at + 12 : end])
            numbers = tuple(first + n & 0xFFFF for first, more in items for n in range(17) if (more << 1 | 1) >> n & 1)
            asked.append(Feedback(int.from_bytes(data[at + 8 : at + 12]), numbers, keyframe=False))
        elif kind == PAYLOAD_FEEDBACK and form == _PLI and end - at >= 12:
            asked.append(Feedback(int.from_bytes(data[at + 8 : at + 12]), (), keyframe=True))
        elif kind == PAYLOAD_FEEDBACK and form == _FIR and end - at >= 20:  # the source stands with the request
            asked.append(Feedback(int.from_bytes(data[at + 12 : at + 16]), (), keyframe=True))
    return asked


def build_sender_report(report: SenderReport, packets: int, octets: int, cname: str) -> bytes:
    """A sender report on what we sent, with its source description. `ntp_middle` is worked out anew."""
    ntp = round((report.ntp_s + _NTP_EPOCH) * 2**32)
    body = struct.pack("!QLLL", ntp, report.timestamp, packets & 0xFFFFFFFF, octets & 0xFFFFFFFF)
    return struct.pack("!BBHL", 0x80, SENDER_REPORT, 6, report.ssrc) + body + _description(report.ssrc, cname)


def build_receiver_report(ssrc: int, blocks: Iterable[ReportBlock], cname: str) -> bytes:
    """A receiver report with the source description that RFC 3550 section 6.1 asks for in each compound packet."""
    body = b"".join(
        struct.pack("!LLLLLL", b.ssrc, b.fraction_lost << 24 | min(b.packets_lost, 0x7FFFFF), *b[3:]) for b in blocks
    )
    count = len(body) // 24
    report = struct.pack("!BBHL", 0x80 | count, RECEIVER_REPORT, 1 + 6 * count, ssrc) + body
    return report + _description(ssrc, cname)


def build_nack(ssrc: int, media_ssrc: int, sequences: Iterable[int]) -> bytes:
    """Asks for packets again (RFC 4585 section 6.2.1). `sequences` in the order sent; they may wrap."""
    items: list[tuple[int, int]] = []
    for sequence in (s & 0xFFFF for s in sequences):
        behind = (sequence - items[-1][0]) & 0xFFFF if items else 0
        if 1 <= behind <= 16:
            items[-1] = (items[-1][0], items[-1][1] | 1 << (behind - 1))
        elif not items or behind:
            items.append((sequence, 0))
    body = b"".join(struct.pack("!HH", first, following) for first, following in items)
    return (
        _empty_report(ssrc) + struct.pack("!BBHLL", 0x81, TRANSPORT_FEEDBACK, 2 + len(items), ssrc, media_ssrc) + body
    )


def build_pli(ssrc: int, media_ssrc: int) -> bytes:
    """Asks for a key frame (RFC 4585 section 6.3.1)."""
    return _empty_report(ssrc) + struct.pack("!BBHLL", 0x81, PAYLOAD_FEEDBACK, 2, ssrc, media_ssrc)


def _empty_report(ssrc: int) -> bytes:
    """Feedback must follow a report unless reduced-size RTCP was agreed on (RFC 5506)."""
    return struct.pack("!BBHL", 0x80, RECEIVER_REPORT, 1, ssrc)


def _description(ssrc: int, cname: str) -> bytes:
    item = b"\x01" + bytes([len(cname)]) + cname.encode("ascii")
    item += b"\0" * (4 - len(item) % 4)
    return struct.pack("!BBHL", 0x81, SOURCE_DESCRIPTION, 1 + len(item) // 4, ssrc) + item


def _packets(data: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Where each packet of a compound begins, its type, its count or format, and where it ends, if it is whole."""
    at = 0
    while at + 4 <= len(data):
        end = at + 4 + 4 * (data[at + 2] << 8 | data[at + 3])
        if end > len(data):
            return
        yield at, data[at + 1], data[at] & 31, end
        at = end
