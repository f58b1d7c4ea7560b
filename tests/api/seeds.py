"""What each operation of the API is called on in tests/api/test_schema.py: one row an operation, in `SEEDS`.

A row is a function of the world and the role that calls, and says how long what it makes is good for. To add one for a
new route: write down with which path, body and query it succeeds, and what must have happened before.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import Any, Literal

import httpx

from commands import sessions
from commands.handler import Order
from tests.api.hall import CHECKS, PASSWORD, Exam, Hall, an_exam, join, sit
from tests.api.test_clips import span, taped
from tests.api.test_identity import picture
from tests.api.test_late import FILE, sent
from tests.api.test_late import interrupted as gap_in
from tests.api.test_live import flag
from tests.api.test_records import film
from tests.api.test_roles import STAFF
from tests.api.test_signals import Page

OFFER = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n"
NOTHING: Any = object()
ASKING = {
    "identity": True, "room_scan": True, "reasons": {"room_scan": "The exam is sat at home"},
    "bases": {"ai_flags": "consent"},
}  # fmt: skip


@dataclass(frozen=True)
class Aim:
    """A request that succeeds. `candidate` is the token of the candidate whose session it is, `token` of whoever calls.

    Without them the role's own is used.
    """

    path: dict[str, Any] = field(default_factory=dict)
    body: Any = NOTHING
    query: dict[str, Any] = field(default_factory=dict)
    candidate: str = ""
    token: str = ""
    media: str = "application/json"

    def but(self, **changes: Any) -> Aim:  # noqa: ANN401
        return replace(self, **changes)


@dataclass
class World:
    """An installation in which everything there can be is there, in every state."""

    hall: Hall
    staff: dict[str, httpx.AsyncClient]
    exam: Exam  # open; candidate 0 sits it, with an incident
    over: Exam  # open; candidate 0 has submitted, with a recording and a sealed record
    late: Exam  # past its last entry; nobody has started
    done: Exam  # the same, and who came has submitted
    closing: Exam  # the same, to be closed
    bulk: Exam  # open; what is done to all is done here
    asking: Exam  # open; it asks for pictures of the candidates, and for their consent to flags
    shared: dict[str, Any] = field(default_factory=dict)
    fresh: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    wire: httpx.AsyncHTTPTransport = field(default_factory=httpx.AsyncHTTPTransport)

    def token(self, role: str) -> str:
        client = self.staff.get(role)
        return client.headers["authorization"].partition(" ")[2] if client else ""

    def mine(self, exam: Exam, number: int = 0) -> Aim:
        return Aim({"session": exam.sessions[number]}, candidate=bearer(exam.candidates[number]))

    async def schedule(self) -> str:
        """A draft of its own, with an invigilator and a candidate."""
        body = {"title": "Of its own", "window": self.window(), "duration_s": 3600}
        schedule = (await made(self.exam.planner.post("/api/v1/schedules", json=body)))["schedule"]
        at = f"/api/v1/schedules/{schedule}"
        await made(self.exam.planner.post(f"{at}/live-proctoring", json={"enabled": True}))
        await made(self.exam.planner.post(f"{at}/invigilators", json={"user": self.user("invigilator")}))
        await made(self.exam.planner.post(f"{at}/candidates", json={"name": "One", "number": f"{schedule}-1"}))
        return schedule

    def window(self) -> dict[str, str]:
        opens = self.hall.clock() + timedelta(days=1)
        return {
            "opens_at": opens.isoformat(), "last_entry_at": (opens + timedelta(hours=1)).isoformat(),
            "closes_at": (opens + timedelta(hours=2)).isoformat(), "time_zone": "Europe/Vienna",
        }  # fmt: skip

    def user(self, name: str) -> str:
        return self.hall.user(f"{name}@example.org")

    async def account(self) -> str:
        return await self.hall.account("invigilator", email=f"one.of.many.{next(self.fresh)}@example.org")

    async def signed_in(self, role: str) -> str:
        """The token of an account that may be signed out everywhere."""
        email = f"passing.{role}@example.org"
        if email not in self.hall.tokens:
            await self.hall.as_a(role, email)  # type: ignore[arg-type]
        body = {"email": email, "password": PASSWORD}
        return str((await self.does(self.hall.http, "POST", "sign-in", body))["token"])

    async def candidate(self, exam: Exam | None = None) -> Aim:
        """A session of an open exam that nobody else uses, `expected`."""
        schedule, row = (exam or self.exam).schedule, {"name": "One", "number": f"n{next(self.fresh)}"}
        made_of = await made(self.exam.planner.post(f"/api/v1/schedules/{schedule}/candidates", json=row))
        joined = await made(join(self.hall, made_of["join_link"]))
        return Aim({"session": joined["session"]}, candidate=joined["token"])

    async def sitting(self, exam: Exam | None = None) -> Aim:
        """A session that is in progress."""
        aim = await self.candidate(exam)
        me = self.calling(aim.candidate)
        await sit(replace(self.exam, sessions=(aim.path["session"],), candidates=(me,)))
        return aim

    def calling(self, token: str) -> httpx.AsyncClient:
        """A client with this token; all of them share their connections, and none has to be closed."""
        head = {"Authorization": f"Bearer {token}"}
        return httpx.AsyncClient(base_url=self.hall.url, headers=head, timeout=60, transport=self.wire)

    async def does(self, who: httpx.AsyncClient | str, method: str, path: str, body: Any = None) -> Any:  # noqa: ANN401
        """What somebody does to make an object that another call is aimed at; `who` is a client or a token."""
        client = self.calling(who) if isinstance(who, str) else who
        return await made(client.request(method, f"/api/v1/{path}", json=body))


def bearer(client: httpx.AsyncClient) -> str:
    return client.headers["authorization"].partition(" ")[2]


async def made(asked: Awaitable[httpx.Response]) -> Any:  # noqa: ANN401
    answer = await asked
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


async def a_world(hall: Hall) -> World:
    late, done, closing = await an_exam(hall, 6), await an_exam(hall), await an_exam(hall)
    for one in (done, closing):
        await sit(one)
        await made(one.candidates[0].post(f"/api/v1/sessions/{one.sessions[0]}/submit"))
    hall.clock.ahead += timedelta(minutes=61)
    exam, over, bulk = await an_exam(hall, 2), await an_exam(hall, 2), await an_exam(hall, 3)
    asking = await an_exam(hall)
    await made(exam.planner.put(f"/api/v1/schedules/{asking.schedule}/policy", json=ASKING))
    lead = {"user": hall.user("lead_invigilator@example.org")}
    staff = {role: await hall.as_a(role) for role in STAFF}  # type: ignore[arg-type]
    for one in (late, done, closing, over, bulk, exam, asking):
        await made(exam.planner.post(f"/api/v1/schedules/{one.schedule}/invigilators", json=lead))
    for one in (exam, over, bulk):
        await sit(one)
    await flag(exam, 0, "flagged")
    await film(over, 0)
    await made(over.candidates[0].post(f"/api/v1/sessions/{over.sessions[0]}/submit"))
    return World(
        hall=hall, staff=staff, exam=exam, over=over, late=late, done=done, closing=closing, bulk=bulk, asking=asking
    )


Row = Callable[[World, str], Awaitable[Aim]]


@dataclass(frozen=True)
class Seed:
    aim: Row
    kept: Literal["for all", "for each", "for one call"] = "for all"

    def shared_by(self, role: str) -> str:
        """Who is called with the same object: candidates apart from everybody else, and each role from all others."""
        return role if self.kept != "for all" or role == "candidate" else "staff"


def lasting(row: Row) -> Seed:
    """For what works any number of times."""
    return Seed(row)


def each(row: Row) -> Seed:
    """The same, on an object that is each role's own."""
    return Seed(row, "for each")


