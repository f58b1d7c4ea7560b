"""The OpenAPI description at /schema: errors as they really look, and who may make each call. No CDN, no scripts."""

from __future__ import annotations

from litestar import Litestar, Router
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import (
    Components,
    License,
    OpenAPIHeader,
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    PathItem,
    Reference,
    Schema,
    SecurityScheme,
)  # fmt: skip
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.routes import HTTPRoute

from api.callers import anybody, declared
from api.limits import Rate, kind_of
from api.problems import MEDIA_TYPE


def openapi(version: str) -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Vigil",
        version=version,
        description="Live exam proctoring with a record that anybody can check. Errors are problem+json (RFC 9457).",
        license=License(name="AGPL-3.0-or-later", identifier="AGPL-3.0-or-later"),
        components=Components(
            security_schemes={"token": SecurityScheme(type="http", scheme="bearer")},
        ),
        security=[{"token": []}],
        use_handler_docstrings=True,
        render_plugins=[JsonRenderPlugin()],
        openapi_router=Router("/schema", route_handlers=[], guards=[anybody], include_in_schema=False),
    )


def describe(app: Litestar) -> None:
    """Corrects the description before it is first served: the framework documents its own error shape, not ours."""
    described = app.openapi_schema
    for route in app.routes:
        if not isinstance(route, HTTPRoute) or route.path_format not in (described.paths or {}):
            continue
        for handler, _ in route.route_handler_map.values():
            for method in handler.http_methods:
                if operation := _operation((described.paths or {})[route.path_format], method):
                    _correct(operation, declared(handler))
                    if "anybody" not in declared(handler):
                        _say_limit(operation, app.state.services.limits.rates[kind_of(handler, method)])
    if described.components.schemas is not None:
        described.components.schemas["Problem"] = _PROBLEM


def _operation(item: PathItem, method: str) -> Operation | None:
    found: Operation | None = getattr(item, method.lower(), None)
    return found


def _correct(operation: Operation, roles: tuple[str, ...]) -> None:
    answers = {code: answer for code, answer in (operation.responses or {}).items() if int(code) < 400}
    operation.responses = {**answers, "default": _ERROR}
    operation.description = f"{operation.description or ''}\n\nFor: {', '.join(roles)}.".strip()


def _say_limit(operation: Operation, rate: Rate) -> None:
    description = f"Too fast: {rate.burst} at once, and one more each {rate.every_s:g} s, for each session or account"
    header = OpenAPIHeader(description="Seconds to wait", schema=Schema(type=OpenAPIType.INTEGER))
    operation.responses = {
        **(operation.responses or {}),
        "429": OpenAPIResponse(description=description, content=_ERROR.content, headers={"Retry-After": header}),
    }


_TEXT = Schema(type=OpenAPIType.STRING)
_PROBLEM = Schema(
    type=OpenAPIType.OBJECT,
    title="Problem",
    description="An error, as RFC 9457 has it.",
    required=["type", "title", "status"],
    properties={
        "type": Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.URI),
        "title": _TEXT,
        "status": Schema(type=OpenAPIType.INTEGER),
        "detail": _TEXT,
        "id": Schema(type=OpenAPIType.STRING, description="Names the entry in the operator's log."),
        "errors": Schema(
            type=OpenAPIType.ARRAY,
            items=Schema(
                type=OpenAPIType.OBJECT, required=["field", "rule"], properties={"field": _TEXT, "rule": _TEXT}
            ),
        ),
    },
)
_ERROR = OpenAPIResponse(
    description="An error (RFC 9457)",
    content={MEDIA_TYPE: OpenAPIMediaType(schema=Reference(ref="#/components/schemas/Problem"))},
)
