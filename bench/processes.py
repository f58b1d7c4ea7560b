"""Benchmarks in processes of their own: started, told and heard line by line, and WHIP at its smallest between them."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import uvicorn

Answer = Callable[[str, str], Awaitable[str]]

ENDS_WITHIN_S = 10


@contextmanager
def process(module: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """When the body ends its input does, which tells it to clear up; it is killed where it does not end by itself."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent
    ) as started:
        try:
            yield started
        finally:
            assert started.stdin is not None
            with suppress(BrokenPipeError):
                started.stdin.close()
            with suppress(subprocess.TimeoutExpired):
                started.wait(ENDS_WITHIN_S)
            started.kill()


def tell(process: subprocess.Popen[str], line: str = "go") -> None:
    assert process.stdin is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


def hear(process: subprocess.Popen[str]) -> Any:  # noqa: ANN401  # JSON
    """What the next line says. RuntimeError when the process has ended."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"{process.args} has ended")
    return json.loads(line)


def say(what: object) -> None:
    """For the process at the other end: `what`, to be heard."""
    print(json.dumps(what), flush=True)


async def told() -> str:
    """The next line from the other end, without its end; nothing when it is gone."""
    return (await asyncio.to_thread(sys.stdin.readline)).strip()


def expect(process: subprocess.Popen[str], word: str) -> None:
    if (heard := hear(process)) != word:
        raise RuntimeError(f"expected {word!r}, got {heard!r}")


def pin(core: int) -> None:
    """This process and what it starts have one core from now on: 0 is the first that it may use, -1 the last."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[core]})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def serving(port: int, answer: Answer) -> AsyncIterator[None]:
    """Answers offers at every path while the body runs."""
    config = uvicorn.Config(_app(answer), host="127.0.0.1", port=port, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await task


def _app(answer: Answer) -> Callable[..., Awaitable[None]]:
    """WHIP at its smallest: an offer in, the answer out."""

    async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401  # ASGI
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        text = await answer(scope["path"], body.decode())
        headers = [(b"location", scope["path"].encode()), (b"content-type", b"application/sdp")]
        await send({"type": "http.response.start", "status": 201, "headers": headers})
        await send({"type": "http.response.body", "body": text.encode()})

    return app
