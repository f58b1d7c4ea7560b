"""Hypothesis strategies for any command and any event, made from their fields.

Names come from small pools, so that commands meet the things that other commands made.
"""

from __future__ import annotations

import operator
import types
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin, get_type_hints

import msgspec
from hypothesis import strategies as st

from domain import duty, enrolment, onboarding, schedule, session_rules
from domain.event import Command, Event, Private
from domain.policy import Policy, Window
from domain.registry import DECIDERS, EVENTS
from tests.domain.hall import DAY_BEFORE, NINE, WINDOW


def _profile(text: str) -> Private:
    return Private("a", text, key_class="profile")


BEGINNINGS: dict[str, tuple[Command, ...]] = {
    "schedule": (
        schedule.Create(at=DAY_BEFORE, title="a", window=WINDOW, duration_s=7200),
        enrolment.Enrol(at=DAY_BEFORE, subject="a", session="a", name=_profile("a"), number=_profile("1")),
        schedule.Activate(),
    ),
    "duty": (
        duty.ComeOn(at=NINE, user="a", by="a", assigned=frozenset("ab")),
        duty.ComeOn(at=NINE, user="b", by="a", assigned=frozenset("ab"), lead=True),
    ),
    "session": (
        session_rules.Open(schedule="a", subject="a"),
        onboarding.AcknowledgeNotice(policy_version=1, sha256="a", in_force=(1, "a")),
        onboarding.ReportCheck(checks=(), needed=frozenset()),
        session_rules.Start(
            at=NINE, policy=Policy(), sha256="a", duration_s=7200,
            opens_at=WINDOW.opens_at, last_entry_at=WINDOW.last_entry_at, end_at=WINDOW.closes_at,
        ),
    ),
}  # fmt: skip

MINUTES = st.integers(-60, 240)
NAMES = st.sampled_from(["a", "b", "c"])
NUMBERS = st.integers(-1, 4) | st.sampled_from([60, 600, 3600])


def commands(kind: str) -> st.SearchStrategy[list[Command]]:
    """Anything that can be said to one stream of this kind, most often after a sensible beginning."""
    hints = get_type_hints(DECIDERS[kind].decide)
    beginning = BEGINNINGS.get(kind, ())
    first = st.integers(0, len(beginning)).map(lambda n: list(beginning[: len(beginning) - n]))
    anything = st.one_of([_struct(command) for command in get_args(hints["command"])])
    return st.builds(operator.add, first, st.lists(anything, min_size=8, max_size=30))


def events(kind: str) -> st.SearchStrategy[Event]:
    """Any event that can stand in streams of this kind, whether it makes sense or not."""
    return st.one_of([_struct(event) for tag, event in EVENTS.items() if tag.startswith(f"{kind}.")])


def _struct(kind: type[msgspec.Struct], **given: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    if kind in _PLAUSIBLE:
        return _PLAUSIBLE[kind]
    hints = get_type_hints(kind, include_extras=True)
    fields = {name: given[name] if name in given else _value(hints[name]) for name in kind.__struct_fields__}
    return st.builds(kind, **fields)


def _value(hint: object) -> st.SearchStrategy[Any]:
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _value(args[0]).filter(lambda value: all(_within(value, one) for one in args[1:]))
    if hint in _SIMPLE:
        return _SIMPLE[hint]
    if origin is Literal:
        return st.sampled_from(args)
    if origin in (Union, types.UnionType):
        return st.one_of([_value(arg) for arg in args])
    if origin is tuple and args[1:] == (...,):
        return st.lists(_value(args[0]), max_size=3).map(tuple)
    if origin is tuple:
        return st.tuples(*map(_value, args))
    if origin is frozenset:
        return st.frozensets(_value(args[0]), max_size=2)
    if origin is dict:
        return st.dictionaries(_value(args[0]), _value(args[1]), max_size=3)
    return _struct(cast("type[msgspec.Struct]", hint))


def _within(value: object, bounds: object) -> bool:
    """Nothing else is decoded, so nothing else can be recorded."""
    if not isinstance(bounds, msgspec.Meta) or not isinstance(value, int):
        return True
    return (bounds.ge is None or value >= bounds.ge) and (bounds.le is None or value <= bounds.le)


def _time(minutes: int) -> datetime:
    return NINE + timedelta(minutes=minutes)


_SIMPLE: Mapping[object, st.SearchStrategy[Any]] = {
    str: NAMES,
    int: NUMBERS,
    bool: st.booleans(),
    float: NUMBERS.map(float),
    datetime: MINUTES.map(_time),
    type(None): st.none(),
    Private: st.builds(Private, NAMES, NAMES | st.none(), key_class=st.just("notes")),
}
_POLICIES = st.builds(Policy, version=st.integers(1, 2), screen=st.booleans())
# What chance would hardly ever get right, so that sequences come further than the first rule.
_PLAUSIBLE: dict[type, st.SearchStrategy[Any]] = {Policy: _POLICIES}
_PLAUSIBLE[Window] = st.just(WINDOW) | _struct(Window)
_PLAUSIBLE[onboarding.AcknowledgeNotice] = st.builds(
    lambda version, sha256, current: onboarding.AcknowledgeNotice(
        policy_version=version, sha256=sha256, in_force=current or (version, sha256)
    ),
    st.integers(1, 2),
    NAMES,
    st.none() | st.tuples(st.integers(1, 2), NAMES),
)
_PLAUSIBLE[session_rules.Start] = _struct(
    session_rules.Start,
    opens_at=st.just(WINDOW.opens_at),
    last_entry_at=st.just(WINDOW.last_entry_at),
    end_at=st.just(WINDOW.closes_at),
    duration_s=st.sampled_from([1800, 7200]),
)
