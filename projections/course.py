"""The course of an exam: how many sat, how many of them were away, and how many incidents there were, over its time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from math import ceil
from operator import attrgetter
from typing import NamedTuple

import msgspec

from projections.gradebook_row import Account, Fault

MOST = 600  # points
_KEPT = 5  # of a run of points: its extremes and its end
_NEVER = datetime.max.replace(tzinfo=UTC)


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """What holds from `at` (UTC) until the next point, as numbers of sessions and of incidents.

    `sitting` have started and not ended. `away` are those of them that are cut off or in a fault, each once whatever
    fails. `incidents` are all that were opened up to then, so that number never falls.
    """

    at: datetime
    sitting: int
    away: int
    incidents: int


class _Change(NamedTuple):
    at: datetime
    sitting: int = 0
    away: int = 0
    incidents: int = 0


def course(accounts: Iterable[Account], most: int = MOST) -> tuple[Point, ...]:
    """At most so many points, in the order of time.

    By when it happened, which may be a little before it was recorded. Who was brought back after an end counts as
    sitting in between.
    """
    changes = sorted(change for one in accounts for change in _changes(one) if change.at < _NEVER)
    points: list[Point] = []
    sitting = away = incidents = 0
    for at, together in groupby(changes, attrgetter("at")):
        for change in together:
            sitting, away, incidents = sitting + change.sitting, away + change.away, incidents + change.incidents
        points.append(Point(at=at, sitting=sitting, away=away, incidents=incidents))
    return _thinned(points, most)


def _changes(account: Account) -> Iterator[_Change]:
    for flag in account.incidents.values():
        yield _Change(flag.at, incidents=1)
    began, ended = account.clock.started_at, account.clock.ended_at or _NEVER
    if began is None:
        return
    yield _Change(began, sitting=1)
    yield _Change(ended, sitting=-1)
    for gone, back in _away(account.faults, began, ended):
        yield _Change(gone, away=1)
        yield _Change(back, away=-1)


def _away(faults: Iterable[Fault], began: datetime, ended: datetime) -> list[tuple[datetime, datetime]]:
    """When anything failed while somebody sat: faults at the same time are one stretch."""
    stretches: list[tuple[datetime, datetime]] = []
    for fault in sorted(faults, key=attrgetter("began_at")):
        gone, back = max(fault.began_at, began), min(fault.ended_at or _NEVER, ended)
        if stretches and gone <= stretches[-1][1]:
            stretches[-1] = (stretches[-1][0], max(stretches[-1][1], back))
        elif gone < back:
            stretches.append((gone, back))
    return stretches


def _thinned(points: Sequence[Point], most: int) -> tuple[Point, ...]:
    """No more than so many, in runs of equal length: of each the extremes, so that no cliff or peak is lost."""
    if len(points) <= most:
        return tuple(points)
    size = ceil(len(points) / (most // _KEPT))
    runs = (points[start : start + size] for start in range(0, len(points), size))
    return tuple(kept for run in runs for kept in _extremes(run))


def _extremes(run: Sequence[Point]) -> list[Point]:
    counts = [attrgetter(name) for name in ("sitting", "away")]
    kept = {run[-1], *(extreme(run, key=count) for count in counts for extreme in (min, max))}
    return sorted(kept, key=attrgetter("at"))
