"""Lists in pages: whole and in order, whatever comes meanwhile; filters with counts; places that nobody can make up."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.api.hall import Exam, Hall, an_exam, refused, sit

V1 = "/api/v1"


async def pages(client: httpx.AsyncClient, path: str, field: str, limit: int, **asked: Any) -> list[list[Any]]:  # noqa: ANN401
    """Every page of a list."""
    found, after = [], ""
    while after is not None:
        answer = await client.get(path, params={"limit": limit, "after": after, **asked})
        assert answer.status_code == 200, answer.text
        found.append(answer.json()[field])
        after = answer.json()["next"]
    return found


def same(row: dict[str, Any]) -> dict[str, Any]:
    """A row without its join link, which is made anew each time."""
    return {name: value for name, value in row.items() if name != "join_link"}


@pytest.fixture(scope="module")
async def exam(hall: Hall) -> Exam:
    exam = await an_exam(hall, candidates=7)
    for n in (0, 1):
        await sit(exam, n)
    for n in range(3):
        body = {"severity": "warn", "note": f"note {n}"}
        answer = await exam.invigilator.post(f"{V1}/sessions/{exam.sessions[0]}/incidents", json=body)
        assert answer.status_code == 201
        sent = await exam.candidates[0].post(f"{V1}/sessions/{exam.sessions[0]}/messages", json={"text": f"{n}"})
        assert sent.status_code == 201
        body = {"label": f"label {n % 2}", "text": f"text {n}"}
        assert (await exam.planner.post(f"{V1}/canned-messages", json=body)).status_code == 201
    await exam.planner.delete(f"{V1}/schedules/{exam.schedule}/candidates/{exam.sessions[6]}")
    admin = await hall.as_a("admin")
    for n in range(5):
        body = {"name": f"program {n}", "roles": ["planner"], "expires_at": (hall.clock() + timedelta(1)).isoformat()}
        assert (await admin.post(f"{V1}/tokens", json=body)).status_code == 201
    for n in range(5):
        body = {"name": f"template {n % 2}", "policy": {}}
        assert (await exam.planner.post(f"{V1}/policy-templates", json=body)).status_code == 201
    await hall.as_a("reviewer")
    await hall.as_a("auditor")
    return exam


LISTS = [
    ("planner", "/schedules", "schedules"),
    ("planner", "/users", "users"),
    ("planner", "/policy-templates", "templates"),
    ("planner", "/schedules/{schedule}/candidates", "candidates"),
    ("reviewer", "/schedules/{schedule}/gradebook", "records"),
    ("reviewer", "/sessions/{session}/timeline", "events"),
    ("reviewer", "/sessions/{session}/incidents", "incidents"),
    ("reviewer", "/sessions/{session}/messages", "messages"),
    ("planner", "/canned-messages", "canned_messages"),
    ("auditor", "/sign-ins", "sign_ins"),
    ("admin", "/tokens", "tokens"),
]


@pytest.mark.parametrize(("role", "path", "field"), LISTS, ids=[path for _, path, _ in LISTS])
async def test_pages_make_up_the_whole_list(exam: Exam, role: Any, path: str, field: str) -> None:  # noqa: ANN401
    hall, client = exam.hall, await exam.hall.as_a(role)
    await an_exam(hall)
    at = V1 + path.format(schedule=exam.schedule, session=exam.sessions[0])
    head = {"Vigil-At-Least": str(await hall.position())}
    whole = (await client.get(at, params={"limit": 1000}, headers=head)).json()
    assert whole["next"] is None
    assert len(whole[field]) > 2 or field == "schedules"
    for limit in (1, 2, len(whole[field])):
        found = await pages(client, at, field, limit)
        assert [same(row) for rows in found for row in rows] == [same(row) for row in whole[field]]
        assert {len(rows) for rows in found[:-1]} <= {limit}
        assert found[-1], "there is no empty page at the end"
    before = await hall.position()
    for odd in (0, 1001, -1, "x"):
        await refused(hall, await client.get(at, params={"limit": odd}), before, 400, "limit", "")
    for odd in ("x", "7", "A" * 60, "é", "=", base64.urlsafe_b64encode(bytes(40)).decode()):
        await refused(hall, await client.get(at, params={"after": odd}), before, 422, "after", "no place in this list")
    await refused(hall, await client.get(at, params={"after": "A" * 4001}), before, 400, "after", "")


async def test_what_comes_meanwhile_moves_nobody_from_page_to_page(exam: Exam) -> None:
    planner, at = exam.planner, f"{V1}/schedules/{exam.schedule}/candidates"
    first = (await planner.get(at, params={"limit": 3})).json()
    assert [row["name"] for row in first["candidates"]] == ["Candidate 0", "Candidate 1", "Candidate 2"]
    for name in ("Aaron", "Candidate 2b"):
        answer = await planner.post(at, json={"name": name, "number": f"{exam.schedule} {name}"})
        assert answer.status_code == 201
    head = {"Vigil-At-Least": answer.headers["vigil-position"]}
    rest = (await planner.get(at, params={"limit": 3, "after": first["next"]}, headers=head)).json()
    assert [row["name"] for row in rest["candidates"]] == ["Candidate 2b", "Candidate 3", "Candidate 4"]
    assert rest["counts"]["expected"] >= 5


async def test_a_place_is_good_for_its_own_list_and_tells_no_names(exam: Exam) -> None:
    planner = exam.planner
    other = await an_exam(exam.hall, candidates=2)
    head = {"Vigil-At-Least": str(await exam.hall.position())}
    answer = await planner.get(f"{V1}/schedules/{exam.schedule}/candidates", params={"limit": 1}, headers=head)
    place = answer.json()["next"]
    assert b"Candidate" not in base64.urlsafe_b64decode(place + "==")
    before = await exam.hall.position()
    elsewhere = await planner.get(f"{V1}/schedules/{other.schedule}/candidates", params={"after": place})
    await refused(exam.hall, elsewhere, before, 422, "after", "no place in this list")
    spoilt = ("B" if place[0] == "A" else "A") + place[1:]
    answer = await planner.get(f"{V1}/schedules/{exam.schedule}/candidates", params={"after": spoilt})
    await refused(exam.hall, answer, before, 422, "after", "no place in this list")


async def test_lists_are_filtered_by_state_and_counted_whole(exam: Exam) -> None:
    reviewer = await exam.hall.as_a("reviewer")
    at = f"{V1}/schedules/{exam.schedule}"
    head = {"Vigil-At-Least": str(await exam.hall.position())}
    for client, path, field in (
        (exam.planner, "candidates", "candidates"),
        (reviewer, "gradebook", "records"),
        (exam.invigilator, "live", "rows"),
    ):

        async def seen(client: httpx.AsyncClient = client, path: str = path, field: str = field, **asked: Any) -> Any:  # noqa: ANN401
            answer = await client.get(f"{at}/{path}", params=asked, headers=head)
            assert answer.status_code == 200, answer.text
            found = answer.json()
            assert (found["counts"]["in_progress"], "absent" in found["counts"]) == (2, False)
            rows = found[field]
            return [row["session"] for row in (rows.values() if isinstance(rows, dict) else rows)]

        assert set(await seen(phase="in_progress")) == set(exam.sessions[:2])
        assert set(await seen(phase=["in_progress", "paused"])) == set(exam.sessions[:2])
        assert await seen(phase="submitted") == []
        assert await seen(q="candidate 3") == [exam.sessions[3]]
        assert await seen(q=f"{exam.schedule}-1") == [exam.sessions[1]]
        assert await seen(phase="in_progress", q="candidate 1") == [exam.sessions[1]]
        before = await exam.hall.position()
        await refused(exam.hall, await client.get(f"{at}/{path}", params={"phase": "asleep"}), before, 400, "phase", "")
        await refused(exam.hall, await client.get(f"{at}/{path}", params={"q": "x" * 101}), before, 400, "q", "")


async def test_the_gradebook_tells_what_nobody_has_judged_yet(exam: Exam) -> None:
    reviewer, at = await exam.hall.as_a("reviewer"), f"{V1}/schedules/{exam.schedule}/gradebook"
    head = {"Vigil-At-Least": str(await exam.hall.position())}
    book = (await reviewer.get(at, params={"unjudged": True}, headers=head)).json()
    assert ([row["session"] for row in book["records"]], book["unjudged"]) == ([exam.sessions[0]], 1)
    rest = (await reviewer.get(at, params={"unjudged": False})).json()
    assert exam.sessions[0] not in [row["session"] for row in rest["records"]]
    named = (await reviewer.get(at, params={"sort": "name"})).json()["records"]
    assert [row["name"] for row in named] == sorted(row["name"] for row in named)


async def test_live_is_filtered_by_risk_also_as_it_was(hall: Hall) -> None:
    exam = await an_exam(hall, candidates=2)
    at = f"{V1}/schedules/{exam.schedule}/live"
    early = await hall.position()
    for n in (0, 1):
        await sit(exam, n)
    now = await hall.position()
    head = {"Vigil-At-Least": str(now)}
    shown = (await exam.invigilator.get(at, params={"risk": "none"}, headers=head)).json()
    assert (len(shown["rows"]), shown["counts"], shown["risks"]) == (2, {"in_progress": 2}, {"none": 2})
    assert (await exam.invigilator.get(at, params={"risk": "high"})).json()["rows"] == {}
    then = (await exam.invigilator.get(at, params={"as_of": early, "phase": "in_progress"})).json()
    assert (then["rows"], then["counts"]) == ({}, {"expected": 2})
    one = (await exam.invigilator.get(at, params={"as_of": now, "q": "candidate 1"})).json()
    assert [row["session"] for row in one["rows"].values()] == [exam.sessions[1]]
    before = await hall.position()
    answer = await exam.invigilator.get(at, params={"risk": "frightening"})
    await refused(hall, answer, before, 400, "risk", "")
    answer = await exam.invigilator.get(at, params={"as_of": before + 10**6})
    await refused(hall, answer, before, 422, "as_of", "nothing has been recorded at this position yet")
    unquoted = f"{at}?as_of=2026-06-01T09:42:07+02:00"
    assert (await exam.invigilator.get(unquoted)).status_code == 200
    for odd in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        assert (await exam.invigilator.get(at, params={"as_of": odd})).status_code == 200, odd


async def test_schedules_are_filtered_and_counted(hall: Hall, exam: Exam) -> None:
    planner = exam.planner
    other = await an_exam(hall)
    gone = await planner.post(f"{V1}/schedules/{other.schedule}/cancel", json={"reason": "Nobody came."})
    head = {"Vigil-At-Least": gone.headers["vigil-position"]}
    answer = (await planner.get(f"{V1}/schedules", params={"phase": "cancelled"}, headers=head)).json()
    assert other.schedule in [row["schedule"] for row in answer["schedules"]]
    assert {row["phase"] for row in answer["schedules"]} == {"cancelled"}
    assert answer["counts"]["cancelled"] == len(answer["schedules"])
    assert answer["counts"]["active"] >= 1
    assert (await planner.get(f"{V1}/schedules", params={"q": "no such title"})).json()["schedules"] == []
    await refused(hall, await planner.get(f"{V1}/schedules?phase=absent"), await hall.position(), 400, "phase", "")
