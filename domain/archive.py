"""A session's streams leave the database for a bundle, long after it, and come back to be read. The record stays.

The events are on the record, whose stream is never archived: so holds, requests and erasing go on as they do for all.
"""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

import msgspec

from domain.event import Command, Event, Refused

# Events of a record. Tags and field names are on disk for ever.


class Archived(Event, frozen=True, kw_only=True, tag="record.archived"):
    """All streams of the session but its record's lie in `bundle`, up to these last versions.

    `sha256` (hex) is of the whole bundle. `subject`, `schedule` and `kept_days` (of media and of the record, by the
    policy that it ran under; None if it never began) are what is asked of a session while its own stream is away.
    """

    at: datetime
    by: str
    bundle: str
    sha256: str
    streams: dict[str, int]
    subject: str
    schedule: str
    kept_days: tuple[int, int] | None = None


class BroughtBack(Event, frozen=True, kw_only=True, tag="record.brought_back"):
    at: datetime
    by: str
    bundle: str


ArchiveEvent = Archived | BroughtBack

# Commands.


class Archive(Command, frozen=True, kw_only=True):
    at: datetime
    by: str
    bundle: str
    sha256: str
    streams: dict[str, int]
    subject: str
    schedule: str
    kept_days: tuple[int, int] | None = None


class BringBack(Command, frozen=True, kw_only=True):
    at: datetime
    by: str


ArchiveCommand = Archive | BringBack


class Away(Refused):
    """What is asked for lies in a bundle. Says which, and how it comes back."""

    def __init__(self, stream: str, bundle: str = "") -> None:
        what = f"the bundle {bundle}" if bundle else "a bundle"
        name = bundle or "BUNDLE"
        super().__init__(
            f"{stream} is archived in {what}; an operator brings it back with: vigil archive restore {name}"
        )
        self.bundle = bundle


# State.


class Shelved(msgspec.Struct, frozen=True, kw_only=True):
    """Where the streams lie; `bundle` is "" while they are in the database."""

    bundle: str = ""
    sha256: str = ""
    streams: dict[str, int] = {}
    subject: str = ""
    schedule: str = ""
    kept_days: tuple[int, int] | None = None


def evolve(event: ArchiveEvent) -> Shelved:
    match event:
        case Archived():
            return msgspec.convert(event, Shelved, from_attributes=True)
        case BroughtBack():
            return Shelved()
        case _:
            assert_never(event)


def decide(command: ArchiveCommand, state: Shelved, *, why_not: str) -> tuple[ArchiveEvent, ...]:
    """`why_not` is what the record says against it, "" where nothing does."""
    match command:
        case Archive():
            if why_not:
                raise Refused(f"this session is not archived: {why_not}", field="session")
            if msgspec.convert(command, Shelved, from_attributes=True) == state:
                return ()
            return (msgspec.convert(command, Archived, from_attributes=True),)
        case BringBack(at=at, by=by):
            return (BroughtBack(at=at, by=by, bundle=state.bundle),) if state.bundle else ()
        case _:
            assert_never(command)
