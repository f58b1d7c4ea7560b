"""A session: one candidate's proctored attempt, from enrolment to its end. Its rules are in `session_rules.py`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, assert_never

import msgspec
from msgspec.structs import replace

from domain import (
    accommodation,
    bringing_back,
    consent,
    device,
    fault,
    following,
    identity,
    onboarding,
    outage,
    page,
    stops,
    waiving,
)
from domain import help as asking
from domain.accommodation import Accommodated, Allowed
from domain.assessment import OpensIn
from domain.bringing_back import BroughtBack
from domain.consent import Answered, ConsentEvent
from domain.device import DeviceEvent, Devices
from domain.event import Event, Private
from domain.fault import FaultEvent
from domain.following import Promised, Rescheduled
from domain.help import Help, HelpEvent
from domain.identity import Identity, IdentityEvent
from domain.muting import DetectorMuted, Mute
from domain.onboarding import Check, CheckName, OnboardingEvent
from domain.outage import OutageMarked, Span
from domain.page import Page, PageObserved
from domain.phase import OVER, Phase, Track
from domain.policy import IncidentKind, Policy
from domain.purpose import Purpose
from domain.stops import Break, BreakAsked, StopEvent
from domain.waiving import CheckWaived, Waived

GRACE = timedelta(minutes=2)  # for who comes back after their time ran out: to hand in, or be given what they lost

# Events. Tags and field names are on disk for ever.


class Opened(Event, frozen=True, kw_only=True, tag="session.opened"):
    schedule: str
    subject: str


class Started(Event, frozen=True, kw_only=True, tag="session.started"):
    at: datetime
    policy: Policy
    duration_s: int
    end_at: datetime
    opens_in: OpensIn = "tab"


class Paused(Event, frozen=True, kw_only=True, tag="session.paused"):
    at: datetime
    intervention: str


class EndMoved(Event, frozen=True, kw_only=True, tag="session.end_moved"):
    """The session may run to another end: so that a pause takes nobody's time, or because a person decided so."""

    end_at: datetime
    intervention: str


class Resumed(Event, frozen=True, kw_only=True, tag="session.resumed"):
    at: datetime
    intervention: str
    stopped_s: float


class TimeExtended(Event, frozen=True, kw_only=True, tag="session.time_extended"):
    """`made_up_s` ran out while the candidate was cut off; given back too, so that every second granted can be used."""

    seconds: int
    intervention: str
    made_up_s: float = 0.0


class Submitted(Event, frozen=True, kw_only=True, tag="session.submitted"):
    at: datetime
    by: Literal["candidate", "clock"]


class Terminated(Event, frozen=True, kw_only=True, tag="session.terminated"):
    at: datetime
    intervention: str
    reason: Private


class Ended(Event, frozen=True, kw_only=True, tag="session.ended"):
    at: datetime
    why: Literal["no_show", "fault", "called_off"]


class PinRefused(Event, frozen=True, kw_only=True, tag="session.pin_refused"):
    """A wrong start PIN was typed; which one is kept nowhere."""

    at: datetime


SessionEvent = (
    Opened | Started | Paused | Resumed | TimeExtended | EndMoved | Submitted | Terminated | Ended | BroughtBack
    | PinRefused | StopEvent | OnboardingEvent | FaultEvent | HelpEvent | IdentityEvent
    | DeviceEvent | PageObserved | CheckWaived | ConsentEvent
    | Accommodated | DetectorMuted | OutageMarked | Rescheduled
)  # fmt: skip

