"""A stored event as it is read back: where it stands in the ledger, what surrounds it, and what happened."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import msgspec

from domain.event import Event


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """Who caused an event, through which command, and when it happened by the client's or the media clock.

    `skew_ms` is the client's clock minus the server's, as measured. `correlation` is the request that started a chain,
    `causation` the position of the event that this one answers.
    """

    actor: str
    command: str
    occurred_at: datetime | None = None
    skew_ms: float | None = None
    correlation: str = ""
    causation: int | None = None
    schema: int = 1


class Stored(NamedTuple):
    """One row of the ledger as it lies on disk."""

    position: int
    stream: str
    version: int
    tag: str
    recorded_at: datetime
    state: bytes


class Recorded(NamedTuple):
    """One event, decoded; private fields are open where the reader holds their keys."""

    position: int
    stream: str
    version: int
    recorded_at: datetime
    envelope: Envelope
    body: Event
