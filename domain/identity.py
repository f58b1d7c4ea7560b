"""Who sits the exam: pictures of them and of a document, which a person compares with who was enrolled.

Its rules are in `identity_rules.py`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, assert_never

import msgspec
from msgspec.structs import replace

from domain.event import Event, Private
from domain.phase import OVER

Picture = Literal["photo", "document"]
Standing = Literal["none", "waiting", "approved", "rejected", "deferred", "disputed", "settled"]
Route = Literal["pictures", "in_person", "video_call", "known_to_staff", "other"]
Finding = Literal["same_person", "another_person", "cannot_tell"]
BOTH: frozenset[Picture] = frozenset({"photo", "document"})
LETS_IN: frozenset[Standing] = frozenset({"approved", "deferred", "disputed", "settled"})
HELD = timedelta(seconds=60)  # for so long nobody else is given what somebody has taken

# Events of a session. Tags and field names are on disk for ever.


class IdentityCaptured(Event, frozen=True, kw_only=True, tag="session.identity_captured"):
    """A picture by the candidate. `sha256` (hex) is of what is stored, sealed."""

    at: datetime
    picture: Picture
    object_key: str
    sha256: str


class ReferenceSet(Event, frozen=True, kw_only=True, tag="session.reference_photo_set"):
    """A photo that the institution has of the candidate, to compare with."""

    object_key: str
    sha256: str


class IdentityTaken(Event, frozen=True, kw_only=True, tag="session.identity_taken"):
    """An invigilator looks at it, so that no other does the same."""

    at: datetime
    by: str


class IdentityApproved(Event, frozen=True, kw_only=True, tag="session.identity_approved"):
    """`route` is how they know; `reason` says it where that is `other`."""

    at: datetime
    by: str
    route: Route
    reason: Private | None = None


class IdentityRejected(Event, frozen=True, kw_only=True, tag="session.identity_rejected"):
    """The candidate is told the reason and takes new pictures."""

    at: datetime
    by: str
    reason: Private


class IdentityDeferred(Event, frozen=True, kw_only=True, tag="session.identity_deferred"):
    """The candidate goes on, and it is decided within the exam; with new pictures where they are to `retake` them."""

    at: datetime
    by: str
    reason: Private | None = None
    retake: bool = False


class IdentityDisputed(Event, frozen=True, kw_only=True, tag="session.identity_disputed"):
    """Somebody doubts it. The candidate goes on, and a reviewer decides."""

    at: datetime
    by: str
    reason: Private


class IdentitySettled(Event, frozen=True, kw_only=True, tag="session.identity_settled"):
    """What a reviewer found where it had been left open."""

    at: datetime
    by: str
    finding: Finding
    reason: Private


class IdentityLapsed(Event, frozen=True, kw_only=True, tag="session.identity_lapsed"):
    """Before the start the exam was opened on another device: whoever sits there shows who they are."""

    at: datetime


IdentityEvent = (
    IdentityCaptured | ReferenceSet | IdentityTaken | IdentityApproved | IdentityRejected | IdentityDeferred
    | IdentityDisputed | IdentitySettled | IdentityLapsed
)  # fmt: skip

# State.


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A sealed picture in the object store."""

    object_key: str
    sha256: str


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """How far it came. `came_at` is when the first picture was taken, `since` when the last of both were there.

    `by` and `at` are of the last decision; `taken_by` looks at it since `taken_at`.
    """

    standing: Standing = "none"
    pictures: dict[Picture, Stored] = {}
    reference: Stored | None = None
    came_at: datetime | None = None
    since: datetime | None = None
    by: str = ""
    at: datetime | None = None
    taken_by: str = ""
    taken_at: datetime | None = None
    finding: Finding | None = None

    @property
    def complete(self) -> bool:
        return self.pictures.keys() >= BOTH

    @property
    def undecided(self) -> bool:
        """Whether an invigilator has something to decide."""
        return self.standing in ("waiting", "deferred") and self.complete

    def held_by(self, at: datetime) -> str:
        """Who looks at it now; "" when anybody may."""
        held = self.taken_at is not None and at < self.taken_at + HELD
        return self.taken_by if held else ""


def evolve(identity: Identity, event: IdentityEvent) -> Identity:
    """Models fold with it too."""
    match event:
        case IdentityCaptured(at=at, picture=picture, object_key=object_key, sha256=sha256):
            pictures = identity.pictures | {picture: Stored(object_key=object_key, sha256=sha256)}
            after = replace(identity, pictures=pictures, came_at=identity.came_at or at)
            if not after.complete:
                return after
            standing: Standing = "waiting" if identity.standing in ("none", "rejected") else identity.standing
            return replace(after, standing=standing, since=at, taken_by="", taken_at=None)
        case ReferenceSet(object_key=object_key, sha256=sha256):
            return replace(identity, reference=Stored(object_key=object_key, sha256=sha256))
        case IdentityTaken(at=at, by=by):
            return replace(identity, taken_by=by, taken_at=at)
        case IdentityApproved(at=at, by=by):
            return _decided(identity, "approved", by, at)
        case IdentityRejected(at=at, by=by):
            return replace(_decided(identity, "rejected", by, at), pictures={}, since=None)
        case IdentityDeferred(at=at, by=by, retake=retake):
            after = _decided(identity, "deferred", by, at)
            return replace(after, pictures={}, since=None) if retake else after
        case IdentityDisputed(at=at, by=by):
            return _decided(identity, "disputed", by, at)
        case IdentitySettled(at=at, by=by, finding=finding):
            return replace(_decided(identity, "settled", by, at), finding=finding)
        case IdentityLapsed():
            return Identity(reference=identity.reference, came_at=identity.came_at)
        case _:
            assert_never(event)


def _decided(identity: Identity, standing: Standing, by: str, at: datetime) -> Identity:
    return replace(identity, standing=standing, by=by, at=at, taken_by="", taken_at=None)


def owed(identity: Identity, phase: str, *, started: bool) -> bool:
    """Whether a reviewer has to decide, because nobody did before the end, or somebody doubts it."""
    if identity.standing == "disputed":
        return True
    return started and phase in OVER and identity.standing in ("waiting", "deferred", "rejected")
