"""Role `react`: the one place that acts on time or on what happened.

It looks at how things are, again and again, and issues ordinary commands whose key is derived from the cause. So it
remembers nothing: after a crash it sees the same world and says the same commands, which then change nothing twice.
An advisory lock keeps one leader among all that run.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

import msgspec
import psycopg
from psycopg import AsyncConnection

from api.presence import SUBJECT as SERVING
from commands import duty, interventions, sessions, signals, triage
from commands import help as helping
from commands.handler import Busy, UseCase
from commands.ledger import LedgerAway
from domain.event import Refused
from domain.messages import Hangup, Track
from projections.deadlines import Watch
from vigil import attending, leaving
from vigil.attending import UNATTENDED, Attending, StaffEars, unattended_since
from vigil.connections import Ears, Live, Lost, judge
from vigil.keeping import keep
from vigil.leaving import Leaving
from vigil.outlook import Outlook, Over, look, until_there
from vigil.pages import PageEars
from vigil.sealing import LOST_AFTER, seal
from vigil.shares import DetectorEars
from vigil.switching import Untold, untold
from vigil.watching import BeatEars
from vigil.wiring import Core

log = logging.getLogger(__name__)

Turn = tuple[str, Awaitable[None]]  # whose it is, and what is done about it

EVERY_S = 0.25
SEALS_AT_ONCE = 3  # each holds one of the pool's connections while it waits for the notary; the clock needs the others
SEAL_AGAIN_S = 0.5
LEADER = 0x766967696C  # the advisory lock's number: "vigil" in ASCII
ACTOR = "system/react"
MESSAGING, DETECTORS, DUTY, FRONT_DOOR, DATABASE = "messaging", "detectors", "duty", "front_door", "database"
NOBODY_SERVES = "Vigil's pages get no answer; what is recorded goes on, and what was sent is sent again"
NOT_KEPT = "the ledger was away; what was asked meanwhile was asked again afterwards"
NOTED_FROM = timedelta(seconds=2)  # away for less, the database was missed by nobody
SERVED_WITHIN_S = 3.0  # by any front door; one that starts again takes about two seconds


class Heard(NamedTuple):
    """All that is listened to."""

    media: Ears
    detectors: DetectorEars
    staff: StaffEars
    pages: PageEars
    doors: BeatEars


async def react(core: Core) -> None:
    """Runs until cancelled; waits while another process leads."""
    async with (
        Ears(core.nats) as media, DetectorEars(core.nats) as detectors, StaffEars(core.nats) as staff,
        PageEars(core.nats) as pages, BeatEars(core.nats, SERVING, silent_s=SERVED_WITHIN_S) as doors,
    ):  # fmt: skip
        away_since: datetime | None = None
        while True:
            try:
                async with _leading(core.settings.database_url_for("project")) as conn:
                    log.info("this process leads the reactions")
                    await until_there(conn)
                    if away_since is not None and core.now() - away_since > NOTED_FROM:
                        await _round(_outage(core, await look(conn, core.now()), away_since))
                    away_since = None
                    await _lead(core, conn, Heard(media, detectors, staff, pages, doors))
            except psycopg.errors.UndefinedTable:
                log.warning("a read model changes places; looking again")
                await asyncio.sleep(1)
            except (psycopg.OperationalError, LedgerAway):
                log.warning("the database was lost; standing for election again")
                away_since = away_since or core.now()
                await asyncio.sleep(1)


@asynccontextmanager
async def _leading(conninfo: str) -> AsyncIterator[AsyncConnection]:
    """A connection that holds the leader's lock. The lock goes with the connection, however that ends."""
    async with await AsyncConnection.connect(conninfo, autocommit=True, application_name="vigil react") as conn:
        await conn.execute("SELECT pg_advisory_lock(%s)", (LEADER,))
        yield conn


async def _lead(core: Core, conn: AsyncConnection, heard: Heard) -> None:
    sealing: dict[tuple[str, str], asyncio.Task[None]] = {}
    turns = asyncio.Semaphore(SEALS_AT_ONCE)
    since = core.now()
    keeping = asyncio.create_task(keep(core), name="keeping")
    try:
        while True:
            seen = await look(conn, core.now())
            attended = await attending.look(conn, seen.running, seen.at)
            await _round(_turns(core, heard.media, heard.detectors, seen))
            await _round(_untold(core, await untold(core, seen)))
            await _round(_silent(core, heard.pages, seen))
            await _round(_unserved(core, heard.doors, seen))
            await _round(_attending(core, heard.staff, seen, attended))
            await _round(_leaving(core, await leaving.look(conn, seen.at)))
            sealing = {key: task for key, task in sealing.items() if not task.done()}
            for one in seen.over:  # sealing waits for the notary, and must not hold up the clock
                key = (one.tenant, one.session)
                if key not in sealing:
                    # Who was down as well may still deliver: nobody is taken for lost before we have looked for long.
                    waited = seen.at - max(one.changed_at, since) > LOST_AFTER
                    sealing[key] = asyncio.create_task(_seal(core, turns, one, waited=waited))
            await asyncio.sleep(EVERY_S)
    finally:
        for task in (keeping, *sealing.values()):
            task.cancel()


