"""A policy template: kept, changed, deleted; and what a schedule copies of one."""

from __future__ import annotations

from msgspec.structs import replace

from domain import schedule
from domain.policy import DetectorSetting, Policy
from domain.policy_template import (
    DECIDER,
    Change,
    Changed,
    Copy,
    Create,
    Created,
    Delete,
    Deleted,
    PolicyCopied,
    differences,
)
from domain.schedule import PolicySet, SetPolicy
from tests.domain.given import given
from tests.domain.test_schedule import CREATED as PLANNED

NO_SCREEN = Policy(screen=False)
CREATED = Created(name="Written, at home", policy=NO_SCREEN)
CHANGED = Changed(name="Written, at home", policy=Policy(version=2, microphone=False))


def test_a_template_is_made_once_and_counts_its_own_versions() -> None:
    order = Create(name="Written, at home", policy=replace(NO_SCREEN, version=9))
    given(DECIDER).when(order).then(CREATED)
    given(DECIDER, CREATED).when(order).refused("exists already")
    given(DECIDER, CREATED).when(Change(name=CREATED.name, policy=Policy(microphone=False))).then(CHANGED)
    renamed = Changed(name="Oral", policy=replace(NO_SCREEN, version=2))
    given(DECIDER, CREATED).when(Change(name="Oral", policy=NO_SCREEN)).then(renamed)


def test_a_change_that_changes_nothing_is_no_version() -> None:
    given(DECIDER, CREATED, CHANGED).when(Change(name=CREATED.name, policy=Policy(microphone=False))).then_nothing()


def test_a_template_needs_a_name_and_a_policy_that_holds() -> None:
    twice = Policy(detectors=(DetectorSetting(kind="out_of_view"),) * 2)
    for order in (Create, Change):
        before = () if order is Create else (CREATED,)
        bad = given(DECIDER, *before).when(order(name=" ", policy=Policy()))
        bad.refused("needs a name", field="name", kind="invalid")
        bad = given(DECIDER, *before).when(order(name="a", policy=twice))
        bad.refused("at most once", field="policy.detectors", kind="invalid")


def test_a_template_is_deleted_once_and_then_gone() -> None:
    given(DECIDER, CREATED).when(Delete()).then(Deleted())
    given(DECIDER, CREATED, Deleted()).when(Delete()).then_nothing()
    change = Change(name="a", policy=Policy())
    for before in ((), (CREATED, Deleted())):
        given(DECIDER, *before).when(change).refused("no such policy template", field="template", kind="not_found")
    given(DECIDER).when(Delete()).refused("no such policy template", field="template", kind="not_found")


def test_a_schedule_notes_which_version_it_copied() -> None:
    order = SetPolicy(policy=NO_SCREEN, copied=Copy("home", 1))
    taken = (PolicySet(policy=replace(NO_SCREEN, version=2)), PolicyCopied(template="home", version=1))
    given(schedule.DECIDER, PLANNED).when(order).then(*taken)
    given(schedule.DECIDER, PLANNED, *taken).when(order).then_nothing()


def test_a_newer_template_with_the_same_policy_asks_nobody_to_read_the_notice_again() -> None:
    taken = (PolicySet(policy=replace(NO_SCREEN, version=2)), PolicyCopied(template="home", version=1))
    again = SetPolicy(policy=replace(NO_SCREEN, version=7), copied=Copy("home", 7))
    given(schedule.DECIDER, PLANNED, *taken).when(again).then(PolicyCopied(template="home", version=7))


def test_a_policy_set_by_hand_keeps_where_it_was_copied_from() -> None:
    state = schedule.Schedule()
    for event in (PLANNED, PolicyCopied(template="home", version=1), PolicySet(policy=NO_SCREEN)):
        state = schedule.evolve(state, event)
    assert state.copied == Copy("home", 1)


def test_policies_differ_field_by_field_and_never_by_version() -> None:
    assert differences(Policy(), Policy(version=5)) == ()
    there = Policy(screen=False, media_kept_days=30, detectors=(DetectorSetting(kind="out_of_view", threshold=0.5),))
    found = {field: (mine, theirs) for field, mine, theirs in differences(Policy(), there)}
    assert set(found) == {"screen", "media_kept_days", "detectors"}
    assert found["screen"] == (True, False)
    assert found["detectors"][1] == ({"kind": "out_of_view", "threshold": 0.5},)
