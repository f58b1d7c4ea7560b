"""A blind review: where the policy asks for it, a reviewer sees others' verdicts on an incident after their own."""

from __future__ import annotations

from msgspec.structs import replace

from api.callers import Caller
from domain.verdict import Judged
from projections.gradebook import Account
from projections.gradebook_row import Flag
from projections.timeline import Moment

TELLING = ("incidents.verdict_given", "record.prioritised")  # what tells of verdicts


def hidden(row: Account | None, caller: Caller) -> frozenset[str]:
    """The incidents of a session whose verdicts this caller must not see yet. None once somebody has decided."""
    if row is None or not row.rules.blind_review or "reviewer" not in caller.roles or row.decisions:
        return frozenset()
    return frozenset(name for name, flag in row.incidents.items() if not _own(flag, caller.actor))


def blinded(row: Account, caller: Caller) -> Account:
    """The account as this caller may see it."""
    kept = hidden(row, caller)
    if not kept:
        return row
    unsaid = {name: _unsaid(flag) if name in kept else flag for name, flag in row.incidents.items()}
    priorities = tuple(replace(one, inputs=tuple(_input(i, kept) for i in one.inputs)) for one in row.priorities)
    return replace(row, incidents=unsaid, priorities=priorities)


def told(moment: Moment, kept: frozenset[str]) -> bool:
    """Whether an event can be shown to somebody to whom verdicts on these incidents are not."""
    if not kept or moment.tag not in TELLING:
        return True
    return moment.tag == "incidents.verdict_given" and moment.body.get("incident") not in kept


def _own(flag: Flag, who: str) -> bool:
    return any(given.by == who for given in flag.verdicts)


def _input(one: Judged, kept: frozenset[str]) -> Judged:
    return replace(one, standing="unjudged", by=()) if one.incident in kept else one


def _unsaid(flag: Flag) -> Flag:
    return replace(flag, verdict=None, verdicts=(), standing="unjudged")
