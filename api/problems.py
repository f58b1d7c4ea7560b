"""Errors as `application/problem+json` (RFC 9457): a stable type, a title, the status, and the fields at fault.

`title` is the phrase of the type, `detail` the particular case. `errors` names each field by its path in what was sent
and the rule that it breaks. Nothing here repeats what a person typed.
"""

from __future__ import annotations

import logging
import secrets
import traceback
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
import psycopg
from litestar import Request, Response
from litestar.exceptions import HTTPException

from commands.handler import Busy, KeyReused
from commands.ledger import LedgerAway
from commands.objects import ObjectStoreAway
from domain.archive import Away
from domain.event import Refused
from projections.reader import NotThereYet

log = logging.getLogger(__name__)

TYPES = "urn:vigil:problem:"
MEDIA_TYPE = "application/problem+json"
AnyRequest = Request[Any, Any, Any]


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One field, by its path (`window.opens_at`, `candidates.3.number`), and the rule that it breaks."""

    field: str
    rule: str


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error as RFC 9457 has it. `id` is set when the operator can find more in the log under it."""

    type: str
    title: str
    status: int
    detail: str = ""
    errors: tuple[Fault, ...] = ()
    id: str | None = None


class Denied(Exception):
    """An answer of ours that is an error: `name` is the last part of its type URI."""

    def __init__(
        self, status: int, name: str, detail: str, *, field: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.name = name
        self.detail = detail
        self.field = field
        self.headers = dict(headers or {})


def missing(what: str, *, field: str | None = None) -> Denied:
    """For what is not there, and for what the caller has no business to know of.

    `field` is how the path names it, where that is another word.
    """
    return Denied(404, "not-found", f"there is no such {what}", field=what if field is None else field)


def away(detail: str, *, after_s: int = 2) -> Denied:
    return Denied(503, "away", detail, headers={"Retry-After": str(after_s)})


def denied(_: AnyRequest, error: Denied) -> Response[Problem]:
    return _response(error.status, error.name, error.detail, _faults(error.field, error.detail), error.headers)


def refused(_: AnyRequest, error: Refused) -> Response[Problem]:
    status, name = {
        "conflict": (409, "refused"),
        "invalid": (422, "invalid"),
        "not_found": (404, "not-found"),
        "wait": (429, "wait"),
        "moved": (412, "moved"),
    }[error.kind]
    headers = {"Retry-After": str(error.after_s)} if error.kind == "wait" else {}
    return _response(status, name, error.rule, _faults(error.field, error.rule), headers)


def archived(_: AnyRequest, error: Away) -> Response[Problem]:
    return _response(409, "archived", error.rule)


def key_reused(_: AnyRequest, error: KeyReused) -> Response[Problem]:
    return _response(422, "key-reused", str(error), _faults("Idempotency-Key", str(error)))


def busy(_: AnyRequest, error: Busy | LedgerAway) -> Response[Problem]:
    return _response(503, "away", str(error), headers={"Retry-After": "2"})


def lost(request: AnyRequest, error: psycopg.OperationalError | ObjectStoreAway) -> Response[Problem]:
    """The database or the object store is away. What it says names addresses and folders, so only the log has it."""
    log.warning("%s %s: %s", request.method, request.scope.get("path_template", "?"), error)
    return denied(request, away("the database or the object store is away; try again in a moment"))


def not_there_yet(request: AnyRequest, _: NotThereYet) -> Response[Problem]:
    return denied(request, away("what you ask for is being put together; try again in a moment"))


def http_error(_: AnyRequest, error: HTTPException) -> Response[Problem]:
    """What the framework refuses: an unknown route, a method, a parameter, a body that is too large."""
    found = error.extra if isinstance(error.extra, list) else []
    faults = tuple(Fault(field=str(e.get("key", "")), rule=str(e.get("message", ""))) for e in found)
    detail = "a parameter does not fit" if faults else error.detail
    return _response(error.status_code, _NAMES.get(error.status_code, "http"), detail, faults, error.headers)


def unexpected(request: AnyRequest, error: Exception) -> Response[Problem]:
    """Our own fault. The log has the trace under an id, without values, which may be personal."""
    number, where = secrets.token_hex(6), "".join(traceback.format_tb(error.__traceback__))
    what = type(error).__qualname__
    log.error("problem %s: %s %s: %s\n%s", number, request.method, request.scope.get("path_template"), what, where)
    return _response(500, "unexpected", "something went wrong here; the operator finds it by its id", number=number)


HANDLERS: dict[int | type[Exception], Any] = {
    Denied: denied,
    Refused: refused,
    Away: archived,
    KeyReused: key_reused,
    Busy: busy,
    LedgerAway: busy,
    NotThereYet: not_there_yet,
    ObjectStoreAway: lost,
    psycopg.OperationalError: lost,
    HTTPException: http_error,
    Exception: unexpected,
}

_NAMES = {400: "malformed", 404: "not-found", 405: "method-not-allowed", 413: "too-large"}

_TITLES = {
    "refused": "The rules do not allow this now",
    "invalid": "A value breaks a rule",
    "malformed": "The request cannot be read",
    "not-found": "Not found",
    "key-reused": "This Idempotency-Key belongs to another request",
    "away": "Not available at the moment",
    "unauthenticated": "Sign in first",
    "wait": "Wait a little and try again",
    "moved": "This was changed meanwhile",
    "forbidden": "Not allowed for your role",
    "restricted": "This record is restricted",
    "archived": "This is archived",
    "withheld": "This is withheld",
    "other-device": "Your exam is on another device",
    "unexpected": "Something went wrong",
}


def _response(
    status: int,
    name: str,
    detail: str,
    errors: tuple[Fault, ...] = (),
    headers: Mapping[str, str] | None = None,
    *,
    number: str | None = None,
) -> Response[Problem]:
    title = _TITLES.get(name) or HTTPStatus(status).phrase
    problem = Problem(type=TYPES + name, title=title, status=status, detail=detail, errors=errors, id=number)
    return Response(problem, status_code=status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def _faults(field: str, rule: str) -> tuple[Fault, ...]:
    return (Fault(field=field, rule=rule),) if field else ()