async def _round(turns: Iterator[Turn]) -> None:
    """Each thing by itself: one session that cannot be dealt with holds up no other."""
    for whose, turn in turns:
        try:
            await turn
        except (psycopg.OperationalError, LedgerAway):
            raise
        except Exception:
            log.exception("nothing could be done about %s in this round", whose)


def _turns(core: Core, ears: Ears, detectors: DetectorEars, seen: Outlook) -> Iterator[Turn]:
    live = ears.live()
    for tenant, watch in seen.running:
        yield watch.session, _running(core, tenant, watch, live, seen.at, away=ears.away)
        if watch.detectors and (why := detectors.missing(watch.session)) is not None:
            yield watch.session, _fault(core, tenant, watch, DETECTORS, why or None)
    for tenant, watch in seen.called_off:
        yield watch.session, _expire(core, tenant, watch.session, f"called off {watch.position}")
    for tenant, session, since in seen.waiting:
        yield session, _expire(core, tenant, session, since.isoformat())
    for tenant, name, fails_at in seen.undelivered:
        if seen.at > fails_at:
            yield name, _say(core, tenant, f"fail {name}", partial(interventions.fail, name=name))
    for one in seen.over:
        yield one.session, _hang_up(core, one.tenant, one.session, live or {})


def _untold(core: Core, found: list[Untold]) -> Iterator[Turn]:
    for one in found:
        yield one.session, _say(core, one.tenant, one.cause, one.use_case)


def _silent(core: Core, pages: PageEars, seen: Outlook) -> Iterator[Turn]:
    """Pages that have told before and are not heard any more."""
    for tenant, watch in seen.running:
        if watch.page and (silent_s := pages.silent_s(tenant, watch.session)) is not None:
            since, ours = seen.at - timedelta(seconds=silent_s), FRONT_DOOR in watch.faults
            fall_silent = partial(signals.fall_silent, name=watch.session, since=since, ours=ours)
            yield watch.session, _say(core, tenant, f"page silent {watch.session} {watch.position}", fall_silent)


def _unserved(core: Core, doors: BeatEars, seen: Outlook) -> Iterator[Turn]:
    """Whether anybody answers the pages. Who has never been heard may not be meant to be there."""
    if not doors.ever or (there := doors.alive()) is None:
        return
    for tenant, watch in seen.running:
        yield watch.session, _fault(core, tenant, watch, FRONT_DOOR, None if there else NOBODY_SERVES, seen.at)


def _outage(core: Core, seen: Outlook, since: datetime) -> Iterator[Turn]:
    """What could not be noted while the database was away is noted when it is back."""
    for tenant, watch in seen.running:
        note = partial(sessions.note_outage, name=watch.session, what=DATABASE, why=NOT_KEPT, since=since)
        yield watch.session, _say(core, tenant, f"outage {watch.session} {since.isoformat()}", note)


def _attending(core: Core, staff: StaffEars, seen: Outlook, attended: Attending) -> Iterator[Turn]:
    """What follows from who of the staff is there, and who is not."""
    for tenant, watch in seen.running:
        since = unattended_since(attended, tenant, watch, seen.at)
        yield watch.session, _fault(core, tenant, watch, DUTY, UNATTENDED if since else None, since)
    for one in attended.taken:
        if staff.gone(one, seen.at):
            let_go = {"incident": triage.let_go, "help": helping.let_go}[one.what]
            wanted = partial(let_go, session=one.session, name=one.name, who=one.user)
            yield one.session, _say(core, one.tenant, f"let go {one.name} {one.at.isoformat()}", wanted)
    for turn in attended.over:
        end = partial(duty.end, name=turn.schedule, who=turn.user)
        yield turn.schedule, _say(core, turn.tenant, f"off duty {turn.user} {turn.since.isoformat()}", end)


