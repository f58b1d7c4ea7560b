"""Tokens with which other programs call: issued with roles and an end, shown once, revoked."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated

import msgspec
from litestar import Response, delete, get, post
from litestar.params import FromPath, JSONBody

from api.callers import may
from api.ordering import AnyRequest, caller_of, command
from api.paging import USUAL, After, Limit, page
from api.problems import Denied
from api.reading import rows_of
from commands import service_tokens
from commands.service_tokens import Presented
from domain.user import Role
from projections.tokens import TOKENS, Issued


class NewToken(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`name` says which program has it."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    roles: Annotated[tuple[Role, ...], msgspec.Meta(min_length=1)]
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)]


class TokenMade(msgspec.Struct, frozen=True, kw_only=True):
    """`secret` is what goes behind `Authorization: Bearer`. It is shown here and never again."""

    token: str
    secret: str


class ServiceTokens(msgspec.Struct, frozen=True, kw_only=True):
    tokens: tuple[Issued, ...]
    next: str | None


@get("/tokens", guards=[may("admin")])
async def read(request: AnyRequest, *, limit: Limit = USUAL, after: After = "") -> ServiceTokens:
    """All service tokens, the newest first, those that are over or revoked as well."""
    rows = (await rows_of(request, TOKENS)).rows.values()
    found = page(request, rows, lambda row: (-row.issued_at.timestamp(), row.token), limit, after)
    return ServiceTokens(tokens=found.rows, next=found.next)


@post("/tokens", guards=[may("admin")])
async def issue(request: AnyRequest, data: JSONBody[NewToken]) -> Response[TokenMade]:
    """Issues a token that has just these roles. Only its hash is kept."""
    if caller_of(request).service:
        raise Denied(403, "forbidden", "a token cannot issue tokens; sign in as a person")
    secret = service_tokens.fresh_secret()
    use_case = partial(
        service_tokens.issue, name=data.name, roles=data.roles, expires_at=data.expires_at,
        sha256=service_tokens.hashed(secret),
    )  # fmt: skip
    made = await command(request, use_case)
    if made.repeated:
        detail = "this token was issued already and is shown only once; revoke it and issue another"
        raise Denied(409, "refused", detail, field="Idempotency-Key")
    token = made.ids["token"]
    return Response(TokenMade(token=token, secret=str(Presented(token, secret))), headers={"Cache-Control": "no-store"})


@delete("/tokens/{token:str}", guards=[may("admin")])
async def revoke(request: AnyRequest, token: FromPath[str]) -> None:
    """It is refused from the next request on, and its open streams end within five seconds."""
    await command(request, partial(service_tokens.revoke, token=token))


HANDLERS = (read, issue, revoke)
