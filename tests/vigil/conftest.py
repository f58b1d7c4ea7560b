"""A hall for each test, in a database of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.vigil.hall import Hall, a_hall
from vigil.settings import Settings


@pytest.fixture
async def hall(settings: Settings, tmp_path: Path) -> AsyncIterator[Hall]:
    async with a_hall(replace(settings, home=tmp_path)) as hall:
        yield hall
