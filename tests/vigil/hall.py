"""A hall without a door: the ledger, the read models and the notary in this process, and a clock to put forward."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TypeVar

import msgspec
from psycopg import AsyncConnection

from commands import duty, interventions, schedules, sessions
from commands.envelope import read
from commands.handler import UseCase, Work
from commands.ledger import read_session
from commands.notary import Notary
from domain import schedule, session_rules, staffing
from domain.event import Event
from domain.messages import LiveTrack, MediaBeat, Track
from domain.onboarding import Check, CheckName
from domain.policy import Policy, Window
from domain.session import Session
from domain.stream import Stream
from vigil.reactions import react
from vigil.reading import project
from vigil.settings import Settings
from vigil.watching import beat
from vigil.wiring import Core, core

T = TypeVar("T")
HOUR = timedelta(hours=1)
CHECKS: tuple[CheckName, ...] = ("browser", "camera", "microphone", "screen", "network")
SOMEBODY = "somebody"
ACTED_ON = ("deadlines", "schedules", "duty", "incidents")
_numbers = count(1)


@dataclass
class Clock:
    """The clock of this process, which a test puts forward."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass(frozen=True)
class Clocked(Core):
    """What every process of Vigil holds, with a clock of its own."""

    clock: Clock = field(default_factory=Clock)

    def now(self) -> datetime:
        return self.clock()


@dataclass(frozen=True)
class Hall:
    """What a test holds: the core, and people who do things in it."""

    core: Clocked

    @property
    def clock(self) -> Clock:
        return self.core.clock

    async def say(self, use_case: UseCase) -> dict[str, str]:
        """Somebody does something, once. Returns the ids of what it made."""
        receipt = await self.core.act("main", SOMEBODY, f"test {next(_numbers)}", use_case)
        return dict(receipt.ids)

    async def plan(
        self,
        *,
        candidates: int = 1,
        duration: timedelta = HOUR,
        closes_in: timedelta = 3 * HOUR,
        opened: bool = True,
        watched: bool = True,
        policy: Policy | None = None,
    ) -> tuple[str, list[str]]:
        """A schedule whose window opens now, and its candidates' sessions. Entry is possible for an hour at most.

        `somebody` is assigned to it, and on duty unless nobody watches.
        """
        now = self.clock()
        window = Window(
            opens_at=now, last_entry_at=now + min(HOUR, closes_in), closes_at=now + closes_in, time_zone="Europe/Vienna"
        )
        length, rules = round(duration.total_seconds()), policy or Policy()
        made = await self.say(
            lambda work: schedules.create(work, title="Algebra", window=window, duration_s=length, policy=rules)
        )
        name, seats = made["schedule"], []
        for _ in range(candidates):
            person = schedules.Candidate(name="Ada Lovelace", number=f"n{next(_numbers)}")
            enrolled = await self.say(
                lambda work, person=person: schedules.enrol(work, name, person, self.core.pseudonyms)
            )
            seats.append(enrolled["session"])
        await self.say(lambda work: assign(work, name))
        if watched:
            await self.say(lambda work: duty.come_on(work, name, SOMEBODY, lead=False))
        await self.say(lambda work: schedules.set_live_proctoring(work, name, enabled=True))
        if opened:
            await self.say(lambda work: schedules.activate(work, name))
        return name, seats

    async def start(self, session: str, policy: Policy | None = None) -> None:
        """The candidate comes in and begins."""
        sha256 = sessions.notice_hash(policy or Policy())
        checks = tuple(Check(name=name, passed=True) for name in CHECKS)
        await self.say(lambda work: sessions.acknowledge_notice(work, session, policy_version=1, sha256=sha256))
        await self.say(lambda work: sessions.report_check(work, session, checks))
        await self.say(lambda work: sessions.start(work, session))

    async def sitting(
        self, *, duration: timedelta = HOUR, closes_in: timedelta = 3 * HOUR, policy: Policy | None = None
    ) -> str:
        """A session that is in progress."""
        _, (session,) = await self.plan(duration=duration, closes_in=closes_in, policy=policy)
        await self.start(session, policy)
        return session

    async def intervene(self, session: str, kind: str, **more: object) -> str:
        said = {"reason_code": "r", "text": None, "minutes": None} | more
        made = await self.say(lambda work: interventions.request(work, session, kind=kind, **said))  # type: ignore[arg-type]
        return made["intervention"]

    async def submit(self, session: str) -> None:
        await self.say(lambda work: sessions.submit(work, session))

    async def state(self, session: str) -> Session:
        stream = str(Stream("main", "session", session))
        _, state = await self.core.handler.load(session_rules.DECIDER, stream, fresh=True)
        return state

    async def phase(self, session: str) -> str:
        return (await self.state(session)).phase

    async def events(self, session: str, *kinds: type[Event]) -> list[Event]:
        """What happened in the session's streams, in order; of these kinds, if any are named."""
        async with self.core.pool.connection() as conn:
            rows = await read_session(conn, "main", session)
        bodies = [read(row)[1] for row in rows]
        return [body for body in bodies if not kinds or isinstance(body, kinds)]

    async def position(self) -> int:
        """The last position of the ledger: unchanged means that nothing was appended."""
        async with self.core.pool.connection() as conn:
            cursor = await conn.execute("SELECT coalesce(max(notification_id), 0) FROM ledger.events")
            row = await cursor.fetchone()
        assert row
        return int(row[0])

    @asynccontextmanager
    async def reacting(self) -> AsyncIterator[asyncio.Task[None]]:
        """The reactions run meanwhile, and detectors are there."""
        async with running(beat(self.core.nats)), running(react(self.core)) as task:
            yield task

    @asynccontextmanager
    async def on_air(self, session: str, *tracks: Track) -> AsyncIterator[None]:
        """A media worker says ten times a second that these tracks' media flow."""

        async def beat() -> None:
            while True:
                now = datetime.now(UTC)
                live = tuple(
                    LiveTrack(tenant="main", session=session, track=track, connection=1, quiet_s=0.0)
                    for track in tracks
                )
                message = MediaBeat(worker=f"worker-{session}", at=now, tracks=live)
                await self.core.nats.publish("vigil.beat", msgspec.msgpack.encode(message))
                await asyncio.sleep(0.1)

        async with running(beat()):
            yield


