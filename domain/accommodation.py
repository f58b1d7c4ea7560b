"""What one candidate is allowed or spared, and never why. It holds from when it is granted, also in a running session.

Its rules are in `accommodation_rules.py`.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec.structs import replace

from domain.event import Event, Private
from domain.policy import IncidentKind

if TYPE_CHECKING:
    from domain.session import Session

Person = Literal["reader", "scribe", "interpreter", "assistant"]
IdentityRoute = Literal["photos", "in_person", "video_call", "known_to_staff"]

# Values.


class Accommodation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Extra time is a share of the exam or so many minutes. `people` may be in view; `muted` detectors stay silent."""

    extra_time_percent: Annotated[int, msgspec.Meta(ge=0, le=300)] = 0
    extra_time_minutes: Annotated[int, msgspec.Meta(ge=0, le=600)] = 0
    rest_break_minutes: Annotated[int, msgspec.Meta(ge=0, le=600)] = 0
    people: Annotated[tuple[Person, ...], msgspec.Meta(max_length=4)] = ()
    muted: Annotated[tuple[IncidentKind, ...], msgspec.Meta(max_length=20)] = ()
    identity_route: IdentityRoute = "photos"

    def extra_s(self, duration_s: int) -> int:
        return self.extra_time_minutes * 60 + duration_s * self.extra_time_percent // 100

    @property
    def rest_s(self) -> int:
        return self.rest_break_minutes * 60

    @property
    def mutes(self) -> frozenset[IncidentKind]:
        """Where somebody may be with the candidate, no detector can say that there is one person too many, or that a
        voice should not be: who reads to them, writes for them or interprets speaks with them.
        """
        return frozenset(self.muted) | (frozenset({"several_people", "voice"}) if self.people else frozenset())


# Events of a session. Tags and field names are on disk for ever.


class Accommodated(Event, frozen=True, kw_only=True, tag="session.accommodated"):
    """The whole of what is allowed from now on. `objects` may lie on the desk, one a line. Empty once withdrawn."""

    at: datetime
    accommodation: Accommodation
    objects: Private | None = None


# State.


class Allowed(msgspec.Struct, frozen=True, kw_only=True):
    """What a session is allowed. `muted` says since when; `extra_s` and `rest_s` are what it was given of time."""

    accommodation: Accommodation = Accommodation()
    objects: Private | None = None
    muted: dict[IncidentKind, datetime] = {}
    extra_s: int = 0
    rest_s: int = 0


def evolve(state: Session, event: Accommodated) -> Session:
    allowed, mutes = state.allowed, sorted(event.accommodation.mutes)
    allowed = replace(
        allowed, accommodation=event.accommodation, objects=event.objects,
        muted={kind: allowed.muted.get(kind, event.at) for kind in mutes},
    )  # fmt: skip
    return replace(state, allowed=given(allowed, state.duration_s) if state.started_at else allowed)


def given(allowed: Allowed, duration_s: int) -> Allowed:
    """With the time that a session which has started has by it: never less than it had before."""
    extra_s = max(allowed.extra_s, allowed.accommodation.extra_s(duration_s))
    return replace(allowed, extra_s=extra_s, rest_s=max(allowed.rest_s, allowed.accommodation.rest_s))
