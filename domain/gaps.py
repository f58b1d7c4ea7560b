"""Gaps of a recording: which stretches without media are certain, and why nothing was recorded in them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from operator import attrgetter
from typing import TYPE_CHECKING

from msgspec.structs import replace

from domain.event import Event
from domain.segment import Place, Segment, Why, place_of

if TYPE_CHECKING:
    from domain.recording import Recording

SHORTEST_GAP = timedelta(milliseconds=500)


class GapRecorded(Event, frozen=True, kw_only=True, tag="recording.gap_recorded"):
    """A stretch without media. A fact with a cause, never a finding."""

    started_at: datetime
    ended_at: datetime
    why: Why


def with_gap(state: Recording, gap: GapRecorded) -> Recording:
    place = bisect_left(state.gaps, gap.started_at, key=attrgetter("started_at"))
    return replace(state, gaps=(*state.gaps[:place], gap, *state.gaps[place:]))


def new_gaps(
    state: Recording, first: int, upto: int, *, settled: bool = False, until: datetime | None = None
) -> tuple[GapRecorded, ...]:
    """The gaps that are certain and not recorded yet. `settled` says that no more segments are expected.

    Segments may come late and out of order, and a gap is a fact: it waits until nothing can come between its ends. So
    what happens to one segment or connection tells only of the stretches beside it: those before the segments from
    `first` up to, without it, `upto`, by their place. Of the others what is certain was recorded when it became so.
    """
    found: list[GapRecorded] = []
    for start, end, why, later in _silences(state, first, upto, settled, until):
        for begin, stop in _bare(start, end, state.gaps):
            gap = GapRecorded(started_at=begin, ended_at=stop, why=why if begin == start else later)
            state = with_gap(state, gap)
            found.append(gap)
    return tuple(found)


def _silences(
    state: Recording, first: int, upto: int, settled: bool, until: datetime | None
) -> Iterator[tuple[datetime, datetime, Why, Why]]:
    """Each stretch that is certain to be without media: from when, to when, why, and why where a gap at a connection's
    end was recorded before.

    At the end it goes to where the last connection ended, and on to the end of the session, if that is given (`until`).
    """
    if state.started_at is None:
        return
    earlier = state.segments[:first]
    reached = _reached(earlier, state.started_at)  # connections may overlap
    before = place_of(earlier[-1]) if earlier else (1, 0)
    for after in state.segments[first:upto]:
        said, place = state.gap_whys.get(place_of(after)), place_of(after)
        opens = place == (1, 1) and not said  # the moment that a connection takes to be set up is no gap
        if not opens and after.started_at - reached >= SHORTEST_GAP and (settled or _next(before, place, state)):
            why, later = _whys(state, before[0])
            if before[0] == place[0]:
                why = later = "lost"
            yield reached, after.started_at, said or why, said or later
        reached = max(reached, after.ended_at) if before[1] else after.ended_at
        before = place
    if not state.live and state.ended_at:
        reached = _reached(state.segments, state.started_at)
        for end in (state.ended_at, *([until] if until else [])):
            yield reached, end, *_whys(state, state.connections)


def _reached(segments: Iterable[Segment], started_at: datetime) -> datetime:
    """How far these segments go: to where the recording started, when there is none."""
    return max((segment.ended_at for segment in segments), default=started_at)


def _bare(start: datetime, end: datetime, gaps: tuple[GapRecorded, ...]) -> Iterator[tuple[datetime, datetime]]:
    """The parts of a stretch that are in no recorded gap and long enough for one."""
    first = bisect_right(gaps, start, key=attrgetter("ended_at"))
    upto = bisect_left(gaps, end, key=attrgetter("started_at"))
    for gap in gaps[first:upto]:
        if gap.started_at - start >= SHORTEST_GAP:
            yield start, gap.started_at
        start = gap.ended_at
    if end - start >= SHORTEST_GAP:
        yield start, end


def _whys(state: Recording, connection: int) -> tuple[Why, Why]:
    """Why nothing was recorded just before a connection's end, and after it."""
    ended = state.ended.get(connection, "lost")
    return state.last_whys.get(connection, ended), ended


def _next(before: Place, after: Place, state: Recording) -> bool:
    """Whether nothing can come between two segments any more. A connection's end is told after all its segments."""
    if before[0] == after[0]:
        return after[1] == before[1] + 1
    return after[1] == 1 and all(c in state.ended for c in range(before[0], after[0]))
