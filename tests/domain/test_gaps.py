"""Gaps are facts: exactly where there is no media, however segments arrive."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from typing import NamedTuple

from hypothesis import assume, settings
from hypothesis import given as for_all
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.gaps import SHORTEST_GAP, GapRecorded
from domain.recording import DECIDER, End, Finalise, Recording, RecordingCommand, Start, StoreSegment
from domain.segment import Segment, Why
from tests.domain.hall import at


class Connection(NamedTuple):
    """When it began, when and why it ended, and its segments in the order of their arrival."""

    began_at: datetime
    ended_at: datetime
    why: Why
    arriving: list[Segment]


BEGAN = at("10:00")
FINALISE = Finalise(object_key="k", bytes=1, sha256="a", duration_s=1, frames=1, segments=0)


@st.composite
def recordings(draw: st.DrawFn) -> list[Connection]:
    """Connections one after another (or a little over each other), with pauses of media in, between and after them.

    Segments come in any order, and now and then one never comes.
    """
    made: list[Connection] = []
    began_at = now = BEGAN
    for connection in range(1, draw(st.integers(1, 4)) + 1):
        pause = timedelta(milliseconds=draw(st.sampled_from([-2000, 0, 400, 500, 20_000])))
        began_at = now = max(began_at, now + pause)
        segments = []
        for number in range(1, draw(st.integers(0, 4)) + 1):
            start = now + timedelta(milliseconds=draw(st.sampled_from([0, 0, 499, 500, 3000])))
            now = start + timedelta(seconds=6)
            segments.append(_segment(connection, number, start, now))
        now += timedelta(milliseconds=draw(st.sampled_from([0, 0, 499, 500, 60_000])))
        why: Why = draw(st.sampled_from(["stopped", "lost", "replaced", "worker_lost"]))
        arriving = draw(st.permutations(segments))
        arriving = arriving[1:] if draw(st.integers(0, 5)) == 0 else arriving
        made.append(Connection(began_at, now, why, arriving))
    return made


MANY = settings(max_examples=300, deadline=None)
FOUND_NOW = st.lists(st.booleans(), min_size=20, max_size=20)


@MANY
@for_all(recordings(), FOUND_NOW, st.sampled_from([0, 499, 500, 60_000]))
def test_gaps_are_recorded_once_and_exactly_where_there_is_no_media(
    made: list[Connection], found_now: list[bool], after_ms: int
) -> None:
    until = max(one.ended_at for one in made) + timedelta(milliseconds=after_ms)
    state = _told(made, found_now)
    state = _say(state, replace(FINALISE, segments=len(state.segments), session_ended_at=until))
    media, gaps = list(state.segments), list(state.gaps)

    for gap, following in itertools.pairwise(gaps):
        assert gap.ended_at <= following.started_at, "two gaps tell of the same time"
    for gap in gaps:
        assert gap.ended_at - gap.started_at >= SHORTEST_GAP
        assert any(a <= gap.started_at and gap.ended_at <= b for a, b in _silences(media, until)), "there was media"
    for silence in _silences(media, until):
        assert _untold(silence, gaps) < SHORTEST_GAP, "nobody says why there was no media"


@MANY
@for_all(recordings(), FOUND_NOW)
def test_a_gap_is_recorded_as_soon_as_nothing_can_come_between_its_ends(
    made: list[Connection], found_now: list[bool]
) -> None:
    assume(all({s.number for s in one.arriving} == {*range(1, len(one.arriving) + 1)} for one in made))
    state = _told(made, found_now)
    (_,) = DECIDER.decide(replace(FINALISE, segments=len(state.segments)), state)


def _told(made: list[Connection], found_now: list[bool]) -> Recording:
    """What is known when all connections have ended: whatever came of their segments was told, and their ends."""
    state = Recording()
    left_behind: list[RecordingCommand] = []  # in the spool of a worker that was lost, until it is found
    started = 0
    for connection, one in enumerate(made, 1):
        for number, other in enumerate(made[started:], started + 1):
            if number > connection and other.began_at > one.ended_at:
                break
            # A later one may be there before this one has gone.
            state = _say(state, Start(connection=number, at=BEGAN, worker="w"))
            started = number
        tells: list[RecordingCommand] = [
            *(StoreSegment(segment=segment) for segment in one.arriving),
            End(connection=connection, at=one.ended_at, why=one.why),
        ]
        if one.why == "worker_lost":
            left_behind += tells
            continue
        for command in tells:
            state = _say(state, command)
            if left_behind and found_now.pop():
                state = _say(state, left_behind.pop(0))
    for command in left_behind:
        state = _say(state, command)
    return state


def _say(state: Recording, command: RecordingCommand) -> Recording:
    for event in DECIDER.decide(command, state):
        state = DECIDER.evolve(state, event)
    return state


def _silences(segments: list[Segment], until: datetime) -> set[tuple[datetime, datetime]]:
    """The stretches without media up to the end of the session, found the plain way: in the order of time."""
    found = set()
    ordered = sorted(segments, key=lambda s: (s.connection, s.number))
    for n, after in enumerate(ordered):
        reached = max((s.ended_at for s in ordered[:n]), default=BEGAN)
        opens = (after.connection, after.number) == (1, 1)
        if after.started_at - reached >= SHORTEST_GAP and not opens:
            found.add((reached, after.started_at))
    return found | {(max((s.ended_at for s in ordered), default=BEGAN), until)}


def _untold(silence: tuple[datetime, datetime], gaps: list[GapRecorded]) -> timedelta:
    """The longest part of a silence of which no gap tells."""
    at, until = silence
    longest = timedelta()
    for gap in sorted(gaps, key=lambda g: g.started_at):
        longest = max(longest, min(gap.started_at, until) - at)
        at = max(at, gap.ended_at)
    return max(longest, until - at)


def _segment(connection: int, number: int, start: datetime, end: datetime) -> Segment:
    return Segment(
        connection=connection, number=number, started_at=start, ended_at=end, bytes=1, frames=1, sha256="aa",
        object_key=f"{connection}.{number}", codec="VP8", width=640, height=480, complete=True,
    )  # fmt: skip
