"""Gaps are facts: exactly where there is no media, however segments arrive."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from domain.recording import (
    DECIDER,
    SHORTEST_GAP,
    End,
    Finalise,
    GapRecorded,
    Recording,
    RecordingCommand,
    Segment,
    Start,
    StoreSegment,
    Why,
)
from tests.domain.hall import at

Connection = tuple[Why, list[Segment]]  # why it ended, and its segments in the order of their arrival


@st.composite
def recordings(draw: st.DrawFn) -> list[Connection]:
    """Connections one after another (or a little over each other), with pauses of media in and between them.

    Segments come in any order, and now and then one never comes.
    """
    made: list[Connection] = []
    now = at("10:00")
    for connection in range(1, draw(st.integers(1, 4)) + 1):
        now += timedelta(milliseconds=draw(st.sampled_from([-2000, 0, 400, 500, 20_000])))
        segments = []
        for number in range(1, draw(st.integers(0, 4)) + 1):
            start = now + timedelta(milliseconds=draw(st.sampled_from([0, 0, 499, 500, 3000])))
            now = start + timedelta(seconds=6)
            segments.append(_segment(connection, number, start, now))
        why: Why = draw(st.sampled_from(["stopped", "lost", "replaced", "worker_lost"]))
        arriving = draw(st.permutations(segments))
        made.append((why, arriving[1:] if draw(st.integers(0, 5)) == 0 else arriving))
    return made


@settings(max_examples=300, deadline=None)
@for_all(recordings(), st.lists(st.booleans(), min_size=20, max_size=20))
def test_gaps_are_recorded_once_and_exactly_where_there_is_no_media(
    made: list[Connection], found_now: list[bool]
) -> None:
    state, gaps = Recording(), list[GapRecorded]()

    def say(command: RecordingCommand) -> None:
        nonlocal state
        for event in DECIDER.decide(command, state):
            state = DECIDER.evolve(state, event)
            gaps.extend([event] if isinstance(event, GapRecorded) else [])

    left_behind: list[RecordingCommand] = []  # in the spool of a worker that was lost, until it is found
    for connection, (why, arriving) in enumerate(made, 1):
        say(Start(connection=connection, at=at("10:00"), worker="w"))
        tells: list[RecordingCommand] = [
            *(StoreSegment(segment=segment) for segment in arriving),
            End(connection=connection, at=at("11:00"), why=why),
        ]
        if why == "worker_lost":
            left_behind += tells
            continue
        for command in tells:
            say(command)
            if left_behind and found_now.pop():
                say(left_behind.pop(0))
    for command in left_behind:
        say(command)
    say(Finalise(object_key="k", bytes=1, sha256="a", duration_s=1, frames=1, segments=len(state.segments)))

    assert {(g.started_at, g.ended_at) for g in gaps} == _silences(list(state.segments))
    assert len(gaps) == len(_silences(list(state.segments)))


def _silences(segments: list[Segment]) -> set[tuple[datetime, datetime]]:
    """The stretches without media between the first and the last, found the plain way: in the order of time."""
    found = set()
    ordered = sorted(segments, key=lambda s: (s.connection, s.number))
    for after in ordered[1:]:
        reached = max(s.ended_at for s in ordered if (s.connection, s.number) < (after.connection, after.number))
        if after.started_at - reached >= SHORTEST_GAP:
            found.add((reached, after.started_at))
    return found


def _segment(connection: int, number: int, start: datetime, end: datetime) -> Segment:
    return Segment(
        connection=connection, number=number, started_at=start, ended_at=end, bytes=1, frames=1, sha256="aa",
        object_key=f"{connection}.{number}", codec="VP8", width=640, height=480, complete=True,
    )  # fmt: skip
