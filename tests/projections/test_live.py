"""The wall's rows: what an invigilator sees of a session after what happened."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from domain import chat, enrolment, fault, incidents, intervention, onboarding, recording, session, stops
from projections.live import LIVE
from projections.live_row import Fault, Intervention, OpenIncident, Track
from tests.domain.hall import NINE, TWO_HOURS, at
from tests.projections.hall import (
    BEGUN,
    CAMERA,
    CREATED,
    ENROLLED,
    INCIDENTS,
    OPENED,
    PAUSE,
    SCHEDULE,
    SESSION,
    STARTED,
    SUBMITTED,
    Said,
    about_ada,
    closed,
    flagged,
    judged,
    raised,
    read_by,
    requested,
    row_of,
    rows_of,
    sealed,
    segment,
    sent,
)


def test_an_enrolled_candidate_is_expected_under_their_name() -> None:
    row = row_of(LIVE, CREATED, ENROLLED, OPENED)
    assert (row.session, row.schedule, row.subject, row.name, row.number) == ("s1", "anatomy", "ada", "Ada L.", "7")
    assert (row.phase, row.risk, row.withdrawn) == ("expected", "none", False)


def test_a_forgotten_name_is_null() -> None:
    gone = enrolment.CandidateEnrolled(subject="ada", session="s1", name=about_ada(None), number=about_ada(None))
    row = row_of(LIVE, (SCHEDULE, gone), OPENED)
    assert (row.name, row.number) == (None, None)


def test_a_withdrawn_candidate_stays_where_they_were_and_comes_back_there() -> None:
    withdrawn = (SCHEDULE, enrolment.CandidateWithdrawn(subject="ada", session="s1"))
    acknowledged = (SESSION, onboarding.NoticeAcknowledged(policy_version=1, sha256="x"))
    assert row_of(LIVE, ENROLLED, OPENED, acknowledged, withdrawn).withdrawn
    back = row_of(LIVE, ENROLLED, OPENED, acknowledged, withdrawn, ENROLLED)
    assert (back.withdrawn, back.phase) == (False, "checking")


def test_the_clock_runs_stops_and_ends_as_the_rules_say() -> None:
    row = row_of(LIVE, *BEGUN)
    assert (row.phase, row.clock.due_at) == ("in_progress", at("11:05"))
    paused = (*BEGUN, (SESSION, session.Paused(at=at("9:30"), intervention="p1")))
    row = row_of(LIVE, *paused)
    assert (row.phase, row.clock.stopped_since, row.clock.due_at) == ("paused", at("9:30"), None)
    resumed = (*paused, (SESSION, session.Resumed(at=at("9:40"), intervention="p2", stopped_s=600)))
    extended = (*resumed, (SESSION, session.TimeExtended(seconds=300, intervention="x1")))
    row = row_of(LIVE, *extended)
    assert (row.clock.stopped_s, row.clock.extra_s, row.clock.due_at) == (600, 300, at("11:20"))
    row = row_of(LIVE, *extended, SUBMITTED)
    assert (row.phase, row.clock.ended_at, row.clock.duration_s) == ("submitted", at("10:30"), TWO_HOURS)


def test_risk_follows_the_open_incidents_and_nothing_else() -> None:
    assert row_of(LIVE, *BEGUN, raised()).risk == "none"
    one = row_of(LIVE, *BEGUN, flagged("i1", "warn"))
    assert (one.risk, one.incidents) == ("warn", 1)
    assert one.open == {"i1": OpenIncident(kind="several_people", severity="warn", started_at=at("9:10"), picture="p1")}
    two = (*BEGUN, flagged("i1", "warn"), flagged("i2", "high"))
    assert row_of(LIVE, *two).risk == "high"
    assert row_of(LIVE, *two, closed("i2")).risk == "warn"
    over = row_of(LIVE, *two, closed("i2"), closed("i1"))
    assert (over.risk, over.open, over.incidents) == ("none", {}, 2)


def test_the_first_picture_stays_the_picture_of_an_incident() -> None:
    def evidence(name: str) -> Said:
        picture = incidents.Evidence(at=at("9:11"), object_key=name, sha256="0", raw_score=1)
        return INCIDENTS, incidents.EvidenceAdded(incident="i1", evidence=picture)

    assert row_of(LIVE, *BEGUN, flagged(picture=None), evidence("p2"), evidence("p3")).open["i1"].picture == "p2"
    assert row_of(LIVE, *BEGUN, flagged(picture="p1"), evidence("p2")).open["i1"].picture == "p1"
    assert row_of(LIVE, *BEGUN, flagged(), closed(), evidence("p2")).open == {}


def test_an_incident_that_becomes_graver_raises_the_risk() -> None:
    def grave(severity: incidents.Severity | None) -> Said:
        return INCIDENTS, incidents.EvidenceAdded(incident="i1", severity=severity, confidence=0.9)

    row = row_of(LIVE, *BEGUN, flagged("i1", "warn"), grave("high"))
    assert (row.risk, row.open["i1"].severity, row.open["i1"].picture) == ("high", "high", "p1")
    assert row_of(LIVE, *BEGUN, flagged("i1", "warn"), grave("high"), grave("info"), grave(None)).risk == "high"
    assert row_of(LIVE, *BEGUN, flagged("i1", "warn"), closed("i1"), grave("high")).risk == "none"


def test_that_an_incident_still_goes_on_changes_nothing_on_the_wall() -> None:
    row = row_of(LIVE, *BEGUN, flagged("i1", "warn"))
    still = INCIDENTS, incidents.EvidenceAdded(incident="i1", severity="warn", confidence=0.8, seen_at=at("9:11"))
    assert row_of(LIVE, *BEGUN, flagged("i1", "warn"), still) == row


def test_the_latest_verdict_counts() -> None:
    row = row_of(LIVE, *BEGUN, flagged(), closed(), judged("unsure"), judged("dismissed", by="lee"))
    assert row.verdicts == {"i1": "dismissed"}


def test_the_candidates_messages_are_unread_until_somebody_reads_them() -> None:
    asked = (*BEGUN, sent("m1"), sent("m2"), sent("m3", "invigilator"))
    assert row_of(LIVE, *asked).unread == ("m1", "m2")
    delivered = ("t/chat/s1", chat.MessageDelivered(message="m2"))
    assert row_of(LIVE, *asked, delivered, read_by("kim", "m1")).unread == ("m2",)


def test_a_track_is_up_or_lost_since_when_and_why() -> None:
    up = (*BEGUN, (CAMERA, recording.Started(connection=1, at=at("9:06"), worker="w")))
    assert row_of(LIVE, *up).tracks == {"camera": Track(connection=1, up=True, since=at("9:06"))}
    lost = (*up, (SESSION, fault.ConnectionLost(at=at("9:20"), track="camera", why="no media arrives")))
    assert row_of(LIVE, *lost).tracks["camera"] == Track(
        connection=1, up=False, since=at("9:20"), why="no media arrives"
    )
    again = (*lost, (CAMERA, recording.Started(connection=2, at=at("9:21"), worker="w")))
    late = (*again, (CAMERA, recording.Ended(connection=1, at=at("9:22"), why="lost")))
    assert row_of(LIVE, *late).tracks["camera"] == Track(connection=2, up=True, since=at("9:21"))
    over = (*late, (CAMERA, recording.Ended(connection=2, at=at("10:30"), why="stopped")))
    assert row_of(LIVE, *over).tracks["camera"].why == "stopped"
    restored = (*lost, (SESSION, fault.ConnectionRestored(at=at("9:25"), track="camera", away_s=300)))
    assert row_of(LIVE, *restored).tracks["camera"] == Track(connection=1, up=True, since=at("9:25"))


def test_faults_are_there_while_they_last() -> None:
    opened = (*BEGUN, (SESSION, fault.FaultOpened(what="messaging", why="away")))
    assert row_of(LIVE, *opened).faults == {"messaging": Fault(since=NINE + timedelta(seconds=5), why="away")}
    assert row_of(LIVE, *opened, (SESSION, fault.FaultClosed(what="messaging"))).faults == {}


def test_a_break_shows_its_kind_and_its_end_and_a_wish_for_one_is_seen() -> None:
    asked = (*BEGUN, (SESSION, stops.BreakRequested(at=at("9:29"), kind="rest")))
    assert row_of(LIVE, *asked).clock.break_asked == stops.BreakAsked(kind="rest", at=at("9:29"))
    started = stops.BreakStarted(at=at("9:30"), kind="rest", until=at("9:40"), intervention="p1")
    row = row_of(LIVE, *asked, (SESSION, started))
    assert (row.phase, row.clock.break_asked) == ("on_break", None)
    assert row.clock.on_break == stops.Break(kind="rest", since=at("9:30"), until=at("9:40"))
    back = stops.BreakEnded(at=at("9:35"), why="back", stopped_s=300.0, over_s=0.0)
    row = row_of(LIVE, *asked, (SESSION, started), (SESSION, back))
    assert (row.phase, row.clock.on_break, row.clock.stopped_s) == ("in_progress", None, 300.0)


def test_a_lock_over_a_pause_is_taken_off_again() -> None:
    paused = (SESSION, session.Paused(at=at("9:30"), intervention="p1"))
    locked = (SESSION, stops.Locked(at=at("9:31"), intervention="p2"))
    off = (SESSION, stops.Unlocked(at=at("9:32"), intervention="p3", stopped_s=0.0, to="paused"))
    assert row_of(LIVE, *BEGUN, paused, locked).phase == "locked"
    row = row_of(LIVE, *BEGUN, paused, locked, off)
    assert (row.phase, row.clock.stopped_since) == ("paused", at("9:30"))


def test_a_page_that_comes_after_the_exam_platform_or_a_mark_takes_nothing_back() -> None:
    late = (PAUSE, intervention.Delivered(at=at("9:33")))
    platform = (PAUSE, intervention.Applied(at=at("9:32"), where="platform"))
    (one,) = row_of(LIVE, *BEGUN, requested(), platform, late).interventions.values()
    assert (one.stage, one.platform) == ("applied", True)
    marked = (PAUSE, intervention.Marked(at=at("9:32"), by="kim", result="not_passed"))
    (one,) = row_of(LIVE, *BEGUN, requested("identity_check"), marked, late).interventions.values()
    assert (one.stage, one.result) == ("applied", "not_passed")


def test_an_intervention_is_followed_and_its_end_is_seen() -> None:
    asked = (*BEGUN, requested())
    assert row_of(LIVE, *asked).interventions == {
        "s1.p1": Intervention(kind="pause", stage="requested", at=at("9:30"), by="kim")
    }
    applied = (
        *asked,
        (PAUSE, intervention.Delivered(at=at("9:31"))),
        (PAUSE, intervention.Applied(at=at("9:31"), where="page")),
    )
    assert row_of(LIVE, *applied).interventions["s1.p1"].stage == "applied"
    warn = "t/intervention/s1.w1"
    next_one = (*applied, requested("warn", warn))
    assert list(row_of(LIVE, *next_one).interventions) == ["s1.w1"]
    failed = (*next_one, (warn, intervention.Failed(at=at("9:40"), why="not delivered in time")))
    assert row_of(LIVE, *failed).interventions["s1.w1"].why == "not delivered in time"


def test_segments_and_seals_change_nothing_on_the_wall() -> None:
    assert row_of(LIVE, *BEGUN, segment(1), sealed()) == row_of(LIVE, *BEGUN)


def test_the_position_is_of_the_last_event_that_changed_the_row() -> None:
    assert row_of(LIVE, *BEGUN, segment(1), flagged()).position == 6
    assert row_of(LIVE, *BEGUN, sent("m1", "invigilator")).position == 4


def test_sessions_do_not_touch_each_other() -> None:
    other = ("t/session/s2", session.Opened(schedule="anatomy", subject="bo"))
    rows = rows_of(LIVE, (*BEGUN, other, flagged()))
    assert {key: row.risk for key, row in rows.items()} == {"t/s1": "warn", "t/s2": "none"}


def test_a_row_survives_the_way_to_the_table_and_back() -> None:
    row = row_of(LIVE, *BEGUN, flagged(), sent(), requested(), (SESSION, fault.FaultOpened(what="a", why="b")))
    assert msgspec.json.decode(msgspec.json.encode(row), type=type(row)) == row
    assert STARTED[0] == SESSION
