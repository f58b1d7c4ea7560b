"""The start PIN of a schedule, told in the room. Who types a wrong one too often waits, longer each time."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.event import Command, Event, Private, Refused
from domain.phase import WAITING
from domain.session import PinRefused, Session

DIGITS = 6
FREE = 5  # wrong ones in a session before anybody waits
WAIT_S, LONGEST_S = 30, 300  # the first wait, which doubles each time; nobody loses their exam by waiting for ever

# Events of a schedule. Tags and field names are on disk for ever.


class PinGenerated(Event, frozen=True, kw_only=True, tag="schedule.pin_generated"):
    pin: Private


class PinRemoved(Event, frozen=True, kw_only=True, tag="schedule.pin_removed"):
    pass


# Commands: to a schedule, and to a session.


class SetPin(Command, frozen=True, kw_only=True):
    pin: Private | None


class TryPin(Command, frozen=True, kw_only=True):
    """A candidate who wants to start says the PIN. `right` is None when they typed none."""

    at: datetime
    right: bool | None


def replaced(pin: Private | None, by: Private | None) -> tuple[PinGenerated | PinRemoved, ...]:
    """A schedule has one PIN at most."""
    if by is None:
        return () if pin is None else (PinRemoved(),)
    text = by.text or ""
    if not (len(text) == DIGITS and text.isascii() and text.isdigit()):
        raise Refused(f"a PIN has {DIGITS} digits", field="pin", kind="invalid")
    return () if by == pin else (PinGenerated(pin=by),)


def tried(command: TryPin, state: Session) -> tuple[PinRefused, ...]:
    """Nothing for the right PIN, nor for who has started: they come back without one."""
    if state.phase not in WAITING:
        return ()
    until = waits_until(state)
    if until and command.at < until:
        rule = "the PIN was wrong too often, so it cannot be tried at the moment; your exam is not lost"
        raise Refused(rule, field="pin")
    if command.right is None:
        rule = f"type the {DIGITS}-digit PIN that your invigilator tells you, then start again"
        raise Refused(rule, field="pin", kind="invalid")
    return () if command.right else (PinRefused(at=command.at),)


def waits_until(state: Session) -> datetime | None:
    """When the next PIN may be tried; None when at once."""
    if state.pin_refused < FREE or state.pin_refused_at is None:
        return None
    doubled = WAIT_S * 2 ** min(state.pin_refused - FREE, 10)
    return state.pin_refused_at + timedelta(seconds=min(doubled, LONGEST_S))
