"""What ends a stream, and that it is heard of while nothing happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from litestar import Litestar, Request, get

from api import event_stream
from api.callers import anybody
from api.event_stream import BEAT, EventStream, beaten
from api.metrics import Metrics
from tests.serving import serving


@get("/flood", guards=[anybody])
async def flood(request: Request) -> EventStream:
    async def source() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"data: 1\n\n" * 20_000
        finally:
            request.app.state.closed.set()

    return EventStream(request, source(), name="flood")


@get("/break", guards=[anybody])
async def broken(request: Request) -> EventStream:
    async def source() -> AsyncIterator[bytes]:
        yield b"data: 1\n\n"
        raise ConnectionError("somebody's words")

    return EventStream(request, source(), name="broken")


@pytest.fixture
async def app() -> Litestar:
    app = Litestar([flood, broken], openapi_config=None, logging_config=None)
    app.state.metrics, app.state.closed = Metrics(), asyncio.Event()
    return app


def counted(app: Litestar, name: str) -> float | None:
    return app.state.metrics.registry.get_sample_value(name, {"stream": "flood"})


async def test_a_reader_that_stalls_is_dropped_and_counted(app: Litestar, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "STALLED_S", 0.3)
    async with serving(app) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(url).port)
        writer.write(b"GET /flood HTTP/1.1\r\nHost: x\r\n\r\n")  # and nothing is ever read
        async with asyncio.timeout(10):
            await app.state.closed.wait()
        assert counted(app, "vigil_streams_dropped_total") == 1
        assert counted(app, "vigil_streams_open") == 0
        writer.close()
        del reader


async def test_a_reader_that_goes_leaves_nothing_behind(app: Litestar) -> None:
    async with serving(app) as url, httpx.AsyncClient() as client:
        async with client.stream("GET", f"{url}/flood") as answer:
            await anext(answer.aiter_bytes())
            assert counted(app, "vigil_streams_open") == 1
        async with asyncio.timeout(5):
            await app.state.closed.wait()
            while counted(app, "vigil_streams_open") != 0:
                await asyncio.sleep(0.01)
        assert counted(app, "vigil_streams_dropped_total") is None


async def test_a_stream_that_breaks_ends_in_order(app: Litestar, caplog: pytest.LogCaptureFixture) -> None:
    async with serving(app) as url, httpx.AsyncClient() as client:
        answer = await client.get(f"{url}/break")
    assert answer.text == "data: 1\n\n"
    assert "the broken stream broke and its reader comes again: ConnectionError" in caplog.text
    assert "somebody's words" not in caplog.text


async def test_a_quiet_stream_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "QUIET_S", 0.05)

    news = asyncio.Event()

    async def quiet() -> AsyncIterator[bytes]:
        yield b"one"
        await news.wait()
        yield b"two"

    heard = []
    async for chunk in beaten(quiet()):
        heard.append(chunk)
        if heard.count(BEAT) == 2:
            news.set()
    assert (heard[0], set(heard[1:-1]), heard[-1]) == (b"one", {BEAT}, b"two")
