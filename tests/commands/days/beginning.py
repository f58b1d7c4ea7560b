"""Where a day begins: how far each candidate has come."""

from __future__ import annotations

from functools import partial
from random import Random
from typing import Literal

from commands import devices, identity, sessions
from domain.identity import Picture
from domain.onboarding import Check
from tests.commands.days.day import Day
from tests.commands.days.invigilating import intervene
from tests.commands.days.machines import cut_off
from tests.commands.days.sitting import acknowledged, started, stepped
from tests.commands.hall import NEEDED

STAGES = (
    "expected", "checking", "ready", "in_progress", "in_progress", "cut off", "paused", "locked", "on_break",
    "submitted", "terminated",
)  # fmt: skip


# What the morning leaves beside: tried once each, accepted or not.
MORNING = (
    "add a canned message", "add a canned message", "create a template", "create a template", "create a schedule",
    "create a schedule", "issue a token", "come on duty", "come on duty", "offer a hand-over", "ask for help",
    "ask for help", "ask for a break", "ask for a device", "send a message", "send a message", "start a connection",
    "start a connection", "hear a page", "open an incident", "raise an incident by hand", "declare an outage",
)  # fmt: skip


def come(day: Day, session: str, stage: str, chance: Random) -> None:
    reached = STAGES.index(stage)
    if reached >= STAGES.index("checking"):
        acknowledged(day, session, day.plan.policy.version)
    if reached >= STAGES.index("ready"):
        checks = tuple(Check(name=name, passed=True) for name in NEEDED)
        stepped(day, "pass checks", session, partial(sessions.report_check, name=session, checks=checks))
    if day.plan.policy.identity and stage in ("checking", "ready"):
        _shown(day, session, chance.choice(["approve", "", ""]))
    if reached < STAGES.index("in_progress"):
        return
    if day.plan.policy.identity:
        _shown(day, session, chance.choice(["approve", "defer"]))
    day.say("candidate", partial(devices.join, name=session, device="laptop"))
    started(day, session, "")
    match stage:
        case "cut off":
            cut_off(day, session, "camera")
        case "paused":
            intervene(day, chance, session, "pause")
        case "locked":
            intervene(day, chance, session, "lock")
        case "on_break":
            intervene(day, chance, session, "break", 10, break_kind="rest")
        case "submitted":
            stepped(day, "submit", session, partial(sessions.submit, name=session))
        case "terminated":
            intervene(day, chance, session, "terminate", typed="Ada Lovelace")
    assert day.sittings[session].phase == {"cut off": "in_progress"}.get(stage, stage)


def _shown(day: Day, session: str, decision: Literal["approve", "defer", ""]) -> None:
    """The candidate has taken their pictures, and somebody may have looked at them."""
    pictures: tuple[Picture, ...] = ("photo", "document")
    for picture in pictures:
        key = f"{session}.{picture}"
        show = partial(identity.capture, name=session, picture=picture, object_key=key, sha256="00")
        day.say("candidate", show)
    if decision:
        known = partial(identity.decide, name=session, decision=decision, route="pictures", reason="")
        day.say("invigilator", known)
