"""A canned message: a text of the whole tenant's, for invigilators to send as it is. A sent one names its version."""

from __future__ import annotations

from typing import Literal, assert_never

import msgspec
from msgspec.structs import replace

from domain.chat import LONGEST
from domain.event import Command, Decider, Event, Refused

LONGEST_LABEL = 100  # characters

# Events. Tags and field names are on disk for ever.


class Added(Event, frozen=True, kw_only=True, tag="canned.added"):
    label: str
    text: str


class Changed(Event, frozen=True, kw_only=True, tag="canned.changed"):
    label: str
    text: str


class Removed(Event, frozen=True, kw_only=True, tag="canned.removed"):
    pass


CannedEvent = Added | Changed | Removed

# Commands.


class Add(Command, frozen=True, kw_only=True):
    label: str
    text: str


class Change(Command, frozen=True, kw_only=True):
    label: str
    text: str


class Remove(Command, frozen=True, kw_only=True):
    pass


CannedCommand = Add | Change | Remove

# State.


class Canned(msgspec.Struct, frozen=True, kw_only=True):
    """`version` is 1 at first, and one more with each change."""

    phase: Literal["absent", "kept", "removed"] = "absent"
    label: str = ""
    text: str = ""
    version: int = 0


def evolve(state: Canned, event: CannedEvent) -> Canned:
    match event:
        case Added(label=label, text=text) | Changed(label=label, text=text):
            return Canned(phase="kept", label=label, text=text, version=state.version + 1)
        case Removed():
            return replace(state, phase="removed")
        case _:
            assert_never(event)


def decide(command: CannedCommand, state: Canned) -> tuple[CannedEvent, ...]:
    match command:
        case Add(label=label, text=text):
            if state.phase != "absent":
                raise Refused("a canned message with this id exists already")
            _must_hold(label, text)
            return (Added(label=label, text=text),)
        case Remove() if state.phase == "removed":
            return ()
        case Change() | Remove() if state.phase != "kept":
            raise Refused("there is no such canned message", field="canned", kind="not_found")
        case Change(label=label, text=text):
            _must_hold(label, text)
            return () if (label, text) == (state.label, state.text) else (Changed(label=label, text=text),)
        case Remove():
            return (Removed(),)
        case _:
            assert_never(command)


def _must_hold(label: str, text: str) -> None:
    for field, value, longest in (("label", label, LONGEST_LABEL), ("text", text, LONGEST)):
        if not value.strip():
            raise Refused(f"a canned message needs a {field}", field=field, kind="invalid")
        if len(value) > longest:
            raise Refused(f"the {field} has at most {longest} characters", field=field, kind="invalid")


DECIDER: Decider[Canned, CannedCommand, CannedEvent] = Decider("canned", Canned(), evolve, decide, CannedEvent)
