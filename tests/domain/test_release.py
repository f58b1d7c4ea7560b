"""A copy of what is held, for the person: on a granted request for access, with a ground for each thing withheld."""

from __future__ import annotations

import pytest

from domain.release import Release, Released, Withheld
from domain.request import (
    DECIDER,
    Executed,
    Granted,
    GrantedInPart,
    Kind,
    Received,
    RequestEvent,
    a_month_after,
)
from tests.domain.given import given
from tests.domain.hall import at

NINE = at("9:00")
SCREEN = Withheld(what="screen", ground="15(4)")
OTHERS = Withheld(what="others", ground="15(4)", incidents=("i1",))
RELEASE = Release(at=NINE, by="dora", export="x1", sessions=("s1", "s2"), withheld=(SCREEN, OTHERS))
RELEASED = Released(at=NINE, by="dora", export="x1", sessions=("s1", "s2"), withheld=(SCREEN, OTHERS))
EXECUTED = Executed(at=NINE, by=("dora",), sessions=("s1", "s2"))


def received(kind: Kind = "access") -> Received:
    return Received(at=NINE, by="dora", kind=kind, subject="ada", channel="letter", due_at=a_month_after(NINE))


@pytest.mark.parametrize("granted", [Granted(at=NINE, by="dora"), GrantedInPart(at=NINE, by="dora", ground="15(4)")])
def test_the_first_copy_executes_the_request_and_another_may_follow(granted: RequestEvent) -> None:
    given(DECIDER, received(), granted).when(RELEASE).then(EXECUTED, RELEASED)
    once = (received(), granted, EXECUTED, RELEASED)
    given(DECIDER, *once).when(RELEASE).then_nothing()
    more = Release(at=NINE, by="dora", export="x2", sessions=("s1",))
    given(DECIDER, *once).when(more).then(Released(at=NINE, by="dora", export="x2", sessions=("s1",)))


def test_nothing_is_released_that_was_not_granted_or_is_no_access() -> None:
    given(DECIDER, received()).when(RELEASE).refused("only what was granted", field="request")
    erasing = (received("erasure"), Granted(at=NINE, by="dora"))
    given(DECIDER, *erasing).when(RELEASE).refused("only a request for access", field="request")
    given(DECIDER).when(RELEASE).refused("no such request", field="data_request", kind="not_found")


@pytest.mark.parametrize(
    ("withheld", "why"),
    [
        ((SCREEN, SCREEN), "each thing that is withheld once"),
        ((Withheld(what="others", ground="15(4)"),), "name the incidents"),
        ((Withheld(what="staff", ground="15(4)", incidents=("i1",)),), "name the incidents"),
    ],
)
def test_what_is_withheld_is_named_once_and_other_people_by_incident(withheld: tuple[Withheld, ...], why: str) -> None:
    release = Release(at=NINE, by="dora", export="x1", sessions=("s1",), withheld=withheld)
    granted = (received(), Granted(at=NINE, by="dora"))
    given(DECIDER, *granted).when(release).refused(why, field="withhold", kind="invalid")
