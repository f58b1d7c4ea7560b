"""The front door over real HTTP, for clients that are programs of their own; a page that publishes is there too."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.media.hall import Hall
from tests.serving import serving

PAGE = Path(__file__).with_name("publish.html")


@asynccontextmanager
async def served(hall: Hall) -> AsyncIterator[str]:
    """The URL of a server on a free port, in this loop."""

    async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401  # ASGI
        if scope["method"] != "GET":
            await hall.front_door(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.body", "body": PAGE.read_bytes()})

    async with serving(app) as url:
        yield url
