"""The embedded servers start, stop in order, survive being killed, and leave nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import nats
import psutil
import psycopg
import pytest

from vigil import roles
from vigil.embedded import HomeInUse, ServerFailed, Servers, running, servers
from vigil.embedded.nats import run_nats
from vigil.embedded.place import remove
from vigil.settings import Settings, SettingsError, load
from vigil.signing import signer
from vigil.wiring import attached

PARENT = """
import sys, time
from pathlib import Path
from vigil.embedded import servers

with servers(Path(sys.argv[1])):
    print("up", flush=True)
    time.sleep(600)
"""

LOOP = """
import asyncio, sys
from pathlib import Path
from vigil.embedded import servers
from vigil.supervise import until_stopped

async def work():
    stopped = asyncio.ensure_future(until_stopped())
    await asyncio.sleep(0)  # from now on it listens to signals
    print("up", flush=True)
    await stopped

with servers(Path(sys.argv[1])):
    asyncio.run(work())
    print("stopping", flush=True)
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "home"
    remove(tmp_path / "home")


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home whose database has been made, for the tests that need not see that."""
    home = tmp_path_factory.mktemp("used")
    with servers(home, durable=False):
        pass
    yield home
    remove(home)


def parent(home: Path) -> subprocess.Popen[str]:
    """Another process that runs the servers of `home` until it is told to stop."""
    process = started(PARENT, home)
    assert process.stdout
    process.stdout.close()
    return process


def started(program: str, home: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", program, str(home)], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "up\n"
    return process


def processes(home: Path) -> list[psutil.Process]:
    """Every process that works in this home, servers and their workers alike."""
    folders = {(home / "postgres").resolve() / "data", home / "nats"}
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()) in folders:
                found.append(process)
        except psutil.Error:
            continue
    return found


def server_of(home: Path, name: str) -> psutil.Process | None:
    """The server itself, whose parent is this very process."""
    for process in processes(home):
        with suppress(psutil.NoSuchProcess):  # a worker may end while it is looked at
            if process.name() == name and process.ppid() == os.getpid() and lives(process):
                return process
    return None


def name_of(process: psutil.Process) -> str:
    """The name of its program, or nothing when it has ended meanwhile."""
    with suppress(psutil.NoSuchProcess):
        return process.name()
    return ""


def lives(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def answers(found: Servers) -> bool:
    try:
        with psycopg.connect(found.database_url) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def wait_until(held: Callable[[], bool], within_s: float = 20.0) -> None:
    until = time.monotonic() + within_s
    while not held():
        assert time.monotonic() < until, "it did not become so in time"
        time.sleep(0.02)


async def test_a_new_home_gets_a_database_a_message_server_and_a_folder(home: Path) -> None:
    began = time.monotonic()
    with servers(home) as found:
        print(f"first start: {time.monotonic() - began:.2f} s")
        assert answers(found)
        client = await nats.connect(found.nats_url)
        await client.jetstream().add_stream(name="kept", subjects=["kept"])
        await client.jetstream().publish("kept", b"word")
        await client.close()
        assert Path(urlsplit(found.objects_url).path).is_dir()
    assert processes(home) == []

    began = time.monotonic()
    with servers(home) as found:
        print(f"warm start: {time.monotonic() - began:.2f} s")
        client = await nats.connect(found.nats_url)
        assert (await client.jetstream().get_msg("kept", 1)).data == b"word"
        await client.close()
        began = time.monotonic()
    print(f"stop: {time.monotonic() - began:.2f} s")


def test_the_environment_completes_the_settings(used: Path) -> None:
    assert load({"VIGIL_HOME": str(used)}).embedded
    with servers(used) as found:
        settings = load(found.environment())
        assert not settings.embedded
        assert settings.database_url == found.database_url
        assert settings.home == used
        assert len(settings.master_secret()) == 32


def test_an_object_store_that_was_named_is_used_beside_the_embedded_servers(
    used: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = "s3://bucket/prefix?endpoint=https://s3.example.org"
    ran: list[Settings] = []

    async def body(settings: Settings, _: object) -> int:
        monkeypatch.delenv("VIGIL_OBJECTS_URL")  # in another terminal it is not set: whoever runs the servers knows it
        ran.extend([settings, attached(load())])
        monkeypatch.setenv("VIGIL_OBJECTS_URL", "s3://another")
        with pytest.raises(SettingsError, match="VIGIL_OBJECTS_URL: expected the object store that `vigil run`"):
            attached(load())
        return 0

    monkeypatch.setattr(roles, "_all", body)
    monkeypatch.setenv("VIGIL_HOME", str(used))
    monkeypatch.setenv("VIGIL_OBJECTS_URL", named)
    assert roles.run_all(load()) == 0
    assert [(settings.objects_url, settings.embedded) for settings in ran] == [(named, False)] * 2


def test_the_first_start_makes_the_secrets_and_no_other_does(home: Path) -> None:
    with servers(home, durable=False) as found:
        settings = load(found.environment())
        made = settings.master_secret(), signer(settings).fingerprint
    with servers(home, durable=False):
        assert (settings.master_secret(), signer(settings).fingerprint) == made
    settings.secret_file.unlink()
    settings.signing_key_file.unlink()
    with servers(home, durable=False):
        assert not settings.secret_file.exists()
        assert not settings.signing_key_file.exists()


def test_nobody_else_can_enter_and_no_other_folder_is_opened_up(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    home = tmp_path / "home"
    try:
        with servers(home, durable=False) as found:
            socket = Path(parse_qs(urlsplit(found.database_url).query)["host"][0])
            data = (home / "postgres").resolve() / "data"
            assert [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path, home, socket, data)] == [0o700] * 4
            assert stat.S_IMODE((home / "secret").stat().st_mode) == 0o600
            listening, owners = [], set()
            for process in processes(home):
                with suppress(psutil.NoSuchProcess):  # a worker may end while it is looked at
                    listening += [c.laddr.ip for c in process.net_connections("inet") if c.status == "LISTEN"]
                    owners |= {process.uids().real} if process.name() == "postgres" else set()
            assert listening == ["127.0.0.1"]
            assert owners
            assert 0 not in owners
    finally:
        remove(home)


async def test_nats_lets_nobody_in_without_the_token(used: Path) -> None:
    with servers(used) as found:
        address = urlsplit(found.nats_url).netloc.split("@")[1]
        with pytest.raises(nats.errors.Error, match="Authorization Violation"):
            await nats.connect(f"nats://{address}", allow_reconnect=False, max_reconnect_attempts=0)


def test_a_home_serves_one_process_and_tells_others_where(used: Path) -> None:
    assert running(used) is None
    with servers(used) as found:
        assert running(used) == found
        with pytest.raises(HomeInUse, match="stop it, or set another VIGIL_HOME"), servers(used):
            pass
    assert running(used) is None
    assert running(used / "nothing") is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_stops_everything_in_order(used: Path, number: signal.Signals) -> None:
    process = parent(used)
    assert {name_of(p) for p in processes(used)} >= {"postgres", "nats-server"}
    process.send_signal(number)
    assert process.wait(20) != 0
    assert processes(used) == []
    assert "database system is shut down" in (used / "logs" / "postgres.log").read_text()
    assert "Server Exiting" in (used / "logs" / "nats-server.log").read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_does_not_stop_the_stopping(used: Path, number: signal.Signals) -> None:
    process = started(LOOP, used)
    slow = [p for p in processes(used) if name_of(p) == "nats-server"]
    for server in slow:
        server.suspend()  # so that there is a while to ask again in
    process.send_signal(signal.SIGTERM)
    assert process.stdout
    assert process.stdout.readline() == "stopping\n"
    for _ in range(3):
        process.send_signal(number)
    for server in slow:
        server.resume()
    assert process.wait(30) == 0
    process.stdout.close()
    assert processes(used) == []


def test_after_a_kill_the_next_start_leaves_no_orphans_and_the_data_is_there(home: Path) -> None:
    process = parent(home)
    found = running(home)
    assert found
    with psycopg.connect(found.database_url) as connection:
        connection.execute("CREATE TABLE kept (word text)")
        connection.execute("INSERT INTO kept VALUES ('here')")
    process.kill()
    process.wait()
    orphans = processes(home)
    assert orphans

    began = time.monotonic()
    with servers(home) as found, psycopg.connect(found.database_url) as connection:
        print(f"start after a kill: {time.monotonic() - began:.2f} s")
        assert connection.execute("SELECT word FROM kept").fetchall() == [("here",)]
        assert not any(lives(orphan) for orphan in orphans)
    assert processes(home) == []


async def test_a_server_that_dies_is_started_again_where_it_was(used: Path) -> None:
    with servers(used) as found:
        client = await nats.connect(found.nats_url, max_reconnect_attempts=-1, reconnect_time_wait=0.05)
        heard = await client.subscribe("word")
        with psycopg.connect(found.database_url, autocommit=True) as connection:
            connection.execute("CREATE TABLE outlived AS SELECT 1 AS n")
        for name in ("nats-server", "postgres"):
            first = server_of(used, name)
            first.kill()
            wait_until(lambda first=first, name=name: server_of(used, name) not in (None, first))
        wait_until(lambda: answers(found))
        with psycopg.connect(found.database_url) as connection:
            assert connection.execute("SELECT n FROM outlived").fetchall() == [(1,)]
        async with asyncio.timeout(10):
            while not client.stats["reconnects"]:
                await asyncio.sleep(0.01)
        await client.publish("word", b"heard")
        assert (await heard.next_msg(5)).data == b"heard"
        await client.close()
    assert processes(used) == []


def test_a_database_that_crashed_recovers(used: Path) -> None:
    process = parent(used)
    found = running(used)
    assert found
    with psycopg.connect(found.database_url) as connection:
        connection.execute("CREATE TABLE committed AS SELECT 7 AS n")
    for left in [process, *processes(used)]:
        with suppress(psutil.NoSuchProcess):  # some end by themselves when others do
            left.kill()
    process.wait()
    assert ((used / "postgres").resolve() / "data" / "postmaster.pid").exists()

    with servers(used) as found, psycopg.connect(found.database_url) as connection:
        assert connection.execute("SELECT n FROM committed").fetchall() == [(7,)]
    assert "automatic recovery in progress" in (used / "logs" / "postgres.log").read_text()


def test_a_stale_process_id_of_somebody_else_is_left_alone(used: Path) -> None:
    """The number in a stale pid file may belong to a stranger by now."""
    stranger = subprocess.Popen(["sleep", "60"])
    pid_file = (used / "postgres").resolve() / "data" / "postmaster.pid"
    with servers(used):
        lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
    os.chown(pid_file, (stat_ := pid_file.parent.stat()).st_uid, stat_.st_gid)
    pid_file.chmod(0o600)
    try:
        with servers(used) as found:
            assert answers(found)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_process_id_that_was_never_written_down_stops_nobody(used: Path) -> None:
    """A crash between making the pid file and filling it leaves it empty."""
    pid_file = (used / "postgres").resolve() / "data" / "postmaster.pid"
    pid_file.touch(mode=0o600)
    os.chown(pid_file, (stat_ := pid_file.parent.stat()).st_uid, stat_.st_gid)
    with servers(used) as found:
        assert answers(found)
        assert pid_file.read_text()


def test_a_half_made_database_is_made_again(home: Path) -> None:
    with servers(home, durable=False):
        pass
    folder = (home / "postgres").resolve()
    (folder / "data").rename(folder / "data.new")  # as if the first start had been killed
    (folder / "data.new" / "PG_VERSION").unlink()
    with servers(home, durable=False) as found:
        assert answers(found)


def test_a_server_that_cannot_start_says_why(home: Path) -> None:
    home.mkdir()
    with servers(home, durable=False):
        pass
    ((home / "postgres").resolve() / "data" / "PG_VERSION").write_text("9\n")
    with pytest.raises(ServerFailed, match="version 9, which is not compatible"), servers(home):
        pass
    assert processes(home) == []


def test_two_homes_do_not_get_in_each_others_way(home: Path, used: Path) -> None:
    with servers(used) as one, servers(home, durable=False) as other:
        assert answers(one)
        assert answers(other)
        assert one.nats_url != other.nats_url


def test_a_long_path_still_gets_a_socket(tmp_path: Path) -> None:
    home = tmp_path / ("long-" * 20)
    try:
        with servers(home, durable=False) as found:
            assert answers(found)
    finally:
        remove(home)


def test_nats_tells_its_own_address_and_not_that_of_a_run_that_was_killed(tmp_path: Path) -> None:
    """The process that was killed may have had any number, and the next one the same."""
    folder = tmp_path / "nats"
    folder.mkdir()
    for number in (1, os.getpid()):
        (folder / f"nats-server_{number}.ports").write_text('{"nats": ["nats://127.0.0.1:1"]}')
    with run_nats(tmp_path):
        [server] = processes(tmp_path)
        assert [path.name for path in folder.glob("*.ports")] == [f"nats-server_{server.pid}.ports"]


def test_nats_ends_what_an_earlier_run_left_in_its_folder(tmp_path: Path) -> None:
    with run_nats(tmp_path):
        [first] = processes(tmp_path)
        with run_nats(tmp_path):
            [second] = processes(tmp_path)
            assert first != second
