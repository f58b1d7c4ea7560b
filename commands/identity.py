"""The identity check of a candidate: pictures kept, looked at, and decided on by people."""

from __future__ import annotations

from typing import Literal

from commands.handler import Work
from domain import identity_rules as rules
from domain import schedule, session_rules
from domain.event import Private, Refused
from domain.identity import Finding, Picture, Route
from domain.session import Session

Decision = Literal["approve", "reject", "defer", "dispute"]


async def capture(work: Work, name: str, *, picture: Picture, object_key: str, sha256: str) -> None:
    """Notes a picture that the candidate took and that is stored by now."""
    state, plan = await _with_schedule(work, name)
    policy = state.policy if state.started_at else plan.policy
    order = rules.Capture(
        at=work.at, picture=picture, object_key=object_key, sha256=sha256, asked=policy.identity
    )  # fmt: skip
    await work.do(session_rules.DECIDER, name, order)


async def set_reference(work: Work, name: str, *, object_key: str, sha256: str) -> None:
    """Notes the institution's own photo of a candidate."""
    await _there(work, name)
    await work.do(session_rules.DECIDER, name, rules.SetReference(object_key=object_key, sha256=sha256))


async def take(work: Work, name: str) -> None:
    """The caller looks at it now, and nobody else for a minute."""
    await _there(work, name)
    await work.do(session_rules.DECIDER, name, rules.TakeIdentity(at=work.at, by=work.order.actor))


async def decide(work: Work, name: str, *, decision: Decision, route: Route, reason: str) -> None:
    state = await _there(work, name)
    by, why = work.order.actor, Private(state.subject, reason, session=name, key_class="notes")
    if decision in ("reject", "dispute"):
        _must_say(reason)
    order: rules.DecideIdentity
    match decision:
        case "approve":
            order = rules.ApproveIdentity(at=work.at, by=by, route=route, reason=why if reason.strip() else None)
        case "reject":
            order = rules.RejectIdentity(at=work.at, by=by, reason=why)
        case "defer":
            order = rules.DeferIdentity(at=work.at, by=by, reason=why if reason.strip() else None)
        case "dispute":
            order = rules.DisputeIdentity(at=work.at, by=by, reason=why)
    await work.do(session_rules.DECIDER, name, order)


async def settle(work: Work, name: str, *, finding: Finding, reason: str) -> None:
    """A reviewer says what they found where it had been left open."""
    state = await _there(work, name)
    _must_say(reason)
    why = Private(state.subject, reason, session=name, key_class="notes")
    order = rules.SettleIdentity(at=work.at, by=work.order.actor, finding=finding, reason=why)
    await work.do(session_rules.DECIDER, name, order)


async def _there(work: Work, name: str) -> Session:
    state = await work.state(session_rules.DECIDER, name)
    if state.phase == "absent":
        raise Refused("there is no such session", kind="not_found")
    return state


async def _with_schedule(work: Work, name: str) -> tuple[Session, schedule.Schedule]:
    state = await _there(work, name)
    return state, await work.state(schedule.DECIDER, state.schedule)


def _must_say(reason: str) -> None:
    if not reason.strip():
        raise Refused("a reason is needed", field="reason", kind="invalid")
