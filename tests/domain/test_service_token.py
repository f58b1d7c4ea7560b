"""A service token: roles and an end, issued once, revoked once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from domain.service_token import DECIDER, LONGEST, Issue, Issued, Revoke, Revoked, ServiceToken
from tests.domain.given import given
from tests.domain.hall import at

ISSUE = Issue(
    at=at("9:00"), name=" Moodle ", roles=("reviewer", "planner", "planner"), expires_at=at("11:00"), sha256="ab"
)  # fmt: skip
ISSUED = Issued(name="Moodle", roles=("planner", "reviewer"), expires_at=at("11:00"), sha256="ab")


def test_a_token_is_issued_once_with_each_role_once() -> None:
    given(DECIDER).when(ISSUE).then(ISSUED)
    given(DECIDER, ISSUED).when(ISSUE).refused("issued already")


def test_a_token_has_a_name_a_role_and_an_end_that_is_not_too_far() -> None:
    for changed, field in (
        (replace(ISSUE, name="  "), "name"),
        (replace(ISSUE, roles=()), "roles"),
        (replace(ISSUE, expires_at=ISSUE.at), "expires_at"),
        (replace(ISSUE, expires_at=ISSUE.at + LONGEST + timedelta(seconds=1)), "expires_at"),
    ):
        given(DECIDER).when(changed).refused("a token", field=field, kind="invalid")
    furthest = ISSUE.at + LONGEST
    given(DECIDER).when(replace(ISSUE, expires_at=furthest)).then(replace(ISSUED, expires_at=furthest))


def test_a_token_is_revoked_once() -> None:
    given(DECIDER, ISSUED).when(Revoke()).then(Revoked())
    given(DECIDER, ISSUED, Revoked()).when(Revoke()).then_nothing()
    given(DECIDER).when(Revoke()).refused("no such token", field="token", kind="not_found")


@pytest.mark.parametrize(
    ("history", "when", "good"),
    [
        ((), "10:00", False),
        ((ISSUED,), "10:59:59", True),
        ((ISSUED,), "11:00", False),
        ((ISSUED, Revoked()), "10:00", False),
    ],
)
def test_a_token_is_good_from_its_issue_to_its_end_or_its_revocation(
    history: tuple[Issued | Revoked, ...], when: str, good: bool
) -> None:
    state: ServiceToken = given(DECIDER, *history).state
    assert state.good(at(when)) is good
