"""What the rules say happened to an incident. Only this leaves the detectors; single detections never do."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Literal

import msgspec

from domain.incidents import Role, Sampled, Severity
from domain.policy import DetectorKind

_INCIDENTS = uuid.UUID("6d0c6f63-0f1f-5b61-9f1e-6b1f5f0f4b7a")

Why = Literal["clear", "not_observed", "session_over"]


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """An incident begins. `started_at` is the first sample that showed it, `at` the one that settled it.

    `raw_score` is the score that decided in the sample at `at`, held against `threshold`. `samples` are all that could
    tell in the window that it was opened on, that one included.
    """

    incident: str
    kind: DetectorKind
    started_at: datetime
    at: datetime
    severity: Severity
    confidence: float
    raw_score: float
    threshold: float
    rule_version: str
    samples: tuple[Sampled, ...] = ()


class Peak(msgspec.Struct, frozen=True, kw_only=True):
    """A picture that shows an open incident `better` than those before, or by which it has become `graver`."""

    incident: str
    kind: DetectorKind
    at: datetime
    severity: Severity
    confidence: float
    raw_score: float
    better: bool = True
    graver: bool = False


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A picture (JPEG) that was kept until it was known what for: the first or the last that shows an incident."""

    incident: str
    kind: DetectorKind
    at: datetime
    raw_score: float
    role: Role
    jpeg: bytes


class Still(msgspec.Struct, frozen=True, kw_only=True):
    """An open incident goes on: said now and then, so that whoever has to end it without this worker knows."""

    incident: str
    kind: DetectorKind
    at: datetime
    severity: Severity
    confidence: float


class Closed(msgspec.Struct, frozen=True, kw_only=True):
    """An incident is over. `ended_at` is the last sample that showed it, `at` the moment that settled that."""

    incident: str
    kind: DetectorKind
    ended_at: datetime
    at: datetime
    severity: Severity
    peak: float
    why: Why


Change = Opened | Peak | Kept | Still | Closed


def incident_id(session: str, kind: DetectorKind, started_at: datetime) -> str:
    """The same for the same sample, so that a worker that starts again cannot open an incident twice (RFC 9562, v5)."""
    return str(uuid.uuid5(_INCIDENTS, f"{session}\n{kind}\n{started_at.isoformat()}"))
