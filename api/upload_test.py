"""How fast a candidate's page can send: it times an upload, which is read here and thrown away."""

from __future__ import annotations

import msgspec
from litestar import post
from litestar.params import FromPath, RawBody

from api.callers import load_session, may
from api.limits import limited
from api.ordering import AnyRequest, caller_of, services_of
from api.problems import Denied
from api.schema import says

BYTES = 256 * 1024
READS: dict[str, object] = {"application/octet-stream": bytes}


class Received(msgspec.Struct, frozen=True, kw_only=True):
    bytes: int


@post(
    "/sessions/{session:str}/upload-test", guards=[may("candidate")], status_code=200, request_max_body_size=BYTES,
    opt=limited("uploads") | says(reads=READS),
)  # fmt: skip
async def receive(request: AnyRequest, session: FromPath[str], body: RawBody) -> Received:
    """Takes up to 256 KiB of anything, for the page to time. Nothing is recorded, at any time."""
    await load_session(services_of(request), caller_of(request).tenant, session)
    if not body:
        raise Denied(400, "malformed", "some bytes are expected", field="body")
    return Received(bytes=len(body))


HANDLERS = (receive,)
