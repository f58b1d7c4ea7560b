"""A whole installation in processes of its own, as `vigil run` starts it, that a test may kill and start again."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import psutil

from vigil import embedded
from vigil.settings import Settings, load


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def running(home: Path, **environment: str) -> AsyncIterator[Installation]:
    """One that can serve."""
    place = Installation(home, **environment)
    await place.start()
    try:
        await place.ready()
        yield place
    finally:
        await place.stop()


class Installation:
    """`vigil run` in a home of its own."""

    def __init__(self, home: Path, **environment: str) -> None:
        """`environment` comes on top of what the tests run with."""
        self.home = home
        self._given = environment
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self._process: asyncio.subprocess.Process | None = None
        self._log = (home.parent / "vigil.log").open("ab")

    @property
    def environment(self) -> Mapping[str, str]:
        weights = Path(os.environ.get("VIGIL_HOME") or "~/.vigil").expanduser() / "weights"
        if not (self.home / "weights").exists():
            self.home.mkdir(parents=True, exist_ok=True)
            (self.home / "weights").symlink_to(weights)
        return {
            **os.environ, "VIGIL_HOME": str(self.home), "VIGIL_PORT": str(self.port), "VIGIL_PUBLIC_URL": self.base,
            "VIGIL_PARENT": str(os.getpid()),  # it ends when these tests do, however they end
            **self._given,
        }  # fmt: skip

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "vigil", "run",
            env=dict(self.environment), stdout=self._log, stderr=self._log, start_new_session=True,
        )  # fmt: skip

    async def ready(self, within_s: float = 60) -> None:
        """Until it can serve."""
        async with asyncio.timeout(within_s), httpx.AsyncClient(base_url=self.base) as client:
            while True:
                try:
                    if (await client.get("/readyz")).is_success:
                        return
                except httpx.TransportError:
                    pass
                assert self._process
                assert self._process.returncode is None, "vigil run ended"
                await asyncio.sleep(0.2)

    def settings(self) -> Settings:
        """Settings of the servers that run now."""
        servers = embedded.running(self.home)
        assert servers is not None
        return load({**self.environment, **servers.environment()})

    def kill(self) -> int:
        """`kill -9` of every process at once: supervisor, roles, PostgreSQL and NATS. Returns how many there were."""
        assert self._process
        everyone = self.everyone()
        for process in everyone:
            try:
                process.send_signal(signal.SIGSTOP)  # so that nobody sees another one die first
            except psutil.NoSuchProcess:
                continue
        for process in everyone:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(everyone, timeout=10)
        return len(everyone)

    def everyone(self) -> list[psutil.Process]:
        """The process tree of `vigil run`. The servers have sessions of their own, but it is still their parent."""
        assert self._process
        root = psutil.Process(self._process.pid)
        return [root, *root.children(recursive=True)]

    async def process_of(self, role: str, within_s: float = 30) -> psutil.Process:
        """The process that runs a role, or a server by its program's name."""
        async with asyncio.timeout(within_s):
            while True:
                for process in self.everyone()[1:]:
                    try:
                        if process.name() == role or process.cmdline()[3:5] == ["run", role]:
                            return process
                    except psutil.Error:  # it ended meanwhile, or is not ours to look at
                        continue
                await asyncio.sleep(0.05)

    async def tell(self, number: signal.Signals, within_s: float = 30) -> int:
        """Sends a signal to `vigil run` alone and waits for its end. Returns its exit code."""
        assert self._process
        self._process.send_signal(number)
        return await self.ended(within_s)

    async def ended(self, within_s: float = 30) -> int:
        """The exit code of `vigil run`, once it has ended."""
        assert self._process
        return await asyncio.wait_for(self._process.wait(), within_s)

    async def stop(self) -> None:
        if self._process and self._process.returncode is None:
            self._process.terminate()
            await asyncio.wait_for(self._process.wait(), 40)
        self._log.close()
