"""`vigil rebuild` and `vigil poison` on a ledger that is in use."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import pytest
from psycopg import AsyncConnection

from api.opening import decoder
from commands.envelope import encode, tag_of
from domain.chat import MessageRead
from domain.recorded import Envelope
from projections.chat import CHAT
from projections.connection import connect
from projections.live import LIVE
from projections.models import MODELS
from projections.people import PEOPLE
from projections.refold import compare
from tests.projections.ledger import reached, until
from tests.vigil.hall import Hall
from vigil import embedded
from vigil.mending import list_poison, rebuild, retry_poison

NOTHING = ["nothing waits for a fix"]


async def read_often(hall: Hall, database: str, session: str, times: int) -> None:
    """A chat that was read over and over, written past all rules."""
    stream, envelope = f"main/chat/{session}", Envelope(actor="kim", command="c")
    async with await AsyncConnection.connect(database) as owner:
        event = MessageRead(message="m", by="kim")
        into = "COPY ledger.events (originator_id, originator_version, topic, state, recorded_at) FROM STDIN"
        async with owner.cursor().copy(into) as copy:
            for version in range(1, times + 1):
                state = encode(event, envelope, stream, version, hall.core.keys.held)
                await copy.write_row((stream, version, tag_of(event), state, hall.clock()))


async def test_all_models_are_rebuilt_and_it_is_said_up_to_where(hall: Hall) -> None:
    await hall.sitting()
    heard: list[tuple[int, int]] = []
    lines, well = await rebuild(hall.core.settings, "all", lambda at, head: heard.append((at, head)))
    assert well
    assert heard
    at, head = heard[-1]
    assert at == head
    assert [line.split()[0] for line in lines] == sorted(model.name for model in MODELS)
    assert all("was built afresh, up to position" in line for line in lines)
    async with await connect(hall.core.settings.database_url_for("project")) as conn:
        for model in MODELS:
            assert await compare(conn, decoder(hall.core.keys), model) == []


async def test_what_a_newer_program_keeps_is_left_alone_and_said(hall: Hall) -> None:
    async with await connect(hall.core.settings.database_url_for("project")) as conn:
        await until(lambda: reached(conn, PEOPLE, 0))
        await conn.execute("UPDATE read.position SET version = 99 WHERE model = 'people'")
    said, well = await rebuild(hall.core.settings, "people", lambda _at, _head: None)
    known = next(model.version for model in MODELS if model.name == "people")
    assert (said, well) == ([f"the model people has version 99 already; this program knows {known}"], False)


async def test_a_rebuild_that_is_killed_leaves_what_people_read(
    hall: Hall, servers: embedded.Servers, database: str
) -> None:
    session = await hall.sitting()
    await read_often(hall, database, session, 20_000)
    settings = hall.core.settings
    environment = {
        **os.environ, **servers.environment(),
        "VIGIL_DATABASE_URL": database, "VIGIL_OBJECTS_URL": settings.objects_url,
    }  # fmt: skip
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "vigil", "rebuild", "all", env=environment, start_new_session=True
    )
    async with await connect(settings.database_url_for("project")) as conn:

        async def half_built() -> bool:
            row = await (await conn.execute("SELECT max(position) FROM read.position WHERE NOT live")).fetchone()
            return row is not None and (row[0] or 0) >= 1000

        await until(half_built, within_s=60)
        os.killpg(child.pid, signal.SIGKILL)
        assert await child.wait() == -signal.SIGKILL
        lines, well = await rebuild(settings, "all", lambda _at, _head: None)
        assert (well, len(lines)) == (True, len(MODELS))
        left = await (await conn.execute("SELECT count(*) FROM read.position WHERE NOT live")).fetchone()
        made = "SELECT count(*) FROM pg_tables WHERE schemaname = 'read' AND tablename ~ '_v[0-9]+_[0-9]+$'"
        tables = await (await conn.execute(made)).fetchone()
        assert (left, tables) == ((0,), (len(MODELS),))
        for model in (LIVE, CHAT):
            assert await compare(conn, decoder(hall.core.keys), model) == []


async def test_poison_is_listed_and_taken_after_a_fix(hall: Hall, database: str) -> None:
    session = await hall.sitting()
    settings = hall.core.settings
    assert await list_poison(settings) == (NOTHING, True)
    await read_often(hall, database, session, 1)
    async with (
        await AsyncConnection.connect(database, autocommit=True) as owner,
        await connect(settings.database_url_for("project")) as conn,
    ):
        await owner.execute("SET session_replication_role = replica")  # past the trigger that forbids this
        cursor = await owner.execute(
            "UPDATE ledger.events SET state = 'x' || state WHERE topic = 'chat.message_read' RETURNING notification_id"
        )
        ((position,),) = await cursor.fetchall()
        await rebuild(settings, "chat", lambda _at, _head: None)
        for model in MODELS:  # what the projector parks is parked by then
            await until(lambda model=model: reached(conn, model, position))  # type: ignore[misc]
        (heading, *rows), well = await list_poison(settings)
        assert well
        assert heading.split() == ["model", "row", "position", "event", "since", "error"]
        assert rows[0].split()[:4] == ["chat", f"main/chat/{session}", str(position), "chat.message_read"]
        (said, _, row), well = await retry_poison(settings, "chat")
        assert (said, row.split(), well) == ("0 rows are up to date again, 1 still waits", rows[0].split(), False)
        await owner.execute("UPDATE ledger.events SET state = substr(state, 2) WHERE notification_id = %s", (position,))
        (said,), well = await retry_poison(settings, "all")
        assert well
        assert int(said.split()[0]) <= len(rows)  # a projector that has just begun tries what is parked as well
        assert await list_poison(settings) == (NOTHING, True)
        assert await compare(conn, decoder(hall.core.keys), CHAT) == []


def test_a_model_that_is_not_there_is_answered_with_those_that_are(hall: Hall) -> None:
    with pytest.raises(SystemExit, match=r"no model 'walls'; the models are .*live.*all"):
        asyncio.run(retry_poison(hall.core.settings, "walls"))
