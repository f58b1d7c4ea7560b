"""`vigil archive` as an operator calls it: which sessions, where to, and what to tell about each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import click
from psycopg import AsyncConnection

from commands.archived import Shelf, shelves
from commands.objects import ObjectMissing, ObjectStoreAway, open_store, parse_url
from vigil.archiving import NotArchived, Place, archive, bring_back, ended, may_go, say_back
from vigil.bundle import Damaged, open_bundle
from vigil.settings import Settings
from vigil.shelf import fetch, reason, unreachable
from vigil.wiring import Core, attached, core

Write = Callable[[str], Any]


async def take(
    settings: Settings, place: str, *, tenant: str, schedule: str, before: datetime | None, dry_run: bool,
    write: Write,
) -> bool:  # fmt: skip
    """Archives what is over, a line for each session; whether no bundle was found to be wrong."""
    to, well = _place(place), True
    async with _opened(settings) as (here, owner):
        async with here.reading() as conn:
            rows = await ended(conn, tenant, schedule=schedule, before=before)
        if not rows:
            raise click.ClickException("no session is over that fits this")
        for row in rows:
            try:
                if dry_run:
                    await may_go(here, tenant, row)
                    write(f"{row.session}  would go")
                else:
                    taken = await archive(here, owner, to, tenant, row)
                    write(f"{row.session}  {taken.events} events in {taken.bundle}")
            except NotArchived as why:
                write(f"{row.session}  stays: {why}")
            except Damaged as why:
                well = False
                write(f"{row.session}  stays: {why}")
            except ObjectStoreAway as why:
                raise click.ClickException(f"{to.url}: {why}; what went before is archived") from why
    return well


async def restore(settings: Settings, bundle: str) -> str:
    """Brings back what a bundle holds: one that `list` names, or a file. Raises `ClickException`."""
    async with _opened(settings) as (here, owner):
        async with here.pool.connection() as conn:
            known = {shelf.bundle: shelf for shelf in await shelves(conn)}
        try:
            data, shelf = await _found(known, bundle)
            if shelf is None:
                return await _finished(here, bundle, data)
            taken = await bring_back(here, owner, data, shelf)
        except Damaged as damaged:
            raise click.ClickException(f"nothing was brought back: {damaged}") from damaged
        return f"{taken.events} events are back out of {taken.bundle}, which stays where it is"


async def listed(settings: Settings) -> list[str]:
    """A line for each bundle that holds what is not in the database, then for each of them that is not there."""
    async with core(attached(settings), "archive") as here, here.pool.connection() as conn:
        found = {shelf.bundle: shelf for shelf in await shelves(conn)}
        missing = await unreachable(conn)
    lines = [f"{one.archived_at:%Y-%m-%d}  {one.bundle}  in {one.place}" for one in found.values()]
    return [*lines, *(f"missing: {line}" for line in missing)] or ["nothing is archived"]


async def _found(known: dict[str, Shelf], bundle: str) -> tuple[bytes, Shelf | None]:
    """The bytes, and the row that says that they are archived, if they are."""
    path = Path(bundle)
    if await asyncio.to_thread(path.is_file):
        data = await asyncio.to_thread(path.read_bytes)
        by_hash = {shelf.sha256: shelf for shelf in known.values()}
        if shelf := by_hash.get(sha256(data).digest()):
            return data, shelf
        named = [shelf for name, shelf in known.items() if Path(name).name == path.name]
        return data, named[0] if named else None
    if bundle not in known:
        return b"", None
    try:
        return await fetch(known[bundle]), known[bundle]
    except (ObjectMissing, ObjectStoreAway) as error:
        why = f"{bundle} {reason(error, known[bundle])}; give the file if it lies elsewhere"
        raise click.ClickException(why) from error
    except Damaged as damaged:
        raise Damaged(f"{bundle}: {damaged}") from damaged


async def _finished(here: Core, bundle: str, data: bytes) -> str:
    """Nothing lies in it any more; a try that was killed may have left that unsaid."""
    if data:
        keys = (here.signer.public, *here.settings.earlier_keys)
        try:
            opened = await asyncio.to_thread(open_bundle, data, here.signer.origin, keys)
        except Damaged as damaged:
            raise Damaged(f"{bundle}: {damaged}") from damaged
        tenant, session = opened.tenant, opened.session
    else:
        tenant, _, name = bundle.partition("/")
        session = name.rpartition("/")[2].rpartition("-")[0]
    if session and await say_back(here, tenant, session):
        return f"{session} was back already; its record says so now"
    raise click.ClickException(f"{bundle} holds nothing that is not in the database; see: vigil archive list")


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[tuple[Core, AsyncConnection]]:
    """What every process holds, and a connection as the owner of the database, who alone may do this."""
    settings = attached(settings)
    if not settings.database_url:
        raise click.ClickException("VIGIL_DATABASE_URL: expected the URL of the database's owner, who alone archives")
    async with (
        core(settings, "archive") as here,
        await AsyncConnection.connect(settings.database_url, autocommit=True) as owner,
    ):
        yield here, owner


def _place(text: str) -> Place:
    url = text if "://" in text else Path(text).absolute().as_uri()
    try:
        parse_url(url)
    except ValueError as error:
        raise click.BadParameter(f"a folder, or an object store: {error}") from error
    return Place(url, open_store(url))
