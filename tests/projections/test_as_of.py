"""Any model as it was at a past position, folded in memory and the same as it was then."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from psycopg import AsyncConnection

from domain.recorded import Recorded, Stored
from projections.gradebook import GRADEBOOK
from projections.live import LIVE
from projections.model import AT_ONCE, decoded
from projections.models import MODELS
from projections.refold import compare, fold_as_of
from tests.domain.hall import NINE
from tests.projections.hall import (
    BEGUN,
    OPENED,
    SCHEDULE,
    SUBMITTED,
    closed,
    flagged,
    judged,
    registered,
    requested,
    rows_of,
    sealed,
    segment,
    sent,
)
from tests.projections.ledger import TALLY, Ledger, decode, plain, step_all

DAY = (
    *BEGUN, ("t/session/s2", OPENED[1]), registered(), segment(1), sent(), flagged(), segment(2), closed(), requested(),
    judged("confirmed"), SUBMITTED, sealed(), ("u/session/s1", OPENED[1]),
)  # fmt: skip


async def test_every_row_of_every_model_is_as_it_was_at_every_position(ledger: Ledger, app: AsyncConnection) -> None:
    last = await ledger.append(*DAY, since=NINE)
    for model in MODELS:
        keys = [key for key in rows_of(model, DAY) if key.startswith("t/")]
        for position in range(last + 1):
            then = await fold_as_of(app, decode, model, position, keys=keys)
            truth = {key: row for key, row in rows_of(model, DAY[:position]).items() if key.startswith("t/")}
            assert {key: plain(row) for key, row in then.items()} == {key: plain(row) for key, row in truth.items()}


async def test_the_wall_of_a_schedule_is_found_by_its_stream(ledger: Ledger, app: AsyncConnection) -> None:
    await ledger.append(*DAY)
    enrolled_later = await ledger.append(("t/schedule/anatomy", BEGUN[1][1]))
    then = await fold_as_of(app, decode, LIVE, 9, streams=[SCHEDULE])
    assert list(then) == ["t/s1"]
    assert (then["t/s1"].risk, then["t/s1"].name) == ("warn", "Ada L.")
    assert await fold_as_of(app, decode, LIVE, 1, streams=[SCHEDULE]) == {}
    now = await fold_as_of(app, decode, GRADEBOOK, enrolled_later, streams=[SCHEDULE])
    assert now["t/s1"].phase == "submitted"


async def test_the_wall_of_a_schedule_reads_nothing_that_it_does_not_show(ledger: Ledger, app: AsyncConnection) -> None:
    last = await ledger.append(*DAY, *(segment(n) for n in range(3, 50)))
    asked: list[str] = []

    async def watched(rows: Sequence[Stored]) -> Sequence[Recorded | Exception]:
        asked.extend(row.tag for row in rows if row.version > 1)  # the first one may lead to others
        return await decode(rows)

    then = await fold_as_of(app, watched, LIVE, last, streams=[SCHEDULE])
    assert then["t/s1"].phase == "submitted"
    assert LIVE.tags
    assert set(asked) <= LIVE.tags


async def test_a_long_history_is_decoded_bit_by_bit_and_others_go_on_in_between() -> None:
    rows = [Stored(n, SCHEDULE, n, "none", NINE, b"") for n in range(AT_ONCE * 3 + 1)]
    order: list[int | str] = []

    async def runs(some: Sequence[Stored]) -> Sequence[Recorded | Exception]:
        order.append(len(some))
        return [ValueError() for _ in some]

    async def other() -> None:
        while True:
            order.append("other")
            await asyncio.sleep(0)

    beside = asyncio.create_task(other())
    found = await decoded(runs, rows)
    beside.cancel()
    assert [entry.position for entry in found] == list(range(len(rows)))
    assert [size for size in order if size != "other"] == [AT_ONCE, AT_ONCE, AT_ONCE, 1]
    assert all("other" in order[n : n + 2] for n, size in enumerate(order) if size != "other")


async def test_a_row_that_was_changed_by_hand_or_lost_or_invented_is_named(
    ledger: Ledger, project: AsyncConnection
) -> None:
    await ledger.append(*BEGUN, ("t/session/s2", OPENED[1]), ("t/session/s3", OPENED[1]))
    await step_all(project, LIVE, TALLY)
    assert await compare(project, decode, LIVE) == []
    await project.execute("""UPDATE read.live SET data = data || '{"incidents": 1}' WHERE key = 't/s1'""")
    await project.execute("DELETE FROM read.live WHERE key = 't/s2'")
    await project.execute("UPDATE read.live SET key = 't/s4' WHERE key = 't/s3'")
    found = {difference.key: difference for difference in await compare(project, decode, LIVE)}
    assert sorted(found) == ["t/s1", "t/s2", "t/s3", "t/s4"]
    assert (found["t/s2"].table, found["t/s4"].ledger) == (None, None)
    assert await compare(project, decode, TALLY) == []


async def test_what_came_after_the_models_position_is_no_difference(ledger: Ledger, project: AsyncConnection) -> None:
    await ledger.append(*BEGUN)
    await step_all(project, LIVE)
    await ledger.append(flagged())
    assert await compare(project, decode, LIVE) == []
