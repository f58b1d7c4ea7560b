"""The pictures that may have to be kept: the first that showed what became an incident, and the last that did.

Only of kinds that were seen in the last seconds, or that are open: of a session in which nothing is seen none is held.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from detectors.changes import Change, Closed, Kept, Opened, Peak
from detectors.rules import State, Watch
from domain.policy import DetectorKind


class Frame(NamedTuple):
    at: datetime
    raw_score: float
    jpeg: bytes


class Frames:
    """Those of one session. The same picture is held once, however many kinds it shows."""

    def __init__(self) -> None:
        self._early: dict[datetime, bytes] = {}  # while a kind waits to be settled, what showed it
        self._last: dict[DetectorKind, Frame] = {}  # of each open incident
        self._told: dict[DetectorKind, datetime] = {}  # the newest picture that was told of it

    def follow(self, changes: tuple[Change, ...], state: State, at: datetime, jpeg: bytes | None) -> tuple[Change, ...]:
        """The changes of a sample, with the pictures that belong to them; `state` is the one after it."""
        told = tuple(self._with_pictures(changes))
        open_now = {kind for kind, watch in state.watches.items() if watch.open is not None}
        self._last = {kind: frame for kind, frame in self._last.items() if kind in open_now}
        self._told = {kind: when for kind, when in self._told.items() if kind in open_now}
        waiting = {one.at for watch in state.watches.values() for one in watch.recent if one.positive}
        self._early = {when: picture for when, picture in self._early.items() if when in waiting}
        for kind, raw_score in _shown(state, at):
            if jpeg is None:
                break
            if kind in open_now:
                self._last[kind] = Frame(at, raw_score, jpeg)
            else:
                self._early[at] = jpeg
        return told

    @property
    def held(self) -> int:
        """How many pictures."""
        return len({id(jpeg) for jpeg in (*self._early.values(), *(frame.jpeg for frame in self._last.values()))})

    def _with_pictures(self, changes: tuple[Change, ...]) -> Iterator[Change]:
        """What was kept is told behind a beginning and before an end."""
        for change in changes:
            if isinstance(change, Closed):
                yield from self._last_of(change)
            yield change
            if isinstance(change, Opened | Peak):
                self._told[change.kind] = change.at
            if isinstance(change, Opened):
                yield from self._first_of(change)

    def _first_of(self, opened: Opened) -> Iterator[Kept]:
        jpeg = self._early.get(opened.started_at)
        score = next((one.raw_score for one in opened.samples if one.at == opened.started_at), None)
        if jpeg is not None and score is not None:
            yield Kept(
                incident=opened.incident, kind=opened.kind, at=opened.started_at, raw_score=score, role="first",
                jpeg=jpeg,
            )  # fmt: skip

    def _last_of(self, closed: Closed) -> Iterator[Kept]:
        """Nothing where the last that shows it was told already, or an earlier worker had it."""
        frame = self._last.get(closed.kind)
        if frame is not None and frame.at != self._told.get(closed.kind):
            yield Kept(
                incident=closed.incident, kind=closed.kind, at=frame.at, raw_score=frame.raw_score, role="last",
                jpeg=frame.jpeg,
            )  # fmt: skip


def _shown(state: State, at: datetime) -> Iterator[tuple[DetectorKind, float]]:
    """The kinds that the sample at `at` showed, each with the score that decided."""
    for kind, watch in state.watches.items():
        score = _score(watch, at)
        if score is not None:
            yield kind, score


def _score(watch: Watch, at: datetime) -> float | None:
    if watch.open is not None:
        return watch.open.raw_score if watch.open.seen_at == at else None
    newest = watch.recent[-1] if watch.recent else None
    return newest.raw_score if newest is not None and newest.at == at and newest.positive else None
