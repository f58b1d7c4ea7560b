"""Decisions on a record, and notes: by people, with reasons, on a seal; none replaces another."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from domain.decision import AddNote, Decide, Decided, Ground, NoteAdded, Outcome
from domain.incidents import Severity
from domain.record import DECIDER
from domain.verdict import Judged, Standing
from tests.domain.given import given
from tests.domain.hall import at, private
from tests.domain.test_record import SEALED


def one(standing: Standing = "confirmed", severity: Severity = "high", incident: str = "i1") -> Judged:
    return Judged(incident=incident, kind="several_people", severity=severity, standing=standing, by=("curie",))


REFER = Decide(
    outcome="referred", ground="incident", reason=private("Two people at one desk."), by="curie", at=at("14:00"),
    incidents=(one(),), sealed=True, terminated=False,
)  # fmt: skip
REFERRED = Decided(
    number=1, outcome="referred", ground="incident", reason=private("Two people at one desk."), by="curie",
    at=at("14:00"), seal=1, root="aa" * 32, incidents=(one(),),
)  # fmt: skip
CLEAR = replace(REFER, outcome="clear", ground=None, reason=private("It was the interpreter."))
NOTE = AddNote(note="n1", text=private("Wrote to the examiner."), by="curie", at=at("14:00"))
NOTED = NoteAdded(note="n1", text=private("Wrote to the examiner."), by="curie", at=at("14:00"))


def test_a_decision_names_the_seal_and_the_verdicts_that_it_rests_on() -> None:
    given(DECIDER, SEALED).when(REFER).then(REFERRED)
    again = replace(SEALED, number=2, root="bb" * 32)
    given(DECIDER, SEALED, again).when(REFER).then(replace(REFERRED, seal=2, root="bb" * 32))


def test_the_same_decision_again_is_none() -> None:
    later = replace(REFER, at=at("15:00"))
    given(DECIDER, SEALED, REFERRED).when(later).then_nothing()
    given(DECIDER, SEALED, REFERRED).when(replace(later, number=1)).then_nothing()


def test_a_later_decision_stands_beside_the_first() -> None:
    cleared = replace(REFERRED, number=2, outcome="clear", ground=None, reason=CLEAR.reason)
    given(DECIDER, SEALED, REFERRED).when(CLEAR).then(cleared)
    given(DECIDER, SEALED, REFERRED, cleared).when(REFER).then(replace(REFERRED, number=3))


def test_of_two_who_decide_at_once_the_second_is_told() -> None:
    second = replace(CLEAR, by="noether", number=1)
    cleared = replace(REFERRED, outcome="clear", ground=None, reason=CLEAR.reason, by="noether")
    given(DECIDER, SEALED).when(second).then(cleared)
    given(DECIDER, SEALED, REFERRED).when(second).refused("decided meanwhile", field="number")


def test_nothing_is_decided_before_the_first_seal_nor_on_one_that_is_behind() -> None:
    given(DECIDER).when(REFER).refused("not sealed yet")
    given(DECIDER, SEALED).when(replace(REFER, sealed=False)).refused("not sealed yet")


@pytest.mark.parametrize("standing", ["awaits_second", "differs"])
@pytest.mark.parametrize("outcome", ["clear", "referred", "void"])
def test_nobody_decides_before_a_second_reviewer_where_one_is_needed(standing: Standing, outcome: Outcome) -> None:
    waits = one(standing, severity="info", incident="i2")
    order = replace(CLEAR if outcome == "clear" else replace(REFER, outcome=outcome), incidents=(one(), waits))
    given(DECIDER, SEALED).when(order).refused("needs another verdict", field="incidents")


def test_clear_needs_every_incident_of_high_severity_judged() -> None:
    open_ = replace(CLEAR, incidents=(one("unjudged"),))
    given(DECIDER, SEALED).when(open_).refused("nobody has judged", field="incidents")
    cleared = replace(REFERRED, outcome="clear", ground=None, reason=CLEAR.reason)
    for enough in ((one("unjudged", "warn"),), (one("dismissed"),), (one("unsure"),), (one(),), ()):
        given(DECIDER, SEALED).when(replace(CLEAR, incidents=enough)).then(replace(cleared, incidents=enough))


def test_nobody_is_clear_before_somebody_says_who_it_was() -> None:
    given(DECIDER, SEALED).when(replace(CLEAR, identity_owed=True)).refused("who this was", field="identity")


def test_clear_has_no_ground_and_all_else_has_one() -> None:
    given(DECIDER, SEALED).when(replace(CLEAR, ground="fault")).refused("no ground", field="ground", kind="invalid")
    given(DECIDER, SEALED).when(replace(REFER, ground=None)).refused("which ground", field="ground", kind="invalid")


@pytest.mark.parametrize("outcome", ["referred", "void"])
@pytest.mark.parametrize(
    ("ground", "without", "with_it"),
    [
        ("incident", {"incidents": (one("unsure"), one("dismissed", incident="i2"))}, {}),
        ("termination", {}, {"terminated": True}),
        ("identity", {}, {"identity": "another_person"}),
        ("identity", {"identity": "same_person"}, {"identity": "cannot_tell"}),
    ],
)
def test_a_ground_has_to_be_there(
    outcome: Outcome, ground: Ground, without: dict[str, object], with_it: dict[str, object]
) -> None:
    order = replace(REFER, outcome=outcome, ground=ground)
    given(DECIDER, SEALED).when(replace(order, **without)).refused("", field="ground")
    given(DECIDER, SEALED).when(replace(order, **with_it)).then(replace(REFERRED, outcome=outcome, ground=ground))


def test_a_fault_is_taken_at_the_word_of_who_decides() -> None:
    order = replace(REFER, outcome="void", ground="fault", incidents=())
    given(DECIDER, SEALED).when(order).then(replace(REFERRED, outcome="void", ground="fault", incidents=()))


def test_a_note_is_kept_once() -> None:
    given(DECIDER).when(NOTE).then(NOTED)
    given(DECIDER, NOTED).when(NOTE).then_nothing()
    given(DECIDER, NOTED).when(replace(NOTE, note="n2")).then(replace(NOTED, note="n2"))
