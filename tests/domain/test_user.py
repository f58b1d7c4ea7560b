"""A user: one account for each address, its roles, and a door that closes to guessers."""

from __future__ import annotations

from datetime import timedelta

from domain.event import Private
from domain.user import (
    DECIDER,
    TRIES,
    GrantRole,
    LockedOut,
    Register,
    Registered,
    RevokeRole,
    RoleGranted,
    RoleRevoked,
    SignedIn,
    SignedOut,
    SignIn,
    SignInFailed,
    SignOut,
    Unlock,
    Unlocked,
    UserEvent,
)
from tests.domain.given import given
from tests.domain.hall import at


def _profile(text: str) -> Private:
    return Private("turing", text, key_class="profile")


NAME, EMAIL, PASSWORD = _profile("Alan Turing"), _profile("alan@example.org"), _profile("$argon2id$...")
REGISTER = Register(name=NAME, email=EMAIL, password=PASSWORD)
REGISTERED = Registered(name=NAME, email=EMAIL, password=PASSWORD)
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


def attempt(when: str, *, matched: bool = False) -> SignIn:
    return SignIn(at=at(when), matched=matched)


def failed(*more: str) -> list[UserEvent]:
    """One failure short of a wait, and then each of these: a failure that makes the address wait."""
    history: list[UserEvent] = [SignInFailed(at=at("8:59"))] * (TRIES - 1)
    for n, when in enumerate(more):
        until = at(when) + timedelta(minutes=min(2**n, 15))
        history += [SignInFailed(at=at(when)), LockedOut(at=at(when), until=until)]
    return history


def test_five_wrong_passwords_in_a_row_close_the_door_even_to_the_right_one() -> None:
    assert TRIES == 5
    wait = LockedOut(at=at("9:00"), until=at("9:01"))
    given(DECIDER, REGISTERED, *failed()).when(attempt("9:00")).then(SignInFailed(at=at("9:00")), wait)
    for matched in (True, False):
        given(DECIDER, REGISTERED, *failed("9:00")).when(attempt("9:00:59", matched=matched)).refused("too many failed")
    given(DECIDER, REGISTERED, *failed("9:00")).when(attempt("9:01", matched=True)).then(SignedIn(at=at("9:01")))


def test_the_wait_grows_with_each_failure_up_to_fifteen_minutes() -> None:
    times = ["9:00", "9:10", "9:20", "9:30", "9:40", "10:00", "10:20"]
    for n, minutes in enumerate((1, 2, 4, 8, 15, 15, 15)):
        until = at(times[n]) + timedelta(minutes=minutes)
        expected = SignInFailed(at=at(times[n])), LockedOut(at=at(times[n]), until=until)
        given(DECIDER, REGISTERED, *failed(*times[:n])).when(attempt(times[n])).then(*expected)


def test_the_right_password_ends_the_row_of_failures() -> None:
    before = [REGISTERED, *failed("9:00"), SignedIn(at=at("9:05")), *failed()]
    given(DECIDER, *before).when(attempt("9:10")).then(
        SignInFailed(at=at("9:10")), LockedOut(at=at("9:10"), until=at("9:11"))
    )


def test_a_person_lifts_the_wait_once() -> None:
    before = [REGISTERED, *failed("9:00", "9:02")]
    given(DECIDER, *before).when(Unlock()).then(Unlocked())
    given(DECIDER, *before, Unlocked()).when(Unlock()).then_nothing()
    given(DECIDER, *before, Unlocked()).when(attempt("9:02:10", matched=True)).then(SignedIn(at=at("9:02:10")))
    given(DECIDER, *before, Unlocked()).when(attempt("9:02:10")).then(SignInFailed(at=at("9:02:10")))
    given(DECIDER, REGISTERED).when(Unlock()).then_nothing()


def test_an_address_without_an_account_waits_like_any_other_and_lets_nobody_in() -> None:
    given(DECIDER).when(attempt("9:00", matched=True)).then(SignInFailed(at=at("9:00")))
    given(DECIDER, *failed()).when(attempt("9:00")).then(
        SignInFailed(at=at("9:00")), LockedOut(at=at("9:00"), until=at("9:01"))
    )
    given(DECIDER, *failed("9:00")).when(attempt("9:00:30")).refused("too many failed")
    given(DECIDER, *failed("9:00")).when(REGISTER).then(REGISTERED)


def test_signing_out_is_noted_and_only_everywhere_ends_what_was_signed_in() -> None:
    for everywhere in (False, True):
        left = SignedOut(at=at("9:00"), everywhere=everywhere)
        given(DECIDER, REGISTERED).when(SignOut(at=at("9:00"), everywhere=everywhere)).then(left)
        assert given(DECIDER, REGISTERED, left).state.sign_outs == int(everywhere)


def test_failures_from_before_there_were_waits_count() -> None:
    given(DECIDER, REGISTERED, *[SignInFailed(at=at("8:00"))] * 10).when(attempt("9:00")).then(
        SignInFailed(at=at("9:00")), LockedOut(at=at("9:00"), until=at("9:15"))
    )


def test_nothing_can_be_done_with_an_account_that_does_not_exist() -> None:
    leave = SignOut(at=at("9:00"), everywhere=True)
    for command in (GrantRole(role="admin"), RevokeRole(role="admin"), Unlock(), leave):
        given(DECIDER).when(command).refused("no such user", field="user", kind="not_found")
