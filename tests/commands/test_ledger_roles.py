"""Who may write to the ledger: nobody, but through its one function."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import AsyncConnection

from commands.ledger import (
    Appender,
)
from tests.commands.appends import command, writes

if TYPE_CHECKING:
    from tests.commands.conftest import Processes


STATEMENTS = {
    "insert": "INSERT INTO ledger.{} OVERRIDING SYSTEM VALUE SELECT * FROM ledger.{}",
    "update": "UPDATE ledger.{} SET recorded_at = now()",
    "delete": "DELETE FROM ledger.{}",
    "truncate": "TRUNCATE ledger.{}",
}


@pytest.mark.parametrize("role", ["app", "project", "keys", "notary"])
@pytest.mark.parametrize("table", ["events", "receipts"])
async def test_no_role_of_ours_writes_to_the_ledger_but_through_its_function(
    processes: Processes, role: str, table: str
) -> None:
    connection = await processes.connection(role)
    for statement in STATEMENTS.values():
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute(statement.format(table, table))


@pytest.mark.parametrize("role", ["project", "keys", "notary"])
async def test_only_the_application_may_append(processes: Processes, role: str) -> None:
    connection = await processes.connection(role)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await connection.execute(f"SELECT ledger.append({', '.join(['%s'] * 11)})", ["{}"] * 11)


@pytest.mark.parametrize("table", ["events", "receipts"])
@pytest.mark.parametrize("act", ["update", "delete", "truncate"])
async def test_even_the_owner_is_stopped_from_changing_what_was_recorded(
    appender: Appender, owner: AsyncConnection, table: str, act: str
) -> None:
    await appender.append(command(writes("tu/a/1")))
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        await owner.execute(STATEMENTS[act].format(table))
    rows = await owner.execute(f"SELECT count(*) FROM ledger.{table}")
    assert await rows.fetchone() == (1,)


async def test_the_application_cannot_choose_a_position_or_a_time(app: AsyncConnection) -> None:
    for statement in (
        "SELECT nextval(pg_get_serial_sequence('ledger.events', 'notification_id'))",
        "SET ROLE postgres",
    ):
        with pytest.raises(psycopg.Error):
            await app.execute(statement)
