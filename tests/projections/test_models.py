"""The other read models: timeline, chat, incidents, schedules, people and deadlines; and what holds for all of them."""

from __future__ import annotations

import re
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from domain import (
    chat,
    enrolment,
    incidents,
    intervention,
    policy_template,
    record,
    schedule,
    service_token,
    session,
    staffing,
    stops,
    user,
)
from domain.auditing import Auditing, AuditorAssigned
from domain.event import Event, Private
from domain.registry import DECIDERS
from domain.stream import SESSION_KINDS
from projections.chat import CHAT as MESSAGES
from projections.deadlines import DEADLINES
from projections.folding import fold, touching
from projections.incidents import INCIDENTS as FLAGS
from projections.model import AnyModel
from projections.models import MODELS
from projections.people import PEOPLE
from projections.policy_templates import TEMPLATES
from projections.rows import as_json
from projections.schedules import SCHEDULES
from projections.signins import SIGNINS
from projections.timeline import TIMELINE
from projections.tokens import TOKENS
from tests.domain import anything
from tests.domain.hall import NINE, POLICY, TWO_HOURS, WINDOW, at
from tests.projections.hall import (
    BEGUN,
    CAMERA,
    CHAT,
    CREATED,
    ENROLLED,
    INCIDENTS,
    OPENED,
    PAUSE,
    SCHEDULE,
    SESSION,
    SUBMITTED,
    Said,
    closed,
    flagged,
    judged,
    raised,
    read_by,
    recorded,
    registered,
    requested,
    row_of,
    rows_of,
    sealed,
    segment,
    sent,
)


def test_the_timeline_has_every_event_of_a_session_and_its_enrolment() -> None:
    rows = rows_of(TIMELINE, (*BEGUN, registered(), sent(), segment(1)))
    assert [row.tag for _, row in sorted(rows.items())] == [
        "schedule.candidate_enrolled", "session.opened", "session.started", "chat.message_sent",
        "recording.segment_stored",
    ]  # fmt: skip
    assert min(rows) == "t/s1/00000000000000000002"


def test_the_timeline_opens_private_texts_and_shows_null_for_forgotten_ones() -> None:
    row = row_of(TIMELINE, sent(text="hello"))
    assert row.body == {
        "message": "m1",
        "side": "candidate",
        "by": "ada",
        "at": "2026-06-01T09:15:00Z",
        "text": "hello",
        "canned": None,
        "outage": "",
    }
    assert (row.session, row.actor, row.recorded_at) == ("s1", "someone", NINE + timedelta(seconds=1))
    assert row_of(TIMELINE, sent(text=None)).body["text"] is None


def test_a_message_is_sent_delivered_and_read() -> None:
    row = row_of(MESSAGES, sent())
    assert (row.session, row.side, row.by, row.text, row.at) == ("s1", "candidate", "ada", "hello", at("9:15"))
    assert (row.delivered_at, row.read_at) == (None, None)
    row = row_of(MESSAGES, sent(), (CHAT, chat.MessageDelivered(message="m1")), read_by("kim"))
    assert (row.delivered_at, row.read_at) == (NINE + timedelta(seconds=2), NINE + timedelta(seconds=3))
    assert row.read_by == "kim"
    assert row_of(MESSAGES, sent(), read_by("kim")).delivered_at == NINE + timedelta(seconds=2)


def test_an_incident_has_its_evidence_and_every_verdict() -> None:
    row = row_of(FLAGS, flagged(), closed(), judged("unsure"), judged("confirmed", by="lee"))
    assert (row.kind, row.severity, row.confidence, row.peak) == ("several_people", "high", 0.8, 0.95)
    assert (row.started_at, row.ended_at, row.ended) == (at("9:10"), at("9:12"), "clear")
    assert row.provenance
    assert row.provenance.detector == "several_people"
    assert [evidence.object_key for evidence in row.evidence] == ["p1"]
    assert [(v.verdict, v.by, v.reason) for v in row.verdicts] == [
        ("unsure", "kim", "seen"),
        ("confirmed", "lee", "seen"),
    ]


