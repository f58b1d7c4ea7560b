"""What happens to a session: its onboarding, its clock, its faults and its end."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256

from commands.handler import Work
from commands.muting import everywhere, keep_off
from commands.outages import give_back
from commands.reviewing import must_be_undecided
from domain import fault, following, onboarding, schedule, session_rules, start_pin, waiving
from domain.assessment import OpensIn
from domain.event import Private, Refused
from domain.notice import notice
from domain.onboarding import Check, CheckName
from domain.phase import Track
from domain.policy import Policy
from domain.session import Session
from domain.waiving import Instead

_NOT_OPEN = {"cancelled": "the exam was called off", "closed": "the exam is over"}


def notice_hash(policy: Policy, opens_in: OpensIn = "tab") -> str:
    """SHA-256 (hex) of the notice's text, which an acknowledgement must name."""
    return sha256(notice(policy, opens_in).encode()).hexdigest()


async def acknowledge_notice(work: Work, name: str, *, policy_version: int, sha256: str) -> None:
    _, plan = await _with_schedule(work, name)
    in_force = (plan.policy.version, notice_hash(plan.policy, plan.assessment.opens_in))
    order = onboarding.AcknowledgeNotice(policy_version=policy_version, sha256=sha256, in_force=in_force)
    await work.do(session_rules.DECIDER, name, order)


async def decline_notice(work: Work, name: str) -> None:
    _, plan = await _with_schedule(work, name)
    await work.do(session_rules.DECIDER, name, onboarding.DeclineNotice(policy_version=plan.policy.version))


async def report_check(work: Work, name: str, checks: tuple[Check, ...]) -> None:
    state, plan = await _with_schedule(work, name)
    needed = waiving.needed(plan.policy, state.waived)
    await work.do(session_rules.DECIDER, name, onboarding.ReportCheck(checks=checks, needed=needed))


async def waive_check(work: Work, name: str, *, check: CheckName, instead: Instead, reason: str) -> None:
    """Does without a check, for this candidate."""
    state, plan = await _with_schedule(work, name)
    order = waiving.WaiveCheck(
        at=work.at, check=check, by=work.order.actor, reason=_about(state, name, reason), instead=instead,
        policy=state.policy if state.started_at else plan.policy,
    )  # fmt: skip
    await work.do(session_rules.DECIDER, name, order)


async def start(work: Work, name: str, pin: str = "") -> Mapping[str, str]:
    """Starts the clock and freezes the policy. The schedule must be active and have live proctoring switched on.

    A wrong PIN is noted, and `wrong` is then among the ids.
    """
    state, plan = await _with_schedule(work, name)
    if plan.candidates.get(state.subject) != name:
        raise Refused("you are no longer enrolled for this exam", field="schedule")
    if plan.phase != "active" or plan.window is None:
        raise Refused(_NOT_OPEN.get(plan.phase, "the exam has not been opened by its planner yet"), field="schedule")
    if not plan.live_proctoring:
        raise Refused("live proctoring is switched off for this exam", field="live_proctoring")
    order = session_rules.Start(
        at=work.at, policy=plan.policy, sha256=notice_hash(plan.policy, plan.assessment.opens_in),
        duration_s=plan.duration_s,
        opens_at=plan.window.opens_at, last_entry_at=plan.window.last_entry_at, end_at=plan.window.closes_at,
        opens_in=plan.assessment.opens_in, switched_off=tuple(sorted(plan.policy.kinds & plan.switched_off.keys())),
        off_everywhere=tuple(sorted(plan.policy.kinds & (await everywhere(work)).off.keys())),
    )  # fmt: skip
    session_rules.decide(order, state)  # whatever else is in the way is told before the PIN is asked for
    if plan.pin and plan.pin.text:
        typed = "".join(pin.split())
        right = hmac.compare_digest(typed.encode(), plan.pin.text.encode()) if typed else None
        if await work.do(session_rules.DECIDER, name, start_pin.TryPin(at=work.at, right=right)):
            return {"wrong": "pin"}
    await work.do(session_rules.DECIDER, name, order)
    return {}


