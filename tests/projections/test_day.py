"""Attendance and the report of the day: the same facts give the same report, and nobody's name is in it."""

from __future__ import annotations

import msgspec

from domain import bringing_back, session
from domain import help as asking
from domain.fault import FaultOpened
from domain.outage import OutageDeclared, OutageMarked
from domain.session import TimeExtended
from projections.day import DAY
from projections.day_report import attended, canonical, report_of
from projections.gradebook import GRADEBOOK
from projections.live import LIVE
from projections.outages import OUTAGES
from tests.domain.hall import at
from tests.projections.hall import (
    BEGUN,
    CREATED,
    ENROLLED,
    OPENED,
    SESSION,
    SUBMITTED,
    about_ada,
    flagged,
    judged,
    raised,
    requested,
    row_of,
    rows_of,
)

ASKED = (SESSION, asking.HelpRequested(help="h1", at=at("9:20"), topic="technical", text=about_ada("It is black.")))
TAKEN = (SESSION, asking.HelpTaken(help="h1", at=at("9:21"), by="kim"))
RELEASED = (SESSION, asking.HelpReleased(help="h1", at=at("9:22"), by="kim"))
ANSWERED = (SESSION, asking.HelpAnswered(help="h1", at=at("9:23"), by="lou"))
WITHDRAWN = (SESSION, asking.HelpWithdrawn(help="h1", at=at("9:23")))
ADMITTED = (SESSION, bringing_back.AdmittedLate(at=at("9:40"), by="kim", reason=about_ada("a late train")))
NO_SHOW = (SESSION, session.Ended(at=at("9:31"), why="no_show"))
MARKED = (
    SESSION,
    OutageMarked(
        outage="o1", at=at("10:00"), began_at=at("9:30"), ended_at=at("9:40"), whose="network", cause="a cable"
    ),
)
BACK = (SESSION, TimeExtended(seconds=600, intervention="o1"))
DECLARED = (
    "t/duty/anatomy",
    OutageDeclared(
        outage="o1", began_at=at("9:30"), ended_at=at("9:40"), whose="network", cause="a cable",
        text=about_ada("You get it back."), by="lead", at=at("10:00"),
    ),
)  # fmt: skip


def test_a_request_for_help_is_on_the_wall_until_it_is_dealt_with() -> None:
    row = row_of(LIVE, *BEGUN, ASKED)
    assert row.help
    assert (row.help.topic, row.help.text, row.help.taken_by) == ("technical", "It is black.", "")
    taken = row_of(LIVE, *BEGUN, ASKED, TAKEN).help
    assert taken
    assert taken.taken_by == "kim"
    released = row_of(LIVE, *BEGUN, ASKED, TAKEN, RELEASED).help
    assert released == row.help
    assert row_of(LIVE, *BEGUN, ASKED, TAKEN, ANSWERED).help is None
    assert row_of(LIVE, *BEGUN, ASKED, WITHDRAWN).help is None


def test_an_outage_is_a_fault_with_what_it_gave_back() -> None:
    assert row_of(LIVE, *BEGUN, MARKED).outages == {"o1": 0}
    assert row_of(LIVE, *BEGUN, MARKED, BACK).outages == {"o1": 600}
    (fault,) = row_of(GRADEBOOK, *BEGUN, MARKED, BACK).faults
    assert (fault.what, fault.why, fault.ended_at) == ("outage", "the network: a cable", at("9:40"))


def test_a_declared_outage_is_kept_for_its_schedule() -> None:
    row = row_of(OUTAGES, DECLARED)
    assert (row.schedule, row.outage, row.cause, row.by) == ("anatomy", "o1", "a cable", "lead")


def test_who_attended_and_how() -> None:
    enrolled = (CREATED, ENROLLED, OPENED)
    assert attended(row_of(DAY, *enrolled)) == "expected"
    assert attended(row_of(DAY, *enrolled, NO_SHOW)) == "no_show"
    assert attended(row_of(DAY, *BEGUN)) == "present"
    started = BEGUN[-1]
    late = row_of(DAY, *enrolled, NO_SHOW, ADMITTED, started)
    assert attended(late) == "late"
    assert late.late
    assert late.late.by == "kim"


def test_what_happened_to_one_candidate_is_in_the_report() -> None:
    fault = (SESSION, FaultOpened(what="detectors", why="nobody looks"))
    day = row_of(
        DAY, *BEGUN, flagged(), raised(), requested(), fault, ASKED, TAKEN, ANSWERED, MARKED, BACK, SUBMITTED
    )  # fmt: skip
    (one,) = report_of("anatomy", [day], [row_of(OUTAGES, DECLARED)], None).sessions
    assert [(each.kind, each.at) for each in one.irregularities] == [
        ("several_people", at("9:10")),
        ("raised_by_person", at("9:20")),
    ]
    assert [each.what for each in one.faults] == ["detectors", "outage"]
    assert [(each.kind, each.by) for each in one.interventions] == [("pause", "kim")]
    assert [(each.state, each.by) for each in one.help] == [("answered", "lou")]
    assert (one.extra_s, one.phase, one.attended) == (600, "submitted", "present")


def test_the_same_facts_give_the_same_bytes_and_no_name_is_in_them() -> None:
    happened = (*BEGUN, flagged(), requested(), ASKED, SUBMITTED)
    first, again = (canonical(report_of("anatomy", rows_of(DAY, happened).values(), (), None)) for _ in range(2))
    assert first == again
    for words in ("Ada", "It is black", "please look"):
        assert words not in first.decode()
    more = canonical(report_of("anatomy", rows_of(DAY, (*happened, ANSWERED)).values(), (), None))
    assert more != first


def test_a_verdict_belongs_to_the_record_and_changes_no_report() -> None:
    happened = (*BEGUN, flagged(), SUBMITTED)
    before = report_of("anatomy", rows_of(DAY, happened).values(), (), None)
    assert report_of("anatomy", rows_of(DAY, (*happened, judged("dismissed"))).values(), (), None) == before
    assert msgspec.json.decode(canonical(before))["format"] == 1
