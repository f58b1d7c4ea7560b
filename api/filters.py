"""Filters that lists have in common: by state, and by a text; with counts, which are always of the whole list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Annotated

from litestar.params import QueryParameter

from domain.phase import Phase

Phases = Annotated[list[Phase] | None, QueryParameter(description="Sessions in one of these states; all by default")]
Text = Annotated[str, QueryParameter(max_length=100, description="Part of a name or number, in either case")]


def named(wanted: str, *texts: str | None) -> bool:
    """Whether one of the texts holds what is wanted. What has been erased holds nothing."""
    part = wanted.strip().casefold()
    return not part or any(part in text.casefold() for text in texts if text)


def counted(states: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(states).items()))
