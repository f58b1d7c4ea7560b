"""The report of the day: signed when it is over, by several people, and again when more becomes known."""

from __future__ import annotations

from msgspec.structs import replace

from domain import duty
from domain.day_report import LONGEST, DayReportSigned, SignDayReport
from domain.event import Private
from tests.domain.given import given
from tests.domain.hall import at


def note(text: str) -> Private:
    return Private("algebra", text, key_class="notes")


SIGN = SignDayReport(sha256="aa", position=40, running=0, note=note("Quiet."), by="kim", at=at("12:10"))
SIGNED = DayReportSigned(version=1, sha256="aa", position=40, note=note("Quiet."), by="kim", at=at("12:10"))


def test_it_is_signed_once_by_each() -> None:
    given(duty.DECIDER).when(SIGN).then(SIGNED)
    given(duty.DECIDER, SIGNED).when(SIGN).then_nothing()
    given(duty.DECIDER, SIGNED).when(replace(SIGN, by="lou")).then(
        DayReportSigned(version=1, sha256="aa", position=40, note=note("Quiet."), by="lou", at=at("12:10"))
    )


def test_what_becomes_known_later_is_another_version() -> None:
    later = replace(SIGN, sha256="bb", position=50, note=None)
    second = DayReportSigned(version=2, sha256="bb", position=50, note=None, by="kim", at=at("12:10"))
    given(duty.DECIDER, SIGNED).when(later).then(second)
    given(duty.DECIDER, SIGNED, second).when(SIGN).then_nothing()


def test_nobody_signs_a_day_that_goes_on() -> None:
    given(duty.DECIDER).when(replace(SIGN, running=1)).refused("not over for everybody", field="sessions")


def test_a_note_has_a_length() -> None:
    long = replace(SIGN, note=note("a" * (LONGEST + 1)))
    given(duty.DECIDER).when(long).refused("at most", field="note", kind="invalid")
