"""Given these events, when this command comes, then these events follow. The whole grammar of the domain's tests."""

from __future__ import annotations

from typing import Generic, TypeVar

from domain.event import Decider, Event, Refused

S = TypeVar("S")
C = TypeVar("C")
E = TypeVar("E", bound=Event)


def given(decider: Decider[S, C, E], *events: E) -> Given[S, C, E]:
    """A stream that holds these events."""
    state = decider.initial
    for event in events:
        state = decider.evolve(state, event)
    return Given(decider, state)


class Given(Generic[S, C, E]):
    """A stream's folded state, waiting for a command."""

    def __init__(self, decider: Decider[S, C, E], state: S) -> None:
        self.decider = decider
        self.state = state

    def when(self, command: C) -> Answer:
        try:
            return Answer(self.decider.decide(command, self.state), None)
        except Refused as refusal:
            return Answer((), refusal)


class Answer:
    """What the rules answered."""

    def __init__(self, events: tuple[Event, ...], refusal: Refused | None) -> None:
        self.events = events
        self.refusal = refusal

    def then(self, *expected: Event) -> None:
        assert self.refusal is None
        assert self.events == expected

    def then_nothing(self) -> None:
        self.then()

    def refused(self, part: str, *, field: str = "", kind: str = "conflict") -> None:
        """`part` of the rule's text, the field at fault, and the kind of refusal."""
        assert self.refusal is not None
        assert part in self.refusal.rule
        assert (self.refusal.field, self.refusal.kind) == (field, kind)