def spent(row: Row) -> Seed:
    """For what works once: the next call gets another object."""
    return Seed(row, "for one call")


def always(path: Callable[[World], dict[str, Any]] = lambda _: {}, **kinds: Any) -> Seed:  # noqa: ANN401
    async def row(world: World, _: str) -> Aim:
        return Aim(path(world), **kinds)

    return Seed(row)


def of_exam(world: World) -> dict[str, Any]:
    return {"schedule": world.exam.schedule}


def in_bulk(world: World) -> dict[str, Any]:
    return {"schedule": world.bulk.schedule}


async def running(world: World, _: str) -> Aim:
    return world.mine(world.exam)


async def ended(world: World, _: str) -> Aim:
    return world.mine(world.over)


def draft(**kinds: Any) -> Seed:  # noqa: ANN401
    async def row(world: World, _: str) -> Aim:
        return Aim({"schedule": await world.schedule()}, **kinds)

    return Seed(row)


def on_user(body: Any = NOTHING, **path: Any) -> Seed:  # noqa: ANN401
    async def row(world: World, _: str) -> Aim:
        return Aim({"user": await world.account(), **path}, body)

    return Seed(row)


async def signing_in(world: World, _: str) -> Aim:
    return Aim(body={"email": "auditor@example.org", "password": PASSWORD})


async def signing_out(world: World, role: str) -> Aim:
    token = bearer(world.exam.candidates[0]) if role == "candidate" else await world.signed_in(role)
    return Aim(token=token)


async def joining(world: World, _: str) -> Aim:
    return Aim(body={"token": world.exam.links[1].rpartition("#")[2]})


async def new_user(world: World, _: str) -> Aim:
    number = next(world.fresh)
    return Aim(body={"name": "New", "email": f"new.{number}@example.org", "password": PASSWORD, "roles": ["auditor"]})


async def auditing(world: World, _: str) -> Aim:
    until = world.hall.clock() + timedelta(days=30)
    body = {"schedules": [world.exam.schedule], "until": until.isoformat(), "reason": "The yearly audit"}
    return Aim({"user": await world.account()}, body)


async def issued(world: World, _: str) -> Aim:
    made_of = await world.does(world.staff["admin"], "POST", "tokens", token_for(world))
    return Aim({"token": made_of["token"]})


async def issuing(world: World, _: str) -> Aim:
    return Aim(body=token_for(world))


def token_for(world: World) -> dict[str, Any]:
    ends = world.hall.clock() + timedelta(days=1)
    return {"name": "A program", "roles": ["auditor"], "expires_at": ends.isoformat()}


async def planning(world: World, _: str) -> Aim:
    return Aim(body={"title": "Another", "window": world.window(), "duration_s": 1800})


async def assigning(world: World, _: str) -> Aim:
    return Aim({"schedule": await world.schedule()}, {"user": world.user("lead_invigilator")})


async def assigned(world: World, _: str) -> Aim:
    return Aim({"schedule": await world.schedule(), "user": world.user("invigilator")})


async def enrolling(world: World, _: str) -> Aim:
    return Aim({"schedule": await world.schedule()}, {"name": "Two", "number": f"n{next(world.fresh)}"})


async def enrolled(world: World, role: str) -> Aim:
    aim = await enrolling(world, role)
    one = await made(world.exam.planner.post(f"/api/v1/schedules/{aim.path['schedule']}/candidates", json=aim.body))
    return Aim({"schedule": aim.path["schedule"], "session": one["session"]})


async def template(world: World, _: str) -> Aim:
    body = {"name": "A template", "policy": {}}
    return Aim(await world.does(world.exam.planner, "POST", "policy-templates", body), body)


async def deletable(world: World, role: str) -> Aim:
    return (await template(world, role)).but(body=NOTHING)


async def newcomer(world: World, _: str) -> Aim:
    """A session that is `expected`, with the notice to acknowledge."""
    aim = await world.candidate()
    told = await made(world.calling(aim.candidate).get(f"/api/v1/sessions/{aim.path['session']}/notice"))
    return aim.but(body={"policy_version": told["policy_version"], "sha256": told["sha256"]})


async def checking(world: World, role: str) -> Aim:
    aim = await newcomer(world, role)
    await made(world.calling(aim.candidate).post(f"/api/v1/sessions/{aim.path['session']}/notice", json=aim.body))
    return aim.but(body={"checks": CHECKS})


async def ready(world: World, role: str) -> Aim:
    aim = await checking(world, role)
    at = f"/api/v1/sessions/{aim.path['session']}/system-check"
    await made(world.calling(aim.candidate).post(at, json=aim.body))
    return aim.but(body=NOTHING)


async def waiving(world: World, role: str) -> Aim:
    body = {"check": "camera", "instead": "in_person", "reason": "The camera broke this morning"}
    return (await newcomer(world, role)).but(body=body)


async def consenting(world: World, _: str) -> Aim:
    aim = await world.candidate(world.asking)
    at, me = f"/api/v1/sessions/{aim.path['session']}/notice", world.calling(aim.candidate)
    told = await made(me.get(at))
    await made(me.post(at, json={"policy_version": told["policy_version"], "sha256": told["sha256"]}))
    return aim.but(body={"purpose": "ai_flags", "agreed": True})


async def rehearsing(world: World, role: str) -> Aim:
    return (await newcomer(world, role)).but(body={"checks": CHECKS})


