"""Times by the clock of a candidate's device, with how far that clock is ahead of ours."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import msgspec

from api.problems import Denied

DeviceTime = Annotated[datetime, msgspec.Meta(tz=True)]
Skew = Annotated[float, msgspec.Meta(ge=-1e12, le=1e12)]
"""Milliseconds."""


def by_our_clock(at: datetime, skew_ms: float, *, field: str) -> datetime:
    """Raises `Denied` 422 where there is no such time."""
    try:
        return at - timedelta(milliseconds=skew_ms)
    except OverflowError:
        raise Denied(422, "invalid", "a time in this century is expected", field=field) from None