def test_an_incident_is_as_grave_and_as_sure_as_it_became() -> None:
    def more(severity: incidents.Severity, confidence: float) -> Said:
        return INCIDENTS, incidents.EvidenceAdded(incident="i1", severity=severity, confidence=confidence)

    row = row_of(FLAGS, flagged("i1", "warn"), more("high", 0.9), more("info", 0.1))
    assert (row.severity, row.confidence, row.peak) == ("high", 0.8, 0.9)
    assert len(row.evidence) == 1, "no picture came"


def test_an_incident_that_a_person_raised_has_their_note() -> None:
    row = row_of(FLAGS, raised())
    assert (row.kind, row.note, row.raised_by) == ("raised_by_person", "whispers", "someone")
    assert row.started_at == row.ended_at == at("9:20")


def test_a_schedule_is_as_its_planner_left_it() -> None:
    row = row_of(SCHEDULES, CREATED, (SCHEDULE, schedule.Renamed(title="Anatomy III")))
    assert (row.schedule, row.title, row.window, row.duration_s) == ("anatomy", "Anatomy III", WINDOW, TWO_HOURS)
    assert (row.phase, row.policy, row.live_proctoring) == ("draft", POLICY, False)
    row = row_of(
        SCHEDULES, CREATED, ENROLLED, (SCHEDULE, staffing.InvigilatorAssigned(user="kim")),
        (SCHEDULE, schedule.LiveProctoringEnabled()), (SCHEDULE, schedule.Activated()),
    )  # fmt: skip
    assert (row.phase, row.live_proctoring, row.invigilators) == ("active", True, ("kim",))
    assert (row.sessions, row.enrolled) == (("s1",), 1)


def test_a_template_is_listed_as_it_is_now_until_it_is_deleted() -> None:
    home = "t/template/home"
    created = (home, policy_template.Created(name="At home", policy=POLICY))
    changed = (home, policy_template.Changed(name="At home", policy=replace(POLICY, version=2, screen=False)))
    row = row_of(TEMPLATES, created, changed)
    assert (row.template, row.name, row.policy.version, row.policy.screen) == ("home", "At home", 2, False)
    assert rows_of(TEMPLATES, (created, changed, (home, policy_template.Deleted()))) == {}


def test_a_withdrawn_candidate_is_not_among_those_enrolled() -> None:
    withdrawn = (SCHEDULE, enrolment.CandidateWithdrawn(subject="ada", session="s1"))
    row = row_of(SCHEDULES, CREATED, ENROLLED, withdrawn, (SCHEDULE, schedule.Cancelled(reason="flood")))
    assert (row.sessions, row.enrolled, row.phase, row.cancelled_because) == ((), 0, "cancelled", "flood")


def test_a_person_has_roles_and_no_password() -> None:
    granted: list[tuple[str, Event]] = [
        ("t/user/kim", user.RoleGranted(role=r)) for r in ("planner", "admin", "reviewer")
    ]
    row = row_of(PEOPLE, registered(), *granted, ("t/user/kim", user.RoleRevoked(role="planner")))
    assert (row.user, row.name, row.email, row.roles) == ("kim", "Kim", "kim@example.org", ("admin", "reviewer"))
    assert "argon2" not in as_json(row)


def test_an_auditor_is_shown_with_what_they_are_assigned_to_until_the_role_is_revoked() -> None:
    kim = "t/user/kim"
    why = Private("kim", "Appeal 12", key_class="profile")
    assigned = AuditorAssigned(at=at("9:00"), schedules=("s1",), until=at("10:00"), reason=why)
    happened: list[Said] = [registered(), (kim, user.RoleGranted(role="auditor")), (kim, assigned)]
    auditing = Auditing(schedules=("s1",), until=at("10:00"))
    assert row_of(PEOPLE, *happened).auditing == auditing
    assert row_of(PEOPLE, *happened, (kim, user.RoleRevoked(role="reviewer"))).auditing == auditing
    assert row_of(PEOPLE, *happened, (kim, user.RoleRevoked(role="auditor"))).auditing is None
    (noted,) = rows_of(SIGNINS, happened).values()
    assert (noted.user, noted.what, noted.until) == ("kim", "auditor_assigned", at("10:00"))