async def uploading(world: World, role: str) -> Aim:
    return (await newcomer(world, role)).but(body=bytes(1000), media="application/octet-stream")


async def objecting(world: World, role: str) -> Aim:
    return (await newcomer(world, role)).but(body={"text": "My flatmate is in the picture"})


async def sitting(world: World, _: str) -> Aim:
    return await world.sitting()


async def too_late(world: World, _: str) -> Aim:
    number = next(world.fresh) % len(world.late.sessions)
    return world.mine(world.late, number).but(body={"reason": "The bus was late"})


async def broken(world: World, _: str) -> Aim:
    """A session that ended in a fault: its camera was lost when its time was over."""
    aim = await world.sitting()
    session = aim.path["session"]
    await world.hall.act(f"lose {session}", partial(sessions.lose_connection, name=session, track="camera", why="gone"))
    later = Order(
        tenant="main", actor="system/test", key=f"expire {session}", request=bytes(32),
        at=world.hall.clock() + timedelta(hours=3),
    )  # fmt: skip
    await world.hall.services.handler.run(later, partial(sessions.expire, name=session))
    return aim.but(body={"reason": "The power was cut"})


async def about_to_offer(world: World, _: str) -> Aim:
    aim = world.mine(world.exam)
    return aim.but(path=aim.path | {"track": "camera"})


async def offering(world: World, _: str) -> Aim:
    while not world.hall.services.workers.alive():
        await asyncio.sleep(0.02)
    aim = await world.sitting()
    return aim.but(path=aim.path | {"track": "camera"}, body=OFFER, media="application/sdp")


async def connected(world: World, role: str) -> Aim:
    aim = await offering(world, role)
    at, head = f"/api/v1/sessions/{aim.path['session']}/whip/camera", {"Content-Type": "application/sdp"}
    await made_at(world.calling(aim.candidate).post(at, content=OFFER, headers=head))
    return aim.but(path=aim.path | {"connection": 1}, body=NOTHING, media="application/json")


async def to_watch(world: World, role: str) -> Aim:
    return (await offering(world, role)).but(path=world.mine(world.exam).path | {"track": "camera"})


async def interrupted(world: World, role: str) -> Aim:
    """Somebody whose camera was away for half a minute."""
    aim = await sitting(world, role)
    await gap_in(world.hall, aim.path["session"])
    return aim.but(path=aim.path | {"track": "camera"})


async def filling(world: World, role: str) -> Aim:
    aim = await sitting(world, role)
    query = sent(await gap_in(world.hall, aim.path["session"]), 10)
    path = aim.path | {"track": "camera", "sha256": sha256(FILE).hexdigest()}
    return aim.but(path=path, query=query, body=FILE, media="video/webm")


async def clipped(world: World, _: str) -> Aim:
    if "taped" not in world.shared:
        world.shared["taped"] = await taped(world.exam, 0)
    query = span(world.shared["taped"], 1, 9)
    return Aim({"recording": f"{world.exam.sessions[0]}.camera"}, query=query)


async def listed(world: World, role: str) -> Aim:
    return (await clipped(world, role)).but(query={})


async def still(world: World, role: str) -> Aim:
    aim = await sitting(world, role)
    query = {"taken_at": world.hall.clock().isoformat(), "skew_ms": 0}
    return aim.but(path=aim.path | {"track": "camera"}, query=query, body=picture(), media="image/jpeg")


async def stilled(world: World, role: str) -> Aim:
    aim = await still(world, role)
    at, head = f"/api/v1/sessions/{aim.path['session']}/stills/camera", {"Content-Type": "image/jpeg"}
    await made(world.calling(aim.candidate).post(at, params=aim.query, content=aim.body, headers=head))
    return Aim({"recording": f"{aim.path['session']}.camera", "number": 1})


async def watched(world: World, role: str) -> Aim:
    aim = await to_watch(world, role)
    at, head = f"/api/v1/sessions/{aim.path['session']}/whep/camera", {"Content-Type": "application/sdp"}
    viewer = (await made_at(world.exam.invigilator.post(at, content=OFFER, headers=head))).rpartition("/")[2]
    return aim.but(path=aim.path | {"viewer": viewer}, body=NOTHING, media="application/json")


async def made_at(asked: Awaitable[httpx.Response]) -> str:
    answer = await asked
    assert answer.is_success, answer.text
    return answer.headers["location"]


async def written(world: World, role: str) -> Aim:
    """A message from the other side."""
    aim = world.mine(world.exam)
    writer = world.exam.invigilator if role == "candidate" else world.exam.candidates[0]
    at = f"/api/v1/sessions/{aim.path['session']}/messages"
    return aim.but(path=aim.path | {"message": (await made(writer.post(at, json={"text": "Hello"})))["message"]})


async def writing(world: World, _: str) -> Aim:
    return world.mine(world.exam).but(body={"text": "Hello"})


async def warning(world: World, _: str) -> Aim:
    return (await world.sitting()).but(body={"kind": "warn", "text": "Look at the screen"})


async def paused(world: World, role: str) -> Aim:
    """A pause that was asked for: the candidate's page says that it has come, or an exam platform by its token."""
    aim = await world.sitting()
    aim = aim.but(path=aim.path | {"intervention": await asked(world, aim, kind="pause")})
    if role == "candidate":
        return aim.but(body={"stage": "applied"})
    issued = await world.does(world.staff["admin"], "POST", "tokens", token_for(world) | {"roles": [role]})
    at = f"schedules/{world.exam.schedule}/invigilators"
    await world.does(world.exam.planner, "POST", at, {"user": issued["token"]})
    return aim.but(body={"stage": "applied", "where": "platform"}, token=issued["secret"])


async def raising(world: World, _: str) -> Aim:
    return world.mine(world.exam).but(body={"severity": "warn", "note": "A second person"})


async def flagged(world: World, _: str) -> Aim:
    aim = world.mine(world.exam)
    return aim.but(
        path=aim.path | {"incident": "flagged"}, body={"verdict": "confirmed", "reason": "Somebody stands there"}
    )


async def pictured(world: World, role: str) -> Aim:
    aim = await flagged(world, role)
    return aim.but(path=aim.path | {"number": 0}, body=NOTHING)


