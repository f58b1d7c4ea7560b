"""What every event, command and private value of Vigil is made of.

Tags and field names are the storage format. They never change meaning: a new field gets a default, and anything else
gets an upcaster keyed by tag and schema version (`domain/registry.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

import msgspec

KeyClass = Literal["profile", "identity", "chat", "media", "notes"]
Refusal = Literal["conflict", "invalid", "not_found", "wait", "moved"]


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Something that happened, in the past tense, as data only."""


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """Something that somebody wants, in the imperative. Its time (`at`) comes from outside: no rule reads a clock."""


class Private:
    """A personal text: whose it is, for which session ("" when for none), and under which class of key it is kept.

    `text` is None once the subject's key has been destroyed. Deliberately not a Struct: nothing can encode it, print it
    or log it by accident; the envelope seals it and only a reader that holds the key opens it.
    """

    __slots__ = ("key_class", "session", "subject", "text")

    def __init__(self, subject: str, text: str | None, *, session: str = "", key_class: KeyClass) -> None:
        self.subject = subject
        self.session = session
        self.key_class: KeyClass = key_class
        self.text = text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Private) and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(self._parts())

    def __repr__(self) -> str:
        state = "forgotten" if self.text is None else "private"
        return f"Private({self.key_class} of {self.subject}: {state})"

    def _parts(self) -> tuple[str, str, str, str | None]:
        return (self.subject, self.session, self.key_class, self.text)


class Refused(Exception):
    """A command that the rules do not allow now. Says which rule, and which field when one is at fault.

    `wait` is for what may be asked again in `after_s` seconds, `moved` for what was decided on an older version.
    """

    def __init__(self, rule: str, *, field: str = "", kind: Refusal = "conflict", after_s: int = 0) -> None:
        super().__init__(rule)
        self.rule = rule
        self.field = field
        self.kind: Refusal = kind
        self.after_s = after_s


S = TypeVar("S")
C = TypeVar("C")
E = TypeVar("E", bound=Event)


@dataclass(frozen=True)
class Decider(Generic[S, C, E]):
    """One kind of stream: how its events fold into a state, and which events a command leads to in that state.

    `evolve` is total and never fails. `decide` raises `Refused`, or returns `()` when there is nothing to do
    (J. Chassaing, "Functional Event Sourcing Decider").
    """

    kind: str
    initial: S
    evolve: Callable[[S, E], S]
    decide: Callable[[C, S], tuple[E, ...]]
    events: Any  # the union of this stream's event types
