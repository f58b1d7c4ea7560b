"""Handing over duty: one person offers it with a list of what is going on, the next one accepts."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal, assert_never

import msgspec
from msgspec.structs import replace

from domain.event import Command, Event, Refused

if TYPE_CHECKING:
    from domain.duty import Duty

# Values.


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What a hand-over lists, in numbers, and SHA-256 (hex) of the list itself."""

    incidents: int
    help: int
    pauses: int
    breaks: int
    accommodations: int
    sha256: str


# Events of a duty. Tags and field names are on disk for ever.


class HandOverOffered(Event, frozen=True, kw_only=True, tag="duty.hand_over_offered"):
    hand_over: str
    user: str
    to: str
    at: datetime
    by: str
    standing: Standing


class HandOverWithdrawn(Event, frozen=True, kw_only=True, tag="duty.hand_over_withdrawn"):
    """Taken back, or declined: `by` tells."""

    hand_over: str
    at: datetime
    by: str


class HandedOver(Event, frozen=True, kw_only=True, tag="duty.handed_over"):
    """`to` has accepted, and answers for what `user` answered for; `standing` is how it was then."""

    hand_over: str
    user: str
    to: str
    at: datetime
    standing: Standing


HandOverEvent = HandOverOffered | HandOverWithdrawn | HandedOver

# Commands. `lead` says that `by` may order others about; `assigned` are the schedule's invigilators.


class OfferHandOver(Command, frozen=True, kw_only=True):
    at: datetime
    hand_over: str
    user: str
    to: str
    by: str
    standing: Standing
    assigned: frozenset[str]
    lead: bool = False


class WithdrawHandOver(Command, frozen=True, kw_only=True):
    at: datetime
    hand_over: str
    by: str
    lead: bool = False


class AcceptHandOver(Command, frozen=True, kw_only=True):
    at: datetime
    hand_over: str
    by: str
    standing: Standing
    assigned: frozenset[str]


HandOverCommand = OfferHandOver | WithdrawHandOver | AcceptHandOver

# State.


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    user: str
    to: str
    at: datetime


def evolve(state: Duty, event: HandOverEvent) -> Duty:
    match event:
        case HandOverOffered(hand_over=hand_over, user=user, to=to, at=at):
            state = _without_offers(state, user)
            return replace(state, offers=state.offers | {hand_over: Offer(user=user, to=to, at=at)})
        case HandOverWithdrawn(hand_over=hand_over):
            return _ended(state, hand_over, "withdrawn")
        case HandedOver(hand_over=hand_over, user=user, to=to, at=at):
            shares = _taken_over(state, user, to)
            state = gone(_ended(state, hand_over, "accepted"), user)
            return replace(state, on={to: at} | state.on, shares=shares)
        case _:
            assert_never(event)


def decide(command: HandOverCommand, state: Duty) -> tuple[HandOverEvent, ...]:
    match command:
        case OfferHandOver():
            return _offer(command, state)
        case WithdrawHandOver(at=at, hand_over=hand_over, by=by):
            if state.ended.get(hand_over) == "withdrawn":
                return ()
            offer = _offered(state, hand_over)
            if by not in (offer.user, offer.to) and not command.lead:
                raise Refused("only who hands over, who takes over or a lead invigilator can take an offer back")
            return (HandOverWithdrawn(hand_over=hand_over, at=at, by=by),)
        case AcceptHandOver(at=at, hand_over=hand_over, by=by, standing=standing):
            if state.ended.get(hand_over) == "accepted":
                return ()
            offer = _offered(state, hand_over)
            if by != offer.to:
                raise Refused("this hand-over is offered to somebody else")
            must_be_assigned(by, command.assigned, field="")
            return (HandedOver(hand_over=hand_over, user=offer.user, to=by, at=at, standing=standing),)
        case _:
            assert_never(command)


def _offer(command: OfferHandOver, state: Duty) -> tuple[HandOverEvent, ...]:
    user, to = command.user, command.to
    if any((offer.user, offer.to) == (user, to) for offer in state.offers.values()):
        return ()
    must_be_own(user, command.by, lead=command.lead)
    if user not in state.on:
        raise Refused("only who is on duty can hand over", field="user")
    if to == user:
        raise Refused("a hand-over needs another person", field="to", kind="invalid")
    must_be_assigned(to, command.assigned, field="to")
    return (
        HandOverOffered(
            hand_over=command.hand_over, user=user, to=to, at=command.at, by=command.by, standing=command.standing
        ),
    )


def _offered(state: Duty, hand_over: str) -> Offer:
    if offer := state.offers.get(hand_over):
        return offer
    if how := state.ended.get(hand_over):
        raise Refused(f"this hand-over has been {how}")
    raise Refused("there is no such hand-over", field="hand_over", kind="not_found")


def must_be_assigned(user: str, assigned: frozenset[str], *, field: str) -> None:
    if user not in assigned:
        raise Refused("only an invigilator of this schedule can be on duty", field=field)


def must_be_own(user: str, by: str, *, lead: bool) -> None:
    if user != by and not lead:
        raise Refused("only a lead invigilator can do this for others", field="user")


def _without_offers(state: Duty, user: str) -> Duty:
    """Who offers again, or leaves, has nothing else on offer."""
    for name in [name for name, offer in state.offers.items() if offer.user == user]:
        state = _ended(state, name, "withdrawn")
    return state


def _ended(state: Duty, hand_over: str, how: Literal["accepted", "withdrawn"]) -> Duty:
    offers = {name: offer for name, offer in state.offers.items() if name != hand_over}
    return replace(state, offers=offers, ended=state.ended | {hand_over: how})


def gone(state: Duty, user: str) -> Duty:
    """Without somebody. What they answered for is everybody's; what they had offered ends."""
    state = _without_offers(state, user)
    on = {name: since for name, since in state.on.items() if name != user}
    return replace(state, on=on, shares={name: share for name, share in state.shares.items() if name != user})


def _taken_over(state: Duty, user: str, to: str) -> dict[str, tuple[str, ...]]:
    """Two lists become one; who takes over from somebody without a list, or has none, answers for all others."""
    shares = {name: share for name, share in state.shares.items() if name not in (user, to)}
    mine, theirs = state.shares.get(user), state.shares.get(to)
    if mine is None or (to in state.on and theirs is None):
        return shares
    return shares | {to: (*(theirs or ()), *mine)}
