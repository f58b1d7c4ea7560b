"""What is kept of a session: holds placed and lifted, times that are over, erasing that is finished."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from commands.handler import Work
from domain import record, schedule, session_rules
from domain.erasure import FinishErasure, ReachRetention
from domain.event import KeyClass, Private, Refused
from domain.hold import ExpireHolds, LiftHold, PlaceHold
from domain.phase import WAITING
from domain.policy import Policy
from domain.retention import ALL, Kept, due
from domain.schedule import Schedule
from domain.session import Session


async def place_hold(  # noqa: PLR0917 - a hold as it is placed
    work: Work, session: str, reason: str, classes: Sequence[KeyClass] = (), until: datetime | None = None,
    readers: Sequence[str] = (),
) -> Mapping[str, str]:  # fmt: skip
    """Nothing that it covers (everything, if nothing is named) is erased while it stands.

    What has to be erased meanwhile is shown only to who placed it and to `readers`.
    """
    subject, name = await _subject(work, session), work.new_id("hold")
    order = PlaceHold(
        hold=name, at=work.at, by=work.order.actor, why="person", classes=tuple(sorted(set(classes) or ALL)),
        until=until, reason=await _words(work, subject, session, reason), readers=tuple(sorted(set(readers))),
    )  # fmt: skip
    await work.do(record.DECIDER, session, order)
    return {"hold": name}


async def lift_hold(work: Work, session: str, hold: str, reason: str) -> None:
    """Lifts it. What has to be erased, and is not held by another, is erased from now on."""
    words = await _words(work, await _subject(work, session), session, reason)
    await work.do(record.DECIDER, session, LiftHold(hold=hold, at=work.at, by=work.order.actor, reason=words))


async def expire_holds(work: Work, session: str) -> None:
    """Lifts those whose time is over."""
    await work.do(record.DECIDER, session, ExpireHolds(at=work.at, by=work.order.actor))


async def reach_retention(work: Work, session: str, what: Kept, over_at: datetime) -> None:
    """Erases what was kept for as long as the policy says, counted from `over_at`. Refused before that."""
    when = retained(await _policy(work, session), over_at)[what]
    if work.at < when:
        raise Refused(f"this is kept until {when:%Y-%m-%d}")
    await work.do(record.DECIDER, session, ReachRetention(at=work.at, what=what, by=work.order.actor))


async def finish_erasure(work: Work, session: str, classes: Sequence[KeyClass], *, sealed_left: bool) -> None:
    """Says that what was erased is gone everywhere."""
    order = FinishErasure(at=work.at, classes=tuple(classes), sealed_left=sealed_left)
    await work.do(record.DECIDER, session, order)


def settled(state: Session, plan: Schedule, session: str) -> bool:
    """Whether nothing more comes of a session: it is over, or it never began and nobody may come to it any more."""
    withdrawn = plan.candidates.get(state.subject) != session
    return state.over or (state.phase in WAITING and (withdrawn or plan.phase in ("cancelled", "closed")))


def retained(policy: Policy, over_at: datetime) -> dict[Kept, datetime]:
    """Until when each is kept, by a policy."""
    return due(over_at, media_kept_days=policy.media_kept_days, record_kept_days=policy.record_kept_days)


async def _subject(work: Work, session: str) -> str:
    """Whose session it is, also while its own stream is archived. Raises `Refused` where there is none."""
    shelved = (await work.state(record.DECIDER, session)).shelved
    return shelved.subject if shelved.bundle else (await _there(work, session)).subject


async def _policy(work: Work, session: str) -> Policy:
    """What counts for a session that is over: that of its start, or of its schedule if it never began."""
    shelved = (await work.state(record.DECIDER, session)).shelved
    if shelved.bundle and shelved.kept_days:
        media, whole = shelved.kept_days
        return Policy(media_kept_days=media, record_kept_days=whole)
    if shelved.bundle:
        return (await work.state(schedule.DECIDER, shelved.schedule)).policy
    state = await _there(work, session)
    plan = await work.state(schedule.DECIDER, state.schedule)
    if not settled(state, plan, session):
        raise Refused("this session is not over")
    return state.policy if state.started_at else plan.policy


async def _there(work: Work, session: str) -> Session:
    state = await work.state(session_rules.DECIDER, session)
    if state.phase == "absent":
        raise Refused("there is no such session", field="session", kind="not_found")
    return state


async def _words(work: Work, subject: str, session: str, reason: str) -> Private | None:
    """The reason, among the notes about the candidate. Where these are erased already, no new one is kept."""
    if not reason.strip():
        raise Refused("a hold is placed and lifted for a reason", field="reason", kind="invalid")
    if "notes" in (await work.state(record.DECIDER, session)).keeping.erased:
        return None
    return Private(subject, reason, session=session, key_class="notes")
