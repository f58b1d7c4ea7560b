"""Duty and triage as commands: several streams in one, two people at once, and who is removed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from psycopg import AsyncConnection

from commands import duty as shifts
from commands import help as helping
from commands import schedules, triage, users
from commands.duty import Held
from commands.handler import Handler
from domain import duty, incidents
from domain.hand_over import Standing
from domain.user import Role
from tests.commands.hall import PSEUDONYMS, do, note, order, outcome, planned, refused, tags

STANDING = Standing(incidents=1, help=0, pauses=0, breaks=0, accommodations=0, sha256="ab")


async def staffed(one: Handler, *roles: Role, candidates: int = 1) -> tuple[str, list[str], list[str]]:
    """A schedule, its candidates' sessions, and people with these roles who are assigned to it."""
    name, sessions = await planned(one, candidates=candidates)
    people = []
    for role in roles:
        email = f"{role}{len(people)}@{name}.example.org"
        register = partial(
            users.register, name="Alan", email=email, password_hash="x", roles=(role,), pseudonyms=PSEUDONYMS
        )
        people.append((await do(one, register))["user"])
        await do(one, partial(schedules.assign_invigilator, name=name, who=people[-1]))
    return name, sessions, people


async def come(one: Handler, name: str, people: Sequence[str]) -> None:
    for who in people:
        await do(one, partial(shifts.come_on, name=name, who=who, lead=False), actor=who)


async def state(one: Handler, name: str) -> duty.Duty:
    return (await one.load(duty.DECIDER, f"tu/duty/{name}"))[1]


async def holder(one: Handler, session: str, incident: str) -> str | None:
    _, found = await one.load(incidents.DECIDER, f"tu/incidents/{session}")
    return found.triage[incident].taken_by if incident in found.triage else None


async def test_only_who_is_assigned_comes_on_duty(one: Handler) -> None:
    name, _, (grace,) = await staffed(one, "invigilator")
    await come(one, name, [grace])
    assert set((await state(one, name)).on) == {grace}
    await refused(one, partial(shifts.come_on, name=name, who="someone", lead=False), "invigilator", field="user")
    await refused(one, partial(shifts.come_on, name="nowhere", who=grace, lead=True), "no such schedule")


async def test_candidates_are_split_evenly_between_those_on_duty(one: Handler) -> None:
    name, sessions, people = await staffed(one, "invigilator", "invigilator", candidates=5)
    evenly = partial(shifts.split_evenly, name=name)
    await refused(one, evenly, "nobody is on duty", field="evenly")
    await come(one, name, people)
    await do(one, evenly)
    found = await state(one, name)
    assert sorted(len(share) for share in found.shares.values()) == [2, 3]
    assert {answer for session in sessions for answer in found.answering(session)} == set(people)
    assert all(len(found.answering(session)) == 1 for session in sessions)


async def test_of_two_who_take_at_once_the_first_wins(one: Handler) -> None:
    _, (session,), people = await staffed(one, "invigilator", "invigilator")
    incident = (await do(one, note(session)))["incident"]
    take = partial(triage.take, session=session, incident=incident, lead=False)
    said = await asyncio.gather(*(outcome(one.run(order(who), take)) for who in people))
    assert sorted(said) == ["done", "somebody else has taken this incident"]
    assert await holder(one, session, incident) == people[said.index("done")]


async def test_what_somebody_has_taken_goes_with_their_duty(one: Handler) -> None:
    name, (session,), (grace, alan) = await staffed(one, "invigilator", "invigilator")
    await come(one, name, [grace])
    mine, other = [(await do(one, note(session)))["incident"] for _ in range(2)]
    for who, incident in ((grace, mine), (alan, other)):
        await do(one, partial(triage.take, session=session, incident=incident, lead=False), actor=who)
    asked = (await do(one, partial(helping.request, session=session, topic="question", text="")))["help"]
    await do(one, partial(helping.take, session=session, name=asked), actor=grace)
    # A list may be a moment old: what others have is not passed on.
    held = Held(incidents=((session, mine), (session, other)), help=((session, asked),))
    offer = partial(shifts.offer, name=name, who=grace, to=alan, standing=STANDING, lead=False)
    offered = (await do(one, offer, actor=grace))["hand_over"]
    assert (await do(one, offer, actor=grace))["hand_over"] == offered
    assert await holder(one, session, mine) == grace
    accept = partial(shifts.accept, name=name, offered=offered, standing=STANDING, held=held)
    await do(one, accept, actor=alan)
    await do(one, accept, actor=alan)
    assert (await holder(one, session, mine), await holder(one, session, other)) == (alan, alan)
    assert set((await state(one, name)).on) == {alan}
    await do(one, partial(helping.take, session=session, name=asked), actor=alan)
    await do(one, partial(shifts.go_off, name=name, who=alan, lead=False, held=held), actor=alan)
    assert (await holder(one, session, mine), await holder(one, session, other)) == (None, None)
    await do(one, partial(helping.take, session=session, name=asked), actor="mary")
    assert (await state(one, name)).on == {}


async def test_who_is_removed_from_the_schedule_is_off_duty_with_the_same_command(
    one: Handler, app: AsyncConnection
) -> None:
    name, _, (grace, alan) = await staffed(one, "invigilator", "invigilator")
    await come(one, name, [grace, alan])
    offer = partial(shifts.offer, name=name, who=grace, to=alan, standing=STANDING, lead=False)
    await do(one, offer, actor=grace)
    for _ in range(2):
        await do(one, partial(schedules.remove_invigilator, name=name, who=alan))
    assert set((await state(one, name)).on) == {grace}
    assert (await tags(app, f"tu/duty/{name}"))[-2:] == ["duty.hand_over_withdrawn", "duty.off_duty"]


async def test_nothing_is_escalated_where_no_lead_would_see_it(one: Handler) -> None:
    name, (session,), (grace,) = await staffed(one, "invigilator")
    incident = (await do(one, note(session)))["incident"]
    escalate = partial(triage.escalate, session=session, incident=incident, note="He will not answer.", lead=False)
    await refused(one, escalate, "no lead invigilator", field="lead_invigilator")
    register = partial(
        users.register, name="Mary", email=f"mary@{name}.org", password_hash="x", roles=("lead_invigilator",),
        pseudonyms=PSEUDONYMS,
    )  # fmt: skip
    mary = (await do(one, register))["user"]
    await do(one, partial(schedules.assign_invigilator, name=name, who=mary))
    await do(one, escalate, actor=grace)
    take = partial(triage.take, session=session, incident=incident)
    await refused(one, partial(take, lead=False), "a lead invigilator decides", field="escalated_by")
    await do(one, partial(take, lead=True), actor=mary)
    assert await holder(one, session, incident) == mary
