"""The report of the day as a page to read and to print. Everything on it is escaped, and no script runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from litestar import Response

from api.printed import printed, section
from projections.day_report import DayReport, Failure, OnBreak, SessionDay


class Shown(NamedTuple):
    """`candidates` are number and name by session; `signatures` are version, by whom, when, current, and the note."""

    title: str
    zone: str
    report: DayReport
    sha256: str
    position: int
    candidates: Mapping[str, tuple[str, str]]
    people: Mapping[str, str | None]
    signatures: Sequence[tuple[int, str, datetime, bool, str]]


def page(shown: Shown) -> Response[str]:
    title = f"Report of the day: {shown.title}"
    told = (_attendance, _irregularities, _faults, _interventions, _help, _outages, _duty, _signatures)
    return printed(title, *(each(shown) for each in told))


def _attendance(shown: Shown) -> str:
    rows = []
    for one in sorted(shown.report.sessions, key=lambda one: shown.candidates[one.session]):
        identity = f"{_words(one.identity.standing)}, {_who(shown, one.identity.by)}" if one.identity else ""
        late = f", admitted by {_who(shown, one.late.by)}" if one.late else ""
        breaks = "; ".join(f"{one_break.kind} {_span(shown, one_break)}" for one_break in one.breaks)
        rows.append((
            *shown.candidates[one.session], _words(one.attended) + late, identity, _at(shown, one.started_at),
            _at(shown, one.ended_at), _words(one.phase), f"{one.extra_s / 60:g}", breaks,
        ))  # fmt: skip
    head = (
        "Number", "Name", "Attendance", "Identity", "Started", "Ended", "State", "Extra minutes", "Breaks",
    )  # fmt: skip
    return section("Attendance", head, rows)


def _irregularities(shown: Shown) -> str:
    said = (
        "What was flagged. It is no finding: that takes a person's verdict, and is the institution's to make. That"
        " nothing was flagged says nothing of what was not observed; the record of each session tells how much was."
    )
    rows = [
        (_at(shown, each.at), *_candidate(shown, one), _words(each.kind), each.severity,
         _who(shown, each.by) if each.by else "by itself")
        for one in shown.report.sessions for each in one.irregularities
    ]  # fmt: skip
    return section("Irregularities", ("When", "Number", "Name", "What", "Severity", "Flagged by"), rows, said)


def _faults(shown: Shown) -> str:
    said = "Faults are never held against a candidate."
    rows = [
        (_span(shown, each), *_candidate(shown, one), _words(each.what), each.why)
        for one in shown.report.sessions for each in one.faults
    ]  # fmt: skip
    return section("Faults", ("When", "Number", "Name", "What", "Why"), rows, said)


def _interventions(shown: Shown) -> str:
    rows = [
        (_at(shown, each.at), *_candidate(shown, one), _words(each.kind) + (f" {each.minutes:g} min" if each.minutes
         else ""), each.stage, _who(shown, each.by))
        for one in shown.report.sessions for each in one.interventions
    ]  # fmt: skip
    return section("Interventions", ("When", "Number", "Name", "What", "How far", "By"), rows)


def _help(shown: Shown) -> str:
    rows = [
        (_at(shown, each.at), *_candidate(shown, one), _words(each.topic), each.state,
         _at(shown, each.ended_at), _who(shown, each.by))
        for one in shown.report.sessions for each in one.help
    ]  # fmt: skip
    return section("Help", ("Asked", "Number", "Name", "About", "State", "Until", "By"), rows)


def _outages(shown: Shown) -> str:
    rows = [
        (f"{_at(shown, one.began_at)} to {_at(shown, one.ended_at)}", _words(one.whose), one.cause,
         _who(shown, one.by))
        for one in shown.report.outages
    ]  # fmt: skip
    return section("Outages", ("When", "Whose", "Cause", "Declared by"), rows)


def _duty(shown: Shown) -> str:
    rows = [
        (_who(shown, turn.user), _at(shown, turn.since), _at(shown, turn.until), _words(turn.ended))
        for turn in shown.report.duty
    ]  # fmt: skip
    return section("Duty", ("Who", "Since", "Until", "How it ended"), rows)


def _signatures(shown: Shown) -> str:
    rows = [
        (version, by, _at(shown, at), "yes" if current else "no: more has become known since", note)
        for version, by, at, current, note in shown.signatures
    ]
    what = f"This report: SHA-256 {shown.sha256}, as of position {shown.position}. Times: {shown.zone}."
    return section("Signatures", ("Version", "By", "When", "Of this report", "Note"), rows, what)


def _candidate(shown: Shown, one: SessionDay) -> tuple[str, str]:
    return shown.candidates[one.session]


def _who(shown: Shown, user: str) -> str:
    return shown.people.get(user) or user


def _at(shown: Shown, at: datetime | None) -> str:
    return f"{at.astimezone(ZoneInfo(shown.zone)):%Y-%m-%d %H:%M:%S}" if at else ""


def _span(shown: Shown, one: OnBreak | Failure) -> str:
    began, ended = one.began_at, one.ended_at
    return f"{_at(shown, began)} to {_at(shown, ended)}" if ended else f"since {_at(shown, began)}"


def _words(name: str) -> str:
    return name.replace("_", " ")