async def assign(work: Work, name: str) -> None:
    await work.do(schedule.DECIDER, name, staffing.AssignInvigilator(user=SOMEBODY))


@asynccontextmanager
async def a_hall(settings: Settings, *, notary: bool = True) -> AsyncIterator[Hall]:
    """Opens it. Without a notary nothing is ever sealed."""
    async with core(settings, "test") as here:
        clocked = Clocked(**vars(here))
        async with running(project(clocked)):
            if not notary:
                yield Hall(clocked)
                return
            async with running(Notary(settings.database_url_for("notary"), here.signer).run()):
                yield Hall(clocked)


@asynccontextmanager
async def running(work: Coroutine[object, object, None]) -> AsyncIterator[asyncio.Task[None]]:
    """A task for as long as the body runs. What it dies of is raised at the end."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def settled(hall: Hall, conn: AsyncConnection) -> None:
    """Until the models that are acted on have caught up with the ledger."""
    head = await hall.position()

    async def caught_up() -> bool:
        query = "SELECT count(*) FROM read.position WHERE model = ANY(%s) AND position >= %s"
        cursor = await conn.execute(query, (list(ACTED_ON), head))
        return await cursor.fetchone() == (len(ACTED_ON),)

    await until(caught_up)


async def until(look: Callable[[], Awaitable[T]], within_s: float = 10.0) -> T:
    """Looks again and again; the first true answer is returned."""
    async with asyncio.timeout(within_s):
        while not (found := await look()):
            await asyncio.sleep(0.02)
    return found
