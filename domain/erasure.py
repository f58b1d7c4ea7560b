"""What is kept of a session, held, and erased: by a request of the candidate, or because its time is over.

Erasing is said first and done afterwards, again and again until it is done: keys, objects, read models. What a hold
covers is restricted instead, and erased when no hold covers it any more.
"""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

import msgspec
from msgspec.structs import replace

from domain.event import Command, Event, KeyClass, Refused
from domain.hold import ExpireHolds, Hold, HoldCommand, HoldLifted, HoldPlaced, LiftHold, PlaceHold
from domain.retention import ALL, CLASSES, Kept

# Events of a record. Tags and field names are on disk for ever.


class RetentionDue(Event, frozen=True, kw_only=True, tag="record.retention_due"):
    """It has been kept for as long as the policy says."""

    at: datetime
    what: Kept
    classes: tuple[KeyClass, ...]


class Restricted(Event, frozen=True, kw_only=True, tag="record.restricted"):
    """What has to be erased and is held: it is erased when the hold is over. `request` is "" for retention."""

    at: datetime
    classes: tuple[KeyClass, ...]
    request: str = ""


class Erased(Event, frozen=True, kw_only=True, tag="record.erased"):
    """Decided: from now on these classes count as gone. `by` are those who decided, or Vigil itself.

    `request` is "" where their time was over.
    """

    at: datetime
    by: tuple[str, ...]
    classes: tuple[KeyClass, ...]
    request: str = ""


class KeyDestroyed(Event, frozen=True, kw_only=True, tag="record.key_destroyed"):
    """The candidate's data key of this session and class. Said before it is done, and done until it is."""

    at: datetime
    key_class: KeyClass


class ErasureFinished(Event, frozen=True, kw_only=True, tag="record.erasure_finished"):
    """Keys, objects, spooled bytes and read models are gone, and no process holds a key any more.

    `sealed_left`: the object store keeps what is deleted, as bytes that nobody can open.
    """

    at: datetime
    classes: tuple[KeyClass, ...]
    sealed_left: bool = False


KeepingEvent = HoldPlaced | HoldLifted | RetentionDue | Restricted | Erased | KeyDestroyed | ErasureFinished

# Commands.


class ReachRetention(Command, frozen=True, kw_only=True):
    at: datetime
    what: Kept
    by: str


class Erase(Command, frozen=True, kw_only=True):
    """For a person's request, decided by the two in `by`."""

    at: datetime
    request: str
    by: tuple[str, ...]


class FinishErasure(Command, frozen=True, kw_only=True):
    """What was erased up to now is gone."""

    at: datetime
    classes: tuple[KeyClass, ...]
    sealed_left: bool = False


KeepingCommand = HoldCommand | ReachRetention | Erase | FinishErasure

# State.


class Keeping(msgspec.Struct, frozen=True, kw_only=True):
    """`due` are the classes that have to go, each with the request that wants it ("" for retention).

    `unfinished` are those of the erased whose erasing is still being done; `lifted` are holds that stand no more.
    """

    holds: dict[str, Hold] = {}
    lifted: frozenset[str] = frozenset()
    due: dict[KeyClass, str] = {}
    reached: frozenset[Kept] = frozenset()
    erased: frozenset[KeyClass] = frozenset()
    unfinished: frozenset[KeyClass] = frozenset()

    @property
    def held(self) -> frozenset[KeyClass]:
        return frozenset(one for hold in self.holds.values() for one in hold.classes) - self.erased

    @property
    def restricted(self) -> bool:
        """Whether only those may look who need it for what the hold is for."""
        waiting = (self.due.keys() - self.erased) & self.held
        return bool(waiting) or any(hold.why == "restriction" for hold in self.holds.values())

    def shown_to(self, actor: str) -> bool:
        """Whether this person may look: at what is restricted, who placed a hold and whom it names."""
        return not self.restricted or any(actor in (one.by, *one.readers) for one in self.holds.values())


