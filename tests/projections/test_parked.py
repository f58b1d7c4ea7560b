"""Poison: an event that cannot be read or folded stops its row, is seen to do so, and is taken after a fix."""

from __future__ import annotations

import logging
import pickle
from dataclasses import replace

import pytest
from psycopg import AsyncConnection

from domain import schedule
from domain.recorded import Recorded
from projections.chat import CHAT
from projections.live import LIVE
from projections.model import Model
from projections.models import MODELS
from projections.reader import find, standings
from projections.refold import compare, unpark
from tests.projections.hall import BEGUN, OPENED, SCHEDULE, Said, flagged, read_by, sent
from tests.projections.ledger import TALLY, Ledger, Tally, decode, projecting, reached, step_all, until


def renamed(title: str, name: str = "anatomy") -> Said:
    return f"t/schedule/{name}", schedule.Renamed(title=title)


def _refusing(row: Tally | None, recorded: Recorded) -> Tally | None:
    if isinstance(recorded.body, schedule.Renamed) and recorded.body.title == "poison":
        raise ValueError(recorded.body.title)
    return TALLY.fold(row, recorded)


CHOKING: Model[Tally] = replace(TALLY, fold=_refusing)


async def parked(project: AsyncConnection) -> list[tuple[str, ...]]:
    cursor = await project.execute("SELECT model, key, stream, position, error FROM read.parked ORDER BY model, key")
    return await cursor.fetchall()


async def test_poison_in_the_middle_parks_its_row_and_nothing_else(
    ledger: Ledger, project: AsyncConnection, app: AsyncConnection
) -> None:
    last = await ledger.append(
        renamed("a"), renamed("b", "other"), renamed("poison"), renamed("c"), renamed("d", "other")
    )
    await step_all(project, CHOKING)
    found = await find(app, CHOKING, "t")
    assert {key: row.positions for key, row in found.rows.items()} == {
        "t/schedule.anatomy": (1,),
        "t/schedule.other": (2, 5),
    }
    assert (found.stale, found.position) == ({"t/schedule.anatomy"}, last)
    assert await parked(project) == [("tally", "t/schedule.anatomy", SCHEDULE, 3, "ValueError in _refusing")]


async def test_a_parked_row_takes_no_later_event_of_a_later_batch(
    ledger: Ledger, project: AsyncConnection, app: AsyncConnection
) -> None:
    await ledger.append(renamed("a"), renamed("poison"))
    await step_all(project, CHOKING)
    await ledger.append(renamed("b"))
    await step_all(project, CHOKING)
    assert (await find(app, CHOKING, "t")).rows["t/schedule.anatomy"].positions == (1,)


async def test_after_a_fix_the_row_is_folded_again_from_its_streams(
    ledger: Ledger, project: AsyncConnection, app: AsyncConnection
) -> None:
    await ledger.append(renamed("a"), renamed("poison"), renamed("b"), renamed("c", "other"))
    await step_all(project, CHOKING)
    key = "t/schedule.anatomy"
    assert not await unpark(project, decode, CHOKING, key)
    assert await parked(project)
    await ledger.append(renamed("not folded yet"))
    assert await unpark(project, decode, TALLY, key)
    found = await find(app, TALLY, "t")
    assert (found.rows[key].positions, found.stale) == ((1, 2, 3), frozenset())
    await step_all(project, TALLY)
    assert (await find(app, TALLY, "t")).rows[key].positions == (1, 2, 3, 5)
    assert await compare(project, decode, TALLY) == []
    assert not await unpark(project, decode, TALLY, key)


async def test_a_projector_that_starts_after_a_fix_takes_what_was_parked(
    ledger: Ledger, conninfo: str, project: AsyncConnection
) -> None:
    await ledger.append(renamed("poison"), renamed("a"))
    await step_all(project, CHOKING)
    assert await parked(project)

    async def none_parked() -> bool:
        return not await parked(project)

    async with projecting(conninfo, TALLY):
        await until(none_parked)
    assert await compare(project, decode, TALLY) == []


