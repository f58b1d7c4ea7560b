"""Given a record, when its session is archived or brought back, then this is on it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from domain import appeal, record
from domain.archive import Archive, Archived, Away, BringBack, BroughtBack
from domain.erasure import Erased, ErasureFinished
from domain.event import Event, Private, Refused
from domain.hold import HoldLifted, HoldPlaced

AT = datetime(2027, 6, 1, 9, 0, tzinfo=UTC)
SEALED = record.Sealed(
    number=1, kind="complete", at=AT, owed=(), streams={"t/session/s1": 4}, root="00", checkpoint="", clock="unknown"
)
ARCHIVE = Archive(
    at=AT, by="o", bundle="t/s1.zip", sha256="ab", streams={"t/session/s1": 4}, subject="c", schedule="x",
    kept_days=(180, 730),
)  # fmt: skip
ARCHIVED = Archived(
    at=AT, by="o", bundle="t/s1.zip", sha256="ab", streams={"t/session/s1": 4}, subject="c", schedule="x",
    kept_days=(180, 730),
)  # fmt: skip
HELD = HoldPlaced(hold="h1", at=AT, by="d", why="person", classes=("media",))
APPEALED = appeal.Appealed(
    appeal="a1", at=AT, by="c", text=Private("c", "No.", session="s1", key_class="notes"), decision=0,
)  # fmt: skip


def given(*events: Event) -> record.Record:
    state = record.DECIDER.initial
    for event in events:
        state = record.evolve(state, event)  # type: ignore[arg-type]
    return state


def test_what_is_sealed_and_free_is_archived_once() -> None:
    state = given(SEALED)
    assert record.decide(ARCHIVE, state) == (ARCHIVED,)
    assert record.decide(ARCHIVE, given(SEALED, ARCHIVED)) == ()


def test_a_bundle_written_anew_takes_the_place_of_the_one_before() -> None:
    later = Archive(
        at=AT, by="o", bundle="t/s1-2.zip", sha256="cd", streams={"t/session/s1": 5}, subject="c", schedule="x"
    )
    (said,) = record.decide(later, given(SEALED, ARCHIVED))
    assert given(SEALED, ARCHIVED, said).shelved.bundle == "t/s1-2.zip"


def test_it_comes_back_and_may_be_archived_again() -> None:
    back = BringBack(at=AT, by="o")
    assert record.decide(back, given(SEALED)) == ()
    assert record.decide(back, given(SEALED, ARCHIVED)) == (BroughtBack(at=AT, by="o", bundle="t/s1.zip"),)
    state = given(SEALED, ARCHIVED, BroughtBack(at=AT, by="o", bundle="t/s1.zip"))
    assert record.decide(back, state) == ()
    assert record.decide(ARCHIVE, state) == (ARCHIVED,)


@pytest.mark.parametrize(
    ("events", "why"),
    [
        ((), "not sealed for good"),
        ((SEALED, HELD), r"under a hold \(person\)"),
        ((SEALED, APPEALED), "an appeal is open"),
        ((SEALED, Erased(at=AT, by=("d",), classes=("media",))), "erasing is not finished"),
    ],
)
def test_what_somebody_still_needs_stays_for_a_named_reason(events: tuple[Event, ...], why: str) -> None:
    with pytest.raises(Refused, match=why):
        record.decide(ARCHIVE, given(*events))


def test_it_goes_when_the_reason_is_over() -> None:
    lifted = HoldLifted(hold="h1", at=AT + timedelta(days=1), by="d", why="person")
    finished = ErasureFinished(at=AT, classes=("media",))
    erased = Erased(at=AT, by=("d",), classes=("media",))
    assert record.decide(ARCHIVE, given(SEALED, HELD, lifted, erased, finished))


def test_nothing_of_it_is_exported_meanwhile() -> None:
    export = record.Export(by="r", export="e1", at=AT)
    with pytest.raises(Away, match=r"archived in the bundle t/s1.zip.*vigil archive restore t/s1.zip"):
        record.decide(export, given(SEALED, ARCHIVED))
