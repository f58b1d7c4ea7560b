"""Server-sent events as a client reads them (WHATWG HTML, section 9.2), with resumption by the last id."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import httpx
import msgspec


class Event(NamedTuple):
    """One event: its id (a position of the ledger), its name, and its data decoded from JSON."""

    id: str
    name: str
    data: Any


async def follow(client: httpx.AsyncClient, path: str, last_id: str = "") -> AsyncIterator[Event]:
    """Yields events for ever; a stream that breaks is opened again where it stopped."""
    while True:
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last_id} if last_id else {})
        try:
            async with client.stream("GET", path, headers=headers, timeout=httpx.Timeout(10, read=60)) as response:
                response.raise_for_status()
                async for event in _events(response):
                    last_id = event.id or last_id
                    yield event
        except (httpx.TransportError, httpx.HTTPStatusError):
            await asyncio.sleep(0.5)


async def _events(response: httpx.Response) -> AsyncIterator[Event]:
    name, event_id = "message", ""
    data: list[str] = []
    async for line in response.aiter_lines():
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if line == "":
            if data:
                yield Event(event_id, name, msgspec.json.decode("\n".join(data)))
            name, data = "message", []
        elif field == "data":
            data.append(value)
        elif field == "event":
            name = value
        elif field == "id":
            event_id = value
