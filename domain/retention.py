"""How long what is kept of a session may be kept, by the policy that was frozen at its start. Media go first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal, get_args

from domain.event import KeyClass

Kept = Literal["media", "record"]

ALL: frozenset[KeyClass] = frozenset(get_args(KeyClass))
# What goes when its time is over. Events stay for good, the logs of AI among them: they hold pseudonyms only.
CLASSES: Mapping[Kept, frozenset[KeyClass]] = {"media": frozenset({"media", "identity"}), "record": ALL}


def due(ended_at: datetime, *, media_kept_days: int, record_kept_days: int) -> dict[Kept, datetime]:
    """When each of it has been kept for long enough. Times are counted from the end of the session."""
    return {
        "media": ended_at + timedelta(days=min(media_kept_days, record_kept_days)),
        "record": ended_at + timedelta(days=record_kept_days),
    }
