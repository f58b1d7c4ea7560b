"""How much each detector could see of a session that is over, held against what was recorded of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from datetime import datetime
from functools import partial

import psycopg

from commands import flags
from commands.envelope import read
from commands.ledger import read_stream
from commands.recordings import recording_name
from detectors.coverage import Counts
from detectors.worker import Worker
from domain import incidents, recording, session, session_rules
from domain.event import Event
from domain.incidents import ReportCoverage
from domain.recording import Recording
from domain.stream import Stream
from vigil.outlook import Over, over, until_there
from vigil.wiring import Core

log = logging.getLogger(__name__)

ACTOR = "system/detect"
LOOK_EVERY_S = 0.5
REST_S = 5.0  # after a session whose coverage could not be reported
KEY_FRAME_S = 2.0  # how often a camera is asked for a picture that can be looked at

Span = tuple[datetime, datetime]


async def report_coverage(core: Core, worker: Worker) -> None:
    """Once a session is over: how much each of its detectors could see, also when that was nothing."""
    async with core.reading() as conn:
        await until_there(conn)
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        try:
            async with core.reading() as conn:
                ended = await over(conn)
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
    stream = str(Stream(tenant, "session", name))
    _, state = await core.handler.load(session_rules.DECIDER, stream, fresh=True)
    _, seen = await core.handler.load(incidents.DECIDER, str(Stream(tenant, "incidents", name)), fresh=True)
    if state.started_at is None:
        return
    missing = [detector.kind for detector in state.policy.detectors if detector.kind not in seen.covered]
    if not missing:
        return
    tape = await _tape(core, tenant, name)
    if tape.live:  # what was recorded tells how much could have been seen
        return
    async with core.pool.connection() as conn:
        happened = [read(row)[1] for row in await read_stream(conn, stream)]
    due_s = common_s(recorded(tape), observed(happened))
    counted = worker.coverage(tenant, name)
    for kind in missing:
        use_case = partial(flags.report_coverage, session=name, order=told(kind, counted.get(kind, Counts()), due_s))
        await core.act(tenant, ACTOR, f"coverage {name} {kind}", use_case)
    worker.forget(tenant, name)


def told(kind: str, counts: Counts, due_s: float) -> ReportCoverage:
    """What to report when `due_s` could have been seen.

    Of the time without pictures it is counted how many there would have been: whoever counted none was not there, or
    was not told, and that is not observed, whoever's fault it was.
    """
    every_s = max(KEY_FRAME_S, counts.followed_s / counts.due) if counts.due else KEY_FRAME_S
    missing = int(max(0.0, due_s - counts.followed_s) / every_s)
    return ReportCoverage(
        detector=kind, due=counts.due + missing, taken=counts.taken, cannot_tell=counts.cannot_tell + missing,
        overloaded=counts.overloaded, muted=counts.muted, due_s=round(due_s, 1),
        seen_s=round(min(counts.seen_s, due_s), 1),
    )  # fmt: skip


def observed(happened: Iterable[Event]) -> list[Span]:
    """When the clock of a session ran, from its events."""
    spans: list[Span] = []
    began: datetime | None = None
    for event in happened:
        match event:
            case session.Started(at=at) | session.Resumed(at=at):
                began = began or at
            case (
                session.Paused(at=at) | session.Submitted(at=at) | session.Terminated(at=at) | session.Ended(at=at)
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