def test_a_person_is_locked_out_until_somebody_lifts_it_or_they_sign_in() -> None:
    kim = "t/user/kim"
    failed = (kim, user.LockedOut(at=at("9:00"), until=at("9:01")))
    assert row_of(PEOPLE, registered(), failed).locked_until == at("9:01")
    for over in (user.Unlocked(), user.SignedIn(at=at("9:02"))):
        assert row_of(PEOPLE, registered(), failed, (kim, over)).locked_until is None


def test_an_address_without_an_account_is_nobody() -> None:
    assert not rows_of(PEOPLE, [("t/user/kim", user.LockedOut(at=at("9:00"), until=at("9:01")))])


def test_sign_ins_are_noted_newest_first_and_a_row_can_be_found_by_its_position() -> None:
    kim = "t/user/kim"
    happened: list[Said] = [
        registered(), (kim, user.SignInFailed(at=at("9:00"))), (kim, user.LockedOut(at=at("9:00"), until=at("9:01"))),
        (kim, user.Unlocked()), (kim, user.SignedIn(at=at("9:00"))), (kim, user.SignedOut(at=at("9:05"))),
        (kim, user.SignedOut(at=at("9:06"), everywhere=True)),
    ]  # fmt: skip
    rows = rows_of(SIGNINS, happened)
    listed = [(row.position, row.what) for _, row in sorted(rows.items())]
    assert listed == [
        (7, "signed_out_everywhere"), (6, "signed_out"), (5, "signed_in"), (4, "unlocked"), (3, "locked_out"),
        (2, "failed"),
    ]  # fmt: skip
    assert all(row.user == "kim" for row in rows.values())


def test_a_service_token_says_who_issued_and_revoked_it_and_nothing_to_sign_in_with() -> None:
    stream = "t/token/tmoodle"
    issued = service_token.Issued(name="Moodle", roles=("planner",), expires_at=at("11:00"), sha256="50f0")
    row = row_of(TOKENS, (stream, issued))
    assert (row.token, row.name, row.roles, row.expires_at) == ("tmoodle", "Moodle", ("planner",), at("11:00"))
    assert (bool(row.issued_by), row.revoked_at, row.revoked_by) == (True, None, None)
    assert "50f0" not in as_json(row)
    revoked = row_of(TOKENS, (stream, issued), (stream, service_token.Revoked()))
    assert revoked.revoked_at
    assert revoked.revoked_by == row.issued_by


def test_a_deadline_is_there_while_the_clock_runs() -> None:
    assert row_of(DEADLINES, *BEGUN).due_at == at("11:05")
    assert row_of(DEADLINES, *BEGUN).tracks == ("camera", "screen")
    assert row_of(DEADLINES, *BEGUN, (SESSION, session.Paused(at=at("9:30"), intervention="p"))).due_at is None
    row = row_of(DEADLINES, *BEGUN, SUBMITTED)
    assert (row.due_at, row.phase, row.seal) == (None, "submitted", None)
    assert row_of(DEADLINES, *BEGUN, SUBMITTED, sealed()).seal == "provisional"


def test_a_session_owes_until_its_record_is_complete_and_again_when_more_comes() -> None:
    over = (*BEGUN, SUBMITTED, segment(1))
    versions = {SESSION: 3, CAMERA: 1}

    def complete(*lost: str, number: int = 1, **more: int) -> Said:
        stream, seal = sealed(number, "complete")
        return stream, replace(cast("record.Sealed", seal), streams=versions | more, lost=lost)

    given_up = complete("camera: the finished recording")
    for happened, owing in (
        (BEGUN, "no"),
        (over, "yes"),
        ((*over, sealed()), "yes"),
        ((*over, complete()), "no"),
        ((*over, given_up), "given_up"),
        ((*over, given_up, segment(2)), "yes"),
        ((*over, given_up, segment(2), complete(number=2, **{CAMERA: 2})), "no"),
    ):
        assert row_of(DEADLINES, *happened).owing == owing, happened[-1]


