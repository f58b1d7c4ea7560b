"""The ledger of an installation, held against what somebody keeps outside."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import click
import pytest
from msgspec.structs import replace
from psycopg import AsyncConnection

from tests.vigil.hall import Hall, running, until
from tests.vigil.test_doctor import looked
from vigil.roles import notary
from vigil.witnessing import check_ledger


def silent(_done: int, _all: int) -> None:
    """Progress that nobody asked for."""


async def kept(hall: Hall, folder: Path) -> list[Path]:
    """The notes in the institution's folder, once the notary has told it."""
    folder.mkdir()
    core = dataclasses.replace(hall.core, settings=replace(hall.core.settings, witness_folder=folder))

    async def there() -> list[Path]:
        async with hall.core.pool.connection() as conn:
            cursor = await conn.execute("SELECT 1 FROM ledger.witnessed")
            return sorted(folder.iterdir()) if await cursor.fetchone() else []

    async with running(notary(core)):
        return await until(there, 20.0)


async def test_the_whole_ledger_is_held_against_what_is_kept_outside(hall: Hall, tmp_path: Path) -> None:
    await hall.sitting()
    notes = await kept(hall, tmp_path / "kept")
    said = await check_ledger(hall.core.settings, [tmp_path / "kept"], silent)
    assert said.endswith("as they were signed; 1 notes from outside agree")
    assert (await check_ledger(hall.core.settings, [], silent)).endswith("; no note from outside was given")
    settings = replace(hall.core.settings, witness_folder=tmp_path / "kept")
    held, found = (await looked(settings))[1]["witness"]
    assert held == "ok"
    assert "folder kept was told of" in found
    async with await AsyncConnection.connect(hall.core.settings.database_url) as owner:
        await owner.execute("SET LOCAL session_replication_role = replica")
        await owner.execute("""UPDATE ledger.events SET state = '{"event":{}}' WHERE notification_id = 2""")
    with pytest.raises(click.ClickException, match="the first difference: position 2 "):
        await check_ledger(hall.core.settings, notes, silent)


@pytest.mark.parametrize("content", ["", "nothing of the kind", '{"seal": 1}', "x\n1\nAAAA\n\n— x AAAA\n"])
async def test_what_is_no_checkpoint_of_ours_is_refused_by_name(hall: Hall, tmp_path: Path, content: str) -> None:
    (tmp_path / "kept").write_text(content)
    with pytest.raises(click.ClickException, match="kept: "):
        await check_ledger(hall.core.settings, [tmp_path / "kept"], silent)


async def test_nobody_outside_is_no_fault_and_is_told(hall: Hall) -> None:
    held, found = (await looked(hall.core.settings))[1]["witness"]
    assert held == "ok"
    assert found.startswith("nobody outside is told of checkpoints")


async def test_without_witnesses_the_notary_goes_on_all_the_same(hall: Hall) -> None:
    async with running(notary(hall.core)) as task:
        await asyncio.sleep(0.2)
        assert not task.done()
