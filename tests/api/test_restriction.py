"""A restricted record is shown only to who holds it, whom they named, and the data-protection officer."""

from __future__ import annotations

from urllib.parse import quote

import httpx
import pytest

from api.app import create_app
from api.restriction import unrestricted
from tests.api.hall import PASSWORD, Exam, Hall, an_exam, sit
from tests.api.reading import Reader
from tests.api.test_clips import span, taped
from tests.api.test_live import flag
from tests.api.test_records import sealed
from tests.api.test_requests import received
from tests.api.test_roles import routes

V1 = "/api/v1"
RESTRICTED = "urn:vigil:problem:restricted"
AUDITORS_ONLY = f"GET {V1}/sessions/{{session}}/proofs"


@pytest.fixture(scope="module")
async def looks(hall: Hall) -> tuple[Exam, dict[str, tuple[str, dict[str, str]]]]:
    """A session that is over, and each route that shows something of it, with where that is there."""
    exam = await an_exam(hall)
    await sit(exam, 0)
    began = await taped(exam, 0, 7)
    await flag(exam, 0, "flagged-once")
    (session,) = exam.sessions
    assert (await exam.candidates[0].post(f"{V1}/sessions/{session}/submit")).is_success
    await sealed(exam)
    camera = f"{V1}/recordings/{session}.camera"
    return exam, {
        f"GET {V1}/sessions/{{session}}/record": (f"{V1}/sessions/{session}/record", {}),
        f"GET {V1}/sessions/{{session}}/timeline": (f"{V1}/sessions/{session}/timeline", {}),
        AUDITORS_ONLY: (f"{V1}/sessions/{session}/proofs", {}),
        f"GET {V1}/sessions/{{session}}/recordings": (f"{V1}/sessions/{session}/recordings", {}),
        f"GET {V1}/sessions/{{session}}/messages": (f"{V1}/sessions/{session}/messages", {}),
        f"GET {V1}/sessions/{{session}}/interventions": (f"{V1}/sessions/{session}/interventions", {}),
        f"GET {V1}/sessions/{{session}}/incidents": (f"{V1}/sessions/{session}/incidents", {}),
        f"GET {V1}/sessions/{{session}}/incidents/{{incident}}/pictures/{{number}}": (
            f"{V1}/sessions/{session}/incidents/flagged-once/pictures/0", {},
        ),
        f"GET {V1}/sessions/{{session}}/identity/{{picture}}": (f"{V1}/sessions/{session}/identity/photo", {}),
        f"GET {V1}/sessions/{{session}}/appeals/{{appeal}}/attachments/{{number}}": (
            f"{V1}/sessions/{session}/appeals/nothing/attachments/1", {},
        ),
        f"GET {V1}/recordings/{{recording}}/manifest": (f"{camera}/manifest", {}),
        f"GET {V1}/recordings/{{recording}}/clip": (f"{camera}/clip", span(began, 1, 5)),
        f"GET {V1}/recordings/{{recording}}/media": (f"{camera}/media", {}),
        f"GET {V1}/recordings/{{recording}}/stills/{{number}}": (f"{camera}/stills/1", {}),
    }  # fmt: skip


async def a_reviewer(hall: Hall, name: str) -> httpx.AsyncClient:
    new = {"name": name, "email": f"{name}@example.org", "password": PASSWORD, "roles": ["reviewer"]}
    assert (await (await hall.as_a("admin")).post(f"{V1}/users", json=new)).status_code == 201
    answer = await hall.http.post(f"{V1}/sign-in", json={"email": new["email"], "password": PASSWORD})
    return hall.bearing(answer.json()["token"])


async def restricted(client: httpx.AsyncClient, looks: dict[str, tuple[str, dict[str, str]]]) -> set[str]:
    """The routes that say so."""
    answers = {row: await client.get(path, params=query) for row, (path, query) in looks.items()}
    return {row for row, one in answers.items() if one.status_code == 403 and one.json()["type"] == RESTRICTED}


