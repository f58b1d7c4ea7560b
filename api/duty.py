"""Duty: who of the invigilators answers for whom now, the split of candidates, and handing over."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Annotated, Literal

import msgspec
from litestar import get, post, put
from litestar.params import FromPath, JSONBody

from api.bodies import Id
from api.callers import WATCHERS, load_schedule, may
from api.ordering import AnyRequest, caller_of, command, services_of
from api.presence import Attendance
from api.problems import Denied
from api.reading import rows_of
from commands import duty as shifts
from commands.duty import Held
from domain import duty
from domain.duty import Duty
from domain.hand_over import Standing
from domain.phase import RUNNING
from domain.stream import Stream
from projections.duty import DUTY, Rota
from projections.incidents import INCIDENTS
from projections.live import LIVE
from projections.people import PEOPLE, Person
from projections.standing import GoingOn, going_on, in_numbers

ORDERING = frozenset({"lead_invigilator", "planner"})  # who may put others on duty, and off it
Share = Annotated[tuple[Id, ...], msgspec.Meta(max_length=5000)]


class Whom(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account; without one, the caller's own."""

    user: Id | None = None


class Split(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Either `shares`, the sessions of each person who has a list, or `evenly` between all who are on duty.

    Who is on duty and has no list answers for all others.
    """

    shares: Annotated[dict[Id, Share], msgspec.Meta(max_length=200)] | None = None
    evenly: bool = False


class NewHandOver(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`to` takes over once they accept. `user` hands over: the caller, unless a lead does it for somebody."""

    to: Id
    user: Id | None = None


class HandOverMade(msgspec.Struct, frozen=True, kw_only=True):
    hand_over: str


class Invigilator(msgspec.Struct, frozen=True, kw_only=True):
    """One who is assigned. `since` is None off duty, `sessions` are those they answer for, on a list or as one of all.

    `connected` is whether a page of theirs follows an exam now.
    """

    user: str
    name: str | None
    lead: bool
    connected: bool
    since: datetime | None
    listed: bool
    sessions: tuple[str, ...]


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    hand_over: str
    user: str
    user_name: str | None
    to: str
    to_name: str | None
    at: datetime
    standing: Standing
    state: Literal["offered", "accepted", "withdrawn"]
    ended_at: datetime | None


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    user: str
    name: str | None
    since: datetime
    until: datetime | None
    ended: str


class OnDuty(msgspec.Struct, frozen=True, kw_only=True):
    """`alarm` says that a session is under way and nobody is on duty, None otherwise."""

    schedule: str
    alarm: str | None
    invigilators: tuple[Invigilator, ...]
    hand_overs: tuple[Offer, ...]
    turns: tuple[Turn, ...]
    server_time: datetime


@get("/schedules/{schedule:str}/duty", guards=[may("planner", *WATCHERS, "auditor")])
async def read(request: AnyRequest, schedule: FromPath[str]) -> OnDuty:
    """Who is on duty for whom, what is being handed over, and all turns so far."""
    services, tenant = services_of(request), caller_of(request).tenant
    plan = await load_schedule(services, tenant, schedule)
    rota = await rota_of(request, schedule)
    rows = (await rows_of(request, LIVE, {"schedule": schedule})).rows.values()
    people = {row.user: row for row in (await rows_of(request, PEOPLE)).rows.values()}
    heard: Attendance = request.app.state.attendance
    sessions = [row.session for row in rows if not row.withdrawn]
    return OnDuty(
        schedule=schedule, alarm=alarm(rota.now, (row.phase for row in rows)), server_time=services.now(),
        invigilators=tuple(
            Invigilator(
                user=who, name=_name(people, who), lead=who in people and "lead_invigilator" in people[who].roles,
                connected=heard.connected(tenant, who), since=rota.now.on.get(who), listed=who in rota.now.shares,
                sessions=tuple(sorted(name for name in sessions if who in rota.now.answering(name))),
            )
            for who in sorted(plan.invigilators | set(rota.now.on))
        ),
        hand_overs=tuple(
            Offer(
                hand_over=one.hand_over, user=one.user, user_name=_name(people, one.user), to=one.to,
                to_name=_name(people, one.to), at=one.at, standing=one.standing, state=one.state,
                ended_at=one.ended_at,
            )
            for one in rota.hand_overs
        ),
        turns=tuple(
            Turn(user=one.user, name=_name(people, one.user), since=one.since, until=one.until, ended=one.ended)
            for one in rota.turns
        ),
    )  # fmt: skip


@post("/schedules/{schedule:str}/duty/on", guards=[may("planner", *WATCHERS)], status_code=204)
async def come_on(request: AnyRequest, schedule: FromPath[str], data: JSONBody[Whom | None] = None) -> None:
    """Comes on duty. A lead or the planner may put another invigilator of the schedule on duty."""
    who, lead = _whom(request, data.user if data else None)
    await command(request, partial(shifts.come_on, name=schedule, who=who, lead=lead))


@post("/schedules/{schedule:str}/duty/off", guards=[may("planner", *WATCHERS)], status_code=204)
async def go_off(request: AnyRequest, schedule: FromPath[str], data: JSONBody[Whom | None] = None) -> None:
    """Goes off duty. What they have taken waits for somebody else; their candidates are everybody's."""
    who, lead = _whom(request, data.user if data else None)
    held = await _held(request, schedule, who)
    await command(request, partial(shifts.go_off, name=schedule, who=who, lead=lead, held=held))


@put("/schedules/{schedule:str}/duty/split", guards=[may("planner", "lead_invigilator")], status_code=204)
async def split(request: AnyRequest, schedule: FromPath[str], data: JSONBody[Split]) -> None:
    """Says who answers for which sessions, in place of what was said before."""
    if data.evenly == (data.shares is not None):
        raise Denied(422, "invalid", "give either shares, or evenly", field="shares")
    if data.shares is None:
        await command(request, partial(shifts.split_evenly, name=schedule))
    else:
        await command(request, partial(shifts.split, name=schedule, shares=data.shares))


@get("/schedules/{schedule:str}/duty/{user:str}", guards=[may("planner", *WATCHERS)])
async def read_going_on(request: AnyRequest, schedule: FromPath[str], user: FromPath[str]) -> GoingOn:
    """What a hand-over of this person would list now: open incidents and help, pauses, breaks and accommodations."""
    return await _going_on(request, schedule, user)


@post("/schedules/{schedule:str}/duty/hand-overs", guards=[may(*WATCHERS)], status_code=200)
async def offer(request: AnyRequest, schedule: FromPath[str], data: JSONBody[NewHandOver]) -> HandOverMade:
    """Offers duty to the next person, with the list as it stands. Who hands over stays on duty until they accept."""
    who, lead = _whom(request, data.user)
    standing = in_numbers(await _going_on(request, schedule, who))
    wanted = partial(shifts.offer, name=schedule, who=who, to=data.to, standing=standing, lead=lead)
    return HandOverMade(hand_over=(await command(request, wanted)).ids["hand_over"])


@post("/schedules/{schedule:str}/duty/hand-overs/{hand_over:str}/accept", guards=[may(*WATCHERS)], status_code=204)
async def accept(request: AnyRequest, schedule: FromPath[str], hand_over: FromPath[str]) -> None:
    """Takes over: the candidates, and the incidents that the one before has taken."""
    known = (await _duty(request, schedule)).offers.get(hand_over)
    who = known.user if known else ""
    standing, held = in_numbers(await _going_on(request, schedule, who)), await _held(request, schedule, who)
    await command(request, partial(shifts.accept, name=schedule, offered=hand_over, standing=standing, held=held))


@post("/schedules/{schedule:str}/duty/hand-overs/{hand_over:str}/withdraw", guards=[may(*WATCHERS)], status_code=204)
async def withdraw(request: AnyRequest, schedule: FromPath[str], hand_over: FromPath[str]) -> None:
    """Takes an offer back, or declines it."""
    _, lead = _whom(request, None)
    await command(request, partial(shifts.withdraw, name=schedule, offered=hand_over, lead=lead))


def alarm(now: Duty, phases: Iterable[str]) -> str | None:
    """What lead and planner must know at once. `phases` are those of the schedule's sessions."""
    running = sum(phase in RUNNING for phase in phases)
    if now.on or not running:
        return None
    return f"nobody is on duty, and {running} {'session is' if running == 1 else 'sessions are'} under way"


async def rota_of(request: AnyRequest, schedule: str) -> Rota:
    found = await rows_of(request, DUTY, {"key": f"{caller_of(request).tenant}/{schedule}"})
    return next(iter(found.rows.values()), Rota(schedule=schedule))


async def _duty(request: AnyRequest, schedule: str) -> Duty:
    stream = str(Stream(caller_of(request).tenant, "duty", schedule))
    _, state = await services_of(request).handler.load(duty.DECIDER, stream, fresh=True)
    return state


async def _going_on(request: AnyRequest, schedule: str, who: str) -> GoingOn:
    rows = (await rows_of(request, LIVE, {"schedule": schedule})).rows.values()
    return going_on(who, await _duty(request, schedule), rows)


async def _held(request: AnyRequest, schedule: str, who: str) -> Held:
    """What somebody has taken of this schedule."""
    here = {row.session: row for row in (await rows_of(request, LIVE, {"schedule": schedule})).rows.values()}
    taken = (await rows_of(request, INCIDENTS, {"taken_by": who})).rows.values()
    return Held(
        incidents=tuple((row.session, row.incident) for row in taken if row.session in here),
        help=tuple((name, row.help.help) for name, row in here.items() if row.help and row.help.taken_by == who),
    )


def _whom(request: AnyRequest, user: str | None) -> tuple[str, bool]:
    """The account meant, and whether the caller may order others about."""
    caller = caller_of(request)
    return user or caller.actor, not caller.roles.isdisjoint(ORDERING)


def _name(people: dict[str, Person], who: str) -> str | None:
    return people[who].name if who in people else None


HANDLERS = (read, come_on, go_off, split, read_going_on, offer, accept, withdraw)