async def test_an_event_that_cannot_be_read_parks_what_it_may_touch(
    ledger: Ledger, project: AsyncConnection, app: AsyncConnection
) -> None:
    await ledger.append(*BEGUN, sent("m1"))
    await ledger.append(read_by("kim", "m1"), unreadable=True)
    position = await ledger.append(sent("m2"), flagged(), ("t/session/s2", OPENED[1]))
    await step_all(project, *MODELS)
    assert {row[0]: row[1] for row in await parked(project)} == {
        "chat": "t/chat/s1",
        "gradebook": "t/s1",
        "live": "t/s1",
        "timeline": "t/s1/00000000000000000006",
    }
    chat, live = await find(app, CHAT, "t"), await find(app, LIVE, "t")
    assert chat.stale == {"t/chat/s1", "t/s1/m1", "t/s1/m2"}
    assert live.stale == {"t/s1"}
    assert (live.rows["t/s1"].unread, live.rows["t/s2"].phase, live.position) == (("m1",), "expected", position)

    # The fix, in place of a decoder that can read it:
    await ledger.owner.execute("SET session_replication_role = replica")  # past the trigger that forbids this
    await ledger.owner.execute(
        "UPDATE ledger.events SET state = %s WHERE notification_id = 6", (pickle.dumps(read_by("kim")[1]),)
    )
    for model, key in [(m, k) for m in MODELS for n, k, *_ in await parked(project) if n == m.name]:
        assert await unpark(project, decode, model, key)
    assert await parked(project) == []
    for model in MODELS:
        assert await compare(project, decode, model) == []
        assert not (await find(app, model, "t")).stale
    assert (await find(app, LIVE, "t")).rows["t/s1"].unread == ("m2",)


async def test_an_event_of_a_newer_program_stops_only_what_shows_every_event(
    ledger: Ledger, project: AsyncConnection
) -> None:
    await ledger.append(*BEGUN)
    await ledger.append(OPENED, unreadable=True, tag="session.not_known_yet")
    await step_all(project, *MODELS)
    assert [row[0] for row in await parked(project)] == ["timeline"]


async def test_an_enrolment_that_cannot_be_read_marks_its_schedule(
    ledger: Ledger, project: AsyncConnection, app: AsyncConnection
) -> None:
    await ledger.append(BEGUN[0])
    await ledger.append(BEGUN[1], unreadable=True)
    await ledger.append(*BEGUN[2:])
    await step_all(project, *MODELS)
    live = await find(app, LIVE, "t")
    assert live.stale == {SCHEDULE}
    assert (live.rows["t/s1"].phase, live.rows["t/s1"].name) == ("in_progress", None)


async def test_a_row_that_cannot_be_read_any_more_is_parked_and_made_again(
    ledger: Ledger, project: AsyncConnection, app: AsyncConnection
) -> None:
    await ledger.append(*BEGUN)
    await step_all(project, LIVE)
    await project.execute("UPDATE read.live SET data = '{}'")
    await ledger.append(flagged())
    await step_all(project, LIVE)
    assert [row[1:3] for row in await parked(project)] == [("t/s1", "")]
    assert await unpark(project, decode, LIVE, "t/s1")
    assert (await find(app, LIVE, "t")).rows["t/s1"].risk == "warn"


async def test_neither_the_table_nor_the_log_holds_what_somebody_wrote(
    ledger: Ledger, project: AsyncConnection, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        await ledger.append(renamed("poison"))
        await step_all(project, CHOKING)
    assert "t/schedule.anatomy waits for a fix since position 1" in caplog.text
    assert "poison" not in caplog.text + str(await parked(project))


async def test_operators_see_how_far_each_model_is_and_what_waits(ledger: Ledger, project: AsyncConnection) -> None:
    await ledger.append(renamed("poison"), renamed("a", "other"))
    await step_all(project, CHOKING)
    stood = {standing.model: standing for standing in await standings(project)}
    assert (stood["tally"].position, stood["tally"].head, stood["tally"].parked) == (2, 2, 1)
    assert (stood["live"].position, stood["live"].parked) == (0, 0)
    assert not await reached(project, LIVE, 1)
