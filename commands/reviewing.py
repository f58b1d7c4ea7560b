"""After the exam: decisions on a record, notes, and the order in which records are looked at."""

from __future__ import annotations

from collections.abc import Mapping

from commands.appealing import settle_hold
from commands.handler import Work
from domain import identity, incidents, record, schedule, session_rules
from domain.decision import AddNote, Decide, Ground, Outcome
from domain.event import Private, Refused
from domain.hold import PlaceHold
from domain.priority import Prioritise
from domain.retention import ALL
from domain.session import Session
from domain.stream import Stream
from domain.verdict import judged, must_be_independent


async def decide(  # noqa: PLR0917 - a decision as it is said
    work: Work, session: str, outcome: Outcome, ground: Ground | None, reason: str, number: int | None = None
) -> Mapping[str, str]:
    """A person's decision, which replaces no other: all are shown, and the last one counts.

    What is not clear will be asked after: nothing of it is erased while its hold stands.
    """
    state = await _there(work, session)
    words = _words(state, session, reason, field="reason")
    if not state.over:
        raise Refused("this session is not over yet")
    if state.policy.independent_review:
        plan = await work.state(schedule.DECIDER, state.schedule)
        must_be_independent(work.order.actor, plan.watched)
    seen = await work.state(incidents.DECIDER, session)
    sealed = (await work.state(record.DECIDER, session)).streams
    own = str(Stream(work.order.tenant, session_rules.DECIDER.kind, session))
    order = Decide(
        outcome=outcome, ground=ground, reason=words, by=work.order.actor, at=work.at, number=number,
        incidents=judged(seen, second=state.policy.second_reviewer),
        sealed=sealed.get(own, 0) >= await work.version(session_rules.DECIDER, session),
        terminated=state.phase == "terminated", identity=state.identity.finding,
        identity_owed=identity.owed(state.identity, state.phase, started=state.started_at is not None),
    )  # fmt: skip
    made = await work.do(record.DECIDER, session, order)
    known = await work.state(record.DECIDER, session)
    held = any(hold.why == "decision" for hold in known.keeping.holds.values())
    if made and outcome != "clear" and not held:
        hold = PlaceHold(
            hold=work.new_id("hold"), at=work.at, by=work.order.actor, why="decision", classes=tuple(sorted(ALL))
        )
        await work.do(record.DECIDER, session, hold)
    if made:
        await settle_hold(work, session)
    return {"number": str(known.review.decisions[-1].number)}


async def note(work: Work, session: str, text: str) -> Mapping[str, str]:
    """Something to remember about a session, beside its incidents."""
    state = await _there(work, session)
    words, name = _words(state, session, text, field="text"), work.new_id("note")
    await work.do(record.DECIDER, session, AddNote(note=name, text=words, by=work.order.actor, at=work.at))
    return {"note": name}


async def prioritise(
    work: Work, session: str, *, weights: Mapping[str, float] | None = None, why: str | None = None
) -> None:
    """Another version of the review priority, beside those that there are: once all is sealed, or for a reason."""
    state = await _there(work, session)
    words = None if why is None else _words(state, session, why, field="why")
    seen = await work.state(incidents.DECIDER, session)
    plan = await work.state(schedule.DECIDER, state.schedule)
    order = Prioritise(
        inputs=judged(seen, second=state.policy.second_reviewer), muted=tuple(sorted(state.allowed.muted)),
        policy=state.policy.version, policy_today=plan.policy.version, at=work.at, by=work.order.actor,
        weights=None if weights is None else dict(weights), why=words,
    )  # fmt: skip
    await work.do(record.DECIDER, session, order)


async def must_be_undecided(work: Work, session: str) -> None:
    """Raises `Refused` once somebody has decided: nothing is added to what that rests on."""
    if (await work.state(record.DECIDER, session)).review.decisions:
        raise Refused("the record of this session has been decided on", field="decision")


async def _there(work: Work, session: str) -> Session:
    state = await work.state(session_rules.DECIDER, session)
    if state.phase == "absent":
        raise Refused("there is no such session", kind="not_found")
    return state


def _words(state: Session, session: str, text: str, *, field: str) -> Private:
    if not text.strip():
        rule = "a note needs a text" if field == "text" else "a reason is needed"
        raise Refused(rule, field=field, kind="invalid")
    return Private(state.subject, text, session=session, key_class="notes")
