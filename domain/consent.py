"""What a candidate agrees to beyond the notice, and what they object to.

Consent is asked only for what can be left out of a session: a candidate who says no sits the exam all the same, and
withdraws it at any time without a reason. What depended on it stays silent in that session from then on.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Literal, assert_never

import msgspec
from msgspec.structs import replace

from domain.event import Command, Event, Private, Refused
from domain.muting import DetectorMuted, Why
from domain.phase import RUNNING, said
from domain.policy import IncidentKind, Policy
from domain.purpose import GEOMETRY, Purpose, asked

if TYPE_CHECKING:
    from domain.session import Session

Answer = Literal["given", "refused", "withdrawn"]
LONGEST_OBJECTION = 2000  # characters

# Events of a session. Tags and field names are on disk for ever.


class ConsentGiven(Event, frozen=True, kw_only=True, tag="session.consent_given"):
    at: datetime
    purpose: Purpose


class ConsentRefused(Event, frozen=True, kw_only=True, tag="session.consent_refused"):
    """They were asked before the start and said no."""

    at: datetime
    purpose: Purpose


class ConsentWithdrawn(Event, frozen=True, kw_only=True, tag="session.consent_withdrawn"):
    at: datetime
    purpose: Purpose


class ObjectionRaised(Event, frozen=True, kw_only=True, tag="session.objection_raised"):
    """In the candidate's words, for people to answer. The exam goes on."""

    at: datetime
    text: Private


ConsentEvent = ConsentGiven | ConsentRefused | ConsentWithdrawn | ObjectionRaised

# Commands.


class AnswerConsent(Command, frozen=True, kw_only=True):
    at: datetime
    purpose: Purpose
    agreed: bool
    policy: Policy  # that holds for the session


class RaiseObjection(Command, frozen=True, kw_only=True):
    at: datetime
    text: Private


ConsentCommand = AnswerConsent | RaiseObjection

# State.


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    at: datetime
    answer: Answer


Consents = Mapping[Purpose, Answered]


def answered(consents: Consents, event: ConsentGiven | ConsentRefused | ConsentWithdrawn) -> dict[Purpose, Answered]:
    """Models fold with it too."""
    answer: Answer
    match event:
        case ConsentGiven():
            answer = "given"
        case ConsentRefused():
            answer = "refused"
        case ConsentWithdrawn():
            answer = "withdrawn"
        case _:
            assert_never(event)
    return {**consents, event.purpose: Answered(at=event.at, answer=answer)}


def evolve(state: Session, event: ConsentEvent) -> Session:
    if isinstance(event, ObjectionRaised):
        return replace(state, objection=event.text)
    return replace(state, consents=answered(state.consents, event))


def silent(policy: Policy, consents: Consents) -> dict[IncidentKind, Why]:
    """What is not looked for, because it rests on consent that was not given."""
    without = {one for one in asked(policy) if one not in consents or consents[one].answer != "given"}
    kinds = [one.kind for one in policy.detectors]
    silent = [kind for kind in kinds if "ai_flags" in without or ("face_geometry" in without and kind in GEOMETRY)]
    return dict.fromkeys(sorted(silent), "consent")


def decide(command: ConsentCommand, state: Session) -> tuple[ConsentEvent | DetectorMuted, ...]:
    if isinstance(command, RaiseObjection):
        if len(command.text.text or "") > LONGEST_OBJECTION:
            raise Refused(f"at most {LONGEST_OBJECTION} characters", field="text", kind="invalid")
        return () if state.objection == command.text else (ObjectionRaised(at=command.at, text=command.text),)
    known = state.consents.get(command.purpose)
    if known and (known.answer == "given") == command.agreed:
        return ()
    if state.over:
        raise Refused(f"a session that is {said(state.phase)} asks for no consent any more")
    if command.purpose not in asked(command.policy):
        raise Refused("this exam does not ask for your consent to that", field="purpose")
    if state.notice is None:
        raise Refused("acknowledge the notice before you are asked for your consent", field="notice")
    if command.agreed:
        if state.phase in RUNNING:
            raise Refused("what you did not agree to stays off while this exam runs", field="purpose")
        return (ConsentGiven(at=command.at, purpose=command.purpose),)
    if known is None:
        return (ConsentRefused(at=command.at, purpose=command.purpose),)
    withdrawn = ConsentWithdrawn(at=command.at, purpose=command.purpose)
    if state.phase not in RUNNING:
        return (withdrawn,)
    kinds = silent(state.policy, answered(state.consents, withdrawn)).keys() - state.withheld.keys()
    return (withdrawn, *(DetectorMuted(at=command.at, kind=kind, why="consent") for kind in sorted(kinds)))
