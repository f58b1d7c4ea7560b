"""Sealing a session that is over: at once as it stands, with what is owed, and again when everything owed has come."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256

from commands import flags, recordings
from commands.handler import Work
from commands.proofs import covered, record_root
from domain import incidents, record, recording, session_rules
from domain.phase import Track
from domain.session import Session
from domain.stream import Stream
from media.names import recording_name
from media.spooled import connection_folder
from vigil import coverage, page_coverage
from vigil.clock import synchronised
from vigil.outlook import Over
from vigil.wiring import Core, spool

ACTOR = "system/react"
OBJECT_STORE = "object_store"  # the fault while a session's media wait on our disk
LOST_AFTER = timedelta(minutes=10)  # what has not come so long after the last news is declared lost
STILL = timedelta(seconds=40)  # a detector that works has said within this that an incident goes on


async def seal(core: Core, one: Over, *, waited: bool = False) -> None:
    """Brings the record of a session that is over up to date; does nothing when the last seal covers all there is.

    While something is owed, what arrives of it is not sealed piece by piece; what happens to the session itself is.

    Once we have `waited` long enough, what is still owed is declared lost; when it comes after all, it is sealed too.
    """
    tenant, session = one.tenant, one.session
    state = await _state(core, tenant, session)
    if not state.over:
        return
    if state.ended_at is not None:  # who declined the notice never began, and owes nothing
        await _close_incidents(core, tenant, session, state.ended_at)
        await page_coverage.report(core, ACTOR, tenant, session, state)
        await _say_what_never_came(core, one, state, state.ended_at)
    owed, lost = await _owed(core, one, state), ()
    if owed and waited and not _on_our_disk(core, one, state):
        if await _settle(core, one, state):
            return  # the record is looked at again with what that changed
        owed, lost = (), owed
    _, sealed = await core.handler.load(record.DECIDER, _stream(tenant, "record", session), fresh=True)
    beyond = {stream for stream, version in one.heads.items() if sealed.streams.get(stream, 0) < version}
    if sealed.kind == "complete" and not beyond:
        return
    if sealed.kind == "provisional" and owed and _stream(tenant, "session", session) not in beyond:
        return
    async with core.pool.connection() as conn:
        root = await record_root(conn, tenant, session)
        checkpoint = await covered(conn, root.position)
    order = record.Seal(
        at=core.now(), owed=owed, lost=lost, streams=root.streams, root=root.root.hex(), checkpoint=checkpoint.note,
        clock=await synchronised(),
    )  # fmt: skip
    cause = f"seal {session} {sha256(repr(sorted(root.streams.items())).encode()).hexdigest()}"

    async def work(work: Work) -> None:
        await recordings.seal(work, session, order)

    await core.act(tenant, ACTOR, cause, work)


def _on_our_disk(core: Core, one: Over, state: Session) -> bool:
    """Whether media of the session wait here, which are not lost."""
    names = [recording_name(one.tenant, one.session, track) for track in state.policy.tracks]
    folders = [connection_folder(spool(core.settings), name, 1).parent for name in names]
    return OBJECT_STORE in state.faults or any(folder.exists() for folder in folders)


async def _settle(core: Core, one: Over, state: Session) -> bool:
    """Says how it ended for those who do not tell any more: a media worker that died with its disk, a detector.

    Returns whether there was anything to say.
    """
    tenant, session, ended_at = one.tenant, one.session, state.ended_at or core.now()
    said = False
    for track in state.policy.tracks if state.started_at else ():
        tape = await _recording(core, tenant, session, track)
        name = recordings.recording_name(session, track)
        for connection in {*range(1, tape.connections + 1)} - tape.ended.keys():
            end = recording.End(connection=connection, at=ended_at, why="worker_lost")
            use_case = partial(recordings.end_connection, name=name, order=end)
            await core.act(tenant, ACTOR, f"ended {name} {connection}", use_case)
            said = True
    if said or not state.started_at:
        return said  # what was recorded tells how much could have been seen
    for order in await coverage.unreported(core, tenant, session, state, {}):
        await coverage.tell(core, ACTOR, tenant, session, order)
        said = True
    return said


async def _owed(core: Core, one: Over, state: Session) -> tuple[str, ...]:
    """What has not come yet, in words: media that was started and is not finalised, coverage that is not reported."""
    owed = []
    for track in state.policy.tracks if state.started_at else ():
        tape = await _recording(core, one.tenant, one.session, track)
        if tape.live:
            owed.append(f"{track}: late segments")
        elif tape.stored and not tape.finished:  # of nothing no file is made
            owed.append(f"{track}: the finished recording")
    owed += [f"coverage of {detector}" for detector in await coverage.uncovered(core, one.tenant, one.session, state)]
    if one.undelivered:
        owed.append("an intervention that is being delivered")
    return tuple(owed)


async def _close_incidents(core: Core, tenant: str, session: str, ended_at: datetime) -> None:
    """Ends what is still open with the session, or when it was last seen: a detector that died cannot close it."""
    _, seen = await core.handler.load(incidents.DECIDER, _stream(tenant, "incidents", session), fresh=True)
    for incident, flag in seen.open.items():
        order = incidents.CloseIncident(
            incident=incident,
            ended_at=ended_at if ended_at - flag.seen_at < STILL else flag.seen_at,
            severity=flag.severity,
            peak=flag.confidence,
            why="session_over",
        )

        async def work(work: Work, order: incidents.CloseIncident = order) -> None:
            await flags.close_incident(work, session, order)

        await core.act(tenant, ACTOR, f"close {incident}", work)


async def _say_what_never_came(core: Core, one: Over, state: Session, ended_at: datetime) -> None:
    """Tracks whose connections gave nothing are missing up to the end of the session: no file is made that says so."""
    order = recording.Settle(session_ended_at=ended_at)
    for track in state.policy.tracks if state.started_at else ():
        tape = await _recording(core, one.tenant, one.session, track)
        if recording.decide(order, tape):
            name = recordings.recording_name(one.session, track)
            cause = f"settle {name} {ended_at.isoformat()}"
            await core.act(one.tenant, ACTOR, cause, partial(recordings.settle, name=name, order=order))


async def _state(core: Core, tenant: str, session: str) -> Session:
    _, state = await core.handler.load(session_rules.DECIDER, _stream(tenant, "session", session), fresh=True)
    return state


async def _recording(core: Core, tenant: str, session: str, track: Track) -> recording.Recording:
    name = recordings.recording_name(session, track)
    _, state = await core.handler.load(recording.DECIDER, _stream(tenant, "recording", name), fresh=True)
    return state


def _stream(tenant: str, kind: str, name: str) -> str:
    return str(Stream(tenant, kind, name))
