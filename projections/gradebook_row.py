"""The row of the read model `gradebook`: the account of one session, as a reviewer needs it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from domain import intervention
from domain.appeal import AppealState, Attached
from domain.consent import Answered
from domain.decision import Ground, Outcome
from domain.help import Topic
from domain.identity import Identity
from domain.incidents import Severity, Verdict
from domain.muting import Mute
from domain.onboarding import CheckName
from domain.phase import Phase
from domain.policy import IncidentKind
from domain.purpose import Purpose
from domain.record import SealKind
from domain.segment import Why
from domain.stops import BreakKind
from domain.verdict import Judged, Standing
from domain.waiving import Waived
from projections.allowed import Allowance
from projections.clock import Clock


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """One verdict. Its reason stands with the incident."""

    verdict: Verdict
    by: str
    at: datetime


class Flag(msgspec.Struct, frozen=True, kw_only=True):
    """An incident in short. `by` is who raised it, "" where nobody did.

    `verdict` is the latest, `verdicts` are all in order; `standing` is what they come to, of one reviewer or of two.
    """

    kind: str
    severity: Severity
    at: datetime
    by: str = ""
    verdict: Verdict | None = None
    verdicts: tuple[Given, ...] = ()
    standing: Standing = "unjudged"


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """In samples: how many a detector should have seen, and what became of them. The rest is not observed.

    And in seconds: how long it was under observation (a camera: while it was recorded), how much was seen. None where
    that was not told. `reasons` holds the samples that could not tell, by why.
    """

    due: int
    taken: int
    cannot_tell: int
    overloaded: int
    muted: int
    due_s: float | None = None
    seen_s: float | None = None
    reasons: dict[str, int] = {}


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Something that did not work, with its name or track. `ended_at` is None while it lasts."""

    what: str
    why: str
    began_at: datetime
    ended_at: datetime | None = None


class Intervention(msgspec.Struct, frozen=True, kw_only=True):
    """`why` says why it failed, `where` where it took effect (on the platform, once that
    has said so), `result` what an invigilator saw of a look.
    """

    kind: intervention.Kind
    stage: intervention.Stage
    at: datetime
    by: str
    reason_code: str = ""
    result: intervention.Result | None = None
    minutes: float | None = None
    where: intervention.Where | None = None
    why: str = ""


class BreakTaken(msgspec.Struct, frozen=True, kw_only=True):
    """One break, in which nothing was observed. It was allowed until `until`; `ended_at` is None while it lasts."""

    kind: BreakKind
    began_at: datetime
    until: datetime
    ended_at: datetime | None = None
    stopped_s: float = 0.0
    over_s: float = 0.0


class LateEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Who let the candidate in after the last entry."""

    at: datetime
    by: str


class Objection(msgspec.Struct, frozen=True, kw_only=True):
    """What the candidate objected to; None once forgotten."""

    at: datetime
    text: str | None


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request for help, and what became of it. `by` took or answered it."""

    topic: Topic
    at: datetime
    state: Literal["requested", "taken", "answered", "withdrawn"] = "requested"
    by: str = ""
    ended_at: datetime | None = None


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    started_at: datetime
    ended_at: datetime
    why: Why


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """One track: what is stored of it. `object_key` is of the finished file, None until there is one.

    `late_s` seconds of the gaps were filled out of the copy that the candidate's page kept; `stills` stand for others.
    """

    connections: int = 0
    segments: int = 0
    bytes: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    gaps: tuple[Gap, ...] = ()
    late_s: float = 0.0
    stills: int = 0
    object_key: str | None = None
    duration_s: float | None = None


class Seal(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    kind: SealKind
    at: datetime
    owed: tuple[str, ...]
    lost: tuple[str, ...] = ()
    root: str
    checkpoint: str


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """`reason` is None once forgotten. It rests on seal number `seal` with this `root`, and on these `incidents`."""

    number: int
    outcome: Outcome
    ground: Ground | None
    reason: str | None
    by: str
    at: datetime
    seal: int
    root: str
    incidents: tuple[Judged, ...]


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """`text` is None once forgotten."""

    note: str
    text: str | None
    by: str
    at: datetime


Appealing = Literal["no", "open", "over"]


class Appeal(msgspec.Struct, frozen=True, kw_only=True):
    """By the candidate, against decision number `decision` (0: there was none). Texts are None once forgotten.

    `by` answered it, with the `reason`.
    """

    appeal: str
    text: str | None
    at: datetime
    decision: int
    incident: str = ""
    attached: tuple[Attached, ...] = ()
    state: AppealState = "open"
    by: str = ""
    reason: str | None = None
    ended_at: datetime | None = None


class Priority(msgspec.Struct, frozen=True, kw_only=True):
    """One version of the review priority, with all that it rests on. It is an order, and no number about anybody."""

    number: int
    weights_version: str
    weights: dict[str, float]
    inputs: tuple[Judged, ...]
    muted: tuple[str, ...]
    seal: int
    policy: int
    policy_today: int
    at: datetime
    by: str
    why: str | None


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What the policy that the session started under says of its review. `policy` is its version."""

    policy: int = 1
    second_reviewer: bool = False
    blind_review: bool = False
    independent_review: bool = False


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What the gradebook holds of one session. Names are None once forgotten. `position` is of its last event.

    `watched` are the kinds that the policy of its start looks for; of those without `coverage` nothing was told.
    `appealed` is `open` while an appeal waits for its answer, and `over` when each has come to an end.
    `identity_owed` says that a reviewer has to decide who this was; `devices` counts those that it was taken on.
    `archived` is the bundle that its streams lie in, "" while they are in the database.
    """

    session: str
    schedule: str = ""
    subject: str = ""
    name: str | None = None
    number: str | None = None
    withdrawn: bool = False
    phase: Phase = "absent"
    clock: Clock = Clock()
    incidents: dict[str, Flag] = {}
    watched: tuple[IncidentKind, ...] = ()
    coverage: dict[str, Coverage] = {}
    allowed: Allowance | None = None
    muted: dict[IncidentKind, Mute] = {}
    waived: dict[CheckName, Waived] = {}
    consents: dict[Purpose, Answered] = {}
    objections: tuple[Objection, ...] = ()
    faults: tuple[Fault, ...] = ()
    breaks: tuple[BreakTaken, ...] = ()
    late: LateEntry | None = None
    help: dict[str, Asked] = {}
    identity: Identity = Identity()
    identity_owed: bool = False
    devices: int = 0
    interventions: dict[str, Intervention] = {}
    messages: int = 0
    recordings: dict[str, Recording] = {}
    seals: tuple[Seal, ...] = ()
    views: int = 0
    exports: int = 0
    rules: Rules = Rules()
    decisions: tuple[Decision, ...] = ()
    notes: tuple[Note, ...] = ()
    priorities: tuple[Priority, ...] = ()
    appeals: tuple[Appeal, ...] = ()
    appealed: Appealing = "no"
    archived: str = ""
    position: int = 0
