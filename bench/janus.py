"""Debian's Janus, started in a folder of its own, for whoever sends and watches as they do with us.

It reads nothing of the machine's settings, takes orders on a socket in its folder, and ends with the folder. It refuses
loopback addresses, so it runs in a network of its own (`apart`), with whoever talks to it and out of reach of others.
Each publisher has a room (the videoroom plugin), recorded to .mjr files or not.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

ADDRESS = "10.99.0.1"
_APART = """ip link set lo up && ip link add hall0 type veth peer name hall1 && ip address add 10.99.0.1/32 dev hall0 &&
ip link set hall0 up && ip link set hall1 up && exec "$0" "$@" """
_SETTINGS = """
general: {{
    configs_folder = "{folder}"
    plugins_folder = "{folder}/plugins"
    transports_folder = "{folder}/transports"
    events_folder = "{folder}/none"
    loggers_folder = "{folder}/none"
    debug_level = 2
    session_timeout = 0
}}
nat: {{ ice_enforce_list = "10.99.0.1" }}
media: {{ ipv6 = false }}
"""
_ORDERS = 'general: {{ enabled = true, json = "compact", path = "{folder}/orders", type = "SOCK_SEQPACKET" }}\n'
_ROOM_FIRST = 1000
_MESSAGE_MAX = 1 << 16


def missing() -> str | None:
    """Why it cannot be measured here, and what would help; None when it can."""
    if shutil.which("janus") is None or _library("plugins/libjanus_videoroom.so*") is None:
        return "not run: there is no Janus here (on Debian: apt-get install janus)"
    if (
        not all(map(shutil.which, ("unshare", "setpriv", "ip")))
        or subprocess.run(apart("-c", ""), check=False).returncode
    ):
        return "not run: Janus takes no loopback address, and no network of its own can be made (unshare, setpriv, ip)"
    return None


def apart(*arguments: str) -> list[str]:
    """The command that runs Python with `arguments` in a network of its own, where `ADDRESS` is. Needs no root."""
    return ["unshare", "--user", "--map-root-user", "--net", "sh", "-c", _APART, sys.executable, *arguments]


def measured_apart(*arguments: str) -> float:
    """The number that Python prints with these arguments, in a network of its own."""
    folder = Path(__file__).parent.parent
    return float(subprocess.run(apart(*arguments), stdout=subprocess.PIPE, check=True, text=True, cwd=folder).stdout)


class Janus:
    """One server. `recording` says whether its rooms are recorded, into the folder."""

    def __init__(
        self, folder: Path, orders: socket.socket, server: asyncio.subprocess.Process, recording: bool
    ) -> None:
        self._folder, self._socket, self._server, self._recording = folder, orders, server, recording
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[str, asyncio.Future[Any]] = {}
        self._reading = asyncio.create_task(self._read())
        self._session = 0
        self._numbers = count(_ROOM_FIRST)
        self._rooms: dict[str, tuple[int, int]] = {}  # by publisher: room and feed
        self._watching: dict[str, int] = {}  # by viewer: handle

    @property
    def connections(self) -> int:
        """Publishers whose media has come: what is recorded has grown beyond its head."""
        return sum(one.stat().st_size > 10_000 for one in self._folder.glob("*-video-*.mjr"))

    def cpu_s(self) -> float:
        """CPU seconds of all its threads so far."""
        fields = Path(f"/proc/{self._server.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def answer(self, path: str, offer: str) -> str:
        """What comes to /watch/N is empty, and Janus offers; /watching/N brings the viewer's answer to that."""
        number = path.rpartition("/")[2]
        if path.startswith("/watching"):
            jsep = {"type": "answer", "sdp": offer}
            await self._ask(self._watching[number], {"request": "start"}, jsep)
            return ""
        handle = await self._attach()
        if path.startswith("/watch"):
            room, feed = next(iter(self._rooms.values()))
            self._watching[number] = handle
            join = {"request": "join", "ptype": "subscriber", "room": room, "streams": [{"feed": feed}]}
            return str((await self._ask(handle, join))["jsep"]["sdp"])
        room = next(self._numbers)
        create = {"request": "create", "room": room, "publishers": 1, "videocodec": "vp8", "fir_freq": 0}
        await self._ask(handle, create | {"record": self._recording, "rec_dir": str(self._folder)})
        joined = await self._ask(handle, {"request": "join", "ptype": "publisher", "room": room})
        self._rooms[path] = room, joined["plugindata"]["data"]["id"]
        said = await self._ask(handle, {"request": "configure"}, {"type": "offer", "sdp": offer})
        return str(said["jsep"]["sdp"])

    async def open(self) -> None:
        self._session = (await self._order(janus="create"))["data"]["id"]

    async def close(self) -> dict[str, int]:
        self._reading.cancel()
        self._socket.close()
        videos, sounds = (_recorded(self._folder, kind) for kind in ("video", "audio"))
        return {"frames": sum(packet[1] > 127 for packet in videos), "sounds": sum(1 for _ in sounds)}

    async def finish(self) -> float:
        """What `janus-pp-rec` would do is not measured."""
        return 0.0

    async def _attach(self) -> int:
        attached = await self._order(janus="attach", session_id=self._session, plugin="janus.plugin.videoroom")
        return int(attached["data"]["id"])

    async def _ask(self, handle: int, body: dict[str, object], jsep: dict[str, str] | None = None) -> Any:  # noqa: ANN401
        more: dict[str, object] = {"jsep": jsep} if jsep else {}
        return await self._order(janus="message", session_id=self._session, handle_id=handle, body=body, **more)

    async def _order(self, **message: object) -> Any:  # noqa: ANN401  # JSON
        transaction = secrets.token_hex(8)
        answer = self._waiting[transaction] = self._loop.create_future()
        order = json.dumps(message | {"transaction": transaction})
        await self._loop.sock_sendall(self._socket, order.encode())
        said = await asyncio.wait_for(answer, 20)
        if said["janus"] == "error" or "error" in said.get("plugindata", {}).get("data", {}):
            raise RuntimeError(f"Janus refused: {said}")
        return said

    async def _read(self) -> None:
        """An order is answered by `success`, or by `ack` first and its event after that."""
        while data := await self._loop.sock_recv(self._socket, _MESSAGE_MAX):
            said = json.loads(data)
            if said["janus"] != "ack" and (waiting := self._waiting.pop(said.get("transaction", ""), None)):
                waiting.set_result(said)


