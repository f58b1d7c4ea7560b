"""When a voice is an incident: by the same rules as what is seen, and beside it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from detectors import rules
from detectors.changes import Change, Closed, Opened, Peak
from detectors.kinds import KINDS, kinds_of, unsure
from detectors.seen import CannotTell, Observation
from detectors.settings import Settings, StillOpen
from domain.policy import DetectorSetting
from tests.detectors.hall import START

LISTENS = Settings(detectors=(DetectorSetting(kind="voice"), DetectorSetting(kind="out_of_view")))


def heard(second: float, voiced: float, *, company: bool = False, why: CannotTell | None = None) -> Observation:
    at = START + timedelta(seconds=second)
    return Observation(session="s", at=at, source="sound", voiced=voiced, company=company, cannot_tell=why)


def listen(*observations: Observation, settings: Settings = LISTENS, state: rules.State | None = None) -> list[Change]:
    state, changes = state or rules.begin("s"), list[Change]()
    for one in observations:
        state, made = rules.step(state, settings, one)
        changes += made
    return changes


def each_two_seconds(pattern: str) -> list[Observation]:
    """`v` a voice, `.` none, `?` cannot tell, a blank is a batch that never came."""
    shown = {"v": (0.8, None), ".": (0.1, None), "?": (0.0, "no_sound")}
    return [heard(2.0 * n, *shown[one][:1], why=shown[one][1]) for n, one in enumerate(pattern) if one != " "]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pattern", "opens"),
    [
        ("vvv", True), ("v.v", True), ("vv", False), ("v..v", False), (".v.v", True), ("v?v", True), ("v v", True),
        ("vv????", False), ("....", False),
    ],
)  # fmt: skip
def test_two_of_three_batches_four_seconds_apart_open_it(pattern: str, opens: bool) -> None:
    changes = listen(*each_two_seconds(pattern))
    assert [type(change) for change in changes] == ([Opened] if opens else [])


def test_it_is_over_after_six_seconds_without_a_voice() -> None:
    opened, closed = listen(*each_two_seconds("vvvv...."))
    assert isinstance(opened, Opened)
    assert isinstance(closed, Closed)
    assert (opened.severity, opened.threshold, opened.rule_version) == ("info", 0.5, "voice/1")
    assert closed.ended_at == START + timedelta(seconds=6)
    assert closed.at == START + timedelta(seconds=14)


def test_somebody_else_in_view_makes_it_graver_from_then_on() -> None:
    alone = [heard(2.0 * n, 0.8) for n in range(3)]
    opened, graver = listen(*alone, heard(6, 0.8, company=True), heard(8, 0.8))
    assert isinstance(opened, Opened)
    assert isinstance(graver, Peak)
    assert (opened.severity, graver.severity, graver.graver) == ("info", "warn", True)
    (opened,) = listen(*(replace(one, company=True) for one in alone))
    assert isinstance(opened, Opened)
    assert opened.severity == "warn"


def test_the_policy_sets_how_much_must_be_speech() -> None:
    strict = replace(LISTENS, detectors=(DetectorSetting(kind="voice", threshold=0.9),))
    assert listen(*each_two_seconds("vvvv"), settings=strict) == []


def test_pictures_say_nothing_of_voices_and_sound_nothing_of_what_is_seen() -> None:
    nobody = [Observation(session="s", at=START + timedelta(seconds=2.0 * n)) for n in range(4)]
    (opened,) = listen(*nobody)
    assert opened.kind == "out_of_view"
    (opened,) = listen(*each_two_seconds("vvvv"))
    assert opened.kind == "voice"
    assert unsure(heard(0, 0.0, why="no_sound"), LISTENS) == {"voice": "no_sound"}
    assert {kind.name for kind in kinds_of("sound")} == {"voice"}
    assert {kind.name for kind in (*kinds_of("camera"), *kinds_of("sound"))} == set(KINDS)


def test_who_is_muted_while_it_is_open_is_observed_no_more() -> None:
    left = StillOpen(incident="i", kind="voice", started_at=START, seen_at=START, severity="info")
    muted = replace(LISTENS, muted=frozenset({"voice"}))
    (closed,) = listen(heard(2, 0.8), settings=muted, state=rules.begin("s", (left,)))
    assert isinstance(closed, Closed)
    assert (closed.incident, closed.why) == ("i", "not_observed")
