"""A process that begins an export and is killed in the middle of it: `python -m tests.vigil.interrupted_export`."""

from __future__ import annotations

import asyncio
import pickle
import sys
from pathlib import Path

from api.export_jobs import Wanted
from vigil.exports import ExportJobs
from vigil.wiring import core


async def begin(settings: str, session: str) -> None:
    async with core(pickle.loads(Path(settings).read_bytes()), "export") as here:
        jobs = ExportJobs(here)
        await jobs.begin("main", "big", Wanted(sessions=(session,), by="auditor"))
        await asyncio.sleep(600)


if __name__ == "__main__":
    asyncio.run(begin(*sys.argv[1:]))
