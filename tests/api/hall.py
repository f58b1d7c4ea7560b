"""The front door for real: uvicorn on a loopback port, with PostgreSQL, NATS and projections behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import httpx

from api.app import create_app
from api.services import Limits, Services
from commands import users
from commands.handler import Order, UseCase
from commands.notary import Notary
from domain.user import Role
from tests.serving import serving
from vigil.door import services
from vigil.exports import ExportJobs
from vigil.reactions import react
from vigil.reading import project
from vigil.settings import Settings
from vigil.watching import beat
from vigil.wiring import Core, core

PASSWORD = "correct horse battery staple"
USUAL = Limits()


class Clock:
    """The server's clock, which a test can put forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Hall:
    """An examination hall under test: the server, a client without a sign-in, and what tests look at behind them."""

    url: str
    core: Core
    services: Services
    clock: Clock
    database: str
    http: httpx.AsyncClient
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def tenant(self) -> str:
        return self.services.tenant

    async def position(self) -> int:
        """The last position of what people did: unchanged means that nothing was appended for them.

        What Vigil does by itself, such as noting a fault of its own, may come at any moment.
        """
        async with self.services.pool.connection() as conn:
            cursor = await conn.execute(
                "SELECT coalesce(max(notification_id), 0) FROM ledger.events"
                " WHERE nullif(convert_from(state, 'UTF8'), '')::jsonb->'envelope'->>'actor' NOT LIKE 'system/%'"
            )
            row = await cursor.fetchone()
        assert row
        return int(row[0])

    async def account(self, *roles: Role, email: str = "") -> str:
        """Makes an account past the API and returns its id."""
        email = email or f"{'.'.join(roles)}@example.org"
        password = await self.services.passwords.hash(PASSWORD)

        async def work(work: object) -> dict[str, str]:
            made = await users.register(
                work, name=f"The {' and '.join(roles)}", email=email, password_hash=password, roles=roles,  # type: ignore[arg-type]
                pseudonyms=self.services.pseudonyms,
            )  # fmt: skip
            if "auditor" in roles:
                await users.assign_auditor(
                    work, made["user"], schedules=(), everything=True, until=self.clock() + timedelta(days=365),  # type: ignore[arg-type]
                    reason="The yearly audit",
                )  # fmt: skip
            return dict(made)

        order = Order(tenant=self.tenant, actor="test", key=f"make {email}", request=bytes(32), at=self.clock())
        receipt = await self.services.handler.run(order, work)
        return receipt.ids["user"]

    async def as_a(self, role: Role, email: str = "") -> httpx.AsyncClient:
        """A client signed in with a role by bearer token; the account is made the first time."""
        email = email or f"{role}@example.org"
        if email not in self.tokens:
            await self.account(role, email=email)
            answer = await self.http.post("/api/v1/sign-in", json={"email": email, "password": PASSWORD})
            assert answer.status_code == 200, answer.text
            self.tokens[email] = answer.json()["token"]
        return self.bearing(self.tokens[email])

    async def act(self, cause: str, use_case: UseCase) -> None:
        """What another part of Vigil does, past the API."""
        await self.core.act(self.tenant, "system/test", cause, use_case)

    def bearing(self, token: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, headers={"Authorization": f"Bearer {token}"}, timeout=15)

    def user(self, email: str) -> str:
        return self.services.pseudonyms.user(self.tenant, email)


@asynccontextmanager
async def a_hall(settings: Settings, limits: Limits = USUAL) -> AsyncIterator[Hall]:
    """The front door, projections, notary and reactions in this process; of media only that detectors are there."""
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(core(settings, "test"))
        exports = ExportJobs(here)
        stack.push_async_callback(exports.close)
        clock = Clock()
        made = replace(services(here, exports), now=clock, public_url="http://vigil.test", limits=limits)
        notary = Notary(settings.database_url_for("notary"), here.signer)
        for role in (project(here), notary.run(), react(here), beat(here.nats)):
            task = asyncio.create_task(role)
            stack.push_async_callback(_ended, task)
        url = await stack.enter_async_context(serving(create_app(made)))
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=15))
        async with asyncio.timeout(20):
            while (await http.get("/readyz")).status_code != 200:
                await asyncio.sleep(0.05)
        yield Hall(url, here, made, clock, settings.database_url, http)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@asynccontextmanager
async def at_another_address(hall: Hall, tenant: str) -> AsyncIterator[Hall]:
    """The same installation at the address where another tenant signs in."""
    services = replace(hall.services, tenant=tenant)
    async with serving(create_app(services)) as url, httpx.AsyncClient(base_url=url, timeout=15) as http:
        yield Hall(url, hall.core, services, hall.clock, hall.database, http)