def evolve(state: Keeping, event: KeepingEvent) -> Keeping:
    match event:
        case HoldPlaced(hold=name, why=why, classes=classes, until=until, by=by, at=at, readers=readers):
            hold = Hold(why=why, classes=classes, until=until, by=by, at=at, readers=readers)
            return replace(state, holds=state.holds | {name: hold})
        case HoldLifted(hold=hold):
            left = {name: one for name, one in state.holds.items() if name != hold}
            return replace(state, holds=left, lifted=state.lifted | {hold})
        case RetentionDue(what=what, classes=classes):
            return replace(state, due=dict.fromkeys(classes, "") | state.due, reached=state.reached | {what})
        case Restricted(classes=classes, request=request):
            return replace(state, due=state.due | dict.fromkeys(classes, request))
        case Erased(classes=classes):
            gone = frozenset(classes)
            return replace(state, erased=state.erased | gone, unfinished=state.unfinished | gone)
        case KeyDestroyed():
            return state
        case ErasureFinished(classes=classes):
            return replace(state, unfinished=state.unfinished - frozenset(classes))
        case _:
            assert_never(event)


def decide(command: KeepingCommand, state: Keeping) -> tuple[KeepingEvent, ...]:
    match command:
        case PlaceHold():
            return _place(command, state)
        case LiftHold(hold=hold, at=at, by=by, reason=reason):
            if hold in state.lifted:
                return ()
            if hold not in state.holds:
                raise Refused("there is no such hold", field="hold", kind="not_found")
            lifted = HoldLifted(hold=hold, at=at, by=by, why="person", reason=reason)
            return (lifted, *_release(evolve(state, lifted), at, by))
        case ExpireHolds(at=at, by=by):
            over = [name for name, one in state.holds.items() if one.until and one.until <= at]
            lifted_all = tuple(HoldLifted(hold=name, at=at, by=by, why="expired") for name in sorted(over))
            for each in lifted_all:
                state = evolve(state, each)
            return (*lifted_all, *_release(state, at, by)) if over else ()
        case ReachRetention(at=at, what=what, by=by):
            if what in state.reached:
                return ()
            reached = RetentionDue(at=at, what=what, classes=_listed(CLASSES[what] - state.erased))
            return (reached, *_release(evolve(state, reached), at, by))
        case Erase():
            return _erase(command, state)
        case FinishErasure(at=at, classes=classes, sealed_left=left):
            done = _listed(frozenset(classes) & state.unfinished)
            return (ErasureFinished(at=at, classes=done, sealed_left=left),) if done else ()
        case _:
            assert_never(command)


def _place(command: PlaceHold, state: Keeping) -> tuple[KeepingEvent, ...]:
    if command.hold in state.holds or command.hold in state.lifted:
        return ()
    if command.until is not None and command.until <= command.at:
        raise Refused("a hold ends in the future", field="until", kind="invalid")
    classes = _listed(frozenset(command.classes) - state.erased)
    if not classes:
        raise Refused("nothing of what this hold would cover is left; it has been erased", field="classes")
    return (
        HoldPlaced(
            hold=command.hold, at=command.at, by=command.by, why=command.why, classes=classes, until=command.until,
            reason=command.reason, readers=command.readers,
        ),
    )  # fmt: skip


def _erase(command: Erase, state: Keeping) -> tuple[KeepingEvent, ...]:
    left = ALL - state.erased
    now, later = _listed(left - state.held), _listed((left & state.held) - _waiting(state))
    restricted = (Restricted(at=command.at, classes=later, request=command.request),) if later else ()
    return (*restricted, *_gone(now, command.at, command.by, command.request))


def _waiting(state: Keeping) -> frozenset[KeyClass]:
    """What a request has asked for already."""
    return frozenset(one for one, request in state.due.items() if request)


def _release(state: Keeping, at: datetime, by: str) -> tuple[KeepingEvent, ...]:
    """Erases what has to go and is not held."""
    free = frozenset(state.due) - state.erased - state.held
    made: list[KeepingEvent] = []
    for request in sorted({state.due[one] for one in free}):
        mine = frozenset(one for one in free if state.due[one] == request)
        made += _gone(_listed(mine), at, (by,), request)
    return tuple(made)


def _gone(classes: tuple[KeyClass, ...], at: datetime, by: tuple[str, ...], request: str) -> tuple[KeepingEvent, ...]:
    if not classes:
        return ()
    destroyed = tuple(KeyDestroyed(at=at, key_class=one) for one in classes)
    return (Erased(at=at, by=by, classes=classes, request=request), *destroyed)


def _listed(classes: frozenset[KeyClass]) -> tuple[KeyClass, ...]:
    return tuple(sorted(classes))
