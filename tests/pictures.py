"""`python -m tests.pictures FOLDER [NAME]` takes pictures of every page, or of those with NAME in their names.

Of each at a desk and on a telephone, light and dark. They are of the house that tests/web/test_every_page.py walks
through, with everything that it makes sure of.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.async_api import Page

from tests import chromium
from tests.api.hall import a_hall
from tests.api.test_pages import a_media_worker
from tests.web.house import a_house
from tests.web.looking import a_page
from tests.web.seat import a_seat, sitting
from tests.web.walk import DESK, views, walk
from vigil import embedded
from vigil.embedded.place import remove
from vigil.migrate import migrate
from vigil.settings import Settings, load

SEAT = "seat-"  # what the pictures of a candidate's way through an exam begin with


@contextmanager
def servers() -> Iterator[Settings]:
    """Servers in a home of their own, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="vigil-pictures-") as name:
        home = Path(name)
        try:
            with embedded.servers(home, durable=False) as running:
                asyncio.run(migrate(running.database_url))
                yield load(running.environment())
        finally:
            remove(home)


async def take(settings: Settings, folder: Path, only: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    async with a_hall(settings) as hall, chromium.running() as browser:
        async with a_house(hall) as house:
            async for visit in walk(browser, house, only):
                await _shown(visit.page, folder / visit.stop.name)
                print(visit.stop.name, *visit.heard, flush=True)
        if SEAT.startswith(only) or only.startswith(SEAT):
            async with (
                a_media_worker(hall, "pictures", settings.home / "spool"),
                a_page(browser, viewport=DESK) as page,
            ):
                async for stop in sitting(page, await a_seat(hall)):
                    await _shown(page, folder / f"{SEAT}{stop}")
                    print(f"{SEAT}{stop}", flush=True)


async def _shown(page: Page, name: Path) -> None:
    async for view in views(page):
        await page.screenshot(path=f"{name}-{view}.png", full_page=True)


if __name__ == "__main__":
    folder, only = (*sys.argv[1:], "")[:2]
    with servers() as settings:
        asyncio.run(take(settings, Path(folder), only))