async def own(world: World, role: str) -> Aim:
    """A session that is over, with a tape, a still and a finding, for who sat it."""
    if "own" not in world.shared:
        aim = await still(world, role)
        session, me = aim.path["session"], world.calling(aim.candidate)
        mine = replace(world.exam, sessions=(session,), candidates=(me,))
        at, head = f"/api/v1/sessions/{session}", {"Content-Type": "image/jpeg"}
        await made(me.post(f"{at}/stills/camera", params=aim.query, content=aim.body, headers=head))
        began = await taped(mine, 0)
        await flag(mine, 0, "found")
        await made(me.post(f"{at}/submit"))
        reviewer, why = world.staff["reviewer"], {"reason": "Somebody stands there"}
        await made(reviewer.post(f"{at}/incidents/found/verdict", json=why | {"verdict": "confirmed"}))
        decision = why | {"outcome": "referred", "ground": "incident"}
        async with asyncio.timeout(60):
            while not (await reviewer.post(f"{at}/record/decision", json=decision)).is_success:
                await asyncio.sleep(0.1)
        world.shared["own"] = began, Aim({"session": session}, candidate=aim.candidate)
    return world.shared["own"][1]  # type: ignore[no-any-return]


async def own_picture(world: World, role: str) -> Aim:
    aim = await own(world, role)
    return aim.but(path=aim.path | {"incident": "found", "number": 0})


async def own_film(world: World, _: str) -> Aim:
    return world.mine(world.over).but(path={"recording": f"{world.over.sessions[0]}.camera"})


async def own_tape(world: World, role: str) -> Aim:
    aim = await own(world, role)
    return aim.but(path={"recording": f"{aim.path['session']}.camera"})


async def own_clip(world: World, role: str) -> Aim:
    return (await own_tape(world, role)).but(query=span(world.shared["own"][0], 1, 9))


async def own_still(world: World, role: str) -> Aim:
    aim = await own_tape(world, role)
    return aim.but(path=aim.path | {"number": 1})


async def flagged_alone(world: World, role: str) -> Aim:
    return (await flagged(world, role)).but(path={"incident": "flagged"})


async def exporting(world: World, role: str) -> Aim:
    """A session for an auditor; for the data-protection officer the copy for a person whose request was granted."""
    await sealed(world)
    if role != "data_protection_officer":
        return Aim(body={"session": world.over.sessions[0]})
    request = (await executed(world, role)).path["data_request"]
    return Aim(body={"request": request, "withhold": [{"what": "screen", "ground": "15(4)"}]})


async def exported(world: World, role: str) -> Aim:
    client = world.staff[role if role == "data_protection_officer" else "auditor"]
    at = await made_at(client.post("/api/v1/exports", json=(await exporting(world, role)).body))
    async with asyncio.timeout(30):
        while (await made(client.get(at)))["state"] == "running":
            await asyncio.sleep(0.05)
    return Aim({"export": at.rpartition("/")[2]})


async def sealed(world: World) -> None:
    me, at = world.over.candidates[0], f"/api/v1/sessions/{world.over.sessions[0]}/receipt"
    async with asyncio.timeout(30):
        while (await me.get(at)).status_code != 200:
            await asyncio.sleep(0.05)


async def receipted(world: World, role: str) -> Aim:
    await sealed(world)
    return world.mine(world.over)


async def concluding(world: World, role: str) -> Aim:
    body = {"outcome": "void", "ground": "fault", "reason": "The recording broke off"}
    return (await receipted(world, role)).but(body=body)


async def noting(world: World, role: str) -> Aim:
    return (await receipted(world, role)).but(body={"text": "The alarm rang at ten"})


async def prioritising(world: World, role: str) -> Aim:
    return (await receipted(world, role)).but(body={"why": "Many false alarms", "weights": {"warn": 2.0}})


async def handed_in(world: World, _: str) -> Aim:
    """A session of its own that is over."""
    aim = await world.sitting()
    await world.does(aim.candidate, "POST", f"sessions/{aim.path['session']}/submit")
    return aim


async def appealing(world: World, role: str) -> Aim:
    return (await handed_in(world, role)).but(body={"text": "The alarm rang at ten"})


async def appealed(world: World, role: str) -> Aim:
    aim = await appealing(world, role)
    made_of = await world.does(aim.candidate, "POST", f"sessions/{aim.path['session']}/appeals", aim.body)
    return aim.but(path=aim.path | made_of, body=NOTHING)


async def attaching(world: World, role: str) -> Aim:
    aim = await appealed(world, role)
    return aim.but(path=aim.path | {"number": 1}, body=b"What my flatmate says", media="text/plain")


async def attached(world: World, role: str) -> Aim:
    aim = await attaching(world, role)
    at = "/api/v1/sessions/{session}/appeals/{appeal}/attachments/{number}".format_map(aim.path)
    await made(world.calling(aim.candidate).put(at, content=aim.body, headers={"Content-Type": aim.media}))
    return aim.but(body=NOTHING, media="application/json")


async def answering_an_appeal(world: World, role: str) -> Aim:
    return (await appealed(world, role)).but(body={"answer": "rejected", "reason": "The recording shows it"})


async def link_to_renew(world: World, role: str) -> Aim:
    session = (await handed_in(world, role)).path["session"]
    return Aim({"schedule": world.exam.schedule, "session": session})


async def with_a_record_link(world: World, role: str) -> Aim:
    path = (await link_to_renew(world, role)).path
    at = f"schedules/{path['schedule']}/candidates/{path['session']}/record-link"
    made_of = await world.does(world.exam.planner, "POST", at)
    return Aim(body={"token": made_of["record_link"]})


async def proven(world: World, _: str) -> Aim:
    await sealed(world)
    first, *_ = (await made(world.staff["auditor"].get("/api/v1/checkpoints")))["checkpoints"]
    return Aim({"position": first["position"]})


async def consistent(world: World, _: str) -> Aim:
    await sealed(world)
    heads = (await made(world.staff["auditor"].get("/api/v1/checkpoints")))["checkpoints"]
    return Aim(query={"old": heads[0]["size"], "new": heads[-1]["size"]})


async def on_duty(world: World, role: str) -> Aim:
    """A schedule whose invigilator and lead are both on duty."""
    schedule = await world.schedule()
    await world.does(world.exam.planner, "POST", f"schedules/{schedule}/invigilators", {"user": lead_of(world)})
    for who in ("invigilator", "lead_invigilator"):
        await world.does(world.staff[who], "POST", f"schedules/{schedule}/duty/on", {})
    return Aim({"schedule": schedule}, {"user": world.user("invigilator")} if role == "planner" else {})


def lead_of(world: World) -> str:
    return world.user("lead_invigilator")


async def splitting(world: World, role: str) -> Aim:
    return (await on_duty(world, role)).but(body={"evenly": True})


async def handing_over(world: World, role: str) -> Aim:
    to = "invigilator" if role == "lead_invigilator" else "lead_invigilator"
    return (await on_duty(world, role)).but(body={"to": world.user(to)})


