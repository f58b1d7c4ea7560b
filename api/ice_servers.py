"""The STUN and TURN servers that media gets through by: for pages before they connect, in headers for other clients.

WHIP (RFC 9725 section 4.6) tells them in `Link` headers of the answer to an offer, and of OPTIONS for clients that must
know them before; WHEP does as WHIP. Each caller gets TURN credentials of their own, only while the session is not over.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from litestar import Response, get, route
from litestar.enums import HttpMethod
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from api.callers import WATCHERS, Caller, Who, anybody, load_session, may
from api.ordering import AnyRequest, caller_of, services_of
from api.problems import Denied
from api.schema import says
from api.services import Services
from domain import ice

SDP = "application/sdp"


class IceServer(msgspec.Struct, frozen=True, kw_only=True):
    """As a browser's RTCPeerConnection takes it. Only TURN servers have credentials."""

    urls: tuple[str, ...]
    username: str = ""
    credential: str = ""


class IceServers(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing when none are configured. After `expires_at` the credentials open no new relay; then ask again."""

    ice_servers: tuple[IceServer, ...] = ()
    expires_at: datetime | None = None


class Linked(Response[str]):
    """An answer with a `Link` header for each server; several in one header is more than some clients can read."""

    def __init__(self, content: str, links: list[str], *, status_code: int, headers: dict[str, str]) -> None:
        super().__init__(content, media_type=SDP, status_code=status_code, headers=headers)
        self._links = links

    def to_asgi_response(self, *args: object, **kinds: object) -> ASGIResponse:
        made = super().to_asgi_response(*args, **kinds)  # type: ignore[arg-type]
        for link in self._links:
            made.headers.add("Link", link)
        return made


@get("/sessions/{session:str}/ice-servers", guards=[may("candidate", *WATCHERS)], opt=says(409))
async def read(request: AnyRequest, session: FromPath[str]) -> Response[IceServers]:
    """For a page that is about to send or watch media. Ask before each connection."""
    services, caller = services_of(request), caller_of(request)
    if (await load_session(services, caller.tenant, session)).over:
        raise Denied(409, "refused", "this session is over; nothing is sent or watched any more")
    return Response(servers(services, caller), headers={"Cache-Control": "private, no-store"})


@route(
    "/sessions/{session:str}/whip/{track:str}", http_method=HttpMethod.OPTIONS, guards=[anybody], status_code=200,
    media_type=SDP,
)  # fmt: skip
async def options(request: AnyRequest, session: FromPath[str], track: FromPath[str]) -> Response[str]:  # noqa: ARG001
    """What may be posted here; and in `Link` headers the STUN and TURN servers, to the candidate alone."""
    return await _may_be_posted(request, session, "candidate")


@route(
    "/sessions/{session:str}/whep/{track:str}", http_method=HttpMethod.OPTIONS, guards=[anybody], status_code=200,
    media_type=SDP,
)  # fmt: skip
async def options_to_watch(request: AnyRequest, session: FromPath[str], track: FromPath[str]) -> Response[str]:  # noqa: ARG001
    """What may be posted here; and in `Link` headers the STUN and TURN servers, to those who may watch."""
    return await _may_be_posted(request, session, *WATCHERS)


def links(services: Services, caller: Caller) -> list[str]:
    """The value of each `Link` header."""
    found = []
    for server in servers(services, caller).ice_servers:
        rest = f'; username="{server.username}"; credential="{server.credential}"; credential-type="password"'
        found += [f'<{url}>; rel="ice-server"{rest if server.username else ""}' for url in server.urls]
    return found


def servers(services: Services, caller: Caller) -> IceServers:
    """Those that are configured, with credentials for this caller. The TURN server is told a pseudonym."""
    known = [ice.server(uri) for uri in services.ice_servers]
    stun = tuple(one.uri for one in known if not one.relays)
    turn = tuple(one.uri for one in known if one.relays)
    plain = (IceServer(urls=stun),) if stun else ()
    if not turn:
        return IceServers(ice_servers=plain)
    own = ice.credentials(services.turn_secret, caller.session or caller.actor, services.now())
    relays = IceServer(urls=turn, username=own.username, credential=own.password)
    return IceServers(ice_servers=(*plain, relays), expires_at=own.expires_at)


async def _may_be_posted(request: AnyRequest, session: str, *roles: Who) -> Response[str]:
    headers = {"Allow": "OPTIONS, POST", "Accept-Post": SDP}
    return Linked("", await _links_for(request, session, *roles), status_code=200, headers=headers)


async def _links_for(request: AnyRequest, session: str, *roles: Who) -> list[str]:
    services = services_of(request)
    if not services.ice_servers or "authorization" not in request.headers:
        return []
    try:
        await may(*roles)(request, request.route_handler)
        caller = caller_of(request)
        over = (await load_session(services, caller.tenant, session)).over
    except Denied:  # whoever asks is told what may be posted, and no more
        return []
    return [] if over else links(services, caller)


HANDLERS = (read, options, options_to_watch)
