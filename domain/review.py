"""What people say of a record when the exam is over: decisions, notes, and in which order records are looked at."""

from __future__ import annotations

from typing import assert_never

import msgspec
from msgspec.structs import replace

from domain import decision, priority
from domain.decision import AddNote, Decide, Decided, NoteAdded
from domain.event import Refused
from domain.priority import Prioritise, Prioritised

ReviewEvent = Decided | NoteAdded | Prioritised
ReviewCommand = Decide | AddNote | Prioritise


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """All decisions, the last of which counts; which notes there are; the last version of the priority."""

    decisions: tuple[Decided, ...] = ()
    notes: frozenset[str] = frozenset()
    priority: Prioritised | None = None


def evolve(state: Review, event: ReviewEvent) -> Review:
    match event:
        case Decided():
            return replace(state, decisions=(*state.decisions, event))
        case NoteAdded(note=note):
            return replace(state, notes=state.notes | {note})
        case Prioritised():
            return replace(state, priority=event)
        case _:
            assert_never(event)


def decide(command: ReviewCommand, state: Review, *, seal: int, root: str) -> tuple[ReviewEvent, ...]:
    """`seal` is the number of the last one, with its root; 0 before the first."""
    match command:
        case Decide():
            return decision.decided(command, seal, root, state.decisions)
        case AddNote(note=note, text=text, by=by, at=at):
            return () if note in state.notes else (NoteAdded(note=note, text=text, by=by, at=at),)
        case Prioritise():
            if not seal:
                raise Refused("the record is not sealed yet; try again in a moment")
            return priority.prioritised(command, seal, state.priority)
        case _:
            assert_never(command)
