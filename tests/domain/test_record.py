"""The record: sealed in layers, looked at and exported, and each of that is in it."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from domain.record import DECIDER, Export, Exported, Seal, Sealed, View, Viewed
from tests.domain.given import given
from tests.domain.hall import at

SEAL = Seal(
    at=at("11:10"), owed=("recording camera",), streams={"t/session/s1": 7}, root="aa" * 32, checkpoint="note 1",
    clock="synchronised",
)  # fmt: skip
SEALED = Sealed(
    number=1, kind="provisional", at=at("11:10"), owed=("recording camera",), streams={"t/session/s1": 7},
    root="aa" * 32, checkpoint="note 1", clock="synchronised",
)  # fmt: skip
VIEW = View(by="curie", what="recording camera", at=at("13:00"))
VIEWED = Viewed(by="curie", what="recording camera", at=at("13:00"))
EXPORT = Export(by="curie", export="x1", at=at("14:00"))


def test_a_record_is_sealed_with_what_is_still_owed() -> None:
    given(DECIDER).when(SEAL).then(SEALED)
    given(DECIDER, SEALED).when(SEAL).then_nothing()


def test_a_second_seal_covers_the_first_and_is_complete_when_nothing_is_owed() -> None:
    more = {"t/session/s1": 7, "t/recording/s1.camera": 9}
    full = replace(SEAL, owed=(), streams=more, root="bb" * 32)
    complete = replace(SEALED, number=2, kind="complete", owed=(), streams=more, root="bb" * 32)
    given(DECIDER, SEALED).when(full).then(complete)
    given(DECIDER, SEALED, complete).when(full).then_nothing()


def test_a_record_becomes_complete_when_what_was_owed_is_declared_lost() -> None:
    lost = replace(SEAL, owed=())
    complete = replace(SEALED, number=2, kind="complete", owed=())
    given(DECIDER, SEALED).when(lost).then(complete)
    given(DECIDER, SEALED, complete).when(SEAL).then_nothing()


def test_no_seal_leaves_out_what_another_covers() -> None:
    for streams in ({}, {"t/session/s1": 6}, {"t/chat/s1": 99}):
        smaller = replace(SEAL, streams=streams)
        given(DECIDER, SEALED).when(smaller).refused("everything that the one before it covers", field="streams")


def test_looking_at_a_recording_is_noted_once_a_minute() -> None:
    given(DECIDER, SEALED).when(VIEW).then(VIEWED)
    given(DECIDER, SEALED, VIEWED).when(VIEW).then_nothing()
    given(DECIDER, SEALED, VIEWED).when(replace(VIEW, at=VIEW.at + timedelta(seconds=59))).then_nothing()
    later = VIEW.at + timedelta(seconds=60)
    given(DECIDER, SEALED, VIEWED).when(replace(VIEW, at=later)).then(replace(VIEWED, at=later))


def test_each_person_and_each_thing_looked_at_is_noted() -> None:
    given(DECIDER, VIEWED).when(replace(VIEW, by="noether")).then(replace(VIEWED, by="noether"))
    given(DECIDER, VIEWED).when(replace(VIEW, what="chat")).then(replace(VIEWED, what="chat"))


def test_an_export_names_the_seal_that_it_rests_on() -> None:
    exported = Exported(by="curie", export="x1", at=at("14:00"), seal=2)
    sealed_twice = (SEALED, replace(SEALED, number=2))
    given(DECIDER, *sealed_twice).when(EXPORT).then(exported)
    given(DECIDER, *sealed_twice, exported).when(EXPORT).then_nothing()


def test_what_is_not_sealed_is_not_exported() -> None:
    given(DECIDER).when(EXPORT).refused("not sealed yet")
