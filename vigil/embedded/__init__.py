"""PostgreSQL and NATS for one machine: started on private sockets and loopback ports, with their data under one home.

    with servers(settings.home) as running:
        settings = load({**os.environ, **running.environment()})

The servers run in their own process sessions, so that Ctrl-C in a terminal reaches this process alone, which stops them
in order. When this process was killed, the next start in the same home ends what it finds and starts afresh.
"""

from __future__ import annotations

import fcntl
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

import msgspec

from vigil.embedded.nats import run_nats
from vigil.embedded.postgresql import run_postgresql
from vigil.embedded.process import ServerFailed
from vigil.secret import make_secret
from vigil.settings import folder_of_objects, variables

__all__ = ["HomeInUse", "ServerFailed", "Servers", "running", "servers"]


class Servers(msgspec.Struct, frozen=True, kw_only=True):
    """Where the servers of one home answer. The URLs let in whoever has them: treat them as secrets."""

    home: Path
    database_url: str  # as the owner of the database, `vigil_owner`
    nats_url: str
    objects_url: str

    def environment(self) -> dict[str, str]:
        """The same as environment variables, for `settings.load` and for processes started from here."""
        return variables(msgspec.structs.asdict(self))


class HomeInUse(Exception):
    """Another process runs the servers of this home."""


@contextmanager
def servers(home: Path, *, objects_url: str = "", durable: bool = True) -> Iterator[Servers]:
    """Starts the servers of `home` (made if it is not there) and stops them at the end, NATS before PostgreSQL.

    Objects lie in a folder of the home, unless another store is named, which is then told to whoever asks.
    Not durable means that PostgreSQL does not wait for the disk: for tests that throw everything away. While the body
    runs, a SIGTERM or SIGHUP that nobody else handles ends it like Ctrl-C does. Raises `HomeInUse` or `ServerFailed`.
    """
    home = home.expanduser().resolve()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _terminable() as stopping, ExitStack() as stack:
        try:
            stack.enter_context(_lock(home))
            _note(home).unlink(missing_ok=True)  # of a run that was killed
            if not (home / "postgres").exists():  # with the first database only: later, one that is missing is lost
                make_secret(home / "secret")
                make_secret(home / "signing.key")
            if not objects_url:
                (home / "objects").mkdir(mode=0o700, exist_ok=True)
                objects_url = folder_of_objects(home)
            database_url = stack.enter_context(run_postgresql(home, durable=durable))
            nats_url = stack.enter_context(run_nats(home))
            found = Servers(home=home, database_url=database_url, nats_url=nats_url, objects_url=objects_url)
            stack.enter_context(_announced(found))
            yield found
        finally:
            stopping()


def running(home: Path) -> Servers | None:
    """The servers that another process runs for this home at this moment, if any."""
    home = home.expanduser().resolve()
    try:
        with _lock(home):
            return None
    except FileNotFoundError:
        return None
    except HomeInUse:
        try:
            return msgspec.json.decode(_note(home).read_bytes(), type=Servers, dec_hook=lambda kind, value: kind(value))
        except FileNotFoundError:
            return None  # starting, or stopping


def _note(home: Path) -> Path:
    return home / "servers.json"


@contextmanager
def _announced(found: Servers) -> Iterator[None]:
    note, draft = _note(found.home), found.home / "servers.json.new"
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(msgspec.json.encode(found, enc_hook=str))
    draft.replace(note)
    try:
        yield
    finally:
        note.unlink(missing_ok=True)


@contextmanager
def _lock(home: Path) -> Iterator[None]:
    """Held by the kernel for as long as this process lives, so that a kill leaves nothing to clear away."""
    handle = os.open(home / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise HomeInUse(f"another process runs the servers of {home}; stop it, or set another VIGIL_HOME") from None
    else:
        yield
    finally:
        os.close(handle)


@contextmanager
def _terminable() -> Iterator[Callable[[], None]]:
    """Makes SIGTERM and SIGHUP end the body in order, not this process on the spot. A second one changes nothing.

    Yields what is to be called when stopping begins: from then on, Ctrl-C too changes nothing. An event loop that ran
    in the body has given the signals their old power back. Only where they had it in the beginning: handlers of others,
    and threads, which have none, are left alone.
    """
    main = threading.current_thread() is threading.main_thread()
    usual = {signal.SIGTERM: signal.SIG_DFL, signal.SIGHUP: signal.SIG_DFL, signal.SIGINT: signal.default_int_handler}
    ours = {number: handler for number, handler in usual.items() if main and signal.getsignal(number) == handler}
    asked = False

    def end(number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if not asked:
            asked = True
            raise SystemExit(128 + number)

    def stopping() -> None:
        for number in ours:
            signal.signal(number, signal.SIG_IGN)

    for number in ours.keys() - {signal.SIGINT}:  # which raises by itself
        signal.signal(number, end)
    try:
        yield stopping
    finally:
        for number, handler in ours.items():
            signal.signal(number, handler)
