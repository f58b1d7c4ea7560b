"""Keys of people: what seals their personal fields and their media, and what makes them forgettable.

A data key belongs to a subject, a session ("" for none) and a class. It is wrapped by the subject's key, which is
wrapped by the master key; both wrappings are AES-256-GCM with the key's name as associated data. Destroying a row
leaves every event, hash and proof valid and the content gone. Field keys: HKDF (RFC 5869), one for each field of each
event.
"""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from commands.ids import joined
from domain.event import KeyClass


class KeyName(NamedTuple):
    """Which data key: whose, for which session ("" for none), of which class."""

    subject: str
    session: str
    key_class: KeyClass


class Forgotten(Exception):
    """The subject's key has been destroyed; nothing new can be kept about them under it."""


class Sealed(NamedTuple):
    """A private field at rest: nonce and ciphertext, and the commitment to the field key. Both base64."""

    sealed: str
    commitment: str


def field_key(data_key: bytes, stream: str, version: int, field: str) -> bytes:
    """The key of one field of one event. 32 bytes."""
    return _derive(data_key, _info(stream, version, field))


def seal_field(data_key: bytes, stream: str, version: int, field: str, text: str) -> Sealed:
    info = _info(stream, version, field)
    key = _derive(data_key, info)
    nonce = os.urandom(12)
    sealed = nonce + AESGCM(key).encrypt(nonce, text.encode(), info)
    return Sealed(b64encode(sealed).decode(), b64encode(sha256(b"vigil/commitment/1" + key).digest()).decode())


def open_field(data_key: bytes, stream: str, version: int, field: str, sealed: str) -> str:
    """Raises `cryptography.exceptions.InvalidTag` when the text was moved or changed."""
    info = _info(stream, version, field)
    raw = b64decode(sealed)
    return AESGCM(_derive(data_key, info)).decrypt(raw[:12], raw[12:], info).decode()


def seal_object(data_key: bytes, object_key: str, data: bytes) -> bytes:
    """A whole object, such as an evidence picture, sealed for its place in the store: nonce, then ciphertext."""
    info = joined("vigil/object/1", object_key)
    nonce = os.urandom(12)
    return nonce + AESGCM(_derive(data_key, info)).encrypt(nonce, data, info)


def open_object(data_key: bytes, object_key: str, sealed: bytes) -> bytes:
    """Raises `cryptography.exceptions.InvalidTag` when the object was moved or changed."""
    info = joined("vigil/object/1", object_key)
    return AESGCM(_derive(data_key, info)).decrypt(sealed[:12], sealed[12:], info)


def _info(stream: str, version: int, field: str) -> bytes:
    return joined("vigil/field/1", stream, str(version), field)


def _derive(key: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=info).derive(key)


