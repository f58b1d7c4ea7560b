"""Recordings and the record: connections, segments, finalised files, seals, and who looked."""

from __future__ import annotations

from collections.abc import Mapping

from commands import reviewing
from commands.handler import Work
from domain import late, record, recording, session_rules
from domain.event import Refused
from domain.phase import RUNNING, Track


def recording_name(session: str, track: Track) -> str:
    return f"{session}.{track}"


async def start_connection(
    work: Work, session: str, track: Track, *, connection: int, worker: str, device: str | None = None,
    codec: str | None = None,
) -> None:  # fmt: skip
    """Notes that a media worker took connection number `connection` of this track, from the candidate's `device`."""
    state = await work.state(session_rules.DECIDER, session)
    if state.phase == "absent":
        raise Refused("there is no such session", kind="not_found")
    if state.over:
        raise Refused("this session is over; nothing is recorded any more")
    if device is not None and not state.devices.take(device):
        raise Refused("this exam is on another device now")
    order = recording.Start(connection=connection, at=work.at, worker=worker, codec=codec)
    await work.do(recording.DECIDER, recording_name(session, track), order)


async def store_segment(work: Work, name: str, order: recording.StoreSegment) -> None:
    """Notes a segment. It proves its connection too, should whoever opened that not have lived to tell."""
    tape = await work.state(recording.DECIDER, name)
    first = order.segment
    if first.connection == tape.connections + 1:
        start = recording.Start(connection=first.connection, at=first.started_at, worker="unknown")
        await work.do(recording.DECIDER, name, start)
    await work.do(recording.DECIDER, name, order)


async def end_connection(work: Work, name: str, order: recording.End) -> None:
    await work.do(recording.DECIDER, name, order)


async def store_late(work: Work, session: str, name: str, order: late.StoreLate) -> None:
    """Keeps what a candidate's page sends late, while the session runs and for a while after it."""
    state = await work.state(session_rules.DECIDER, session)
    if state.started_at is None:
        raise Refused("this session has not begun; nothing is missing of it")
    if state.over and state.ended_at is not None and work.at > state.ended_at + late.TAKEN_FOR:
        raise Refused("this session has been over for too long; nothing is added to its recordings any more")
    await work.do(recording.DECIDER, name, order)


async def store_still(work: Work, session: str, name: str, order: late.StoreStill) -> None:
    state = await work.state(session_rules.DECIDER, session)
    if state.phase not in RUNNING:
        raise Refused("this session is not under way; nothing is recorded")
    await work.do(recording.DECIDER, name, order)


async def finalise(work: Work, name: str, order: recording.Finalise) -> None:
    await work.do(recording.DECIDER, name, order)


async def settle(work: Work, name: str, order: recording.Settle) -> None:
    await work.do(recording.DECIDER, name, order)


async def seal(work: Work, session: str, order: record.Seal) -> None:
    state = await work.state(session_rules.DECIDER, session)
    if not state.over:
        raise Refused("a session that is not over cannot be sealed")
    made = await work.do(record.DECIDER, session, order)
    if any(isinstance(event, record.Sealed) and event.kind == "complete" for event in made):
        await reviewing.prioritise(work, session)


async def view(work: Work, session: str, what: str) -> None:
    await work.do(record.DECIDER, session, record.View(by=work.order.actor, what=what, at=work.at))


async def export(work: Work, session: str) -> Mapping[str, str]:
    name = work.new_id("export")
    await work.do(record.DECIDER, session, record.Export(by=work.order.actor, export=name, at=work.at))
    return {"export": name}
