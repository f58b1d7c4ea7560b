"""`vigil archive`: streams of sessions that were over long ago go into bundles, and come back.

A bundle is written, read back and checked against the database before anything leaves. A crash at any moment leaves
either all bytes here or a whole bundle that is named; the same command goes on from there.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import NamedTuple

import msgspec
import psycopg
from psycopg import AsyncConnection

from commands import archiving
from commands.archived import Shelf, shelves
from commands.handler import Busy, Order, UseCase, Work
from commands.ledger import read_session
from commands.objects import ObjectExists, ObjectStore
from commands.proofs import covering, inclusions
from domain import record
from domain.event import Refused
from domain.recorded import Stored
from domain.stream import Stream, parse
from projections.keeping import Kept
from projections.models import MODELS
from projections.requests import Asked
from vigil.bundle import Bundle, Damaged, open_bundle, write
from vigil.tools import ACTOR
from vigil.wiring import Core

OPEN = ("received", "checked", "granted", "executed")  # of requests that are not answered

_kept, _asked = msgspec.json.Decoder(Kept), msgspec.json.Decoder(Asked)


class NotArchived(Exception):
    """Why a session's streams stay where they are."""


class Place(NamedTuple):
    """An object store for bundles, and the URL that names it."""

    url: str
    store: ObjectStore


class Taken(NamedTuple):
    """A bundle by name, and how many events are in it."""

    bundle: str
    events: int


async def ended(
    conn: AsyncConnection, tenant: str, *, schedule: str = "", before: datetime | None = None
) -> list[Kept]:  # fmt: skip
    """Sessions that are over: of a schedule if it is named, and before a time if one is given; oldest first."""
    cursor = await conn.execute(
        "SELECT data::text FROM read.keeping WHERE tenant = %s AND data->>'over_at' IS NOT NULL", (tenant,)
    )
    rows = [_kept.decode(data) async for (data,) in cursor]
    wanted = [
        row for row in rows
        if row.over_at and schedule in ("", row.schedule) and (before is None or row.over_at < before)
    ]  # fmt: skip
    return sorted(wanted, key=lambda row: (row.over_at, row.session))


async def may_go(core: Core, tenant: str, row: Kept) -> None:
    """Raises `NotArchived` where somebody still needs the session, or where it is archived."""
    _, known = await core.handler.load(record.DECIDER, _record(tenant, row.session), fresh=True)
    async with core.reading() as conn:
        if known.shelved.bundle and await shelves(conn, known.shelved.streams):
            raise NotArchived(f"it is archived in {known.shelved.bundle}")
        cursor = await conn.execute(
            "SELECT data::text FROM read.requests WHERE tenant = %s AND subject = %s", (tenant, row.subject)
        )
        asked = [_asked.decode(data) async for (data,) in cursor]
    order = Order(tenant=tenant, actor=ACTOR, key="", request=b"", at=core.now())
    try:  # the very rules, and nothing is appended
        await archiving.archive(Work(core.handler, order), row.session, bundle="", sha256="", streams={})
    except Refused as refusal:
        raise NotArchived(refusal.rule.removeprefix("this session is not archived: ")) from refusal
    if found := [one for one in asked if one.standing in OPEN and one.session in ("", row.session)]:
        raise NotArchived(f"the request {found[0].request} of the candidate is open")


async def archive(core: Core, owner: AsyncConnection, place: Place, tenant: str, row: Kept) -> Taken:
    """Archives one session. `owner` is a connection as the database's owner.

    Raises `NotArchived`, `Damaged`, TimeoutError where the notary does not run, and `ObjectStoreAway`.
    """
    await may_go(core, tenant, row)
    rows = await _leaving(core, tenant, row.session)
    await _folded(core, rows[-1].position)
    data, name = await _written(core, tenant, row.session, rows)
    with suppress(ObjectExists):  # of an earlier try: what lies there is looked at like what we put
        await place.store.put_new(name, data)
    stored = await place.store.get(name)
    digest, versions = sha256(stored).digest(), {one.stream: one.version for one in rows}
    try:
        await _checked(core, stored, rows, tenant, row.session)
    except Damaged as damaged:
        raise Damaged(f"{name}: {damaged}") from damaged
    said = partial(archiving.archive, session=row.session, bundle=name, sha256=digest.hex(), streams=versions)
    await _say(core, tenant, row.session, said)
    await may_go(core, tenant, row)  # once more: somebody may have placed a hold meanwhile
    try:
        await owner.execute(
            "SELECT ledger.take_out(%s, %s, %s, %s, %s)",
            (place.url, name, digest, list(versions), list(versions.values())),
        )
    except psycopg.errors.UniqueViolation as error:
        raise NotArchived("somebody else has just archived it") from error
    except psycopg.errors.ObjectNotInPrerequisiteState as error:
        raise NotArchived(f"{str(error).splitlines()[0]} since; archive it again") from error
    return Taken(name, len(rows))


