"""Everything is built again under writes, small enough for a test; `bench/rebuilding.py` holds the checks."""

from __future__ import annotations

from bench.rebuilding import measured
from projections.models import MODELS


async def test_every_model_is_built_again_under_writes_and_nobody_sees_less_or_something_else(database: str) -> None:
    found = await measured(database, 1, turns=3)
    print(f"{found.rebuilt} events, {found.ratio:.2f} times as fast as catching up, {found.seen}")
    assert found.rebuilt > found.caught_up > 5_000
    assert found.seen.written > 0
    assert found.seen.reads > len(MODELS)
    assert found.rows > 5_000