class KeyRing:
    """Reads and makes data keys, and keeps the ones in use in memory.

    Runs as the database role `vigil_keys`, the only one that sees wrapped keys. A key is committed before anything is
    sealed under it.
    """

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection], master: bytes) -> None:
        self._pool = pool
        self._master = AESGCM(master)
        self._open: dict[KeyName, bytes | None] = {}

    def held(self, name: KeyName) -> bytes | None:
        """The key if it is in memory; None when it was never fetched or is destroyed."""
        return self._open.get(name)

    async def fetch(self, names: Iterable[KeyName]) -> None:
        """Brings existing keys into memory; what does not exist (any more) is remembered as such for now."""
        missing = [n for n in set(names) if self._open.get(n) is None]
        if not missing:
            return
        async with self._pool.connection() as conn:
            rows = await _read(conn, missing)
        for name in missing:
            self._open[name] = self._unwrap(name, *rows[name]) if name in rows else None

    async def data_key(self, name: KeyName) -> bytes:
        """The key, made now if there is none. Raises `Forgotten` when it was destroyed."""
        if key := self._open.get(name):
            return key
        async with self._pool.connection() as conn:
            rows = await _read(conn, [name])
            if name not in rows:
                await self._make(conn, name)
                rows = await _read(conn, [name])
        key = self._unwrap(name, *rows[name])
        if key is None:
            raise Forgotten(f"the {name.key_class} key of this person has been destroyed")
        self._open[name] = key
        return key

    def drop(self, names: Iterable[KeyName]) -> None:
        """Forgets what is in memory of these keys."""
        for name in names:
            self._open.pop(name, None)

    async def destroy(self, names: Iterable[KeyName]) -> float:
        """Destroys these keys for good, those that were never made too; gives how many seconds ago the last one was.

        May be repeated: the time is that of the first time. Other processes drop theirs when they hear of it.
        """
        wanted = sorted(set(names))
        async with self._pool.connection() as conn, conn.transaction():
            for subject in {name.subject for name in wanted}:
                fresh = _wrap(self._master, os.urandom(32), subject)
                query = "INSERT INTO keys.subject (subject, wrapped) VALUES (%s, %s) ON CONFLICT DO NOTHING"
                await conn.execute(query, (subject, fresh))
            cursor = await conn.execute(
                "WITH gone AS (INSERT INTO keys.data AS d (subject, session, class, destroyed_at)"
                " SELECT *, clock_timestamp() FROM unnest(%s::text[], %s::text[], %s::text[])"
                " ON CONFLICT (subject, session, class) DO UPDATE"
                " SET wrapped = NULL, destroyed_at = coalesce(d.destroyed_at, clock_timestamp())"
                " RETURNING destroyed_at)"
                " SELECT extract(epoch FROM clock_timestamp() - max(destroyed_at))::float FROM gone",
                ([n.subject for n in wanted], [n.session for n in wanted], [n.key_class for n in wanted]),
            )
            row = await cursor.fetchone()
        self.drop(wanted)
        return float(row[0]) if row and row[0] is not None else 0.0

    async def destroyed(self, since: datetime | None) -> tuple[dict[KeyName, datetime], datetime]:
        """The keys that were destroyed after a time, or ever, each with when; and the time of the database."""
        async with self._pool.connection() as conn:
            cursor = await conn.execute(
                "SELECT clock_timestamp(), d.destroyed_at, d.subject, d.session, d.class FROM (SELECT) one"
                " LEFT JOIN keys.data d ON d.destroyed_at > coalesce(%s, '-infinity'::timestamptz)",
                (since,),
            )
            rows = await cursor.fetchall()
        return {KeyName(*name): at for _, at, *name in rows if at is not None}, rows[0][0]

    async def _make(self, conn: AsyncConnection, name: KeyName) -> None:
        async with conn.transaction():
            fresh = _wrap(self._master, os.urandom(32), name.subject)
            await conn.execute(
                "INSERT INTO keys.subject (subject, wrapped) VALUES (%s, %s) ON CONFLICT DO NOTHING",
                (name.subject, fresh),
            )
            cursor = await conn.execute("SELECT wrapped FROM keys.subject WHERE subject = %s", (name.subject,))
            row = await cursor.fetchone()
            if row is None or row[0] is None:
                raise Forgotten("the key of this person has been destroyed")
            subject = AESGCM(_unwrap(self._master, row[0], name.subject))
            await conn.execute(
                "INSERT INTO keys.data (subject, session, class, wrapped) VALUES (%s, %s, %s, %s)"
                " ON CONFLICT DO NOTHING",
                (*name, _wrap(subject, os.urandom(32), "/".join(name))),
            )

    def _unwrap(self, name: KeyName, subject: bytes | None, data: bytes | None) -> bytes | None:
        if subject is None or data is None:
            return None
        return _unwrap(AESGCM(_unwrap(self._master, subject, name.subject)), data, "/".join(name))


async def _read(conn: AsyncConnection, names: list[KeyName]) -> dict[KeyName, tuple[bytes | None, bytes | None]]:
    cursor = await conn.execute(
        "SELECT d.subject, d.session, d.class, s.wrapped, d.wrapped"
        " FROM keys.data d JOIN keys.subject s USING (subject)"
        " JOIN unnest(%s::text[], %s::text[], %s::text[]) AS w(subject, session, class)"
        " ON (d.subject, d.session, d.class) = (w.subject, w.session, w.class)",
        ([n.subject for n in names], [n.session for n in names], [n.key_class for n in names]),
    )
    return {KeyName(s, n, c): (subject, data) async for s, n, c, subject, data in cursor}


def _wrap(by: AESGCM, key: bytes, name: str) -> bytes:
    nonce = os.urandom(12)
    return nonce + by.encrypt(nonce, key, name.encode())


def _unwrap(by: AESGCM, wrapped: bytes, name: str) -> bytes:
    return by.decrypt(wrapped[:12], wrapped[12:], name.encode())