@asynccontextmanager
async def running(folder: Path, *, recording: bool) -> AsyncIterator[Janus]:
    """Starts it in `folder`; it is gone afterwards. It inherits the core that the caller is pinned to."""
    for kind, name in (("plugins", "libjanus_videoroom.so*"), ("transports", "libjanus_pfunix.so*")):
        (folder / kind).mkdir()
        library = _library(f"{kind}/{name}")
        assert library is not None
        (folder / kind / name.rstrip("*")).symlink_to(library)
    (folder / "none").mkdir()
    (folder / "janus.jcfg").write_text(_SETTINGS.format(folder=folder))
    (folder / "janus.transport.pfunix.jcfg").write_text(_ORDERS.format(folder=folder))
    (folder / "janus.plugin.videoroom.jcfg").write_text("general: {}\n")
    command = ("setpriv", "--pdeathsig", "KILL", "janus", "-F", str(folder), "-L", str(folder / "log"), "-N")
    silent = asyncio.subprocess.DEVNULL
    server = await asyncio.create_subprocess_exec(*command, stdout=silent, stderr=silent)
    try:
        orders = await _connected(folder / "orders", server)
        janus = Janus(folder, orders, server, recording)
        await janus.open()
        try:
            yield janus
        finally:
            await janus.close()
    finally:
        with contextlib.suppress(ProcessLookupError):
            server.kill()
        await server.wait()


async def _connected(path: Path, server: asyncio.subprocess.Process) -> socket.socket:
    orders = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    orders.setblocking(False)
    for _ in range(200):
        with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
            orders.connect(str(path))
            return orders
        if server.returncode is not None:
            break
        await asyncio.sleep(0.05)
    orders.close()
    raise RuntimeError(f"Janus does not start: {(path.parent / 'log').read_text()[-500:]}")


def _recorded(folder: Path, kind: str) -> Iterator[bytes]:
    """The RTP packets in the .mjr files: a mark and a head in JSON, and before each packet a mark, a time, a length."""
    for file in folder.glob(f"*-{kind}-*.mjr"):
        data = file.read_bytes()
        at = 10 + int.from_bytes(data[8:10])
        while data[at : at + 4] == b"MEET":
            size = int.from_bytes(data[at + 8 : at + 10])
            yield data[at + 10 : at + 10 + size]
            at += 10 + size


def _library(pattern: str) -> Path | None:
    places = (Path("/usr/lib"), Path("/usr/local/lib"))
    found = (one for place in places for one in (*place.glob(f"janus/{pattern}"), *place.glob(f"*/janus/{pattern}")))
    return next(found, None)
