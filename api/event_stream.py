"""Server-sent events (WHATWG HTML, 9.2) as our own response: pre-encoded bytes out, with everything that can end them.

A stream ends when its reader is gone, when it stalls for longer than `STALLED_S`, or when it may not read any more,
which is asked every `ASKED_EVERY_S`. Readers come again by themselves, with the last id that they saw.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.types import ASGIApp, Receive, Scope, Send

from api.callers import still_allowed
from api.metrics import Metrics
from api.problems import Denied

log = logging.getLogger(__name__)

STALLED_S = 15.0
ASKED_EVERY_S = 2.0
QUIET_S = 5.0  # after so long without news a comment says that the stream still lives
BEAT = b": beat\n\n"


class EventStream(Response[None]):
    """Answers with the bytes of `source`, for the caller of `request`. `name` is what metrics call it."""

    def __init__(self, request: Request[Any, Any, Any], source: AsyncIterator[bytes], *, name: str) -> None:
        super().__init__(None, media_type="text/event-stream")
        self._request, self._source, self._name = request, source, name

    def to_asgi_response(self, *_: object, **__: object) -> ASGIApp:  # type: ignore[override]  # any ASGI app will do
        return self._run

    async def _run(self, _: Scope, receive: Receive, send: Send) -> None:
        metrics: Metrics = self._request.app.state.metrics
        headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        tasks = [
            asyncio.create_task(self._send(send, metrics)),
            asyncio.create_task(self._gone(receive)),
            asyncio.create_task(self._no_longer_allowed()),
        ]
        with metrics.streams.labels(self._name).track_inprogress():
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                ended = await asyncio.gather(*tasks, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                log.error("the %s stream broke and its reader comes again: %s", self._name, type(error).__qualname__)
        if not tasks[1].done() or tasks[1].cancelled():  # the reader is still there
            with suppress(TimeoutError):
                await asyncio.wait_for(send({"type": "http.response.body", "body": b"", "more_body": False}), 1)

    async def _send(self, send: Send, metrics: Metrics) -> None:
        async with aclosing(beaten(self._source)) as chunks:  # type: ignore[type-var]
            async for chunk in chunks:
                try:
                    async with asyncio.timeout(STALLED_S):
                        await send({"type": "http.response.body", "body": chunk, "more_body": True})
                except TimeoutError:
                    metrics.dropped.labels(self._name).inc()
                    log.info("a reader of the %s stream stalled and was dropped", self._name)
                    return

    async def _gone(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    async def _no_longer_allowed(self) -> None:
        while await still_allowed(self._request):  # noqa: ASYNC110 - asks the ledger, which has no event for it
            await asyncio.sleep(ASKED_EVERY_S)


async def beaten(source: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same chunks, with a comment wherever nothing comes for `QUIET_S`."""
    iterator = aiter(source)
    following: asyncio.Future[bytes] | None = None
    try:
        while True:
            following = following or asyncio.ensure_future(anext(iterator))
            done, _ = await asyncio.wait([following], timeout=QUIET_S)
            if not done:
                yield BEAT
                continue
            try:
                chunk = following.result()
            except StopAsyncIteration:
                return
            following = None
            yield chunk
    finally:
        if following:
            following.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration):
                await following


def message(event: str, data: object, position: int | None = None) -> bytes:
    """One event. `data` is encoded as JSON, which never holds a line feed."""
    head = b"" if position is None else b"id: %d\n" % position
    return head + b"event: " + event.encode() + b"\ndata: " + _encoder.encode(data) + b"\n\n"


def last_id(request: Request[Any, Any, Any]) -> int | None:
    """Where the reader left off: the header `Last-Event-ID`. None for one that comes first. Raises `Denied` 400."""
    text = request.headers.get("last-event-id", "").strip()
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Denied(400, "malformed", "the position of the last event is expected", field="Last-Event-ID")
    return int(text)


_encoder = msgspec.json.Encoder()
