"""Says on a session's record that its other streams lie in a bundle, and that they are back."""

from __future__ import annotations

from collections.abc import Mapping

from commands.appealing import policy_of
from commands.handler import Work
from commands.keeping import settled
from domain import record, schedule, session_rules
from domain.appeal import read_until
from domain.archive import Archive, BringBack
from domain.event import Refused
from domain.registry import DECIDERS
from domain.session import Session
from domain.stream import parse


async def archive(work: Work, session: str, *, bundle: str, sha256: str, streams: Mapping[str, int]) -> None:
    """`streams` are those in the bundle, with their last versions: none has moved on since it was written."""
    state = await work.state(session_rules.DECIDER, session)
    if state.phase == "absent":
        raise Refused("there is no such session", field="session", kind="not_found")
    plan = await work.state(schedule.DECIDER, state.schedule)
    if not settled(state, plan, session):
        raise Refused("this session is not archived: it is not over", field="session")
    await _must_be_closed(work, session, state, policy_of(state, plan).appeal_days)
    for stream, version in streams.items():
        at = parse(stream)
        if at.tenant != work.order.tenant or at.session != session or at.kind == record.DECIDER.kind:
            raise Refused(f"{stream} is none of the streams that leave", field="streams", kind="invalid")
        if await work.version(DECIDERS[at.kind], at.name) != version:
            raise Refused(f"{stream} has moved on since the bundle was written", field="streams")
    days = (state.policy.media_kept_days, state.policy.record_kept_days) if state.started_at else None
    order = Archive(
        at=work.at, by=work.order.actor, bundle=bundle, sha256=sha256, streams=dict(streams), subject=state.subject,
        schedule=state.schedule, kept_days=days,
    )  # fmt: skip
    await work.do(record.DECIDER, session, order)


async def _must_be_closed(work: Work, session: str, state: Session, days: int) -> None:
    """Raises `Refused` while the candidate may still read their record and appeal."""
    known = await work.state(record.DECIDER, session)
    if state.ended_at is None:
        return
    until = read_until(state.ended_at, tuple(one.at for one in known.review.decisions), days, known.appeals)
    if until is not None and until > work.at:  # None: an answer is owed, and the record says so itself
        raise Refused(
            f"this session is not archived: the candidate may read it and appeal until {until:%Y-%m-%d}",
            field="session",
        )


async def bring_back(work: Work, session: str) -> None:
    """Changes nothing where it is not archived."""
    await work.do(record.DECIDER, session, BringBack(at=work.at, by=work.order.actor))
