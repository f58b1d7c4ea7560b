"""A small exam day on real servers, while NATS, PostgreSQL and the API die one after another under a crowd."""

from __future__ import annotations

import pytest

from bench.day import measured

pytestmark = pytest.mark.slow


async def test_three_restarts_lose_nothing_and_every_dashboard_ends_as_the_snapshot() -> None:
    day = await measured(candidates=12, seconds=20.0, kill=True)  # looks into the ledger and at the dashboards itself
    kinds = {one.kind for one in day.notes.done}
    assert {"join", "start", "signals", "message", "warn", "pause", "resume", "progress", "answer", "read"} <= kinds
    assert day.notes.tries_again, "nothing was ever away"
    assert {"messaging", "database", "front_door"} <= day.faults
    assert day.boards[2].connections > day.boards[0].connections
