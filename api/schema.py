"""The OpenAPI description at /schema: errors as they really look, and who may make each call. No CDN, no scripts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from inspect import cleandoc
from types import UnionType
from typing import Any, Union, cast, get_args, get_origin

import msgspec
from litestar import Litestar, Response, Router
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import (
    Components,
    License,
    OpenAPIHeader,
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    Parameter,
    PathItem,
    Reference,
    RequestBody,
    Schema,
    SecurityScheme,
)  # fmt: skip
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.plugins import OpenAPISchemaPlugin
from litestar.routes import HTTPRoute
from litestar.typing import FieldDefinition
from msgspec import Struct, inspect

from api.bodies import body_of
from api.callers import anybody, declared
from api.headers import TOLD, describe_headers
from api.limits import Kind, Rate, kind_of
from api.problems import MEDIA_TYPE, Problem


def openapi(version: str) -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Vigil",
        version=version,
        description=f"Live exam proctoring with a record to check. Errors are problem+json (RFC 9457). {TOLD}",
        license=License(name="AGPL-3.0-or-later", identifier="AGPL-3.0-or-later"),
        components=Components(
            security_schemes={"token": SecurityScheme(type="http", scheme="bearer")},
        ),
        security=[{"token": []}],
        use_handler_docstrings=True,
        render_plugins=[JsonRenderPlugin()],
        openapi_router=Router("/schema", route_handlers=[], guards=[anybody], include_in_schema=False),
    )


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a route says of itself, beyond its types: see `says`."""

    refusals: tuple[int, ...] = ()
    reads: Mapping[str, object] = field(default_factory=dict)
    answers: Mapping[int, object] = field(default_factory=dict)

    def __deepcopy__(self, _: object) -> Said:
        """The framework copies what a route is made of, and types cannot be copied."""
        return self


def says(
    *refusals: int, reads: Mapping[str, object] | None = None, answers: Mapping[int, object] | None = None
) -> dict[str, Any]:
    """For a route's `opt`, what its types do not tell: refusals beyond the usual ones; the bodies that it reads itself,
    by media type; and answers by status, where None stands for bytes of the route's own media type, and a tuple of
    media types for bytes of those too.
    """
    return {"said": Said(refusals=refusals, reads=reads or {}, answers=answers or {})}


class Structs(OpenAPISchemaPlugin):
    """Keeps the framework from looking into what `describe` describes: it stumbles over some of it."""

    def is_plugin_supported_field(self, field_definition: FieldDefinition) -> bool:
        return not field_definition.is_union and field_definition.is_subclass_of(Struct)

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: object) -> Schema:  # noqa: ARG002
        return Schema(type=OpenAPIType.OBJECT)


def describe(app: Litestar, rates: Mapping[Kind, Rate]) -> None:
    """Corrects the description before it is first served: errors as they look, and bodies as msgspec reads them.

    The framework's own account of a body leaves out that unknown fields are refused, and much else.
    """
    described = app.openapi_schema
    bodies: list[tuple[OpenAPIMediaType, object]] = []
    for route in app.routes:
        if not isinstance(route, HTTPRoute) or route.path_format not in (described.paths or {}):
            continue
        for handler, _ in route.route_handler_map.values():
            for method in handler.http_methods:
                if operation := _operation((described.paths or {})[route.path_format], method):
                    _correct(operation, declared(handler))
                    bodies += _bodies(operation, handler)
                    operation.responses = {**_refusals(operation, handler, method), **(operation.responses or {})}
                    describe_headers(operation, handler, method, route.path_format)
                    if "anybody" not in declared(handler):
                        _say_limit(operation, rates[kind_of(handler, method)])
    kinds = [kind for _, several in bodies for kind in _several(several)]
    found, components = msgspec.json.schema_components(
        [*kinds, Problem], schema_hook=lambda _: {"description": "Any JSON"}, ref_template="#/components/schemas/{name}"
    )
    schemas = iter(found)
    for media, several in bodies:
        each = [next(schemas) for _ in _several(several)]
        media.schema = cast("Schema", each[0] if len(each) == 1 else {"anyOf": each})
        if several is bytes:  # which msgspec knows in JSON only
            media.schema = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
    for schema in components.values():
        schema["description"] = cleandoc(schema.get("description", ""))
    _say_more(kinds, components)
    described.components.schemas = cast("dict[str, Schema]", components)


def _operation(item: PathItem, method: str) -> Operation | None:
    found: Operation | None = getattr(item, method.lower(), None)
    return found


def _correct(operation: Operation, roles: tuple[str, ...]) -> None:
    operation.description = f"{operation.description or ''}\n\nFor: {', '.join(roles)}.".strip()
    if "anybody" in roles:
        operation.security = []


