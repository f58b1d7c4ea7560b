"""The canonical bytes of a stored event, and its leaf hash. docs/export-format.md says the same for other readers.

Everything that a row says is in the leaf, the recorded time included, and each part carries its length, so that no part
can bleed into its neighbour. The position is not: it may have gaps, and the index of the leaf stands for the order.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta

from commands.merkle import leaf_hash
from domain.recorded import Stored

DOMAIN = b"vigil/event/1"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def leaf(row: Stored) -> bytes:
    """The leaf hash, 32 bytes."""
    return leaf_hash(leaf_bytes(row))


def leaf_bytes(row: Stored) -> bytes:
    """Stream, version (u64), tag, recorded time (i64, microseconds since 1970) and state; big endian throughout."""
    parts = (
        row.stream.encode(),
        struct.pack(">Q", row.version),
        row.tag.encode(),
        struct.pack(">q", (row.recorded_at - EPOCH) // MICROSECOND),
        row.state,
    )
    return DOMAIN + b"".join(struct.pack(">I", len(part)) + part for part in parts)
