"""Folds a run of events into the rows of a model. Pure: the kernel, refolding and `as of` all fold by this."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, NamedTuple

from domain.recorded import Stored
from projections.model import Change, Entry, Model, R, Undecoded


class Poison(NamedTuple):
    """An event that a row could not take. `error` says what failed and where, and holds no value."""

    key: str
    stream: str
    position: int
    error: str


Touching = tuple[Entry, tuple[str, ...]]  # an event, and the rows that it touches


class Pushed(NamedTuple):
    """What an event changed for those who watch."""

    tenant: str
    position: int
    changes: Sequence[Change]


@dataclass
class Folded(Generic[R]):
    """What a run of events did: the rows that changed (None: gone), what was parked, and what readers are told.

    `unpushed` is the last position whose changes were not told because they are too old for anybody to ask for.
    """

    rows: dict[str, R | None] = field(default_factory=dict)
    poison: dict[str, Poison] = field(default_factory=dict)
    pushed: list[Pushed] = field(default_factory=list)
    unpushed: int = 0


def touching(model: Model[R], entries: Iterable[Entry], *, after: int = 0) -> list[Touching]:
    """The events after a position that touch a row of this model, with the rows' keys."""
    found: list[Touching] = []
    keys_of, events, tags = model.keys, model.events, model.tags
    for entry in entries:
        if entry.position <= after:
            continue
        if isinstance(entry, Undecoded):
            if tags is None or entry.stored.tag in tags:
                found.append((entry, model.suspects(entry.stored)))
        elif events is None or type(entry.body) in events:
            try:
                keys = keys_of(entry)
            except Exception as error:  # noqa: BLE001 - an event that names no row is like one that cannot be read
                stored = Stored(entry.position, entry.stream, entry.version, "", entry.recorded_at, b"")
                found.append((Undecoded(entry.position, stored, error), (entry.stream,)))
            else:
                if keys:
                    found.append((entry, keys))
    return found


def fold(
    model: Model[R], run: Iterable[Touching], rows: dict[str, R | None], parked: Iterable[str] = (),
    *, push_since: datetime | None = None,
) -> Folded[R]:  # fmt: skip
    """Folds events in order into `rows`, which is brought up to date in place.

    A row that cannot take an event stays as it was before it and takes no later one; all others go on. Changes are told
    of events recorded at or after `push_since`, or of none.
    """
    folded: Folded[R] = Folded()
    stuck = set(parked)
    apply, tell = model.fold, model.changes if push_since is not None else None
    for entry, keys in run:
        for key in keys:
            if key in stuck:
                continue
            if isinstance(entry, Undecoded):
                stuck.add(key)
                folded.poison[key] = Poison(key, entry.stored.stream, entry.position, describe(entry.error))
                continue
            before = rows.get(key)
            try:
                after = apply(before, entry)
                told: Sequence[Change] = ()
                if tell and push_since and entry.recorded_at >= push_since:
                    told = tell(key, before, after, entry)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is this row's and nobody else's
                stuck.add(key)
                folded.poison[key] = Poison(key, entry.stream, entry.position, describe(error))
                continue
            if told:
                folded.pushed.append(Pushed(tenant_of(key), entry.position, told))
            elif tell and push_since and entry.recorded_at < push_since:
                folded.unpushed = entry.position
            if after is not before:
                rows[key] = folded.rows[key] = after
    return folded


def tenant_of(key: str) -> str:
    """The tenant that a key, like a stream's id, begins with."""
    return key.partition("/")[0]


def describe(error: Exception) -> str:
    """What failed and where, without the message: that may hold somebody's words."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} in {frames[-1].name}" if frames else type(error).__name__
