"""A finalised recording is sealed in blocks of 64 KiB, each alone, so that a byte range is read without the rest.

The file is a header and blocks of one size but the last. The key is HKDF-SHA256 of the data key, the header's salt and
the recording's name; the nonces are those of `sealing`: the block's number and whether it is the last, so that blocks
cannot be moved and the end cannot be cut off unseen. The salt is made from the key and all plaintext: sealing the same
recording again gives the same bytes, and other bytes get another key.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from media.names import RecordingName
from media.sealing import SALT_BYTES, TAG_BYTES, Tampered, derive_key, stream_nonce

BLOCK_BYTES = 64 << 10
_SEALED_BYTES = BLOCK_BYTES + TAG_BYTES
_MAGIC = b"VIGILREC\x01"
HEADER_BYTES = len(_MAGIC) + SALT_BYTES


class BlockSpan(NamedTuple):
    """Whole blocks that hold a range: the number of the first, and where they lie in the stored bytes."""

    first: int
    stored_start: int
    stored_stop: int


def seal_recording(data_key: bytes, recording: RecordingName, plaintext: Iterable[bytes]) -> Iterator[bytes]:
    """The stored bytes, piece by piece. `plaintext` is gone through twice and is not empty."""
    keyed = hmac.new(derive_key(data_key, b"", "vigil recording salt", *_bound(recording)), digestmod="sha256")
    size = 0
    for piece in plaintext:
        keyed.update(piece)
        size += len(piece)
    header = _MAGIC + keyed.digest()[:SALT_BYTES]
    cipher = _cipher(data_key, recording, header)
    yield header
    last = (size - 1) // BLOCK_BYTES
    for number, block in enumerate(_in_blocks(plaintext)):
        yield cipher.encrypt(stream_nonce(number, number == last), block, header)


class SealedRecording:
    """Opens parts of a finalised recording. `stored_bytes` is the size of the file, `size` that of its plaintext."""

    def __init__(self, data_key: bytes, recording: RecordingName, header: bytes, stored_bytes: int) -> None:
        if len(header) != HEADER_BYTES or not header.startswith(_MAGIC):
            raise Tampered("no sealed recording")
        whole, rest = divmod(stored_bytes - HEADER_BYTES, _SEALED_BYTES)
        if stored_bytes <= HEADER_BYTES or 0 < rest <= TAG_BYTES:
            raise Tampered("a sealed recording cannot have this size")
        self.size = whole * BLOCK_BYTES + max(0, rest - TAG_BYTES)
        self._stored_bytes = stored_bytes
        self._last = whole - (rest == 0)
        self._header = header
        self._cipher = _cipher(data_key, recording, header)

    def span(self, start: int, stop: int) -> BlockSpan:
        """The blocks that hold plaintext [start, stop). ValueError when that is no part of it."""
        if not 0 <= start < stop <= self.size:
            raise ValueError(f"bytes {start} to {stop} are no part of {self.size}")
        first, behind = start // BLOCK_BYTES, -(-stop // BLOCK_BYTES)
        stored_stop = min(HEADER_BYTES + behind * _SEALED_BYTES, self._stored_bytes)
        return BlockSpan(first, HEADER_BYTES + first * _SEALED_BYTES, stored_stop)

    def open_range(self, span: BlockSpan, stored: bytes, start: int, stop: int) -> bytes:
        """Plaintext [start, stop) out of the stored bytes of `span`. Tampered when a block is not as it was sealed."""
        blocks = [
            self._open(span.first + place, stored[at : at + _SEALED_BYTES])
            for place, at in enumerate(range(0, len(stored), _SEALED_BYTES))
        ]
        skip = start - span.first * BLOCK_BYTES
        part = b"".join(blocks)[skip : skip + stop - start]
        if len(part) != stop - start:
            raise Tampered("blocks are missing")
        return part

    def _open(self, number: int, sealed: bytes) -> bytes:
        try:
            return self._cipher.decrypt(stream_nonce(number, number == self._last), sealed, self._header)
        except InvalidTag:
            raise Tampered(f"block {number} is not as it was sealed") from None


def _in_blocks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    waiting = bytearray()
    for piece in pieces:
        waiting += piece
        whole = len(waiting) - len(waiting) % BLOCK_BYTES
        for at in range(0, whole, BLOCK_BYTES):
            yield bytes(waiting[at : at + BLOCK_BYTES])
        del waiting[:whole]
    if waiting:
        yield bytes(waiting)


def _cipher(data_key: bytes, recording: RecordingName, header: bytes) -> AESGCM:
    return AESGCM(derive_key(data_key, header[len(_MAGIC) :], "vigil recording", *_bound(recording)))


def _bound(recording: RecordingName) -> tuple[str, str]:
    return recording.tenant, recording.text
