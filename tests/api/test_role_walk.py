"""Every route by every role, on objects that are there: who may succeeds, and it is closed to everybody else.

A row of `TABLE` is called on what its seed makes (tests/api/seeds.py): first by all those who may not, then, on the
same object, by each role that may. So nothing was turned away only because it could not have worked.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta

import httpx
import msgspec
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from api.app import create_app
from api.callers import load_session
from api.limits import RATES, Rate
from api.page import AREAS
from api.services import Limits
from tests.api.fake_media import FakeMedia
from tests.api.hall import PASSWORD, Hall, a_hall, an_exam, at_another_address
from tests.api.seeds import NOTHING, SEEDS, Aim, Seed, World, a_world, always, bearer, made, of_exam, token_for
from tests.api.test_roles import ROLES, STAFF, TABLE, V1, WATCHERS, routes
from tests.api.test_wall import show
from vigil.embedded import Servers
from vigil.settings import load

FAST = dict.fromkeys(RATES, Rate(1_000_000, 0.000_001))
CLOSED = {401, 403, 404}
PAGES = {
    "GET /": always(),
    **{f"GET /{area}": always() for area in AREAS},
    **{f"GET /{area}/{{rest}}": always(lambda _: {"rest": "somewhere"}) for area in AREAS},
    "GET /join": always(),
    "GET /record": always(),
    "GET /assets/{name}": always(lambda _: {"name": "icon.svg"}),
    "GET /metrics": always(),
    "GET /schema": always(),
    "GET /schema/openapi.json": always(),
    f"WS {V1}/schedules/{{schedule}}/wall": always(of_exam),
}
NOWHERE = "GET /schema/{path}"  # the framework's page for a document that is not there
# A device is no object: a session knows its name or not.
IN_A_SESSION = {"incident", "help", "message", "intervention", "appeal"}
IN_A_SCHEDULE = {"session", "hand_over"}
EVERYWHERE = {"kind"}  # the same in each tenant, which has a switch of its own for it
ANY_DEVICE = (f"GET {V1}/sessions/{{session}}/devices/mine", f"POST {V1}/sessions/{{session}}/devices")


KINDS = (
    "allowed", "nobody", "another role", "a stranger", "another candidate", "another device", "another session",
    "another schedule", "another tenant", "a list elsewhere",
)  # fmt: skip


@dataclass
class Elsewhere:
    """Who is at home in another tenant, by the address of their own and by that of the first."""

    everything: str  # the token of an account with every role
    candidate: str
    program: str  # a service token with every role
    url: str
    schedule: str


@dataclass
class Walk:
    world: World
    elsewhere: Elsewhere
    strangers: dict[str, str]  # tokens of watchers who are on no schedule, and of an auditor of another one
    aside: Aim  # a session that no row is about
    http: httpx.AsyncClient
    cases: Counter[str] = field(default_factory=Counter)
    wrong: list[tuple[str, str, str, int]] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)  # ids of the first tenant's objects

    @property
    def hall(self) -> Hall:
        return self.world.hall

    async def send(self, row: str, aim: Aim, token: str, url: str = "") -> tuple[int, str]:
        """Status and body; of a stream its first message."""
        method, _, template = row.partition(" ")
        head = {"Authorization": f"Bearer {token}"} if token else {}
        path = (url or self.hall.url) + template.format_map(aim.path)
        if method == "WS":
            return await self.watch(path, head)
        body = {} if aim.body is NOTHING else {"json": aim.body}
        if aim.media != "application/json":
            body, head = {"content": aim.body}, head | {"Content-Type": aim.media}
        async with self.http.stream(method, path, headers=head, params=aim.query, **body) as answer:
            if answer.headers.get("content-type", "").startswith("text/event-stream"):
                return answer.status_code, await anext(answer.aiter_text())
            return answer.status_code, (await answer.aread()).decode(errors="replace")

    async def watch(self, path: str, head: dict[str, str]) -> tuple[int, str]:
        try:
            async with connect(path.replace("http", "ws", 1), additional_headers=head) as socket, asyncio.timeout(30):
                frame = asyncio.create_task(socket.recv())
                while not frame.done():
                    await show(self.hall, self.world.exam.sessions[0], b"picture")
                    await asyncio.wait({frame}, timeout=0.1)
                return 200, str(frame.result())
        except InvalidStatus as turned:
            return turned.response.status_code, (turned.response.body or b"").decode()

    async def closed(  # noqa: PLR0917 - reads like the row that it adds
        self, kind: str, who: str, row: str, aim: Aim, token: str, expected: set[int], url: str = ""
    ) -> None:
        """Expects to be turned away, without a word of what is there."""
        status, said = await self.send(row, aim, token, url)
        self.cases[kind] += 1
        if status not in expected or self.told(said):
            self.wrong.append((kind, row, who, status))

    def told(self, said: str) -> set[str]:
        return {one for one in self.seen if one in said}

    def own(self, role: str, aim: Aim) -> str:
        if role == "candidate":
            return aim.candidate or bearer(self.world.exam.candidates[0])
        return self.world.token(role)

    async def row(self, row: str, seed: Seed) -> None:
        allowed = TABLE[row]
        if "anybody" in allowed:
            allowed = (*ROLES, "nobody")
        aims = {seed.shared_by(allowed[0]): await seed.aim(self.world, allowed[0])}
        first = aims[seed.shared_by(allowed[0])]
        self.seen |= {one for one in first.path.values() if isinstance(one, str) and len(one) >= 20}
        if "anybody" not in TABLE[row]:
            await self.nothing_written(row, self.turned_away(row, first))
        for role in allowed:
            key = seed.shared_by(role)
            if key not in aims:
                aims[key] = await seed.aim(self.world, role)
            aim = aims[key]
            if "anybody" not in TABLE[row]:
                await self.nothing_written(row, self.not_here(row, role, aim))
            status, said = await self.send(row, aim, aim.token or self.own(role, aim))
            self.cases["allowed"] += 1
            if not 200 <= status < 300:
                self.wrong.append((said, row, role, status))
            if seed.kept == "for one call":
                del aims[key]
        if row == f"POST {V1}/exports":
            await SEEDS[f"GET {V1}/exports/{{export}}"].aim(self.world, "auditor")  # is written down when it is done

    async def turned_away(self, row: str, aim: Aim) -> None:
        upgrade = {403} if row.startswith("WS ") else set()  # a server can say nothing else before the upgrade
        await self.closed("nobody", "nobody", row, aim, "", upgrade or {401})
        for role in ROLES:
            if role not in TABLE[row]:
                await self.closed("another role", role, row, aim, self.own(role, aim), {403})
        if {"session", "schedule", "incident", "recording"}.intersection(aim.path):
            for role, token in self.strangers.items():
                if role in TABLE[row]:
                    await self.closed("a stranger", role, row, aim, token, upgrade or {404})
        if aim.path.keys() - EVERYWHERE or row == f"POST {V1}/exports":
            for url in ("", self.elsewhere.url):
                for who in ("everything", "candidate", "program"):
                    token = getattr(self.elsewhere, who)
                    await self.closed("another tenant", f"{who} {url}", row, aim, token, CLOSED, url)

    async def not_here(self, row: str, role: str, aim: Aim) -> None:
        """A role that may is turned away from what is not its own."""
        await self.misplaced(row, role, aim)
        if role == "candidate" and "session" in aim.path:
            await self.other_candidates(row, aim)

    async def nothing_written(self, row: str, calls: Awaitable[None]) -> None:
        before = await self.hall.position()
        await calls
        if (after := await self.hall.position()) != before:
            self.wrong.append(("something was written", row, "", after))

    async def misplaced(self, row: str, role: str, aim: Aim) -> None:
        """What is within one session or schedule is not there in another, for those who may see both."""
        token = aim.token or (self.aside.candidate if role == "candidate" else self.own(role, aim))
        for outer, instead, inner in (
            ("session", self.aside.path["session"], IN_A_SESSION),
            ("schedule", self.world.bulk.schedule, IN_A_SCHEDULE),
        ):
            if outer in aim.path and inner.intersection(aim.path):
                moved = aim.but(path=aim.path | {outer: instead})
                await self.closed(f"another {outer}", role, row, moved, token, {404})

    async def other_candidates(self, row: str, aim: Aim) -> None:
        """Another candidate of the same schedule, and the same one on a device that is not the live one."""
        await self.closed("another candidate", "candidate", row, aim, self.aside.candidate, {404})
        services = self.hall.services
        state = await load_session(services, "main", aim.path["session"])
        if row not in ANY_DEVICE and state.devices.live and not state.over:
            token = services.tokens.read(aim.candidate, services.now(), "candidate")
            other = services.tokens.sign(msgspec.structs.replace(token, device="not-the-live-one", id=""))
            await self.closed("another device", "candidate", row, aim, other, {403})


async def at_home_elsewhere(world: World, there: Hall) -> Elsewhere:
    """Somebody with every role in another tenant, who has an exam of their own there."""
    exam = await an_exam(there)
    await there.account(*STAFF, email="everything@example.org")  # type: ignore[arg-type]
    body = {"email": "everything@example.org", "password": PASSWORD}
    everything = (await made(there.http.post("/api/v1/sign-in", json=body)))["token"]
    me = there.bearing(everything)
    program = await made(me.post("/api/v1/tokens", json=token_for(world) | {"roles": STAFF}))
    return Elsewhere(everything, bearer(exam.candidates[0]), program["secret"], there.url, exam.schedule)


@pytest.fixture
async def walk(
    servers: Servers, new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Walk]:
    objects = tmp_path_factory.mktemp("objects").as_uri()
    environment = servers.environment() | {"VIGIL_DATABASE_URL": new_database(), "VIGIL_OBJECTS_URL": objects}
    async with AsyncExitStack() as stack:
        hall = await stack.enter_async_context(a_hall(load(environment), Limits(rates=FAST)))
        await stack.enter_async_context(FakeMedia(hall.services.nats, "w1"))
        there = await stack.enter_async_context(at_another_address(hall, "other"))
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=60))
        world = await a_world(hall)
        roles = (*WATCHERS, "auditor")
        strangers = {role: bearer(await hall.as_a(role, f"elsewhere.{role}@example.org")) for role in roles}  # type: ignore[arg-type]
        until = (hall.clock() + timedelta(days=30)).isoformat()
        audits = {"schedules": [await world.schedule()], "until": until, "reason": "An appeal"}
        await made(world.staff["admin"].put(f"/api/v1/users/{world.user('elsewhere.auditor')}/auditing", json=audits))
        yield Walk(world, await at_home_elsewhere(world, there), strangers, await world.sitting(), http)


async def test_who_may_succeeds_and_it_is_closed_to_everybody_else(
    walk: Walk, record_property: Callable[[str, object], None]
) -> None:
    seeds = SEEDS | PAGES
    registered = {f"{method} {path}" for method, path in routes(create_app(walk.hall.services))}
    assert registered == TABLE.keys() == seeds.keys() | {NOWHERE}
    for row in TABLE:
        if row != NOWHERE:
            await walk.row(row, seeds[row])
    assert (await walk.send(NOWHERE, Aim({"path": "nosuch"}), ""))[0] == 404
    await nothing_is_listed_elsewhere(walk)
    counts = {"routes": len(registered), "roles": len(ROLES), "cases": walk.cases.total(), **walk.cases}
    for name, count in counts.items():
        record_property(name, count)
    print("\n" + ", ".join(f"{count} {name}" for name, count in counts.items()))
    assert walk.wrong == []
    assert all(walk.cases[kind] for kind in KINDS)


async def nothing_is_listed_elsewhere(walk: Walk) -> None:
    """Whatever needs no name to be read gives somebody of another tenant what is theirs, at both addresses."""
    assert walk.seen
    for row in (row for row in TABLE if row.startswith(f"GET {V1}/") and "{" not in row):
        aim = await SEEDS[row].aim(walk.world, TABLE[row][0])
        for url in ("", walk.elsewhere.url):
            status, said = await walk.send(row, aim, walk.elsewhere.everything, url)
            walk.cases["a list elsewhere"] += 1
            if status != 200 or walk.told(said):
                walk.wrong.append(("a list elsewhere", row, url, status))
