"""A check that cannot pass, waived by a person for one session, and what is done instead.

Its track is owed no longer, and what could only be seen there is not observed.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec.structs import replace

from domain.event import Command, Event, Private, Refused
from domain.fault import returned
from domain.muting import DetectorMuted, Why
from domain.onboarding import CheckName, Ready, SystemChecked
from domain.phase import RUNNING, Track, said
from domain.policy import IncidentKind, Policy

if TYPE_CHECKING:
    from domain.session import Session

Instead = Literal["in_person", "video_call", "other_device", "nothing", "other"]

# Events of a session. Tags and field names are on disk for ever.


class CheckWaived(Event, frozen=True, kw_only=True, tag="session.check_waived"):
    """`instead` is how the candidate is looked after; the reason says it where that is `other`."""

    at: datetime
    check: CheckName
    by: str
    reason: Private
    instead: Instead


# Commands.


class WaiveCheck(Command, frozen=True, kw_only=True):
    at: datetime
    check: CheckName
    by: str
    reason: Private
    instead: Instead
    policy: Policy  # that holds for the session


# State.


class Waived(msgspec.Struct, frozen=True, kw_only=True):
    at: datetime
    by: str
    instead: Instead


def needed(policy: Policy, waived: Collection[CheckName] = ()) -> frozenset[CheckName]:
    """The checks that have to pass before the start. The microphone is heard with the camera, or not at all."""
    checks: set[CheckName] = {"browser", "network"}
    if policy.camera:
        checks.add("camera")
        if policy.microphone and "camera" not in waived:
            checks.add("microphone")
    if policy.screen:
        checks.add("screen")
    return frozenset(checks - set(waived))


def owed(policy: Policy, waived: Collection[CheckName]) -> tuple[Track, ...]:
    """The tracks that a session must publish."""
    return tuple(track for track in policy.tracks if track not in waived)


def silent(policy: Policy, waived: Collection[CheckName]) -> dict[IncidentKind, Why]:
    """What cannot be looked or listened for without what was waived."""
    unseen: set[IncidentKind] = {one.kind for one in policy.detectors} if "camera" in waived else set()
    told: dict[CheckName, IncidentKind] = {
        "camera": "camera_muted", "microphone": "voice", "screen": "screen_share_stopped",
    }  # fmt: skip
    unseen |= {kind for check, kind in told.items() if check in waived}
    return dict.fromkeys(sorted(unseen & policy.kinds), "waived")


def evolve(state: Session, event: CheckWaived) -> Session:
    waived = state.waived | {event.check: Waived(at=event.at, by=event.by, instead=event.instead)}
    lost = {track: since for track, since in state.lost.items() if track != event.check}
    return returned(state, replace(state, waived=waived, lost=lost), event.at)  # nobody waits for it any more


def decide(command: WaiveCheck, state: Session) -> tuple[CheckWaived | SystemChecked | Ready | DetectorMuted, ...]:
    """The first who waives it decides what is done instead. Who has failed just this check is ready by it."""
    known = state.waived.get(command.check)
    if known and known.instead == command.instead:
        return ()
    if known:
        raise Refused(f"this check was waived already, with {known.instead.replace('_', ' ')} instead", field="check")
    if state.over:
        raise Refused(f"a session that is {said(state.phase)} needs no check any more")
    if command.check not in needed(command.policy):
        raise Refused("this exam does not ask for this check", field="check")
    event = CheckWaived(
        at=command.at, check=command.check, by=command.by, reason=command.reason, instead=command.instead
    )
    waived = {*state.waived, command.check}
    if state.phase in RUNNING:
        kinds = {kind: why for kind, why in silent(state.policy, waived).items() if kind not in state.withheld}
        return (event, *(DetectorMuted(at=command.at, kind=kind, why=why) for kind, why in kinds.items()))
    passed = {check.name for check in state.checks if check.passed}
    if state.checks and not state.checked and needed(command.policy, waived) <= passed:
        return (event, SystemChecked(checks=state.checks, passed=True), Ready())
    return (event,)
