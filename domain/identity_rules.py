"""What may happen to a candidate's identity check, and when. The events and the state are in `identity.py`."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, assert_never

from domain.accommodation import Accommodation
from domain.event import Command, Private, Refused
from domain.identity import (
    HELD,
    LETS_IN,
    Finding,
    Identity,
    IdentityApproved,
    IdentityCaptured,
    IdentityDeferred,
    IdentityDisputed,
    IdentityEvent,
    IdentityRejected,
    IdentitySettled,
    IdentityTaken,
    Picture,
    ReferenceSet,
    Route,
    Standing,
    Stored,
    owed,
)
from domain.phase import OVER, RUNNING, said

if TYPE_CHECKING:
    from domain.session import Session

# Commands.


class Capture(Command, frozen=True, kw_only=True):
    at: datetime
    picture: Picture
    object_key: str
    sha256: str
    asked: bool  # by the policy that holds


class SetReference(Command, frozen=True, kw_only=True):
    object_key: str
    sha256: str


class TakeIdentity(Command, frozen=True, kw_only=True):
    at: datetime
    by: str


class ApproveIdentity(Command, frozen=True, kw_only=True):
    at: datetime
    by: str
    route: Route = "pictures"
    reason: Private | None = None


class RejectIdentity(Command, frozen=True, kw_only=True):
    at: datetime
    by: str
    reason: Private


class DeferIdentity(Command, frozen=True, kw_only=True):
    at: datetime
    by: str
    reason: Private | None = None


class DisputeIdentity(Command, frozen=True, kw_only=True):
    at: datetime
    by: str
    reason: Private


class SettleIdentity(Command, frozen=True, kw_only=True):
    at: datetime
    by: str
    finding: Finding
    reason: Private


DecideIdentity = ApproveIdentity | RejectIdentity | DeferIdentity | DisputeIdentity
IdentityCommand = Capture | SetReference | TakeIdentity | DecideIdentity | SettleIdentity


def route_of(accommodation: Accommodation) -> Route:
    """How a candidate is identified, as far as nobody decides otherwise."""
    return "pictures" if accommodation.identity_route == "photos" else accommodation.identity_route


def must_let_in(state: Session) -> None:
    """Raises `Refused` with what is missing for the start."""
    identity = state.identity
    if identity.standing in LETS_IN:
        return
    if route_of(state.allowed.accommodation) != "pictures":
        raise Refused("an invigilator has to see who you are before you start; you need no pictures", field="identity")
    rule = {
        "none": "take the pictures of yourself and of your document before you start",
        "waiting": "an invigilator is looking at your pictures; you can start as soon as they have",
        "rejected": "your pictures were not accepted; take new ones",
    }[identity.standing]
    raise Refused(rule, field="identity")


def decide(command: IdentityCommand, state: Session) -> tuple[IdentityEvent, ...]:
    identity = state.identity
    if isinstance(command, SettleIdentity):
        return _settle(command, state)
    if state.phase in OVER:
        raise Refused(f"a session that is {said(state.phase)} is past its identity check; a reviewer decides now")
    match command:
        case Capture():
            return _capture(command, state)
        case SetReference(object_key=object_key, sha256=sha256):
            if identity.reference == Stored(object_key=object_key, sha256=sha256):
                return ()
            return (ReferenceSet(object_key=object_key, sha256=sha256),)
        case TakeIdentity():
            return _take(command, state)
        case ApproveIdentity() | RejectIdentity() | DeferIdentity() | DisputeIdentity():
            return _decide(command, state)
        case _:
            assert_never(command)


def _capture(command: Capture, state: Session) -> tuple[IdentityEvent, ...]:
    """Pictures are taken after the notice, never before, and not again once they were accepted."""
    identity = state.identity
    if not command.asked:
        raise Refused("no identity check is asked for in this exam", field="identity")
    if state.notice is None:
        raise Refused("acknowledge the notice before pictures of you are taken", field="notice")
    if identity.pictures.get(command.picture) == Stored(object_key=command.object_key, sha256=command.sha256):
        return ()
    if identity.standing in ("approved", "disputed", "settled"):
        raise Refused(f"your identity is {identity.standing} already; no new pictures are needed", field="identity")
    return (
        IdentityCaptured(
            at=command.at, picture=command.picture, object_key=command.object_key, sha256=command.sha256
        ),
    )  # fmt: skip


def _take(command: TakeIdentity, state: Session) -> tuple[IdentityEvent, ...]:
    """Taken again by the same person it is held for longer."""
    identity = state.identity
    without = identity.standing == "none" and route_of(state.allowed.accommodation) != "pictures"
    if not (identity.undecided or without):
        raise _overtaken(identity) or Refused("there is nothing to look at", field="identity")
    holder = identity.held_by(command.at)
    if holder and holder != command.by:
        raise Refused(f"{holder} is looking at it", field="taken_by")
    if holder and identity.taken_at and command.at < identity.taken_at + HELD / 2:
        return ()
    return (IdentityTaken(at=command.at, by=command.by),)


def _decide(command: DecideIdentity, state: Session) -> tuple[IdentityEvent, ...]:
    """The first decision holds. Who says the same again changes nothing, and who says something else is told."""
    identity, wanted = state.identity, _WANTED[type(command)]
    if identity.standing == wanted:
        return ()
    if identity.standing not in _OPEN_TO[wanted]:
        raise _overtaken(identity) or Refused("there are no pictures to decide on yet", field="identity")
    match command:
        case ApproveIdentity(at=at, by=by, route=route, reason=reason):
            if route == "pictures" and not identity.complete:
                rule = "there are not both pictures; say by which other route you know who this is"
                raise _overtaken(identity) or Refused(rule, field="route")
            if route == "other" and reason is None:
                raise Refused("say how you know who this is", field="reason", kind="invalid")
            return (IdentityApproved(at=at, by=by, route=route, reason=reason),)
        case RejectIdentity(at=at, by=by, reason=reason):
            if not identity.complete:
                raise Refused("there are no pictures to decide on yet", field="identity")
            return (IdentityRejected(at=at, by=by, reason=reason),)
        case DeferIdentity(at=at, by=by, reason=reason):
            return (IdentityDeferred(at=at, by=by, reason=reason),)
        case DisputeIdentity(at=at, by=by, reason=reason):
            if state.phase not in RUNNING:
                raise Refused("this exam has not begun: reject the pictures instead", field="decision")
            return (IdentityDisputed(at=at, by=by, reason=reason),)
        case _:
            assert_never(command)


def _settle(command: SettleIdentity, state: Session) -> tuple[IdentityEvent, ...]:
    identity = state.identity
    if identity.standing == "settled":
        if identity.finding == command.finding:
            return ()
    elif not owed(identity, state.phase, started=state.started_at is not None):
        raise Refused("nothing about this identity was left open for a reviewer", field="identity")
    return (IdentitySettled(at=command.at, by=command.by, finding=command.finding, reason=command.reason),)


_WANTED: dict[type[DecideIdentity], Standing] = {
    ApproveIdentity: "approved", RejectIdentity: "rejected", DeferIdentity: "deferred", DisputeIdentity: "disputed",
}  # fmt: skip
_OPEN_TO: dict[Standing, frozenset[Standing]] = {
    "approved": frozenset({"none", "waiting", "rejected", "deferred"}),
    "rejected": frozenset({"waiting", "deferred"}),
    "deferred": frozenset({"none", "waiting", "rejected"}),
    "disputed": frozenset({"waiting", "approved", "rejected", "deferred"}),
}


def _overtaken(identity: Identity) -> Refused | None:
    """Says who has decided what, to whoever comes second."""
    if not identity.by or identity.standing in ("none", "waiting"):
        return None
    return Refused(f"{identity.by} has {identity.standing} it already", field="decision")
