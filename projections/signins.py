"""The read model `signins`: a row for each sign-in, failure, wait, lift, sign-out and assignment of an auditor.

People are pseudonyms here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from domain import user
from domain.auditing import AuditorAssigned
from domain.recorded import Recorded, Stored
from projections.keys import events_of, parsed
from projections.model import Model

__all__ = ["SIGNINS", "Noted"]

What = Literal[
    "signed_in", "failed", "locked_out", "unlocked", "signed_out", "signed_out_everywhere", "auditor_assigned",
]  # fmt: skip

_LAST = 10**19  # above every position


class Noted(msgspec.Struct, frozen=True, kw_only=True):
    """`user` is whose address it was, which may have no account; `by` who did it. `until` is the end of a wait
    or of an assignment.
    """

    position: int
    user: str
    what: What
    at: datetime
    by: str
    until: datetime | None = None


def keys(recorded: Recorded) -> tuple[str, ...]:
    return (_key(recorded.stream, recorded.position),)


def fold(row: Noted | None, recorded: Recorded) -> Noted | None:
    what: What
    until: datetime | None = None
    match recorded.body:
        case user.SignedIn():
            what = "signed_in"
        case user.SignInFailed():
            what = "failed"
        case user.LockedOut(until=until):
            what = "locked_out"
        case user.Unlocked():
            what = "unlocked"
        case user.SignedOut(everywhere=everywhere):
            what = "signed_out_everywhere" if everywhere else "signed_out"
        case AuditorAssigned(until=until):
            what = "auditor_assigned"
        case _:
            return row
    return Noted(
        position=recorded.position, user=parsed(recorded.stream).name, what=what, at=recorded.recorded_at,
        by=recorded.envelope.actor, until=until,
    )  # fmt: skip


def streams(key: str) -> tuple[str, ...]:
    tenant, _, name = key.split("/")
    return (f"{tenant}/user/{name}",)


def _suspects(stored: Stored) -> tuple[str, ...]:
    return (_key(stored.stream, stored.position),)


def _key(stream: str, position: int) -> str:
    """Keys sort from the newest to the oldest, which is how they are read."""
    at = parsed(stream)
    return f"{at.tenant}/{_LAST - position:020}/{at.name}"


_EVENTS = events_of(user.SignedIn, user.SignInFailed, user.LockedOut, user.Unlocked, user.SignedOut, AuditorAssigned)

SIGNINS: Model[Noted] = Model(
    name="signins", version=2, row=Noted, events=_EVENTS, index=("user",), keys=keys, fold=fold, streams=streams,
    suspects=_suspects,
)  # fmt: skip
