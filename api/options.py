"""What an answer to OPTIONS allows: every method of the path. The framework names those of one of its handlers only."""

from __future__ import annotations

from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.types import Message, Scope


def methods_of(app: Litestar) -> dict[str, bytes]:
    """The methods of each path."""
    return {
        route.path_format: ", ".join(sorted(route.methods)).encode()
        for route in app.routes
        if isinstance(route, HTTPRoute)
    }


async def allow_all(message: Message, scope: Scope) -> None:
    """A `before_send` hook: puts the `Allow` of an answer to OPTIONS right."""
    if message["type"] == "http.response.start" and scope.get("method") == "OPTIONS" and message["status"] < 300:
        allowed = scope["litestar_app"].state.methods[scope["path_template"]]
        message["headers"] = [(name, allowed if name == b"allow" else value) for name, value in message["headers"]]
