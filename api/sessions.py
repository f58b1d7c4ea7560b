"""A session, as its candidate takes it: notice, system check, start, submit."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, JSONBody

from api import hints
from api.callers import WATCHERS, load_schedule, load_session, may
from api.candidate_view import Clock, clock
from api.etags import VERSIONED, tagged
from api.ordering import AnyRequest, caller_of, command, services_of
from api.start_pin import checked
from commands import sessions
from domain.advice import ADVICE, alternative
from domain.assessment import OpensIn
from domain.consent import Answer
from domain.next_step import Step, next_step
from domain.notice import notice
from domain.onboarding import Check, CheckName
from domain.phase import Track
from domain.policy import Policy, Window
from domain.purpose import WHAT, Purpose, asked
from domain.schedule import Schedule
from domain.session import Session
from domain.session_rules import DECIDER
from domain.stream import Stream
from domain.waiving import Instead, needed, owed

Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What the candidate is told. `policy_version` and `sha256` (hex, of the text as UTF-8) name it."""

    policy_version: int
    sha256: str
    text: str
    acknowledged: bool


class SessionRead(msgspec.Struct, frozen=True, kw_only=True):
    """`tracks` are what must be published, without those of checks that were waived. Candidates are told the
    `assessment_url` once they have started.

    `pin_needed` is whether the start asks for a PIN. The emergency contact is for when the page does not work.
    `alternative` is what who declines the notice can do instead.
    """

    session: str
    schedule: str
    title: str
    window: Window
    live_proctoring: bool
    pin_needed: bool
    clock: Clock
    policy: Policy
    assessment_url: str
    opens_in: OpensIn
    tracks: tuple[Track, ...]
    notice: Notice
    alternative: str
    onboarding: Onboarding
    emergency_phone: str
    emergency_email: str


class NoticeAnswer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    policy_version: int
    sha256: Sha256
    answer: Literal["acknowledged", "declined"] = "acknowledged"


