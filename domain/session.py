"""A session: one candidate's proctored attempt, from enrolment to its end. Its rules are in `session_rules.py`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, assert_never

import msgspec
from msgspec.structs import replace

from domain.event import Event, Private
from domain.policy import Policy

Phase = Literal[
    "absent", "expected", "checking", "ready", "in_progress", "paused",
    "submitted", "terminated", "no_show", "declined", "ended_in_fault",
]  # fmt: skip
OVER: frozenset[str] = frozenset({"submitted", "terminated", "no_show", "declined", "ended_in_fault"})
RUNNING: frozenset[str] = frozenset({"in_progress", "paused"})
CheckName = Literal["browser", "camera", "microphone", "screen", "network"]
Track = Literal["camera", "screen"]

# Values.


class Check(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the system check, as the candidate's page measured it."""

    name: CheckName
    passed: bool
    found: str = ""


# Events. Tags and field names are on disk for ever.


class Opened(Event, frozen=True, kw_only=True, tag="session.opened"):
    schedule: str
    subject: str


class NoticeAcknowledged(Event, frozen=True, kw_only=True, tag="session.notice_acknowledged"):
    policy_version: int
    sha256: str


class NoticeDeclined(Event, frozen=True, kw_only=True, tag="session.notice_declined"):
    policy_version: int


class SystemChecked(Event, frozen=True, kw_only=True, tag="session.system_checked"):
    checks: tuple[Check, ...]
    passed: bool


class Ready(Event, frozen=True, kw_only=True, tag="session.ready"):
    pass


class Started(Event, frozen=True, kw_only=True, tag="session.started"):
    at: datetime
    policy: Policy
    duration_s: int
    end_at: datetime


class Paused(Event, frozen=True, kw_only=True, tag="session.paused"):
    at: datetime
    intervention: str


class Resumed(Event, frozen=True, kw_only=True, tag="session.resumed"):
    at: datetime
    intervention: str
    stopped_s: float


class TimeExtended(Event, frozen=True, kw_only=True, tag="session.time_extended"):
    seconds: int
    intervention: str


class ConnectionLost(Event, frozen=True, kw_only=True, tag="session.connection_lost"):
    at: datetime
    track: Track
    why: str


class ConnectionRestored(Event, frozen=True, kw_only=True, tag="session.connection_restored"):
    at: datetime
    track: Track
    away_s: float


class FaultOpened(Event, frozen=True, kw_only=True, tag="session.fault_opened"):
    """Something of ours or of the candidate's does not work; never counted as conduct."""

    what: str
    why: str


class FaultClosed(Event, frozen=True, kw_only=True, tag="session.fault_closed"):
    what: str


class Submitted(Event, frozen=True, kw_only=True, tag="session.submitted"):
    at: datetime
    by: Literal["candidate", "clock"]


class Terminated(Event, frozen=True, kw_only=True, tag="session.terminated"):
    at: datetime
    intervention: str
    reason: Private


class Ended(Event, frozen=True, kw_only=True, tag="session.ended"):
    at: datetime
    why: Literal["no_show", "fault"]


SessionEvent = (
    Opened | NoticeAcknowledged | NoticeDeclined | SystemChecked | Ready | Started | Paused | Resumed | TimeExtended
    | ConnectionLost | ConnectionRestored | FaultOpened | FaultClosed | Submitted | Terminated | Ended
)  # fmt: skip

# State.


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """`due_at` is when the clock runs out if nothing stops it; nothing runs past `end_at`. `lost` holds since when.

    `checks` are the last ones, since the last acknowledgement; `extended` are the interventions that gave time.
    """

    phase: Phase = "absent"
    schedule: str = ""
    subject: str = ""
    notice: tuple[int, str] | None = None
    checks: tuple[Check, ...] = ()
    checked: bool = False
    policy: Policy = Policy()
    started_at: datetime | None = None
    duration_s: int = 0
    end_at: datetime | None = None
    extra_s: int = 0
    extended: frozenset[str] = frozenset()
    stopped_s: float = 0.0
    stopped_since: datetime | None = None
    ended_at: datetime | None = None
    lost: dict[Track, datetime] = {}
    faults: frozenset[str] = frozenset()

    @property
    def over(self) -> bool:
        return self.phase in OVER

    @property
    def due_at(self) -> datetime | None:
        """None before the start and while the clock stands."""
        if self.started_at is None or self.end_at is None or self.stopped_since is not None:
            return None
        full = timedelta(seconds=self.duration_s + self.extra_s + self.stopped_s)
        return min(self.started_at + full, self.end_at)


def evolve(state: Session, event: SessionEvent) -> Session:
    match event:
        case Opened(schedule=schedule, subject=subject):
            return replace(state, phase="expected", schedule=schedule, subject=subject)
        case NoticeAcknowledged(policy_version=version, sha256=sha256):
            # Another notice may ask for other devices: what was checked before counts no more.
            return replace(state, phase="checking", notice=(version, sha256), checks=(), checked=False)
        case NoticeDeclined():
            return replace(state, phase="declined")
        case SystemChecked(checks=checks, passed=passed):
            phase = "checking" if state.phase == "ready" and not passed else state.phase
            return replace(state, phase=phase, checks=checks, checked=passed)
        case Ready():
            return replace(state, phase="ready")
        case Started(at=at, policy=policy, duration_s=duration_s, end_at=end_at):
            return replace(
                state, phase="in_progress", started_at=at, policy=policy, duration_s=duration_s, end_at=end_at
            )
        case Paused(at=at):
            return replace(state, phase="paused", stopped_since=at)
        case Resumed(stopped_s=stopped_s):
            return replace(state, phase="in_progress", stopped_since=None, stopped_s=state.stopped_s + stopped_s)
        case TimeExtended(seconds=seconds, intervention=intervention):
            return replace(state, extra_s=state.extra_s + seconds, extended=state.extended | {intervention})
        case ConnectionLost(at=at, track=track):
            return replace(state, lost=state.lost | {track: at})
        case ConnectionRestored(track=track):
            return replace(state, lost={t: since for t, since in state.lost.items() if t != track})
        case FaultOpened(what=what):
            return replace(state, faults=state.faults | {what})
        case FaultClosed(what=what):
            return replace(state, faults=state.faults - {what})
        case Submitted(at=at):
            return replace(state, phase="submitted", ended_at=at)
        case Terminated(at=at):
            return replace(state, phase="terminated", ended_at=at)
        case Ended(at=at, why=why):
            return replace(state, phase="no_show" if why == "no_show" else "ended_in_fault", ended_at=at)
        case _:
            assert_never(event)