async def handed_over(world: World, role: str) -> Aim:
    """A hand-over that waits for the caller."""
    giver = "invigilator" if role == "lead_invigilator" else "lead_invigilator"
    return await offered(world, role, giver, role)


async def to_withdraw(world: World, role: str) -> Aim:
    return await offered(world, role, role, "invigilator" if role == "lead_invigilator" else "lead_invigilator")


async def offered(world: World, role: str, giver: str, taker: str) -> Aim:
    aim = await on_duty(world, role)
    at = f"schedules/{aim.path['schedule']}/duty/hand-overs"
    given = await world.does(world.staff[giver], "POST", at, {"to": world.user(taker)})
    return Aim(aim.path | {"hand_over": given["hand_over"]})


async def raised(world: World, _: str) -> Aim:
    """An incident of its own, raised by the invigilator."""
    aim = world.mine(world.exam)
    body = {"severity": "warn", "note": "Talks to somebody"}
    one = await world.does(world.exam.invigilator, "POST", f"sessions/{aim.path['session']}/incidents", body)
    return aim.but(path=aim.path | one)


async def taken(world: World, role: str) -> Aim:
    aim = await raised(world, role)
    await world.does(world.staff[role], "POST", "sessions/{session}/incidents/{incident}/take".format_map(aim.path))
    return aim


async def remarking(world: World, role: str) -> Aim:
    return (await raised(world, role)).but(body={"note": "A poster"})


async def hand_up(world: World, _: str) -> Aim:
    aim = await world.sitting()
    asked = await world.does(aim.candidate, "POST", f"sessions/{aim.path['session']}/help", {"topic": "question"})
    return aim.but(path=aim.path | asked)


async def asking_for_help(world: World, _: str) -> Aim:
    return (await world.sitting()).but(body={"topic": "question"})


async def helping(world: World, role: str) -> Aim:
    aim = await hand_up(world, role)
    await world.does(world.staff[role], "POST", "sessions/{session}/help/{help}/take".format_map(aim.path))
    return aim


async def answering(world: World, role: str) -> Aim:
    return (await helping(world, role)).but(body={"text": "Look at page two"})


async def wanting_a_break(world: World, _: str) -> Aim:
    return (await world.sitting()).but(body={"kind": "comfort"})


async def break_wanted(world: World, role: str) -> Aim:
    aim = await wanting_a_break(world, role)
    await world.does(aim.candidate, "POST", f"sessions/{aim.path['session']}/breaks", aim.body)
    return aim.but(body=NOTHING)


async def asked(world: World, aim: Aim, **what: Any) -> str:  # noqa: ANN401
    """An intervention that the lead asks for."""
    at = f"sessions/{aim.path['session']}/interventions"
    return str((await world.does(world.staff["lead_invigilator"], "POST", at, what))["intervention"])


async def on_break(world: World, _: str) -> Aim:
    aim = await world.sitting()
    await asked(world, aim, kind="break", minutes=5)
    return aim


async def terminated(world: World, _: str) -> Aim:
    aim = await world.sitting()
    await asked(world, aim, kind="terminate", text="It ends here", confirm_name="One")
    return aim.but(body={"reason": "It was a calculator"})


async def scanned(world: World, role: str) -> Aim:
    aim = await identified(world, role)
    return aim.but(
        path=aim.path | {"intervention": await asked(world, aim, kind="room_scan")}, body={"result": "passed"}
    )


async def signalling(world: World, _: str) -> Aim:
    aim = await world.sitting()
    return aim.but(body=Page(world.exam).batch())


async def canned(world: World, _: str) -> Aim:
    body = {"label": "A moment", "text": "One moment, please"}
    return Aim(await world.does(world.exam.planner, "POST", "canned-messages", body), body)


async def deletable_canned(world: World, role: str) -> Aim:
    return (await canned(world, role)).but(body=NOTHING)


async def at_the_check(world: World, _: str) -> Aim:
    """A session at its identity check, and a picture to send."""
    aim = await world.candidate(world.asking)
    at, me = f"sessions/{aim.path['session']}", aim.candidate
    told = await world.does(me, "GET", f"{at}/notice")
    answer = {"policy_version": told["policy_version"], "sha256": told["sha256"]}
    await world.does(me, "POST", f"{at}/notice", answer)
    await world.does(me, "POST", f"{at}/system-check", {"checks": CHECKS})
    return aim.but(path=aim.path | {"picture": "photo"}, body=picture(), media="image/jpeg")


async def shown(world: World, role: str) -> Aim:
    """A session whose pictures wait for a decision."""
    aim = await at_the_check(world, role)
    me = world.calling(aim.candidate)
    for what in ("photo", "document"):
        at = f"/api/v1/sessions/{aim.path['session']}/identity/{what}"
        await made(me.put(at, content=aim.body, headers={"Content-Type": "image/jpeg"}))
    return aim.but(body=NOTHING, media="application/json")


async def deciding(world: World, role: str) -> Aim:
    return (await shown(world, role)).but(body={"decision": "approve"})


async def identified(world: World, role: str) -> Aim:
    """A session in progress whose identity was left open."""
    aim = await shown(world, role)
    at = f"sessions/{aim.path['session']}"
    await world.does(world.exam.invigilator, "POST", f"{at}/identity/decision", {"decision": "defer"})
    await world.does(aim.candidate, "POST", f"{at}/start")
    return aim


async def disputed(world: World, role: str) -> Aim:
    aim = await identified(world, role)
    body = {"decision": "dispute", "reason": "Another face"}
    await world.does(world.exam.invigilator, "POST", f"sessions/{aim.path['session']}/identity/decision", body)
    return aim.but(body={"finding": "same_person", "reason": "A new haircut"})


async def referring(world: World, _: str) -> Aim:
    aim = await world.candidate(world.asking)
    return Aim({"schedule": world.asking.schedule, **aim.path}, picture(), media="image/jpeg")


async def second_device(world: World, _: str) -> Aim:
    """A session in progress, and the token of a device that it is not taken on."""
    schedule, row = world.exam.schedule, {"name": "Two", "number": f"n{next(world.fresh)}"}
    link = (await world.does(world.exam.planner, "POST", f"schedules/{schedule}/candidates", row))["join_link"]
    joined = await made(join(world.hall, link))
    me = world.calling(joined["token"])
    await sit(replace(world.exam, sessions=(joined["session"],), candidates=(me,)))
    other = await made(join(world.hall, link, f"another-browser-{next(world.fresh)}"))
    return Aim({"session": joined["session"]}, candidate=other["token"])


