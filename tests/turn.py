"""A real TURN server for tests: coturn, from this machine or, when we are root on Debian, from its packages.

Vigil itself needs none to run or to be built, so on a machine where none can be had these tests are skipped and say so.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

SECRET = "north"
STARTS_S = 10
INSTALL_S = 300


@contextmanager
def coturn(folder: Path, *options: str) -> Iterator[int]:
    """A server on loopback that relays to loopback too; yields its port, for UDP and TCP alike."""
    program = found()
    if program is None:
        pytest.skip("no coturn is here and none could be installed")
    port = _free_port()
    command = [
        program, "-n", "--listening-ip=127.0.0.1", f"--listening-port={port}", f"--tls-listening-port={_free_port()}",
        "--relay-ip=127.0.0.1", "--allow-loopback-peers", "--use-auth-secret", f"--static-auth-secret={SECRET}",
        "--realm=vigil.test", "--no-cli", "--log-file=stdout", "--simple-log", f"--pidfile={folder / 'pid'}",
        f"--userdb={folder / 'users'}", *options,
    ]  # fmt: skip
    with (folder / "coturn.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait(server, port, folder / "coturn.log")
        yield port
    finally:
        server.kill()
        server.wait()


@cache
def found() -> str | None:
    """The path of the server's program."""
    if (path := shutil.which("turnserver")) or os.geteuid() != 0 or not shutil.which("apt-get"):
        return path
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "coturn"]):
        try:
            subprocess.run(
                ["apt-get", *step], env=environment, stdout=subprocess.DEVNULL, timeout=INSTALL_S, check=True
            )
        except subprocess.SubprocessError:
            return None
    return shutil.which("turnserver")


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    latest = time.monotonic() + STARTS_S
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < latest, log.read_text()
            time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
        tcp.bind(("127.0.0.1", 0))
        port: int = tcp.getsockname()[1]
        udp.bind(("127.0.0.1", port))
        return port
