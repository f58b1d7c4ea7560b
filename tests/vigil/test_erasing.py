"""Erasing as it is carried out: keys, objects, rows, files; after a crash, after a restore, and when times are over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import msgspec
import pytest
from psycopg import AsyncConnection

from api.opening import decoder
from commands import chats, keeping, requests, schedules
from commands.keys import Forgotten, KeyName
from commands.requests import Letter
from domain import record
from domain.erasure import Erased, ErasureFinished, Keeping, RetentionDue
from domain.hold import HoldLifted
from domain.retention import ALL
from domain.stream import Stream
from projections.models import MODELS
from projections.refold import compare
from tests.seaweed import Seaweed
from tests.vigil import studio
from tests.vigil.hall import Hall, a_hall, until
from vigil import erasing, forgetting
from vigil import keeping as reacting
from vigil.forgetting import sweep
from vigil.retention import preview
from vigil.settings import Settings
from vigil.wiring import core

SAID = "I have a headache today"
CLASSES = tuple(sorted(ALL))


@pytest.fixture(autouse=True)
def it_settles_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """One process runs here, which drops keys ten times a second."""
    monkeypatch.setattr(forgetting, "EVERY_S", 0.1)
    monkeypatch.setattr(erasing, "SETTLED_S", 0.5)
    monkeypatch.setattr(reacting, "EVERY_S", 0.1)
    monkeypatch.setattr(reacting, "AGED_EVERY_S", 0.2)


@pytest.fixture
async def owner(settings: Settings) -> AsyncIterator[AsyncConnection]:
    async with await AsyncConnection.connect(settings.database_url, autocommit=True) as connection:
        yield connection


async def test_what_was_erased_is_gone_from_keys_store_rows_and_memory(hall: Hall) -> None:
    session, other = await talked(hall), await talked(hall)
    await recorded(hall, session)
    before = await rows(hall, other)
    assert SAID in "".join(await rows(hall, session))
    await asked(hall, session)
    async with hall.reacting():
        await gone(hall, session)
    assert SAID not in "".join(await rows(hall, session))
    assert "Ada Lovelace" not in "".join(await rows(hall, session))
    assert await rows(hall, other) == before
    assert await hall.core.objects.list("main/media/") == ()
    subject = (await hall.state(session)).subject
    for one in CLASSES:
        with pytest.raises(Forgotten):
            await hall.core.keys.data_key(KeyName(subject, session, one))
    async with hall.core.reading() as conn:
        for model in MODELS:
            assert await compare(conn, decoder(hall.core.keys), model) == []
    finished = await hall.events(session, ErasureFinished)
    assert [event.classes for event in finished] == [CLASSES]  # type: ignore[attr-defined]


async def test_erasing_goes_on_wherever_a_crash_left_it(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    session = await talked(hall)
    await recorded(hall, session)
    await asked(hall, session)

    with monkeypatch.context() as broken:
        broken.setattr(erasing, "refold_session", dies)
        async with hall.reacting():
            await until(lambda: _no_objects(hall))
            await asyncio.sleep(0.5)
    assert not await hall.events(session, ErasureFinished)
    async with hall.reacting():
        await gone(hall, session)
    assert SAID not in "".join(await rows(hall, session))
    assert len(await hall.events(session, ErasureFinished)) == 1


async def test_what_the_store_keeps_of_what_was_deleted_is_told_wherever_a_crash_left_it(
    settings: Settings, s3: Seaweed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.admin.create_bucket(Bucket="versions", ObjectLockEnabledForBucket=True)
    url = s3.url("t", "versions")
    async with a_hall(msgspec.structs.replace(settings, home=tmp_path, objects_url=url)) as hall:
        session, silent = await talked(hall), await talked(hall)
        await recorded(hall, session)
        for name in (session, silent):
            await asked(hall, name)
        with monkeypatch.context() as broken:
            broken.setattr(erasing, "refold_session", dies)
            async with hall.reacting():
                await until(lambda: _no_objects(hall), within_s=30)
                await asyncio.sleep(0.5)
        async with hall.reacting():
            for name in (session, silent):
                await gone(hall, name)
        told = {name: [e.sealed_left for e in await hall.events(name, ErasureFinished)] for name in (session, silent)}  # type: ignore[attr-defined]
    assert told == {session: [True], silent: [False]}


async def test_keys_that_a_restore_brings_back_are_destroyed_again(hall: Hall, owner: AsyncConnection) -> None:
    session = await talked(hall)
    await asked(hall, session)
    kept = await (await owner.execute("SELECT class, wrapped FROM keys.data WHERE session = %s", (session,))).fetchall()
    async with hall.reacting():
        await gone(hall, session)
    for key_class, wrapped in kept:
        await owner.execute(
            "UPDATE keys.data SET wrapped = %s, destroyed_at = NULL WHERE session = %s AND class = %s",
            (wrapped, session, key_class),
        )
    assert await alive(owner, session) == len(kept)
    async with hall.reacting():
        await until(lambda: _none_alive(owner, session))


async def test_media_go_when_their_time_is_over_and_the_record_when_its_is(hall: Hall) -> None:
    session = await talked(hall)
    await hall.submit(session)
    policy = (await hall.state(session)).policy
    async with hall.reacting():
        hall.clock.ahead += timedelta(days=policy.media_kept_days) - timedelta(minutes=5)
        await asyncio.sleep(1)
        assert not await hall.events(session, RetentionDue)
        hall.clock.ahead += timedelta(minutes=10)
        await until(lambda: _finished(hall, session, 1), within_s=30)
        assert {*(await kept(hall, session)).erased} == {"media", "identity"}
        assert SAID in "".join(await rows(hall, session))
        hall.clock.ahead += timedelta(days=policy.record_kept_days)
        await until(lambda: _finished(hall, session, 2), within_s=30)
    assert SAID not in "".join(await rows(hall, session))
    erased = await hall.events(session, Erased)
    assert [event.by for event in erased] == [("system/react",)] * 2  # type: ignore[attr-defined]


async def test_who_never_came_is_forgotten_too(hall: Hall) -> None:
    plan, (withdrawn, expected) = await hall.plan(candidates=2)
    await hall.say(partial(schedules.withdraw, name=plan, session=withdrawn))
    async with hall.reacting():
        hall.clock.ahead += timedelta(days=730, hours=2)
        await until(lambda: _finished(hall, withdrawn, 1), within_s=30)
        assert (await kept(hall, withdrawn)).erased == {"media", "identity"}
        hall.clock.ahead += timedelta(hours=2)
        await gone(hall, withdrawn)
        await until(lambda: _phase(hall, expected, "no_show"))
        hall.clock.ahead += timedelta(days=731)
        await gone(hall, expected)
    assert "Ada Lovelace" not in "".join([*await rows(hall, withdrawn), *await rows(hall, expected)])


async def test_what_is_held_is_kept_until_the_hold_is_over(hall: Hall) -> None:
    session = await talked(hall)
    soon = hall.clock() + timedelta(hours=2)
    await hall.say(partial(keeping.place_hold, session=session, reason="A claim", until=soon))
    await asked(hall, session)
    async with hall.reacting():
        await asyncio.sleep(1)
        state = await kept(hall, session)
        assert (state.restricted, state.erased) == (True, frozenset())
        assert SAID in "".join(await rows(hall, session))
        hall.clock.ahead += timedelta(hours=3)
        await gone(hall, session)
    (lifted,) = await hall.events(session, HoldLifted)
    assert lifted.why == "expired"  # type: ignore[attr-defined]
    assert SAID not in "".join(await rows(hall, session))


async def test_what_goes_by_a_day_is_told_beforehand_and_nothing_is_changed(hall: Hall) -> None:
    session, held = await talked(hall), await talked(hall)
    for name in (session, held):
        await hall.submit(name)
    await hall.say(partial(keeping.place_hold, session=held, reason="A claim"))
    await rows(hall, held)
    settings, policy = hall.core.settings, (await hall.state(session)).policy
    assert await preview(settings, None, "main") == [f"nothing goes by {hall.clock():%Y-%m-%d}"]
    media = hall.clock() + timedelta(days=policy.media_kept_days)
    day = f"{media:%Y-%m-%d}"
    told = await preview(settings, media + timedelta(hours=1), "main")
    assert sorted(told) == sorted([f"{day}  {session}  media", f"{day}  {held}  media  held, so it waits"])
    assert len(await preview(settings, hall.clock() + timedelta(days=policy.record_kept_days + 1), "main")) == 4
    assert len(await preview(settings, media + timedelta(days=900), "another")) == 1
    assert not await hall.events(session, RetentionDue)


async def test_every_process_drops_what_another_one_destroyed(hall: Hall, settings: Settings) -> None:
    session = await talked(hall)
    name = KeyName((await hall.state(session)).subject, session, "chat")
    async with core(settings, "another") as there:  # as another process would
        await there.keys.fetch([name])
        assert there.keys.held(name)
        await hall.core.keys.destroy([name])
        await until(lambda: _dropped(there.keys.held, name))


async def test_the_disk_of_each_machine_is_swept(tmp_path: Path, hall: Hall) -> None:
    now = hall.clock()
    for name, session, began in (("old", "s1", now - timedelta(hours=1)), ("new", "s1", now + timedelta(hours=1)),
                                 ("other", "s2", now - timedelta(hours=1))):  # fmt: skip
        folder = tmp_path / "exports" / "main" / name
        folder.mkdir(parents=True)
        (folder / "job.json").write_bytes(msgspec.json.encode({"sessions": [session], "began_at": began}))
    for name in ("s1.camera", "s1.screen", "s2.camera"):
        (tmp_path / "spool" / "main" / name / "0001").mkdir(parents=True)
    sweep(tmp_path, {KeyName("ada", "s1", "media"): now})
    assert sorted(path.name for path in tmp_path.glob("exports/main/*")) == ["new", "other"]
    assert [path.name for path in tmp_path.glob("spool/main/*")] == ["s2.camera"]
    (tmp_path / "spool" / "main" / "s1.camera").mkdir()
    sweep(tmp_path, {KeyName("ada", "s1", "chat"): now})
    assert (tmp_path / "spool" / "main" / "s1.camera").exists()


async def dies(*_: object, **__: object) -> bool:
    raise RuntimeError


async def talked(hall: Hall) -> str:
    """A session in which the candidate has written something."""
    session = await hall.sitting()
    await hall.say(partial(chats.send, session=session, side="candidate", text=SAID))
    return session


async def recorded(hall: Hall, session: str) -> None:
    await studio.on_air(hall, session, ("camera",))
    await studio.deliver(hall, await studio.taped(hall, session, seconds=3))
    await studio.end(hall, session, ("camera",))


async def asked(hall: Hall, session: str) -> None:
    """The candidate has handed in and asks for erasing; two people say that it be done."""
    await hall.submit(session)
    subject = (await hall.state(session)).subject
    letter = Letter(kind="erasure", subject=subject, channel="form", session=session)
    name = (await hall.say(partial(requests.receive, letter=letter)))["request"]
    await hall.say(partial(requests.check_identity, name=name, proof="known"))
    await hall.say(partial(requests.grant, name=name))
    for who, officer in (("dora", True), ("adam", False)):
        use_case = partial(requests.execute, name=name, officer=officer, sessions=())
        await hall.core.act("main", who, f"execute {name}", use_case)


async def kept(hall: Hall, session: str) -> Keeping:
    stream = str(Stream("main", "record", session))
    return (await hall.core.handler.load(record.DECIDER, stream, fresh=True))[1].keeping


async def gone(hall: Hall, session: str) -> None:
    await until(lambda: _gone(hall, session), within_s=30)


async def _gone(hall: Hall, session: str) -> bool:
    state = await kept(hall, session)
    return state.erased == ALL and not state.unfinished


async def _phase(hall: Hall, session: str, wanted: str) -> bool:
    return await hall.phase(session) == wanted


async def _finished(hall: Hall, session: str, times: int) -> bool:
    return len(await hall.events(session, ErasureFinished)) == times


async def _no_objects(hall: Hall) -> bool:
    return not await hall.core.objects.list("main/media/")


async def _dropped(held: object, name: KeyName) -> bool:
    return held(name) is None  # type: ignore[operator]


async def alive(owner: AsyncConnection, session: str) -> int:
    query = "SELECT count(*) FROM keys.data WHERE session = %s AND wrapped IS NOT NULL"
    row = await (await owner.execute(query, (session,))).fetchone()
    assert row
    return int(row[0])


async def _none_alive(owner: AsyncConnection, session: str) -> bool:
    return await alive(owner, session) == 0


async def rows(hall: Hall, session: str) -> list[str]:
    """All that the read models have of a session, once they have caught up."""
    head = await hall.position()

    async def caught_up() -> bool:
        async with hall.core.reading() as conn:
            cursor = await conn.execute("SELECT bool_and(position >= %s) FROM read.position", (head,))
            return bool((await cursor.fetchone() or (False,))[0])

    await until(caught_up)
    found: list[str] = []
    async with hall.core.reading() as conn:
        for model in MODELS:
            cursor = await conn.execute(
                f"SELECT key || data::text FROM read.{model.name} WHERE strpos(key || data::text, %s) > 0 ORDER BY key",
                (session,),
            )
            found += [text for (text,) in await cursor.fetchall()]
    return found
