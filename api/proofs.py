"""Checkpoints and proofs (RFC 9162): whoever holds one can check what is in the ledger without trusting its keeper."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from typing import Annotated

import msgspec
from litestar import get
from litestar.params import FromPath, QueryParameter
from psycopg import AsyncConnection

from api.blind import TELLING
from api.callers import load_session, may
from api.ordering import AnyRequest, caller_of, services_of
from api.problems import missing
from api.restriction import unrestricted
from api.schema import says
from commands import proofs
from commands.checkpoint import fingerprint
from commands.enrolled import read_enrolment
from commands.ledger import read_session
from commands.witnesses import told_last

Count = Annotated[int, QueryParameter(ge=0)]
LAST = 2**53 - 1  # beyond every position, and a number that a browser can hold
MOST = 500  # events that are proven at once


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A signed head: the first `size` leaves, up to the event at `position`, have this root (hex)."""

    size: int
    position: int
    root: str
    note: str
    signed_at: datetime


class SigningKey(msgspec.Struct, frozen=True, kw_only=True):
    """An Ed25519 public key that signs checkpoints, or did: 32 bytes in base64, and their SHA-256 (hex)."""

    key: str
    fingerprint: str


class Checkpoints(msgspec.Struct, frozen=True, kw_only=True):
    """`last` is the newest there is, None before the first. Of `keys`, the first one signs now."""

    key_fingerprint: str
    keys: tuple[SigningKey, ...]
    last: Checkpoint | None
    checkpoints: tuple[Checkpoint, ...]


class WitnessTold(msgspec.Struct, frozen=True, kw_only=True):
    """The newest checkpoint that a party outside was told of. `stamped`: they answered with a time stamp."""

    witness: str
    size: int
    told_at: datetime
    stamped: bool


class Witnesses(msgspec.Struct, frozen=True, kw_only=True):
    witnesses: tuple[WitnessTold, ...]


class Inclusion(msgspec.Struct, frozen=True, kw_only=True):
    """Leaf `index` is the event at `position`; `path` (hex) leads from its `hash` to the checkpoint's root."""

    position: int
    index: int
    hash: str
    path: tuple[str, ...]
    checkpoint: Checkpoint


class ProvenEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event as it lies in the ledger, with the way from its leaf to the root (docs/export-format.md).

    `state` is base64 of the stored bytes, in which private texts are sealed; "" where they are archived.
    """

    position: int
    index: int
    stream: str
    version: int
    tag: str
    recorded_at: datetime
    state: str
    hash: str
    path: tuple[str, ...]


class ProvenEvents(msgspec.Struct, frozen=True, kw_only=True):
    """All under one checkpoint. Events that it does not cover yet are left out."""

    checkpoint: Checkpoint
    events: tuple[ProvenEvent, ...]


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
        found, last = await proofs.checkpoints(conn, after, most), await proofs.latest(conn)
    keys = tuple(SigningKey(key=b64encode(key).decode(), fingerprint=fingerprint(key)) for key in services.signing_keys)
    return Checkpoints(
        key_fingerprint=services.key_fingerprint, keys=keys, last=_checkpoint(last) if last else None,
        checkpoints=tuple(map(_checkpoint, found)),
    )  # fmt: skip


@get("/witnesses", guards=[may("auditor", "reviewer", "data_protection_officer")])
async def witnesses(request: AnyRequest) -> Witnesses:
    """What each party outside was told of last."""
    async with services_of(request).pool.connection() as conn:
        found = await told_last(conn)
    return Witnesses(
        witnesses=tuple(
            WitnessTold(witness=one.witness, size=one.size, told_at=one.told_at, stamped=bool(one.answer))
            for one in found
        )
    )


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


@get("/sessions/{session:str}/proofs", guards=[may("auditor"), unrestricted], opt=says(404))
async def of_session(request: AnyRequest, session: FromPath[str], after: Count = 0, upto: Count = LAST) -> ProvenEvents:
    """Events of a session after a position and up to another one, with what proves them under the last checkpoint.

    At most 500. Its enrolment is among them, which lies in the schedule's stream.
    """
    services, tenant = services_of(request), caller_of(request).tenant
    schedule = (await load_session(services, tenant, session)).schedule
    async with services.pool.connection() as conn:
        head = await proofs.latest(conn)
        if head is None:
            raise missing("checkpoint", field="session")
        last = min(upto, head.position)
        enrolment = await read_enrolment(conn, tenant, schedule, session, last)
        own = await read_session(conn, tenant, session, last, whole=False)
        rows = sorted([*enrolment, *own], key=lambda row: row.position)
        unsaid = TELLING if "reviewer" in caller_of(request).roles else ()  # who reviews as well may be blind
        rows = [row for row in rows if row.position > after and row.tag not in unsaid][:MOST]
        proven = await proofs.inclusions(conn, [row.position for row in rows], head.size)
    return ProvenEvents(
        checkpoint=_checkpoint(head),
        events=tuple(
            ProvenEvent(
                position=row.position, index=proof.index, stream=row.stream, version=row.version, tag=row.tag,
                recorded_at=row.recorded_at, state=b64encode(row.state).decode(), hash=proof.hash.hex(),
                path=_hex(proof.path),
            )
            for row, proof in zip(rows, proven, strict=True)
        ),
    )  # fmt: skip


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


HANDLERS = (checkpoints, witnesses, inclusion, consistency, of_session)
