"""VP8 in packets (RFC 7741) and what its key frames say of themselves (RFC 6386). Pure."""

from __future__ import annotations

from domain.messages import VideoCodec
from media.codec import VideoFormat
from media.rtp import MalformedPacket


class Vp8:
    """The codec as a track asks for it; it keeps nothing."""

    name: VideoCodec = "VP8"
    profile = ""

    @staticmethod
    def part(payload: bytes) -> tuple[bytes, bool]:
        """Takes the payload descriptor off (RFC 7741 section 4.2)."""
        try:
            first = payload[0]
            offset = 1
            if first & 0x80:
                fields = payload[1]
                offset = 2
                if fields & 0x80:
                    offset += 2 if payload[2] & 0x80 else 1
                if fields & 0x40:
                    offset += 1
                if fields & 0x30:
                    offset += 1
        except IndexError:
            raise MalformedPacket("VP8 descriptor cut short") from None
        if offset >= len(payload):
            raise MalformedPacket("VP8 packet without VP8")
        return payload[offset:], first & 0x17 == 0x10

    @staticmethod
    def frame(parts: list[bytes]) -> tuple[bytes, VideoFormat | None]:
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        if data[0] & 1 or (size := vp8_keyframe_size(data)) is None:
            return data, None
        return data, VideoFormat("VP8", *size)

    @classmethod
    def begins_key_frame(cls, payload: bytes) -> bool:
        """Whether it is the first of a key frame (RFC 6386 section 9.1: the lowest bit is 0)."""
        try:
            part, starts_frame = cls.part(payload)
        except MalformedPacket:
            return False
        return starts_frame and not part[0] & 1

    @staticmethod
    def needed_before(payload: bytes) -> bytes:  # noqa: ARG004 - a key frame is enough
        return b""


def vp8_keyframe_size(frame: bytes) -> tuple[int, int] | None:
    """Width and height in pixels of a VP8 key frame (RFC 6386 section 9.1), None for any other frame."""
    if len(frame) < 10 or frame[0] & 1 or frame[3:6] != b"\x9d\x01\x2a":
        return None
    return (frame[6] | frame[7] << 8) & 0x3FFF, (frame[8] | frame[9] << 8) & 0x3FFF
