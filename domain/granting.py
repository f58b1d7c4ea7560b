"""Which candidates of a schedule have been granted an accommodation."""

from __future__ import annotations

from typing import NamedTuple, assert_never

from domain.accommodation import Accommodation
from domain.event import Command, Event, Private, Refused

OBJECTS, LONGEST_OBJECT = 10, 100

# Events of a schedule. Tags and field names are on disk for ever.


class AccommodationGranted(Event, frozen=True, kw_only=True, tag="schedule.accommodation_granted"):
    """`objects` are those that may lie on the desk, one a line: what somebody needs says much about them."""

    session: str
    accommodation: Accommodation
    objects: Private | None = None


class AccommodationWithdrawn(Event, frozen=True, kw_only=True, tag="schedule.accommodation_withdrawn"):
    session: str


GrantingEvent = AccommodationGranted | AccommodationWithdrawn

# Commands.


class Grant(Command, frozen=True, kw_only=True):
    session: str
    accommodation: Accommodation
    objects: Private | None = None


class WithdrawAccommodation(Command, frozen=True, kw_only=True):
    session: str


GrantingCommand = Grant | WithdrawAccommodation

# State.


class Granted(NamedTuple):
    accommodation: Accommodation
    objects: Private | None


def evolve(state: dict[str, Granted], event: GrantingEvent) -> dict[str, Granted]:
    match event:
        case AccommodationGranted(session=session, accommodation=accommodation, objects=objects):
            return state | {session: Granted(accommodation, objects)}
        case AccommodationWithdrawn():
            return {session: one for session, one in state.items() if session != event.session}
        case _:
            assert_never(event)


def decide(command: GrantingCommand, state: dict[str, Granted]) -> tuple[GrantingEvent, ...]:
    match command:
        case Grant(session=session, accommodation=accommodation, objects=objects):
            _must_hold(accommodation, objects)
            if state.get(session) == Granted(accommodation, objects):
                return ()
            return (AccommodationGranted(session=session, accommodation=accommodation, objects=objects),)
        case WithdrawAccommodation(session=session):
            return (AccommodationWithdrawn(session=session),) if session in state else ()
        case _:
            assert_never(command)


def listed(objects: tuple[str, ...]) -> str:
    """Objects as they are kept: one a line. Raises `Refused` for what is no line."""
    if len(objects) > OBJECTS:
        raise _unfit(f"at most {OBJECTS} objects", "objects")
    if not all(one.strip() and one.isprintable() and len(one) <= LONGEST_OBJECT for one in objects):
        raise _unfit(f"each object is named in a line of at most {LONGEST_OBJECT} characters", "objects")
    return "\n".join(objects)


def _must_hold(accommodation: Accommodation, objects: Private | None) -> None:
    """Raises `Refused` for what contradicts itself, or cannot be told in a line."""
    if accommodation.extra_time_percent and accommodation.extra_time_minutes:
        raise _unfit("extra time is a share of the exam or so many minutes, not both", "extra_time_minutes")
    for field in ("people", "muted"):
        named = getattr(accommodation, field)
        if len(set(named)) < len(named):
            raise _unfit("each is named once", field)
    if accommodation == Accommodation() and objects is None:
        raise _unfit("nothing would be allowed; withdraw the accommodation instead", "accommodation")


def _unfit(rule: str, field: str) -> Refused:
    return Refused(rule, field=field, kind="invalid")
