"""How much each detector could see of a session that is over, held against what was recorded of it."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Protocol

import psycopg
from msgspec.structs import replace

from commands import flags
from commands.envelope import read
from commands.ledger import read_stream
from commands.recordings import recording_name
from detectors.coverage import Counts
from domain import incidents, recording, session, session_rules, stops
from domain.coverage import NO_PICTURE, NO_SOUND, NOT_TOLD, CoverageReported, ReportCoverage
from domain.event import Event
from domain.muting import listens
from domain.policy import DetectorKind
from domain.recording import Recording
from domain.session import Session
from domain.stream import Stream
from vigil.outlook import Over, over, until_there
from vigil.wiring import Core

log = logging.getLogger(__name__)

ACTOR = "system/detect"
LOOK_EVERY_S = 0.5
REST_S = 5.0  # after a session whose coverage could not be reported
KEY_FRAME_S = 2.0  # how often a camera is asked for a picture that can be looked at

Span = tuple[datetime, datetime]


class Worker(Protocol):
    """A detector worker, as far as it counts."""

    def coverage(self, tenant: str, session: str) -> Mapping[DetectorKind, Counts]: ...

    async def leave(self, tenant: str, session: str) -> None: ...

    def forget(self, tenant: str, session: str) -> None: ...


async def report_coverage(core: Core, worker: Worker, mine: Callable[[str], bool] = lambda _: True) -> None:
    """Whenever a session is over: how much each of its detectors could see, also when that was nothing.

    Only of the sessions that are this worker's: of another's it has seen nothing, and does not know what that one saw.
    """
    async with core.reading() as conn:
        await until_there(conn)
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        try:
            async with core.reading() as conn:
                ended = [one for one in await over(conn) if mine(one.session)]
        except psycopg.OperationalError:
            log.warning("the read models are away; coverage waits")
            continue
        if [one for one in ended if not await _reported(core, worker, one)]:
            await asyncio.sleep(REST_S)


async def _reported(core: Core, worker: Worker, one: Over) -> bool:
    """Reports on one session, if it can be. One that fails holds up no other."""
    try:
        await _report(core, worker, one.tenant, one.session)
    except Exception:
        log.exception("the coverage of session %s could not be reported; it is tried again", one.session)
        return False
    return True


async def _report(core: Core, worker: Worker, tenant: str, name: str) -> None:
    _, state = await core.handler.load(session_rules.DECIDER, str(Stream(tenant, "session", name)), fresh=True)
    if not state.over or (await _tape(core, tenant, name)).live:  # what was recorded tells how much could be seen
        return
    await worker.leave(tenant, name)
    for order in await unreported(core, tenant, name, state, worker.coverage(tenant, name)):
        await tell(core, ACTOR, tenant, name, order)
    worker.forget(tenant, name)


async def uncovered(core: Core, tenant: str, name: str, state: Session) -> dict[DetectorKind, CoverageReported | None]:
    """The detectors of which nothing was told since the session was reopened, with what was told of them before."""
    if state.started_at is None:
        return {}
    _, seen = await core.handler.load(incidents.DECIDER, str(Stream(tenant, "incidents", name)), fresh=True)
    kinds = [detector.kind for detector in state.policy.detectors]
    return {kind: seen.covered.get(kind) for kind in kinds if not seen.covers(kind, state.reopened)}


async def unreported(
    core: Core, tenant: str, name: str, state: Session, counted: Mapping[DetectorKind, Counts]
) -> list[ReportCoverage]:
    """What is to be told of a session that is over, when this was counted since it was told before."""
    missing = await uncovered(core, tenant, name, state)
    if not missing:
        return []
    async with core.pool.connection() as conn:
        happened = [read(row)[1] for row in await read_stream(conn, str(Stream(tenant, "session", name)))]
    due_s = common_s(recorded(await _tape(core, tenant, name)), observed(happened))
    return [
        replace(
            told(kind, counted.get(kind, Counts()), due_s, before, muted=not listens(state, kind, state.started_at)),
            reopened=state.reopened,
        )
        for kind, before in missing.items()
    ]


async def tell(core: Core, actor: str, tenant: str, name: str, order: ReportCoverage) -> None:
    cause = f"coverage {name} {order.detector} {order.reopened}"
    await core.act(tenant, actor, cause, partial(flags.report_coverage, session=name, order=order))


def told(
    kind: str, counts: Counts, due_s: float, before: CoverageReported | None = None, *, muted: bool = False
) -> ReportCoverage:
    """What to report when `due_s` could have been seen. What was told `before` is in it, and `counts` came after that.

    Of the time without pictures it is counted how many there would have been: whoever counted none was not there, or
    was not told, and that is not observed, whoever's fault it was. `muted` says that it was so all the time.
    """
    before = before or CoverageReported(
        detector=kind, due=0, taken=0, cannot_tell=0, overloaded=0, muted=0, due_s=0.0, seen_s=0.0
    )
    more_s = max(0.0, due_s - (before.due_s or 0.0))
    every_s = max(KEY_FRAME_S, counts.followed_s / counts.due) if counts.due else KEY_FRAME_S
    missing = int(max(0.0, more_s - counts.followed_s) / every_s)
    reasons = Counter(before.reasons) + Counter(counts.reasons)
    reasons[NOT_TOLD] += before.cannot_tell + counts.cannot_tell - reasons.total()
    reasons[NO_SOUND if kind == "voice" else NO_PICTURE] += 0 if muted else missing
    return ReportCoverage(
        detector=kind, due=before.due + counts.due + missing, taken=before.taken + counts.taken,
        cannot_tell=reasons.total(), overloaded=before.overloaded + counts.overloaded,
        muted=before.muted + counts.muted + (missing if muted else 0), due_s=round(due_s, 1),
        seen_s=round(min((before.seen_s or 0.0) + min(counts.seen_s, more_s), due_s), 1), reasons=dict(+reasons),
    )  # fmt: skip


def observed(happened: Iterable[Event]) -> list[Span]:
    """When a session was in progress, from its events: a break is not observed, even where the clock runs."""
    spans: list[Span] = []
    began: datetime | None = None
    for event in happened:
        match event:
            case (
                session.Started(at=at) | session.Resumed(at=at) | stops.Unlocked(at=at, to="in_progress")
                | stops.BreakEnded(at=at)
            ):  # fmt: skip
                began = began or at
            case (
                session.Paused(at=at) | stops.Locked(at=at) | stops.BreakStarted(at=at) | session.Submitted(at=at)
                | session.Terminated(at=at) | session.Ended(at=at)
            ) if began is not None:  # fmt: skip
                spans.append((began, at))
                began = None
    return spans


def recorded(tape: Recording) -> list[Span]:
    """When there was a recording. Connections may overlap."""
    spans: list[Span] = []
    for began, ended in sorted((segment.started_at, segment.ended_at) for segment in tape.segments):
        if spans and began <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(ended, spans[-1][1]))
        else:
            spans.append((began, ended))
    return spans


def common_s(some: Iterable[Span], others: Iterable[Span]) -> float:
    """For how many seconds both were. Neither overlaps with itself."""
    others = list(others)
    return sum(
        max(0.0, (min(ended, until) - max(began, since)).total_seconds())
        for began, ended in some
        for since, until in others
    )


async def _tape(core: Core, tenant: str, name: str) -> Recording:
    stream = str(Stream(tenant, "recording", recording_name(name, "camera")))
    _, tape = await core.handler.load(recording.DECIDER, stream, fresh=True)
    return tape
