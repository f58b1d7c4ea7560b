"""Rules that hold for every stream, whatever is said in whatever order."""

from __future__ import annotations

from typing import TypeVar, get_args

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from domain import fault, incidents, session_rules, start_pin, user
from domain.coverage import ReportCoverage
from domain.event import Command, Decider, Event, Refused
from domain.policy import DetectorKind
from domain.registry import DECIDERS
from tests.domain.anything import commands, events

S = TypeVar("S")
C = TypeVar("C")
E = TypeVar("E", bound=Event)

KINDS = sorted(DECIDERS)
MANY = settings(max_examples=60, deadline=None)

# Each try to sign in or to start with a PIN, and each sign-out, is a fact of its own; that one request is one try is
# the receipt's business.
EACH_TIME = (user.SignIn, user.SignOut, start_pin.TryPin)
FAULTS = (
    fault.LoseConnection, fault.RestoreConnection, fault.OpenFault, fault.CloseFault,
)  # fmt: skip
BROUGHT_BACK = (session_rules.AdmitLate, session_rules.Reopen, session_rules.Reinstate)
DETECTED = (incidents.OpenIncident, incidents.AddEvidence, incidents.CloseIncident, ReportCoverage)


def say(decider: Decider[S, C, E], state: S, command: C) -> tuple[tuple[E, ...], S]:
    """What a command leads to; nothing when it is refused."""
    try:
        made = decider.decide(command, state)
    except Refused:
        return (), state
    for event in made:
        state = decider.evolve(state, event)
    return made, state


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_command_twice_happens_once(kind: str) -> None:
    decider = DECIDERS[kind]

    @MANY
    @for_all(commands(kind))
    def holds(said: list[Command]) -> None:
        state = decider.initial
        for command in said:
            _, state = say(decider, state, command)
            again, _ = say(decider, state, command)
            assert again == () or isinstance(command, EACH_TIME)

    holds()


@pytest.mark.parametrize("kind", KINDS)
def test_no_history_is_too_strange_to_be_folded(kind: str) -> None:
    decider = DECIDERS[kind]

    @MANY
    @for_all(st.lists(events(kind), max_size=25))
    def holds(history: list[Event]) -> None:
        state = decider.initial
        for event in history:
            state = decider.evolve(state, event)
        assert isinstance(state, type(decider.initial))

    holds()


@pytest.mark.parametrize("kind", KINDS)
def test_a_command_to_a_stream_makes_events_of_that_stream(kind: str) -> None:
    decider = DECIDERS[kind]
    own = get_args(decider.events)

    @MANY
    @for_all(commands(kind))
    def holds(said: list[Command]) -> None:
        state = decider.initial
        for command in said:
            made, state = say(decider, state, command)
            assert all(isinstance(event, own) for event in made)

    holds()


@MANY
@for_all(commands("session"))
def test_a_fault_is_never_conduct_and_never_moves_a_session(said: list[Command]) -> None:
    state = session_rules.DECIDER.initial
    for command in said:
        made, after = say(session_rules.DECIDER, state, command)
        if isinstance(command, FAULTS):
            facts = (fault.ConnectionLost, fault.ConnectionRestored, fault.FaultOpened, fault.FaultClosed)
            assert all(isinstance(event, facts) for event in made)
            assert (after.phase, after.due_at) == (state.phase, state.due_at)
        state = after


def test_no_detector_looks_for_faults() -> None:
    things, faces = {"handheld_device", "second_screen", "book"}, {"face_not_visible", "looking_away"}
    assert set(get_args(DetectorKind)) == {"out_of_view", "several_people", "voice"} | things | faces
    assert not set(get_args(incidents.IncidentCommand)) & set(get_args(session_rules.SessionCommand))


@MANY
@for_all(commands("incidents"))
def test_a_detector_gives_no_verdict_and_flags_nothing_that_is_not_observed(said: list[Command]) -> None:
    state = incidents.DECIDER.initial
    for command in said:
        made, state = say(incidents.DECIDER, state, command)
        if isinstance(command, DETECTED):
            assert not any(isinstance(event, incidents.VerdictGiven | incidents.RaisedByPerson) for event in made)
        if isinstance(command, incidents.OpenIncident) and not command.observed:
            assert made == ()


@MANY
@for_all(commands("session"))
def test_a_session_keeps_its_policy_its_end_never_comes_nearer_and_only_people_bring_it_back(
    said: list[Command],
) -> None:
    state = session_rules.DECIDER.initial
    for command in said:
        _, after = say(session_rules.DECIDER, state, command)
        if state.started_at is not None:
            assert (after.policy, after.started_at) == (state.policy, state.started_at)
            assert after.end_at
            assert state.end_at
            assert after.end_at >= state.end_at
        if state.over and not isinstance(command, BROUGHT_BACK):
            assert (after.phase, after.ended_at) == (state.phase, state.ended_at)
        state = after


@MANY
@for_all(commands("schedule"))
def test_versions_of_a_policy_are_counted_without_a_hole(said: list[Command]) -> None:
    decider = DECIDERS["schedule"]
    state = decider.initial
    for command in said:
        before = state.policy.version
        made, state = say(decider, state, command)
        if any(type(event).__name__ == "PolicySet" for event in made):
            assert state.policy.version == before + 1
