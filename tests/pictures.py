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

from tests import chromium
from tests.api.hall import a_hall
from tests.web.house import a_house
from tests.web.walk import walk
from vigil import embedded
from vigil.embedded.place import remove
from vigil.migrate import migrate
from vigil.settings import Settings, load


@contextmanager
def servers() -> Iterator[Settings]:
    """Servers in a home of their own, which is gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="vigil-pictures-"))
    try:
        with embedded.servers(home, durable=False) as running:
            asyncio.run(migrate(running.database_url))
            yield load(running.environment())
    finally:
        remove(home)


async def take(settings: Settings, folder: Path, only: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    async with a_hall(settings) as hall, chromium.running() as browser, a_house(hall) as house:
        async for visit in walk(browser, house, only):
            async for view in visit.views():
                await visit.page.screenshot(path=folder / f"{visit.stop.name}-{view}.png", full_page=True)
            print(visit.stop.name, *visit.heard, flush=True)


if __name__ == "__main__":
    folder, only = (*sys.argv[1:], "")[:2]
    with servers() as settings:
        asyncio.run(take(settings, Path(folder), only))
