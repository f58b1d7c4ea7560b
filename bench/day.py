"""The exam day under load: 150 candidates through the API, with two invigilators and three dashboards that look on.

Twenty minutes of signals, chat and interventions are pressed into one. Then it is done again while NATS, PostgreSQL and
the API are killed one after another: what was acknowledged must be there, and every dashboard must end as the snapshot.
The baseline of an answer is `/healthz`, asked all the while by the same clients' machine: what HTTP alone costs there.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from statistics import quantiles
from typing import Any, NamedTuple

import httpx
import psutil
from psycopg import AsyncConnection

from bench.crowd import Candidate, Client, Dashboard, Invigilator, Notes, over, planned
from bench.house import House, house
from commands.envelope import read
from commands.ledger import COLUMNS
from domain.chat import MessageSent
from domain.event import Event
from domain.fault import FaultOpened
from domain.recorded import Stored
from domain.user import Role

CANDIDATES, SECONDS = 150, 60.0
GROUPS = (("project", "notary", "react"), ("serve",))  # no media: that is measured elsewhere
AGAIN_S = 4.0  # the third dashboard's
AWAY_S = 3.5
GOAL_MS = 250


class Day(NamedTuple):
    """What came of a day. Seconds; `shown` is from asking to the last of the dashboards that stay connected."""

    notes: Notes
    seconds: float
    http: list[float]
    shown: list[float]
    boards: list[Dashboard]
    faults: set[str]


def run() -> list[dict[str, object]]:
    """Rows of {name, value, unit, baseline, ratio, goal, note}. Takes about three minutes."""
    quiet = asyncio.run(measured(CANDIDATES, SECONDS, kill=False))
    rough = asyncio.run(measured(CANDIDATES, SECONDS, kill=True))
    return [*_rows("exam day", quiet, "<=1"), *_rows("exam day, three restarts", rough)]


async def measured(candidates: int, seconds: float, *, kill: bool) -> Day:
    """Lives one day on servers of its own. Raises AssertionError when a dashboard or the ledger is not right."""
    others = {child.pid for child in psutil.Process().children()}
    async with house(GROUPS) as here:
        kills = partial(_kill, here.children, others, seconds) if kill else None
        return await _day(here, candidates, seconds, kills)


async def _day(here: House, candidates: int, seconds: float, kills: Callable[[], Awaitable[None]] | None) -> Day:
    notes, base = Notes(), here.base
    roles: tuple[Role, ...] = ("planner", "invigilator", "lead_invigilator")
    staff = {role: await here.signed_in(role, notes, Invigilator) for role in roles}
    watchers = [staff["invigilator"], staff["lead_invigilator"]]
    schedule, links = await planned(staff["planner"][1], candidates, [who for who, _ in watchers])
    for _, client in watchers:
        await client.say("on duty", f"/schedules/{schedule}/duty/on")
    crowd = [Candidate(base, notes) for _ in range(candidates)]
    boards = [Dashboard(staff["invigilator"][1].http, schedule, again_s=s) for s in (None, None, AGAIN_S)]
    looking = [asyncio.create_task(board.look()) for board in boards]
    began = time.monotonic()
    await _in_turn([one.come(link) for one, link in zip(crowd, links, strict=True)])
    looking += [asyncio.create_task(one.obey()) for one in crowd]
    sessions = [one.session for one in crowd]
    http: list[float] = []
    floor = asyncio.create_task(_floor(base, http))
    await asyncio.gather(
        *(one.signal(seconds) for one in crowd), *(one.write(seconds) for one in crowd),
        *(Invigilator.act(client, sessions[n::2], seconds) for n, (_, client) in enumerate(watchers)),
        *((kills(),) if kills else ()),
    )  # fmt: skip
    took = time.monotonic() - began
    await over([floor])
    snapshot = await _settled(staff["invigilator"][1], schedule, boards)
    await over(looking)
    events = await _events(here.settings.database_url)
    kept = {event.message for _, event in events if isinstance(event, MessageSent)} | {stream for stream, _ in events}
    lost = [one for one in notes.done if one.name and not kept & {one.name, f"main/intervention/{one.name}"}]
    assert not lost, f"{len(lost)} acknowledged commands are not in the ledger"
    for board in boards:
        assert board.rows == snapshot, "a dashboard has not ended as the snapshot"
    faults = {event.what for _, event in events if isinstance(event, FaultOpened)}
    return Day(notes, took, http, _shown(notes, boards[:2]), boards, faults)


async def _kill(children: dict[str, asyncio.subprocess.Process], others: set[int], seconds: float) -> None:
    """`kill -9` of one after another, again whenever it comes back, so that each is away for `AWAY_S` at least.

    `others` are processes of ours that have nothing to do with this day.
    """
    for name in ("nats-server", "postgres", "serve"):
        await asyncio.sleep(seconds / 6)
        back_at = time.monotonic() + AWAY_S
        while time.monotonic() < back_at:
            with suppress(psutil.NoSuchProcess, ProcessLookupError, StopIteration):
                (children[name] if name in children else _server(name, others)).kill()
            await asyncio.sleep(0.1)


def _server(name: str, others: set[int]) -> psutil.Process:
    """The embedded server that goes by this name."""
    found = (child for child in psutil.Process().children() if child.pid not in others)
    return next(child for child in found if child.name() == name)


async def _floor(base: str, took: list[float]) -> None:
    """What a request costs that does nothing, as long as the day lasts."""
    async with httpx.AsyncClient(base_url=base, timeout=10) as client:
        while True:
            asked = time.monotonic()
            with suppress(httpx.TransportError):
                (await client.get("/healthz")).raise_for_status()
                took.append(time.monotonic() - asked)
            await asyncio.sleep(0.05)


async def _in_turn(pending: Sequence[Coroutine[Any, Any, None]], at_once: int = 10) -> None:
    gate = asyncio.Semaphore(at_once)

    async def one(what: Coroutine[Any, Any, None]) -> None:
        async with gate:
            await what

    await asyncio.gather(*(one(what) for what in pending))


async def _settled(client: Client, schedule: str, boards: Sequence[Dashboard]) -> dict[str, Any]:
    """The snapshot, once nothing has changed for a while and the dashboards had the time to follow."""
    before: dict[str, Any] = {}
    for _ in range(60):
        rows: dict[str, Any] = (await client.get(f"/schedules/{schedule}/live"))["rows"]
        if rows == before and all(board.rows == rows for board in boards):
            return rows
        before = rows
        await asyncio.sleep(1)
    return before


async def _events(url: str) -> list[tuple[str, Event]]:
    async with await AsyncConnection.connect(url) as conn:
        rows = await (await conn.execute(f"SELECT {COLUMNS} FROM ledger.events")).fetchall()
    return [(row[1], read(Stored(*row))[1]) for row in rows]


def _shown(notes: Notes, boards: Sequence[Dashboard]) -> list[float]:
    """Seconds until the last of these dashboards had what a command made."""
    shown = []
    for one in notes.done:
        seen = [board.seen.get(one.name) for board in boards]
        if one.name and all(seen):
            shown.append(max(at for at in seen if at) - one.asked)
    return shown


def _rows(name: str, day: Day, goal: str | None = None) -> list[dict[str, object]]:
    notes, http = day.notes, _hundredth(day.http)
    answers, shown = _hundredth(notes.took()), _hundredth(day.shown)
    commands = len(notes.done) / day.seconds
    note = (
        f"{len(notes.done)} commands in {day.seconds:.0f} s, {commands:.0f}/s; {notes.refused} refused,"
        f" {notes.tries_again} asked again; p50 {answers[0]:.0f} ms; faults: {', '.join(sorted(day.faults)) or 'none'}"
    )
    seen = (
        f"{len(day.shown)} commands on two dashboards; p50 {shown[0]:.0f} ms;"
        f" a third came again {day.boards[2].connections} times"
    )
    return [
        {"name": f"{name}: answer, p99", "value": answers[1], "unit": "ms", "baseline": http[1],
         "ratio": answers[1] / http[1], "note": note},
        {"name": f"{name}: command to live stream, p99", "value": shown[1], "unit": "ms", "baseline": GOAL_MS,
         "ratio": shown[1] / GOAL_MS, "goal": goal, "note": seen},
    ]  # fmt: skip


def _hundredth(seconds: Sequence[float]) -> tuple[float, float]:
    """p50 and p99 in milliseconds."""
    cuts = quantiles(seconds, n=100)
    return cuts[49] * 1000, cuts[98] * 1000
