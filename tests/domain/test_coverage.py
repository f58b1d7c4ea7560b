"""How much could be seen is said in words that a reviewer understands, and nothing is rounded away."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from domain.coverage import CoverageReported, amount, words

WHOLE = CoverageReported(detector="book", due=100, taken=100, cannot_tell=0, overloaded=0, muted=0)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (WHOLE, "observed all the time"),
        (
            replace(WHOLE, taken=88, cannot_tell=12, reasons={"no_picture": 3, "too_dark": 9}),
            "could not tell in 12% of the time: too dark 9%, no picture 3%",
        ),
        (replace(WHOLE, taken=88, cannot_tell=12), "could not tell in 12% of the time"),
        (
            replace(WHOLE, taken=60, cannot_tell=10, overloaded=30, reasons={"something_new": 10}),
            "could not tell in 10% of the time: something new 10%; overloaded in 30% of the time",
        ),
        (replace(WHOLE, taken=0, muted=100), "not observed: muted in 100% of the time"),
        (
            replace(WHOLE, taken=0, cannot_tell=100, reasons={"no_picture": 100}),
            "not observed: could not tell in 100% of the time: no picture 100%",
        ),
        (replace(WHOLE, due=0, taken=0), "not observed: there was nothing that it could look at"),
        (None, "not observed: nothing was told of it"),
    ],
)
def test_what_could_be_seen_is_said_in_words(told: CoverageReported | None, said: str) -> None:
    assert words(told) == said


def test_nothing_is_rounded_to_nothing_or_to_the_whole() -> None:
    long = replace(WHOLE, due=1000, taken=999, cannot_tell=1, reasons={"late": 1})
    assert "in less than 1% of the time" in words(long)
    assert "in more than 99% of the time" in words(replace(long, taken=1, cannot_tell=999, reasons={"late": 999}))


def test_of_a_session_that_goes_on_nothing_is_known_yet() -> None:
    assert words(None, over=False) == "not told yet"


def test_nothing_told_and_nothing_due_are_nothing_seen() -> None:
    some = replace(WHOLE, taken=1, cannot_tell=99)
    assert [amount(told) for told in (WHOLE, some, replace(WHOLE, taken=0), replace(WHOLE, due=0, taken=0), None)] == [
        "all", "some", "nothing", "nothing", "nothing",
    ]  # fmt: skip
