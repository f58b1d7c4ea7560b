"""What people said of a session when it was over, in its row of the gradebook."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

import msgspec
from msgspec.structs import replace

from domain.decision import Decided, NoteAdded
from domain.incidents import VerdictGiven
from domain.policy import Policy
from domain.priority import WEIGHTS, Prioritised, priority
from domain.review import ReviewEvent
from domain.verdict import Judged, standing
from projections.gradebook_row import Account, Decision, Flag, Given, Note, Priority, Rules


def fold(row: Account, event: ReviewEvent) -> Account:
    told = msgspec.structs.asdict(event)
    match event:
        case Decided(reason=reason):
            return replace(row, decisions=(*row.decisions, Decision(**told | {"reason": reason.text})))
        case NoteAdded(text=text):
            return replace(row, notes=(*row.notes, Note(**told | {"text": text.text})))
        case Prioritised(why=why):
            return replace(row, priorities=(*row.priorities, Priority(**told | {"why": why.text if why else None})))
        case _:
            assert_never(event)


def rules(policy: Policy) -> Rules:
    return Rules(
        policy=policy.version, second_reviewer=policy.second_reviewer, blind_review=policy.blind_review,
        independent_review=policy.independent_review,
    )  # fmt: skip


def judged(row: Account, flag: Flag, event: VerdictGiven, at: datetime) -> Flag:
    """An incident with one more verdict."""
    given = (*flag.verdicts, Given(verdict=event.verdict, by=event.by, at=at))
    comes_to = standing(given, second=row.rules.second_reviewer)
    return replace(flag, verdict=event.verdict, verdicts=given, standing=comes_to)


def order(row: Account) -> float:
    """Where it stands among others, the lowest first: with what was said since, and the weights of the last version."""
    last = row.priorities[-1] if row.priorities else None
    inputs = [
        Judged(incident=name, kind=flag.kind, severity=flag.severity, standing=flag.standing)
        for name, flag in row.incidents.items()
    ]
    muted = {kind for kind, mute in row.muted.items() if mute.why == "accommodation"}
    return -priority(inputs, muted, last.weights if last else WEIGHTS)
