"""A user: one account for each address, its roles, and a door that closes to guessers."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from domain.event import Private
from domain.user import (
    DECIDER,
    LOCKED_S,
    TRIES,
    GrantRole,
    Register,
    Registered,
    RevokeRole,
    RoleGranted,
    RoleRevoked,
    SignedIn,
    SignIn,
    SignInFailed,
)
from tests.domain.given import given
from tests.domain.hall import at


def _profile(text: str) -> Private:
    return Private("turing", text, key_class="profile")


NAME, EMAIL, PASSWORD = _profile("Alan Turing"), _profile("alan@example.org"), _profile("$argon2id$...")
REGISTER = Register(name=NAME, email=EMAIL, password=PASSWORD)
REGISTERED = Registered(name=NAME, email=EMAIL, password=PASSWORD)
FAILED = [SignInFailed(at=at("9:00") + timedelta(seconds=n)) for n in range(TRIES)]
RIGHT, WRONG = (SignIn(at=at("9:00:10"), matched=matched) for matched in (True, False))


def test_an_account_is_registered_once() -> None:
    given(DECIDER).when(REGISTER).then(REGISTERED)
    given(DECIDER, REGISTERED).when(REGISTER).refused("has an account already", field="email")


def test_a_role_is_granted_and_revoked_once() -> None:
    granted, revoked = RoleGranted(role="planner"), RoleRevoked(role="planner")
    given(DECIDER, REGISTERED).when(GrantRole(role="planner")).then(granted)
    given(DECIDER, REGISTERED, granted).when(GrantRole(role="planner")).then_nothing()
    given(DECIDER, REGISTERED, granted).when(RevokeRole(role="planner")).then(revoked)
    given(DECIDER, REGISTERED, granted, revoked).when(RevokeRole(role="planner")).then_nothing()
    given(DECIDER, REGISTERED, granted).when(RevokeRole(role="admin")).then_nothing()


def test_signing_in_is_noted_whether_it_succeeds_or_not() -> None:
    given(DECIDER, REGISTERED).when(RIGHT).then(SignedIn(at=at("9:00:10")))
    given(DECIDER, REGISTERED).when(WRONG).then(SignInFailed(at=at("9:00:10")))


def test_ten_wrong_passwords_close_the_door_for_five_minutes_even_to_the_right_one() -> None:
    given(DECIDER, REGISTERED, *FAILED[1:]).when(RIGHT).then(SignedIn(at=at("9:00:10")))
    given(DECIDER, REGISTERED, *FAILED).when(RIGHT).refused("wait five minutes")
    given(DECIDER, REGISTERED, *FAILED).when(WRONG).refused("wait five minutes")
    later = FAILED[-1].at + timedelta(seconds=LOCKED_S)
    given(DECIDER, REGISTERED, *FAILED).when(replace(RIGHT, at=later)).then(SignedIn(at=later))


def test_the_door_closes_again_at_the_next_wrong_password_and_opens_with_the_right_one() -> None:
    later = FAILED[-1].at + timedelta(seconds=LOCKED_S)
    guess = replace(RIGHT, at=later + timedelta(seconds=1))
    given(DECIDER, REGISTERED, *FAILED, SignInFailed(at=later)).when(guess).refused("wait five minutes")
    given(DECIDER, REGISTERED, *FAILED, SignedIn(at=later)).when(guess).then(SignedIn(at=guess.at))


def test_nothing_can_be_done_with_an_account_that_does_not_exist() -> None:
    for command in (GrantRole(role="admin"), RevokeRole(role="admin"), RIGHT):
        given(DECIDER).when(command).refused("no such user", field="user", kind="not_found")
