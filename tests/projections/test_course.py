"""The course of an exam: what a chart shows of it, and what thinning must never hide."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain import fault
from domain.outage import OutageMarked
from projections.course import course
from projections.gradebook import GRADEBOOK
from projections.gradebook_row import Account, Fault
from tests.domain.hall import NINE, at
from tests.projections.hall import BEGUN, CREATED, ENROLLED, OPENED, SESSION, SUBMITTED, Said, flagged, raised, row_of

LOST = (SESSION, fault.ConnectionLost(at=at("9:40"), track="camera", why="no media"))
RESTORED = (SESSION, fault.ConnectionRestored(at=at("9:50"), track="camera", away_s=600.0))
OUTAGE = (
    SESSION,
    OutageMarked(
        outage="o1", at=at("10:00"), began_at=at("9:45"), ended_at=at("9:55"), whose="network", cause="a cable"
    ),
)


def told(*happened: Said) -> list[tuple[datetime, int, int, int]]:
    """Each point as its moment, who sat, who of them was away, and how many incidents there had been."""
    return [(one.at, one.sitting, one.away, one.incidents) for one in course([row_of(GRADEBOOK, *happened)])]


def sat(began: str, ended: str, *faults: tuple[str, str]) -> Account:
    clock = row_of(GRADEBOOK, *BEGUN, SUBMITTED).clock
    return Account(
        session="s", clock=type(clock)(started_at=at(began), ended_at=at(ended)),
        faults=tuple(Fault(what="page", why="gone", began_at=at(one), ended_at=at(other)) for one, other in faults),
    )  # fmt: skip


def test_before_anybody_starts_there_is_no_course() -> None:
    assert course([]) == ()
    assert told(CREATED, ENROLLED, OPENED) == []


def test_who_started_sits_until_the_end() -> None:
    assert told(*BEGUN) == [(at("9:05"), 1, 0, 0)]
    assert told(*BEGUN, SUBMITTED) == [(at("9:05"), 1, 0, 0), (at("10:30"), 0, 0, 0)]


def test_incidents_add_up_whoever_raised_them() -> None:
    assert told(*BEGUN, flagged(), raised()) == [
        (at("9:05"), 1, 0, 0), (at("9:10"), 1, 0, 1), (at("9:20"), 1, 0, 2),
    ]  # fmt: skip


def test_who_is_cut_off_is_away_until_they_are_back_and_sits_all_the_same() -> None:
    assert told(*BEGUN, LOST) == [(at("9:05"), 1, 0, 0), (at("9:40"), 1, 1, 0)]
    assert told(*BEGUN, LOST, RESTORED)[1:] == [(at("9:40"), 1, 1, 0), (at("9:50"), 1, 0, 0)]


def test_faults_at_the_same_time_are_one_candidate_away() -> None:
    assert told(*BEGUN, LOST, RESTORED, OUTAGE)[1:] == [(at("9:40"), 1, 1, 0), (at("9:55"), 1, 0, 0)]


def test_nobody_is_away_before_they_sit_or_after_it() -> None:
    assert told(*BEGUN, LOST, SUBMITTED)[-1] == (at("10:30"), 0, 0, 0)
    early = course([sat("9:05", "9:10", ("9:00", "9:06"), ("9:20", "9:30"))])
    assert [(one.at, one.sitting, one.away) for one in early] == [
        (at("9:05"), 1, 1), (at("9:06"), 1, 0), (at("9:10"), 0, 0),
    ]  # fmt: skip


def test_an_outage_is_a_cliff_of_all_who_sat() -> None:
    points = course([sat("9:05", "10:00", ("9:30", "9:40")) for _ in range(300)])
    assert [(one.sitting, one.away) for one in points] == [(300, 0), (300, 300), (300, 0), (0, 0)]


def test_a_long_course_is_thinned_and_no_peak_and_no_end_of_it_is_lost() -> None:
    blinks = [NINE + timedelta(seconds=5 * n) for n in range(2000)]
    faults = tuple(Fault(what="page", why="", began_at=one, ended_at=one + timedelta(seconds=1)) for one in blinks)
    accounts = [
        Account(session="s1", clock=sat("9:00", "12:00").clock, faults=faults),
        sat("9:00", "11:30", ("10:00:01", "10:00:02")),
        sat("9:00", "11:30", ("10:00:01", "10:00:02")),
    ]
    whole, points = course(accounts, most=10_000), course(accounts)
    assert len(points) <= 600 < len(whole)
    assert max(one.away for one in points) == max(one.away for one in whole)
    assert points[-1] == whole[-1]
    assert [one.at for one in points] == sorted({one.at for one in points})
    assert set(points) <= set(whole)
