"""Incidents: what detectors saw, what people noted, and what people said of it."""

from __future__ import annotations

from msgspec.structs import replace

from domain.coverage import CoverageReported, ReportCoverage
from domain.incidents import (
    DECIDER,
    AddEvidence,
    Closed,
    CloseIncident,
    Evidence,
    EvidenceAdded,
    IncidentCommand,
    IncidentEvent,
    Judge,
    Opened,
    OpenIncident,
    Provenance,
    Raise,
    RaisedByPerson,
    VerdictGiven,
)
from tests.domain.given import given
from tests.domain.hall import at, private

PROVENANCE = Provenance(
    detector="blazeface", detector_version="1", weights={"blazeface.onnx": "ab" * 32}, thresholds={"score": 0.5},
    rule_version="1",
)  # fmt: skip
PICTURE = Evidence(at=at("10:00:04"), object_key="evidence/1", sha256="cd" * 32, raw_score=0.91)
OPEN = OpenIncident(
    incident="n1", kind="several_people", started_at=at("10:00"), severity="high", confidence=0.9,
    provenance=PROVENANCE, evidence=PICTURE, observed=True,
)  # fmt: skip
OPENED = Opened(
    incident="n1", kind="several_people", started_at=at("10:00"), severity="high", confidence=0.9,
    provenance=PROVENANCE, evidence=PICTURE,
)  # fmt: skip
CLOSE = CloseIncident(incident="n1", ended_at=at("10:01"), severity="high", peak=0.95)
CLOSED = Closed(incident="n1", ended_at=at("10:01"), severity="high", peak=0.95, why="clear")
RAISE = Raise(incident="p1", at=at("10:05"), severity="warn", note=private("Talks to somebody."), by="kim")
RAISED = RaisedByPerson(incident="p1", at=at("10:05"), severity="warn", note=private("Talks to somebody."), by="kim")
JUDGE = Judge(incident="n1", verdict="dismissed", reason=private("A poster on the wall."), by="curie")
JUDGED = VerdictGiven(incident="n1", verdict="dismissed", reason=private("A poster on the wall."), by="curie")


def decided(command: IncidentCommand, *history: IncidentEvent) -> tuple[IncidentEvent, ...]:
    return DECIDER.decide(command, given(DECIDER, *history).state)


def test_a_detector_opens_an_incident_with_its_evidence_and_where_it_comes_from() -> None:
    given(DECIDER).when(OPEN).then(OPENED)
    given(DECIDER, OPENED).when(OPEN).then_nothing()
    given(DECIDER, OPENED, CLOSED).when(OPEN).then_nothing()


def test_what_is_not_observed_is_no_incident() -> None:
    given(DECIDER).when(replace(OPEN, observed=False)).then_nothing()


def test_one_kind_is_open_once_at_a_time() -> None:
    second = replace(OPEN, incident="n2")
    given(DECIDER, OPENED).when(second).then_nothing()
    given(DECIDER, OPENED).when(replace(second, kind="out_of_view")).then(
        replace(OPENED, incident="n2", kind="out_of_view")
    )
    given(DECIDER, OPENED, CLOSED).when(second).then(replace(OPENED, incident="n2"))


def test_a_picture_of_two_incidents_tells_once_of_each_that_it_was_seen_then() -> None:
    later = replace(PICTURE, at=at("10:02"))
    add, seen = AddEvidence(incident="n1", evidence=later), EvidenceAdded(incident="n1", seen_at=at("10:02"))
    given(DECIDER, OPENED).when(add).then(seen)
    given(DECIDER, OPENED, seen).when(add).then_nothing()


def test_evidence_is_added_once_also_when_it_comes_after_the_end() -> None:
    more = replace(PICTURE, object_key="evidence/2")
    add = AddEvidence(incident="n1", evidence=more)
    added = EvidenceAdded(incident="n1", evidence=more)
    given(DECIDER, OPENED).when(add).then(added)
    given(DECIDER, OPENED, added).when(add).then_nothing()
    given(DECIDER, OPENED).when(AddEvidence(incident="n1", evidence=PICTURE)).then_nothing()
    given(DECIDER, OPENED, CLOSED).when(add).then(added)
    given(DECIDER, OPENED, CLOSED, added).when(add).then_nothing()
    given(DECIDER).when(add).then_nothing()


def test_an_incident_that_becomes_graver_or_goes_on_says_so_without_a_picture() -> None:
    opened = replace(OPENED, severity="warn", confidence=0.7)
    graver = AddEvidence(incident="n1", severity="high", confidence=0.8, seen_at=at("10:00:34"))
    became = EvidenceAdded(incident="n1", severity="high", confidence=0.8, seen_at=at("10:00:34"))
    given(DECIDER, opened).when(graver).then(became)
    given(DECIDER, opened, became).when(graver).then_nothing()
    given(DECIDER, opened, became).when(replace(graver, severity="warn")).then_nothing()
    later = replace(graver, severity="warn", confidence=0.1, seen_at=at("10:01:30"))
    state = given(DECIDER, opened, became, *decided(later, opened, became)).state
    flag = state.open["n1"]
    assert (flag.severity, flag.confidence, flag.seen_at) == ("high", 0.8, at("10:01:30"))


