"""When lost samples are a fault of ours, and when it is over."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from detectors.load import TOO_MANY, WINDOW_S, Load, Told, step

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PATTERN = st.lists(st.booleans(), max_size=80)


def after(samples: Iterable[tuple[float, bool]], load: Load | None = None) -> tuple[Load, list[tuple[float, Told]]]:
    """What samples of these seconds, lost or not, lead to, and what is told of it when."""
    load, said = load or Load(), list[tuple[float, Told]]()
    for second, lost in samples:
        load, told = step(load, START + timedelta(seconds=second), lost=lost)
        if told:
            said.append((second, told))
    return load, said


def each(pattern: str, start: float = 0.0) -> list[tuple[float, bool]]:
    """A sample each two seconds: "x" is lost, "." judged."""
    return [(start + 2.0 * n, what == "x") for n, what in enumerate(pattern)]


def test_twenty_seconds_of_mostly_lost_samples_are_told_once_and_so_is_their_end() -> None:
    _, said = after(each("....." + "xxxxxx" * 5 + "." * 20))
    ((began, overloaded), (ended, well)) = said
    assert (overloaded, well) == ("overloaded", "well")
    assert 20 <= began <= 24, "more than half of the last 20 s"
    assert 70 + 14 <= ended <= 70 + 20


def test_a_moment_is_nothing() -> None:
    assert after(each("xxxxxxxxx"))[1] == [], "nobody knows yet what the rest of the window brings"
    assert after(each("..........xxxxx.........."))[1] == []


def test_half_is_borne_and_more_is_not() -> None:
    assert after(each(".x" * 30))[1] == []
    assert after(each("x.x" * 20))[1] == [(20.0, "overloaded")]


def test_it_does_not_flutter_between_the_two() -> None:
    load, said = after(each("x" * 11))
    assert said == [(20.0, "overloaded")]
    assert after(each(".x" * 30, 22.0), load)[1] == [], "half is lost still"


def test_what_an_earlier_worker_told_is_over_after_a_good_window() -> None:
    assert after(each("." * 15), Load(told=True))[1] == [(20.0, "well")]


def test_after_a_gap_it_is_looked_at_anew() -> None:
    load, said = after([*each("x" * 8), *each("x" * 8, 100.0)])
    assert said == []
    assert load.since == START + timedelta(seconds=100)


def test_a_lost_sample_may_be_known_after_a_later_one_was_judged() -> None:
    mixed = [(second + (2.0 if lost else -2.0), lost) for second, lost in each("x.x" * 20)]
    assert [told for _, told in after(mixed)[1]] == ["overloaded"]


@given(PATTERN)
def test_what_is_told_takes_turns_and_rests_on_the_window(pattern: list[bool]) -> None:
    samples = [(2.0 * n, lost) for n, lost in enumerate(pattern)]
    _, said = after(samples)
    assert [told for _, told in said] == ["overloaded", "well"] * (len(said) // 2) + ["overloaded"] * (len(said) % 2)
    for second, told in said:
        window = [lost for came, lost in samples if second - WINDOW_S < came <= second]
        assert second >= WINDOW_S
        assert (sum(window) / len(window) > TOO_MANY) == (told == "overloaded")
