"""One morning's exam, as all tests of the domain know it: opens at nine, closes at noon, takes two hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from domain.event import KeyClass, Private
from domain.policy import Policy, Window

NINE = datetime(2026, 6, 1, 9, tzinfo=UTC)
TWO_HOURS = 7200


def at(clock: str) -> datetime:
    """A time of that morning: `at("10:15")` or `at("10:15:30")`."""
    hours, minutes, seconds = (*map(int, clock.split(":")), 0)[:3]
    return NINE.replace(hour=hours, minute=minutes, second=seconds)


WINDOW = Window(opens_at=at("9:00"), last_entry_at=at("9:30"), closes_at=at("12:00"), time_zone="Europe/Vienna")
DAY_BEFORE = NINE - timedelta(days=1)
POLICY = Policy()


def private(text: str | None, key_class: KeyClass = "notes") -> Private:
    """A text about Ada in her session."""
    return Private("ada", text, session="s1", key_class=key_class)
