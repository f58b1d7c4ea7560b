"""Duty: who of a schedule's invigilators answers for which candidates, from when to when, and who takes over."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, assert_never

import msgspec
from msgspec.structs import replace

from domain import day_report, hand_over, outage
from domain.day_report import DayReportSigned, Signature, SignDayReport
from domain.event import Command, Decider, Event, Refused
from domain.hand_over import (
    HandOverCommand,
    HandOverEvent,
    HandOverWithdrawn,
    Offer,
    gone,
    must_be_assigned,
    must_be_own,
)
from domain.outage import DeclareOutage, Outage, OutageDeclared

# Events. Tags and field names are on disk for ever.


class OnDuty(Event, frozen=True, kw_only=True, tag="duty.on_duty"):
    user: str
    at: datetime
    by: str


class OffDuty(Event, frozen=True, kw_only=True, tag="duty.off_duty"):
    user: str
    at: datetime
    by: str
    why: Literal["left", "removed", "over"]


class CandidatesSplit(Event, frozen=True, kw_only=True, tag="duty.candidates_split"):
    """`shares` are the sessions of each person who has a list; who has none answers for all others."""

    at: datetime
    by: str
    shares: dict[str, tuple[str, ...]]


DutyEvent = OnDuty | OffDuty | CandidatesSplit | HandOverEvent | OutageDeclared | DayReportSigned

# Commands. `lead` says that `by` may order others about; `assigned` are the schedule's invigilators.


class ComeOn(Command, frozen=True, kw_only=True):
    at: datetime
    user: str
    by: str
    assigned: frozenset[str]
    lead: bool = False


class GoOff(Command, frozen=True, kw_only=True):
    at: datetime
    user: str
    by: str
    why: Literal["left", "removed", "over"] = "left"
    lead: bool = False


class SplitCandidates(Command, frozen=True, kw_only=True):
    """Replaces the split before. `sessions` are the schedule's."""

    at: datetime
    by: str
    shares: dict[str, tuple[str, ...]]
    sessions: frozenset[str]


DutyCommand = ComeOn | GoOff | SplitCandidates | HandOverCommand | DeclareOutage | SignDayReport

# State.


class Duty(msgspec.Struct, frozen=True, kw_only=True):
    """`on` says since when; `offers` are open, `ended` says how the others ended. `shares` are of those on duty."""

    on: dict[str, datetime] = {}
    shares: dict[str, tuple[str, ...]] = {}
    offers: dict[str, Offer] = {}
    ended: dict[str, Literal["accepted", "withdrawn"]] = {}
    outages: dict[str, Outage] = {}
    signed: tuple[Signature, ...] = ()

    def answering(self, session: str) -> tuple[str, ...]:
        """Who answers for a session: who has it on a list, else who has no list, else everybody on duty."""
        named = [user for user, share in self.shares.items() if session in share]
        return tuple(named or sorted(user for user in self.on if user not in self.shares) or sorted(self.on))


def evolve(state: Duty, event: DutyEvent) -> Duty:
    if isinstance(event, HandOverEvent):
        return hand_over.evolve(state, event)
    match event:
        case OnDuty(user=user, at=at):
            return replace(state, on=state.on | {user: at})
        case OffDuty(user=user):
            return gone(state, user)
        case CandidatesSplit(shares=shares):
            return replace(state, shares={user: share for user, share in shares.items() if user in state.on})
        case OutageDeclared():
            return replace(state, outages=outage.evolve(state.outages, event))
        case DayReportSigned():
            return replace(state, signed=day_report.evolve(state.signed, event))
        case _:
            assert_never(event)


def decide(command: DutyCommand, state: Duty) -> tuple[DutyEvent, ...]:
    if isinstance(command, HandOverCommand):
        return hand_over.decide(command, state)
    match command:
        case ComeOn(at=at, user=user, by=by):
            must_be_assigned(user, command.assigned, field="user")
            must_be_own(user, by, lead=command.lead)
            return () if user in state.on else (OnDuty(user=user, at=at, by=by),)
        case GoOff():
            return _go_off(command, state)
        case SplitCandidates():
            return _split(command, state)
        case DeclareOutage():
            return outage.declared(command, state.outages)
        case SignDayReport():
            return day_report.signed(command, state.signed)
        case _:
            assert_never(command)


def _go_off(command: GoOff, state: Duty) -> tuple[DutyEvent, ...]:
    at, user, by, why = command.at, command.user, command.by, command.why
    told: list[DutyEvent] = []
    if why == "left":
        must_be_own(user, by, lead=command.lead)
    else:  # whoever is no longer here takes nothing over
        offers = [name for name, offer in state.offers.items() if offer.to == user]
        told += [HandOverWithdrawn(hand_over=name, at=at, by=by) for name in offers]
    if user in state.on:
        told.append(OffDuty(user=user, at=at, by=by, why=why))
    return tuple(told)


def _split(command: SplitCandidates, state: Duty) -> tuple[DutyEvent, ...]:
    seen: set[str] = set()
    for user, share in command.shares.items():
        if user not in state.on:
            raise Refused("only who is on duty can answer for candidates", field=f"shares.{user}")
        for n, session in enumerate(share):
            if session not in command.sessions:
                raise Refused("no such session in this schedule", field=f"shares.{user}.{n}", kind="invalid")
            if session in seen:
                raise Refused("one person answers for a session", field=f"shares.{user}.{n}", kind="invalid")
            seen.add(session)
    if command.shares == state.shares:
        return ()
    return (CandidatesSplit(at=command.at, by=command.by, shares=command.shares),)


DECIDER: Decider[Duty, DutyCommand, DutyEvent] = Decider("duty", Duty(), evolve, decide, DutyEvent)
