"""One server process: started in its own session, kept running, stopped by a signal, found again after a kill."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import psutil

log = logging.getLogger(__name__)

STOP_S = 20.0
POLL_S = 0.01
AGAIN_S = (0.1, 5.0)  # the first and the longest wait before a server that died is started again
STEADY_S = 30.0  # one that ran so long may be started again soon


class ServerFailed(Exception):
    """A server did not start; holds the end of what it wrote."""


class Account(NamedTuple):
    """The system user and group that a server runs as."""

    uid: int
    gid: int


class Server:
    """A running server and the file that it writes to. `start` starts the program, as often as it is called."""

    def __init__(self, name: str, start: Callable[[], subprocess.Popen[bytes]], log: Path) -> None:
        self._name, self._start, self.log = name, start, log
        self._ending = threading.Event()
        self._turn = threading.Lock()
        self.process = start()

    def check(self, deadline: float) -> None:
        """Raises `ServerFailed` when the server has ended, or when `deadline` (monotonic seconds) has passed."""
        code = self.process.poll()
        if code is None and time.monotonic() < deadline:
            return
        what = "is not ready in time" if code is None else f"ended with {code}"
        raise ServerFailed(f"{self.log.stem} {what}; the end of {self.log}:\n{last_lines(self.log)}")

    def keep(self, prepare: Callable[[], None] = lambda: None) -> None:
        """From now on a server that dies is started again, with the same arguments, after `prepare`."""
        threading.Thread(target=self._keep, args=(prepare,), name=f"keeps {self._name}", daemon=True).start()

    def stop(self) -> None:
        self._ending.set()
        with self._turn:
            _stop(self._name, self.process)

    def _keep(self, prepare: Callable[[], None]) -> None:
        pause_s, longest_s = AGAIN_S
        while True:
            began = time.monotonic()
            code = self.process.wait()
            if self._ending.is_set():
                return
            log.error("%s ended with %d and is started again", self._name, code)
            pause_s = AGAIN_S[0] if time.monotonic() - began > STEADY_S else min(2 * pause_s, longest_s)
            self._ending.wait(pause_s)
            with self._turn:
                if self._ending.is_set():
                    return
                try:
                    prepare()
                    self.process = self._start()
                except OSError:
                    log.exception("%s could not be started again; it is tried once more", self._name)


@contextmanager
def server(
    name: str, arguments: Sequence[str], *, folder: Path, home: Path, account: Account | None = None
) -> Iterator[Server]:
    """Runs the program `name` in a folder of its own and stops it at the end. Our environment is hidden from it."""
    running = Server(
        name, lambda: spawn(arguments, folder=folder, log=log_file(home, name), account=account), log_path(home, name)
    )
    try:
        yield running
    finally:
        running.stop()


def spawn(arguments: Sequence[str], *, folder: Path, log: Path, account: Account | None) -> subprocess.Popen[bytes]:
    """Starts a program in a session of its own, as `account` or as ourselves, with all its words going to `log`."""
    with log.open("wb") as output:
        return subprocess.Popen(
            arguments,
            cwd=folder,
            env={"PATH": os.defpath},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=() if account else None,
        )


def _stop(name: str, process: subprocess.Popen[bytes]) -> None:
    """Ends a server: PostgreSQL and NATS both take SIGINT for "close connections, write down, end"."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        log.warning("%s did not stop within %.0f s and is killed", name, STOP_S)
        process.kill()
        process.wait()


def end_left_behind(name: str, argument: str) -> None:
    """Ends the program `name` that was started with this argument by a parent which has been killed since.

    The argument is a path that no other server has, so no stale file and no reused process id can mislead; psutil
    compares the start time as well before it sends a signal. Working folders would tell the same, but a container's
    root may not look at those of other users.
    """
    deadline = time.monotonic() + STOP_S
    told: set[psutil.Process] = set()
    while left := set(_started_with(name, argument)):
        for process in left - told:
            log.warning("ending %s (process %d), left by an earlier run", name, process.pid)
            _signal(process, signal.SIGINT)
        if time.monotonic() > deadline:
            for process in left:
                _signal(process, signal.SIGKILL)
        told |= left
        time.sleep(POLL_S)


def _started_with(name: str, argument: str) -> Iterator[psutil.Process]:
    for process in psutil.process_iter(["name"]):
        if process.info["name"] == name:
            with suppress(psutil.Error):
                if argument in process.cmdline():
                    yield process


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)


def log_path(home: Path, name: str) -> Path:
    return home / "logs" / f"{name}.log"


def log_file(home: Path, name: str) -> Path:
    """Where a server writes in this run; what it wrote in the run before is kept beside it."""
    path = log_path(home, name)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if path.exists():
        path.replace(path.with_suffix(".log.old"))
    return path


def last_lines(path: Path) -> str:
    """The end of a log file, for an error message."""
    return "\n".join(path.read_text("utf-8", "replace").splitlines()[-12:])
