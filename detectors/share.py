"""Which sessions are whose, where several detector workers share them."""

from __future__ import annotations

import zlib

import msgspec


class Share(msgspec.Struct, frozen=True):
    """Each session belongs to one of `of` workers, numbered from 0."""

    number: int = 0
    of: int = 1

    def has(self, session: str) -> bool:
        return zlib.crc32(session.encode()) % self.of == self.number
