"""Signing in and out, and who one is."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from math import ceil
from typing import Annotated, Literal

import msgspec
from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.params import FromQuery, JSONBody

from api.callers import COOKIE, EVERYBODY, Who, anybody, may, same_origin
from api.ordering import AnyRequest, caller_of, command, run, services_of
from api.problems import Denied
from api.schema import says
from api.services import Services
from api.strangers import Strangers
from api.tokens import Token, ends
from commands import users
from domain import service_token, user
from domain.event import Refused
from domain.stream import Stream

LASTS = timedelta(hours=10)  # one long exam day


class SignIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`keep` says how: `token` answers with a bearer token, `cookie` sets a cookie for Vigil's own pages."""

    email: Annotated[str, msgspec.Meta(min_length=1, max_length=254)]
    password: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
    keep: Literal["token", "cookie"] = "token"


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    user: str
    roles: tuple[Who, ...]
    expires_at: datetime
    token: str | None = None


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """`session` and `schedule` are set for a candidate, `name` for an account of the staff and a program."""

    actor: str
    roles: tuple[Who, ...]
    name: str | None = None
    session: str | None = None
    schedule: str | None = None


@post("/sign-in", guards=[anybody], status_code=200, opt=says(401, 403, 429))
async def sign_in(request: AnyRequest, data: JSONBody[SignIn]) -> Response[SignedIn]:
    """Signs an account in. An unknown address and a wrong password get one and the same answer.

    After five failures in a row an address waits, each time longer (429 with `Retry-After`), whether it has an account
    or not, and whether the password is right or not. Who is signed in already stays so.
    """
    services = services_of(request)
    if data.keep == "cookie" and "origin" in request.headers:  # a foreign page must sign nobody in
        same_origin(request)
    who = services.pseudonyms.user(services.tenant, data.email)
    strangers: Strangers = request.app.state.strangers
    account = strangers.known(services.tenant, who, await _account(services, who))
    if left_s := account.left_s(services.now()):
        raise _wait(left_s)
    matched = await services.passwords.match(account.password.text if account.password else None, data.password)
    if not account.registered and not strangers.written(services.tenant, who, _client(request)):
        try:
            strangers.count(services.tenant, who, account, services.now())
        except Refused:
            raise _wait(strangers.known(services.tenant, who, account).left_s(services.now())) from None
        raise _not_signed_in()
    attempt = partial(users.sign_in, who=who, matched=matched and bool(account.roles))
    try:
        receipt = await run(request, services.tenant, who, attempt)
    except Refused:  # others failed with this address meanwhile
        raise _wait((await _account(services, who)).left_s(services.now())) from None
    if "sign_outs" not in receipt.ids:
        raise _not_signed_in()
    expires_at = services.now() + LASTS
    token = services.tokens.sign(
        Token(
            kind="user", tenant=services.tenant, subject=who, expires_at=ends(expires_at),
            sign_outs=int(receipt.ids["sign_outs"]),
        )
    )  # fmt: skip
    answer = SignedIn(user=who, roles=tuple(sorted(account.roles)), expires_at=expires_at)
    if data.keep == "token":
        return Response(msgspec.structs.replace(answer, token=token))
    return Response(answer, cookies=[_cookie(token, int(LASTS.total_seconds()), secure=services.secure)])


@post("/sign-out", guards=[may(*EVERYBODY)], status_code=204)
async def sign_out(request: AnyRequest, everywhere: FromQuery[bool] = False) -> Response[None]:
    """Takes the cookie away. A bearer token ends by itself; whoever holds one throws it away.

    `everywhere` ends every sign-in of the account: at the next request, and for open streams within five seconds.
    """
    caller = caller_of(request)
    if not (caller.candidate or caller.service):
        await command(request, partial(users.sign_out, who=caller.actor, everywhere=everywhere))
    elif everywhere:
        raise Denied(403, "forbidden", "only accounts of the staff can be signed out everywhere", field="everywhere")
    return Response(None, status_code=204, cookies=[_cookie("", 0, secure=services_of(request).secure)])


@get("/me", guards=[may(*EVERYBODY)])
async def me(request: AnyRequest) -> Me:
    caller, services = caller_of(request), services_of(request)
    if caller.candidate:
        return Me(actor=caller.actor, roles=("candidate",), session=caller.session, schedule=caller.schedule)
    if caller.service:
        _, token = await services.handler.load(service_token.DECIDER, str(Stream(caller.tenant, "token", caller.actor)))
        return Me(actor=caller.actor, roles=tuple(sorted(caller.roles)), name=token.name)
    _, account = await services.handler.load(user.DECIDER, str(Stream(caller.tenant, "user", caller.actor)))
    return Me(actor=caller.actor, roles=tuple(sorted(caller.roles)), name=account.name.text if account.name else None)


def _cookie(value: str, lasts_s: int, *, secure: bool) -> Cookie:
    return Cookie(key=COOKIE, value=value, max_age=lasts_s, path="/", httponly=True, samesite="strict", secure=secure)


async def _account(services: Services, who: str) -> user.User:
    _, account = await services.handler.load(user.DECIDER, str(Stream(services.tenant, "user", who)), fresh=True)
    return account


def _client(request: AnyRequest) -> str:
    return request.client.host if request.client else ""


def _not_signed_in() -> Denied:
    detail = f"the address or the password is wrong; after {user.TRIES} wrong tries an address waits, each time longer"
    return Denied(401, "unauthenticated", detail, headers={"WWW-Authenticate": "Bearer"})


def _wait(left_s: float) -> Denied:
    minutes = max(ceil(left_s / 60), 1)
    detail = (
        f"{user.WAIT}; wait {minutes} minute{'s' if minutes > 1 else ''} and try again, or ask a lead invigilator"
        " or an administrator to lift the wait"
    )
    return Denied(429, "wait", detail, headers={"Retry-After": str(max(ceil(left_s), 1))})


HANDLERS = (sign_in, sign_out, me)