# State.


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """`due_at` is when the clock runs out if nothing stops it; nothing runs past `end_at`. `lost` holds since when.

    `checks` are the last ones, since the last acknowledgement; `extended` are the interventions that gave time;
    `unheard` are faults in which the candidate's page does not reach us, since when; `returned_at` is when the last of
    those or of the tracks that were lost came back; `reopened` says how often it has been (or reinstated).
    `been_away` is whether they have been on a break since it went on last;
    `pause_below` is whether a pause lies below the lock; `rested_s` is what was taken of the rest breaks that
    were granted beforehand; `stops` are all pauses, locks and breaks that are over; `faults_told` is when a page says
    that a fault last began or ended; `made_up` are times that the clock ran and that were given back by moving it,
    `withheld` are detectors that are silent for want of consent or of a picture; `ill_seen` is why camera or
    screen show too little, by the fault, while that lasts.
    """

    phase: Phase = "absent"
    schedule: str = ""
    subject: str = ""
    notice: tuple[int, str] | None = None
    checks: tuple[Check, ...] = ()
    checked: bool = False
    policy: Policy = Policy()
    opens_in: OpensIn = "tab"
    started_at: datetime | None = None
    duration_s: int = 0
    end_at: datetime | None = None
    extra_s: int = 0
    extended: frozenset[str] = frozenset()
    stopped_s: float = 0.0
    stopped_since: datetime | None = None
    pause_below: bool = False
    on_break: Break | None = None
    break_asked: BreakAsked | None = None
    rested_s: float = 0.0
    been_away: bool = False
    stops: tuple[tuple[datetime, datetime], ...] = ()
    made_up: tuple[tuple[datetime, datetime], ...] = ()
    ended_at: datetime | None = None
    admitted: bool = False
    lost: dict[Track, datetime] = {}
    unheard: dict[str, datetime] = {}
    returned_at: datetime | None = None
    faults: frozenset[str] = frozenset()
    faults_told: dict[str, datetime] = {}
    ill_seen: dict[str, str] = {}
    reopened: int = 0
    pin_refused: int = 0
    pin_refused_at: datetime | None = None
    help: Help = Help()
    outages: dict[str, Span] = {}
    promised: Promised | None = None
    page: Page = Page()
    identity: Identity = Identity()
    devices: Devices = Devices()
    allowed: Allowed = Allowed()
    switched_off: dict[IncidentKind, datetime] = {}
    withheld: dict[IncidentKind, Mute] = {}
    waived: dict[CheckName, Waived] = {}
    consents: dict[Purpose, Answered] = {}
    objection: Private | None = None

    @property
    def cut_off(self) -> dict[str, datetime]:
        """What keeps the candidate from us, since when."""
        return {str(what): since for what, since in (*self.lost.items(), *self.unheard.items())}

    @property
    def over(self) -> bool:
        return self.phase in OVER

    def in_time(self, last_entry_at: datetime) -> bool:
        """Whether they may start after the last entry: admitted late, or here before it for their identity check."""
        return self.admitted or (self.identity.came_at is not None and self.identity.came_at <= last_entry_at)

    @property
    def onboarding(self) -> Literal["expected", "checking", "ready"]:
        """How far the candidate came before the start."""
        return "ready" if self.checked else "checking" if self.notice else "expected"

    @property
    def runs_out_at(self) -> datetime | None:
        """When the time is over if the clock has not stood since `stopped_since`; None before the start."""
        if self.started_at is None or self.end_at is None:
            return None
        full = timedelta(seconds=self.duration_s + self.extra_s + self.stopped_s)
        return min(self.started_at + full, self.end_at)

    @property
    def due_at(self) -> datetime | None:
        """None before the start and while the clock stands; on a rest break, if all that is allowed of it is taken."""
        if self.stopped_since is None or self.runs_out_at is None:
            return self.runs_out_at
        until = self.on_break.stands_until if self.on_break else None
        return self.runs_out_at + max(until - self.stopped_since, timedelta()) if until else None

    @property
    def over_at(self) -> datetime | None:
        """What nothing runs past: the session's end, which a rest break moves where it must."""
        if self.end_at and self.due_at and self.stopped_since:
            return max(self.end_at, self.due_at)
        return self.end_at

    @property
    def expires_at(self) -> datetime | None:
        """When the clock speaks; None while it stands.

        Nobody is handed in while they are cut off, nor at the moment they come back.
        """
        if self.due_at is None or self.over_at is None:
            return None
        if self.cut_off:
            return self.over_at
        if self.returned_at is None:
            return self.due_at
        return min(self.over_at, max(self.due_at, self.returned_at + GRACE))


def evolve(state: Session, event: SessionEvent) -> Session:
    if isinstance(event, FaultEvent):
        return fault.evolve(state, event)
    if isinstance(event, OnboardingEvent):
        return onboarding.evolve(state, event)
    if isinstance(event, StopEvent):
        return stops.evolve(state, event)
    if isinstance(event, BroughtBack):
        return bringing_back.evolve(state, event)
    if isinstance(event, HelpEvent):
        return replace(state, help=asking.evolve(state.help, event))
    if isinstance(event, PageObserved):
        return replace(state, page=page.evolve(state.page, event))
    if isinstance(event, IdentityEvent):
        return replace(state, identity=identity.evolve(state.identity, event))
    if isinstance(event, ConsentEvent):
        return consent.evolve(state, event)
    if isinstance(event, DeviceEvent):
        return replace(state, devices=device.evolve(state.devices, event))
    match event:
        case Opened(schedule=schedule, subject=subject):
            return replace(state, phase="expected", schedule=schedule, subject=subject)
        case Started(at=at, policy=policy, duration_s=duration_s, end_at=end_at, opens_in=opens_in):
            started = replace(
                state, phase="in_progress", started_at=at, policy=policy, duration_s=duration_s, end_at=end_at,
                opens_in=opens_in, allowed=accommodation.given(state.allowed, duration_s),
            )  # fmt: skip
            return following.begun(started)
        case Paused(at=at):
            return replace(state, phase="paused", stopped_since=at)
        case Resumed(at=at, stopped_s=stopped_s):
            return stops.goes_on(state, at, stopped_s)
        case TimeExtended(seconds=seconds, intervention=intervention, made_up_s=made_up_s):
            extended, stopped_s = state.extended | {intervention}, state.stopped_s + made_up_s
            if made_up_s and (since := state.runs_out_at):
                state = bringing_back.made_up(state, since, since + timedelta(seconds=made_up_s))
            return replace(state, extra_s=state.extra_s + seconds, extended=extended, stopped_s=stopped_s)
        case EndMoved(end_at=end_at):
            return replace(state, end_at=end_at)
        case Submitted(at=at):
            return replace(state, phase="submitted", ended_at=at)
        case Terminated(at=at):
            return replace(state, phase="terminated", ended_at=at)
        case Ended(at=at, why=why):
            return replace(state, phase="no_show" if why == "no_show" else "ended_in_fault", ended_at=at)
        case PinRefused(at=at):
            return replace(state, pin_refused=state.pin_refused + 1, pin_refused_at=at)
        case Accommodated():
            return accommodation.evolve(state, event)
        case OutageMarked():
            return replace(state, outages=outage.marked(state.outages, event))
        case Rescheduled():
            return following.evolve(state, event)
        case DetectorMuted(at=at, kind=kind, why="switched_off"):
            return replace(state, switched_off=state.switched_off | {kind: at})
        case DetectorMuted(at=at, kind=kind, why=why):
            return replace(state, withheld=state.withheld | {kind: Mute(since=at, why=why)})
        case CheckWaived():
            return waiving.evolve(state, event)
        case _:
            assert_never(event)
