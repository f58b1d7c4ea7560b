"""Sessions leave the database for verified bundles and come back byte for byte, whatever happens on the way."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random

import click
import psycopg
import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from commands import chats, keeping, requests
from commands.leaf import leaf
from commands.merkle import included
from commands.proofs import consistency, inclusions, latest, record_root
from commands.requests import Letter
from domain.archive import Archived, Away, BroughtBack
from domain.event import Refused
from domain.retention import ALL
from projections.models import MODELS
from projections.refold import compare
from tests.seaweed import Seaweed
from tests.vigil.archive_hall import (
    LATER,
    SAID,
    as_owner,
    back,
    checked,
    folded,
    leaving,
    random_session,
    rows_of,
    seal,
    shelf_of,
    standing,
    taken,
)
from tests.vigil.hall import Hall, until
from tests.vigil.test_doctor import looked
from tests.vigil.test_replay import replayed
from vigil import archive_desk, archiving, erasing, forgetting
from vigil import keeping as reacting
from vigil.archiving import NotArchived, ended, may_go
from vigil.bundle import Damaged, open_bundle
from vigil.cli import cli
from vigil.exports import write as export
from vigil.mending import rebuild
from vigil.shelf import decoder
from vigil.wiring import Core
from vigil.witnessing import check_ledger

SESSIONS = 5
POINTS = ("written", "checked", "told", "taken")


@pytest.fixture(autouse=True)
def the_desk_looks_at_it_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the candidate's time to appeal is over. The hall has a clock of its own."""
    monkeypatch.setattr(Core, "now", lambda _: datetime.now(UTC) + LATER)


def silent(_done: int, _all: int) -> None:
    """Progress that nobody asked for."""


async def test_random_sessions_go_and_come_back_byte_for_byte(hall: Hall, tmp_path: Path) -> None:
    chance, folder = Random(6), tmp_path / "bundles"
    sessions = [await random_session(hall, chance) for _ in range(SESSIONS)]
    before = {session: await rows_of(hall, session) for session in sessions}
    async with hall.core.pool.connection() as conn:
        mark = await latest(conn)
        roots = {s: await record_root(conn, "main", s, {r.stream: r.version for r in before[s]}) for s in sessions}
    assert mark
    for session in sessions[:-1]:
        await taken(hall, session, folder)
    for session in sessions[:-1]:
        rows = leaving(await rows_of(hall, session))
        assert rows == [row._replace(state=b"") for row in leaving(before[session])]
    async with hall.core.pool.connection() as conn:
        for session, was in roots.items():  # what seals rest on
            assert await record_root(conn, "main", session, was.streams) == was
        everything = [row for rows in before.values() for row in rows if row.position <= mark.position]
        found = await inclusions(conn, [row.position for row in everything], mark.size)
        for row, proof in zip(everything, found, strict=True):
            assert included(leaf(row), proof.index, proof.size, proof.path, mark.root)
        newer = await latest(conn)
        assert newer
        await consistency(conn, mark.size, newer.size)
    assert (await checked(hall)).difference is None
    for session in sessions[:-1]:
        assert (await back(hall, session, folder)).events == len(leaving(before[session]))
    for session in sessions:
        now = await rows_of(hall, session)
        assert [row for row in now if row in before[session]] == before[session]
        said = [event.bundle for event in await hall.events(session, Archived, BroughtBack)]  # type: ignore[attr-defined]
        assert len(said) == (0 if session == sessions[-1] else 2)
    found_again = await checked(hall)
    assert (found_again.difference, found_again.away) == (None, 0)


async def test_what_is_archived_says_so_and_where_and_how_it_comes_back(hall: Hall, tmp_path: Path) -> None:
    session, other = [await random_session(hall, Random(seed)) for seed in (1, 2)]
    bundle = (await taken(hall, session, tmp_path)).bundle
    said = f"archived in the bundle {bundle}; an operator brings it back with: vigil archive restore {bundle}"
    with pytest.raises(Away, match=said):
        await hall.state(session)
    with pytest.raises(Refused, match=said):
        await hall.say(partial(chats.send, session=session, side="candidate", text="More"))
    with pytest.raises(click.ClickException, match=said):
        await replayed(hall, session)
    with pytest.raises(click.ClickException, match=said):
        await export(hall.core.settings, "main", session, tmp_path / "export")
    await export(hall.core.settings, "main", other, tmp_path / "other")
    assert "as they were signed" in await check_ledger(hall.core.settings, [], silent)
    assert (await archive_desk.restore(hall.core.settings, bundle)).endswith("which stays where it is")
    assert (await replayed(hall, session))[-1]
    await export(hall.core.settings, "main", session, tmp_path / "export")
    await hall.say(partial(chats.send, session=session, side="invigilator", text="Good day"))


