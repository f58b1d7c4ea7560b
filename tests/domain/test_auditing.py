"""An auditor: assigned to schedules, or explicitly to everything, until a date and for a reason."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from domain.auditing import LONGEST, AssignAuditor, AuditorAssigned
from domain.event import Private
from domain.user import DECIDER, RoleGranted, RoleRevoked
from tests.domain.given import given
from tests.domain.hall import at
from tests.domain.test_user import REGISTERED

NOW = at("9:00")
WHY = Private("turing", "Appeal 12", key_class="profile")
ASSIGN = AssignAuditor(at=NOW, schedules=("b", "a", "b"), until=NOW + timedelta(days=30), reason=WHY)
GRANTED = RoleGranted(role="auditor")
ASSIGNED = AuditorAssigned(at=NOW, schedules=("a", "b"), until=NOW + timedelta(days=30), reason=WHY)


def test_an_assignment_gives_the_role_and_said_twice_happens_once() -> None:
    given(DECIDER, REGISTERED).when(ASSIGN).then(GRANTED, ASSIGNED)
    given(DECIDER, REGISTERED, GRANTED).when(ASSIGN).then(ASSIGNED)
    given(DECIDER, REGISTERED, GRANTED, ASSIGNED).when(ASSIGN).then_nothing()
    given(DECIDER).when(ASSIGN).refused("no such user", field="user", kind="not_found")


def test_another_assignment_takes_the_place_of_the_first() -> None:
    wider = replace(ASSIGN, schedules=(), everything=True)
    made = replace(ASSIGNED, schedules=(), everything=True)
    given(DECIDER, REGISTERED, GRANTED, ASSIGNED).when(wider).then(made)
    state = given(DECIDER, REGISTERED, GRANTED, ASSIGNED, made).state
    assert state.auditing
    assert state.auditing.covers("c")


def test_schedules_are_named_or_everything_is_said() -> None:
    for odd in (replace(ASSIGN, schedules=()), replace(ASSIGN, everything=True)):
        given(DECIDER, REGISTERED).when(odd).refused("name schedules, or", field="schedules", kind="invalid")


def test_an_assignment_ends_in_the_future_and_within_a_year() -> None:
    given(DECIDER, REGISTERED).when(replace(ASSIGN, until=NOW)).refused("in the future", field="until", kind="invalid")
    longest = replace(ASSIGN, until=NOW + LONGEST)
    given(DECIDER, REGISTERED).when(longest).then(GRANTED, replace(ASSIGNED, until=NOW + LONGEST))
    beyond = replace(ASSIGN, until=NOW + LONGEST + timedelta(seconds=1))
    given(DECIDER, REGISTERED).when(beyond).refused("within 366 days", field="until", kind="invalid")


def test_an_assignment_has_a_reason() -> None:
    empty = replace(ASSIGN, reason=Private("turing", "  ", key_class="profile"))
    given(DECIDER, REGISTERED).when(empty).refused("say why", field="reason", kind="invalid")


def test_it_covers_what_was_named_and_runs_until_its_end() -> None:
    auditing = given(DECIDER, REGISTERED, GRANTED, ASSIGNED).state.auditing
    assert auditing
    assert [auditing.covers(name) for name in ("a", "b", "c")] == [True, True, False]
    assert auditing.runs(auditing.until - timedelta(seconds=1))
    assert not auditing.runs(auditing.until)


def test_the_role_alone_opens_nothing_and_with_it_goes_the_assignment() -> None:
    assert given(DECIDER, REGISTERED, GRANTED).state.auditing is None
    before = given(DECIDER, REGISTERED, GRANTED, ASSIGNED, RoleRevoked(role="reviewer")).state.auditing
    after = given(DECIDER, REGISTERED, GRANTED, ASSIGNED, RoleRevoked(role="auditor"), GRANTED).state.auditing
    assert before is not None
    assert after is None
