"""What the candidate's page can tell of, from when to when: what it could not tell of is not observed."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from domain.browser import BrowserKind
from domain.event import Command, Event
from domain.phase import RUNNING

if TYPE_CHECKING:
    from domain.session import Session

SILENT = "page"  # the fault of a session whose page has told before and is not heard any more

# Events of a session. Tags and field names are on disk for ever.


class PageObserved(Event, frozen=True, kw_only=True, tag="session.page_observed"):
    """Since `at` the candidate's page tells of these kinds of incident and of no others; of none while it is silent."""

    at: datetime
    kinds: tuple[BrowserKind, ...]


# Commands.


class ObservePage(Command, frozen=True, kw_only=True):
    at: datetime
    kinds: frozenset[BrowserKind]


# State.


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """`since` is when it began to tell of something; `told_at` when that changed last."""

    kinds: frozenset[BrowserKind] = frozenset()
    since: datetime | None = None
    told_at: datetime | None = None


def evolve(state: Page, event: PageObserved) -> Page:
    return Page(kinds=frozenset(event.kinds), since=state.since if state.kinds else event.at, told_at=event.at)


def decide(command: ObservePage, state: Session) -> tuple[PageObserved, ...]:
    """What was told before what is known, and came later, says nothing."""
    late = state.page.told_at is not None and command.at < state.page.told_at
    if late or state.phase not in RUNNING or command.kinds == state.page.kinds:
        return ()
    return (PageObserved(at=command.at, kinds=tuple(sorted(command.kinds))),)
