"""A hall for each test, in a database of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.vigil.hall import Hall, a_hall
from vigil.settings import Settings


@pytest.fixture
async def hall(settings: Settings) -> AsyncIterator[Hall]:
    async with a_hall(settings) as hall:
        yield hall
