"""The front door for real: uvicorn on a loopback port, with PostgreSQL, NATS and projections behind it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx
import nats
import uvicorn
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from api.app import create_app
from api.services import Check, ExportStatus, Playable, Services
from commands import users
from commands.handler import Handler, Order
from commands.ids import Pseudonyms
from commands.keys import KeyRing
from commands.ledger import Appender
from domain.incidents import Evidence
from domain.user import Role
from vigil.settings import as_role

PASSWORD = "correct horse battery staple"


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
    services: Services
    clock: Clock
    database: str
    http: httpx.AsyncClient
    tokens: dict[str, str] = field(default_factory=dict)

    async def position(self) -> int:
        """The last position of the ledger: unchanged means that nothing was appended."""
        async with self.services.pool.connection() as conn:
            cursor = await conn.execute("SELECT coalesce(max(notification_id), 0) FROM ledger.events")
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
            return dict(made)

        order = Order(tenant="main", actor="test", key=f"make {email}", request=bytes(32), at=self.clock())
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

    def bearing(self, token: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, headers={"Authorization": f"Bearer {token}"}, timeout=15)

    def user(self, email: str) -> str:
        return self.services.pseudonyms.user("main", email)


class NoExports:
    """Stands where nothing is exported in these tests."""

    async def begin(self, tenant: str, export: str, sessions: Sequence[str], by: str) -> None:
        raise NotImplementedError

    async def status(self, tenant: str, export: str) -> ExportStatus | None:  # noqa: ARG002
        return None

    def read(self, tenant: str, export: str) -> AsyncIterator[bytes]:
        raise NotImplementedError


async def no_recording(tenant: str, recording: str) -> Playable | None:
    return None


async def no_picture(tenant: str, session: str, evidence: Evidence) -> bytes | None:
    return None


async def objects_ready() -> Check:
    return Check(name="objects", ok=True)


@asynccontextmanager
async def serving(app: object) -> AsyncIterator[str]:
    """A real server on a free port, in this loop."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", timeout_graceful_shutdown=1)  # type: ignore[arg-type]
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
        if task.done():
            task.result()
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def a_hall(database: str, nats_url: str) -> AsyncIterator[Hall]:
    async with AsyncExitStack() as stack:
        app_url, keys_url = as_role(database, "app"), as_role(database, "keys")
        pool = await stack.enter_async_context(_pool(app_url))
        keys = KeyRing(await stack.enter_async_context(_pool(keys_url)), os.urandom(32))
        appender = await stack.enter_async_context(Appender(app_url))
        client = await nats.connect(nats_url, max_reconnect_attempts=-1, reconnect_time_wait=0.1)
        stack.push_async_callback(client.close)
        clock = Clock()
        services = Services(
            handler=Handler(pool, appender, keys), pool=pool, nats=client, pseudonyms=Pseudonyms(os.urandom(32)),
            secret=os.urandom(32), public_url="http://vigil.test", key_fingerprint="f" * 64, now=clock,
            open_recording=no_recording, open_picture=no_picture, exports=NoExports(), objects_ready=objects_ready,
        )  # fmt: skip
        url = await stack.enter_async_context(serving(create_app(services)))
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=15))
        yield Hall(url, services, clock, database, http)


@asynccontextmanager
async def _pool(conninfo: str) -> AsyncIterator[AsyncConnectionPool[AsyncConnection]]:
    pool: AsyncConnectionPool[AsyncConnection] = AsyncConnectionPool(
        conninfo, min_size=1, max_size=8, open=False, kwargs={"autocommit": True}
    )
    await pool.open()
    try:
        yield pool
    finally:
        await pool.close()


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


async def an_exam(hall: Hall, candidates: int = 1) -> Exam:
    """Makes a schedule over HTTP and opens it; the candidates have joined and nothing more."""
    planner = await hall.as_a("planner")
    invigilator = await hall.as_a("invigilator")
    opens = hall.clock() + timedelta(minutes=1)
    window = {
        "opens_at": opens.isoformat(), "last_entry_at": (opens + timedelta(hours=1)).isoformat(),
        "closes_at": (opens + timedelta(hours=2)).isoformat(), "time_zone": "Europe/Vienna",
    }  # fmt: skip
    body = {"title": "Anatomy II", "window": window, "duration_s": 3600}
    schedule = (await planner.post("/api/v1/schedules", json=body)).json()["schedule"]
    at = f"/api/v1/schedules/{schedule}"
    await planner.post(f"{at}/live-proctoring", json={"enabled": True})
    await planner.post(f"{at}/invigilators", json={"user": hall.user("invigilator@example.org")})
    rows = [{"name": f"Candidate {n}", "number": f"{schedule}-{n}"} for n in range(candidates)]
    enrolled = (await planner.post(f"{at}/candidates", json=rows)).json()["rows"]
    assert (await planner.post(f"{at}/activate")).status_code == 204
    hall.clock.ahead += timedelta(minutes=2)
    joined = [(await hall.http.post("/api/v1/join", json={"token": row["join_link"]})).json() for row in enrolled]
    return Exam(
        hall=hall, schedule=schedule, planner=planner, invigilator=invigilator,
        sessions=tuple(row["session"] for row in enrolled), links=tuple(row["join_link"] for row in enrolled),
        candidates=tuple(hall.bearing(row["token"]) for row in joined),
    )  # fmt: skip


CHECKS = [{"name": name, "passed": True} for name in ("browser", "camera", "microphone", "screen", "network")]


async def sit(exam: Exam, number: int = 0) -> str:
    """Brings a candidate from the notice to the start."""
    me, at = exam.candidates[number], f"/api/v1/sessions/{exam.sessions[number]}"
    told = (await me.get(f"{at}/notice")).json()
    answer = {"policy_version": told["policy_version"], "sha256": told["sha256"]}
    assert (await me.post(f"{at}/notice", json=answer)).status_code == 204
    assert (await me.post(f"{at}/system-check", json={"checks": CHECKS})).json() == {"passed": True}
    started = await me.post(f"{at}/start")
    assert started.status_code == 200, started.text
    return exam.sessions[number]


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
