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
from domain.assessment import OpensIn
from domain.onboarding import Check
from domain.phase import Track
from domain.policy import Policy, Window, notice
from domain.schedule import Schedule
from domain.session import Session
from domain.session_rules import DECIDER
from domain.stream import Stream

Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What the candidate is told. `policy_version` and `sha256` (hex, of the text as UTF-8) name it."""

    policy_version: int
    sha256: str
    text: str
    acknowledged: bool


class SessionRead(msgspec.Struct, frozen=True, kw_only=True):
    """`tracks` are what must be published; candidates are told the `assessment_url` once they have started.

    `pin_needed` is whether the start asks for a PIN. The emergency contact is for when the page does not work.
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
    emergency_phone: str
    emergency_email: str


class NoticeAnswer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    policy_version: int
    sha256: Sha256
    answer: Literal["acknowledged", "declined"] = "acknowledged"


class Because(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pin: Annotated[str, msgspec.Meta(max_length=20)] = ""


class SystemCheck(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    checks: Annotated[tuple[Check, ...], msgspec.Meta(min_length=1, max_length=20)]


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    passed: bool


@get("/sessions/{session:str}", guards=[may("candidate", "planner", *WATCHERS, "reviewer", "auditor")], opt=VERSIONED)
async def read(request: AnyRequest, session: FromPath[str]) -> Response[SessionRead]:
    services, tenant = services_of(request), caller_of(request).tenant
    version, state = await services.handler.load(DECIDER, str(Stream(tenant, "session", session)), fresh=True)
    plan = await load_schedule(services, tenant, state.schedule)
    assert plan.window is not None
    policy, opens_in = _in_force(state, plan)
    hidden = caller_of(request).candidate and not state.started_at
    answer = SessionRead(
        session=session, schedule=state.schedule, title=plan.title, window=plan.window, clock=clock(state),
        live_proctoring=plan.live_proctoring, policy=policy, tracks=policy.tracks,
        assessment_url="" if hidden else plan.assessment.url,
        opens_in=opens_in, notice=_notice(state, policy, opens_in),
        pin_needed=not state.started_at and bool(plan.pin and plan.pin.text),
        emergency_phone=plan.contact.phone, emergency_email=plan.contact.email,
    )  # fmt: skip
    return tagged(request, answer, version)


@get("/sessions/{session:str}/notice", guards=[may("candidate")])
async def read_notice(request: AnyRequest, session: FromPath[str]) -> Notice:
    """The notice that holds now; after the start, the one that was acknowledged."""
    services, tenant = services_of(request), caller_of(request).tenant
    state = await load_session(services, tenant, session)
    return _notice(state, *_in_force(state, await load_schedule(services, tenant, state.schedule)))


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
    return Checked(passed=state.checked)


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


def _in_force(state: Session, plan: Schedule) -> tuple[Policy, OpensIn]:
    """What holds for a session, from its start on for good."""
    return (state.policy, state.opens_in) if state.started_at else (plan.policy, plan.assessment.opens_in)


def _notice(state: Session, policy: Policy, opens_in: OpensIn) -> Notice:
    digest = sessions.notice_hash(policy, opens_in)
    return Notice(
        policy_version=policy.version, sha256=digest, text=notice(policy, opens_in),
        acknowledged=state.notice == (policy.version, digest),
    )  # fmt: skip


async def _told(request: AnyRequest, session: str) -> None:
    told: hints.Hints = request.app.state.hints
    await told.say(hints.candidate(session))


HANDLERS = (read, read_notice, answer_notice, check, start, submit, admit, reopen)
