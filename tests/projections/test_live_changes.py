"""Live push: a snapshot and what came after it are the same as a later snapshot, wherever a reader left off."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import count
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import AsyncConnection

from domain import enrolment, fault, session
from domain.event import Event
from domain.intervention import Acknowledged, Failed
from domain.stream import SESSION_KINDS
from projections.batch import purge
from projections.live import LIVE
from projections.reader import changes_since, snapshot
from tests.domain import anything
from tests.projections.hall import (
    BEGUN,
    PAUSE,
    SESSION,
    about_ada,
    closed,
    flagged,
    judged,
    raised,
    read_by,
    requested,
    segment,
    sent,
)
from tests.projections.ledger import Ledger, plain, projecting, reached, step_all, until

WALL = "schedule/anatomy"
Rows = dict[str, Any]


async def wall(app: AsyncConnection, schedule: str = "anatomy") -> tuple[Rows, int]:
    found = await snapshot(app, "t", schedule)
    return {key: plain(row) for key, row in found.rows.items()}, found.mark


async def told(app: AsyncConnection, channel: str, mark: int) -> list[Any]:
    changes = await changes_since(app, "t", channel, mark)
    assert changes is not None
    return [patch for one in changes.told for patch in msgspec.json.decode(one.patches)]


def patched(rows: Rows, patches: list[Any]) -> Rows:
    """What a page makes of patches."""
    after = {key: dict(row) for key, row in rows.items()}
    for patch in patches:
        after.setdefault(patch["key"], {}).update(patch["set"])
    return after


async def test_only_what_changed_is_told(ledger: Ledger, project: AsyncConnection, app: AsyncConnection) -> None:
    await ledger.append(*BEGUN)
    await step_all(project, LIVE)
    _, mark = await wall(app)
    position = await ledger.append(sent("m1"))
    await step_all(project, LIVE)
    assert await told(app, WALL, mark) == [{"key": "t/s1", "set": {"unread": ["m1"], "position": position}}]
    _, mark = await wall(app)
    await ledger.append(segment(1))
    await step_all(project, LIVE)
    assert await told(app, WALL, mark) == []


async def test_the_mark_is_the_position_and_moves_on_where_nothing_is_told(
    ledger: Ledger, project: AsyncConnection, app: AsyncConnection
) -> None:
    await ledger.append(*BEGUN)
    await step_all(project, LIVE)
    position = await ledger.append(segment(1), ("t/session/s2", session.Opened(schedule="other", subject="bo")))
    await step_all(project, LIVE)
    changes = await changes_since(app, "t", WALL, 4)
    assert changes
    assert (changes.told, changes.mark) == ([], position)


async def test_pages_of_changes_leave_nothing_out(
    ledger: Ledger, project: AsyncConnection, app: AsyncConnection
) -> None:
    await ledger.append(*BEGUN, *(sent(f"m{n}") for n in range(10)))
    await step_all(project, LIVE)
    everything = await changes_since(app, "t", WALL, 0)
    assert everything
    found, mark = [], 0
    while page := await changes_since(app, "t", WALL, mark, most=3):
        found += page.told
        mark = page.mark
        if not page.told:
            break
    assert found == everything.told
    assert len(found) == 13  # the schedule itself is nobody's row


async def test_a_candidate_is_told_what_concerns_them(
    ledger: Ledger, project: AsyncConnection, app: AsyncConnection
) -> None:
    await ledger.append(*BEGUN, sent("m1", "invigilator", "welcome"), read_by("ada", "m1"))
    await ledger.append(
        requested("warn"), (PAUSE, Acknowledged(at=BEGUN[3][1].at)), (PAUSE, Failed(at=BEGUN[3][1].at, why="late")),  # type: ignore[attr-defined]
        (SESSION, fault.FaultOpened(what="messaging", why="away")),
    )  # fmt: skip
    await step_all(project, LIVE)
    patches = await told(app, "session/s1", 0)
    assert [next(iter(patch)) for patch in patches] == ["session"] * 3 + ["message"] * 2 + ["intervention"] * 3 + [
        "session"
    ]
    assert patches[2]["session"]["phase"] == "in_progress"
    assert patches[2]["session"]["clock"]["due_at"] == "2026-06-01T11:05:00Z"
    assert (patches[3]["message"]["text"], patches[4]["message"]) == ("welcome", {"message": "m1", "stage": "read"})
    assert patches[5]["intervention"] | {"at": ""} == {
        "intervention": "s1.p1", "stage": "requested", "kind": "warn", "at": "", "reason_code": "",
        "text": "please look at the screen", "minutes": None,
    }  # fmt: skip
    assert patches[7]["intervention"] == {"intervention": "s1.p1", "stage": "failed", "why": "late"}
    assert list(patches[8]["session"]["faults"]) == ["messaging"]


async def test_a_candidate_hears_nothing_of_incidents_or_of_who_the_invigilators_are(
    ledger: Ledger, project: AsyncConnection, app: AsyncConnection
) -> None:
    await ledger.append(*BEGUN)
    await step_all(project, LIVE)
    _, mark = await wall(app)
    await ledger.append(flagged(), closed(), judged("confirmed"), raised())
    await step_all(project, LIVE)
    assert await told(app, "session/s1", mark) == []
    await ledger.append(requested("warn"), read_by("kim"))
    await step_all(project, LIVE)
    assert "kim" not in str(await told(app, "session/s1", mark))


async def test_what_is_kept_no_longer_leads_to_a_new_beginning(
    ledger: Ledger, project: AsyncConnection, app: AsyncConnection
) -> None:
    await ledger.append(*BEGUN)
    await step_all(project, LIVE)
    await ledger.append(flagged())
    await step_all(project, LIVE)
    await project.execute("UPDATE read.live_change SET at = at - interval '2 hours' WHERE mark <= 3")
    await purge(project)
    assert await changes_since(app, "t", WALL, 2) is None
    assert len(await told(app, WALL, 3)) == 2
    assert len(await told(app, WALL, 4)) == 1


async def test_a_mark_of_the_future_leads_to_a_new_beginning(
    ledger: Ledger, project: AsyncConnection, app: AsyncConnection
) -> None:
    """As after a backup was restored."""
    await ledger.append(*BEGUN)
    await step_all(project, LIVE)
    assert await changes_since(app, "t", WALL, 5) is None


async def test_a_projector_that_was_away_for_long_tells_only_what_is_recent(
    ledger: Ledger, project: AsyncConnection, app: AsyncConnection
) -> None:
    await ledger.append(*BEGUN[:2])
    await step_all(project, LIVE)
    _, before = await wall(app)
    await ledger.append(*BEGUN[2:], ago=timedelta(hours=2))
    await step_all(project, LIVE)
    _, behind = await wall(app)
    await ledger.append(flagged())
    await step_all(project, LIVE)
    assert await changes_since(app, "t", WALL, before) is None
    assert len(await told(app, WALL, behind)) == 1


async def test_who_watches_a_row_that_is_parked_begins_afresh(
    ledger: Ledger, project: AsyncConnection, app: AsyncConnection
) -> None:
    await ledger.append(*BEGUN)
    await step_all(project, LIVE)
    _, mark = await wall(app)
    await ledger.append(flagged(), unreadable=True)
    await step_all(project, LIVE)
    assert await changes_since(app, "t", WALL, mark) is None
    found = await snapshot(app, "t", "anatomy")
    assert found.stale == {"t/s1"}
    await ledger.append(("t/session/s2", session.Opened(schedule="anatomy", subject="bo")))
    await step_all(project, LIVE)
    assert patched({}, await told(app, WALL, found.mark))["t/s2"]["phase"] == "expected"


_examples = count(1)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
async def test_a_snapshot_and_its_changes_are_a_fresh_snapshot(
    data: st.DataObject, ledger: Ledger, project: AsyncConnection, app: AsyncConnection
) -> None:
    """Whatever happens, in batches of whatever size; and the same from every mark in between."""
    hall = f"hall{next(_examples)}"
    names = [f"{hall}a", f"{hall}b"]

    def enrolled(name: str) -> tuple[str, Event]:
        given = {"subject": name, "session": name, "name": about_ada(name), "number": about_ada("1")}
        return f"t/schedule/{hall}", enrolment.CandidateEnrolled(**given)  # type: ignore[arg-type]

    await ledger.append(enrolled(names[0]))
    await step_all(project, LIVE)
    known = [await wall(app, hall)]
    happened = [enrolled(names[1])]
    events = st.sampled_from(SESSION_KINDS).flatmap(anything.events)
    for body in data.draw(st.lists(events, min_size=1, max_size=25)):
        if not isinstance(body, session.Opened):  # it would move them into another hall
            kind = str(type(body).__struct_config__.tag).partition(".")[0]
            name = data.draw(st.sampled_from(names))
            below = {"intervention": f"{name}.x", "recording": f"{name}.camera"}.get(kind, name)
            happened.append((f"t/{kind}/{below}", body))
    while happened:
        size = data.draw(st.integers(1, len(happened)))
        await ledger.append(*happened[:size])
        happened = happened[size:]
        await step_all(project, LIVE)
        known.append(await wall(app, hall))
    fresh, last = known[-1]
    for rows, mark in known:
        assert patched(rows, await told(app, f"schedule/{hall}", mark)) == fresh
    assert (await changes_since(app, "t", f"schedule/{hall}", last)) is not None


async def test_a_reader_beside_a_running_projector_misses_and_doubles_nothing(
    ledger: Ledger, conninfo: str, project: AsyncConnection, app: AsyncConnection
) -> None:
    await ledger.append(*BEGUN)
    await step_all(project, LIVE)
    rows, mark = await wall(app)
    seen: list[str] = []
    async with projecting(conninfo, LIVE), projecting(conninfo, LIVE):
        for n in range(60):
            position = await ledger.append(sent(f"m{n}"))
            if n % 3 == 0:
                changes = await changes_since(app, "t", WALL, mark)
                assert changes
                mark = changes.mark
                for one in changes.told:
                    patches = msgspec.json.decode(one.patches)
                    rows = patched(rows, patches)
                    seen += [patch["set"]["unread"][-1] for patch in patches]
            await asyncio.sleep(0.001)
        await until(lambda: reached(project, LIVE, position))
    patches = await told(app, WALL, mark)
    assert patched(rows, patches) == (await wall(app))[0]
    assert seen + [patch["set"]["unread"][-1] for patch in patches] == [f"m{n}" for n in range(60)]
