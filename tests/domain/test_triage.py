"""Triage on the wall: one person has an incident, releases it, sets it aside, or a lead decides."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from domain.incidents import DECIDER, EvidenceAdded, IncidentEvent, RaisedByPerson, VerdictGiven
from domain.triage import (
    Escalate,
    Escalated,
    LetGo,
    PassOn,
    PutAside,
    Release,
    Released,
    SetAside,
    Take,
    Taken,
    Triage,
    TriageCommand,
)
from tests.domain.given import given
from tests.domain.hall import at, private
from tests.domain.test_incidents import OPENED as FLAGGED

NOW = at("9:45")
OPENED = replace(FLAGGED, incident="i1", severity="warn")
TAKEN = Taken(incident="i1", at=NOW, by="grace")
RELEASED = Released(incident="i1", at=NOW, by="grace", why="released")
ASIDE = SetAside(incident="i1", at=NOW, by="grace")
ESCALATED = Escalated(incident="i1", at=NOW, by="grace", note=private("he will not answer"))
BY_LEAD = Taken(incident="i1", at=NOW, by="mary")
TAKE = Take(incident="i1", at=NOW, by="grace")
RELEASE = Release(incident="i1", at=NOW, by="grace")
ESCALATE = Escalate(incident="i1", at=NOW, by="grace", note=private("he will not answer"))


def triage(*events: IncidentEvent) -> Triage:
    return given(DECIDER, OPENED, *events).state.triage.get("i1", Triage())


def test_who_takes_an_incident_first_has_it() -> None:
    given(DECIDER, OPENED).when(TAKE).then(TAKEN)
    given(DECIDER, OPENED, TAKEN).when(TAKE).then_nothing()
    second = Take(incident="i1", at=NOW, by="alan")
    given(DECIDER, OPENED, TAKEN).when(second).refused("somebody else has taken", field="taken_by")
    lead = Take(incident="i1", at=NOW, by="mary", lead=True)
    given(DECIDER, OPENED, TAKEN).when(lead).refused("somebody else has taken", field="taken_by")
    given(DECIDER, OPENED, TAKEN, RELEASED).when(second).then(Taken(incident="i1", at=NOW, by="alan"))


def test_an_incident_that_a_person_raised_is_taken_like_any_other() -> None:
    raised = RaisedByPerson(incident="i2", at=NOW, severity="info", note=private("a phone"))
    given(DECIDER, raised).when(Take(incident="i2", at=NOW, by="grace")).then(Taken(incident="i2", at=NOW, by="grace"))


@pytest.mark.parametrize(
    "command", [TAKE, RELEASE, ESCALATE, PutAside(incident="i1", at=NOW, by="grace")], ids=lambda c: type(c).__name__
)
def test_there_must_be_such_an_incident(command: TriageCommand) -> None:
    given(DECIDER).when(command).refused("no such incident", field="incident", kind="not_found")


def test_it_is_released_by_who_has_it_or_by_a_lead() -> None:
    given(DECIDER, OPENED, TAKEN).when(RELEASE).then(RELEASED)
    given(DECIDER, OPENED).when(RELEASE).then_nothing()
    other = Release(incident="i1", at=NOW, by="alan")
    given(DECIDER, OPENED, TAKEN).when(other).refused("somebody else has taken", field="taken_by")
    lead = Release(incident="i1", at=NOW, by="mary", lead=True)
    given(DECIDER, OPENED, TAKEN).when(lead).then(Released(incident="i1", at=NOW, by="mary", why="released"))


def test_who_is_away_loses_only_what_they_have() -> None:
    away = LetGo(incident="i1", at=NOW, user="grace", by="system/react", why="disconnected")
    gone = Released(incident="i1", at=NOW, by="system/react", why="disconnected")
    given(DECIDER, OPENED, TAKEN).when(away).then(gone)
    given(DECIDER, OPENED, TAKEN, gone).when(away).then_nothing()
    given(DECIDER, OPENED, Taken(incident="i1", at=NOW, by="alan")).when(away).then_nothing()


def test_a_hand_over_passes_on_what_was_taken() -> None:
    passed = PassOn(incident="i1", at=NOW, user="grace", to="alan")
    given(DECIDER, OPENED, TAKEN).when(passed).then(Taken(incident="i1", at=NOW, by="alan"))
    given(DECIDER, OPENED).when(passed).then_nothing()
    given(DECIDER, OPENED, TAKEN, Taken(incident="i1", at=NOW, by="alan")).when(passed).then_nothing()


def test_setting_aside_is_no_verdict_and_ends_with_the_next_who_takes_it() -> None:
    aside = PutAside(incident="i1", at=NOW, by="grace")
    state = given(DECIDER, OPENED, TAKEN, ASIDE).state
    given(DECIDER, OPENED, TAKEN).when(aside).then(ASIDE)
    given(DECIDER, OPENED, ASIDE).when(aside).then_nothing()
    assert state.verdicts == {}
    assert "i1" in state.open
    assert triage(TAKEN, ASIDE) == Triage(set_aside_by="grace", set_aside_at=NOW)
    assert triage(ASIDE, BY_LEAD) == Triage(taken_by="mary", taken_at=NOW)
    other = PutAside(incident="i1", at=NOW, by="alan")
    given(DECIDER, OPENED, TAKEN).when(other).refused("somebody else has taken", field="taken_by")


def test_what_was_set_aside_comes_back_when_it_becomes_graver() -> None:
    graver = EvidenceAdded(incident="i1", severity="high")
    as_before = EvidenceAdded(incident="i1", severity="info", confidence=0.99)
    assert triage(ASIDE, as_before).set_aside_by == "grace"
    assert triage(ASIDE, graver) == Triage()


def test_a_lead_decides_on_what_was_escalated() -> None:
    given(DECIDER, OPENED, TAKEN).when(ESCALATE).then(ESCALATED)
    given(DECIDER, OPENED, TAKEN, ESCALATED).when(ESCALATE).then_nothing()
    waiting = given(DECIDER, OPENED, TAKEN, ESCALATED)
    waiting.when(TAKE).refused("a lead invigilator decides", field="escalated_by")
    waiting.when(PutAside(incident="i1", at=NOW, by="grace")).refused("a lead", field="escalated_by")
    waiting.when(Take(incident="i1", at=NOW, by="mary", lead=True)).then(BY_LEAD)
    aside = SetAside(incident="i1", at=NOW, by="mary")
    waiting.when(PutAside(incident="i1", at=NOW, by="mary", lead=True)).then(aside)
    other = Escalate(incident="i1", at=NOW, by="alan")
    given(DECIDER, OPENED, TAKEN).when(other).refused("somebody else has taken", field="taken_by")


def test_it_stays_on_the_leads_list_until_they_set_it_aside_give_it_back_or_judge_it() -> None:
    back = Released(incident="i1", at=NOW, by="mary", why="released")
    cut_off = Released(incident="i1", at=NOW, by="system/react", why="disconnected")
    verdict = VerdictGiven(incident="i1", verdict="dismissed", reason=private("a poster"), by="mary")
    lead = Release(incident="i1", at=NOW, by="mary", lead=True)
    assert triage(ESCALATED, BY_LEAD).escalated_by == "grace"
    assert triage(ESCALATED, BY_LEAD, cut_off) == Triage(escalated_by="grace", escalated_at=NOW)
    assert triage(ESCALATED, BY_LEAD, back) == Triage()
    assert triage(ESCALATED, BY_LEAD, verdict) == Triage()
    given(DECIDER, OPENED, ESCALATED).when(lead).then(back)
    given(DECIDER, OPENED, ESCALATED, back).when(lead).then_nothing()
    given(DECIDER, OPENED, ESCALATED).when(RELEASE).then_nothing()
