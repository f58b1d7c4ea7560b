"""Segments are sealed as they are written: each flushed cluster is one encrypted frame, nothing readable is kept.

The file is a header and frames. The key is HKDF-SHA256 (RFC 5869) of the data key, the header's salt, and the segment's
name. Frame i is AES-256-GCM under the nonce `7 zero bytes, i, last`, which is the STREAM construction (Hoang,
Reyhanitabar, Rogaway, Vizár: Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance, CRYPTO 2015):
frames cannot be changed, dropped, moved or added unseen, and a file that was cut off shows that its last frame is
missing. A frame's head stands in the clear, so that a crash can be cleared up without a key; it is authenticated too.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from media.names import SegmentName

KEY_BYTES = 32
SALT_BYTES = 16
TAG_BYTES = 16
_MAGIC = b"VIGILSEG\x01"
HEADER_BYTES = len(_MAGIC) + SALT_BYTES
_HEAD = struct.Struct("!LLLL")
_LAST = 1 << 31


class Tampered(Exception):
    """The stored bytes are not what was sealed under this name."""


class FrameHead(NamedTuple):
    """What stands before each frame: sums up to and including it. `end_ms` counts from the start of the segment."""

    size: int
    last: bool
    end_ms: int
    frames: int
    sounds: int


class Measured(NamedTuple):
    """What a sealed file holds, without a key. `whole_bytes` leaves out a torn frame; `head` is the last whole one."""

    whole_bytes: int
    head: FrameHead | None


class OpenedSegment(NamedTuple):
    """A segment in the clear. `complete` is False when its last frame is missing: the writer was stopped."""

    plaintext: bytes
    complete: bool


class SegmentSealer:
    """Seals the frames of one segment, in order. `header` goes first into the file."""

    def __init__(self, data_key: bytes, name: SegmentName) -> None:
        self.header = _MAGIC + os.urandom(SALT_BYTES)
        self._cipher = AESGCM(_segment_key(data_key, self.header, name))
        self._count = 0

    def seal(self, plaintext: bytes, *, end_ms: int, frames: int, sounds: int, last: bool = False) -> bytes:
        """The next frame, head included."""
        head = _HEAD.pack(len(plaintext) + TAG_BYTES | (_LAST if last else 0), end_ms, frames, sounds)
        sealed = self._cipher.encrypt(stream_nonce(self._count, last), plaintext, self.header + head)
        self._count += 1
        return head + sealed


def open_segment(data_key: bytes, name: SegmentName, stored: bytes) -> OpenedSegment:
    """Decrypts a whole segment; a torn last frame is left out. Tampered when any byte is not as it was sealed."""
    header = stored[:HEADER_BYTES]
    if len(header) < HEADER_BYTES or not header.startswith(_MAGIC):
        raise Tampered("no sealed segment")
    cipher = AESGCM(_segment_key(data_key, header, name))
    plaintext: list[bytes] = []
    complete = False
    for count, (head, start) in enumerate(_heads(stored)):
        if complete:
            raise Tampered("there is more behind the last frame")
        sealed = stored[start : start + head.size]
        try:
            bound = header + stored[start - _HEAD.size : start]
            plaintext.append(cipher.decrypt(stream_nonce(count, head.last), sealed, bound))
        except InvalidTag:
            raise Tampered(f"frame {count} is not as it was sealed") from None
        complete = head.last
    return OpenedSegment(b"".join(plaintext), complete)


def measure(stored: bytes) -> Measured:
    """How far a file that a dead writer left is whole. Needs no key, proves nothing."""
    whole, last = HEADER_BYTES, None
    for head, start in _heads(stored):
        whole, last = start + head.size, head
    return Measured(whole if last else 0, last)


def stream_nonce(count: int, last: bool) -> bytes:
    return bytes(7) + struct.pack("!LB", count, last)


def derive_key(data_key: bytes, salt: bytes, *bound: str) -> bytes:
    """A key for one purpose and name. ValueError when the data key is not one of 32 bytes."""
    if len(data_key) != KEY_BYTES:
        raise ValueError("a data key has 32 bytes")
    info = b"".join(struct.pack("!L", len(part := text.encode())) + part for text in bound)
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=info).derive(data_key)


def _segment_key(data_key: bytes, header: bytes, name: SegmentName) -> bytes:
    recording, connection, number = name
    bound = ("vigil segment", recording.tenant, recording.text, str(connection), str(number))
    return derive_key(data_key, header[len(_MAGIC) :], *bound)


def _heads(stored: bytes) -> Iterator[tuple[FrameHead, int]]:
    """Each whole frame's head and where its sealed bytes begin.

    What no frame can be ends it, like a torn one: after a loss of power a file may have a tail of zeros.
    """
    at, before = HEADER_BYTES, FrameHead(0, False, 0, 0, 0)
    while at + _HEAD.size <= len(stored):
        size, end_ms, frames, sounds = _HEAD.unpack_from(stored, at)
        head = FrameHead(size & _LAST - 1, bool(size & _LAST), end_ms, frames, sounds)
        at += _HEAD.size
        if at + head.size > len(stored) or head.size < TAG_BYTES or _falls(before, head):
            return
        yield head, at
        before = head
        at += head.size


def _falls(before: FrameHead, head: FrameHead) -> bool:
    """Whether a sum is less than it was one frame earlier."""
    return head.end_ms < before.end_ms or head.frames < before.frames or head.sounds < before.sounds
