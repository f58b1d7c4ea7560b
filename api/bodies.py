"""Reads request bodies strictly: what is not JSON, has the wrong type, or has a field that nobody knows, is refused.

The framework's own conversion is lax (it takes "90" for 90) and only names the outermost field. So every JSON body is
checked here first, against the type that its handler declares as `data`.
"""

from __future__ import annotations

import re
from functools import lru_cache, reduce
from operator import or_
from typing import Annotated, Any, NamedTuple, get_args

import msgspec
from litestar import Request
from litestar.handlers import BaseRouteHandler

from api.problems import Denied

Id = Annotated[str, msgspec.Meta(pattern="^[a-z0-9-]{1,64}$")]  # of something that is named in a body

_PATH = re.compile(r"^(?P<rule>.*?)(?: - at `(?:key in )?(?P<path>[^`]+)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>[^`]+)`")
_MISSING = re.compile(r"Object missing required field `(?P<name>[^`]+)`")


async def strict_body(request: Request[Any, Any, Any]) -> None:
    """A `before_request` hook. Raises `Denied` (400) that names the field and what was expected there."""
    body = body_of(request.route_handler)
    if body is None:
        return
    raw = await request.body()
    if raw or body.needed:
        decoded(body.kind, raw)


class Body(NamedTuple):
    kind: Any
    needed: bool


def body_of(handler: BaseRouteHandler) -> Body | None:
    """The JSON body of a route. One that may be left out has the default None, which nobody sends as a body."""
    parameter = handler.parsed_fn_signature.parameters.get("data")
    if parameter is None:
        return None
    if parameter.default is None:
        kinds = (kind for kind in get_args(parameter.annotation) if kind is not type(None))
        return Body(reduce(or_, kinds), needed=False)
    return Body(parameter.annotation, needed=True)


def decoded(kind: Any, raw: bytes) -> Any:  # noqa: ANN401 - whatever type a handler declares
    """A JSON body as this type. Raises `Denied` (400) that names the field and what was expected there."""
    try:
        return _decoder(kind).decode(raw)
    except msgspec.ValidationError as error:
        field, rule = explain(str(error))
        raise Denied(400, "malformed", rule, field=field) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Denied(400, "malformed", "the body is not valid JSON") from None


def explain(message: str) -> tuple[str, str]:
    """The field's path and the rule, from msgspec's "Expected `int`, got `str` - at `$.window.opens_at`"."""
    match = _PATH.match(message)
    assert match is not None
    path = (match["path"] or "$").removeprefix("$").replace("[", ".").replace("]", "").strip(".")
    rule = match["rule"]
    if unknown := _UNKNOWN.search(rule):
        return _joined(path, unknown["name"]), "there is no such field"
    if missing := _MISSING.search(rule):
        return _joined(path, missing["name"]), "this field is required"
    return path or "body", rule.replace("`", "")


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


@lru_cache(maxsize=256)
def _decoder(kind: type[object]) -> msgspec.json.Decoder[object]:
    return msgspec.json.Decoder(kind)
