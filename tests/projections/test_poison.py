"""What operators are told of poison, and trying again after a fix."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from psycopg import AsyncConnection

from projections.chat import CHAT
from projections.live import LIVE
from projections.models import MODELS
from projections.poison import retry, waiting
from projections.refold import compare
from tests.projections.hall import BEGUN, flagged, read_by, sent
from tests.projections.hall import CHAT as TALK
from tests.projections.ledger import TALLY, Ledger, decode, step_all
from tests.projections.test_parked import CHOKING, renamed


async def test_what_waits_is_listed_with_the_event_that_failed(ledger: Ledger, project: AsyncConnection) -> None:
    assert await waiting(project, [*MODELS, TALLY]) == []
    await ledger.append(renamed("a"), renamed("poison"), renamed("b"), renamed("poison", "other"))
    await step_all(project, CHOKING)
    first, second = await waiting(project, [*MODELS, TALLY])
    assert first[:6] == ("tally", 1, "t/schedule.anatomy", 2, "schedule.renamed", "ValueError in _refusing")
    assert abs(datetime.now(UTC) - first.since) < timedelta(minutes=1)
    assert (second.key, second.position) == ("t/schedule.other", 4)
    assert await waiting(project, MODELS) == []


async def test_after_a_fix_what_waits_is_folded_again_and_the_rest_is_named(
    ledger: Ledger, project: AsyncConnection
) -> None:
    await ledger.append(*BEGUN, sent("m1"), renamed("poison", "other"))
    await ledger.append(read_by("kim", "m1"), unreadable=True)
    await step_all(project, CHOKING, CHAT)
    before = await waiting(project, [TALLY, CHAT])
    assert {(one.model, one.key) for one in before} >= {("tally", "t/schedule.other"), ("chat", TALK)}
    mended, still = await retry(project, decode, [TALLY, CHAT])
    assert mended == 1
    assert still == [one for one in before if one.key != "t/schedule.other"]
    assert await compare(project, decode, TALLY) == []


async def test_a_row_that_cannot_be_read_itself_has_no_event(ledger: Ledger, project: AsyncConnection) -> None:
    await ledger.append(*BEGUN)
    await step_all(project, LIVE)
    await project.execute("UPDATE read.live SET data = '{}'")
    await ledger.append(flagged())
    await step_all(project, LIVE)
    (one,) = await waiting(project, MODELS)
    assert (one.model, one.key, one.tag) == ("live", "t/s1", None)
    assert await retry(project, decode, [LIVE]) == (1, [])


async def test_what_another_version_has_built_is_not_tried(ledger: Ledger, project: AsyncConnection) -> None:
    await ledger.append(renamed("poison"))
    await step_all(project, CHOKING)
    await project.execute("UPDATE read.position SET version = 7 WHERE model = 'tally'")
    await project.execute("UPDATE read.parked SET version = 7 WHERE model = 'tally'")
    mended, (still,) = await retry(project, decode, [TALLY])
    assert (mended, still.version) == (0, 7)
