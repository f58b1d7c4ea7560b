"""The row of the read model `live`: one session, as it is now."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from domain import intervention
from domain.consent import Answered
from domain.device import Devices
from domain.help import Topic
from domain.identity import Identity
from domain.incidents import Severity, Verdict
from domain.muting import Mute
from domain.onboarding import CheckName
from domain.phase import Phase
from domain.policy import IncidentKind
from domain.purpose import Purpose
from domain.triage import Triage
from domain.waiving import Instead
from projections.allowed import Allowance
from projections.clock import Clock


class Track(msgspec.Struct, frozen=True, kw_only=True):
    """One track: its last connection (from 1), and since when it is up or lost."""

    connection: int = 0
    up: bool = False
    since: datetime | None = None
    why: str = ""


class OpenIncident(msgspec.Struct, frozen=True, kw_only=True):
    """An incident that goes on. `picture` is the object key of its first evidence."""

    kind: str
    severity: Severity
    started_at: datetime
    picture: str | None


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    since: datetime
    why: str


class Help(msgspec.Struct, frozen=True, kw_only=True):
    """An open request for help; `taken_by` deals with it, "" when nobody does yet. `text` is None once forgotten."""

    help: str
    topic: Topic
    at: datetime
    text: str | None = None
    taken_by: str = ""


class Intervention(msgspec.Struct, frozen=True, kw_only=True):
    """How far an intervention came; `at` is when it was requested and `by` whom, `why` says why it failed.

    `platform` is whether a connected exam platform has done the same; `result` is of what the candidate had to show.
    """

    kind: intervention.Kind
    stage: intervention.Stage
    at: datetime
    by: str = ""
    why: str = ""
    platform: bool = False
    result: intervention.Result | None = None

    @property
    def finished(self) -> bool:
        return self.stage in ("applied", "failed") or (self.kind, self.stage) == ("warn", "acknowledged")


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """What an invigilator's wall shows of one session. Names are None once forgotten.

    `risk` comes from the severity of the open incidents that nobody has set aside, and nothing else. `verdicts` holds
    the latest of each judged incident, `triage` who has one, set it aside or escalated it, also once it has ended.
    `unread` are the candidate's messages that nobody has read. A finished intervention stays until another is
    requested, so that its end is seen. `outages` are those that hit the session, with the seconds that it got back.
    `waived` are checks that were waived, each with what is done instead: those tracks are not owed.
    `objection` is what the candidate objected to last, "" for nothing.
    `position` is of the last event that changed the row.
    """

    session: str
    schedule: str = ""
    subject: str = ""
    name: str | None = None
    number: str | None = None
    withdrawn: bool = False
    phase: Phase = "absent"
    clock: Clock = Clock()
    tracks: dict[str, Track] = {}
    faults: dict[str, Fault] = {}
    open: dict[str, OpenIncident] = {}
    risk: Severity | Literal["none"] = "none"
    incidents: int = 0
    verdicts: dict[str, Verdict] = {}
    triage: dict[str, Triage] = {}
    unread: tuple[str, ...] = ()
    interventions: dict[str, Intervention] = {}
    help: Help | None = None
    outages: dict[str, int] = {}
    identity: Identity = Identity()
    devices: Devices = Devices()
    allowed: Allowance | None = None
    muted: dict[IncidentKind, Mute] = {}
    waived: dict[CheckName, Instead] = {}
    consents: dict[Purpose, Answered] = {}
    objection: str | None = ""
    position: int = 0