async def device_asking(world: World, role: str) -> Aim:
    aim = await second_device(world, role)
    await world.does(aim.candidate, "POST", f"sessions/{aim.path['session']}/devices")
    head = {"Vigil-At-Least": str(await world.hall.position())}
    listed = await made(world.exam.invigilator.get(f"/api/v1/schedules/{world.exam.schedule}/waiting", headers=head))
    (device,) = [one["device"] for one in listed["devices"] if one["session"] == aim.path["session"]]
    return aim.but(path=aim.path | {"device": device})


async def declaring(world: World, _: str) -> Aim:
    now = world.hall.clock()
    since = now - timedelta(seconds=30)
    body = {"from": since.isoformat(), "to": now.isoformat(), "whose": "network", "cause": "a cable"}
    return Aim(in_bulk(world), {**body, "text": "You get the time back"})


async def signing(world: World, _: str) -> Aim:
    at = f"/api/v1/schedules/{world.done.schedule}"
    head = {"Vigil-At-Least": str(await world.hall.position())}
    told = await made(world.exam.invigilator.get(f"{at}/day-report", headers=head))
    return Aim({"schedule": world.done.schedule}, {"sha256": told["sha256"], "note": "A calm day"})


async def holding(world: World, role: str) -> Aim:
    return (await running(world, role)).but(body={"reason": "A claim is announced"})


async def upheld(world: World, _: str) -> Aim:
    aim = await world.candidate()
    session = aim.path["session"]
    path, body = f"sessions/{session}/record/holds", {"reason": "A claim is announced"}
    hold = (await world.does(world.staff["data_protection_officer"], "POST", path, body))["hold"]
    return aim.but(path=aim.path | {"hold": hold}, body={"reason": "Settled"})


async def asking_us(world: World, _: str) -> Aim:
    number = f"{world.over.schedule}-0"
    return Aim({}, {"kind": "access", "channel": "letter", "number": number, "text": "What do you hold?"})


async def asked_us(world: World, role: str) -> Aim:
    """A request for access, which the officer executes; for an administrator one to erase, which takes both."""
    body = (await asking_us(world, role)).body | {"kind": "erasure" if role == "admin" else "access"}
    officer = world.staff["data_protection_officer"]
    name = (await world.does(officer, "POST", "requests", body))["request"]
    head = {"Vigil-At-Least": str(await world.hall.position())}
    await made(officer.get(f"/api/v1/requests/{name}", headers=head))  # is there by now
    return Aim({"data_request": name})


async def to_check(world: World, role: str) -> Aim:
    return (await asked_us(world, role)).but(body={"proof": "document"})


async def refusable(world: World, role: str) -> Aim:
    return (await asked_us(world, role)).but(body={"ground": "12(2)"})


async def checked(world: World, role: str) -> Aim:
    aim = await to_check(world, role)
    path = f"requests/{aim.path['data_request']}/identity-check"
    await world.does(world.staff["data_protection_officer"], "POST", path, aim.body)
    return aim.but(body={})


async def executable(world: World, role: str) -> Aim:
    aim = await checked(world, role)
    path = f"requests/{aim.path['data_request']}/grant"
    await world.does(world.staff["data_protection_officer"], "POST", path, {})
    return aim.but(body=NOTHING)


async def executed(world: World, role: str) -> Aim:
    """A request for access, which was executed."""
    aim, officer = await executable(world, role), world.staff["data_protection_officer"]
    await world.does(officer, "POST", f"requests/{aim.path['data_request']}/execution")
    head = {"Vigil-At-Least": str(await world.hall.position())}
    await made(officer.get(f"/api/v1/requests/{aim.path['data_request']}", headers=head))  # is shown by now
    return aim


async def answerable(world: World, role: str) -> Aim:
    aim = await refusable(world, role)
    path = f"requests/{aim.path['data_request']}/refuse"
    await world.does(world.staff["data_protection_officer"], "POST", path, aim.body)
    return aim.but(body={"text": "We could not find out who asks."})


async def somebody(world: World, _: str) -> Aim:
    subject = (await made(world.over.candidates[0].get(f"{V1}/me")))["actor"]
    return Aim({"subject": subject})


async def linked(world: World, _: str) -> Aim:
    return Aim({"schedule": world.exam.schedule, **(await world.candidate()).path})


async def granting(world: World, _: str) -> Aim:
    aim = await linked(world, "")
    return Aim({"schedule": world.exam.schedule}, {"session": aim.path["session"], "extra_time_percent": 25})


async def granted(world: World, role: str) -> Aim:
    aim = await granting(world, role)
    await world.does(world.exam.planner, "POST", f"schedules/{world.exam.schedule}/accommodations", aim.body)
    return Aim({"schedule": world.exam.schedule, "session": aim.body["session"]})


def off(world: World) -> dict[str, Any]:
    return {**in_bulk(world), "kind": "several_people"}


V1 = "/api/v1"
SESSION, SCHEDULE = f"{V1}/sessions/{{session}}", f"{V1}/schedules/{{schedule}}"

