"""`vigil retention`: what goes by itself by a day, and what a hold keeps; nothing is changed by asking."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from vigil.keeping import due_by, outdated
from vigil.settings import Settings
from vigil.wiring import attached, core


async def preview(settings: Settings, until: datetime | None, tenant: str) -> list[str]:
    """A line for each session and class of data that has been kept for long enough by then, the oldest first."""
    async with core(attached(settings), "retention") as here:
        at = until or datetime.now(UTC)
        async with here.reading() as conn:
            rows = await due_by(conn, at, tenant)
        found = [one for row in rows for one in await outdated(here, row, at)]
    if not found:
        return [f"nothing goes by {at:%Y-%m-%d}"]
    return [
        f"{one.since:%Y-%m-%d}  {one.row.session}  {one.what}{'  held, so it waits' if one.held else ''}"
        for one in sorted(found, key=lambda one: (one.since, one.row.session))
    ]


def day(text: str) -> datetime:
    """A date, or a time with its offset. Raises `click.BadParameter`."""
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter("expected a date such as 2027-01-31") from None
    return given if given.tzinfo else given.replace(tzinfo=UTC)
