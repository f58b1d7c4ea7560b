"""Passwords as argon2id hashes (RFC 9106), worked out in threads: one takes some 50 ms and 64 MiB."""

from __future__ import annotations

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError


class Passwords:
    """Hashes and checks; at most `at_once` at a time, so that sign-ins cannot take the whole machine."""

    def __init__(self, at_once: int = 2) -> None:
        self._hasher = PasswordHasher()
        self._gate = asyncio.Semaphore(at_once)
        self._nobody = self._hasher.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        """The hash in PHC form."""
        async with self._gate:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def match(self, stored: str | None, password: str) -> bool:
        """Whether the password fits. Takes as long when there is no such account (`stored` is None)."""
        async with self._gate:
            return await asyncio.to_thread(self._verify, stored or self._nobody, password) and stored is not None

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False
