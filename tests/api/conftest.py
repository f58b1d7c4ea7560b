"""One hall for the tests of a file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from tests.api.hall import Hall, a_hall
from vigil.embedded import Servers
from vigil.settings import load


@pytest.fixture(scope="module")
async def hall(
    servers: Servers, new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Hall]:
    objects = tmp_path_factory.mktemp("objects").as_uri()
    environment = servers.environment() | {"VIGIL_DATABASE_URL": new_database(), "VIGIL_OBJECTS_URL": objects}
    async with a_hall(load(environment)) as hall:
        yield hall
