"""What is allowed or switched off reaches the schedule and the sessions in one command."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial

from msgspec.structs import replace
from psycopg import AsyncConnection

from commands import accommodations, flags, muting, sessions
from commands.handler import Handler
from domain import schedule, session_rules
from domain.accommodation import Accommodation
from domain.session import Session
from domain.stream import Stream
from tests.commands.hall import NINE, do, planned, ready, refused, tags
from tests.commands.test_sitting import FOUND

QUARTER = Accommodation(extra_time_percent=25)


async def _session(one: Handler, name: str) -> Session:
    _, state = await one.load(session_rules.DECIDER, str(Stream("tu", "session", name)), fresh=True)
    return state


async def test_an_accommodation_reaches_a_running_session_at_once(one: Handler, app: AsyncConnection) -> None:
    name, (session,) = await planned(one)
    await ready(one, session)
    await do(one, partial(sessions.start, name=session))
    grant = partial(accommodations.grant, name=name, session=session, accommodation=QUARTER, objects=("a cushion",))
    await do(one, grant, minute=20)
    state = await _session(one, session)
    assert (state.extra_s, state.allowed.accommodation) == (1800, QUARTER)
    assert state.allowed.objects
    assert state.allowed.objects.text == "a cushion"
    assert (await tags(app, f"tu/schedule/{name}"))[-1] == "schedule.accommodation_granted"
    await do(one, grant, minute=21)
    await do(one, partial(accommodations.withdraw, name=name, session=session), minute=30)
    await do(one, partial(accommodations.withdraw, name=name, session=session), minute=31)
    assert (await tags(app, f"tu/schedule/{name}"))[-2:] == [
        "schedule.accommodation_granted", "schedule.accommodation_withdrawn",
    ]  # fmt: skip
    state = await _session(one, session)
    assert (state.extra_s, state.allowed.accommodation) == (1800, Accommodation())


async def test_nobody_is_allowed_anything_who_is_not_enrolled(one: Handler) -> None:
    name, _ = await planned(one)
    other, (session,) = await planned(one)
    assert other != name
    for stranger in (session, "nobody"):
        grant = partial(accommodations.grant, name=name, session=stranger, accommodation=QUARTER, objects=())
        await refused(one, grant, "not enrolled", field="session")


async def test_a_detector_is_off_for_everyone_who_sits_the_exam_or_starts_later(one: Handler) -> None:
    name, (running, late) = await planned(one, candidates=2)
    for session in (running, late):
        await ready(one, session)
    await do(one, partial(sessions.start, name=running))
    off = partial(muting.switch_off, name=name, kind="several_people", reason="Posters on the wall.")
    await do(one, off, minute=12)
    await do(one, off, minute=13)
    await do(one, partial(sessions.start, name=late), minute=15)
    found = {running: (await _session(one, running)), late: (await _session(one, late))}
    assert found[running].switched_off == {"several_people": NINE + timedelta(minutes=12)}
    assert found[late].switched_off == {"several_people": NINE + timedelta(minutes=15)}
    await do(one, partial(muting.switch_on, name=name, kind="several_people"), minute=20)
    assert (await _session(one, running)).switched_off == found[running].switched_off


async def test_a_muted_detector_opens_nothing_and_what_it_saw_before_counts(one: Handler, app: AsyncConnection) -> None:
    name, (session, other) = await planned(one, candidates=2)
    for each in (session, other):
        await ready(one, each)
        await do(one, partial(sessions.start, name=each), minute=5)
    await do(one, partial(muting.switch_off, name=name, kind="several_people", reason="Posters."), minute=12)
    await do(one, partial(flags.open_incident, session=session, found=FOUND), minute=13)
    late = replace(FOUND, started_at=NINE + timedelta(minutes=12))
    await do(one, partial(flags.open_incident, session=other, found=late), minute=13)
    assert await tags(app, f"tu/incidents/{session}") == ["incidents.opened"]
    assert await tags(app, f"tu/incidents/{other}") == []


async def test_what_was_switched_off_meanwhile_is_off_when_a_session_goes_on(one: Handler) -> None:
    name, (session,) = await planned(one)
    await ready(one, session)
    await do(one, partial(sessions.start, name=session))
    await do(one, partial(sessions.lose_connection, name=session, track="camera", why="no packets"), minute=20)
    await do(one, partial(sessions.expire, name=session), minute=180)
    assert (await _session(one, session)).phase == "ended_in_fault"
    await do(one, partial(muting.switch_off, name=name, kind="out_of_view", reason="A dark room."), minute=185)
    assert (await _session(one, session)).switched_off == {}
    await do(one, partial(sessions.reopen, name=session, reason="The power is back."), minute=190)
    assert (await _session(one, session)).switched_off == {"out_of_view": NINE + timedelta(minutes=190)}


async def test_who_starts_in_another_process_at_that_moment_starts_without_the_detector(
    one: Handler, other: Handler
) -> None:
    name, (session,) = await planned(one)
    await ready(one, session)
    await other.load(schedule.DECIDER, str(Stream("tu", "schedule", name)))  # remembers the schedule as it was
    await do(one, partial(muting.switch_off, name=name, kind="out_of_view", reason="A dark room."), minute=11)
    await do(other, partial(sessions.start, name=session), minute=12)
    assert set((await _session(one, session)).switched_off) == {"out_of_view"}


async def test_two_planners_who_grant_at_once_leave_what_one_of_them_said(one: Handler, other: Handler) -> None:
    name, (session,) = await planned(one)
    await ready(one, session)
    await do(one, partial(sessions.start, name=session))
    grants = [
        do(handler, partial(accommodations.grant, name=name, session=session, accommodation=which, objects=()))
        for handler, which in ((one, QUARTER), (other, Accommodation(extra_time_minutes=20)))
    ]
    await asyncio.gather(*grants)
    state = await _session(one, session)
    _, plan = await one.load(schedule.DECIDER, str(Stream("tu", "schedule", name)), fresh=True)
    assert plan.accommodations[session].accommodation == state.allowed.accommodation
    assert state.extra_s == state.allowed.extra_s == 1800  # the larger of the two, and never both
