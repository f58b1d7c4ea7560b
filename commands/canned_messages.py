"""Canned messages of a tenant: added, changed, removed, and sent in a version of theirs."""

from __future__ import annotations

from collections.abc import Mapping

from commands.handler import Work
from domain import canned
from domain.chat import CannedVersion
from domain.event import Refused


async def add(work: Work, *, label: str, text: str) -> Mapping[str, str]:
    name = work.new_id("canned message")
    await work.do(canned.DECIDER, name, canned.Add(label=label, text=text))
    return {"canned": name}


async def change(work: Work, name: str, *, label: str, text: str) -> None:
    """Makes a new version. What was sent before stays as it is."""
    await work.do(canned.DECIDER, name, canned.Change(label=label, text=text))


async def remove(work: Work, name: str) -> None:
    await work.do(canned.DECIDER, name, canned.Remove())


async def as_it_is(work: Work, name: str) -> tuple[str, CannedVersion]:
    """The text to send, and where it is from. Raises `Refused`."""
    state = await work.state(canned.DECIDER, name)
    if state.phase != "kept":
        raise Refused("there is no such canned message", field="canned", kind="invalid")
    return state.text, CannedVersion(name, state.version)
