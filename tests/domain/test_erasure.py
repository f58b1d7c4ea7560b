"""What is kept of a session: held, restricted, erased in time or on request, each once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from domain.erasure import Erase, Erased, ErasureFinished, FinishErasure, KeyDestroyed, ReachRetention, Restricted
from domain.event import KeyClass, Private
from domain.hold import ExpireHolds, HoldLifted, HoldPlaced, LiftHold, PlaceHold
from domain.record import DECIDER, Export, Exported, RecordEvent, Sealed
from domain.retention import ALL, due
from tests.domain.given import given
from tests.domain.hall import at

TEN = at("10:00")
EVERYTHING = tuple(sorted(ALL))
WHY = Private("ada", "an appeal is announced", session="s1", key_class="notes")
HELD = HoldPlaced(hold="h1", at=TEN, by="rea", why="person", classes=EVERYTHING, reason=WHY)
ERASE = Erase(at=TEN, request="q1", by=("dora", "adam"))
RESTRICTED = Restricted(at=TEN, classes=EVERYTHING, request="q1")


def gone(*classes: KeyClass, by: tuple[str, ...] = ("dora", "adam"), request: str = "q1") -> tuple[RecordEvent, ...]:
    destroyed = tuple(KeyDestroyed(at=TEN, key_class=one) for one in classes)
    return (Erased(at=TEN, by=by, classes=classes, request=request), *destroyed)


def place(**more: object) -> PlaceHold:
    said = {"hold": "h1", "at": TEN, "by": "rea", "why": "person", "classes": EVERYTHING, "reason": WHY} | more
    return PlaceHold(**said)  # type: ignore[arg-type]


def test_what_two_people_erase_is_said_with_each_key_and_only_once() -> None:
    given(DECIDER).when(ERASE).then(*gone(*EVERYTHING))
    given(DECIDER, *gone(*EVERYTHING)).when(ERASE).then_nothing()


def test_what_is_held_is_restricted_and_the_rest_is_erased() -> None:
    held = HoldPlaced(hold="h1", at=TEN, by="rea", why="appeal", classes=("media", "notes"))
    restricted = Restricted(at=TEN, classes=("media", "notes"), request="q1")
    then = (restricted, *gone("chat", "identity", "profile"))
    given(DECIDER, held).when(ERASE).then(*then)
    given(DECIDER, held, *then).when(ERASE).then_nothing()
    assert given(DECIDER, held, *then).state.keeping.restricted
    assert not given(DECIDER, held).state.keeping.restricted


def test_lifting_the_hold_erases_what_waited() -> None:
    lifted = HoldLifted(hold="h1", at=TEN, by="rea", why="person", reason=WHY)
    lift = LiftHold(hold="h1", at=TEN, by="rea", reason=WHY)
    given(DECIDER, HELD, RESTRICTED).when(lift).then(lifted, *gone(*EVERYTHING, by=("rea",)))
    given(DECIDER, HELD).when(lift).then(lifted)
    given(DECIDER, HELD, lifted).when(lift).then_nothing()
    given(DECIDER).when(lift).refused("no such hold", field="hold", kind="not_found")


def test_a_second_hold_goes_on_holding() -> None:
    other = HoldPlaced(hold="h2", at=TEN, by="rea", why="decision", classes=("media",))
    lifted = HoldLifted(hold="h1", at=TEN, by="rea", why="person")
    rest = tuple(one for one in EVERYTHING if one != "media")
    before = (HELD, other, RESTRICTED)
    given(DECIDER, *before).when(LiftHold(hold="h1", at=TEN, by="rea")).then(lifted, *gone(*rest, by=("rea",)))


def test_a_hold_expires_and_lets_go_what_waited() -> None:
    held = HoldPlaced(hold="h1", at=at("9:00"), by="rea", why="person", classes=EVERYTHING, until=TEN)
    early = ExpireHolds(at=TEN - timedelta(seconds=1), by="system/react")
    given(DECIDER, held, RESTRICTED).when(early).then_nothing()
    expired = HoldLifted(hold="h1", at=TEN, by="system/react", why="expired")
    in_time = ExpireHolds(at=TEN, by="system/react")
    erased = gone(*EVERYTHING, by=("system/react",))
    given(DECIDER, held, RESTRICTED).when(in_time).then(expired, *erased)
    given(DECIDER, held, RESTRICTED, expired, *erased).when(in_time).then_nothing()


def test_a_hold_covers_what_is_left_and_ends_in_the_future() -> None:
    given(DECIDER).when(place()).then(HELD)
    given(DECIDER, HELD).when(place()).then_nothing()
    given(DECIDER).when(place(until=TEN)).refused("in the future", field="until", kind="invalid")
    given(DECIDER, *gone("media")).when(place(classes=("media",))).refused("has been erased", field="classes")
    left = HoldPlaced(hold="h1", at=TEN, by="rea", why="person", classes=("chat",), reason=WHY)
    given(DECIDER, *gone("media")).when(place(classes=("media", "chat"))).then(left)


def test_media_go_first_and_the_rest_later() -> None:
    first = given(DECIDER).when(ReachRetention(at=TEN, what="media", by="system/react"))
    assert first.refusal is None
    assert first.events[1:] == gone("identity", "media", by=("system/react",), request="")
    again = given(DECIDER, *first.events)  # type: ignore[arg-type]
    again.when(ReachRetention(at=TEN, what="media", by="system/react")).then_nothing()
    later = again.when(ReachRetention(at=TEN, what="record", by="system/react"))
    assert later.events[1:] == gone("chat", "notes", "profile", by=("system/react",), request="")


def test_what_is_due_and_held_waits_for_the_hold() -> None:
    due_then = given(DECIDER, HELD).when(ReachRetention(at=TEN, what="media", by="system/react"))
    assert len(due_then.events) == 1
    held = given(DECIDER, HELD, *due_then.events)  # type: ignore[arg-type]
    assert held.state.keeping.restricted
    lifted = held.when(LiftHold(hold="h1", at=TEN, by="rea"))
    assert lifted.events[1:] == gone("identity", "media", by=("rea",), request="")


def test_erasing_is_finished_once_for_what_was_erased() -> None:
    finish = FinishErasure(at=TEN, classes=("media", "chat"))
    finished = ErasureFinished(at=TEN, classes=("media",))
    given(DECIDER, *gone("media")).when(finish).then(finished)
    given(DECIDER, *gone("media"), finished).when(finish).then_nothing()
    given(DECIDER).when(finish).then_nothing()


def test_nothing_of_a_restricted_record_is_exported() -> None:
    sealed = Sealed(
        number=1, kind="complete", at=TEN, owed=(), streams={}, root="ab", checkpoint="n", clock="synchronised"
    )  # fmt: skip
    export = Export(by="odo", export="x1", at=TEN)
    given(DECIDER, sealed, HELD, RESTRICTED).when(export).refused("restricted")
    theirs = Exported(by="odo", export="x1", at=TEN, seal=1, request="q9")
    given(DECIDER, sealed, HELD, RESTRICTED).when(replace(export, request="q9")).then(theirs)
    wished = HoldPlaced(hold="q2", at=TEN, by="dora", why="restriction", classes=EVERYTHING)
    given(DECIDER, sealed, wished).when(export).refused("restricted")
    assert given(DECIDER, sealed, HELD).when(export).events


@pytest.mark.parametrize(("media", "record", "goes"), [(180, 730, 180), (400, 100, 100)])
def test_media_are_never_kept_longer_than_the_record(media: int, record: int, goes: int) -> None:
    when = due(TEN, media_kept_days=media, record_kept_days=record)
    assert when == {"media": TEN + timedelta(days=goes), "record": TEN + timedelta(days=record)}


def test_what_is_restricted_is_shown_to_who_holds_it_and_whom_they_name() -> None:
    named = HoldPlaced(hold="h1", at=TEN, by="rea", why="person", classes=EVERYTHING, readers=("leo",))
    open_to_all = given(DECIDER, named).state.keeping
    assert open_to_all.shown_to("anybody")
    kept = given(DECIDER, named, RESTRICTED).state.keeping
    assert [who for who in ("rea", "leo", "anybody") if kept.shown_to(who)] == ["rea", "leo"]
