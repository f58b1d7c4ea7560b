"""The evaluation's own book-keeping: what is planned, how incidents are held against it, and a short run on clips."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest

from bench import clips, detection
from bench.clips import Clip
from bench.scoring import Found, Score, score
from bench.sittings import CALM_S, EVERY_S, Sitting, Stretch, plan

GREY = Clip("grey", "out_of_view", (clips.to_jpeg(np.full((480, 640, 3), 128, np.uint8)),), 25.0)


def away(start_s: float, end_s: float) -> Stretch:
    return Stretch("out_of_view", GREY, start_s, end_s)


def found(start_s: float, opened_s: float, end_s: float, kind: str = "out_of_view") -> Found:
    return Found(kind, start_s, opened_s, end_s)


def test_an_incident_in_time_is_right_and_tells_how_late_it_was() -> None:
    assert score("out_of_view", [away(10, 20)], [found(11, 13, 19)]) == Score(1, 0, 0, (3.0,))


@pytest.mark.parametrize(
    "wrong",
    [
        found(11, 16.1, 19),  # opened too late
        found(2, 4, 8),  # over before it began
        found(6, 9, 15),  # opened before it began
        found(21, 23, 30),  # begins after it
    ],
)
def test_an_incident_too_early_too_late_or_elsewhere_is_false_and_the_stretch_is_missed(wrong: Found) -> None:
    assert score("out_of_view", [away(10, 20)], [wrong]) == Score(0, 1, 1)


def test_each_stretch_and_each_incident_count_once() -> None:
    twice = [found(11, 13, 14), found(14, 15, 19)]
    assert score("out_of_view", [away(10, 20)], twice) == Score(1, 1, 0, (3.0,))
    assert score("out_of_view", [away(10, 20), away(40, 50)], twice[:1]) == Score(1, 0, 1, (3.0,))


def test_another_kind_is_neither_right_nor_false_for_this_one() -> None:
    other = found(11, 13, 19, "several_people")
    assert score("out_of_view", [away(10, 20)], [other]) == Score(0, 0, 1)
    assert score("several_people", [away(10, 20)], [other]) == Score(0, 1, 0)


def test_shares_are_of_what_was_there_and_none_of_nothing() -> None:
    whole = Score(3, 1, 0, (2.0, 3.0, 4.0)) + Score(0, 0, 2)
    assert (whole.precision, whole.recall, whole.f1, whole.latency_s) == (0.75, 0.6, 0.667, 3.0)
    assert (Score().precision, Score().recall, Score().f1, Score().latency_s) == (None, None, None, None)


def scenes() -> list[Clip]:
    """One picture each: enough to plan with."""
    shown = ("one_person", "one_person", "looking_away", "several_people", "out_of_view")
    return [Clip(f"clip-{n}", shows, GREY.pictures, 25.0) for n, shows in enumerate(shown)]


def test_a_sitting_is_made_of_its_number_alone() -> None:
    kinds = ("out_of_view", "several_people")
    first, again, other = (plan(scenes(), kinds, number) for number in (3, 3, 4))
    assert first == again != other
    assert list(first.pictures()) == list(again.pictures())
    assert {one.kind for one in first.stretches} == set(kinds)


def test_stretches_come_after_a_calm_minute_apart_from_each_other_and_only_of_kinds_that_are_there() -> None:
    for number in range(12):
        sitting = plan(scenes(), ("several_people", "book"), number)
        assert {one.kind for one in sitting.stretches} == {"several_people"}
        ends = [CALM_S, *(one.end_s for one in sitting.stretches)]
        assert all(one.start_s >= end for one, end in zip(sitting.stretches, ends, strict=False))
        assert sitting.stretches[-1].end_s < sitting.length_s
    assert [second for second, _ in Sitting("one", 0, GREY, length_s=6.0).pictures()] == [0.0, EVERY_S, 2 * EVERY_S]


def test_the_halves_share_no_picture_and_are_the_whole() -> None:
    many = [Clip(str(n), "one_person", (bytes([n]),), 25.0) for n in range(5)]
    single = Clip("turning", "looking_away", (b"a", b"b", b"c", b"d"), 25.0)
    parts = [clips.half([*many, single], which) for which in ("tuning", "reporting")]
    pictures = [{one.name: one.pictures for one in part} for part in parts]
    assert [set(part) for part in pictures] == [{"0", "2", "4", "turning"}, {"1", "3", "turning"}]
    assert [part["turning"] for part in pictures] == [(b"a", b"c"), (b"b", b"d")]


def test_a_folder_without_clips_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert detection.main(["--clips", str(tmp_path)]) == 2
    assert "one-person-" in capsys.readouterr().err


@pytest.mark.slow
def test_a_short_run_on_the_clips_says_everything_as_json(tmp_path: Path) -> None:
    if not clips.FOLDER.is_dir():
        pytest.skip(f"there are no clips in {clips.FOLDER.name} beside this checkout")
    few = tmp_path / "clips"
    few.mkdir()
    for name in ("one-person-book.mkv", "two-people.gif"):
        (few / name).symlink_to(clips.FOLDER / name)
    written = tmp_path / "found.json"
    assert detection.main(["--clips", str(few), "--json", str(written), "--sessions", "1", "--seed", "1"]) == 0
    told = json.loads(written.read_bytes())
    assert told["recall"]["several_people"] == told["precision"]["several_people"] == 1.0
    assert set(told["variants"]) == {f"{g}, {s}" for g in ("gate", "no gate") for s in ("smoothing", "no smoothing")}
    assert told["one_person"]["exactly_one_face"] == 1.0
    assert told["kinds"]["looking_away"]["state"] != "measured"
    numbers = ("f1", "false_incidents_per_candidate_hour", "mean_latency_s", "candidate_hours")
    assert all(isinstance(told[name], float) for name in numbers)
    assert set(msgspec.json.decode(written.read_bytes())["goals"].values()) <= {True, False, None}