def test_when_it_ended_stays_as_it_was_told_and_how_grave_it_was_can_still_come() -> None:
    opened, closed = replace(OPENED, severity="warn"), replace(CLOSED, severity="warn")
    late = AddEvidence(incident="n1", severity="high", seen_at=at("10:05"))
    came = EvidenceAdded(incident="n1", severity="high", seen_at=at("10:05"))
    given(DECIDER, opened, closed).when(late).then(came)
    given(DECIDER, opened, closed, came).when(late).then_nothing()
    given(DECIDER, opened, closed).when(replace(late, severity="warn")).then_nothing()


def test_a_picture_that_was_stored_already_brings_only_what_is_new() -> None:
    add = AddEvidence(incident="n1", evidence=PICTURE, severity="high")
    graver = EvidenceAdded(incident="n1", severity="high", seen_at=PICTURE.at)
    given(DECIDER, replace(OPENED, severity="warn")).when(add).then(graver)


def test_it_was_last_seen_in_the_sample_that_settled_it_or_in_its_picture_or_when_it_began() -> None:
    last = [
        given(DECIDER, one).state.open["n1"].seen_at
        for one in (replace(OPENED, seen_at=at("10:00:05")), OPENED, replace(OPENED, evidence=None))
    ]
    assert last == [at("10:00:05"), at("10:00:04"), at("10:00")]


def test_no_end_makes_an_incident_less_than_it_has_been() -> None:
    grave = EvidenceAdded(incident="n1", severity="high", confidence=0.95)
    mild = replace(CLOSE, severity="warn", peak=0.4)
    given(DECIDER, replace(OPENED, severity="warn"), grave).when(mild).then(CLOSED)


def test_an_incident_opened_without_a_picture_can_get_one() -> None:
    add = AddEvidence(incident="n1", evidence=PICTURE)
    given(DECIDER, replace(OPENED, evidence=None)).when(add).then(EvidenceAdded(incident="n1", evidence=PICTURE))


def test_an_incident_is_closed_once() -> None:
    given(DECIDER, OPENED).when(CLOSE).then(CLOSED)
    given(DECIDER, OPENED, CLOSED).when(CLOSE).then_nothing()
    given(DECIDER).when(CLOSE).then_nothing()


def test_an_incident_that_outlasts_the_session_says_so() -> None:
    given(DECIDER, OPENED).when(replace(CLOSE, why="session_over")).then(replace(CLOSED, why="session_over"))


def test_an_invigilator_raises_an_incident_by_hand_once() -> None:
    given(DECIDER).when(RAISE).then(RAISED)
    given(DECIDER, RAISED).when(RAISE).then_nothing()


def test_a_person_judges_an_incident() -> None:
    given(DECIDER, OPENED, CLOSED).when(JUDGE).then(JUDGED)
    given(DECIDER, OPENED, CLOSED, JUDGED).when(JUDGE).then_nothing()
    given(DECIDER, RAISED).when(replace(JUDGE, incident="p1")).then(replace(JUDGED, incident="p1"))


def test_a_person_may_think_again_and_another_may_differ() -> None:
    judged = (OPENED, CLOSED, JUDGED)
    given(DECIDER, *judged).when(replace(JUDGE, verdict="unsure")).then(replace(JUDGED, verdict="unsure"))
    given(DECIDER, *judged).when(replace(JUDGE, by="noether")).then(replace(JUDGED, by="noether"))


def test_another_reason_for_the_same_verdict_is_kept() -> None:
    corrected = private("A mirror, not a poster.")
    again = replace(JUDGE, reason=corrected)
    given(DECIDER, OPENED, JUDGED).when(again).then(replace(JUDGED, reason=corrected))
    given(DECIDER, OPENED, JUDGED, replace(JUDGED, reason=corrected)).when(again).then_nothing()


def test_an_incident_that_nobody_flagged_cannot_be_judged() -> None:
    given(DECIDER).when(JUDGE).refused("no such incident", field="incident", kind="not_found")


def test_each_detector_says_once_how_much_it_could_see() -> None:
    report = ReportCoverage(detector="several_people", due=3600, taken=3500, cannot_tell=80, overloaded=20, muted=0)
    reported = CoverageReported(detector="several_people", due=3600, taken=3500, cannot_tell=80, overloaded=20, muted=0)
    given(DECIDER).when(report).then(reported)
    given(DECIDER, reported).when(report).then_nothing()
    other = replace(report, detector="out_of_view")
    given(DECIDER, reported).when(other).then(replace(reported, detector="out_of_view"))


def test_what_a_detector_could_see_is_told_again_when_a_session_that_was_reopened_has_ended() -> None:
    report = ReportCoverage(detector="several_people", due=10, taken=10, cannot_tell=0, overloaded=0, muted=0)
    reported = CoverageReported(detector="several_people", due=10, taken=10, cannot_tell=0, overloaded=0, muted=0)
    again, repeated = replace(report, due=30, taken=25, reopened=1), replace(reported, due=30, taken=25, reopened=1)
    given(DECIDER, reported).when(again).then(repeated)
    given(DECIDER, reported, repeated).when(again).then_nothing()
    given(DECIDER, reported, repeated).when(report).then_nothing()
