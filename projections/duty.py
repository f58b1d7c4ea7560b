"""The read model `duty`: a row for each schedule, with who is on duty for whom, since when, and who was before."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec
from msgspec.structs import replace

from domain import duty, hand_over
from domain.duty import CandidatesSplit, Duty, OffDuty, OnDuty
from domain.hand_over import HandOverEvent, Standing
from domain.recorded import Recorded, Stored
from projections.keys import events_of, parsed
from projections.model import Model

__all__ = ["DUTY", "HandOver", "Rota", "Turn"]


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One person's time on duty. `until` is None while it lasts; `ended` says why it ended."""

    user: str
    since: datetime
    until: datetime | None = None
    ended: Literal["", "left", "removed", "over", "handed_over"] = ""


class HandOver(msgspec.Struct, frozen=True, kw_only=True):
    """What `user` has offered `to` somebody. `standing` is what it listed: at the acceptance, once there is one."""

    hand_over: str
    user: str
    to: str
    at: datetime
    standing: Standing
    state: Literal["offered", "accepted", "withdrawn"] = "offered"
    ended_at: datetime | None = None


class Rota(msgspec.Struct, frozen=True, kw_only=True):
    """`now` is as the rules have it; `turns` and `hand_overs` are all there have been, in order.

    `on_duty` counts those who are. `nobody_since` is when the last of them went off: None while somebody is on, and
    before anybody was.
    """

    schedule: str
    now: Duty = Duty()
    turns: tuple[Turn, ...] = ()
    hand_overs: tuple[HandOver, ...] = ()
    on_duty: int = 0
    nobody_since: datetime | None = None
    position: int = 0


Shift = OnDuty | OffDuty | CandidatesSplit | HandOverEvent


def keys(recorded: Recorded) -> tuple[str, ...]:
    return _of(recorded.stream)


def fold(row: Rota | None, recorded: Recorded) -> Rota | None:
    body = recorded.body
    row = row or Rota(schedule=parsed(recorded.stream).name)
    if not isinstance(body, Shift):
        return row
    after = duty.evolve(row.now, body)
    return replace(
        row, now=after, turns=_turns(row, after, body), hand_overs=_hand_overs(row, after, body),
        on_duty=len(after.on), nobody_since=None if after.on else body.at if row.now.on else row.nobody_since,
        position=recorded.position,
    )  # fmt: skip


def _turns(row: Rota, after: Duty, body: Shift) -> tuple[Turn, ...]:
    why: Literal["left", "removed", "over", "handed_over"] = body.why if isinstance(body, OffDuty) else "handed_over"
    ended = tuple(
        turn if turn.until or turn.user in after.on else replace(turn, until=body.at, ended=why) for turn in row.turns
    )
    return (*ended, *(Turn(user=user, since=since) for user, since in after.on.items() if user not in row.now.on))


def _hand_overs(row: Rota, after: Duty, body: Shift) -> tuple[HandOver, ...]:
    known = row.hand_overs
    if isinstance(body, hand_over.HandOverOffered):
        offered = HandOver(hand_over=body.hand_over, user=body.user, to=body.to, at=body.at, standing=body.standing)
        known = (*known, offered)
    return tuple(_as_it_ended(one, after, body) for one in known)


def _as_it_ended(one: HandOver, after: Duty, body: Shift) -> HandOver:
    if one.state != "offered" or one.hand_over not in after.ended:
        return one
    standing = body.standing if isinstance(body, hand_over.HandedOver) else one.standing
    return replace(one, state=after.ended[one.hand_over], ended_at=body.at, standing=standing)


def streams(key: str) -> tuple[str, ...]:
    tenant, _, name = key.partition("/")
    return (f"{tenant}/duty/{name}",)


def _suspects(stored: Stored) -> tuple[str, ...]:
    return _of(stored.stream)


def _of(stream: str) -> tuple[str, ...]:
    at = parsed(stream)
    return (f"{at.tenant}/{at.name}",)


DUTY: Model[Rota] = Model(
    name="duty", version=1, row=Rota, events=events_of(Shift), index=("on_duty",), keys=keys, fold=fold,
    streams=streams, suspects=_suspects,
)  # fmt: skip
