"""A fresh database with an owner who writes the ledger, and connections as the projector and as the front door."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from psycopg import AsyncConnection

from projections.builds import prepare
from projections.models import MODELS
from tests.projections.ledger import TALLY, Ledger
from vigil.settings import as_role


@pytest.fixture
async def ledger(database: str) -> AsyncIterator[Ledger]:
    async with await AsyncConnection.connect(database, autocommit=True) as owner:
        yield Ledger(owner)


@pytest.fixture
def conninfo(database: str) -> str:
    """For the projector's own role."""
    return as_role(database, "project")


@pytest.fixture
async def project(conninfo: str) -> AsyncIterator[AsyncConnection]:
    """As the projector, with the tables of all models made."""
    async with await AsyncConnection.connect(conninfo, autocommit=True) as conn:
        await prepare(conn, (*MODELS, TALLY))
        yield conn


@pytest.fixture
async def app(database: str) -> AsyncIterator[AsyncConnection]:
    """As the front door."""
    async with await AsyncConnection.connect(as_role(database, "app"), autocommit=True) as conn:
        yield conn