async def submit(work: Work, name: str) -> None:
    await work.do(session_rules.DECIDER, name, session_rules.Submit(at=work.at))


async def expire(work: Work, name: str) -> None:
    """Lets the clock speak; does nothing when nothing is due. Only who could have come is a no-show."""
    await follow(work, name)
    state, plan = await _with_schedule(work, name)
    could_come = plan.phase == "active" and plan.candidates.get(state.subject) == name
    if plan.window is not None and (state.started_at or could_come):
        order = session_rules.Expire(
            at=work.at, last_entry_at=plan.window.last_entry_at, closes_at=plan.window.closes_at,
            called_off=plan.phase == "cancelled",
        )  # fmt: skip
        await work.do(session_rules.DECIDER, name, order)


async def follow(work: Work, name: str) -> Mapping[str, str]:
    """Brings a session that runs up to a schedule that was put off or made longer."""
    _, plan = await _with_schedule(work, name)
    if plan.window is not None:
        order = following.Follow(at=work.at, closes_at=plan.window.closes_at, duration_s=plan.duration_s)
        await work.do(session_rules.DECIDER, name, order)
    return {"session": name}


async def admit_late(work: Work, name: str, reason: str) -> None:
    """Lets somebody in after the last entry, until the window closes."""
    state, plan = await _with_schedule(work, name)
    if plan.phase != "active" or plan.window is None or plan.candidates.get(state.subject) != name:
        raise Refused("nobody can be admitted to an exam that is not open to them", field="schedule")
    order = session_rules.AdmitLate(
        at=work.at, by=work.order.actor, reason=_about(state, name, reason), closes_at=plan.window.closes_at
    )
    await work.do(session_rules.DECIDER, name, order)


async def reopen(work: Work, name: str, reason: str) -> None:
    """Goes on with a session that ended in a fault. It is paused, until somebody resumes it."""
    state, plan = await _with_schedule(work, name)
    if plan.phase != "active":
        raise Refused(f"the exam is {plan.phase}", field="schedule")
    await must_be_undecided(work, name)
    order = session_rules.Reopen(at=work.at, by=work.order.actor, reason=_about(state, name, reason))
    await work.do(session_rules.DECIDER, name, order)
    await keep_off(work, name, plan)
    await follow(work, name)
    await give_back(work, name)


async def lose_connection(work: Work, name: str, track: Track, why: str) -> None:
    await work.do(session_rules.DECIDER, name, fault.LoseConnection(at=work.at, track=track, why=why))


async def restore_connection(work: Work, name: str, track: Track) -> None:
    await work.do(session_rules.DECIDER, name, fault.RestoreConnection(at=work.at, track=track))


async def open_fault(
    work: Work, name: str, what: str, why: str, *, since: datetime | None = None, cause: fault.Cause = "ours"
) -> None:
    await work.do(session_rules.DECIDER, name, fault.OpenFault(what=what, why=why, cause=cause, since=since))


async def close_fault(work: Work, name: str, what: str, since: datetime | None = None) -> None:
    await work.do(session_rules.DECIDER, name, fault.CloseFault(what=what, since=since))


async def note_outage(work: Work, name: str, what: str, why: str, *, since: datetime) -> None:
    """A fault of ours that could not be noted while it lasted, because it was the ledger that was away."""
    await work.do(session_rules.DECIDER, name, fault.OpenFault(what=what, why=why, since=since))
    await work.do(session_rules.DECIDER, name, fault.CloseFault(what=what, since=work.at))


def _about(state: Session, name: str, reason: str) -> Private:
    if not reason.strip():
        raise Refused("a reason is needed", field="reason", kind="invalid")
    return Private(state.subject, reason, session=name, key_class="notes")


async def _with_schedule(work: Work, name: str) -> tuple[Session, schedule.Schedule]:
    state = await work.state(session_rules.DECIDER, name)
    if state.phase == "absent":
        raise Refused("there is no such session", kind="not_found")
    return state, await work.state(schedule.DECIDER, state.schedule)
