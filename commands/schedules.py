"""What planners do: schedules, their policy, invigilators and candidates."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from commands.handler import Work
from commands.ids import Pseudonyms, session_id
from commands.policy_templates import copied
from domain import duty, enrolment, schedule, service_token, session_rules, staffing, start_pin, user
from domain.assessment import OpensIn, SetAssessment
from domain.contact import SetContact
from domain.event import Private, Refused
from domain.phase import RUNNING, WAITING
from domain.policy import Policy, Window


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A person to enrol, as the planner knows them. `number` is the institution's own."""

    name: str
    number: str
    email: str | None = None


async def create(
    work: Work,
    *,
    title: str,
    window: Window,
    duration_s: int,
    policy: Policy,
    template: str | None = None,
    assessment_url: str = "",
    opens_in: OpensIn = "tab",
    emergency: SetContact | None = None,
    candidates_per_invigilator: int | None = None,
) -> Mapping[str, str]:
    """With a `template`, its policy is copied and `policy` is ignored."""
    name, copy = work.new_id("schedule"), None
    if template is not None:
        policy, copy = await copied(work, template)
    policy = msgspec.structs.replace(policy, version=1)
    order = schedule.Create(at=work.at, title=title, window=window, duration_s=duration_s, policy=policy)
    await work.do(schedule.DECIDER, name, order)
    if copy:
        await work.do(schedule.DECIDER, name, schedule.SetPolicy(policy=policy, copied=copy))
    await work.do(schedule.DECIDER, name, SetAssessment(url=assessment_url, opens_in=opens_in))
    await _help(work, name, emergency, candidates_per_invigilator)
    return {"schedule": name}


async def change(
    work: Work,
    name: str,
    *,
    title: str | None = None,
    window: Window | None = None,
    duration_s: int | None = None,
    assessment_url: str | None = None,
    opens_in: OpensIn | None = None,
    emergency: SetContact | None = None,
    candidates_per_invigilator: int | None = None,
) -> None:
    """Renames, reschedules, says where the exam is taken and who helps, or all of it; what is None stays.

    A new window reaches sessions that have not started; the others keep their end.
    """
    if title is not None:
        await work.do(schedule.DECIDER, name, schedule.Rename(title=title))
    if window is not None or duration_s is not None:
        state = await work.state(schedule.DECIDER, name)
        if state.window is None:
            raise Refused("there is no such schedule", kind="not_found")
        duration = state.duration_s if duration_s is None else duration_s
        order = schedule.Reschedule(at=work.at, window=window or state.window, duration_s=duration)
        await work.do(schedule.DECIDER, name, order)
    if assessment_url is not None or opens_in is not None:
        await work.do(schedule.DECIDER, name, SetAssessment(url=assessment_url, opens_in=opens_in))
    await _help(work, name, emergency, candidates_per_invigilator)


async def _help(work: Work, name: str, emergency: SetContact | None, per_invigilator: int | None) -> None:
    """Whom candidates reach in an emergency, and for how many an invigilator is."""
    if emergency is not None:
        await work.do(schedule.DECIDER, name, emergency)
    if per_invigilator is not None:
        order = staffing.SetStaffing(candidates_per_invigilator=per_invigilator)
        await work.do(schedule.DECIDER, name, order)


async def set_live_proctoring(work: Work, name: str, *, enabled: bool) -> None:
    await work.do(schedule.DECIDER, name, schedule.SetLiveProctoring(enabled=enabled))


async def set_policy(work: Work, name: str, policy: Policy) -> None:
    await work.do(schedule.DECIDER, name, schedule.SetPolicy(policy=policy))


async def copy_policy(work: Work, name: str, template: str) -> None:
    """Takes the policy that a template has now."""
    policy, copy = await copied(work, template)
    await work.do(schedule.DECIDER, name, schedule.SetPolicy(policy=policy, copied=copy))


async def assign_invigilator(work: Work, name: str, who: str) -> None:
    """Assigns an account, or the service token of a program such as a connected exam platform."""
    roles = (await work.state(user.DECIDER, who)).roles
    program = await work.state(service_token.DECIDER, who)
    roles = roles or (program.roles if program.good(work.at) else frozenset())
    if not roles & {"invigilator", "lead_invigilator"}:
        raise Refused("only an account with the role invigilator can be assigned", field="user", kind="invalid")
    await work.do(schedule.DECIDER, name, staffing.AssignInvigilator(user=who))


async def remove_invigilator(work: Work, name: str, who: str) -> None:
    """They are off duty with it; what they have taken waits for somebody else a moment later."""
    await work.do(schedule.DECIDER, name, staffing.RemoveInvigilator(user=who))
    removed = duty.GoOff(at=work.at, user=who, by=work.order.actor, why="removed")
    await work.do(duty.DECIDER, name, removed)


async def enrol(work: Work, name: str, candidate: Candidate, pseudonyms: Pseudonyms) -> Mapping[str, str]:
    """Enrols one candidate and opens their session; both or neither."""
    subject = pseudonyms.candidate(work.order.tenant, candidate.number)
    session = session_id(name, subject)

    def private(text: str) -> Private:
        return Private(subject, text, session=session, key_class="profile")

    order = enrolment.Enrol(
        at=work.at, subject=subject, session=session, name=private(candidate.name), number=private(candidate.number),
        email=private(candidate.email) if candidate.email else None,
    )  # fmt: skip
    await work.do(schedule.DECIDER, name, order)
    await work.do(session_rules.DECIDER, session, session_rules.Open(schedule=name, subject=subject))
    return {"session": session}


async def withdraw(work: Work, name: str, session: str) -> None:
    state = await work.state(session_rules.DECIDER, session)
    if state.started_at is not None:
        raise Refused("this candidate has started already; end the session instead", field="session")
    await work.do(schedule.DECIDER, name, enrolment.Withdraw(session=session))


async def renew_link(work: Work, name: str, session: str) -> None:
    """Makes the join link of a candidate void, with what came in by it; there is a new one then."""
    number = (await work.state(schedule.DECIDER, name)).links.get(session, 0) + 1
    await work.do(schedule.DECIDER, name, enrolment.RenewLink(session=session, number=number))


async def set_pin(work: Work, name: str, pin: str | None) -> None:
    """Sets the start PIN, or takes it away. It is sealed under a key of the schedule's own."""
    private = None if pin is None else Private(name, pin, key_class="notes")
    await work.do(schedule.DECIDER, name, start_pin.SetPin(pin=private))


async def activate(work: Work, name: str) -> None:
    await work.do(schedule.DECIDER, name, schedule.Activate())


async def close(work: Work, name: str) -> None:
    """All is over: who has not come by the last entry did not show up, and nothing of the schedule changes any more."""
    plan = await work.state(schedule.DECIDER, name)
    if plan.window is None:
        raise Refused("there is no such schedule", kind="not_found")
    expire = session_rules.Expire(at=work.at, last_entry_at=plan.window.last_entry_at, closes_at=plan.window.closes_at)
    running = may_come = 0
    for session in plan.candidates.values() if plan.phase == "active" else ():
        before = await work.state(session_rules.DECIDER, session)
        if before.phase in RUNNING:
            running += 1
        elif before.phase in WAITING and not await work.do(session_rules.DECIDER, session, expire):
            may_come += 1
    await work.do(schedule.DECIDER, name, schedule.Close(running=running, may_come=may_come))


async def cancel(work: Work, name: str, reason: str) -> None:
    await work.do(schedule.DECIDER, name, schedule.Cancel(reason=reason))
