"""From a request to a command: one helper that every route uses, so that all commands are made in the same way."""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime
from typing import Any

from litestar import Request
from litestar.types import Message, Scope

from api.callers import Caller
from api.etags import unmoved
from api.problems import Denied
from api.services import Services
from commands.handler import Order, Receipt, UseCase

AnyRequest = Request[Any, Any, Any]
KEY = "idempotency-key"
CLIENT_TIME = "vigil-client-time"


def services_of(request: AnyRequest) -> Services:
    found: Services = request.app.state.services
    return found


def caller_of(request: AnyRequest) -> Caller:
    """The one whom the route's guard let in."""
    found: Caller = request.scope["user"]
    return found


async def command(
    request: AnyRequest, use_case: UseCase, *, part: str = "", key: str = "", first: bool = True
) -> Receipt:
    """Runs a use case for the caller of a request; the answer then carries `Vigil-Position`.

    The header `Idempotency-Key` makes the request repeatable, unless the route has a `key` of its own. `part` tells the
    commands of one request apart, where it consists of several; no header holds a line break, so a part is never taken
    for a request. `If-Match` is looked at by the `first` only, because what comes after it finds another version.
    Raises `Refused`, `KeyReused`, `Busy`, `LedgerAway`.
    """
    caller = caller_of(request)
    key = key or key_of(request) or _new_key()
    wanted = unmoved(request, use_case) if first else use_case
    return await run(request, caller.tenant, caller.actor, wanted, key=f"{key}\n{part}" if part else key)


def key_of(request: AnyRequest) -> str:
    """The `Idempotency-Key`, if there is one. Raises `Denied` 400 for one that is too long."""
    key = request.headers.get(KEY, "")
    if len(key) > 200:
        raise Denied(400, "malformed", "at most 200 characters", field="Idempotency-Key")
    return key


async def run(request: AnyRequest, tenant: str, actor: str, use_case: UseCase, *, key: str = "") -> Receipt:
    """As `command`, for one whom no guard has let in yet; not repeatable without a `key`."""
    services = services_of(request)
    at = services.now()
    occurred_at, skew_ms = _client_time(request, at)
    order = Order(
        tenant=tenant, actor=actor, key=key or _new_key(), request=await _fingerprint(request), at=at,
        occurred_at=occurred_at, skew_ms=skew_ms, correlation=request.headers.get("vigil-correlation", "")[:100],
    )  # fmt: skip
    receipt = await services.handler.run(order, use_case)
    reached(request, receipt.position)
    return receipt


def reached(request: AnyRequest, position: int | None) -> None:
    """Notes the position that the answer's header `Vigil-Position` names; the highest wins."""
    state = request.scope["state"]
    if position is not None:
        state["position"] = max(position, state.get("position", 0))


async def name_position(message: Message, scope: Scope) -> None:
    """A `before_send` hook: writes `Vigil-Position`."""
    if message["type"] == "http.response.start" and (position := scope["state"].get("position")):
        message["headers"] = [*message["headers"], (b"vigil-position", str(position).encode())]


async def tell_time(message: Message, scope: Scope) -> None:
    """A `before_send` hook: writes `Vigil-Server-Time`, so that every client can tell by how much its own clock is off.

    Streams begin with it like every other answer, and their snapshots hold it for who cannot read headers.
    """
    if message["type"] == "http.response.start":
        now = scope["litestar_app"].state.services.now().isoformat(timespec="milliseconds")
        message["headers"] = [*message["headers"], (b"vigil-server-time", now.encode())]


def _new_key() -> str:
    return secrets.token_urlsafe(18)


async def _fingerprint(request: AnyRequest) -> bytes:
    """What was asked, in 32 bytes. Keyed (HMAC-SHA256): a plain hash of a short text or a password could be guessed."""
    parts = request.url.query.split("&")
    query = "&".join(part for part in parts if not part.startswith("link="))  # which says who asks, not what for
    asked = f"{request.method} {request.url.path}{f'?{query}' if query else ''}\n".encode() + await request.body()
    return hmac.digest(services_of(request).secret, b"vigil/request/1" + asked, "sha256")


def _client_time(request: AnyRequest, at: datetime) -> tuple[datetime | None, float | None]:
    """What the client's clock said when it sent this, and how far that is ahead of ours (network time included)."""
    text = request.headers.get(CLIENT_TIME)
    if not text:
        return None, None
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        told = None
    if told is None or told.tzinfo is None:
        raise Denied(400, "malformed", "an RFC 3339 time with its offset is expected", field="Vigil-Client-Time")
    return told, round((told - at).total_seconds() * 1000, 1)
