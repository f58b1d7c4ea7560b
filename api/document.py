"""`python -m api.document` prints the OpenAPI document, for who writes clients. It needs no server, as /schema does."""

from __future__ import annotations

import sys

import msgspec
from litestar import Litestar, Router

from api import health, page
from api.app import PARTS, PREFIX
from api.schema import Structs, describe, openapi
from api.services import Limits


def document(version: str) -> bytes:
    """JSON, the same as at /schema/openapi.json."""
    app = Litestar(
        route_handlers=[
            Router(PREFIX, route_handlers=[handler for part in PARTS for handler in part.HANDLERS]),
            *health.HANDLERS,
            *page.HANDLERS,
        ],
        openapi_config=openapi(version),
        plugins=[Structs()],
    )  # fmt: skip
    describe(app, Limits().rates)
    return msgspec.json.encode(app.openapi_schema.to_schema())


if __name__ == "__main__":
    sys.stdout.buffer.write(document("dev"))
