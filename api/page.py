"""The pages that come with the front door, built from `web/` (`make web`)."""

from __future__ import annotations

import re
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files

from litestar import Response, get
from litestar.params import FromPath
from litestar.types import Message, Scope

from api.callers import anybody
from api.ordering import AnyRequest, services_of
from api.problems import Denied, missing

TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
AREAS = (  # the first word of each address in web/src/staff/routes.ts
    "schedules", "sessions", "exports", "requests", "holds", "people", "detectors", "templates", "texts", "tokens",
    "proofs", "system", "appeals",
)  # fmt: skip
HASHED = re.compile(r"-[\w-]{8}\.(js|css)$")  # as Vite names files by what is in them
FOREVER = "public, max-age=31536000, immutable"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob:;"
    " frame-src http: https:; media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@get(
    ["/", *(f"/{area}{rest}" for area in AREAS for rest in ("", "/{rest:path}"))],
    guards=[anybody], include_in_schema=False,
)  # fmt: skip
async def staff(request: AnyRequest) -> Response[bytes]:
    """For staff: every address leads to one page, which asks the API for what is at it."""
    return _page(request, "staff.html")


@get("/join", guards=[anybody], include_in_schema=False)
async def candidate(request: AnyRequest) -> Response[bytes]:
    """Where a join link leads. Its token stays in the fragment, so it never comes here."""
    return _page(request, "join.html")


@get("/record", guards=[anybody], include_in_schema=False)
async def record(request: AnyRequest) -> Response[bytes]:
    """Where a record link leads, months later. Its token stays in the fragment too."""
    return _page(request, "record.html")


@get("/assets/{name:str}", guards=[anybody], include_in_schema=False)
async def asset(request: AnyRequest, name: FromPath[str]) -> Response[bytes]:
    """Scripts, styles and pictures of the pages, by the hash of what is in them."""
    found = _files().get(name)
    if found is None or name.endswith(".html"):
        raise missing("file", field="name")
    body, etag = found
    headers = {"ETag": etag, "Cache-Control": FOREVER if HASHED.search(name) else "no-cache"}
    if request.headers.get("if-none-match") == etag:
        return Response(b"", status_code=304, headers=headers)
    return Response(body, media_type=TYPES[name.rpartition(".")[2]], headers=headers)


async def protect(message: Message, scope: Scope) -> None:
    """A `before_send` hook: what every answer tells a browser, so that it trusts nothing that we did not say."""
    if message["type"] != "http.response.start":
        return
    headers = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer")]
    if scope["litestar_app"].state.services.secure:
        headers.append((b"strict-transport-security", b"max-age=31536000"))
    message["headers"] = [*message["headers"], *headers]


def _page(request: AnyRequest, name: str) -> Response[bytes]:
    services = services_of(request)
    if name not in _files():
        raise Denied(503, "away", "the pages are not built on this machine: `make web` builds them")
    body = _files()[name][0].replace(b"{version}", escape(services.version).encode())
    body = body.replace(b"{source}", escape(services.source_url).encode())
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": POLICY,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), geolocation=()",
    }
    return Response(body, media_type=TYPES["html"], headers=headers)


@cache
def _files() -> dict[str, tuple[bytes, str]]:
    """The bytes of each file and its ETag. Read once: what strangers ask for never touches the disk."""
    here = files("api")
    folders = [folder for name in ("static", "static/assets") if (folder := here / name).is_dir()]
    found = {path.name: path.read_bytes() for folder in folders for path in folder.iterdir() if path.is_file()}
    return {
        name: (body, f'"{sha256(body).hexdigest()[:32]}"')
        for name, body in found.items()
        if name.rpartition(".")[2] in TYPES
    }


HANDLERS = (staff, candidate, record, asset)
