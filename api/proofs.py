"""Checkpoints and proofs (RFC 9162): whoever holds one can check what is in the ledger without trusting its keeper."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import get
from litestar.params import FromPath, QueryParameter
from psycopg import AsyncConnection

from api.callers import may
from api.ordering import AnyRequest, caller_of, services_of
from api.problems import missing
from api.schema import says
from commands import proofs

Count = Annotated[int, QueryParameter(ge=0)]


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A signed head: the first `size` leaves, up to the event at `position`, have this root (hex)."""

    size: int
    position: int
    root: str
    note: str
    signed_at: datetime


class Checkpoints(msgspec.Struct, frozen=True, kw_only=True):
    key_fingerprint: str
    checkpoints: tuple[Checkpoint, ...]


class Inclusion(msgspec.Struct, frozen=True, kw_only=True):
    """Leaf `index` is the event at `position`; `path` (hex) leads from its `hash` to the checkpoint's root."""

    position: int
    index: int
    hash: str
    path: tuple[str, ...]
    checkpoint: Checkpoint


class Consistency(msgspec.Struct, frozen=True, kw_only=True):
    """Proves that the tree of `new` leaves begins with the tree of `old`."""

    old: int
    new: int
    path: tuple[str, ...]


@get("/checkpoints", guards=[may("auditor", "reviewer", "data_protection_officer", "candidate")])
async def checkpoints(
    request: AnyRequest, after: Count = 0, most: Annotated[int, QueryParameter(ge=1, le=1000)] = 100
) -> Checkpoints:
    """Signed heads of more than `after` leaves, smallest first. They hold nothing about anybody."""
    services = services_of(request)
    async with services.pool.connection() as conn:
        found = await proofs.checkpoints(conn, after, most)
    return Checkpoints(key_fingerprint=services.key_fingerprint, checkpoints=tuple(map(_checkpoint, found)))


@get("/proofs/{position:int}", guards=[may("auditor", "reviewer")])
async def inclusion(request: AnyRequest, position: FromPath[int], size: Count = 0) -> Inclusion:
    """Proves that an event is under a checkpoint: the one over `size` leaves, or the first that covers it."""
    async with services_of(request).pool.connection() as conn:
        try:
            await proofs.of_tenant(conn, caller_of(request).tenant, position)
            head = await proofs.of_size(conn, size) if size else await _covering(conn, position)
            proof = await proofs.inclusion(conn, position, head.size)
        except proofs.NotCovered:
            raise missing("sealed event under that checkpoint", field="position") from None
    return Inclusion(
        position=proof.position, index=proof.index, hash=proof.hash.hex(), path=_hex(proof.path),
        checkpoint=_checkpoint(head),
    )  # fmt: skip


@get("/proofs/consistency", guards=[may("auditor", "reviewer")], opt=says(404))
async def consistency(request: AnyRequest, old: Count, new: Count) -> Consistency:
    async with services_of(request).pool.connection() as conn:
        try:
            path = await proofs.consistency(conn, old, new)
        except proofs.NotCovered:
            raise missing("pair of trees", field="new") from None
    return Consistency(old=old, new=new, path=_hex(path))


async def _covering(conn: AsyncConnection, position: int) -> proofs.Checkpoint:
    if head := await proofs.covering(conn, position):
        return head
    raise proofs.NotCovered


def _checkpoint(head: proofs.Checkpoint) -> Checkpoint:
    return Checkpoint(
        size=head.size, position=head.position, root=head.root.hex(), note=head.note, signed_at=head.signed_at
    )


def _hex(path: tuple[bytes, ...]) -> tuple[str, ...]:
    return tuple(node.hex() for node in path)


HANDLERS = (checkpoints, inclusion, consistency)
