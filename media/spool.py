"""The local spool: sealed bytes go to disk in one thread, so that the media loop never waits for a disk.

Calls only queue; the thread writes in order and syncs each second what was written. When the spool holds more than it
may, or the disk refuses, the next call says so with `SpoolAway`, and the caller notes the gap. No recording may hold
more than is still free: one fast sender fills half of a spool at most, and many of one speed share all of it.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path

from media.connection_spool import ConnectionSpool
from media.names import RecordingName
from media.spooled import connection_folder, disk_use

SYNC_EVERY_S = 1.0
MEASURE_EVERY_S = 10.0
QUEUED_MAX_BYTES = 64 << 20


class Spool:
    """The folder `root`, of at most about `bound_bytes`. One thread writes; `close` waits until all is on disk."""

    def __init__(self, root: Path, bound_bytes: int) -> None:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.root = root
        self._bound = bound_bytes
        self._used = disk_use(root).total()
        self._queued = 0
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
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

    def put(self, job: Callable[[], None], size: int = 0) -> None:
        """Queues one write of `size` bytes for the thread."""
        self._queued += size

        def counted() -> None:
            try:
                job()
            finally:
                self._used += size
                self._queued -= size

        self._jobs.put(counted if size else job)

    def forget(self, connection: ConnectionSpool) -> None:
        self._open.discard(connection)

    def close(self) -> None:
        """Writes all that is queued and lets the folders go."""
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        sync_at = time.monotonic() + SYNC_EVERY_S
        measure_at = time.monotonic() + MEASURE_EVERY_S
        while True:
            try:
                job = self._jobs.get(timeout=max(0.0, sync_at - time.monotonic()))
                if job is None:
                    break
                job()
            except queue.Empty:
                pass
            now = time.monotonic()
            if now >= sync_at:
                for connection in tuple(self._open):  # one that ends at last leaves the set
                    connection.sync()
                sync_at = now + SYNC_EVERY_S
            if now >= measure_at:
                self._measure()
                took = time.monotonic() - now
                measure_at = now + max(MEASURE_EVERY_S, 50 * took)
        for connection in tuple(self._open):
            connection.sync()
        for connection in tuple(self._open):
            connection.release()

    def _measure(self) -> None:
        uses = disk_use(self.root)
        self._used = uses.total()
        for connection in self._open:
            connection.measured(uses)
