"""The front door leaves signals to the process that it runs in, which stops its roles in order."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from msgspec.structs import replace

from tests.e2e.installation import free_port
from vigil.roles import _environment
from vigil.settings import Settings, variables

PROCESS = """
import asyncio, signal
import httpx
from vigil.door import serve
from vigil.settings import load
from vigil.wiring import core

async def main():
    settings, asked = load(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asked.set)
    async with core(settings, "serve") as here, httpx.AsyncClient() as client:
        serving = asyncio.create_task(serve(here))

        async def status():
            return (await client.get(f"http://127.0.0.1:{settings.port}/healthz")).status_code

        while True:
            try:
                print(await status(), flush=True)
                break
            except httpx.TransportError:
                await asyncio.sleep(0.05)
        await asked.wait()
        await asyncio.sleep(1)  # a server that had taken the signal for its own would have closed by now
        print(await status(), flush=True)
        serving.cancel()
        await asyncio.wait([serving])
        print("closed", flush=True)

asyncio.run(main())
"""


async def test_it_serves_on_after_a_sigterm_until_the_process_ends_it(settings: Settings) -> None:
    here = replace(settings, port=free_port())
    environment = {**os.environ, **_environment(here), **variables({"port": here.port})}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROCESS, env=environment, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    try:
        async with asyncio.timeout(60):
            assert await process.stdout.readline() == b"200\n"
            process.send_signal(signal.SIGTERM)
            assert await process.stdout.read() == b"200\nclosed\n"
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
