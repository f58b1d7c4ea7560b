"""The local spool: sealed bytes go to disk in one thread, so that the media loop never waits for a disk.

Calls only queue; the thread writes in order and syncs each second what was written. A disk takes many syncs at once in
hardly more time than one, so those of different connections run beside each other. When the spool holds more than it
may, or the disk refuses, the next call says so with `SpoolAway`, and the caller notes the gap. No recording may hold
more than is still free: one fast sender fills half of a spool at most, and many of one speed share all of it.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from media.connection_spool import ConnectionSpool
from media.names import RecordingName
from media.spooled import connection_folder, disk_use

SYNC_EVERY_S = 1.0
MEASURE_EVERY_S = 10.0
QUEUED_MAX_BYTES = 64 << 20
SYNCS_AT_ONCE = 16
_AT_ONCE = 1000  # jobs


class Job(NamedTuple):
    """One write of `size` bytes. Those of one owner are done in order, and what nobody owns when all before it is done.

    Only what `syncs` takes long: the rest is done at once where it is.
    """

    do: Callable[[], None]
    size: int
    owner: object
    syncs: bool


class Spool:
    """The folder `root`, of at most about `bound_bytes`. One thread writes; `close` waits until all is on disk."""

    def __init__(self, root: Path, bound_bytes: int) -> None:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.root = root
        self._bound = bound_bytes
        self._used = disk_use(root).total()
        self._queued = 0
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._open: set[ConnectionSpool] = set()
        self._thread = threading.Thread(target=self._run, name="spool", daemon=True)
        self._thread.start()

    async def connection(self, recording: RecordingName, number: int) -> ConnectionSpool:
        """A new connection's folder, locked. FileExistsError when this number was used before."""
        loop = asyncio.get_running_loop()
        made: asyncio.Future[ConnectionSpool] = loop.create_future()

        def make() -> None:
            try:
                spool = ConnectionSpool(self, connection_folder(self.root, recording, number))
            except OSError as error:
                loop.call_soon_threadsafe(made.set_exception, error)
            else:
                self._open.add(spool)
                loop.call_soon_threadsafe(made.set_result, spool)

        self.put(make)
        return await made

    @property
    def full(self) -> bool:
        return self.free <= 0 or self._queued >= QUEUED_MAX_BYTES

    @property
    def free(self) -> int:
        return self._bound - self._used - self._queued

    def put(self, do: Callable[[], None], size: int = 0, *, owner: object = None, syncs: bool = False) -> None:
        """Queues one `Job` for the thread."""
        self._queued += size
        self._jobs.put(Job(do, size, owner, syncs))

    def forget(self, connection: ConnectionSpool) -> None:
        self._open.discard(connection)

    def close(self) -> None:
        """Writes all that is queued and lets the folders go."""
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        sync_at = time.monotonic() + SYNC_EVERY_S
        measure_at = time.monotonic() + MEASURE_EVERY_S
        with ThreadPoolExecutor(SYNCS_AT_ONCE, "spool sync") as beside:
            while True:
                jobs, closing = self._waiting(max(0.0, sync_at - time.monotonic()))
                self._do(jobs, beside)
                if closing:
                    break
                now = time.monotonic()
                if now >= sync_at:
                    list(beside.map(ConnectionSpool.sync, tuple(self._open)))  # one that ends at last leaves the set
                    sync_at = now + SYNC_EVERY_S
                if now >= measure_at:
                    self._measure()
                    took = time.monotonic() - now
                    measure_at = now + max(MEASURE_EVERY_S, 50 * took)
            list(beside.map(ConnectionSpool.sync, tuple(self._open)))
            for connection in tuple(self._open):
                connection.release()

    def _waiting(self, wait_s: float) -> tuple[list[Job], bool]:
        """The jobs that are there, or the first that comes, and whether there will be no more."""
        jobs: list[Job] = []
        try:
            while len(jobs) < _AT_ONCE:
                job = self._jobs.get(block=not jobs, timeout=wait_s)
                if job is None:
                    return jobs, True
                jobs.append(job)
        except queue.Empty:
            pass
        return jobs, False

    def _do(self, jobs: list[Job], beside: ThreadPoolExecutor) -> None:
        of_owner: dict[object, list[Job]] = defaultdict(list)
        for job in jobs:
            if job.owner is None:
                self._round(of_owner, beside)
                self._round({None: [job]}, beside)
                of_owner.clear()
            else:
                of_owner[job.owner].append(job)
        self._round(of_owner, beside)

    def _round(self, of_owner: Mapping[object, list[Job]], beside: ThreadPoolExecutor) -> None:
        slow = {owner for owner, own in of_owner.items() if any(job.syncs for job in own)}
        futures = [beside.submit(_in_order, of_owner[owner]) for owner in slow]
        for owner, own in of_owner.items():
            if owner not in slow:
                _in_order(own)
        for future in futures:
            future.result()
        size = sum(job.size for own in of_owner.values() for job in own)
        self._used += size
        self._queued -= size

    def _measure(self) -> None:
        uses = disk_use(self.root)
        self._used = uses.total()
        for connection in self._open:
            connection.measured(uses)


def _in_order(jobs: list[Job]) -> None:
    for job in jobs:
        job.do()
