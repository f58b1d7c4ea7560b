"""The record: the sealed account of a session, and what people did with it afterwards."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, assert_never

import msgspec
from msgspec.structs import replace

from domain import appeal, archive, erasure, review
from domain.appeal import AppealCommand, AppealEvent, Appeals
from domain.archive import ArchiveCommand, ArchiveEvent, Shelved
from domain.erasure import Keeping, KeepingCommand, KeepingEvent
from domain.event import Command, Decider, Event, Refused
from domain.review import Review, ReviewCommand, ReviewEvent

SealKind = Literal["provisional", "complete"]

# Events. Tags and field names are on disk for ever.


class Sealed(Event, frozen=True, kw_only=True, tag="record.sealed"):
    """Seal `number` covers every event of the session up to `streams` (last version of each).

    `root` is the RFC 9162 root (hex) over the session's own leaves in the order of stream and version; `checkpoint` is
    the signed note that holds them all. `owed` says what had not come yet, `lost` what nobody waits for any more.
    `clock` says how well the server's clock was synchronised.
    """

    number: int
    kind: SealKind
    at: datetime
    owed: tuple[str, ...]
    streams: dict[str, int]
    root: str
    checkpoint: str
    clock: str
    lost: tuple[str, ...] = ()


class Viewed(Event, frozen=True, kw_only=True, tag="record.viewed"):
    by: str
    what: str
    at: datetime


class Exported(Event, frozen=True, kw_only=True, tag="record.exported"):
    """`request` is the person's own for access, where it was made for them."""

    by: str
    export: str
    at: datetime
    seal: int
    request: str = ""


RecordEvent = Sealed | Viewed | Exported | ReviewEvent | AppealEvent | KeepingEvent | ArchiveEvent

# Commands.


class Seal(Command, frozen=True, kw_only=True):
    at: datetime
    owed: tuple[str, ...]
    streams: dict[str, int]
    root: str
    checkpoint: str
    clock: str
    lost: tuple[str, ...] = ()


class View(Command, frozen=True, kw_only=True):
    by: str
    what: str
    at: datetime


class Export(Command, frozen=True, kw_only=True):
    by: str
    export: str
    at: datetime
    request: str = ""


RecordCommand = Seal | View | Export | ReviewCommand | AppealCommand | KeepingCommand | ArchiveCommand

# State.


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """The last seal, what it covers, and who looked when (coalesced to a minute)."""

    seals: int = 0
    kind: SealKind | None = None
    streams: dict[str, int] = {}
    root: str = ""
    viewed: dict[tuple[str, str], datetime] = {}
    exports: frozenset[str] = frozenset()
    review: Review = Review()
    appeals: Appeals = Appeals()
    keeping: Keeping = Keeping()
    shelved: Shelved = Shelved()


def evolve(state: Record, event: RecordEvent) -> Record:
    if isinstance(event, KeepingEvent):
        return replace(state, keeping=erasure.evolve(state.keeping, event))
    if isinstance(event, ReviewEvent):
        return replace(state, review=review.evolve(state.review, event))
    if isinstance(event, AppealEvent):
        return replace(state, appeals=appeal.evolve(state.appeals, event))
    if isinstance(event, ArchiveEvent):
        return replace(state, shelved=archive.evolve(event))
    match event:
        case Sealed(number=number, kind=kind, streams=streams, root=root):
            return replace(state, seals=number, kind=kind, streams=streams, root=root)
        case Viewed(by=by, what=what, at=at):
            return replace(state, viewed=state.viewed | {(by, what): at})
        case Exported(export=export):
            return replace(state, exports=state.exports | {export})
        case _:
            assert_never(event)


def decide(command: RecordCommand, state: Record) -> tuple[RecordEvent, ...]:
    if isinstance(command, KeepingCommand):
        return erasure.decide(command, state.keeping)
    if isinstance(command, ReviewCommand):
        return review.decide(command, state.review, seal=state.seals, root=state.root)
    if isinstance(command, AppealCommand):
        return appeal.decide(command, state.appeals)
    if isinstance(command, ArchiveCommand):
        return archive.decide(command, state.shelved, why_not=_why_not(state))
    match command:
        case Seal():
            return _seal(command, state)
        case View(by=by, what=what, at=at):
            last = state.viewed.get((by, what))
            if last is not None and (at - last).total_seconds() < 60:
                return ()
            return (Viewed(by=by, what=what, at=at),)
        case Export(by=by, export=export, at=at, request=request):
            if export in state.exports:
                return ()
            if not state.seals:
                raise Refused("the record is not sealed yet; try again in a moment", kind="conflict")
            if state.shelved.bundle:
                raise archive.Away("this session", state.shelved.bundle)
            if state.keeping.restricted and not request:  # the person has access all the same
                raise Refused("this record is restricted; nothing of it is exported")
            return (Exported(by=by, export=export, at=at, seal=state.seals, request=request),)
        case _:
            assert_never(command)


def _why_not(state: Record) -> str:
    """What stands against archiving, "" where nothing does."""
    if state.kind != "complete":
        return "its record is not sealed for good"
    if state.keeping.holds:
        return f"it is under a hold ({', '.join(sorted({one.why for one in state.keeping.holds.values()}))})"
    if state.appeals.waits(len(state.review.decisions)):
        return "an appeal is open"
    if state.keeping.unfinished:
        return "its erasing is not finished"
    return ""


def _seal(command: Seal, state: Record) -> tuple[RecordEvent, ...]:
    kind: SealKind = "provisional" if command.owed else "complete"
    if state.seals and command.streams == state.streams and state.kind in ("complete", kind):
        return ()
    shrunk = [stream for stream, last in state.streams.items() if command.streams.get(stream, 0) < last]
    if shrunk:
        raise Refused("a seal covers everything that the one before it covers", field="streams")
    return (
        Sealed(
            number=state.seals + 1, kind=kind, at=command.at, owed=command.owed, streams=command.streams,
            root=command.root, checkpoint=command.checkpoint, clock=command.clock, lost=command.lost,
        ),
    )  # fmt: skip


DECIDER: Decider[Record, RecordCommand, RecordEvent] = Decider("record", Record(), evolve, decide, RecordEvent)
