"""Outside witnesses: parties that are told of checkpoints, so that the ledger cannot be rewritten without their notes.

Whoever runs Vigil holds the signing key, and could rewrite everything and sign it anew. What somebody else holds of a
checkpoint is what that cannot change. Telling is repeated until it is done, and nothing waits for it.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

import httpx
import psycopg
from psycopg import AsyncConnection
from rfc3161_client import TimestampRequestBuilder, TimeStampResponse, decode_timestamp_response
from rfc3161_client.base import HashAlgorithm
from rfc3161_client.tsp import PKIStatus

from commands.proofs import Checkpoint, latest

log = logging.getLogger(__name__)

EVERY_S = 60.0  # between two checkpoints that one witness is told
AGAIN_S = 5.0  # between two looks for something new, and between two tries
ANSWER_S = 20.0
LONGEST = 1 << 20  # bytes of an answer
LOCK = 0x7669677769746E  # the advisory lock's number: "vigwitn" in ASCII


class Witness(Protocol):
    """Somebody who is told. `name` is what reports call them."""

    name: str

    async def tell(self, checkpoint: Checkpoint) -> bytes:
        """Tells of a checkpoint, for the first time or again; gives what proves it. Raises `WitnessAway`."""
        ...


class WitnessAway(Exception):
    """Did not take it; says why. It is tried again."""


class Folder:
    """A folder that somebody else holds, such as a share that we can only add to: a note for each checkpoint."""

    def __init__(self, path: Path) -> None:
        self.name = f"folder {path.name}"
        self._path = path

    async def tell(self, checkpoint: Checkpoint) -> bytes:
        await asyncio.to_thread(self._write, checkpoint)
        return b""

    def _write(self, checkpoint: Checkpoint) -> None:
        target = self._path / f"checkpoint-{checkpoint.size:012}.note"
        try:
            with target.open("x", encoding="utf-8") as file:
                file.write(checkpoint.note)
                file.flush()
                os.fsync(file.fileno())
        except FileExistsError:
            held = target.read_text("utf-8")
            if held == checkpoint.note:
                return
            if not checkpoint.note.startswith(held):
                raise WitnessAway(f"{target.name} is there and says something else") from None
            target.write_text(checkpoint.note, "utf-8")  # it was cut off in the middle of writing
        except OSError as error:
            raise WitnessAway(str(error)) from error


class Webhook:
    """A program of somebody else: gets each note as text, and answers 2xx once it has kept it."""

    def __init__(self, url: str, http: httpx.AsyncClient) -> None:
        self.name = f"webhook at {_host(url)}"
        self._url, self._http = url, http

    async def tell(self, checkpoint: Checkpoint) -> bytes:
        await _post(self._http, self._url, checkpoint.note.encode(), "text/plain; charset=utf-8")
        return b""


class TimeStamp:
    """A time-stamping authority (RFC 3161): signs the hash of a note, with the time. The answer is the proof."""

    def __init__(self, url: str, http: httpx.AsyncClient) -> None:
        self.name = f"time stamp by {_host(url)}"
        self._url, self._http = url, http

    async def tell(self, checkpoint: Checkpoint) -> bytes:
        note = checkpoint.note.encode()
        asked = TimestampRequestBuilder(note, HashAlgorithm.SHA256).build()
        answer = await _post(self._http, self._url, asked.as_bytes(), "application/timestamp-query")
        try:
            stamp = decode_timestamp_response(answer)
        except ValueError as error:
            raise WitnessAway("its answer is no time stamp (RFC 3161)") from error
        if stamp.status not in (PKIStatus.GRANTED, PKIStatus.GRANTED_WITH_MODS):
            raise WitnessAway(f"it refused: {', '.join(stamp.status_string or ()) or f'status {stamp.status}'}")
        if stamped(stamp) != sha256(note).digest() or stamp.tst_info.nonce != asked.nonce:
            raise WitnessAway("its time stamp is over something else")
        return answer


def stamped(stamp: TimeStampResponse) -> bytes:
    """The hash that a time stamp is over."""
    return stamp.tst_info.message_imprint.message


class Told(NamedTuple):
    """What one witness was told of last, or at some time: the checkpoint over `size` events."""

    witness: str
    size: int
    told_at: datetime
    answer: bytes


class Witnesses:
    """Tells each witness of the newest checkpoint, once a minute while there is a new one, apart from all others."""

    def __init__(self, conninfo: str, witnesses: Sequence[Witness], *, every_s: float = EVERY_S) -> None:
        """`conninfo` is for the role `vigil_notary`."""
        self._conninfo, self._witnesses, self._every_s = conninfo, witnesses, every_s

    async def run(self) -> None:
        """Tells until cancelled. Of several that run, one does."""
        async with asyncio.TaskGroup() as group:
            for witness in self._witnesses:
                group.create_task(self._tell(witness), name=f"tell {witness.name}")

    async def _tell(self, witness: Witness) -> None:
        failed = ""
        while True:
            told = False
            try:
                async with await AsyncConnection.connect(self._conninfo, autocommit=True) as conn:
                    told, failed = await self._once(conn, witness), ""
            except WitnessAway as why:
                if str(why) != failed:
                    log.warning("%s could not be told of a checkpoint and will be again: %s", witness.name, why)
                failed = str(why)
            except psycopg.OperationalError:
                pass  # the notary says that its database is away
            await asyncio.sleep(self._every_s if told else min(AGAIN_S, self._every_s))

    async def _once(self, conn: AsyncConnection, witness: Witness) -> bool:
        """Whether there was something to tell. Raises `WitnessAway`."""
        turn = await conn.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s))", (LOCK % (1 << 31), witness.name))
        newest = await latest(conn)
        if newest is None or await turn.fetchone() != (True,):
            return False
        cursor = await conn.execute(
            "SELECT 1 FROM ledger.witnessed WHERE witness = %s AND size = %s", (witness.name, newest.size)
        )
        if await cursor.fetchone():
            return False
        answer = await witness.tell(newest)
        await conn.execute(
            "INSERT INTO ledger.witnessed (witness, size, answer) VALUES (%s, %s, %s)",
            (witness.name, newest.size, answer),
        )
        return True


async def last_told(conn: AsyncConnection, names: Iterable[str]) -> dict[str, Told]:
    """What each of these was told last; those that were told nothing are not there."""
    cursor = await conn.execute(
        "SELECT DISTINCT ON (witness) witness, size, told_at, answer FROM ledger.witnessed"
        " WHERE witness = ANY(%s) ORDER BY witness, size DESC",
        (list(names),),
    )
    return {row[0]: Told(*row) async for row in cursor}


async def told_last(conn: AsyncConnection) -> list[Told]:
    """The same of everybody who was ever told anything, by their names."""
    cursor = await conn.execute(
        "SELECT DISTINCT ON (witness) witness, size, told_at, answer FROM ledger.witnessed ORDER BY witness, size DESC"
    )
    return [Told(*row) async for row in cursor]


async def first_told_of(conn: AsyncConnection, position: int, up_to: int) -> list[tuple[Told, Checkpoint]]:
    """What each witness was told first of those checkpoints that cover a position, over `up_to` events at most."""
    cursor = await conn.execute(
        "SELECT DISTINCT ON (w.witness) w.witness, w.size, w.told_at, w.answer, c.position, c.root, c.note, c.signed_at"
        " FROM ledger.witnessed w JOIN ledger.checkpoints c USING (size)"
        " WHERE c.position >= %s AND c.size <= %s ORDER BY w.witness, w.size",
        (position, up_to),
    )
    return [(Told(*row[:4]), Checkpoint(row[1], *row[4:])) async for row in cursor]


async def _post(http: httpx.AsyncClient, url: str, body: bytes, content_type: str) -> bytes:
    try:
        async with asyncio.timeout(ANSWER_S):
            response = await http.post(url, content=body, headers={"Content-Type": content_type})
    except (httpx.HTTPError, TimeoutError) as error:
        raise WitnessAway(f"it does not answer ({type(error).__name__})") from error
    if not response.is_success:
        raise WitnessAway(f"it answered {response.status_code}")
    if len(response.content) > LONGEST:
        raise WitnessAway("its answer is too long")
    return response.content


def _host(url: str) -> str:
    return urlsplit(url).hostname or url
