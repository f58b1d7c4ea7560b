"""Which pictures are held of an incident, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from detectors.changes import Change, Closed, Kept, Opened, Peak
from detectors.kinds import KINDS
from detectors.rules import begin
from detectors.seat import Seat
from detectors.seen import Box, Observation
from detectors.settings import Settings, StillOpen
from domain.policy import DetectorSetting

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SETTINGS = Settings(detectors=(DetectorSetting(kind="several_people"), DetectorSetting(kind="out_of_view")))


def boxes(many: int, score: float = 0.9) -> tuple[Box, ...]:
    return tuple(Box(0.1 * n, 0.1, 0.1 * n + 0.1, 0.9, score) for n in range(many))


class Room:
    """A candidate in front of a camera, of which each sample has a picture that says its second."""

    def __init__(self, settings: Settings = SETTINGS) -> None:
        self.seat, self.second = Seat.take("s", settings, 0.0), 0

    def see(self, *people: int, score: float = 0.9) -> list[Change]:
        told: list[Change] = []
        for many in people:
            at, found = START + timedelta(seconds=self.second), boxes(many, score)
            seen = Observation(session="s", at=at, persons=found, faces=found, look="first")
            told += self.seat.step(seen, f"picture {self.second}".encode())
            self.second += 2
        return told


def shown(changes: list[Change]) -> list[tuple[str, str, bytes]]:
    """What was kept, by role, second and picture."""
    return [(one.role, f"{(one.at - START).total_seconds():.0f}", one.jpeg) for one in changes if isinstance(one, Kept)]


def test_the_first_is_told_behind_the_beginning_and_the_last_before_the_end() -> None:
    room = Room()
    told = room.see(1, 2, 2, 2, 2, 1, 1, 1, 1)
    assert [type(one) for one in told] == [Opened, Kept, Kept, Closed]
    assert shown(told) == [("first", "2", b"picture 2"), ("last", "8", b"picture 8")]


def test_the_last_is_not_told_twice_where_a_better_one_was_told_or_nothing_came_after_the_beginning() -> None:
    room = Room()
    told = room.see(2, 2, 1, 1, 1, 1)
    assert shown(told) == [("first", "0", b"picture 0")]
    room = Room()
    told = [*room.see(2, 2, 2, score=0.8), *room.see(2, score=1.0), *room.see(1, 1, 1, 1)]
    assert [type(one) for one in told] == [Opened, Kept, Peak, Closed]


def test_of_a_break_or_an_end_the_last_is_told_too() -> None:
    room = Room()
    told = room.see(1, 2, 2, 2)
    assert shown([*told, *room.seat.leave("not_observed")])[-1] == ("last", "6", b"picture 6")
    assert room.seat.frames.held == 0


def test_while_nothing_is_seen_no_picture_is_held() -> None:
    room = Room()
    room.see(*[1] * 20)
    assert room.seat.frames.held == 0
    room.see(2)
    assert room.seat.frames.held == 1
    room.see(1, 1, 1, 1, 1)
    assert room.seat.frames.held == 0, "it came to nothing"


def test_however_long_it_lasts_two_pictures_are_held_at_most() -> None:
    room = Room()
    for _ in range(100):
        room.see(2)
        assert room.seat.frames.held <= 2


def test_of_samples_that_come_close_together_no_more_are_held_than_a_window_has() -> None:
    room = Room()
    for n in range(200):
        room.see(2 if n % 2 else 1)
        assert room.seat.frames.held <= KINDS["several_people"].window_s


def test_an_incident_of_an_earlier_worker_has_no_first_picture_and_the_last_of_this_one() -> None:
    left = StillOpen(
        incident="i", kind="several_people", started_at=START - timedelta(seconds=60),
        seen_at=START - timedelta(seconds=10), severity="high", peak=0.9,
    )  # fmt: skip
    room = Room()
    room.seat.state = begin("s", (left,))
    assert shown(room.see(1, 1, 1, 1, 1)) == [], "none was seen by this one"
    room = Room()
    room.seat.state = begin("s", (left,))
    assert shown(room.see(2, 1, 1, 1, 1)) == [("last", "0", b"picture 0")]
