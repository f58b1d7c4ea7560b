"""Whoever leaves keeps nothing that they had taken: off duty, removed from the exam, or without the role."""

from __future__ import annotations

from functools import partial

from commands import duty as shifts
from commands import flags, schedules, triage, users
from commands import help as helping
from commands.duty import Held
from domain import duty, incidents
from domain.hand_over import Standing
from domain.user import Role
from tests.vigil.hall import Hall, until

NOTHING = Standing(incidents=0, help=0, pauses=0, breaks=0, accommodations=0, sha256="00")


async def person(hall: Hall, schedule: str, role: Role = "invigilator") -> str:
    """Somebody with an account who is assigned to the exam."""
    register = partial(
        users.register, name="Alan", email=f"{role}@{schedule}.example.org", password_hash="x", roles=(role,),
        pseudonyms=hall.core.pseudonyms,
    )  # fmt: skip
    who = (await hall.say(register))["user"]
    await hall.say(partial(schedules.assign_invigilator, name=schedule, who=who))
    return who


async def take(hall: Hall, who: str, session: str) -> tuple[str, str]:
    """An incident and a request for help that they have taken."""
    raised = await hall.say(lambda work: flags.raise_by_hand(work, session, severity="warn", note="Talks."))
    asked = await hall.say(partial(helping.request, session=session, topic="question", text=""))
    incident, name = raised["incident"], asked["help"]
    await hall.core.act(
        "main", who, f"take {incident}", partial(triage.take, session=session, incident=incident, lead=False)
    )
    await hall.core.act("main", who, f"take {name}", partial(helping.take, session=session, name=name))
    return incident, name


async def holders(hall: Hall, session: str, incident: str) -> tuple[str | None, str]:
    """Who has the incident, and who the request for help."""
    _, found = await hall.core.handler.load(incidents.DECIDER, f"main/incidents/{session}", fresh=True)
    asked = (await hall.state(session)).help.open
    assert asked
    return found.triage[incident].taken_by if incident in found.triage else None, asked.taken_by


async def nobody_has_it(hall: Hall, session: str, incident: str) -> bool:
    return await holders(hall, session, incident) == (None, "")


async def test_who_is_removed_from_the_exam_keeps_nothing(hall: Hall) -> None:
    schedule, (session,) = await hall.plan()
    who = await person(hall, schedule)
    incident, _ = await take(hall, who, session)
    async with hall.reacting():
        await hall.say(partial(schedules.remove_invigilator, name=schedule, who=who))
        await until(lambda: nobody_has_it(hall, session, incident))


async def test_who_loses_the_role_keeps_nothing_and_is_off_duty(hall: Hall) -> None:
    schedule, (session,) = await hall.plan()
    who = await person(hall, schedule)
    await hall.core.act("main", who, f"on {who}", partial(shifts.come_on, name=schedule, who=who, lead=False))
    incident, _ = await take(hall, who, session)
    await hall.say(partial(users.grant_role, who=who, role="reviewer"))

    async def off() -> bool:
        _, state = await hall.core.handler.load(duty.DECIDER, f"main/duty/{schedule}", fresh=True)
        return who not in state.on

    async with hall.reacting():
        await hall.say(partial(users.revoke_role, who=who, role="invigilator"))
        await until(lambda: nobody_has_it(hall, session, incident))
        await until(off)


async def test_what_was_taken_while_somebody_went_off_duty_waits_for_anybody(hall: Hall) -> None:
    schedule, (session,) = await hall.plan()
    who = await person(hall, schedule)
    await hall.core.act("main", who, f"on {who}", partial(shifts.come_on, name=schedule, who=who, lead=False))
    incident, _ = await take(hall, who, session)
    seen_before = Held()  # the list was read before they took it
    off = partial(shifts.go_off, name=schedule, who=who, lead=False, held=seen_before)
    await hall.core.act("main", who, f"off {who}", off)
    async with hall.reacting():
        await until(lambda: nobody_has_it(hall, session, incident))


async def test_what_was_taken_during_a_hand_over_goes_along_with_it(hall: Hall) -> None:
    schedule, (session, other) = await hall.plan(candidates=2)
    who, heir = await person(hall, schedule), await person(hall, schedule, "lead_invigilator")
    await hall.core.act("main", who, f"on {who}", partial(shifts.come_on, name=schedule, who=who, lead=False))
    offer = partial(shifts.offer, name=schedule, who=who, to=heir, standing=NOTHING, lead=False)
    offered = (await hall.core.act("main", who, f"offer {who}", offer)).ids["hand_over"]
    incident, _ = await take(hall, who, session)
    accept = partial(shifts.accept, name=schedule, offered=offered, standing=NOTHING, held=Held())
    await hall.core.act("main", heir, f"accept {heir}", accept)
    afterwards, _ = await take(hall, who, other)

    async def passed_on() -> bool:
        return await holders(hall, session, incident) == (heir, "")

    async with hall.reacting():
        await until(passed_on)
        assert await holders(hall, other, afterwards) == (who, who), "who looks after something off duty still has it"
