"""Pools of connections: who is cancelled while they wait for one ends, whatever comes at the same moment."""

from __future__ import annotations

import asyncio

import pytest

from vigil.settings import Settings
from vigil.wiring import _pool


@pytest.mark.parametrize("steps", range(8))
async def test_who_is_cancelled_as_a_connection_becomes_free_ends_and_leaves_it_to_others(
    settings: Settings, steps: int
) -> None:
    async with _pool(settings.database_url_for("app"), "test", 1) as pool:
        taken = await pool.getconn()
        waiting = asyncio.create_task(pool.getconn())
        await asyncio.sleep(0.05)
        await pool.putconn(taken)
        for _ in range(steps):
            await asyncio.sleep(0)
        if waiting.cancel():
            with pytest.raises(asyncio.CancelledError):
                await waiting
        else:
            await pool.putconn(await waiting)
        async with asyncio.timeout(5), pool.connection() as conn:
            await conn.execute("SELECT 1")
