"""Sealing a session that is over: at once as it stands, with what is owed, and again when everything owed has come."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256

from commands import flags, recordings
from commands.handler import Work
from commands.proofs import covered, record_root
from domain import incidents, record, recording, session_rules
from domain.session import Session, Track
from domain.stream import Stream
from vigil.clock import synchronised
from vigil.wiring import Core

ACTOR = "system/react"
OBJECT_STORE = "object_store"  # the fault while a session's media wait on our disk
LOST_AFTER = timedelta(minutes=10)  # what has not come by then is declared lost, and the record is completed without it


async def seal(core: Core, tenant: str, session: str) -> None:
    """Brings the record of a session that is over up to date; does nothing when the last seal covers all there is."""
    state = await _state(core, tenant, session)
    if not state.over:
        return
    if state.ended_at is not None:  # who declined the notice never began, and owes nothing
        await _close_incidents(core, tenant, session, state.ended_at)
    owed = await _owed(core, tenant, session, state)
    if owed and _given_up(state, core.now()):
        owed = ()
    _, sealed = await core.handler.load(record.DECIDER, _stream(tenant, "record", session), fresh=True)
    if sealed.kind == "complete" or (sealed.kind == "provisional" and owed):
        return
    async with core.pool.connection() as conn:
        root = await record_root(conn, tenant, session)
        checkpoint = await covered(conn, root.position)
    order = record.Seal(
        at=core.now(), owed=owed, streams=root.streams, root=root.root.hex(), checkpoint=checkpoint.note,
        clock=await synchronised(),
    )  # fmt: skip
    cause = f"seal {session} {sha256(repr(sorted(root.streams.items())).encode()).hexdigest()}"

    async def work(work: Work) -> None:
        await recordings.seal(work, session, order)

    await core.act(tenant, ACTOR, cause, work)


def _given_up(state: Session, now: datetime) -> bool:
    """Whether nobody waits any more. What lies on our own disk because the object store is away is not lost."""
    return state.ended_at is not None and now - state.ended_at > LOST_AFTER and OBJECT_STORE not in state.faults


async def _owed(core: Core, tenant: str, session: str, state: Session) -> tuple[str, ...]:
    """What has not come yet, in words: media that was started and is not finalised, coverage that is not reported."""
    owed = []
    for track in state.policy.tracks if state.started_at else ():
        tape = await _recording(core, tenant, session, track)
        if tape.live:
            owed.append(f"{track}: late segments")
        elif tape.segments and not tape.finalised:  # of nothing no file is made
            owed.append(f"{track}: the finished recording")
    _, seen = await core.handler.load(incidents.DECIDER, _stream(tenant, "incidents", session), fresh=True)
    if state.started_at:
        owed += [f"coverage of {d.kind}" for d in state.policy.detectors if d.kind not in seen.covered]
    return tuple(owed)


async def _close_incidents(core: Core, tenant: str, session: str, ended_at: datetime) -> None:
    """A detector that died cannot close what it opened; the end of the session does."""
    _, seen = await core.handler.load(incidents.DECIDER, _stream(tenant, "incidents", session), fresh=True)
    for incident, opened in seen.open.items():
        order = incidents.CloseIncident(
            incident=incident,
            ended_at=ended_at,
            severity=opened.severity,
            peak=opened.confidence,
            why="session_over",
        )

        async def work(work: Work, order: incidents.CloseIncident = order) -> None:
            await flags.close_incident(work, session, order)

        await core.act(tenant, ACTOR, f"close {incident}", work)


async def _state(core: Core, tenant: str, session: str) -> Session:
    _, state = await core.handler.load(session_rules.DECIDER, _stream(tenant, "session", session), fresh=True)
    return state


async def _recording(core: Core, tenant: str, session: str, track: Track) -> recording.Recording:
    name = recordings.recording_name(session, track)
    _, state = await core.handler.load(recording.DECIDER, _stream(tenant, "recording", name), fresh=True)
    return state


def _stream(tenant: str, kind: str, name: str) -> str:
    return str(Stream(tenant, kind, name))