@pytest.mark.parametrize("point", POINTS)
async def test_a_kill_at_any_moment_loses_nothing_and_the_same_command_goes_on(
    hall: Hall, tmp_path: Path, point: str
) -> None:
    session, folder = await random_session(hall, Random(3)), tmp_path / "bundles"
    before = leaving(await rows_of(hall, session))
    assert await dies(hall, session, folder, point) == -signal.SIGKILL
    rows = leaving(await rows_of(hall, session))
    shelf = await shelf_of(hall, session)
    if point == "taken":
        assert shelf
        assert all(not row.state for row in rows)
        with pytest.raises(NotArchived, match="it is archived in"):
            await taken(hall, session, folder)
    else:
        assert shelf is None
        assert rows == before
        await taken(hall, session, folder)
    assert len([*folder.rglob("*.zip")]) == 1
    await back(hall, session, folder)
    assert len(await hall.events(session, Archived)) == 1
    assert leaving(await rows_of(hall, session)) == before


async def test_a_kill_while_it_comes_back_is_made_good_by_the_same_command(hall: Hall, tmp_path: Path) -> None:
    session, folder = await random_session(hall, Random(3)), tmp_path / "bundles"
    before = leaving(await rows_of(hall, session))
    bundle = (await taken(hall, session, folder)).bundle
    assert await dies(hall, session, folder, "back") == -signal.SIGKILL
    assert leaving(await rows_of(hall, session)) == before
    assert (await standing(hall, session)).shelved.bundle == bundle
    said = await archive_desk.restore(hall.core.settings, bundle)
    assert said == f"{session} was back already; its record says so now"
    for name in (bundle, str(folder / bundle)):
        with pytest.raises(click.ClickException, match="holds nothing that is not in the database"):
            await archive_desk.restore(hall.core.settings, name)
    assert not (await standing(hall, session)).shelved.bundle


async def dies(hall: Hall, session: str, folder: Path, point: str) -> int | None:
    """A process of its own that is killed at that point."""
    settings = folder.parent / "settings"
    settings.write_bytes(pickle.dumps(hall.core.settings))
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.vigil.interrupted_archive", str(settings), session, str(folder), point,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    async with asyncio.timeout(60):
        return await child.wait()


