"""The read model `precision`: a row for each session, with what was flagged in it by which rule, and how that stands.

What people raise by hand is no rule's and is left out. A verdict that changes is counted anew: the last ones count, of
one reviewer or of two, as the policy has it.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from domain import incidents, session
from domain.incidents import Verdict
from domain.precision import Rule
from domain.recorded import Recorded, Stored
from domain.stream import Stream
from domain.verdict import Standing, standing
from projections.keys import events_of, parsed, session_keys
from projections.model import Model

__all__ = ["PRECISION", "Flagged", "Flags"]


class Said(msgspec.Struct, frozen=True, kw_only=True):
    verdict: Verdict
    by: str


class Flagged(msgspec.Struct, frozen=True, kw_only=True):
    """One incident. `month` is the month, in UTC, in which it began: `2026-06`."""

    rule: Rule
    month: str
    said: tuple[Said, ...] = ()  # the last of each person, in order
    standing: Standing = "unjudged"


class Flags(msgspec.Struct, frozen=True, kw_only=True):
    """Of one session, by incident. `second` is whether its policy asks for two reviewers."""

    session: str
    second: bool = False
    flagged: dict[str, Flagged] = {}


def keys(recorded: Recorded) -> tuple[str, ...]:
    return session_keys(recorded.stream)


def fold(row: Flags | None, recorded: Recorded) -> Flags | None:
    row = row or Flags(session=parsed(recorded.stream).name)
    match recorded.body:
        case session.Started(policy=policy):
            return replace(row, second=policy.second_reviewer)
        case incidents.Opened(incident=name, provenance=told) as opened:
            rule = Rule(
                kind=opened.kind, rule_version=told.rule_version, detector_version=told.detector_version,
                weights=told.weights,
            )  # fmt: skip
            flag = Flagged(rule=rule, month=opened.started_at.strftime("%Y-%m"))
            return replace(row, flagged=row.flagged | {name: flag})
        case incidents.VerdictGiven(incident=name, verdict=verdict, by=by) if name in row.flagged:
            before = row.flagged[name]
            said = (*(one for one in before.said if one.by != by), Said(verdict=verdict, by=by))
            after = replace(before, said=said, standing=standing(said, second=row.second))
            return replace(row, flagged=row.flagged | {name: after})
    return row


def streams(key: str) -> tuple[str, ...]:
    tenant, _, name = key.partition("/")
    return tuple(str(Stream(tenant, kind, name)) for kind in ("session", "incidents"))


def _suspects(stored: Stored) -> tuple[str, ...]:
    return session_keys(stored.stream)


PRECISION: Model[Flags] = Model(
    name="precision", version=1, row=Flags,
    events=events_of(session.Started, incidents.Opened, incidents.VerdictGiven),
    keys=keys, fold=fold, streams=streams, suspects=_suspects,
)  # fmt: skip
