"""Review priority: in which order records are looked at, and nothing else. It is no number about anybody.

Incidents count by severity, kind and verdict. Faults and what was not observed are no incidents, and never count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import get_args

from domain.event import Command, Event, Private, Refused
from domain.incidents import Severity, Verdict
from domain.policy import IncidentKind
from domain.verdict import Judged

STANDARD = "1"
OWN = "own"  # of weights that somebody gave

# Version "1". What has no weight of its own counts once.
WEIGHTS: Mapping[str, float] = {
    "info": 1.0, "warn": 3.0, "high": 8.0,
    "several_people": 1.5, "raised_by_person": 1.5, "second_display": 1.5, "focus_lost": 0.5, "pasted": 0.5,
    "unjudged": 1.0, "unsure": 1.0, "awaits_second": 1.5, "differs": 1.5, "confirmed": 2.0, "dismissed": 0.0,
}  # fmt: skip

_NAMES = frozenset({
    *get_args(Severity), *get_args(IncidentKind), *get_args(Verdict), "raised_by_person", "unjudged", "awaits_second",
    "differs",
})  # fmt: skip

# Events of a record. Tags and field names are on disk for ever.


class Prioritised(Event, frozen=True, kw_only=True, tag="record.prioritised"):
    """Version `number` of the priority: what it rests on, so that anybody can work it out again.

    `weights_version` names the weights. What an accommodation `muted` does not count until somebody has judged it.
    `policy` is the version at exam time, `policy_today` the schedule's at that moment; `why` is of a person only.
    """

    number: int
    weights_version: str
    weights: dict[str, float]
    inputs: tuple[Judged, ...]
    muted: tuple[str, ...]
    seal: int
    policy: int
    policy_today: int
    at: datetime
    by: str
    why: Private | None = None


# Commands.


class Prioritise(Command, frozen=True, kw_only=True):
    """`weights` are the standard ones where None. Without a `why` nobody asked for it: it is done where it is due."""

    inputs: tuple[Judged, ...]
    muted: tuple[str, ...]
    policy: int
    policy_today: int
    at: datetime
    by: str
    weights: dict[str, float] | None = None
    why: Private | None = None


def prioritised(command: Prioritise, seal: int, last: Prioritised | None) -> tuple[Prioritised, ...]:
    if command.weights and not command.weights.keys() <= _NAMES:
        raise Refused("weights go by severity, kind and verdict", field="weights", kind="invalid")
    made = Prioritised(
        number=last.number + 1 if last else 1, weights_version=STANDARD if command.weights is None else OWN,
        weights=dict(WEIGHTS if command.weights is None else command.weights), inputs=command.inputs,
        muted=command.muted, seal=seal, policy=command.policy, policy_today=command.policy_today, at=command.at,
        by=command.by, why=command.why,
    )  # fmt: skip
    if last is None:
        return (made,)
    same = (made.weights, made.inputs, made.muted) == (last.weights, last.inputs, last.muted)
    asked_again = command.why is None or (made.why, made.by) == (last.why, last.by)
    return () if same and asked_again else (made,)


def priority(inputs: Iterable[Judged], muted: Iterable[str], weights: Mapping[str, float] = WEIGHTS) -> float:
    """The higher, the sooner somebody looks."""
    silent = frozenset(muted)
    return sum(_counts(one, silent, weights) for one in inputs)


def _counts(one: Judged, silent: frozenset[str], weights: Mapping[str, float]) -> float:
    if one.kind in silent and one.standing == "unjudged":
        return 0.0
    return weights.get(one.severity, 1.0) * weights.get(one.kind, 1.0) * weights.get(one.standing, 1.0)