async def bring_back(core: Core, owner: AsyncConnection, data: bytes, shelf: Shelf) -> Taken:
    """Puts the bytes of a bundle back. Raises `Damaged`: nothing is put back then."""
    if sha256(data).digest() != shelf.sha256:
        found = await asyncio.to_thread(_why_damaged, core, data)
        raise Damaged(f"{shelf.bundle}: it is not the one that was archived; {found}")
    bundle = await asyncio.to_thread(_opened, core, data)
    columns = (
        [row.stream for row in bundle.rows], [row.version for row in bundle.rows], [row.state for row in bundle.rows]
    )  # fmt: skip
    try:
        await owner.execute("SELECT ledger.put_back(%s, %s, %s, %s)", (shelf.bundle, *columns))
    except psycopg.errors.InsufficientPrivilege as error:
        raise Damaged(f"{shelf.bundle}: the ledger does not take it ({str(error).splitlines()[0]})") from error
    await say_back(core, bundle.tenant, bundle.session)
    return Taken(shelf.bundle, len(bundle.rows))


async def say_back(core: Core, tenant: str, session: str) -> bool:
    """Says on the record that its streams are here, once they are; whether there was anything to say."""
    version, known = await core.handler.load(record.DECIDER, _record(tenant, session), fresh=True)
    if not known.shelved.bundle:
        return False
    use_case = partial(archiving.bring_back, session=session)
    await core.act(tenant, ACTOR, f"brought back {session} {version}", use_case)
    return True


async def _leaving(core: Core, tenant: str, session: str) -> list[Stored]:
    """The rows of all the session's streams but its record's, in the order of the ledger."""
    async with core.pool.connection() as conn:
        rows = await read_session(conn, tenant, session)
    leaving = [row for row in rows if parse(row.stream).kind != record.DECIDER.kind]
    if not leaving:
        raise NotArchived("nothing was recorded of it")
    return leaving


async def _folded(core: Core, position: int) -> None:
    """Read models fold from the database. Those that have not come so far yet are waited for in another call."""
    async with core.reading() as conn:
        query = "SELECT model FROM read.position WHERE live AND position < %s AND model = ANY(%s)"
        cursor = await conn.execute(query, (position, [model.name for model in MODELS]))
        if behind := [model async for (model,) in cursor]:
            raise NotArchived(f"the model {behind[0]} has not taken all of it in yet; is the projector running?")


async def _written(core: Core, tenant: str, session: str, rows: Sequence[Stored]) -> tuple[bytes, str]:
    """The bundle and its name. It rests on the first checkpoint that covers it, so that it is the same again."""
    async with core.pool.connection() as conn:
        checkpoint = await covering(conn, rows[-1].position)
        if checkpoint is None:
            raise NotArchived("the notary has not signed for all of it yet; is it running?")
        proofs = await inclusions(conn, [row.position for row in rows], checkpoint.size)
    signed = partial(write, tenant, session, rows, proofs, checkpoint=checkpoint, signer=core.signer)
    return await asyncio.to_thread(signed), f"{tenant}/archive/{session}-{rows[-1].position}.zip"


async def _checked(core: Core, stored: bytes, rows: Sequence[Stored], tenant: str, session: str) -> None:
    """Raises `Damaged` unless this bundle is whole and holds these rows, which are what is in the database now."""
    bundle = await asyncio.to_thread(_opened, core, stored)
    if (bundle.tenant, bundle.session, bundle.rows) != (tenant, session, list(rows)):
        raise Damaged(f"the bundle that lies there holds other events than the database has of {session}")
    if await _leaving(core, tenant, session) != bundle.rows:
        raise NotArchived("something of it was recorded just now; archive it again")


async def _say(core: Core, tenant: str, session: str, use_case: UseCase) -> None:
    """Puts it on the record; where an earlier try has done so, that changes nothing."""
    try:
        await core.act(tenant, ACTOR, f"archive {session} {os.urandom(16).hex()}", use_case)
    except (Refused, Busy) as why:
        raise NotArchived(str(why)) from why


def _opened(core: Core, data: bytes) -> Bundle:
    return open_bundle(data, core.signer.origin, (core.signer.public, *core.settings.earlier_keys))


def _why_damaged(core: Core, data: bytes) -> str:
    try:
        bundle = _opened(core, data)
    except Damaged as damaged:
        return str(damaged)
    return f"it is a bundle of {bundle.session} up to position {bundle.rows[-1].position}"


def _record(tenant: str, session: str) -> str:
    return str(Stream(tenant, record.DECIDER.kind, session))
