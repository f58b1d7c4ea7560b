"""The gradebook as lines of a spreadsheet: one for each session."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from api.observed import observed, unseen
from projections.gradebook import Account

HEAD = (
    "number", "name", "state", "decision", "ground", "decided by", "decided", "decisions", "appeal", "confirmed",
    "dismissed", "unsure", "needs another verdict", "unjudged", "high", "warn", "info", "by kind", "observed", "faults",
    "interventions", "messages", "recordings", "gaps", "seal", "priority version", "session",
    "archived in",
)  # fmt: skip


def line(row: Account, names: Mapping[str, str | None]) -> tuple[object, ...]:
    """Names are empty once erased. What was not seen is not observed, never clean."""
    last = row.decisions[-1] if row.decisions else None
    flags = row.incidents.values()
    standing, severity = Counter(flag.standing for flag in flags), Counter(flag.severity for flag in flags)
    kinds = Counter((flag.kind, flag.standing) for flag in flags)
    none: object = "not observed" if unseen(row) else 0
    return (
        row.number, row.name, row.phase, last and last.outcome, last and last.ground,
        (names.get(last.by) or last.by) if last else None, _time(last.at) if last else None, len(row.decisions),
        row.appeals[-1].state if row.appeals else None,
        standing["confirmed"], standing["dismissed"], standing["unsure"],
        standing["awaits_second"] + standing["differs"], standing["unjudged"],
        severity["high"] or none, severity["warn"] or none, severity["info"] or none,
        ", ".join(f"{kind} {said} {many}" for (kind, said), many in sorted(kinds.items())),
        "; ".join(f"{kind}: {said}" for kind, said in observed(row).observed.items()),
        len(row.faults), len(row.interventions), row.messages,
        ", ".join(f"{track} {tape.duration_s or 0:.0f} s" for track, tape in sorted(row.recordings.items())),
        sum(len(tape.gaps) for tape in row.recordings.values()),
        f"{row.seals[-1].number} {row.seals[-1].kind}" if row.seals else None,
        row.priorities[-1].number if row.priorities else None, row.session, row.archived or None,
    )  # fmt: skip


def _time(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
