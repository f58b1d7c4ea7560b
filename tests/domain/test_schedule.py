"""A schedule: planned, opened, changed late, called off."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from domain.enrolment import CandidateEnrolled, CandidateWithdrawn, Enrol, Withdraw
from domain.event import Private
from domain.policy import DetectorSetting, Policy
from domain.schedule import (
    DECIDER,
    Activate,
    Activated,
    Cancel,
    Cancelled,
    Close,
    Closed,
    Create,
    Created,
    LiveProctoringDisabled,
    LiveProctoringEnabled,
    PolicySet,
    Rename,
    Renamed,
    Reschedule,
    Rescheduled,
    SetLiveProctoring,
    SetPolicy,
)
from domain.staffing import AssignInvigilator, InvigilatorAssigned, InvigilatorRemoved, RemoveInvigilator
from tests.domain.given import given
from tests.domain.hall import DAY_BEFORE, NINE, POLICY, TWO_HOURS, WINDOW, at

CREATE = Create(at=DAY_BEFORE, title="Algebra I", window=WINDOW, duration_s=TWO_HOURS)
CREATED = Created(title="Algebra I", window=WINDOW, duration_s=TWO_HOURS, policy=POLICY)


def _profile(text: str) -> Private:
    return Private("ada", text, key_class="profile")


ENROL = Enrol(at=DAY_BEFORE, subject="ada", session="s1", name=_profile("Ada Lovelace"), number=_profile("1815"))
ENROLLED = CandidateEnrolled(
    subject="ada", session="s1", name=_profile("Ada Lovelace"), number=_profile("1815"), email=None
)
RESCHEDULE = Reschedule(at=DAY_BEFORE, window=WINDOW, duration_s=TWO_HOURS)


def test_a_planner_creates_a_schedule() -> None:
    given(DECIDER).when(CREATE).then(CREATED)


def test_a_schedule_cannot_be_created_over_another() -> None:
    given(DECIDER, CREATED).when(CREATE).refused("exists already")


@pytest.mark.parametrize("title", ["", "  \n"])
def test_a_schedule_needs_a_title(title: str) -> None:
    given(DECIDER).when(replace(CREATE, title=title)).refused("needs a title", field="title", kind="invalid")
    given(DECIDER, CREATED).when(Rename(title=title)).refused("needs a title", field="title", kind="invalid")


@pytest.mark.parametrize(
    ("window", "field", "rule"),
    [
        ({"opens_at": NINE - timedelta(days=2)}, "opens_at", "must not open in the past"),
        ({"closes_at": at("9:00")}, "closes_at", "must close after it opens"),
        ({"last_entry_at": at("8:59")}, "last_entry_at", "between opening and closing"),
        ({"last_entry_at": at("12:01")}, "last_entry_at", "between opening and closing"),
        ({"opens_at": NINE.replace(tzinfo=None)}, "opens_at", "offset from UTC"),
        ({"last_entry_at": NINE.replace(tzinfo=None)}, "last_entry_at", "offset from UTC"),
        ({"closes_at": NINE.replace(tzinfo=None)}, "closes_at", "offset from UTC"),
        ({"time_zone": "Vienna"}, "time_zone", "Europe/Vienna"),
        ({"time_zone": "../../etc/passwd"}, "time_zone", "Europe/Vienna"),
        ({"time_zone": "Europe"}, "time_zone", "Europe/Vienna"),
    ],
)
def test_a_window_that_makes_no_sense_is_refused_with_the_field_at_fault(
    window: dict[str, object], field: str, rule: str
) -> None:
    wrong = replace(WINDOW, **window)
    given(DECIDER).when(replace(CREATE, window=wrong)).refused(rule, field=f"window.{field}", kind="invalid")
    moved = replace(RESCHEDULE, window=wrong)
    given(DECIDER, CREATED).when(moved).refused(rule, field=f"window.{field}", kind="invalid")


@pytest.mark.parametrize("seconds", [0, -1, 3 * 3600 + 1])
def test_an_exam_must_fit_into_its_window(seconds: int) -> None:
    long = replace(CREATE, duration_s=seconds)
    given(DECIDER).when(long).refused("fit into its window", field="duration_s", kind="invalid")


def test_a_planner_who_types_slowly_is_not_refused() -> None:
    given(DECIDER).when(replace(CREATE, at=at("9:04"))).then(CREATED)


def test_a_schedule_is_renamed_once() -> None:
    given(DECIDER, CREATED).when(Rename(title="Algebra II")).then(Renamed(title="Algebra II"))
    given(DECIDER, CREATED).when(Rename(title="Algebra I")).then_nothing()


def test_a_schedule_is_moved_to_another_hour() -> None:
    later = replace(WINDOW, closes_at=at("13:00"))
    moved = replace(RESCHEDULE, window=later)
    given(DECIDER, CREATED).when(moved).then(Rescheduled(window=later, duration_s=TWO_HOURS))
    given(DECIDER, CREATED, Rescheduled(window=later, duration_s=TWO_HOURS)).when(moved).then_nothing()


def test_a_window_can_be_prolonged_while_the_exam_runs() -> None:
    later = replace(WINDOW, closes_at=at("13:00"))
    moved = Reschedule(at=at("11:00"), window=later, duration_s=TWO_HOURS)
    given(DECIDER, CREATED).when(moved).then(Rescheduled(window=later, duration_s=TWO_HOURS))


def test_a_window_that_has_closed_cannot_be_moved_into_the_past() -> None:
    late = replace(RESCHEDULE, at=at("12:30"))
    given(DECIDER, CREATED).when(late).refused("close in the future", field="window.closes_at", kind="invalid")


def test_live_proctoring_is_switched_on_and_off_again() -> None:
    on, off = SetLiveProctoring(enabled=True), SetLiveProctoring(enabled=False)
    given(DECIDER, CREATED).when(off).then_nothing()
    given(DECIDER, CREATED).when(on).then(LiveProctoringEnabled())
    given(DECIDER, CREATED, LiveProctoringEnabled()).when(on).then_nothing()
    given(DECIDER, CREATED, LiveProctoringEnabled()).when(off).then(LiveProctoringDisabled())
    given(DECIDER, CREATED, LiveProctoringEnabled(), LiveProctoringDisabled()).when(off).then_nothing()


def test_a_changed_policy_is_a_new_version_whatever_number_it_came_with() -> None:
    wanted = Policy(version=17, screen=False)
    given(DECIDER, CREATED).when(SetPolicy(policy=wanted)).then(PolicySet(policy=replace(wanted, version=2)))


def test_a_policy_says_one_thing_of_each_detector() -> None:
    twice = Policy(detectors=(DetectorSetting(kind="out_of_view"), DetectorSetting(kind="out_of_view", threshold=0.9)))
    rule = "at most once"
    given(DECIDER, CREATED).when(SetPolicy(policy=twice)).refused(rule, field="detectors", kind="invalid")
    given(DECIDER).when(replace(CREATE, policy=twice)).refused(rule, field="policy.detectors", kind="invalid")


def test_the_same_policy_again_is_no_new_version() -> None:
    second = PolicySet(policy=Policy(version=2, detectors=(DetectorSetting(kind="out_of_view"),)))
    again = SetPolicy(policy=replace(second.policy, version=1))
    given(DECIDER, CREATED, second).when(again).then_nothing()


def test_an_invigilator_is_assigned_and_removed() -> None:
    assigned = InvigilatorAssigned(user="turing")
    given(DECIDER, CREATED).when(AssignInvigilator(user="turing")).then(assigned)
    given(DECIDER, CREATED, assigned).when(AssignInvigilator(user="turing")).then_nothing()
    given(DECIDER, CREATED, assigned).when(RemoveInvigilator(user="turing")).then(InvigilatorRemoved(user="turing"))
    given(DECIDER, CREATED).when(RemoveInvigilator(user="turing")).then_nothing()


def test_a_candidate_is_enrolled_with_their_session() -> None:
    given(DECIDER, CREATED).when(ENROL).then(ENROLLED)


def test_a_candidate_is_enrolled_once() -> None:
    given(DECIDER, CREATED, ENROLLED).when(ENROL).refused("enrolled already", field="number")
    other = replace(ENROL, session="s2")
    given(DECIDER, CREATED, ENROLLED).when(other).refused("with another session", field="number")


def test_a_candidate_can_be_enrolled_late_but_not_after_the_window() -> None:
    given(DECIDER, CREATED).when(replace(ENROL, at=at("9:20"))).then(ENROLLED)
    late = replace(ENROL, at=at("12:00"))
    given(DECIDER, CREATED).when(late).refused("window has closed", field="window.closes_at")


def test_a_candidate_is_withdrawn_and_may_be_enrolled_again() -> None:
    gone = CandidateWithdrawn(subject="ada", session="s1")
    given(DECIDER, CREATED, ENROLLED).when(Withdraw(session="s1")).then(gone)
    given(DECIDER, CREATED, ENROLLED, gone).when(Withdraw(session="s1")).then_nothing()
    given(DECIDER, CREATED, ENROLLED, gone).when(ENROL).then(ENROLLED)


def test_a_schedule_is_activated_once_somebody_is_enrolled() -> None:
    given(DECIDER, CREATED).when(Activate()).refused("enrol at least one", field="candidates")
    given(DECIDER, CREATED, ENROLLED).when(Activate()).then(Activated())
    given(DECIDER, CREATED, ENROLLED, Activated()).when(Activate()).then_nothing()


def test_a_schedule_is_cancelled_with_a_reason() -> None:
    given(DECIDER, CREATED).when(Cancel(reason="The hall is flooded.")).then(Cancelled(reason="The hall is flooded."))


def test_a_schedule_is_closed() -> None:
    given(DECIDER, CREATED, ENROLLED, Activated()).when(Close()).then(Closed())


@pytest.mark.parametrize("end", [Cancelled(reason="flood"), Closed()])
@pytest.mark.parametrize(
    "command",
    [
        Rename(title="Algebra II"), RESCHEDULE, SetLiveProctoring(enabled=True), SetPolicy(policy=Policy(screen=False)),
        AssignInvigilator(user="turing"), RemoveInvigilator(user="turing"), ENROL, Withdraw(session="s1"), Activate(),
    ],
)  # fmt: skip
def test_a_schedule_that_is_over_no_longer_changes(end: Cancelled | Closed, command: Rename) -> None:
    given(DECIDER, CREATED, ENROLLED, end).when(command).refused("can no longer change")


def test_a_schedule_ends_once() -> None:
    over = (CREATED, Cancelled(reason="flood"))
    given(DECIDER, *over).when(Cancel(reason="fire")).then_nothing()
    given(DECIDER, *over).when(Close()).refused("cancelled")
    given(DECIDER, CREATED, Closed()).when(Close()).then_nothing()
    given(DECIDER, CREATED, Closed()).when(Cancel(reason="fire")).refused("closed")


@pytest.mark.parametrize("command", [Rename(title="Algebra II"), RESCHEDULE, ENROL, Activate(), Cancel(reason="?")])
def test_nothing_can_be_done_with_a_schedule_that_does_not_exist(command: Rename) -> None:
    given(DECIDER).when(command).refused("no such schedule", kind="not_found")
