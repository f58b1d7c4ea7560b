"""Versions of what is read: strong ETags, 304 for who has it already, and `If-Match` for who changes it.

An ETag is `"<version>.<hash>"`: the version of the stream that commands on this resource append to, and a hash of the
whole answer, which may rest on other streams as well. `If-None-Match` compares both. `If-Match` compares the version:
it is checked inside the command, against the version that is appended to, so nobody can come in between.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response

from api.problems import Denied
from commands.handler import UseCase, Work
from domain import canned, policy_template, schedule, session_rules
from domain.event import Decider, Refused

T = TypeVar("T")
IF_MATCH = "if-match"
CHANGED: dict[str, Decider[Any, Any, Any]] = {  # by how a path names it, the first one that it names
    "schedule": schedule.DECIDER,
    "session": session_rules.DECIDER,
    "template": policy_template.DECIDER,
    "canned": canned.DECIDER,
}
VERSIONED = {"versioned": True}  # for the `opt` of a route that answers with an ETag
_TAGS = re.compile(r'\s*(W/)?"([\x21\x23-\x7e]*)"\s*(?:,|$)')


def changed_by(path: str) -> str | None:
    """Which part of a path's template names what `If-Match` is about; None when there is none."""
    return next((name for name in CHANGED if f"{{{name}}}" in path), None)


def tagged(request: Request[Any, Any, Any], answer: T, version: int) -> Response[T]:
    """The answer with its ETag; 304 without it for a client that has just this."""
    digest = sha256(_encoder.encode(answer)).hexdigest()[:16]
    etag = f"{version}.{digest}"
    headers = {"ETag": f'"{etag}"', "Cache-Control": "private, no-cache"}
    known = request.headers.get("if-none-match", "")
    if known.strip() == "*" or etag in [name for _, name in _TAGS.findall(known)]:
        return Response(b"", status_code=304, headers=headers)  # type: ignore[arg-type]  # has no body
    return Response(answer, headers=headers)


def unmoved(request: Request[Any, Any, Any], use_case: UseCase) -> UseCase:
    """The use case, refused as `moved` unless what the path names has the version of `If-Match`, where that is sent."""
    text = request.headers.get(IF_MATCH, "*").strip()
    named = changed_by(request.scope["path_template"])
    if text == "*" or named is None:
        return use_case
    versions, decider, stream = _versions(text), CHANGED[named], str(request.path_params[named])

    async def checked(work: Work) -> Any:  # noqa: ANN401 - whatever the use case gives
        if await work.version(decider, stream) not in versions:
            rule = "this was changed since you read it; read it again and decide afresh"
            raise Refused(rule, field="If-Match", kind="moved")
        return await use_case(work)

    return checked


def _versions(text: str) -> set[int]:
    """The versions that `If-Match` names; a weak tag matches none. Raises `Denied` 400."""
    found = list(_TAGS.finditer(text))
    if not found or "".join(match[0] for match in found) != text:
        raise Denied(400, "malformed", "an ETag in quotes, as it was given, is expected", field="If-Match")
    heads = [match[2].partition(".")[0] for match in found if not match[1]]
    return {int(head) for head in heads if head.isascii() and head.isdigit() and len(head) < 10}


_encoder = msgspec.json.Encoder(order="deterministic")
