"""Names that can be made again: ids from a command, pseudonyms from a secret."""

from __future__ import annotations

import hmac
from base64 import b32encode
from hashlib import sha256
from uuid import UUID


def command_id(tenant: str, actor: str, key: str) -> UUID:
    """The command that (tenant, actor, Idempotency-Key) names; the same three always give the same."""
    return UUID(bytes=_digest("command", tenant, actor, key)[:16])


def new_id(command: UUID, label: str) -> str:
    """An id that a command brings into the world. A repeated command brings the same."""
    return _short(_digest("id", command.hex, label))


def session_id(schedule: str, subject: str) -> str:
    """The one session of a person under a schedule, fixed by enrolling."""
    return _short(_digest("session", schedule, subject))


class Pseudonyms:
    """Stable names for people that say nothing about them without the secret."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def candidate(self, tenant: str, number: str) -> str:
        return "c" + self._name("candidate", tenant, number.strip())

    def user(self, tenant: str, email: str) -> str:
        return "u" + self._name("user", tenant, email.strip().lower())

    def _name(self, *parts: str) -> str:
        return _short(hmac.new(self._secret, joined(*parts), sha256).digest())


def _digest(*parts: str) -> bytes:
    return sha256(joined(*parts)).digest()


def joined(*parts: str) -> bytes:
    """Each part behind its length, so that no two lists of parts read alike."""
    encoded = [part.encode() for part in parts]
    return b"".join([len(part).to_bytes(4, "big") + part for part in encoded])


def _short(digest: bytes) -> str:
    return b32encode(digest[:15]).decode().lower()  # 24 characters, 120 bits