def test_an_intervention_waits_until_it_is_delivered_or_has_failed() -> None:
    waiting = row_of(DEADLINES, *BEGUN, requested())
    fails_at = at("9:30") + intervention.SHOWN_WITHIN
    assert (waiting.undelivered, waiting.waits_until) == ({"s1.p1": fails_at}, fails_at)
    delivered = row_of(DEADLINES, *BEGUN, requested(), (PAUSE, intervention.Delivered(at=at("9:31"))))
    assert (delivered.undelivered, delivered.waits_until) == ({}, None)
    failed = row_of(DEADLINES, *BEGUN, requested(), (PAUSE, intervention.Failed(at=at("9:31"), why="late")))
    assert failed.undelivered == {}


def test_a_look_waits_until_it_is_answered() -> None:
    asked = requested("identity_check")
    delivered = (*BEGUN, asked, (PAUSE, intervention.Delivered(at=at("9:31"))))
    assert row_of(DEADLINES, *delivered).undelivered == {"s1.p1": at("9:33")}
    marked = intervention.Marked(at=at("9:32"), by="kim", result="passed")
    for end in (intervention.Acknowledged(at=at("9:32")), marked):
        after = row_of(DEADLINES, *delivered, (PAUSE, end))
        assert (after.undelivered, after.looks, after.waits_until) == ({}, (), None)


def test_when_a_session_is_over_nobody_is_waited_for_to_show_anything() -> None:
    asked = requested("room_scan")
    row = row_of(DEADLINES, *BEGUN, asked, SUBMITTED)
    assert row_of(DEADLINES, *BEGUN, asked).waits_until == at("9:35")
    assert row.changed_at
    assert row.waits_until == min(at("9:35"), row.changed_at + intervention.SHOWN_WITHIN) < at("9:35")


def test_a_rest_break_is_waited_for_as_the_domain_says() -> None:
    rest = (SESSION, stops.BreakStarted(at=at("9:30"), kind="rest", until=at("9:45"), intervention="p1"))
    row = row_of(DEADLINES, *BEGUN, rest)
    assert row.clock.stopped_since == at("9:30")
    assert (row_of(DEADLINES, *BEGUN).due_at, row.due_at, row.expires_at) == (at("11:05"), at("11:20"), at("11:20"))
    assert row.over_at == row.clock.end_at
    locked = row_of(DEADLINES, *BEGUN, (SESSION, stops.Locked(at=at("9:30"), intervention="p1")))
    assert (locked.phase, locked.due_at, locked.expires_at) == ("locked", None, None)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(sorted(DECIDERS)).flatmap(anything.events), max_size=40))
def test_no_row_chokes_on_anything_that_can_be_recorded(happened: list[Event]) -> None:
    """In whatever order it comes, every model takes it, and its rows survive the way to their tables and back."""
    entries = [recorded((_stream(body), body), n) for n, body in enumerate(happened, 1)]
    for model in MODELS:
        folded = fold(model, touching(model, entries), {}, push_since=NINE)
        assert not folded.poison
        for row in folded.rows.values():
            assert row is None or as_json(msgspec.json.decode(as_json(row), type=model.row)) == as_json(row)
        for pushed in folded.pushed:
            as_json([patch for _, patch in pushed.changes])


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_model_can_name_its_tables_and_columns(model: AnyModel) -> None:
    assert re.fullmatch("[a-z]+", model.name)
    assert set(model.index) <= set(model.row.__struct_fields__) - {"key", "tenant", "data"}


@settings(max_examples=20, deadline=None)
@given(st.lists(st.sampled_from(SESSION_KINDS).flatmap(anything.events), max_size=30))
def test_a_row_can_be_folded_again_from_the_streams_that_it_names(happened: list[Event]) -> None:
    """Every event that touches a row lies in a stream that its key names, or that the session's first one leads to."""
    entries = [recorded((_stream(body), body), n) for n, body in enumerate((*(b for _, b in BEGUN), *happened), 1)]
    for model in MODELS:
        for entry, keys in touching(model, entries):
            for key in keys:
                named = (*model.streams(key), *model.leads(recorded(OPENED, 1)))
                assert any(fnmatchcase(entry.stream, name) for name in named), (key, entry.stream)


def _stream(body: Event) -> str:
    kind = str(type(body).__struct_config__.tag).partition(".")[0]
    name = {"schedule": "anatomy", "user": "kim", "intervention": "s1.p1", "recording": "s1.camera"}.get(kind, "s1")
    return f"t/{kind}/{name}"
