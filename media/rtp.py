"""RTP on the wire: parsing, building, and numbers that wrap. Pure.

Sources: RFC 3550 (RTP), RFC 4588 (RTX), RFC 8285 (header extensions). RTCP is in `rtcp.py`, codecs in their own files.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

_HEADER = struct.Struct("!BBHLL")


class MalformedPacket(ValueError):
    """The bytes are not the packet that they should be."""


class RtpPacket(NamedTuple):
    """One RTP packet. `extension` holds the header extension with its four leading bytes, or nothing."""

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    extension: bytes = b""


class Unwrapper:
    """Turns a number that wraps at `bits` into one that does not: the nearest to the highest seen so far."""

    __slots__ = ("_half", "_highest", "_mask")

    def __init__(self, bits: int) -> None:
        self._mask = (1 << bits) - 1
        self._half = 1 << (bits - 1)
        self._highest: int | None = None

    def __call__(self, value: int) -> int:
        unwrapped = self.near(value)
        if self._highest is None or unwrapped > self._highest:
            self._highest = unwrapped
        return unwrapped

    def near(self, value: int) -> int:
        """The same, without moving on to it."""
        if self._highest is None:
            return value
        step = (value - self._highest) & self._mask
        return self._highest + (step if step < self._half else step - self._mask - 1)


def parse_rtp(data: bytes) -> RtpPacket:
    """One RTP packet, padding removed. MalformedPacket when lengths do not hold."""
    size = len(data)
    if size < 12 or data[0] >> 6 != 2:
        raise MalformedPacket("not an RTP packet")
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    start = 12 + ((first & 15) << 2)
    extension = b""
    if first & 16:
        if size < start + 4:
            raise MalformedPacket("header extension cut short")
        stop = start + 4 + ((data[start + 2] << 8 | data[start + 3]) << 2)
        extension = data[start:stop]
        start = stop
    stop = size - data[-1] if first & 32 else size
    if start > stop:
        raise MalformedPacket("payload cut short")
    return RtpPacket(second & 127, second > 127, sequence, timestamp, ssrc, data[start:stop], extension)


def build_rtp(packet: RtpPacket) -> bytes:
    """The bytes of one packet, without padding or contributing sources."""
    first = 0x90 if packet.extension else 0x80
    second = packet.payload_type | (128 if packet.marker else 0)
    head = _HEADER.pack(first, second, packet.sequence, packet.timestamp, packet.ssrc)
    return head + packet.extension + packet.payload


def is_rtcp(data: bytes) -> bool:
    """Tells RTCP from RTP on one port by the second byte (RFC 5761 section 4)."""
    return len(data) > 1 and 192 <= data[1] <= 223


def find_extension(extension: bytes, wanted: int) -> bytes | None:
    """The value of header extension `wanted` in one-byte or two-byte form (RFC 8285), None when it is not there."""
    profile = extension[:2]
    one_byte = profile == b"\xbe\xde"
    if not one_byte and (len(profile) < 2 or profile[0] != 0x10 or profile[1] & 0xF0):
        return None
    at = 4
    while at < len(extension):
        if extension[at] == 0:  # padding
            at += 1
            continue
        if one_byte:
            number, length, at = extension[at] >> 4, (extension[at] & 15) + 1, at + 1
        elif at + 1 < len(extension):
            number, length, at = extension[at], extension[at + 1], at + 2
        else:
            return None
        if number == wanted and at + length <= len(extension):
            return extension[at : at + length]
        at += length
    return None


def unwrap_rtx(packet: RtpPacket) -> RtpPacket | None:
    """The packet that a retransmission carries (RFC 4588 section 4), None for padding."""
    if len(packet.payload) <= 2:
        return None
    original = packet.payload[0] << 8 | packet.payload[1]
    return packet._replace(sequence=original, payload=packet.payload[2:])


def wrap_rtx(packet: bytes, payload_type: int, sequence: int, ssrc: int) -> bytes:
    """The retransmission (RFC 4588 section 4) of a packet that `build_rtp` made without an extension."""
    first, second, _, timestamp, _ = _HEADER.unpack_from(packet)
    head = _HEADER.pack(first, second & 128 | payload_type, sequence, timestamp, ssrc)
    return head + packet[2:4] + packet[12:]
