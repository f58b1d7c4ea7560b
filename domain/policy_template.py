"""A policy template: a policy of the whole tenant's, for schedules to copy. A copy stays when the template changes."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, assert_never

import msgspec
from msgspec.structs import replace

from domain.event import Command, Decider, Event, Refused
from domain.policy import Policy, must_hold

# Events. Tags and field names are on disk for ever.


class Created(Event, frozen=True, kw_only=True, tag="template.created"):
    name: str
    policy: Policy


class Changed(Event, frozen=True, kw_only=True, tag="template.changed"):
    name: str
    policy: Policy


class Deleted(Event, frozen=True, kw_only=True, tag="template.deleted"):
    pass


class PolicyCopied(Event, frozen=True, kw_only=True, tag="schedule.policy_copied"):
    """Of a schedule: the policy that it has since then is a copy of this version of a template."""

    template: str
    version: int


TemplateEvent = Created | Changed | Deleted

# Commands.


class Create(Command, frozen=True, kw_only=True):
    name: str
    policy: Policy


class Change(Command, frozen=True, kw_only=True):
    name: str
    policy: Policy


class Delete(Command, frozen=True, kw_only=True):
    pass


TemplateCommand = Create | Change | Delete

# State.


class Copy(msgspec.Struct, frozen=True):
    """Where a schedule's policy was copied from."""

    template: str
    version: int


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """`policy.version` is the template's own: 1 at first, and one more with each change."""

    phase: Literal["absent", "kept", "deleted"] = "absent"
    name: str = ""
    policy: Policy = Policy()


def evolve(state: Template, event: TemplateEvent) -> Template:
    match event:
        case Created(name=name, policy=policy) | Changed(name=name, policy=policy):
            return replace(state, phase="kept", name=name, policy=policy)
        case Deleted():
            return replace(state, phase="deleted")
        case _:
            assert_never(event)


def decide(command: TemplateCommand, state: Template) -> tuple[TemplateEvent, ...]:
    match command:
        case Create(name=name, policy=policy):
            if state.phase != "absent":
                raise Refused("a policy template with this id exists already")
            _must_hold(name, policy)
            return (Created(name=name, policy=replace(policy, version=1)),)
        case Delete() if state.phase == "deleted":
            return ()
        case Change() | Delete() if state.phase != "kept":
            raise Refused("there is no such policy template", field="template", kind="not_found")
        case Change(name=name, policy=policy):
            _must_hold(name, policy)
            version = state.policy.version
            if (name, replace(policy, version=version)) == (state.name, state.policy):
                return ()
            return (Changed(name=name, policy=replace(policy, version=version + 1)),)
        case Delete():
            return (Deleted(),)
        case _:
            assert_never(command)


class Difference(NamedTuple):
    """A field in which two policies differ, by its name, and what stands in each, as plain values."""

    field: str
    here: Any
    there: Any


def differences(here: Policy, there: Policy) -> tuple[Difference, ...]:
    """Field by field. Versions are counted apart, so they say nothing."""
    mine, theirs = msgspec.to_builtins(here), msgspec.to_builtins(there)
    fields = (name for name in Policy.__struct_fields__ if name != "version" and mine[name] != theirs[name])
    return tuple(Difference(name, mine[name], theirs[name]) for name in fields)


def _must_hold(name: str, policy: Policy) -> None:
    if not name.strip():
        raise Refused("a policy template needs a name", field="name", kind="invalid")
    must_hold(policy, field="policy.detectors")


DECIDER: Decider[Template, TemplateCommand, TemplateEvent] = Decider(
    "template", Template(), evolve, decide, TemplateEvent
)
