"""How often people confirm what a rule points out: a share with its interval, and nothing where too few have judged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.precision import LEAST, Precision, Tally, counted, precision, together, wilson


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    # Newcombe, "Two-sided confidence intervals for the single proportion", Stat. Med. 17 (1998), table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_is_wilsons(hits: int, of: int, low: float, high: float) -> None:
    assert wilson(hits, of) == pytest.approx((low, high), abs=0.0001)


@given(st.integers(1, 5000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_the_share_lies_in_its_interval_and_that_between_nothing_and_all(hits_of: tuple[int, int]) -> None:
    hits, of = hits_of
    low, high = wilson(hits, of)
    assert 0.0 <= low <= hits / of + 1e-12
    assert hits / of - 1e-12 <= high <= 1.0


def test_of_too_few_nothing_is_said_and_who_is_unsure_does_not_count() -> None:
    few = Tally(opened=100, confirmed=LEAST - 2, dismissed=1, unsure=50)
    assert precision(few) is None
    found = precision(together([few, counted("dismissed", 1)]))
    assert isinstance(found, Precision)
    assert found.share == (LEAST - 2) / LEAST


def test_what_nobody_has_settled_was_opened_and_no_more() -> None:
    tally = together([counted("unjudged", 3), counted("awaits_second", 2), counted("differs", 1), counted("unsure", 4)])
    assert (tally.opened, tally.judged, tally.decided) == (10, 4, 0)