async def test_every_change_to_a_bundle_is_found_and_nothing_comes_back(hall: Hall, tmp_path: Path) -> None:
    chance, folder = Random(8), tmp_path / "bundles"
    session = await random_session(hall, chance)
    bundle = folder / (await taken(hall, session, folder)).bundle
    whole, keys = bundle.read_bytes(), [hall.core.signer.public]
    shelf = await shelf_of(hall, session)
    assert shelf
    async with as_owner(hall) as owner:
        for _ in range(60):
            at, bit = chance.randrange(len(whole)), 1 << chance.randrange(8)
            spoilt = whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :]
            with pytest.raises(Damaged, match=f"{shelf.bundle}: "):
                await archiving.bring_back(hall.core, owner, spoilt, shelf)
        for cut in (b"", whole[:-1], whole[: len(whole) // 2], whole + b"\0"):
            with pytest.raises(Damaged, match="not the one that was archived"):
                await archiving.bring_back(hall.core, owner, cut, shelf)
    assert all(not row.state for row in leaving(await rows_of(hall, session)))
    with pytest.raises(Damaged, match="signed by a key that is not this installation's"):
        open_bundle(whole, hall.core.signer.origin, [bytes(32)])
    bundle.chmod(0o600)
    bundle.write_bytes(whole[:100] + b"x" + whole[101:])
    with pytest.raises(click.ClickException, match=r"nothing was brought back: .*not the one that was archived"):
        await archive_desk.restore(hall.core.settings, shelf.bundle)
    bundle.write_bytes(whole)
    assert open_bundle(whole, hall.core.signer.origin, keys).session == session
    await archive_desk.restore(hall.core.settings, str(bundle))


async def test_what_lies_under_its_name_and_is_another_keeps_it_here(hall: Hall, tmp_path: Path) -> None:
    session = await random_session(hall, Random(5))
    name = (await taken(hall, session, tmp_path / "one")).bundle
    await back(hall, session, tmp_path / "one")
    (tmp_path / "two" / name).parent.mkdir(parents=True)
    (tmp_path / "two" / name).write_bytes(b"nothing")
    with pytest.raises(Damaged, match=f"{name}: it is no whole zip file"):
        await taken(hall, session, tmp_path / "two")
    assert await shelf_of(hall, session) is None
    await hall.state(session)


async def test_what_somebody_needs_stays_and_is_told_with_the_reason(hall: Hall, tmp_path: Path) -> None:
    held, asked, free = [await random_session(hall, Random(seed)) for seed in range(3)]
    going = await hall.sitting()
    hold = (await hall.say(partial(keeping.place_hold, session=held, reason="A claim")))["hold"]
    subject = (await hall.state(asked)).subject
    await hall.say(partial(requests.receive, letter=Letter(kind="access", subject=subject, channel="letter")))
    await folded(hall)
    told: list[str] = []
    settings = hall.core.settings

    async def take(*, dry_run: bool) -> list[str]:
        told.clear()
        assert await archive_desk.take(
            settings, str(tmp_path / "b"), tenant="main", schedule="", before=hall.clock(), dry_run=dry_run,
            write=told.append,
        )  # fmt: skip
        return sorted(told)

    first = await take(dry_run=True)
    assert not [*(tmp_path / "b").rglob("*.zip")]
    assert [line.split("  ", 1)[1].split(" ")[0] for line in first].count("would") == 1
    assert f"{free}  would go" in first
    assert f"{held}  stays: it is under a hold (person)" in first
    assert any(line.startswith(f"{asked}  stays: the request ") for line in first)
    assert not any(going in line for line in first)
    again = await take(dry_run=False)
    assert any(line.startswith(f"{free}  ") and " events in main/archive/" in line for line in again)
    await hall.say(partial(keeping.lift_hold, session=held, hold=hold, reason="Settled"))
    await folded(hall)
    last = await take(dry_run=False)
    assert any(line.startswith(f"{held}  ") and " events in " in line for line in last)
    assert any(line.startswith(f"{free}  stays: it is archived in ") for line in last)
    assert len(await archive_desk.listed(settings)) == 2
    with pytest.raises(click.ClickException, match="no session is over that fits this"):
        await archive_desk.take(
            settings, str(tmp_path / "b"), tenant="main", schedule="nothing", before=None, dry_run=True, write=print
        )


async def test_who_may_still_appeal_finds_their_record_here(hall: Hall, tmp_path: Path) -> None:
    session = await random_session(hall, Random(13))
    ended_at = (await hall.state(session)).ended_at
    assert ended_at
    until = ended_at + timedelta(days=28)
    async with hall.core.reading() as conn:
        (row,) = await ended(conn, "main")
    with pytest.raises(NotArchived, match=f"^the candidate may read it and appeal until {until:%Y-%m-%d}"):
        await may_go(hall.core, "main", row)
    hall.clock.ahead += timedelta(days=29)
    before = await hall.position()
    await may_go(hall.core, "main", row)
    assert await hall.position() == before
    await taken(hall, session, tmp_path)


async def test_two_at_once_archive_it_once(hall: Hall, tmp_path: Path) -> None:
    session = await random_session(hall, Random(14))
    before = leaving(await rows_of(hall, session))
    answers = await asyncio.gather(*(taken(hall, session, tmp_path) for _ in range(3)), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["NotArchived", "NotArchived", "Taken"], answers
    await back(hall, session, tmp_path)
    assert leaving(await rows_of(hall, session)) == before


async def test_what_was_recorded_meanwhile_is_not_left_out(
    hall: Hall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await random_session(hall, Random(4))
    say = archiving._say

    async def late(*args: object) -> None:
        await say(*args)  # type: ignore[arg-type]
        await hall.say(partial(chats.send, session=session, side="invigilator", text="By the way"))

    with monkeypatch.context() as patch:
        patch.setattr(archiving, "_say", late)
        with pytest.raises(NotArchived, match="has moved on since; archive it again"):
            await taken(hall, session, tmp_path)
    await folded(hall)
    await seal(hall, session)
    before = leaving(await rows_of(hall, session))
    await taken(hall, session, tmp_path)
    await back(hall, session, tmp_path)
    assert leaving(await rows_of(hall, session)) == before


async def test_models_are_rebuilt_out_of_the_bundles_and_not_at_all_without_them(hall: Hall, tmp_path: Path) -> None:
    session, folder = await random_session(hall, Random(7)), tmp_path / "bundles"
    bundle = (await taken(hall, session, folder)).bundle
    assert (await looked(hall.core.settings))[1]["archive"] == ("ok", "1 bundles, each where it was put")
    await folded(hall)
    lines, well = await rebuild(hall.core.settings, "all", silent)
    assert well, lines
    decode = decoder(hall.core.keys, hall.core.pool)
    async with hall.core.reading() as conn:
        for model in MODELS:
            assert await compare(conn, decode, model) == []
        before = await (await conn.execute("SELECT data::text FROM read.chat ORDER BY key")).fetchall()
    assert SAID in str(before)
    folder.rename(tmp_path / "elsewhere")
    lines, well = await rebuild(hall.core.settings, "chat", silent)
    assert not well
    assert "nothing is rebuilt" in lines[0]
    assert lines[1].startswith(f"{bundle}: is not in {folder.as_uri()}")
    assert "missing: " in "".join(await archive_desk.listed(hall.core.settings))
    held, found = (await looked(hall.core.settings))[1]["archive"]
    assert (held, found) == ("!!", "of 1 bundles 1 cannot be reached: see `vigil archive list`")
    said = await check_ledger(hall.core.settings, [], silent)
    assert "lie in bundles that cannot be reached" in said
    async with hall.core.reading() as conn:
        assert await (await conn.execute("SELECT data::text FROM read.chat ORDER BY key")).fetchall() == before
        assert await (await conn.execute("SELECT count(*) FROM read.parked")).fetchone() == (0,)
    await archive_desk.restore(hall.core.settings, str(tmp_path / "elsewhere" / bundle))
    assert (await rebuild(hall.core.settings, "chat", silent))[1]


async def test_who_is_archived_is_erased_without_being_brought_back(
    hall: Hall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quickly(monkeypatch)
    session = await random_session(hall, Random(9))
    subject = (await hall.state(session)).subject
    await taken(hall, session, tmp_path)
    assert any(SAID in text for text in await texts(hall))
    await asked_to_erase(hall, session, subject)
    async with hall.reacting():
        await until(partial(gone, hall, session), within_s=30)
    await folded(hall)
    assert not any(SAID in text for text in await texts(hall))
    assert await shelf_of(hall, session)
    assert (await checked(hall)).difference is None


async def test_keys_go_at_once_where_the_bundle_is_away_and_rows_when_it_is_there(
    hall: Hall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quickly(monkeypatch)
    session, folder = await random_session(hall, Random(9)), tmp_path / "bundles"
    subject = (await hall.state(session)).subject
    await taken(hall, session, folder)
    folder.rename(tmp_path / "elsewhere")
    await asked_to_erase(hall, session, subject)

    async def keys_are_gone() -> bool:
        query = "SELECT count(*) FROM keys.data WHERE session = %s AND wrapped IS NOT NULL"
        async with as_owner(hall) as owner:
            return await (await owner.execute(query, (session,))).fetchone() == (0,)

    async with hall.reacting():
        await until(keys_are_gone)
        await asyncio.sleep(1.5)
        assert (await standing(hall, session)).keeping.unfinished == ALL, "it is not said to be done"
        (tmp_path / "elsewhere").rename(folder)
        await until(partial(gone, hall, session), within_s=30)
    assert not any(SAID in text for text in await texts(hall))


async def test_what_is_archived_goes_when_its_time_is_over(
    hall: Hall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quickly(monkeypatch)
    session = await random_session(hall, Random(11))
    days = (await hall.state(session)).policy.record_kept_days
    await taken(hall, session, tmp_path)
    async with hall.reacting():
        hall.clock.ahead += timedelta(days=days + 1)
        await until(partial(gone, hall, session), within_s=30)
    assert not any(SAID in text for text in await texts(hall))
    assert await shelf_of(hall, session)


async def test_bundles_lie_in_a_bucket_as_well(hall: Hall, s3: Seaweed) -> None:
    session = await random_session(hall, Random(12))
    before, told = leaving(await rows_of(hall, session)), []
    take = partial(archive_desk.take, hall.core.settings, s3.url("archive"), tenant="main", before=None, dry_run=False)
    schedule = (await hall.state(session)).schedule
    assert await take(schedule=schedule, write=told.append)
    (line,) = told
    bundle = line.rpartition(" ")[2]
    (listed,) = await archive_desk.listed(hall.core.settings)
    assert bundle in listed
    assert (await rebuild(hall.core.settings, "timeline", silent))[1]
    await archive_desk.restore(hall.core.settings, bundle)
    assert leaving(await rows_of(hall, session)) == before


def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """One process runs here, which drops keys ten times a second."""
    for module, name, value in (
        (forgetting, "EVERY_S", 0.1), (erasing, "SETTLED_S", 0.5), (reacting, "EVERY_S", 0.1),
        (reacting, "AGED_EVERY_S", 0.2),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, value)


async def asked_to_erase(hall: Hall, session: str, subject: str) -> None:
    letter = Letter(kind="erasure", subject=subject, channel="form", session=session)
    name = (await hall.say(partial(requests.receive, letter=letter)))["request"]
    await hall.say(partial(requests.check_identity, name=name, proof="known"))
    await hall.say(partial(requests.grant, name=name))
    for who, officer in (("dora", True), ("adam", False)):
        use_case = partial(requests.execute, name=name, officer=officer, sessions=())
        await hall.core.act("main", who, f"execute {name}", use_case)


async def gone(hall: Hall, session: str) -> bool:
    kept = (await standing(hall, session)).keeping
    return kept.erased == ALL and not kept.unfinished


async def texts(hall: Hall) -> list[str]:
    """All that the read models hold."""
    found: list[str] = []
    async with hall.core.reading() as conn:
        for model in MODELS:
            found += [text async for (text,) in await conn.execute(f"SELECT data::text FROM read.{model.name}")]
    return found


async def test_the_command_tells_a_line_for_each_session(hall: Hall, tmp_path: Path) -> None:
    session = await random_session(hall, Random(15))
    settings, schedule = hall.core.settings, (await hall.state(session)).schedule
    environment = {
        "VIGIL_HOME": str(settings.home), "VIGIL_DATABASE_URL": settings.database_url,
        "VIGIL_NATS_URL": settings.nats_url, "VIGIL_OBJECTS_URL": settings.objects_url,
        "VIGIL_SECRET_FILE": str(settings.secret_file), "VIGIL_SIGNING_KEY_FILE": str(settings.signing_key_file),
    }  # fmt: skip

    async def vigil(*arguments: str) -> tuple[int | None, str]:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "vigil", *arguments, env={**os.environ, **environment}, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        out, _ = await child.communicate()
        return child.returncode, out.decode()

    code, said = await vigil("archive", schedule, str(tmp_path / "b"))
    assert (code, said.startswith(f"{session}  stays: the candidate may read it and appeal until ")) == (0, True)
    tomorrow = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}"
    assert (await vigil("archive", "--before", tomorrow, "--dry-run", str(tmp_path / "b")))[1] == said
    assert await vigil("archive", "list") == (0, "nothing is archived\n")
    bundle = (await taken(hall, session, tmp_path)).bundle
    assert bundle in (await vigil("archive", "list"))[1]
    assert (await vigil("archive", "restore", bundle))[0] == 0
    await hall.state(session)


async def test_no_role_but_the_owner_archives(hall: Hall, tmp_path: Path) -> None:
    session = await random_session(hall, Random(10))
    settings = hall.core.settings
    as_app = replace(settings, database_url=settings.database_url_for("app"))
    told: list[str] = []
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await archive_desk.take(
            as_app, str(tmp_path / "b"), tenant="main", schedule="", before=None, dry_run=False, write=told.append
        )
    assert await shelf_of(hall, session) is None
    result = CliRunner().invoke(cli, ["archive", "--before", "soon", str(tmp_path)], obj=settings)
    assert result.exit_code == 2
    assert "expected a date" in result.output
