"""Who may call what: the table, and that no route is without a row. test_role_walk.py calls each of them."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from litestar import Litestar, WebSocket, get, websocket
from litestar.datastructures import State
from litestar.enums import HttpMethod
from litestar.exceptions import ImproperlyConfiguredException
from litestar.handlers import HTTPRouteHandler, WebsocketRouteHandler

from api import app as front_door
from api.app import create_app, handlers_of
from api.callers import may
from api.page import AREAS
from tests.api.hall import Hall

ROLES = (
    "admin", "planner", "lead_invigilator", "invigilator", "reviewer", "auditor", "data_protection_officer",
    "candidate",
)  # fmt: skip
STAFF = ROLES[:-1]
WATCHERS = ("invigilator", "lead_invigilator")
V1 = "/api/v1"
SESSION, SCHEDULE = f"{V1}/sessions/{{session}}", f"{V1}/schedules/{{schedule}}"

TABLE: dict[str, tuple[str, ...]] = {
    "GET /": ("anybody",),
    **{f"GET /{area}{rest}": ("anybody",) for area in AREAS for rest in ("", "/{rest}")},
    "GET /join": ("anybody",),
    "GET /record": ("anybody",),
    "GET /assets/{name}": ("anybody",),
    "GET /healthz": ("anybody",),
    "GET /readyz": ("anybody",),
    "GET /metrics": ("anybody",),
    "GET /schema": ("anybody",),
    "GET /schema/openapi.json": ("anybody",),
    "GET /schema/{path}": ("anybody",),
    f"POST {V1}/sign-in": ("anybody",),
    f"POST {V1}/join": ("anybody",),
    f"POST {V1}/sign-out": ROLES,
    f"GET {V1}/me": ROLES,
    f"GET {V1}/users": ("admin", "planner", "lead_invigilator", "data_protection_officer"),
    f"POST {V1}/users": ("admin",),
    f"POST {V1}/users/{{user}}/roles": ("admin",),
    f"DELETE {V1}/users/{{user}}/roles/{{role}}": ("admin",),
    f"PUT {V1}/users/{{user}}/auditing": ("admin",),
    f"POST {V1}/users/{{user}}/sign-out": ("admin",),
    f"POST {V1}/users/{{user}}/unlock": ("admin", "lead_invigilator"),
    f"GET {V1}/sign-ins": ("admin", "auditor"),
    f"GET {V1}/system": ("admin",),
    f"GET {V1}/tokens": ("admin",),
    f"POST {V1}/tokens": ("admin",),
    f"DELETE {V1}/tokens/{{token}}": ("admin",),
    f"GET {V1}/schedules": ("planner", *WATCHERS, "reviewer", "auditor", "admin"),
    f"POST {V1}/schedules": ("planner",),
    f"GET {SCHEDULE}": ("planner", *WATCHERS, "reviewer", "auditor"),
    f"PATCH {SCHEDULE}": ("planner",),
    f"POST {SCHEDULE}/live-proctoring": ("planner",),
    f"GET {SCHEDULE}/policy": ("planner", *WATCHERS, "reviewer", "auditor"),
    f"PUT {SCHEDULE}/policy": ("planner",),
    f"POST {V1}/policy-notice": ("planner",),
    f"GET {V1}/policy-templates": ("planner",),
    f"POST {V1}/policy-templates": ("planner",),
    f"PUT {V1}/policy-templates/{{template}}": ("planner",),
    f"DELETE {V1}/policy-templates/{{template}}": ("planner",),
    f"GET {V1}/policy-templates/{{template}}": ("planner",),
    f"GET {V1}/canned-messages": ("planner", *WATCHERS),
    f"GET {V1}/canned-messages/{{canned}}": ("planner", *WATCHERS),
    f"POST {V1}/canned-messages": ("planner", "lead_invigilator"),
    f"PUT {V1}/canned-messages/{{canned}}": ("planner", "lead_invigilator"),
    f"DELETE {V1}/canned-messages/{{canned}}": ("planner", "lead_invigilator"),
    f"POST {SCHEDULE}/invigilators": ("planner",),
    f"DELETE {SCHEDULE}/invigilators/{{user}}": ("planner",),
    f"POST {SCHEDULE}/removals": ("planner",),
    f"GET {SCHEDULE}/accommodations": ("planner",),
    f"POST {SCHEDULE}/accommodations": ("planner",),
    f"DELETE {SCHEDULE}/accommodations/{{session}}": ("planner",),
    f"GET {V1}/detectors": ("admin", "planner", "lead_invigilator", "reviewer", "auditor"),
    f"POST {V1}/detectors/{{kind}}/off": ("admin", "planner"),
    f"POST {V1}/detectors/{{kind}}/on": ("admin", "planner"),
    f"POST {SCHEDULE}/detectors/{{kind}}/off": ("planner",),
    f"POST {SCHEDULE}/detectors/{{kind}}/on": ("planner",),
    f"POST {SCHEDULE}/close": ("planner",),
    f"POST {SCHEDULE}/candidates/{{session}}/link": ("planner",),
    f"GET {SCHEDULE}/candidates": ("planner",),
    f"POST {SCHEDULE}/candidates": ("planner",),
    f"DELETE {SCHEDULE}/candidates/{{session}}": ("planner",),
    f"POST {SCHEDULE}/withdrawals": ("planner",),
    f"GET {SCHEDULE}/pin": ("planner", *WATCHERS),
    f"POST {SCHEDULE}/pin": ("planner",),
    f"POST {SCHEDULE}/activate": ("planner",),
    f"POST {SCHEDULE}/cancel": ("planner",),
    f"GET {SCHEDULE}/duty": ("planner", *WATCHERS, "auditor"),
    f"POST {SCHEDULE}/duty/on": ("planner", *WATCHERS),
    f"POST {SCHEDULE}/duty/off": ("planner", *WATCHERS),
    f"PUT {SCHEDULE}/duty/split": ("planner", "lead_invigilator"),
    f"GET {SCHEDULE}/duty/{{user}}": ("planner", *WATCHERS),
    f"POST {SCHEDULE}/duty/hand-overs": WATCHERS,
    f"POST {SCHEDULE}/duty/hand-overs/{{hand_over}}/accept": WATCHERS,
    f"POST {SCHEDULE}/duty/hand-overs/{{hand_over}}/withdraw": WATCHERS,
    f"GET {SCHEDULE}/escalations": WATCHERS,
    f"GET {SCHEDULE}/live": ("planner", *WATCHERS, "reviewer", "auditor"),
    f"GET {SCHEDULE}/course": ("planner", *WATCHERS, "reviewer", "auditor"),
    f"GET {SCHEDULE}/live/stream": ("planner", *WATCHERS),
    f"WS {SCHEDULE}/wall": WATCHERS,
    f"POST {SCHEDULE}/interventions": WATCHERS,
    f"POST {SCHEDULE}/broadcasts": WATCHERS,
    f"GET {SCHEDULE}/help": ("planner", *WATCHERS),
    f"GET {SCHEDULE}/attendance": ("planner", *WATCHERS, "reviewer", "auditor"),
    f"GET {SCHEDULE}/attendance.csv": ("planner", *WATCHERS, "reviewer", "auditor"),
    f"GET {SCHEDULE}/day-report": ("planner", *WATCHERS, "reviewer", "auditor"),
    f"GET {SCHEDULE}/day-report.csv": ("planner", *WATCHERS, "reviewer", "auditor"),
    f"GET {SCHEDULE}/day-report.html": ("planner", *WATCHERS, "reviewer", "auditor"),
    f"POST {SCHEDULE}/day-report/signature": WATCHERS,
    f"GET {SCHEDULE}/outages": ("planner", *WATCHERS, "reviewer", "auditor"),
    f"POST {SCHEDULE}/outages": ("planner", "lead_invigilator"),
    f"POST {SESSION}/help": ("candidate",),
    f"DELETE {SESSION}/help": ("candidate",),
    f"POST {SESSION}/help/{{help}}/take": WATCHERS,
    f"POST {SESSION}/help/{{help}}/release": WATCHERS,
    f"POST {SESSION}/help/{{help}}/answer": WATCHERS,
    f"GET {SCHEDULE}/gradebook": ("reviewer", "auditor"),
    f"GET {SCHEDULE}/gradebook.csv": ("reviewer", "auditor"),
    f"GET {SESSION}": ("candidate", "planner", *WATCHERS, "reviewer", "auditor"),
    f"GET {SESSION}/view": ("candidate",),
    f"GET {SESSION}/stream": ("candidate",),
    f"GET {SESSION}/notice": ("candidate",),
    f"POST {SESSION}/notice": ("candidate",),
    f"POST {SESSION}/system-check": ("candidate",),
    f"POST {SESSION}/start": ("candidate",),
    f"POST {SESSION}/waivers": WATCHERS,
    f"POST {SESSION}/rehearsal": ("candidate",),
    f"POST {SESSION}/upload-test": ("candidate",),
    f"POST {SESSION}/consents": ("candidate",),
    f"POST {SESSION}/objections": ("candidate",),
    f"POST {SESSION}/signals": ("candidate",),
    f"POST {SESSION}/submit": ("candidate",),
    f"POST {SESSION}/admission": ("planner", *WATCHERS),
    f"PUT {SESSION}/identity/{{picture}}": ("candidate",),
    f"GET {SESSION}/identity/{{picture}}": (*WATCHERS, "reviewer", "auditor"),
    f"POST {SESSION}/identity/take": WATCHERS,
    f"POST {SESSION}/identity/decision": WATCHERS,
    f"POST {SESSION}/identity/finding": ("reviewer",),
    f"PUT {SCHEDULE}/candidates/{{session}}/reference-photo": ("planner",),
    f"GET {SCHEDULE}/waiting": ("planner", *WATCHERS),
    f"POST {SCHEDULE}/waiting/next": WATCHERS,
    f"GET {SESSION}/devices/mine": ("candidate",),
    f"POST {SESSION}/devices": ("candidate",),
    f"POST {SESSION}/devices/{{device}}/admission": WATCHERS,
    f"POST {SESSION}/devices/{{device}}/refusal": WATCHERS,
    f"POST {SESSION}/reopen": ("planner", *WATCHERS),
    f"GET {SESSION}/ice-servers": ("candidate", *WATCHERS),
    f"OPTIONS {SESSION}/whip/{{track}}": ("anybody",),
    f"POST {SESSION}/whip/{{track}}": ("candidate",),
    f"DELETE {SESSION}/whip/{{track}}/{{connection}}": ("candidate",),
    f"OPTIONS {SESSION}/whep/{{track}}": ("anybody",),
    f"POST {SESSION}/whep/{{track}}": WATCHERS,
    f"DELETE {SESSION}/whep/{{track}}/{{viewer}}": WATCHERS,
    f"GET {SESSION}/late/{{track}}": ("candidate",),
    f"PUT {SESSION}/late/{{track}}/{{sha256}}": ("candidate",),
    f"POST {SESSION}/stills/{{track}}": ("candidate",),
    f"GET {SESSION}/receipt": ("candidate", "reviewer", "auditor"),
    f"GET {SESSION}/messages": ("candidate", *WATCHERS, "reviewer", "auditor"),
    f"POST {SESSION}/messages": ("candidate", *WATCHERS),
    f"POST {SESSION}/messages/{{message}}/delivered": ("candidate", *WATCHERS),
    f"POST {SESSION}/messages/{{message}}/read": ("candidate", *WATCHERS),
    f"GET {SESSION}/interventions": (*WATCHERS, "reviewer", "auditor"),
    f"POST {SESSION}/interventions": WATCHERS,
    f"POST {SESSION}/interventions/{{intervention}}/progress": ("candidate", *WATCHERS),
    f"POST {SESSION}/interventions/{{intervention}}/result": WATCHERS,
    f"POST {SESSION}/reinstate": ("lead_invigilator",),
    f"POST {SESSION}/breaks": ("candidate",),
    f"DELETE {SESSION}/breaks": ("candidate", *WATCHERS),
    f"POST {SESSION}/breaks/return": ("candidate",),
    f"GET {V1}/reasons": ("planner", *WATCHERS, "reviewer", "auditor"),
    f"GET {SESSION}/incidents": (*WATCHERS, "reviewer", "auditor"),
    f"POST {SESSION}/incidents": (*WATCHERS, "reviewer"),
    f"POST {SESSION}/incidents/{{incident}}/take": WATCHERS,
    f"POST {SESSION}/incidents/{{incident}}/release": WATCHERS,
    f"POST {SESSION}/incidents/{{incident}}/set-aside": WATCHERS,
    f"POST {SESSION}/incidents/{{incident}}/escalate": WATCHERS,
    f"POST {SESSION}/incidents/{{incident}}/verdict": (*WATCHERS, "reviewer"),
    f"GET {SESSION}/incidents/{{incident}}/pictures/{{number}}": (*WATCHERS, "reviewer", "auditor"),
    f"POST {V1}/incidents/{{incident}}/verdict": (*WATCHERS, "reviewer"),
    f"GET {SESSION}/record": ("reviewer", "auditor"),
    f"POST {SESSION}/record/decision": ("reviewer",),
    f"POST {SESSION}/record/notes": ("reviewer", "lead_invigilator"),
    f"POST {SESSION}/record/priority": ("reviewer", "admin"),
    f"GET {SESSION}/record/holds": ("data_protection_officer", "reviewer", "auditor"),
    f"POST {SESSION}/record/holds": ("data_protection_officer", "reviewer"),
    f"POST {SESSION}/record/holds/{{hold}}/lift": ("data_protection_officer",),
    f"POST {V1}/record-link": ("anybody",),
    f"POST {SCHEDULE}/candidates/{{session}}/record-link": ("planner",),
    f"GET {SESSION}/own-record": ("candidate",),
    f"GET {SESSION}/own-recordings": ("candidate",),
    f"GET {SESSION}/own-incidents/{{incident}}/pictures/{{number}}": ("candidate",),
    f"GET {V1}/own-recordings/{{recording}}/media": ("candidate",),
    f"GET {V1}/own-recordings/{{recording}}/manifest": ("candidate",),
    f"GET {V1}/own-recordings/{{recording}}/clip": ("candidate",),
    f"GET {V1}/own-recordings/{{recording}}/stills/{{number}}": ("candidate",),
    f"GET {V1}/appeals": ("reviewer",),
    f"POST {SESSION}/appeals": ("candidate",),
    f"PUT {SESSION}/appeals/{{appeal}}/attachments/{{number}}": ("candidate",),
    f"GET {SESSION}/appeals/{{appeal}}/attachments/{{number}}": ("candidate", "reviewer", "auditor"),
    f"DELETE {SESSION}/appeals/{{appeal}}": ("candidate",),
    f"POST {SESSION}/appeals/{{appeal}}/answer": ("reviewer",),
    f"GET {V1}/requests": ("data_protection_officer", "admin"),
    f"POST {V1}/requests": ("data_protection_officer",),
    f"GET {V1}/requests/{{data_request}}": ("data_protection_officer", "admin"),
    f"POST {V1}/requests/{{data_request}}/identity-check": ("data_protection_officer",),
    f"POST {V1}/requests/{{data_request}}/grant": ("data_protection_officer",),
    f"POST {V1}/requests/{{data_request}}/refuse": ("data_protection_officer",),
    f"POST {V1}/requests/{{data_request}}/execution": ("data_protection_officer", "admin"),
    f"POST {V1}/requests/{{data_request}}/answer": ("data_protection_officer",),
    f"GET {V1}/requests/{{data_request}}/certificate": ("data_protection_officer",),
    f"GET {V1}/requests/{{data_request}}/certificate.html": ("data_protection_officer",),
    f"GET {V1}/compliance": ("auditor", "data_protection_officer"),
    f"GET {V1}/compliance.html": ("auditor", "data_protection_officer"),
    f"GET {V1}/subjects/{{subject}}/data": ("data_protection_officer",),
    f"GET {SESSION}/timeline": ("reviewer", "auditor"),
    f"GET {SESSION}/access": ("auditor", "data_protection_officer"),
    f"GET {SESSION}/recordings": ("reviewer", "auditor"),
    f"GET {V1}/recordings/{{recording}}/media": ("reviewer", "auditor"),
    f"GET {V1}/recordings/{{recording}}/manifest": (*WATCHERS, "reviewer", "auditor"),
    f"GET {V1}/recordings/{{recording}}/clip": (*WATCHERS, "reviewer", "auditor"),
    f"GET {V1}/recordings/{{recording}}/stills/{{number}}": ("reviewer", "auditor"),
    f"POST {V1}/exports": ("auditor", "data_protection_officer"),
    f"GET {V1}/exports": ("auditor", "data_protection_officer"),
    f"GET {V1}/exports/{{export}}": ("auditor", "data_protection_officer"),
    f"GET {V1}/exports/{{export}}/file": ("auditor", "data_protection_officer"),
    f"GET {V1}/checkpoints": ("reviewer", "auditor", "data_protection_officer", "candidate"),
    f"GET {V1}/proofs/{{position}}": ("reviewer", "auditor"),
    f"GET {V1}/proofs/consistency": ("reviewer", "auditor"),
    f"GET {V1}/witnesses": ("reviewer", "auditor", "data_protection_officer"),
    f"GET {SESSION}/proofs": ("auditor",),
    f"GET {V1}/holds": ("auditor", "data_protection_officer"),
}  # fmt: skip


def routes(app: Litestar) -> Iterator[tuple[str, str]]:
    """Method and path of every route there is, so that none is forgotten."""
    for route in app.routes:
        for handler in handlers_of(route):
            methods = ["WS"] if isinstance(handler, WebsocketRouteHandler) else sorted(handler.http_methods)  # type: ignore[attr-defined]
            yield from ((method, route.path_format or "/") for method in methods)


def unlisted(app: Litestar) -> list[str]:
    """Routes without a row in the table."""
    return [f"{method} {path}" for method, path in routes(app) if f"{method} {path}" not in TABLE]


async def test_the_table_is_what_the_routes_say(hall: Hall) -> None:
    described = (await hall.http.get("/schema")).json()
    app = create_app(hall.services)
    assert unlisted(app) == [], "a new route needs its row here"
    for method, path in routes(app):
        if method != "WS" and path.startswith(V1):
            said = described["paths"][path][method.lower()]["description"].rpartition("For: ")[2].rstrip(".")
            assert set(said.split(", ")) == set(TABLE[f"{method} {path}"]), path
    assert len(TABLE) == len(list(routes(app)))


@get("/open")
async def forgotten() -> str:
    return "for whom?"


@HTTPRouteHandler("/asked", http_method=HttpMethod.OPTIONS)
async def forgotten_options() -> str:
    return "what may be done?"


@websocket("/watch")
async def forgotten_stream(socket: WebSocket[object, object, State]) -> None:
    await socket.accept()


@get("/ruled", guards=[may("planner")])
async def ruled() -> str:
    return "for planners"


def with_a_part(hall: Hall, monkeypatch: pytest.MonkeyPatch, *handlers: object) -> Litestar:
    monkeypatch.setattr(front_door, "PARTS", (*front_door.PARTS, SimpleNamespace(HANDLERS=handlers)))
    return create_app(hall.services)


@pytest.mark.parametrize("handler", [forgotten, forgotten_options, forgotten_stream])
async def test_a_route_that_says_nothing_stops_the_application(
    hall: Hall, monkeypatch: pytest.MonkeyPatch, handler: object
) -> None:
    with pytest.raises(ImproperlyConfiguredException, match="does not say who may call it"):
        with_a_part(hall, monkeypatch, ruled, handler)


async def test_a_route_that_has_a_rule_needs_its_row_too(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    assert unlisted(with_a_part(hall, monkeypatch, ruled)) == [f"GET {V1}/ruled"]
