"""Poison: the rows that wait for a fix, and folding them again once it is there. For operators."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from psycopg import AsyncConnection

from projections.model import AnyModel, Decode
from projections.refold import unpark


class Waiting(NamedTuple):
    """A row of the table that is shown, as it was before the event at `position`, and takes no later one.

    `key` is a stream's id when its event could not be decoded and does not tell its rows. `tag` is that event's, None
    when it is the row itself that cannot be read. `error` says what failed and where, and holds no value.
    """

    model: str
    version: int
    key: str
    position: int
    tag: str | None
    error: str
    since: datetime


async def waiting(conn: AsyncConnection, models: Iterable[AnyModel]) -> list[Waiting]:
    """What waits in these models, of all tenants, by model and in the ledger's order. As `vigil_project`."""
    cursor = await conn.execute(
        "SELECT w.model, w.version, w.key, w.position, e.topic, w.error, w.at FROM read.parked w"
        " JOIN read.position p ON p.live AND (w.model, w.version, w.build) = (p.model, p.version, p.build)"
        " LEFT JOIN ledger.events e ON (e.notification_id, e.originator_id) = (w.position, w.stream)"
        " WHERE w.model = ANY(%s) ORDER BY w.model, w.position, w.key",
        ([model.name for model in models],),
    )
    return [Waiting(*row) async for row in cursor]


async def retry(conn: AsyncConnection, decode: Decode, models: Sequence[AnyModel]) -> tuple[int, list[Waiting]]:
    """Folds each row that waits again from all its streams; gives how many are well now, and those that wait on."""
    before = await waiting(conn, models)
    named = {model.name: model for model in models}
    for one in before:
        await unpark(conn, decode, named[one.model], one.key)
    after = await waiting(conn, models)
    mended = {(one.model, one.key) for one in before} - {(one.model, one.key) for one in after}
    return len(mended), after
