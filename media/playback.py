"""Plays a finalised recording from the object store: any byte range, out of just the blocks that it lies in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol, Self

from media.blocks import BLOCK_BYTES, HEADER_BYTES, SealedRecording
from media.names import RecordingName

_PIECE_BYTES = 16 * BLOCK_BYTES


def media_type_of(object_key: str) -> str:
    """The media type of a finalised recording, of which its key tells."""
    return "video/mp4" if object_key.endswith(".mp4.sealed") else "video/webm"


class RangeStore(Protocol):
    """What playback needs of the object store: bytes [start, stop) of an object."""

    async def get_range(self, key: str, start: int, stop: int) -> bytes: ...


class Playback:
    """One recording, opened with its data key. `size` is what a player sees as the file's length."""

    def __init__(self, objects: RangeStore, object_key: str, sealed: SealedRecording) -> None:
        self._objects, self._object_key, self._sealed = objects, object_key, sealed

    @classmethod
    async def open(
        cls, objects: RangeStore, object_key: str, stored_bytes: int, *, data_key: bytes, recording: RecordingName
    ) -> Self:
        """Reads the header. `stored_bytes` as the `finalised` event tells; Tampered when the object is another."""
        header = await objects.get_range(object_key, 0, HEADER_BYTES)
        return cls(objects, object_key, SealedRecording(data_key, recording, header, stored_bytes))

    @property
    def size(self) -> int:
        return self._sealed.size

    @property
    def media_type(self) -> str:
        return media_type_of(self._object_key)

    async def read(self, start: int, stop: int) -> AsyncIterator[bytes]:
        """Plaintext [start, stop) in pieces of at most 1 MiB.

        ValueError when that is no part of the recording, Tampered when a block is not as it was sealed.
        """
        self._sealed.span(start, stop)
        at = start
        while at < stop:
            piece_stop = min(stop, (at // _PIECE_BYTES + 1) * _PIECE_BYTES)
            span = self._sealed.span(at, piece_stop)
            stored = await self._objects.get_range(self._object_key, span.stored_start, span.stored_stop)
            yield self._sealed.open_range(span, stored, at, piece_stop)
            at = piece_stop
