"""A reader of server-sent events for tests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, NamedTuple, Self

import httpx


class Event(NamedTuple):
    id: str
    name: str
    data: Any


class Reader:
    """Opens a stream; `next` gives the next event, and says what came instead when it has another name."""

    def __init__(self, client: httpx.AsyncClient, path: str, last_id: str = "") -> None:
        self._client, self._path = client, path
        self._headers = {"Last-Event-ID": last_id} if last_id else {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        response = await self._stack.enter_async_context(
            self._client.stream("GET", self._path, headers=self._headers, timeout=httpx.Timeout(15))
        )
        if response.status_code != 200:
            await response.aread()
            raise AssertionError(f"{response.status_code}: {response.text}")
        assert response.headers["content-type"].startswith("text/event-stream")
        self._events = self._read(response)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def next(self, name: str = "", within_s: float = 10.0) -> Event:
        """StopAsyncIteration when the stream has ended."""
        async with asyncio.timeout(within_s):
            event = await anext(self._events)
        assert not name or event.name == name, event
        return event

    async def until(self, name: str, within_s: float = 10.0) -> Event:
        """The next event of this name, whatever else comes before it."""
        async with asyncio.timeout(within_s):
            async for event in self._events:
                if event.name == name:
                    return event
        raise StopAsyncIteration

    async def rest(self) -> AsyncIterator[Event]:
        """What comes until the stream ends."""
        async for event in self._events:
            yield event

    async def _read(self, response: httpx.Response) -> AsyncIterator[Event]:
        event_id, name, data = "", "message", ""
        async for line in response.aiter_lines():
            field, _, value = line.partition(": ")
            if not line and data:
                yield Event(event_id, name, json.loads(data))
                name, data = "message", ""
            elif field == "id":
                event_id = value
            elif field == "event":
                name = value
            elif field == "data":
                data += value