class Because(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class NewWaiver(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`instead` is how the candidate is looked after without this check; the reason says it where that is `other`."""

    check: CheckName
    instead: Instead
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pin: Annotated[str, msgspec.Meta(max_length=20)] = ""


class ConsentAsked(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the candidate is asked to agree to, in words; `answer` is None until they have said."""

    purpose: Purpose
    what: str
    answer: Answer | None


class Onboarding(msgspec.Struct, frozen=True, kw_only=True):
    """`next` is what the candidate has to do now; a page that is opened again goes on from there."""

    next: Step
    consents: tuple[ConsentAsked, ...]


class SystemCheck(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    checks: Annotated[tuple[Check, ...], msgspec.Meta(min_length=1, max_length=20)]


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """What to do about a check that failed. One that is not `needed` stands in nobody's way."""

    check: CheckName
    needed: bool
    do: str


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    passed: bool
    advice: tuple[Advice, ...]


@get("/sessions/{session:str}", guards=[may("candidate", "planner", *WATCHERS, "reviewer", "auditor")], opt=VERSIONED)
async def read(request: AnyRequest, session: FromPath[str]) -> Response[SessionRead]:
    services, tenant = services_of(request), caller_of(request).tenant
    version, state = await services.handler.load(DECIDER, str(Stream(tenant, "session", session)), fresh=True)
    plan = await load_schedule(services, tenant, state.schedule)
    assert plan.window is not None
    policy, opens_in = in_force(state, plan)
    hidden = caller_of(request).candidate and not state.started_at
    answer = SessionRead(
        session=session, schedule=state.schedule, title=plan.title, window=plan.window, clock=clock(state),
        live_proctoring=plan.live_proctoring, policy=policy, tracks=owed(policy, state.waived),
        assessment_url="" if hidden else plan.assessment.url,
        opens_in=opens_in, notice=_notice(state, policy, opens_in), alternative=alternative(policy, plan.contact),
        onboarding=Onboarding(next=upcoming(state, plan), consents=_consents(state, policy)),
        pin_needed=not state.started_at and bool(plan.pin and plan.pin.text),
        emergency_phone=plan.contact.phone, emergency_email=plan.contact.email,
    )  # fmt: skip
    return tagged(request, answer, version)


@get("/sessions/{session:str}/notice", guards=[may("candidate")])
async def read_notice(request: AnyRequest, session: FromPath[str]) -> Notice:
    """The notice that holds now; after the start, the one that was acknowledged."""
    services, tenant = services_of(request), caller_of(request).tenant
    state = await load_session(services, tenant, session)
    return _notice(state, *in_force(state, await load_schedule(services, tenant, state.schedule)))


@post("/sessions/{session:str}/notice", guards=[may("candidate")], status_code=204)
async def answer_notice(request: AnyRequest, session: FromPath[str], data: JSONBody[NoticeAnswer]) -> None:
    """Acknowledges the notice, by the version and hash that were shown; or declines it, which ends the session."""
    if data.answer == "declined":
        await command(request, partial(sessions.decline_notice, name=session))
    else:
        wanted = partial(
            sessions.acknowledge_notice, name=session, policy_version=data.policy_version, sha256=data.sha256
        )
        await command(request, wanted)
    await _told(request, session)


@post("/sessions/{session:str}/system-check", guards=[may("candidate")], status_code=200)
async def check(request: AnyRequest, session: FromPath[str], data: JSONBody[SystemCheck]) -> Checked:
    """Keeps what the candidate's page measured; all that the policy needs must pass before the start."""
    await command(request, partial(sessions.report_check, name=session, checks=data.checks))
    await _told(request, session)
    state = await load_session(services_of(request), caller_of(request).tenant, session)
    plan = await load_schedule(services_of(request), caller_of(request).tenant, state.schedule)
    return _checked(data, plan.policy, state)


@post("/sessions/{session:str}/rehearsal", guards=[may("candidate")], status_code=200)
async def rehearse(request: AnyRequest, session: FromPath[str], data: JSONBody[SystemCheck]) -> Checked:
    """Says whether these checks would pass and what to do about those that fail. Nothing is recorded, at any time."""
    services, tenant = services_of(request), caller_of(request).tenant
    state = await load_session(services, tenant, session)
    policy, _ = in_force(state, await load_schedule(services, tenant, state.schedule))
    return _checked(data, policy, state)


@post("/sessions/{session:str}/waivers", guards=[may(*WATCHERS)], status_code=204)
async def waive(request: AnyRequest, session: FromPath[str], data: JSONBody[NewWaiver]) -> None:
    """Does without one check for one candidate, also while the exam runs. Its track is owed no longer, and what could
    only be seen there is muted and stands in the record as not observed.
    """
    waiver = partial(
        sessions.waive_check, name=session, check=data.check, instead=data.instead, reason=data.reason
    )  # fmt: skip
    await command(request, waiver)
    await _told(request, session)


@post("/sessions/{session:str}/start", guards=[may("candidate")], status_code=200)
async def start(request: AnyRequest, session: FromPath[str], data: JSONBody[Entry | None] = None) -> Clock:
    """Starts the clock, with the start PIN if the schedule has one. Said twice, it happens once.

    A missing or wrong PIN is a 422 about `pin`; after five wrong ones there is a growing wait (429, `Retry-After`).
    """
    await checked(request, session, partial(sessions.start, name=session, pin=data.pin if data else ""))
    await _told(request, session)
    return clock(await load_session(services_of(request), caller_of(request).tenant, session))


@post("/sessions/{session:str}/submit", guards=[may("candidate")], status_code=200)
async def submit(request: AnyRequest, session: FromPath[str]) -> Clock:
    """Hands in, and ends the session; the receipt follows within seconds."""
    await command(request, partial(sessions.submit, name=session))
    await _told(request, session)
    return clock(await load_session(services_of(request), caller_of(request).tenant, session))


@post("/sessions/{session:str}/admission", guards=[may("planner", *WATCHERS)], status_code=204)
async def admit(request: AnyRequest, session: FromPath[str], data: JSONBody[Because]) -> None:
    """Lets somebody in after the last entry, also a no-show; they may start until the window closes."""
    await command(request, partial(sessions.admit_late, name=session, reason=data.reason))
    await _told(request, session)


@post("/sessions/{session:str}/reopen", guards=[may("planner", *WATCHERS)], status_code=204)
async def reopen(request: AnyRequest, session: FromPath[str], data: JSONBody[Because]) -> None:
    """Goes on with a session that ended in a fault: it is paused, with the time that was left, until it is resumed."""
    await command(request, partial(sessions.reopen, name=session, reason=data.reason))
    await _told(request, session)


def in_force(state: Session, plan: Schedule) -> tuple[Policy, OpensIn]:
    """What holds for a session, from its start on for good."""
    return (state.policy, state.opens_in) if state.started_at else (plan.policy, plan.assessment.opens_in)


def upcoming(state: Session, plan: Schedule) -> Step:
    """What the candidate has to do next."""
    policy, opens_in = in_force(state, plan)
    return next_step(state, policy, (policy.version, sessions.notice_hash(policy, opens_in)))


def _consents(state: Session, policy: Policy) -> tuple[ConsentAsked, ...]:
    known = state.consents
    return tuple(
        ConsentAsked(purpose=one, what=WHAT[one], answer=known[one].answer if one in known else None)
        for one in asked(policy)
    )


def _checked(data: SystemCheck, policy: Policy, state: Session) -> Checked:
    must = needed(policy, state.waived)
    failed = tuple(one.name for one in data.checks if not one.passed)
    return Checked(
        passed=must <= {one.name for one in data.checks if one.passed},
        advice=tuple(Advice(check=name, needed=name in must, do=ADVICE[name]) for name in failed),
    )


def _notice(state: Session, policy: Policy, opens_in: OpensIn) -> Notice:
    digest = sessions.notice_hash(policy, opens_in)
    return Notice(
        policy_version=policy.version, sha256=digest, text=notice(policy, opens_in),
        acknowledged=state.notice == (policy.version, digest),
    )  # fmt: skip


async def _told(request: AnyRequest, session: str) -> None:
    told: hints.Hints = request.app.state.hints
    await told.say(hints.candidate(session))


HANDLERS = (read, read_notice, answer_notice, check, rehearse, waive, start, submit, admit, reopen)