SEEDS: dict[str, Seed] = {
    "GET /healthz": always(),
    "GET /readyz": always(),
    f"POST {V1}/sign-in": lasting(signing_in),
    f"POST {V1}/join": lasting(joining),
    f"POST {V1}/sign-out": spent(signing_out),
    f"GET {V1}/me": always(),
    f"GET {V1}/users": always(),
    f"POST {V1}/users": spent(new_user),
    f"POST {V1}/users/{{user}}/roles": on_user({"role": "reviewer"}),
    f"DELETE {V1}/users/{{user}}/roles/{{role}}": on_user(role="invigilator"),
    f"PUT {V1}/users/{{user}}/auditing": Seed(auditing),
    f"POST {V1}/users/{{user}}/sign-out": on_user(),
    f"POST {V1}/users/{{user}}/unlock": on_user(),
    f"GET {V1}/sign-ins": always(),
    f"GET {V1}/system": always(),
    f"GET {V1}/tokens": always(),
    f"POST {V1}/tokens": lasting(issuing),
    f"DELETE {V1}/tokens/{{token}}": spent(issued),
    f"GET {V1}/schedules": always(),
    f"POST {V1}/schedules": lasting(planning),
    f"GET {SCHEDULE}": always(of_exam),
    f"PATCH {SCHEDULE}": draft(body={"title": "Renamed"}),
    f"POST {SCHEDULE}/live-proctoring": draft(body={"enabled": True}),
    f"GET {SCHEDULE}/policy": always(of_exam),
    f"PUT {SCHEDULE}/policy": draft(body={"screen": False}),
    f"POST {V1}/policy-notice": always(body={"policy": {}}),
    f"GET {V1}/policy-templates": always(),
    f"POST {V1}/policy-templates": always(body={"name": "A template", "policy": {}}),
    f"PUT {V1}/policy-templates/{{template}}": lasting(template),
    f"DELETE {V1}/policy-templates/{{template}}": spent(deletable),
    f"POST {SCHEDULE}/invigilators": lasting(assigning),
    f"DELETE {SCHEDULE}/invigilators/{{user}}": spent(assigned),
    f"GET {SCHEDULE}/candidates": always(of_exam),
    f"POST {SCHEDULE}/candidates": spent(enrolling),
    f"DELETE {SCHEDULE}/candidates/{{session}}": spent(enrolled),
    f"POST {SCHEDULE}/withdrawals": draft(body={"sessions": ["nobody"]}),
    f"GET {SCHEDULE}/pin": always(of_exam),
    f"POST {SCHEDULE}/pin": draft(body={"enabled": True}),
    f"POST {SCHEDULE}/activate": draft(),
    f"POST {SCHEDULE}/cancel": draft(body={"reason": "The room is flooded"}),
    f"GET {SCHEDULE}/live": always(of_exam),
    f"GET {SCHEDULE}/course": always(of_exam),
    f"GET {SCHEDULE}/live/stream": always(of_exam),
    f"POST {SCHEDULE}/interventions": always(in_bulk, body={"kind": "warn", "text": "Quiet", "sessions": "all"}),
    f"POST {SCHEDULE}/broadcasts": always(in_bulk, body={"text": "Ten minutes"}),
    f"GET {SCHEDULE}/gradebook": always(of_exam),
    f"GET {SCHEDULE}/gradebook.csv": always(of_exam),
    f"GET {SESSION}": lasting(running),
    f"GET {SESSION}/view": lasting(running),
    f"GET {SESSION}/stream": lasting(running),
    f"GET {SESSION}/notice": lasting(running),
    f"POST {SESSION}/notice": spent(newcomer),
    f"POST {SESSION}/system-check": lasting(checking),
    f"POST {SESSION}/start": lasting(ready),
    f"POST {SESSION}/waivers": spent(waiving),
    f"POST {SESSION}/rehearsal": lasting(rehearsing),
    f"POST {SESSION}/upload-test": lasting(uploading),
    f"POST {SESSION}/consents": lasting(consenting),
    f"POST {SESSION}/objections": lasting(objecting),
    f"POST {SESSION}/submit": lasting(sitting),
    f"POST {SESSION}/admission": lasting(too_late),
    f"POST {SESSION}/reopen": spent(broken),
    f"GET {SESSION}/ice-servers": lasting(running),
    f"OPTIONS {SESSION}/whip/{{track}}": lasting(about_to_offer),
    f"POST {SESSION}/whip/{{track}}": lasting(offering),
    f"DELETE {SESSION}/whip/{{track}}/{{connection}}": lasting(connected),
    f"OPTIONS {SESSION}/whep/{{track}}": lasting(about_to_offer),
    f"POST {SESSION}/whep/{{track}}": lasting(to_watch),
    f"DELETE {SESSION}/whep/{{track}}/{{viewer}}": lasting(watched),
    f"GET {SESSION}/late/{{track}}": lasting(interrupted),
    f"PUT {SESSION}/late/{{track}}/{{sha256}}": each(filling),
    f"POST {SESSION}/stills/{{track}}": spent(still),
    f"GET {SESSION}/receipt": lasting(receipted),
    f"GET {SESSION}/messages": lasting(running),
    f"POST {SESSION}/messages": lasting(writing),
    f"POST {SESSION}/messages/{{message}}/delivered": each(written),
    f"POST {SESSION}/messages/{{message}}/read": each(written),
    f"POST {SESSION}/interventions": spent(warning),
    f"POST {SESSION}/interventions/{{intervention}}/progress": each(paused),
    f"GET {SESSION}/incidents": lasting(running),
    f"POST {SESSION}/incidents": lasting(raising),
    f"POST {SESSION}/incidents/{{incident}}/verdict": lasting(flagged),
    f"GET {SESSION}/incidents/{{incident}}/pictures/{{number}}": lasting(pictured),
    f"POST {V1}/incidents/{{incident}}/verdict": lasting(flagged_alone),
    f"GET {SESSION}/record": lasting(receipted),
    f"POST {SESSION}/record/decision": lasting(concluding),
    f"POST {SESSION}/record/notes": lasting(noting),
    f"POST {SESSION}/record/priority": lasting(prioritising),
    f"GET {SESSION}/timeline": lasting(running),
    f"GET {SESSION}/record/holds": lasting(running),
    f"POST {SESSION}/record/holds": lasting(holding),
    f"POST {SESSION}/record/holds/{{hold}}/lift": each(upheld),
    f"POST {V1}/record-link": lasting(with_a_record_link),
    f"POST {SCHEDULE}/candidates/{{session}}/record-link": lasting(link_to_renew),
    f"GET {SESSION}/own-record": lasting(receipted),
    f"GET {SESSION}/own-recordings": lasting(ended),
    f"GET {SESSION}/own-incidents/{{incident}}/pictures/{{number}}": lasting(own_picture),
    f"GET {V1}/own-recordings/{{recording}}/media": lasting(own_film),
    f"GET {V1}/own-recordings/{{recording}}/manifest": lasting(own_tape),
    f"GET {V1}/own-recordings/{{recording}}/clip": lasting(own_clip),
    f"GET {V1}/own-recordings/{{recording}}/stills/{{number}}": lasting(own_still),
    f"GET {V1}/appeals": always(),
    f"POST {SESSION}/appeals": spent(appealing),
    f"PUT {SESSION}/appeals/{{appeal}}/attachments/{{number}}": lasting(attaching),
    f"GET {SESSION}/appeals/{{appeal}}/attachments/{{number}}": lasting(attached),
    f"DELETE {SESSION}/appeals/{{appeal}}": lasting(appealed),
    f"POST {SESSION}/appeals/{{appeal}}/answer": spent(answering_an_appeal),
    f"GET {V1}/requests": always(),
    f"POST {V1}/requests": lasting(asking_us),
    f"GET {V1}/requests/{{data_request}}": lasting(asked_us),
    f"POST {V1}/requests/{{data_request}}/identity-check": lasting(to_check),
    f"POST {V1}/requests/{{data_request}}/grant": each(checked),
    f"POST {V1}/requests/{{data_request}}/refuse": each(refusable),
    f"POST {V1}/requests/{{data_request}}/execution": each(executable),
    f"POST {V1}/requests/{{data_request}}/answer": each(answerable),
    f"GET {V1}/requests/{{data_request}}/certificate": lasting(executed),
    f"GET {V1}/requests/{{data_request}}/certificate.html": lasting(executed),
    f"GET {V1}/compliance": always(),
    f"GET {V1}/compliance.html": always(),
    f"GET {V1}/subjects/{{subject}}/data": lasting(somebody),
    f"GET {SESSION}/recordings": lasting(ended),
    f"GET {V1}/recordings/{{recording}}/media": always(
        lambda world: {"recording": f"{world.over.sessions[0]}.camera"}
    ),
    f"GET {V1}/recordings/{{recording}}/manifest": lasting(listed),
    f"GET {V1}/recordings/{{recording}}/clip": lasting(clipped),
    f"GET {V1}/recordings/{{recording}}/stills/{{number}}": lasting(stilled),
    f"POST {V1}/exports": each(exporting),
    f"GET {V1}/exports": always(),
    f"GET {V1}/exports/{{export}}": each(exported),
    f"GET {V1}/exports/{{export}}/file": each(exported),
    f"GET {V1}/checkpoints": always(),
    f"GET {V1}/proofs/{{position}}": lasting(proven),
    f"GET {V1}/proofs/consistency": lasting(consistent),
    f"GET {V1}/witnesses": always(),
    f"GET {SESSION}/proofs": lasting(running),
    f"GET {V1}/holds": always(),
    f"POST {SCHEDULE}/close": always(lambda world: {"schedule": world.closing.schedule}),
    f"POST {SCHEDULE}/candidates/{{session}}/link": lasting(linked),
    f"POST {SESSION}/signals": lasting(signalling),
    f"GET {SESSION}/interventions": lasting(running),
    f"POST {SESSION}/interventions/{{intervention}}/result": spent(scanned),
    f"POST {SESSION}/reinstate": spent(terminated),
    f"GET {V1}/reasons": always(),
    f"POST {SESSION}/breaks": lasting(wanting_a_break),
    f"DELETE {SESSION}/breaks": lasting(break_wanted),
    f"POST {SESSION}/breaks/return": spent(on_break),
    f"GET {V1}/canned-messages": always(),
    f"POST {V1}/canned-messages": always(body={"label": "A moment", "text": "One moment, please"}),
    f"GET {V1}/canned-messages/{{canned}}": lasting(deletable_canned),
    f"PUT {V1}/canned-messages/{{canned}}": lasting(canned),
    f"DELETE {V1}/canned-messages/{{canned}}": spent(deletable_canned),
    f"POST {SESSION}/help": lasting(asking_for_help),
    f"DELETE {SESSION}/help": lasting(sitting),
    f"GET {SCHEDULE}/help": always(of_exam),
    f"POST {SESSION}/help/{{help}}/take": each(hand_up),
    f"POST {SESSION}/help/{{help}}/release": spent(helping),
    f"POST {SESSION}/help/{{help}}/answer": spent(answering),
    f"GET {V1}/policy-templates/{{template}}": lasting(deletable),
    f"GET {SESSION}/access": always(lambda world: {"session": world.over.sessions[0]}),
    f"GET {V1}/detectors": always(),
    f"POST {V1}/detectors/{{kind}}/off": always(lambda _: {"kind": "book"}, body={"reason": "It sees desks"}),
    f"POST {V1}/detectors/{{kind}}/on": always(lambda _: {"kind": "book"}),
    f"POST {SCHEDULE}/detectors/{{kind}}/off": always(off, body={"reason": "Posters on the wall"}),
    f"POST {SCHEDULE}/detectors/{{kind}}/on": always(off),
    f"GET {SCHEDULE}/duty": always(of_exam),
    f"POST {SCHEDULE}/duty/on": each(on_duty),
    f"POST {SCHEDULE}/duty/off": each(on_duty),
    f"PUT {SCHEDULE}/duty/split": each(splitting),
    f"GET {SCHEDULE}/duty/{{user}}": always(lambda world: {**of_exam(world), "user": world.user("invigilator")}),
    f"POST {SCHEDULE}/duty/hand-overs": each(handing_over),
    f"POST {SCHEDULE}/duty/hand-overs/{{hand_over}}/accept": each(handed_over),
    f"POST {SCHEDULE}/duty/hand-overs/{{hand_over}}/withdraw": each(to_withdraw),
    f"POST {SESSION}/incidents/{{incident}}/take": each(raised),
    f"POST {SESSION}/incidents/{{incident}}/release": spent(taken),
    f"POST {SESSION}/incidents/{{incident}}/set-aside": lasting(remarking),
    f"POST {SESSION}/incidents/{{incident}}/escalate": lasting(remarking),
    f"GET {SCHEDULE}/escalations": always(of_exam),
    f"PUT {SESSION}/identity/{{picture}}": lasting(at_the_check),
    f"GET {SESSION}/identity/{{picture}}": lasting(shown),
    f"PUT {SCHEDULE}/candidates/{{session}}/reference-photo": lasting(referring),
    f"GET {SCHEDULE}/waiting": always(of_exam),
    f"POST {SCHEDULE}/waiting/next": always(lambda world: {"schedule": world.asking.schedule}),
    f"POST {SESSION}/identity/take": spent(shown),
    f"POST {SESSION}/identity/decision": spent(deciding),
    f"POST {SESSION}/identity/finding": spent(disputed),
    f"GET {SESSION}/devices/mine": lasting(running),
    f"POST {SESSION}/devices": lasting(second_device),
    f"POST {SESSION}/devices/{{device}}/admission": spent(device_asking),
    f"POST {SESSION}/devices/{{device}}/refusal": spent(device_asking),
    f"GET {SCHEDULE}/outages": always(of_exam),
    f"POST {SCHEDULE}/outages": lasting(declaring),
    f"GET {SCHEDULE}/attendance": always(of_exam),
    f"GET {SCHEDULE}/attendance.csv": always(of_exam),
    f"GET {SCHEDULE}/day-report": always(of_exam),
    f"GET {SCHEDULE}/day-report.csv": always(of_exam),
    f"GET {SCHEDULE}/day-report.html": always(of_exam),
    f"POST {SCHEDULE}/day-report/signature": lasting(signing),
    f"POST {SCHEDULE}/removals": draft(body={"users": ["nobody"]}),
    f"GET {SCHEDULE}/accommodations": always(of_exam),
    f"POST {SCHEDULE}/accommodations": lasting(granting),
    f"DELETE {SCHEDULE}/accommodations/{{session}}": lasting(granted),
}  # fmt: skip
