"""What every object store does, and the ways in which it can refuse. `tests/commands/test_objects.py` proves it."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, Protocol

_KEY = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9._-]*/)*[A-Za-z0-9_-][A-Za-z0-9._-]*")
_LONGEST = 900  # characters; S3 takes 1024 bytes, and a prefix may stand before the key


class ObjectExists(Exception):
    """Something lies under this key: perhaps our own earlier try, whose answer was lost. Nothing was changed."""


class ObjectMissing(Exception):
    """Nothing lies under this key."""


class ObjectStoreAway(Exception):
    """The store cannot serve now: disk full, no network, no permission. The same call may be repeated."""


class Guards(NamedTuple):
    """What stands between an object and everybody else.

    `private`: without our credentials nobody reads it, or lists what lies beside it. `lock`: whether the store has
    Object Lock, or does not let us know. `retention`: what it does to a new object, such as `governance, 30 days`.
    """

    private: bool
    lock: Literal["on", "off", "unknown"] = "off"
    retention: str = ""


class ObjectStore(Protocol):
    """Objects are bytes under keys such as `tenant/media/name.sealed`: plain words, digits, `.`, `_`, `-` and `/`.

    Every call may raise `ObjectStoreAway`, and `ValueError` for a key of another form. No key is another key's folder.
    """

    async def put_new(self, key: str, data: bytes) -> None:
        """Stores an object, whole and safe on disk, or not at all. Raises `ObjectExists`; never overwrites."""

    async def get(self, key: str) -> bytes:
        """All of an object. Raises `ObjectMissing`."""

    async def get_range(self, key: str, start: int, stop: int) -> bytes:
        """The bytes from `start` up to but not including `stop`, as far as there are any. Raises `ObjectMissing`."""

    async def exists(self, key: str) -> bool:
        """Whether something lies under a key."""

    async def delete(self, key: str) -> None:
        """Takes an object away; fine when there is none."""

    async def keeps_versions(self, key: str) -> bool:
        """Whether this object, once deleted, stays as an older version. Raises `ObjectMissing`."""

    async def keeps_below(self, prefix: str) -> bool | None:
        """Whether bytes lie under keys with this `prefix`, also of what was deleted; None if the store does not say."""

    async def guards(self, key: str) -> Guards:
        """What protects this object. Raises `ObjectMissing`."""

    async def list(self, prefix: str = "") -> tuple[str, ...]:
        """The keys that begin with `prefix`, sorted."""


def check_key(key: str) -> str:
    """The key itself. Raises `ValueError` when it has another form, such as `..` or a leading slash."""
    if len(key) > _LONGEST or not _KEY.fullmatch(key):
        raise ValueError(f"{key[:80]!r} is no key: plain words, digits, '.', '_' and '-', with '/' between them")
    return key


def check_prefix(prefix: str) -> str:
    """The prefix itself. Raises `ValueError` when no key could begin with it."""
    if prefix:
        check_key(prefix.removesuffix("/"))
    return prefix


def check_range(start: int, stop: int) -> None:
    """Raises `ValueError` unless there is at least one byte between them."""
    if not 0 <= start < stop:
        raise ValueError(f"{start} to {stop} is no range of bytes")
