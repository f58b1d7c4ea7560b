"""H.264 in packets (RFC 6184, modes 0 and 1) and in files (ISO/IEC 14496-15). Pure.

A frame is kept as its NAL units, each behind its length in four bytes. A key frame begins with the parameter sets that
it needs, so that it can be decoded alone, wherever the sender has put them; what shows nothing (delimiters, filler) is
left out. Pictures come in the order of their decoding, as WebRTC has it: there are no B-frames.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

from domain.messages import VideoCodec
from media.codec import VideoFormat
from media.parameter_sets import Sequence, picture_of_slice, read_picture, read_sequence
from media.rtp import MalformedPacket

_IDR, _SPS, _PPS, _STAP_A, _FU_A = 5, 7, 8, 24, 28
_SLICES = range(1, 6)
_SHOWS_NOTHING = frozenset({9, 12})  # access unit delimiter, filler
_SET_MAX = 2048  # bytes
_PICTURE_SETS_MAX = 64
_SENT_MAX = 1200  # bytes of parameter sets in one packet
_START_CODE = b"\0\0\0\1"


class H264:
    """The codec as a track asks for it. `sets` are the parameter sets that the offer names (sprop-parameter-sets)."""

    name: VideoCodec = "H264"

    def __init__(self, profile: str = "", sets: Iterable[bytes] = ()) -> None:
        self.profile = profile
        self._sequences: dict[int, tuple[bytes, Sequence]] = {}
        self._pictures: dict[int, tuple[bytes, int]] = {}
        self._format: tuple[int, VideoFormat, bytes] | None = None  # of the picture parameter set of this number
        for unit in sets:
            with suppress(MalformedPacket):  # the stream may bring better ones
                self._learn(unit)

    @staticmethod
    def part(payload: bytes) -> tuple[bytes, bool]:
        """The payload as it is: only together do fragments make a unit."""
        kind = payload[0] & 0x9F
        if kind == _FU_A and len(payload) > 2:
            return payload, payload[1] > 127
        if not 0 < kind <= _STAP_A:
            raise MalformedPacket("no H.264 that was asked for")
        return payload, True

    def frame(self, parts: list[bytes]) -> tuple[bytes, VideoFormat | None]:
        units = list(_units(parts))
        first = next((unit for unit in units if unit[0] & 31 in _SLICES), b"")
        key = _begins_idr(first)
        kept: list[bytes] = []
        for unit in units:
            kind = unit[0] & 31
            if kind in (_SPS, _PPS):
                if self._learn(unit) and not key:  # what follows may need it, before the next key frame
                    kept.append(unit)
            elif kind not in _SHOWS_NOTHING:
                kept.append(unit)
        if not first:
            return b"", None
        if key and (found := self._format_of(picture_of_slice(first))) is not None:
            made, sets = found
            return sets + _behind_lengths(kept), made
        return _behind_lengths(kept), None

    @staticmethod
    def begins_key_frame(payload: bytes) -> bool:
        return any(unit[0] & 31 == _SPS or _begins_idr(unit) for unit in _beginnings(payload))

    def needed_before(self, payload: bytes) -> bytes:
        """The parameter sets in one packet (STAP-A), where the sender does not send them with each key frame."""
        if any(unit[0] & 31 == _SPS for unit in _beginnings(payload)):
            return b""
        units = [unit for unit, _ in (*self._sequences.values(), *self._pictures.values())]
        sent = b"".join(len(unit).to_bytes(2) + unit for unit in units)
        return bytes([3 << 5 | _STAP_A]) + sent if 0 < len(sent) <= _SENT_MAX else b""

    def _learn(self, unit: bytes) -> bool:
        """Takes a parameter set; False when it was known."""
        if len(unit) > _SET_MAX:
            raise MalformedPacket("an endless parameter set")
        if unit[0] & 31 == _SPS:
            sequence = read_sequence(unit)
            if self._sequences.get(sequence.number, (b"", None))[0] == unit:
                return False
            self._sequences[sequence.number] = unit, sequence
        elif unit[0] & 31 == _PPS:
            number, whose = read_picture(unit)
            if self._pictures.get(number, (b"", 0))[0] == unit:
                return False
            self._pictures[number] = unit, whose
            if len(self._pictures) > _PICTURE_SETS_MAX:
                self._pictures.pop(next(iter(self._pictures)))
        self._format = None
        return True

    def _format_of(self, picture: int) -> tuple[VideoFormat, bytes] | None:
        """The format of a key frame by the number of its picture parameter set, and the sets as they go before it.

        None when they never came.
        """
        if self._format is not None and self._format[0] == picture:
            return self._format[1:]
        whose = self._pictures.get(picture, (b"", -1))[1]
        if whose not in self._sequences:
            return None
        unit, sequence = self._sequences[whose]
        pictures = [p for p, refers in self._pictures.values() if refers == whose]
        made = VideoFormat("H264", sequence.width, sequence.height, _avcc(unit, sequence, pictures))
        self._format = picture, made, _behind_lengths((unit, *pictures))
        return self._format[1:]


def units_of(frame: bytes) -> Iterator[bytes]:
    """The NAL units of a frame as we keep it. MalformedPacket when their lengths do not hold."""
    at = 0
    while at < len(frame):
        start = at + 4
        at = start + int.from_bytes(frame[at:start])
        if not start < at <= len(frame):
            raise MalformedPacket("a unit cut short")
        yield frame[start:at]


def format_of(keyframe: bytes) -> VideoFormat | None:
    """The format of a key frame as we keep it; None when it is none."""
    return H264().frame(list(units_of(keyframe)))[1]


def byte_stream(frame: bytes) -> bytes:
    """A frame as decoders take it without being told anything before (Annex B)."""
    return b"".join(_START_CODE + unit for unit in units_of(frame))


def size_in_stream(stream: bytes) -> tuple[int, int] | None:
    """Width and height of what a byte stream begins with; None when it does not say."""
    units = (unit for unit in stream.split(_START_CODE[1:]) if unit)
    first = next((unit for unit in units if unit[0] & 31 == _SPS), None)
    return None if first is None else read_sequence(first)[1:3]


def _units(parts: list[bytes]) -> Iterator[bytes]:
    """Whole NAL units, each with a kind that stands for itself."""
    fragments: list[bytes] = []
    for part in parts:
        kind = part[0] & 31
        if kind == _FU_A:
            if (part[1] > 127) == bool(fragments):
                raise MalformedPacket("a fragment in the wrong place")
            fragments.append(part[2:] if fragments else bytes([part[0] & 0xE0 | part[1] & 31]) + part[2:])
            if part[1] & 0x40:
                yield _whole(b"".join(fragments))
                fragments = []
        elif fragments:
            raise MalformedPacket("a unit without an end")
        elif kind == _STAP_A:
            yield from _aggregated(part)
        else:
            yield part
    if fragments:
        raise MalformedPacket("a unit without an end")


def _aggregated(payload: bytes) -> Iterator[bytes]:
    """The units of a STAP-A (RFC 6184 section 5.7.1)."""
    at = 1
    while at < len(payload):
        start = at + 2
        at = start + int.from_bytes(payload[at:start])
        if not start < at <= len(payload):
            raise MalformedPacket("a unit cut short")
        yield _whole(payload[start:at])


def _whole(unit: bytes) -> bytes:
    if not 0 < unit[0] & 0x9F < _STAP_A:
        raise MalformedPacket("no H.264 unit")
    return unit


def _beginnings(payload: bytes) -> list[bytes]:
    """The units that begin in a packet, of a fragmented one its first bytes; none where it is malformed."""
    kind = payload[0] & 31
    if kind == _STAP_A:
        with suppress(MalformedPacket):
            return list(_aggregated(payload))
        return []
    if kind == _FU_A:
        return [bytes([payload[1] & 31]) + payload[2:]] if len(payload) > 2 and payload[1] > 127 else []
    return [payload]


def _begins_idr(unit: bytes) -> bool:
    """Whether a unit is the first slice of a picture that needs none before it: its first number is 0, a single 1."""
    return len(unit) > 1 and unit[0] & 31 == _IDR and unit[1] > 127


def _behind_lengths(units: Iterable[bytes]) -> bytes:
    return b"".join(len(unit).to_bytes(4) + unit for unit in units)


def _avcc(unit: bytes, sequence: Sequence, pictures: list[bytes]) -> bytes:
    """The decoder configuration record (ISO/IEC 14496-15 section 5.3.3.1)."""
    record = b"\x01" + unit[1:4] + b"\xff\xe1" + len(unit).to_bytes(2) + unit + bytes([len(pictures)])
    record += b"".join(len(picture).to_bytes(2) + picture for picture in pictures)
    if unit[1] in (66, 77, 88):
        return record
    depths = (0xF8 | sequence.luma_depth - 8, 0xF8 | sequence.chroma_depth - 8)
    return record + bytes([0xFC | sequence.chroma, *depths, 0])
