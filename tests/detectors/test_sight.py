"""Whether a session can be seen well enough: told once when it lasts, and once when it is over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import sight
from detectors.seen import CannotTell
from domain.sight import Blank, Reason

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LETTERS: dict[str, tuple[CannotTell, ...]] = {
    ".": (), "d": ("too_dark",), "f": ("too_far",), "b": ("no_baseline",), "n": ("no_face", "not_known"),
    "x": ("too_dark", "too_far"),
}  # fmt: skip
BLANK: dict[str, tuple[Blank, ...]] = {".": (), "k": ("black",), "c": ("one_colour",)}


def told(
    course: str, state: sight.Sight | None = None, every_s: float = 2.0, patience: sight.Patience = sight.CAMERA,
) -> list[tuple[float, str]]:  # fmt: skip
    """What is told, and at which second; a blank is a sample that never came."""
    state, said = state or sight.Sight(), []
    letters: Mapping[str, tuple[str, ...]] = LETTERS if patience is sight.CAMERA else BLANK
    for number, letter in enumerate(course):
        if letter == " ":
            continue
        state, what = sight.step(state, START + timedelta(seconds=every_s * number), letters[letter], patience)
        if what:
            said.append((every_s * number, what))
    return said


def test_what_lasts_for_twenty_seconds_is_told_once_and_is_over_after_six_that_are_good() -> None:
    assert told("." + "d" * 30 + "." * 10) == [(22.0, "too_dark"), (68.0, "well")]


@pytest.mark.parametrize("course", ["d" * 10 + "." * 9, "ddddd....." * 5, "df" * 20, "n" * 60, "b" * 55])
def test_what_passes_or_cannot_be_mended_is_not_told(course: str) -> None:
    assert told(course) == []


def test_who_has_no_baseline_after_two_minutes_is_told_so() -> None:
    assert told("b" * 70) == [(120.0, "no_baseline")]


def test_pictures_that_never_came_are_neither_good_nor_bad() -> None:
    assert told("d" * 8 + " " * 10 + "d" * 8) == []
    assert told("d" * 11 + " " * 30 + "." + " " * 5 + ".") == [(20.0, "too_dark")]


def test_another_reason_is_told_once_the_first_is_over() -> None:
    assert told("f" * 11 + "d" * 20) == [(20.0, "too_far"), (28.0, "well"), (42.0, "too_dark")]
    assert told("x" * 30) == [(20.0, "too_dark")]


def test_what_an_earlier_worker_told_is_over_once_all_is_good() -> None:
    assert told("ffff" + "." * 5, sight.Sight(told="unknown")) == [(14.0, "well")]


def test_each_reason_has_its_time() -> None:
    assert set(sight.CAMERA.bear_s) == set(get_args(Reason))
    assert set(sight.SCREEN.bear_s) == set(get_args(Blank))


@pytest.mark.parametrize(("course", "said"), [
    ("." + "k" * 9 + "." * 5, [(24.0, "black"), (66.0, "well")]),
    ("kkk.kkk", []),
    ("ck" * 9, []),
    ("kk  kk", []),  # two pictures that never came say nothing of the time between
    ("kk kk", [(18.0, "black")]),
    ("kkkk.k.k..", [(18.0, "black"), (54.0, "well")]),
    ("kkkkccccc", [(18.0, "black"), (30.0, "well"), (42.0, "one_colour")]),
])  # fmt: skip
def test_a_screen_has_a_picture_each_six_seconds(course: str, said: list[tuple[float, str]]) -> None:
    assert told(course, every_s=6.0, patience=sight.SCREEN) == said


@settings(deadline=None)  # a busy machine is no failure
@given(st.text(alphabet=" .dfbnx", max_size=80), st.floats(0.5, 5.0))
def test_it_is_told_and_over_in_turn(course: str, every_s: float) -> None:
    said = [what for _, what in told(course, every_s=every_s)]
    assert all(what != "well" for what in said[::2])
    assert all(what == "well" for what in said[1::2])