def _leaving(core: Core, seen: Leaving) -> Iterator[Turn]:
    """What somebody holds who has left goes to who took over from them, or waits for anybody. Help always waits."""
    for one in seen.left:
        wanted: UseCase = partial(helping.let_go, session=one.session, name=one.name, who=one.user)
        if one.what == "incident":
            let_go = partial(triage.let_go, why="off_duty", heir=one.heir)
            wanted = partial(let_go, session=one.session, name=one.name, who=one.user)
        yield one.session, _say(core, one.tenant, f"left {one.name} {one.at.isoformat()}", wanted)
    for person in seen.unfit:
        end = partial(duty.end, name=person.schedule, who=person.user, why="removed")
        yield person.schedule, _say(core, person.tenant, f"unfit {person.user} {person.since.isoformat()}", end)


async def _running(
    core: Core,
    tenant: str,
    watch: Watch,
    live: Mapping[tuple[str, str, Track], Live] | None,
    at: datetime,
    *,
    away: bool,
) -> None:
    """One session under way. Whether somebody is cut off is asked first, because the clock waits for them."""
    if live is not None:
        mine = {track: one for (t, s, track), one in live.items() if (t, s) == (tenant, watch.session)}
        if await _connection(core, tenant, watch, mine, at):
            return  # the next look sees it
    elif away:
        await _fault(core, tenant, watch, MESSAGING, "the message server is away; pictures and live hints wait")
    expires_at = watch.expires_at
    if live is None and watch.tracks and watch.due_at is not None:
        expires_at = watch.over_at  # nobody knows who is cut off
    if expires_at is not None and expires_at <= at:
        await _expire(core, tenant, watch.session, f"{expires_at.isoformat()} {watch.position}")


async def _expire(core: Core, tenant: str, session: str, mark: str) -> None:
    await _say(core, tenant, f"expire {session} {mark}", partial(sessions.expire, name=session))


async def _fault(  # noqa: PLR0917 - a fault as it is told
    core: Core, tenant: str, watch: Watch, what: str, why: str | None, since: datetime | None = None
) -> None:
    """A fault of ours: it is there as long as there is a `why`."""
    cause = f"{what} {watch.session} {watch.position}"
    if why is not None and what not in watch.faults:
        use_case: UseCase = partial(sessions.open_fault, name=watch.session, what=what, why=why, since=since)
        await _say(core, tenant, f"fault {cause}", use_case)
    if why is None and what in watch.faults:
        use_case = partial(sessions.close_fault, name=watch.session, what=what, since=since)
        await _say(core, tenant, f"fault over {cause}", use_case)


async def _connection(core: Core, tenant: str, watch: Watch, live: Mapping[Track, Live], at: datetime) -> bool:
    """Losses and returns of a running session's tracks; and that NATS is back. Whether a track was lost or returned."""
    if watch.clock.started_at is None:
        return False
    name, mark = watch.session, f"{watch.session} {watch.position}"
    await _fault(core, tenant, watch, MESSAGING, None)
    judged = judge(watch.tracks, watch.lost, live, (at - watch.clock.started_at).total_seconds())
    for said in judged:
        if isinstance(said, Lost):
            use_case: UseCase = partial(sessions.lose_connection, name=name, track=said.track, why=said.why)
        else:
            use_case = partial(sessions.restore_connection, name=name, track=said.track)
        await _say(core, tenant, f"{type(said).__name__} {said.track} {mark}", use_case)
    return bool(judged)


async def _hang_up(core: Core, tenant: str, session: str, live: Mapping[tuple[str, str, Track], Live]) -> None:
    """A session that is over is recorded no longer, whatever the candidate's page does."""
    workers = {one.worker for (t, s, _), one in live.items() if (t, s) == (tenant, session)}
    for worker in workers:
        order = msgspec.msgpack.encode(Hangup(session=session, why="stopped"))
        await core.nats.publish(f"vigil.media.{worker}", order)


async def _seal(core: Core, turns: asyncio.Semaphore, one: Over, *, waited: bool) -> None:
    """Seals as far as it goes. What is still owed is asked after again a little later."""
    session = one.session
    try:
        async with turns:
            await seal(core, one, waited=waited)
        await asyncio.sleep(SEAL_AGAIN_S)
    except (Refused, Busy, TimeoutError) as why:
        log.warning("session %s is sealed later: %s", session, str(why) or "the notary takes its time")
    except Exception:
        log.exception("session %s could not be sealed; it is tried again", session)
        await asyncio.sleep(5)


async def _say(core: Core, tenant: str, cause: str, use_case: UseCase) -> None:
    """Issues a command. A refusal means that the world had moved on; the next round sees it as it is."""
    try:
        await core.act(tenant, ACTOR, cause, use_case)
    except (Refused, Busy) as why:
        log.info("not done: %s (%s)", cause, why)
