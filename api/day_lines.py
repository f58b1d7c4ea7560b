"""The report of the day as lines of a spreadsheet: one for each thing that happened, in order of time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from api.day_page import Shown

HEAD = ("part", "from", "until", "number", "name", "what", "detail", "by")
_Line = tuple[datetime, datetime | None, str, str, str, str, str, str]


def lines(shown: Shown) -> list[tuple[str, ...]]:
    """Times are in the schedule's zone. Who never came is in the attendance list, not here."""
    zone = ZoneInfo(shown.zone)

    def local(at: datetime | None) -> str:
        return at.astimezone(zone).isoformat(timespec="seconds") if at else ""

    told = sorted(_all(shown), key=lambda line: (line[0].astimezone(UTC), *line[2:]))
    return [(part, local(since), local(until), *rest) for since, until, part, *rest in told]


def _all(shown: Shown) -> Iterator[_Line]:
    def who(user: str) -> str:
        return shown.people.get(user) or user

    for one in shown.report.sessions:
        number, name = shown.candidates[one.session]
        if one.started_at:
            by = who(one.late.by) if one.late else ""
            yield one.started_at, one.ended_at, "attendance", number, name, one.attended, one.phase, by
        for taken in one.breaks:
            yield taken.began_at, taken.ended_at, "break", number, name, taken.kind, "", ""
        for flag in one.irregularities:
            yield flag.at, None, "irregularity", number, name, flag.kind, flag.severity, who(flag.by)
        for fault in one.faults:
            yield fault.began_at, fault.ended_at, "fault", number, name, fault.what, fault.why, ""
        for asked in one.interventions:
            detail = asked.stage + (f", {asked.minutes:g} minutes" if asked.minutes else "")
            yield asked.at, None, "intervention", number, name, asked.kind, detail, who(asked.by)
        for wanted in one.help:
            yield wanted.at, wanted.ended_at, "help", number, name, wanted.topic, wanted.state, who(wanted.by)
    for out in shown.report.outages:
        yield out.began_at, out.ended_at, "outage", "", "", out.whose, out.cause, who(out.by)
    for turn in shown.report.duty:
        yield turn.since, turn.until, "duty", "", "", "on duty", turn.ended, who(turn.user)