async def test_only_those_look_who_need_it(
    hall: Hall, looks: tuple[Exam, dict[str, tuple[str, dict[str, str]]]]
) -> None:
    exam, rows = looks
    named, other = await a_reviewer(hall, "named.reader"), await a_reviewer(hall, "another.one")
    officer, auditor = await hall.as_a("data_protection_officer"), await hall.as_a("auditor")
    export = (await auditor.post(f"{V1}/exports", json={"session": exam.sessions[0]})).json()["export"]
    while (await auditor.get(f"{V1}/exports/{export}")).json()["state"] == "running":
        pass
    for client in (named, other, auditor):
        assert await restricted(client, rows) == set()
    holds = f"{V1}/sessions/{exam.sessions[0]}/record/holds"
    body = {"reason": "An appeal", "readers": [hall.user("named.reader@example.org")]}
    hold = (await officer.post(holds, json=body)).json()["hold"]
    assert await restricted(other, rows) == set()  # held is not restricted
    made = await received(officer, exam, kind="restriction")
    at = f"{V1}/requests/{made['request']}"
    await officer.post(f"{at}/identity-check", json={"proof": "known"})
    await officer.post(f"{at}/grant", json={})
    head = {"Vigil-At-Least": str(await hall.position())}
    assert (await officer.post(f"{at}/execution", headers=head)).json()["standing"] == "executed"
    assert await restricted(other, rows) == rows.keys() - {AUDITORS_ONLY}
    assert await restricted(auditor, rows) == rows.keys()
    await named_by_number_only(exam, other, auditor, named)
    assert await restricted(named, rows) == set()
    assert (
        await named.get(rows[f"GET {V1}/recordings/{{recording}}/clip"][0], params=span_of(rows))
    ).status_code == 200
    for path in (f"{V1}/exports/{export}/file",):
        answer = await auditor.get(path)
        assert (answer.status_code, answer.json()["type"]) == (403, RESTRICTED)
    again = await auditor.post(f"{V1}/exports", json={"session": exam.sessions[0]})
    assert (again.status_code, again.json()["detail"]) == (409, "this record is restricted; nothing of it is exported")
    mine = await exam.candidates[0].get(f"{V1}/sessions/{exam.sessions[0]}/messages")
    assert mine.status_code == 200
    for name in (hold, made["request"]):
        assert (await officer.post(f"{holds}/{name}/lift", json={"reason": "Settled"})).status_code == 204
    assert await restricted(other, rows) == set()
    head = {"Vigil-At-Least": str(await hall.position())}
    listed = await other.get(f"{V1}/schedules/{exam.schedule}/gradebook", headers=head)
    assert [row["name"] for row in listed.json()["records"]] == ["Candidate 0"]


async def named_by_number_only(
    exam: Exam, other: httpx.AsyncClient, auditor: httpx.AsyncClient, named: httpx.AsyncClient
) -> None:
    """Whoever works with the schedule finds the row by its number; its name is for who may look."""
    hall, at = exam.hall, f"{V1}/schedules/{exam.schedule}"
    head = {"Vigil-At-Least": str(await hall.position())}
    number, now = f"{exam.schedule}-0", (await hall.http.get(f"{V1}/me")).headers["vigil-server-time"]
    lists = {
        other: ("gradebook", "gradebook.csv", "day-report.html", "day-report.csv", "live"),
        auditor: ("gradebook", "live", "attendance", "attendance.csv", "day-report"),
        exam.planner: ("candidates", "live", "attendance", "attendance.csv", "day-report.html"),
        exam.invigilator: ("live", "attendance", "help"),
    }
    asked = [(client, path) for client, paths in lists.items() for path in paths]
    for client, path in [*asked, (other, f"live?as_of={quote(now)}"), (auditor, f"day-report?as_of={quote(now)}")]:
        answer = await client.get(f"{at}/{path}", headers=head)
        assert answer.status_code == 200, f"{path}: {answer.text}"
        assert "Candidate 0" not in answer.text, path
        assert path == "help" or f"{number} (restricted)" in answer.text, path
    for query in ("Candidate 0", number):
        found = (await other.get(f"{at}/gradebook", params={"q": query}, headers=head)).json()["records"]
        assert [row["name"] for row in found] == ([] if query == "Candidate 0" else [f"{number} (restricted)"]), query
    async with Reader(exam.invigilator, f"{at}/live/stream") as stream:
        rows = (await stream.next("snapshot")).data["rows"].values()
    assert [row["name"] for row in rows] == [f"{number} (restricted)"]
    (row,) = (await named.get(f"{at}/gradebook", headers=head)).json()["records"]
    assert row["name"] == "Candidate 0"
    signed = [(await who.get(f"{at}/day-report", headers=head)).json()["sha256"] for who in (named, other)]
    assert len(set(signed)) == 1, "the report that people sign names nobody"


def span_of(rows: dict[str, tuple[str, dict[str, str]]]) -> dict[str, str]:
    return rows[f"GET {V1}/recordings/{{recording}}/clip"][1]


async def test_every_route_that_shows_a_record_asks(
    hall: Hall, looks: tuple[Exam, dict[str, tuple[str, dict[str, str]]]]
) -> None:
    app = create_app(hall.services)
    asking = {
        f"GET {handler_path}" for route in app.routes for handler in getattr(route, "route_handlers", ())
        if "GET" in getattr(handler, "http_methods", ()) and unrestricted in handler.resolve_guards()
        for handler_path in [route.path_format]
    }  # fmt: skip
    assert asking == looks[1].keys()
    assert asking <= {f"{method} {path}" for method, path in routes(app)}
