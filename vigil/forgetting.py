"""In every process: what is destroyed is dropped from memory, and from what lies on this machine's own disk.

Each asks the database once a second. Who cannot reach it finds no sealed text there either, and asks first of all when
it is back. So whoever erases need not know who runs: they wait for a little while (`SETTLED_S`).
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import psycopg
from psycopg_pool import PoolTimeout

from commands.handler import Handler
from commands.keys import KeyName, KeyRing

log = logging.getLogger(__name__)

EVERY_S = 1.0
MARGIN = timedelta(seconds=60)  # a destruction shows when its transaction ends, with the time at which it was done
SETTLED_S = 6.0  # after so long no process that works holds a destroyed key, or what it opened with one

Destroyed = Mapping[KeyName, datetime]


class _Job(msgspec.Struct, frozen=True):
    """Of an export's note, what is asked here."""

    sessions: tuple[str, ...] = ()
    began_at: datetime | None = None


async def forget_along(keys: KeyRing, handler: Handler, home: Path) -> None:
    """Runs until cancelled."""
    since: datetime | None = None
    known: Destroyed = {}
    again: Destroyed = {}
    while True:
        try:
            found, now = await keys.destroyed(since)
            new = {name: at for name, at in found.items() if name not in known}
            if gone := {**again, **new}:
                keys.drop(gone)
                handler.forget()
                await asyncio.to_thread(sweep, home, gone)
            # Once more a second later: what was being loaded when the key went may have come into memory since.
            again, known, since = new, found, now - MARGIN
        except (psycopg.OperationalError, PoolTimeout):
            log.debug("the database is away; what was destroyed meanwhile is asked for when it is back")
        except OSError:
            log.exception("something of what was erased could not be removed from this machine; it is tried again")
        await asyncio.sleep(EVERY_S)


def sweep(home: Path, destroyed: Destroyed) -> None:
    """Removes what lies below this home of sessions whose keys are destroyed: exports, and media not delivered yet.

    An export that was begun afterwards holds nothing of it. One that is being made finds its note gone at its end.
    """
    for folder in home.glob("exports/*/*"):
        try:
            job = msgspec.json.decode((folder / "job.json").read_bytes(), type=_Job)
            ended = [at for name, at in destroyed.items() if name.session in job.sessions]
            gone = any(job.began_at is None or job.began_at < at + MARGIN for at in ended)
        except FileNotFoundError:  # what such a one has left
            gone = time.time() - folder.stat().st_mtime > MARGIN.total_seconds()
        if gone:
            shutil.rmtree(folder, ignore_errors=True)
    media = {name.session for name in destroyed if name.key_class == "media"}
    for folder in home.glob("spool/*/*"):
        if folder.name.rpartition(".")[0] in media:
            shutil.rmtree(folder, ignore_errors=True)
