"""The gradebook's rows: the account of a session that its record is read from."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from domain import fault, incidents, intervention, record, recording, stops
from domain.appeal import AppealAnswered, Appealed, AppealWithdrawn
from domain.archive import Archived, BroughtBack
from domain.coverage import CoverageReported
from domain.decision import Decided, NoteAdded
from domain.event import Private
from domain.gaps import GapRecorded
from domain.policy import Policy
from domain.priority import Prioritised
from domain.verdict import Judged
from projections.gradebook import GRADEBOOK
from projections.gradebook_row import BreakTaken, Coverage, Fault, Flag, Gap, Given, Intervention, Seal
from projections.reviewed import order
from tests.domain.hall import NINE, at
from tests.projections.hall import (
    BEGUN,
    CAMERA,
    CREATED,
    ENROLLED,
    INCIDENTS,
    OPENED,
    PAUSE,
    RECORD,
    SESSION,
    STARTED,
    SUBMITTED,
    about_ada,
    closed,
    flagged,
    judged,
    raised,
    read_by,
    requested,
    row_of,
    sealed,
    segment,
    sent,
)


def test_a_row_says_who_sat_when() -> None:
    row = row_of(GRADEBOOK, *BEGUN, SUBMITTED)
    assert (row.schedule, row.name, row.number, row.phase) == ("anatomy", "Ada L.", "7", "submitted")
    assert (row.clock.started_at, row.clock.ended_at) == (at("9:05"), at("10:30"))


def test_incidents_stand_by_kind_and_severity_with_their_verdicts() -> None:
    row = row_of(GRADEBOOK, *BEGUN, flagged("i1", "warn"), closed("i1", "high"), judged("confirmed"), raised("i2"))
    assert row.incidents == {
        "i1": Flag(
            kind="several_people", severity="high", at=at("9:10"), verdict="confirmed",
            verdicts=(Given(verdict="confirmed", by="kim", at=NINE + timedelta(seconds=7)),), standing="confirmed",
        ),
        "i2": Flag(kind="raised_by_person", severity="info", at=at("9:20"), by="someone"),
    }  # fmt: skip


def test_how_grave_an_incident_became_stands_in_the_account_while_it_goes_on_and_afterwards() -> None:
    grave = (INCIDENTS, incidents.EvidenceAdded(incident="i1", severity="high"))
    for happened in ((flagged("i1", "warn"), grave), (flagged("i1", "warn"), closed("i1", "warn"), grave)):
        assert row_of(GRADEBOOK, *BEGUN, *happened).incidents["i1"].severity == "high"


def test_what_a_detector_could_not_see_is_kept() -> None:
    told = CoverageReported(detector="out_of_view", due=100, taken=80, cannot_tell=5, overloaded=10, muted=5)
    row = row_of(GRADEBOOK, *BEGUN, (INCIDENTS, told))
    assert row.coverage == {"out_of_view": Coverage(due=100, taken=80, cannot_tell=5, overloaded=10, muted=5)}
    row = row_of(GRADEBOOK, *BEGUN, (INCIDENTS, replace(told, due_s=200.0, seen_s=160.0)))
    assert (row.coverage["out_of_view"].due_s, row.coverage["out_of_view"].seen_s) == (200.0, 160.0)


def test_what_was_told_of_a_session_before_it_was_reopened_is_in_what_is_told_at_its_new_end() -> None:
    told = CoverageReported(detector="out_of_view", due=100, taken=80, cannot_tell=5, overloaded=10, muted=5)
    again = replace(told, due=150, taken=130, reopened=1)
    row = row_of(GRADEBOOK, *BEGUN, (INCIDENTS, told), (INCIDENTS, again))
    assert row.coverage == {"out_of_view": Coverage(due=150, taken=130, cannot_tell=5, overloaded=10, muted=5)}


def test_faults_have_a_beginning_and_an_end() -> None:
    row = row_of(
        GRADEBOOK, *BEGUN,
        (SESSION, fault.ConnectionLost(at=at("9:20"), track="camera", why="no media arrives")),
        (SESSION, fault.ConnectionRestored(at=at("9:21"), track="camera", away_s=60)),
        (SESSION, fault.ConnectionLost(at=at("9:30"), track="camera", why="no media arrives")),
        (SESSION, fault.FaultOpened(what="messaging", why="away")),
        (SESSION, fault.FaultClosed(what="messaging")),
    )  # fmt: skip
    opened, over = NINE + timedelta(seconds=8), NINE + timedelta(seconds=9)
    assert row.faults == (
        Fault(what="camera", why="no media arrives", began_at=at("9:20"), ended_at=at("9:21")),
        Fault(what="camera", why="no media arrives", began_at=at("9:30")),
        Fault(what="messaging", why="away", began_at=opened, ended_at=over),
    )


def test_interventions_keep_their_last_stage_and_where_they_took_effect() -> None:
    row = row_of(
        GRADEBOOK, *BEGUN, requested(), (PAUSE, intervention.Delivered(at=at("9:31"))),
        (PAUSE, intervention.Applied(at=at("9:32"), where="page")),
    )  # fmt: skip
    expected = Intervention(kind="pause", stage="applied", at=at("9:30"), by="kim", where="page")
    assert row.interventions == {"s1.p1": expected}


def test_what_the_exam_platform_has_confirmed_and_what_was_seen_of_a_look_stay() -> None:
    there, page = (intervention.Applied(at=at("9:32"), where=where) for where in ("platform", "page"))  # type: ignore[arg-type]
    (one,) = row_of(GRADEBOOK, *BEGUN, requested(), (PAUSE, there), (PAUSE, page)).interventions.values()
    assert (one.stage, one.where) == ("applied", "platform")
    marked = (PAUSE, intervention.Marked(at=at("9:32"), by="lee", result="passed"))
    (one,) = row_of(GRADEBOOK, *BEGUN, requested("room_scan"), marked).interventions.values()
    assert (one.stage, one.result, one.by) == ("applied", "passed", "kim")


def test_breaks_are_kept_with_what_they_took_and_how_much_too_long_they_were() -> None:
    began = (SESSION, stops.BreakStarted(at=at("9:30"), kind="rest", until=at("9:40"), intervention="p1"))
    ended = (SESSION, stops.BreakEnded(at=at("9:45"), why="back", stopped_s=600.0, over_s=300.0))
    taken = BreakTaken(kind="rest", began_at=at("9:30"), until=at("9:40"))
    assert row_of(GRADEBOOK, *BEGUN, began).breaks == (taken,)
    after = row_of(GRADEBOOK, *BEGUN, began, ended)
    assert after.breaks == (replace(taken, ended_at=at("9:45"), stopped_s=600.0, over_s=300.0),)
    assert (after.phase, after.clock.stopped_s) == ("in_progress", 600.0)


def test_messages_views_and_exports_are_counted() -> None:
    viewed = (RECORD, record.Viewed(by="kim", what="camera", at=at("11:00")))
    exported = (RECORD, record.Exported(by="kim", export="e1", at=at("11:01"), seal=1))
    row = row_of(GRADEBOOK, *BEGUN, sent("m1"), sent("m2", "invigilator"), read_by("kim"), viewed, viewed, exported)
    assert (row.messages, row.views, row.exports) == (2, 2, 1)


def test_a_recording_adds_up() -> None:
    started = (CAMERA, recording.Started(connection=1, at=at("9:05"), worker="w"))
    again = (CAMERA, recording.Started(connection=2, at=at("9:07"), worker="w"))
    gap = (CAMERA, GapRecorded(started_at=at("9:06"), ended_at=at("9:07"), why="lost"))
    made = recording.Finalised(object_key="film", bytes=1900, sha256="00", duration_s=12.0, frames=180, segments=2)
    tape = row_of(GRADEBOOK, *BEGUN, started, segment(2), segment(1), again, gap, (CAMERA, made)).recordings["camera"]
    assert (tape.connections, tape.segments, tape.bytes) == (2, 2, 2000)
    assert (tape.started_at, tape.ended_at) == (at("9:05"), at("9:05") + timedelta(seconds=12))
    assert tape.gaps == (Gap(started_at=at("9:06"), ended_at=at("9:07"), why="lost"),)
    assert (tape.object_key, tape.duration_s) == ("film", 12.0)


def test_seals_stand_one_after_the_other() -> None:
    row = row_of(GRADEBOOK, *BEGUN, SUBMITTED, sealed(1), sealed(2, "complete"))
    first = Seal(number=1, kind="provisional", at=at("10:31"), owed=("camera",), root="ab", checkpoint="vigil\n1\n")
    assert row.seals[0] == first
    assert [(seal.kind, seal.owed) for seal in row.seals] == [("provisional", ("camera",)), ("complete", ())]


def test_the_position_is_of_the_sessions_last_event() -> None:
    assert row_of(GRADEBOOK, *BEGUN, segment(1), sealed()).position == 6


def test_a_fault_of_which_a_page_has_told_is_as_long_as_it_said() -> None:
    began = fault.FaultOpened(what="camera device", why="it is unplugged", cause="device", since=at("9:20"))
    ended = fault.FaultClosed(what="camera device", since=at("9:24"))
    row = row_of(GRADEBOOK, *BEGUN, (SESSION, began), (SESSION, ended))
    (one,) = row.faults
    assert (one.began_at, one.ended_at) == (at("9:20"), at("9:24"))


def test_every_verdict_is_kept_and_what_they_come_to_follows_the_policy_of_the_session() -> None:
    said = (flagged("i1", "warn"), judged("confirmed", by="kim"), judged("dismissed", by="lee"))
    flag = row_of(GRADEBOOK, *BEGUN, *said).incidents["i1"]
    assert [(given.verdict, given.by) for given in flag.verdicts] == [("confirmed", "kim"), ("dismissed", "lee")]
    assert (flag.verdict, flag.standing) == ("dismissed", "dismissed")
    begun = replace(STARTED[1], policy=Policy(second_reviewer=True))
    two = row_of(GRADEBOOK, CREATED, ENROLLED, OPENED, (SESSION, begun), *said).incidents["i1"]
    assert (two.verdict, two.standing) == ("dismissed", "differs")


def test_decisions_notes_and_priorities_stand_one_after_the_other() -> None:
    found = Judged(incident="i1", kind="several_people", severity="warn", standing="confirmed", by=("kim",))
    decided = Decided(
        number=1, outcome="referred", ground="incident", reason=about_ada("Two people."), by="kim", at=at("13:00"),
        seal=1, root="ab", incidents=(found,),
    )  # fmt: skip
    noted = NoteAdded(note="n1", text=about_ada(None), by="kim", at=at("13:00"))
    ordered = Prioritised(
        number=1, weights_version="1", weights={"high": 8.0}, inputs=(found,), muted=(), seal=1, policy=1,
        policy_today=2, at=at("13:00"), by="system/react",
    )  # fmt: skip
    cleared = replace(decided, number=2, outcome="clear", ground=None)
    row = row_of(GRADEBOOK, *BEGUN, *((RECORD, event) for event in (ordered, noted, decided, cleared)))
    assert [(one.number, one.outcome, one.reason, one.incidents) for one in row.decisions] == [
        (1, "referred", "Two people.", (found,)), (2, "clear", "Two people.", (found,)),
    ]  # fmt: skip
    assert [(one.note, one.text) for one in row.notes] == [("n1", None)]
    assert [(one.number, one.inputs, one.why) for one in row.priorities] == [(1, (found,), None)]


def test_a_row_says_whether_an_appeal_waits_so_that_those_are_found_without_reading_all_others() -> None:
    words = Private("ada", "It was my interpreter.", session="s1", key_class="notes")
    made = [
        (RECORD, Appealed(appeal=name, text=words, by="ada", at=at("11:00"), decision=number))
        for number, name in enumerate(("a1", "a2"))
    ]
    back = (RECORD, AppealWithdrawn(appeal="a1", by="ada", at=at("11:30")))
    answered = (RECORD, AppealAnswered(appeal="a2", answer="rejected", reason=words, by="noether", at=at("12:00")))
    told = ([], made[:1], [made[0], back], [made[0], back, made[1]], [made[0], back, made[1], answered])
    assert [row_of(GRADEBOOK, *BEGUN, SUBMITTED, *events).appealed for events in told] == [
        "no", "open", "over", "open", "over",
    ]  # fmt: skip
    assert "appealed" in GRADEBOOK.index


def test_the_order_follows_what_was_said_since_with_the_weights_of_the_last_version() -> None:
    grave, dismissed = (flagged("i1", "high"),), (flagged("i1", "high"), judged("dismissed"))
    nothing, first, last = (order(row_of(GRADEBOOK, *BEGUN, *said)) for said in ((), grave, dismissed))
    assert first < nothing == last
    ordered = Prioritised(
        number=1, weights_version="own", weights={"high": 0.0}, inputs=(), muted=(), seal=1, policy=1, policy_today=1,
        at=at("13:00"), by="kim", why=about_ada("None of it counts."),
    )  # fmt: skip
    assert order(row_of(GRADEBOOK, *BEGUN, *grave, (RECORD, ordered))) == 0


def test_a_session_that_is_archived_is_listed_with_its_bundle_until_it_is_back() -> None:
    gone = Archived(
        at=at("18:00"), by="op", bundle="t/s1.zip", sha256="ab", streams={SESSION: 3}, subject="c", schedule="x"
    )
    back = BroughtBack(at=at("18:01"), by="op", bundle="t/s1.zip")
    story = [*BEGUN, SUBMITTED]
    assert row_of(GRADEBOOK, *story, (RECORD, gone)).archived == "t/s1.zip"
    assert row_of(GRADEBOOK, *story, (RECORD, gone), (RECORD, back)).archived == ""
