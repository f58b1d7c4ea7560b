"""Role `react`: the one place that acts on time or on what happened.

It looks at how things are, again and again, and issues ordinary commands whose key is derived from the cause. So it
remembers nothing: after a crash it sees the same world and says the same commands, which then change nothing twice.
An advisory lock keeps one leader among all that run.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import psycopg
from psycopg import AsyncConnection

from commands import interventions, sessions
from vigil.connections import Connections
from vigil.sealing import Sealing
from vigil.watch import Watch
from vigil.wiring import Core

log = logging.getLogger(__name__)

EVERY_S = 0.25
UNDELIVERED_S = 30.0
LEADER = 0x766967696C  # the advisory lock's number: "vigil" in ASCII
ACTOR = "system/react"


async def react(core: Core) -> None:
    """Runs until cancelled; waits while another leads."""
    connections = Connections(core)
    await connections.listen()
    watch = Watch(core)
    sealing = Sealing(core)
    while True:
        try:
            async with _leading(core):
                log.info("this process leads the reactions")
                while True:
                    await _round(core, watch, connections, sealing)
                    await asyncio.sleep(EVERY_S)
        except psycopg.OperationalError:
            log.warning("the leader's database connection was lost; standing for election again")
            await asyncio.sleep(1)
