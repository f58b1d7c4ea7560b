"""One hall and one Chromium for the tests of a file."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from tests import chromium
from tests.api.conftest import hall

__all__ = ["hall"]


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium.running() as browser:
        yield browser