def _bodies(operation: Operation, handler: HTTPRouteHandler) -> Iterator[tuple[OpenAPIMediaType, object]]:
    """The bodies of the request and those in JSON of each answer, with the type that is read or written there."""
    said: Said = handler.opt.get("said", Said())
    if reads := said.reads:
        operation.request_body = RequestBody(content={media: OpenAPIMediaType() for media in reads}, required=True)
        yield from ((operation.request_body.content[media], kind) for media, kind in reads.items())
    if (body := body_of(handler)) and isinstance(operation.request_body, RequestBody):
        operation.request_body.required = body.needed
        yield operation.request_body.content[_JSON], body.kind
    returned = handler.parsed_fn_signature.return_type
    inner = returned.inner_types[0].annotation if returned.is_subclass_of(Response) and returned.inner_types else None
    own = {handler.status_code: inner or returned.annotation}
    answers = {code: answer for code, answer in (operation.responses or {}).items() if int(code) < 400}
    for code, kind in {**own, **said.answers}.items():
        first = next(iter(answers.values()))
        answer = answers.setdefault(str(code), OpenAPIResponse(description=HTTPStatus(code).phrase))
        assert isinstance(answer, OpenAPIResponse)
        assert isinstance(first, OpenAPIResponse)
        if code == HTTPStatus.NO_CONTENT:
            answer.content = None  # the framework promises one for `Response[None]`
        elif kind is None:
            answer.content = first.content
        elif isinstance(kind, tuple):
            assert first.content
            answer.content = first.content | dict.fromkeys(kind, next(iter(first.content.values())))
        elif first.content and _JSON in first.content:
            media = OpenAPIMediaType()
            answer.content = {_JSON: media}
            yield media, kind
    operation.responses = dict(answers)


def _several(kind: object) -> list[object]:
    """The types of a union of structs, which msgspec cannot tell apart when it reads, and never has to."""
    several = [*get_args(kind)] if get_origin(kind) in {Union, UnionType} else []
    return several if sum(isinstance(one, type) and issubclass(one, Struct) for one in several) > 1 else [kind]


def _say_more(kinds: Iterable[object], components: Mapping[str, dict[str, Any]]) -> None:
    """What msgspec leaves out of its schemas: which keys it reads, and times, which it reads without an offset too."""
    for struct in _structs(inspect.multi_type_info(kinds), {}):
        fields = {field.encode_name: field.type for field in struct.fields}
        for schema in components.values():
            if schema["title"] == struct.cls.__name__ and fields.keys() <= schema["properties"].keys():
                for name, kind in fields.items():
                    _say_more_of(kind, schema["properties"][name])


def _say_more_of(kind: inspect.Type, told: dict[str, Any]) -> None:
    if isinstance(kind, inspect.DictType) and isinstance(kind.key_type, inspect.LiteralType):
        told["propertyNames"] = {"enum": list(kind.key_type.values)}
    if any(isinstance(one, inspect.DateTimeType) for one in (kind, *_inside(kind))):
        for one in (told, *told.get("anyOf", ())):
            if one.get("type") == "string":
                one["format"] = "date-time"


def _structs(kinds: Iterable[inspect.Type], seen: dict[type, inspect.StructType]) -> Iterable[inspect.StructType]:
    """Every struct that these types are made of."""
    for kind in kinds:
        if isinstance(kind, inspect.StructType) and kind.cls not in seen:
            seen[kind.cls] = kind
            _structs((field.type for field in kind.fields), seen)
        else:
            _structs(_inside(kind), seen)
    return seen.values()


def _inside(kind: inspect.Type) -> tuple[inspect.Type, ...]:
    """The types of a union, or those in a collection; none for a struct, whose fields have names."""
    match kind:
        case inspect.UnionType(types=types):
            return types
        case inspect.CollectionType(item_type=item):
            return (item,)
        case inspect.DictType(value_type=value):
            return (value,)
        case inspect.Metadata(type=type_):
            return (type_,)
    return ()


def _refusals(operation: Operation, handler: HTTPRouteHandler, method: str) -> dict[str, OpenAPIResponse]:
    """What any route of its sort may answer, and what its own `says` names."""
    found = {*handler.opt.get("said", Said()).refusals}
    if "anybody" not in declared(handler):
        found |= {400, 401, 403, 503} if method == "GET" else {400, 401, 403, 409, 422, 503}
    named = {one.name for one in operation.parameters or () if isinstance(one, Parameter) and one.param_in == "path"}
    found |= {409} if named & {"session", "recording"} else set()  # it may be archived
    places = {one.param_in for one in operation.parameters or () if isinstance(one, Parameter)}
    found |= {404} if "path" in places else set()
    found |= {422} if "query" in places else set()
    if operation.request_body:
        found |= {400, 413, 422, 503}
    return {
        str(code): OpenAPIResponse(description=HTTPStatus(code).phrase, content=dict(_ERROR)) for code in sorted(found)
    }


def _say_limit(operation: Operation, rate: Rate) -> None:
    description = f"Too fast: {rate.burst} at once, and one more each {rate.every_s:g} s, for each session or account"
    header = OpenAPIHeader(description="Seconds to wait", schema=Schema(type=OpenAPIType.INTEGER))
    operation.responses = {
        **(operation.responses or {}),
        "429": OpenAPIResponse(description=description, content=_ERROR, headers={"Retry-After": header}),
    }


_JSON = "application/json"
_ERROR = {MEDIA_TYPE: OpenAPIMediaType(schema=Reference(ref="#/components/schemas/Problem"))}
