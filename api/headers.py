"""What the OpenAPI description says of headers: keys that make a request repeatable, versions, and the time."""

from __future__ import annotations

from typing import Any

from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import OpenAPIHeader, OpenAPIResponse, Operation, Parameter, Schema
from litestar.openapi.spec.enums import OpenAPIType

from api.callers import declared
from api.etags import VERSIONED, changed_by

TOLD = (
    "Every answer has the header `Vigil-Server-Time`, and those to commands `Vigil-Position`, which a read is asked to"
    " have reached by `Vigil-At-Least`."
)


def describe_headers(operation: Operation, handler: HTTPRouteHandler, method: str, path: str) -> None:
    parameters: list[Parameter] = []
    answers: dict[str, OpenAPIResponse] = {}
    if method not in {"GET", "HEAD"} and "anybody" not in declared(handler):
        parameters.append(_parameter("Idempotency-Key", _KEY, Schema(type=OpenAPIType.STRING, max_length=200)))
        if changed_by(path):
            parameters.append(_parameter("If-Match", _IF_MATCH, Schema(type=OpenAPIType.STRING, pattern=_TAG)))
            answers["412"] = OpenAPIResponse(
                description="It has moved on since that version", content=_problem(operation)
            )
    if VERSIONED.keys() <= handler.opt.keys():
        parameters.append(_parameter("If-None-Match", _IF_NONE_MATCH, Schema(type=OpenAPIType.STRING)))
        answers["304"] = OpenAPIResponse(description="You have this already", headers={"ETag": _ETAG})
        if isinstance(read := (operation.responses or {}).get("200"), OpenAPIResponse):
            read.headers = {**(read.headers or {}), "ETag": _ETAG}
    operation.parameters = [*(operation.parameters or ()), *parameters]
    operation.responses = {**(operation.responses or {}), **answers}


def _parameter(name: str, description: str, schema: Schema) -> Parameter:
    return Parameter(name=name, param_in="header", description=description, schema=schema, required=False)


def _problem(operation: Operation) -> Any:  # noqa: ANN401 - the content of another error
    refusal = (operation.responses or {}).get("401")
    return refusal.content if isinstance(refusal, OpenAPIResponse) else None


_TAG = r'^(\*|"[!#-~]*")$'
_ETAG = OpenAPIHeader(description="The version", schema=Schema(type=OpenAPIType.STRING))
_KEY = "Makes the request repeatable: the same key again is the same answer, and with another request it is refused"
_IF_MATCH = "An ETag: what the path names first is changed only if it still has this version"
_IF_NONE_MATCH = "An ETag: an answer that has just this version is not sent again"
