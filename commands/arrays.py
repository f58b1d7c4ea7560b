"""Arrays in PostgreSQL's binary form (`array_recv`): psycopg's own dumper for lists costs a third of an append."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import psycopg
from psycopg import postgres
from psycopg.adapt import Dumper
from psycopg.pq import Format

HEAD, LENGTH = struct.Struct("!iiIii").pack, struct.Struct("!i").pack


class Array(bytes):
    """A packed array. The query says of what, as in `%b::text[]`."""


class ArrayDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Array) -> bytes:
        return obj


psycopg.adapters.register_dumper(Array, ArrayDumper)


def array(kind: str, items: Sequence[bytes]) -> Array:
    pieces = [HEAD(1, 0, postgres.types[kind].oid, len(items), 1)]
    for item in items:
        pieces += (LENGTH(len(item)), item)
    return Array(b"".join(pieces))


def int4s(items: Sequence[int]) -> Array:
    flat = [4] * (2 * len(items))
    flat[1::2] = items
    return Array(HEAD(1, 0, postgres.types["int4"].oid, len(items), 1) + struct.pack(f"!{len(flat)}i", *flat))
