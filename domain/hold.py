"""A hold: what it covers is not erased while it stands. Placed by a person, by a decision or by an appeal."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from domain.event import Command, Event, KeyClass, Private

Why = Literal["person", "decision", "appeal", "restriction"]

# Events of a record. Tags and field names are on disk for ever.


class HoldPlaced(Event, frozen=True, kw_only=True, tag="record.hold_placed"):
    """`until` is None where somebody has to lift it. A `restriction` is what the candidate themselves asked for.

    `readers` need what it covers for what it is for, beside who placed it.
    """

    hold: str
    at: datetime
    by: str
    why: Why
    classes: tuple[KeyClass, ...]
    until: datetime | None = None
    reason: Private | None = None
    readers: tuple[str, ...] = ()


class HoldLifted(Event, frozen=True, kw_only=True, tag="record.hold_lifted"):
    hold: str
    at: datetime
    by: str
    why: Literal["person", "expired"]
    reason: Private | None = None


# Commands.


class PlaceHold(Command, frozen=True, kw_only=True):
    hold: str
    at: datetime
    by: str
    why: Why
    classes: tuple[KeyClass, ...]
    until: datetime | None = None
    reason: Private | None = None
    readers: tuple[str, ...] = ()


class LiftHold(Command, frozen=True, kw_only=True):
    hold: str
    at: datetime
    by: str
    reason: Private | None = None


class ExpireHolds(Command, frozen=True, kw_only=True):
    """Lifts those whose time is over."""

    at: datetime
    by: str


HoldCommand = PlaceHold | LiftHold | ExpireHolds


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """One that stands."""

    why: Why
    classes: tuple[KeyClass, ...]
    until: datetime | None
    by: str = ""
    at: datetime | None = None
    readers: tuple[str, ...] = ()
