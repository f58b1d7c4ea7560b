"""A decision on a record: by a person, with a reason, on a seal and on what was judged. None replaces another."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from domain.event import Command, Event, Private, Refused
from domain.identity import Finding
from domain.verdict import OPEN, Judged

Outcome = Literal["clear", "referred", "void"]
Ground = Literal["incident", "fault", "termination", "identity"]

# Events of a record. Tags and field names are on disk for ever.


class Decided(Event, frozen=True, kw_only=True, tag="record.decided"):
    """Decision `number` rests on seal `seal` with this `root`, and on the incidents as they were judged then.

    `ground` is why a record is referred or void; None where it is clear.
    """

    number: int
    outcome: Outcome
    ground: Ground | None
    reason: Private
    by: str
    at: datetime
    seal: int
    root: str
    incidents: tuple[Judged, ...]


class NoteAdded(Event, frozen=True, kw_only=True, tag="record.note_added"):
    note: str
    text: Private
    by: str
    at: datetime


# Commands.


class Decide(Command, frozen=True, kw_only=True):
    """`number` is the one that the decision will have, as who decides knows it; None where they did not look.

    `sealed` says that the last seal covers all of the session's own stream, `terminated` that it was terminated;
    `identity` is what a reviewer found of who this was, `identity_owed` that one still has to.
    """

    outcome: Outcome
    ground: Ground | None
    reason: Private
    by: str
    at: datetime
    incidents: tuple[Judged, ...]
    sealed: bool
    terminated: bool
    identity: Finding | None = None
    identity_owed: bool = False
    number: int | None = None


class AddNote(Command, frozen=True, kw_only=True):
    note: str
    text: Private
    by: str
    at: datetime


def decided(command: Decide, seal: int, root: str, known: Sequence[Decided]) -> tuple[Decided, ...]:
    """`seal` is the number of the last one, 0 before the first; `known` are the decisions that there are."""
    if not seal or not command.sealed:
        raise Refused("the record is not sealed yet; try again in a moment")
    made = Decided(
        number=len(known) + 1, outcome=command.outcome, ground=command.ground, reason=command.reason, by=command.by,
        at=command.at, seal=seal, root=root, incidents=command.incidents,
    )  # fmt: skip
    if known and _same(made, known[-1]):
        return ()
    if command.number not in (None, made.number):
        raise Refused("somebody has decided meanwhile; read the record again", field="number")
    if [one.incident for one in command.incidents if one.standing in OPEN]:
        raise Refused("an incident needs another verdict before anybody decides", field="incidents")
    if command.outcome == "clear":
        _must_be_clear(command)
    else:
        _must_have_a_ground(command)
    return (made,)


def _same(made: Decided, last: Decided) -> bool:
    return (made.outcome, made.ground, made.reason, made.by, made.seal, made.incidents) == (
        last.outcome, last.ground, last.reason, last.by, last.seal, last.incidents,
    )  # fmt: skip


def _must_be_clear(command: Decide) -> None:
    if command.ground is not None:
        raise Refused("a record that is clear has no ground", field="ground", kind="invalid")
    if any(one.severity == "high" and one.standing == "unjudged" for one in command.incidents):
        raise Refused("nobody has judged an incident of high severity yet", field="incidents")
    if command.identity_owed:
        raise Refused("a reviewer has to say first who this was", field="identity")


def _must_have_a_ground(command: Decide) -> None:
    """A fault is taken at the word of who decides, with their reason; it is never held against the candidate."""
    match command.ground:
        case None:
            raise Refused("say on which ground it is not clear", field="ground", kind="invalid")
        case "incident" if not any(one.standing == "confirmed" for one in command.incidents):
            raise Refused("nobody has confirmed an incident", field="ground")
        case "termination" if not command.terminated:
            raise Refused("this session was not terminated", field="ground")
        case "identity" if command.identity in (None, "same_person"):
            raise Refused("no reviewer has doubted who this was", field="ground")
        case _:
            return
