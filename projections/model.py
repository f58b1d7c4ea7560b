"""What a read model is: rows, each folded by a pure function from the events that touch it. A model holds no SQL."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from domain.event import Event
from domain.recorded import Recorded, Stored

AT_ONCE = 1000  # events

Decode = Callable[[Sequence[Stored]], Awaitable[Sequence[Recorded | Exception]]]
"""Turns stored rows into events, one answer for each row; handed in by the wiring, because it needs keys."""

R = TypeVar("R", bound=msgspec.Struct)
Change = tuple[str, Mapping[str, object]]  # a channel, and a patch for those who listen to it


def _none(_: Recorded) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, kw_only=True)
class Model(Generic[R]):
    """One read model. All its functions are pure.

    `version` counts up with every change of rows or folding; a new version is built beside the old one. `events` are
    all that it folds; None takes whatever there is. `index` names fields of the row that get a column and an index of
    their own. Keys begin with the tenant and a slash.

    - `keys`: the rows that an event touches. Asked only of `events`.
    - `fold`: a row after an event; None is a row that is not there. The same object back means that nothing changed.
    - `streams`: what a row can be refolded from, told by its key: stream ids, or prefixes that end in `*`.
    - `leads`: further streams of the same row that only an event names, as a session's first one names its schedule.
    - `suspects`: the rows that an event may touch which cannot be decoded, told by its stream and tag; the stream's id
      where that does not tell the rows.
    - `changes`: what readers of the live streams are told of one fold. Every channel belongs to one model.
    """

    name: str
    version: int
    row: type[R]
    events: frozenset[type[Event]] | None
    keys: Callable[[Recorded], tuple[str, ...]]
    fold: Callable[[R | None, Recorded], R | None]
    streams: Callable[[str], tuple[str, ...]]
    suspects: Callable[[Stored], tuple[str, ...]]
    index: tuple[str, ...] = ()
    leads: Callable[[Recorded], tuple[str, ...]] = _none
    changes: Callable[[str, R | None, R | None, Recorded], Sequence[Change]] | None = None

    @cached_property
    def tags(self) -> frozenset[str] | None:
        return None if self.events is None else frozenset(str(e.__struct_config__.tag) for e in self.events)


AnyModel = Model[Any]  # models of different rows lie side by side in one list


def tags_of(models: Iterable[AnyModel]) -> frozenset[str] | None:
    """What any of these models folds; None is everything."""
    tags: frozenset[str] = frozenset()
    for model in models:
        if model.tags is None:
            return None
        tags |= model.tags
    return tags


class Undecoded(NamedTuple):
    """A stored event that could not be decoded, and why."""

    position: int
    stored: Stored
    error: Exception


class NotAtHand(Exception):
    """What decoding raises where events cannot be read now though nothing is wrong with them: archived, and away.

    No row is parked for it. Whoever folds stops, and may try again.
    """


Entry = Recorded | Undecoded


async def decoded(decode: Decode, rows: Sequence[Stored]) -> list[Entry]:
    """The events of these rows, in the same order. A long run lets everything else go on in between."""
    entries: list[Entry] = []
    for start in range(0, len(rows), AT_ONCE):
        run = rows[start : start + AT_ONCE]
        answers = await decode(run)
        entries += [
            Undecoded(row.position, row, answer) if isinstance(answer, Exception) else answer
            for row, answer in zip(run, answers, strict=True)
        ]
        await asyncio.sleep(0)
    return entries