@dataclass(frozen=True)
class Exam:
    """A schedule that is open, with an invigilator on it and candidates who hold their tokens."""

    hall: Hall
    schedule: str
    planner: httpx.AsyncClient
    invigilator: httpx.AsyncClient
    sessions: tuple[str, ...]
    links: tuple[str, ...]
    candidates: tuple[httpx.AsyncClient, ...]


async def an_exam(hall: Hall, candidates: int = 1, title: str = "Anatomy II", names: Sequence[str] = ()) -> Exam:
    """Makes a schedule over HTTP and opens it; the candidates (those of `names`) have joined and nothing more."""
    planner = await hall.as_a("planner")
    invigilator = await hall.as_a("invigilator")
    opens = hall.clock() + timedelta(minutes=1)
    window = {
        "opens_at": opens.isoformat(), "last_entry_at": (opens + timedelta(hours=1)).isoformat(),
        "closes_at": (opens + timedelta(hours=2)).isoformat(), "time_zone": "Europe/Vienna",
    }  # fmt: skip
    body = {"title": title, "window": window, "duration_s": 3600}
    schedule = (await planner.post("/api/v1/schedules", json=body)).json()["schedule"]
    at = f"/api/v1/schedules/{schedule}"
    await planner.post(f"{at}/live-proctoring", json={"enabled": True})
    await planner.post(f"{at}/invigilators", json={"user": hall.user("invigilator@example.org")})
    people = names or [f"Candidate {n}" for n in range(candidates)]
    rows = [{"name": name, "number": f"{schedule}-{n}"} for n, name in enumerate(people)]
    enrolled = (await planner.post(f"{at}/candidates", json=rows)).json()["rows"]
    assert (await planner.post(f"{at}/activate")).status_code == 204
    hall.clock.ahead += timedelta(minutes=2)
    joined = [(await join(hall, row["join_link"])).json() for row in enrolled]
    return Exam(
        hall=hall, schedule=schedule, planner=planner, invigilator=invigilator,
        sessions=tuple(row["session"] for row in enrolled), links=tuple(row["join_link"] for row in enrolled),
        candidates=tuple(hall.bearing(row["token"]) for row in joined),
    )  # fmt: skip


BROWSER = "the-browser-of-this-candidate"


async def join(hall: Hall, link: str, device: str = BROWSER) -> httpx.Response:
    """Opens a join link, in the browser that all tests use or in another one."""
    return await hall.http.post("/api/v1/join", json={"token": link, "device": device})


CHECKS = [{"name": name, "passed": True} for name in ("browser", "camera", "microphone", "screen", "network")]


async def ready(exam: Exam, number: int = 0) -> str:
    """Brings a candidate from the notice to where they can start; gives their session's address."""
    me, at = exam.candidates[number], f"/api/v1/sessions/{exam.sessions[number]}"
    told = (await me.get(f"{at}/notice")).json()
    answer = {"policy_version": told["policy_version"], "sha256": told["sha256"]}
    assert (await me.post(f"{at}/notice", json=answer)).status_code == 204
    assert (await me.post(f"{at}/system-check", json={"checks": CHECKS})).json()["passed"]
    return at


async def sit(exam: Exam, number: int = 0) -> str:
    """Brings a candidate from the notice to the start."""
    started = await exam.candidates[number].post(f"{await ready(exam, number)}/start")
    assert started.status_code == 200, started.text
    return exam.sessions[number]


async def a_lead(exam: Exam) -> httpx.AsyncClient:
    """A lead invigilator who is on the schedule."""
    lead = await exam.hall.as_a("lead_invigilator")
    who = {"user": exam.hall.user("lead_invigilator@example.org")}
    answer = await exam.planner.post(f"/api/v1/schedules/{exam.schedule}/invigilators", json=who)
    assert answer.status_code in (200, 204), answer.text
    return lead


async def refused(  # noqa: PLR0917 - reads like the sentence it checks
    hall: Hall, answer: httpx.Response, before: int, status: int, field: str, rule: str
) -> None:
    """Status, problem+json, field and rule; and the ledger stands where it stood."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["type"].startswith("urn:vigil:problem:")
    assert problem["title"]
    if field:
        assert [e["field"] for e in problem["errors"]] == [field], problem
        assert rule in problem["errors"][0]["rule"], problem
    else:
        assert rule in problem["detail"], problem
    assert await hall.position() == before
