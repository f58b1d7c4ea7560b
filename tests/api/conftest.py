"""One hall for the tests of a file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from tests.api.hall import Hall, a_hall


@pytest.fixture(scope="module")
async def hall(new_database: Callable[[], str], nats_url: str) -> AsyncIterator[Hall]:
    async with a_hall(new_database(), nats_url) as hall:
        yield hall
