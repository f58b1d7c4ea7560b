"""The candidate's way back: a record link made anew, appeals with what goes with them, and their answers.

An appeal holds everything against erasure by itself. When nothing is owed any more, that hold ends with the time in
which the record can still be read and appealed against.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from commands.handler import Work
from domain import appeal, incidents, record, schedule, session_rules
from domain.appeal import Answer, AttachmentKind
from domain.event import Private, Refused
from domain.hold import LiftHold, PlaceHold
from domain.policy import Policy
from domain.record import Record
from domain.retention import ALL
from domain.schedule import Schedule
from domain.session import Session

LIVE = "live "  # how the record names a track that somebody watched while the exam ran


async def renew_record_link(work: Work, name: str, session: str) -> None:
    """Makes the record link of a candidate of this schedule anew; the one before is void."""
    state, _ = await _there(work, session)
    if state.schedule != name:
        raise Refused("there is no such session", field="session", kind="not_found")
    _must_be_over(state)
    number = (await work.state(record.DECIDER, session)).appeals.link + 1
    order = appeal.RenewRecordLink(number=number, by=work.order.actor, at=work.at)
    await work.do(record.DECIDER, session, order)


async def make(work: Work, session: str, text: str, incident: str = "") -> Mapping[str, str]:
    """The candidate appeals: against the last decision, or against what happened where nobody has decided yet."""
    state, plan = await _there(work, session)
    ended_at = _must_be_over(state)
    words = _words(state, session, text, field="text")
    if incident and incident not in await _known(work, session):
        raise Refused("there is no such incident", field="incident", kind="not_found")
    known = await work.state(record.DECIDER, session)
    if known.keeping.erased >= ALL:
        raise Refused("this record has been erased")
    decided, name = _decided_at(known), work.new_id("appeal")
    order = appeal.MakeAppeal(
        appeal=name, text=words, by=work.order.actor, at=work.at, decision=len(decided), incident=incident,
        closes_at=appeal.closes_at(ended_at, decided, policy_of(state, plan).appeal_days),
    )  # fmt: skip
    if await work.do(record.DECIDER, session, order):
        await _hold(work, session, None)
    return {"appeal": name}


async def attach(  # noqa: PLR0917 - an attachment as it is stored
    work: Work, session: str, name: str, number: int, kind: AttachmentKind, size: int, object_key: str, sha256: str
) -> None:
    """Notes what goes with an appeal and is stored by now. `size` is in bytes."""
    await _there(work, session)
    order = appeal.AttachToAppeal(
        appeal=name, number=number, at=work.at, kind=kind, bytes=size, object_key=object_key, sha256=sha256
    )
    await work.do(record.DECIDER, session, order)


async def withdraw(work: Work, session: str, name: str) -> None:
    """The candidate takes their appeal back."""
    await _there(work, session)
    order = appeal.WithdrawAppeal(appeal=name, by=work.order.actor, at=work.at)
    if await work.do(record.DECIDER, session, order):
        await settle_hold(work, session)


async def answer(work: Work, session: str, name: str, said: Answer, reason: str) -> None:
    """A person answers who neither watched, raised an incident, judged nor decided. After `upheld` somebody does."""
    state, plan = await _there(work, session)
    known, seen = await work.state(record.DECIDER, session), await work.state(incidents.DECIDER, session)
    judged = {one.by for given in seen.verdicts.values() for one in given}
    if state.identity.finding is not None:
        judged.add(state.identity.by)
    order = appeal.AnswerAppeal(
        appeal=name, answer=said, reason=_words(state, session, reason, field="reason"), by=work.order.actor,
        at=work.at, watched=plan.watched | {who for who, what in known.viewed if what.startswith(LIVE)},
        raised=seen.raised_by, judged=frozenset(judged), decided=frozenset(one.by for one in known.review.decisions),
    )  # fmt: skip
    if await work.do(record.DECIDER, session, order):
        await settle_hold(work, session)


async def settle_hold(work: Work, session: str) -> None:
    """Once no answer and no new decision is owed, an appeal holds only as long as the record can still be read."""
    state, plan = await _there(work, session)
    known = await work.state(record.DECIDER, session)
    standing = [name for name, one in known.keeping.holds.items() if one.why == "appeal" and one.until is None]
    if not standing:
        return
    days = policy_of(state, plan).appeal_days
    until = appeal.read_until(_must_be_over(state), _decided_at(known), days, known.appeals)
    if until is None:
        return
    if until > work.at:
        await _hold(work, session, until)  # first, so that nothing is free in between
    for name in standing:
        await work.do(record.DECIDER, session, LiftHold(hold=name, at=work.at, by=work.order.actor))


def policy_of(state: Session, plan: Schedule) -> Policy:
    """The policy that counts for a session: of its start, or of the schedule for who never began."""
    return state.policy if state.started_at else plan.policy


async def _hold(work: Work, session: str, until: datetime | None) -> None:
    place = PlaceHold(
        hold=work.new_id("appeal hold"), at=work.at, by=work.order.actor, why="appeal", classes=tuple(sorted(ALL)),
        until=until,
    )  # fmt: skip
    await work.do(record.DECIDER, session, place)


async def _there(work: Work, session: str) -> tuple[Session, Schedule]:
    state = await work.state(session_rules.DECIDER, session)
    if state.phase == "absent":
        raise Refused("there is no such session", field="session", kind="not_found")
    return state, await work.state(schedule.DECIDER, state.schedule)


async def _known(work: Work, session: str) -> frozenset[str]:
    seen = await work.state(incidents.DECIDER, session)
    return frozenset((*seen.flags, *seen.raised))


def _must_be_over(state: Session) -> datetime:
    if not state.over or state.ended_at is None:
        raise Refused("this session is not over yet")
    return state.ended_at


def _decided_at(known: Record) -> tuple[datetime, ...]:
    return tuple(one.at for one in known.review.decisions)


def _words(state: Session, session: str, text: str, *, field: str) -> Private:
    if not text.strip():
        raise Refused("an appeal, and its answer, need a text", field=field, kind="invalid")
    return Private(state.subject, text, session=session, key_class="notes")
