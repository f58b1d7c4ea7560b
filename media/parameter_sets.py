"""What H.264 says of itself in its parameter sets (Rec. ITU-T H.264, section 7.3), as far as we need it. Pure."""

from __future__ import annotations

from typing import NamedTuple

from media.rtp import MalformedPacket

SIDE_MAX = 16_383  # pixels: VP8 has no larger pictures either
_WITH_CHROMA = frozenset({44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 144, 244})
"""Profiles whose sequence parameter sets say how colours are kept."""


class Sequence(NamedTuple):
    """What a sequence parameter set says. Sizes are pixels, cropped; `chroma` and depths as in the avcC record."""

    number: int
    width: int
    height: int
    chroma: int = 1
    luma_depth: int = 8
    chroma_depth: int = 8


def read_sequence(unit: bytes) -> Sequence:
    """Reads a sequence parameter set (section 7.3.2.1.1). MalformedPacket when it is none or a picture has no size."""
    if len(unit) < 4:
        raise MalformedPacket("sequence parameter set cut short")
    bits = _Bits(unit[4:])
    number = bits.number()
    chroma, depths, planes = 1, (8, 8), False
    if unit[1] in _WITH_CHROMA:
        chroma = bits.number()
        planes = chroma == 3 and bits.flag()
        depths = bits.number() + 8, bits.number() + 8
        bits.flag()
        if bits.flag():
            for place in range(8 if chroma != 3 else 12):
                if bits.flag():
                    _skip_scaling(bits, 16 if place < 6 else 64)
    if number > 31 or chroma > 3 or max(depths) > 14:
        raise MalformedPacket("no such sequence parameter set")
    bits.number()  # frame numbers
    _skip_order(bits)
    bits.number()  # pictures referred to
    bits.flag()
    width, height = bits.number() + 1, bits.number() + 1
    frames_only = bits.flag()
    if not frames_only:
        bits.flag()
    bits.flag()
    crop = [bits.number() for _ in range(4)] if bits.flag() else [0] * 4
    subsampled = not planes
    unit_x = 2 if subsampled and chroma in (1, 2) else 1
    unit_y = (2 if subsampled and chroma == 1 else 1) * (1 if frames_only else 2)
    width = width * 16 - (crop[0] + crop[1]) * unit_x
    height = height * (16 if frames_only else 32) - (crop[2] + crop[3]) * unit_y
    if not (0 < width <= SIDE_MAX and 0 < height <= SIDE_MAX):
        raise MalformedPacket("pictures without a size")
    return Sequence(number, width, height, chroma, *depths)


def read_picture(unit: bytes) -> tuple[int, int]:
    """The number of a picture parameter set, and of the sequence parameter set that it refers to."""
    bits = _Bits(unit[1:9])
    number, sequence = bits.number(), bits.number()
    if number > 255 or sequence > 31:
        raise MalformedPacket("no such picture parameter set")
    return number, sequence


def picture_of_slice(unit: bytes) -> int:
    """The number of the picture parameter set that a slice refers to (section 7.3.3)."""
    bits = _Bits(unit[1:17])
    bits.number()  # first macroblock
    bits.number()  # kind
    return bits.number()


def _skip_order(bits: _Bits) -> None:
    """How the order of pictures is told."""
    kind = bits.number()
    if kind == 0:
        bits.number()
    elif kind == 1:
        bits.flag()
        bits.number()
        bits.number()
        for _ in range(min(bits.number(), 255)):
            bits.number()


def _skip_scaling(bits: _Bits, size: int) -> None:
    """A scaling list (section 7.3.2.1.1.1)."""
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed()) % 256
        last = following or last


class _Bits:
    """Reads bits from the front. MalformedPacket when there are no more."""

    def __init__(self, data: bytes) -> None:
        whole = data.replace(b"\0\0\3", b"\0\0")  # what keeps start codes out of the bytes (section 7.4.1)
        self._value, self._left = int.from_bytes(whole), len(whole) * 8

    def flag(self) -> bool:
        return bool(self._take(1))

    def number(self) -> int:
        """An unsigned Exp-Golomb number (section 9.1), of at most 32 bits."""
        zeros = 0
        while not self._take(1):
            zeros += 1
            if zeros > 32:
                raise MalformedPacket("a number without an end")
        return (1 << zeros) - 1 + self._take(zeros)

    def signed(self) -> int:
        number = self.number()
        return (number + 1) // 2 if number & 1 else -(number // 2)

    def _take(self, count: int) -> int:
        if count > self._left:
            raise MalformedPacket("bits cut short")
        self._left -= count
        return self._value >> self._left & (1 << count) - 1
