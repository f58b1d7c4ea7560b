"""Incidents: what detectors saw, what people noted, and what people said of it."""

from __future__ import annotations

from msgspec.structs import replace

from domain.incidents import (
    DECIDER,
    AddEvidence,
    Closed,
    CloseIncident,
    CoverageReported,
    Evidence,
    EvidenceAdded,
    Judge,
    Opened,
    OpenIncident,
    Provenance,
    Raise,
    RaisedByPerson,
    ReportCoverage,
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
RAISE = Raise(incident="p1", at=at("10:05"), severity="warn", note=private("Talks to somebody."))
RAISED = RaisedByPerson(incident="p1", at=at("10:05"), severity="warn", note=private("Talks to somebody."))
JUDGE = Judge(incident="n1", verdict="dismissed", reason=private("A poster on the wall."), by="curie")
JUDGED = VerdictGiven(incident="n1", verdict="dismissed", reason=private("A poster on the wall."), by="curie")


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


def test_evidence_is_added_once_while_the_incident_is_open() -> None:
    more = replace(PICTURE, object_key="evidence/2")
    add = AddEvidence(incident="n1", evidence=more)
    added = EvidenceAdded(incident="n1", evidence=more)
    given(DECIDER, OPENED).when(add).then(added)
    given(DECIDER, OPENED, added).when(add).then_nothing()
    given(DECIDER, OPENED).when(AddEvidence(incident="n1", evidence=PICTURE)).then_nothing()
    given(DECIDER, OPENED, CLOSED).when(add).then_nothing()
    given(DECIDER).when(add).then_nothing()


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


def test_an_incident_that_nobody_flagged_cannot_be_judged() -> None:
    given(DECIDER).when(JUDGE).refused("no such incident", field="incident", kind="not_found")


def test_each_detector_says_once_how_much_it_could_see() -> None:
    report = ReportCoverage(detector="several_people", due=3600, taken=3500, cannot_tell=80, overloaded=20, muted=0)
    reported = CoverageReported(detector="several_people", due=3600, taken=3500, cannot_tell=80, overloaded=20, muted=0)
    given(DECIDER).when(report).then(reported)
    given(DECIDER, reported).when(report).then_nothing()
    other = replace(report, detector="out_of_view")
    given(DECIDER, reported).when(other).then(replace(reported, detector="out_of_view"))
