"""A planner makes a schedule and fills it; what does not fit is told by field and rule, and nothing is kept of it."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from tests.api.hall import Hall, an_exam, ready, refused, sit


def window(hall: Hall, **changes: object) -> dict[str, object]:
    opens = hall.clock() + timedelta(minutes=1)
    given = {
        "opens_at": opens.isoformat(), "last_entry_at": (opens + timedelta(minutes=30)).isoformat(),
        "closes_at": (opens + timedelta(hours=3)).isoformat(), "time_zone": "Europe/Vienna",
    }  # fmt: skip
    return given | changes


def a_schedule(hall: Hall, **changes: object) -> dict[str, object]:
    return {"title": "Anatomy II", "window": window(hall), "duration_s": 7200} | changes


async def made(planner: httpx.AsyncClient, hall: Hall) -> str:
    answer = await planner.post("/api/v1/schedules", json=a_schedule(hall))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["schedule"])


async def test_a_schedule_is_made_filled_and_activated(hall: Hall) -> None:
    planner = await hall.as_a("planner")
    answer = await planner.post("/api/v1/schedules", json=a_schedule(hall))
    assert answer.status_code == 201
    schedule = answer.json()["schedule"]
    assert answer.headers["location"] == f"/api/v1/schedules/{schedule}"
    assert int(answer.headers["vigil-position"]) == await hall.position()
    at = f"/api/v1/schedules/{schedule}"
    assert (await planner.post(f"{at}/live-proctoring", json={"enabled": True})).status_code == 204
    invigilator = await hall.account("invigilator", email="ivy@example.org")
    assert (await planner.post(f"{at}/invigilators", json={"user": invigilator})).status_code == 200
    answer = await planner.post(f"{at}/candidates", json={"name": "Ola Nord", "number": "s-1"})
    assert answer.status_code == 201
    assert answer.json()["join_link"].startswith("http://vigil.test/join#")
    assert (await planner.post(f"{at}/activate")).status_code == 204
    assert (await planner.patch(at, json={"title": "Anatomy III"})).status_code == 204


async def test_every_row_of_a_list_is_answered(hall: Hall) -> None:
    planner = await hall.as_a("planner")
    at = f"/api/v1/schedules/{await made(planner, hall)}/candidates"
    rows = [{"name": "A", "number": "1"}, {"name": "B", "number": "2"}, {"name": "A again", "number": " 1 "}]
    head = {"Idempotency-Key": "a list"}
    answer = await planner.post(at, json=rows, headers=head)
    assert answer.status_code == 200
    found = answer.json()["rows"]
    assert [(r["row"], r["state"]) for r in found] == [(0, "enrolled"), (1, "enrolled"), (2, "refused")]
    assert found[2]["field"] == "number"
    assert "enrolled already" in found[2]["rule"]
    before = await hall.position()
    again = await planner.post(at, json=rows, headers=head)
    assert [r["state"] for r in again.json()["rows"]] == ["enrolled", "enrolled", "refused"]
    assert [r.get("session") for r in again.json()["rows"]] == [r.get("session") for r in found]
    assert await hall.position() == before


BAD_SCHEDULES: list[tuple[str, dict[str, object], int, str, str]] = [
    ("an unknown field", {"colour": "red"}, 400, "colour", "no such field"),
    ("an unknown field further in", {"policy": {"mood": True}}, 400, "policy.mood", "no such field"),
    ("a title that is no text", {"title": 5}, 400, "title", "Expected str, got int"),
    ("a number in quotes", {"duration_s": "7200"}, 400, "duration_s", "Expected int, got str"),
    ("no title at all", {"title": "  "}, 422, "title", "needs a title"),
    ("a detector unheard of", {"policy": {"detectors": [{"kind": "mood"}]}}, 400, "policy.detectors.0.kind", "Invalid"),
    ("no time to sit it", {"duration_s": 0}, 422, "duration_s", "at least a second"),
    ("longer than its window", {"duration_s": 99999}, 422, "duration_s", "fit into its window"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("what", "changes", "status", "field", "rule"), BAD_SCHEDULES, ids=[b[0] for b in BAD_SCHEDULES]
)
async def test_a_bad_schedule_is_refused(  # noqa: PLR0917 - a row of the table above
    hall: Hall, what: str, changes: dict[str, object], status: int, field: str, rule: str
) -> None:
    planner = await hall.as_a("planner")
    before = await hall.position()
    answer = await planner.post("/api/v1/schedules", json=a_schedule(hall, **changes))
    await refused(hall, answer, before, status, field, rule)


async def test_a_bad_window_is_refused(hall: Hall) -> None:
    planner = await hall.as_a("planner")
    before = await hall.position()
    soon = hall.clock() + timedelta(minutes=1)
    for changes, status, field, rule in (
        ({"opens_at": (soon - timedelta(days=1)).isoformat()}, 422, "window.opens_at", "in the past"),
        ({"closes_at": (soon - timedelta(seconds=30)).isoformat()}, 422, "window.closes_at", "close after it opens"),
        ({"last_entry_at": (soon + timedelta(days=1)).isoformat()}, 422, "window.last_entry_at", "between"),
        ({"opens_at": "2036-06-01T09:00:00"}, 422, "window.opens_at", "offset from UTC"),
        ({"opens_at": "tomorrow"}, 400, "window.opens_at", "Invalid RFC3339"),
        ({"time_zone": "Mars/Olympus"}, 422, "window.time_zone", "IANA"),
        ({"time_zone": ""}, 400, "window.time_zone", "length >= 1"),
    ):
        answer = await planner.post("/api/v1/schedules", json=a_schedule(hall, window=window(hall, **changes)))
        await refused(hall, answer, before, status, field, rule)
    missing = window(hall)
    del missing["closes_at"]
    answer = await planner.post("/api/v1/schedules", json=a_schedule(hall, window=missing))
    await refused(hall, answer, before, 400, "window.closes_at", "required")


async def test_a_body_that_is_no_json_is_refused(hall: Hall) -> None:
    planner = await hall.as_a("planner")
    before = await hall.position()
    for body in (b"", b"{", b"\xff\xfe", b'"text"', b"[]", b"null"):
        answer = await planner.post("/api/v1/schedules", content=body)
        await refused(hall, answer, before, 400, "", "")
    answer = await planner.post("/api/v1/schedules", content=b"[" + b" " * 2_000_000)
    await refused(hall, answer, before, 413, "", "")


async def test_a_schedule_that_cannot_be_activated_says_why(hall: Hall) -> None:
    planner = await hall.as_a("planner")
    at = f"/api/v1/schedules/{await made(planner, hall)}"
    before = await hall.position()
    await refused(hall, await planner.post(f"{at}/activate"), before, 409, "candidates", "at least one candidate")
    nobody = await planner.post(f"{at}/invigilators", json={"user": await hall.account("reviewer", email="r2@x.org")})
    await refused(hall, nobody, await hall.position(), 422, "user", "role invigilator")
    gone = await planner.post("/api/v1/schedules/nosuchschedule/activate")
    await refused(hall, gone, await hall.position(), 404, "", "no such schedule")


async def test_a_candidate_is_enrolled_once(hall: Hall) -> None:
    planner = await hall.as_a("planner")
    at = f"/api/v1/schedules/{await made(planner, hall)}/candidates"
    assert (await planner.post(at, json={"name": "Ola", "number": "7"})).status_code == 201
    before = await hall.position()
    again = await planner.post(at, json={"name": "Ola", "number": "7"})
    await refused(hall, again, before, 409, "number", "enrolled already")
    for body, field, rule in (
        ({"name": "", "number": "8"}, "name", "length >= 1"),
        ({"name": "X", "number": "8", "phone": "1"}, "phone", "no such field"),
        ([{"name": "X", "number": "8"}, {"name": "Y"}], "1.number", "required"),
    ):
        await refused(hall, await planner.post(at, json=body), before, 400, field, rule)


async def test_the_same_key_twice_is_the_same_command(hall: Hall) -> None:
    planner = await hall.as_a("planner")
    body, head = a_schedule(hall), {"Idempotency-Key": "make it once"}
    first = await planner.post("/api/v1/schedules", json=body, headers=head)
    before = await hall.position()
    again = await planner.post("/api/v1/schedules", json=body, headers=head)
    assert again.status_code == 201
    assert again.json() == first.json()
    assert again.headers["vigil-position"] == first.headers["vigil-position"]
    other = await planner.post("/api/v1/schedules", json={**body, "title": "Other"}, headers=head)
    await refused(hall, other, before, 422, "Idempotency-Key", "another request")
    refusal = {"Idempotency-Key": "refuse it once"}
    bad = {**body, "title": " "}
    answers = [await planner.post("/api/v1/schedules", json=bad, headers=refusal) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    await refused(hall, answers[1], before, 422, "title", "needs a title")


async def test_a_clients_clock_is_kept_with_the_event(hall: Hall) -> None:
    planner = await hall.as_a("planner")
    told = hall.clock() + timedelta(seconds=90)
    answer = await planner.post(
        "/api/v1/schedules", json=a_schedule(hall), headers={"Vigil-Client-Time": told.isoformat()}
    )
    async with hall.services.pool.connection() as conn:
        cursor = await conn.execute(
            "SELECT convert_from(state, 'UTF8')::json -> 'envelope' FROM ledger.events WHERE notification_id = %s",
            (int(answer.headers["vigil-position"]),),
        )
        row = await cursor.fetchone()
    assert row
    assert 80_000 < row[0]["skew_ms"] < 90_100
    before = await hall.position()
    bad = await planner.post("/api/v1/schedules", json=a_schedule(hall), headers={"Vigil-Client-Time": "noon"})
    await refused(hall, bad, before, 400, "Vigil-Client-Time", "RFC 3339")


async def test_a_planner_says_where_the_exam_is_taken(hall: Hall) -> None:
    planner = await hall.as_a("planner")
    url = "https://exams.example.org/anatomy"
    answer = await planner.post("/api/v1/schedules", json=a_schedule(hall, assessment_url=url, opens_in="frame"))
    assert answer.status_code == 201, answer.text
    at = f"/api/v1/schedules/{answer.json()['schedule']}"
    head = {"Vigil-At-Least": answer.headers["vigil-position"]}
    found = (await planner.get(at, headers=head)).json()
    assert (found["assessment_url"], found["opens_in"]) == (url, "frame")
    before = await hall.position()
    for body, status, field, rule in (
        ({"assessment_url": "javascript:alert(1)"}, 422, "assessment_url", "begins with https"),
        ({"assessment_url": ""}, 422, "assessment_url", "needs its address"),
        ({"assessment_url": "https://x/" + "x" * 2000}, 400, "assessment_url", "length <= 2000"),
        ({"opens_in": "window"}, 400, "opens_in", "Invalid"),
    ):
        await refused(hall, await planner.patch(at, json=body), before, status, field, rule)
    bare = await planner.post("/api/v1/schedules", json=a_schedule(hall, opens_in="frame"))
    await refused(hall, bare, before, 422, "assessment_url", "needs its address")
    changed = await planner.patch(at, json={"assessment_url": "", "opens_in": "tab"})
    assert changed.status_code == 204
    found = (await planner.get(at, headers={"Vigil-At-Least": changed.headers["vigil-position"]})).json()
    assert (found["assessment_url"], found["opens_in"]) == ("", "tab")


async def test_the_emergency_contact_is_told_to_candidates_before_they_need_it(hall: Hall) -> None:
    planner = await hall.as_a("planner")
    body = a_schedule(hall, emergency_phone="+43 1 58801", emergency_email="exams@example.org")
    at = f"/api/v1/schedules/{(await planner.post('/api/v1/schedules', json=body)).json()['schedule']}"
    link = (await planner.post(f"{at}/candidates", json={"name": "Ola", "number": "e-1"})).json()["join_link"]
    joined = (await hall.http.post("/api/v1/join", json={"token": link})).json()
    assert (joined["emergency_phone"], joined["emergency_email"]) == ("+43 1 58801", "exams@example.org")
    changed = await planner.patch(at, json={"emergency_phone": ""})
    me = hall.bearing(joined["token"])
    read = (await me.get(f"/api/v1/sessions/{joined['session']}")).json()
    assert (read["emergency_phone"], read["emergency_email"]) == ("", "exams@example.org")
    seen = (await planner.get(at, headers={"Vigil-At-Least": changed.headers["vigil-position"]})).json()
    assert (seen["emergency_phone"], seen["emergency_email"]) == ("", "exams@example.org")
    before = await hall.position()
    wrong = await planner.patch(at, json={"emergency_phone": "the porter"})
    await refused(hall, wrong, before, 422, "emergency_phone", "telephone number")
    worse = await planner.post("/api/v1/schedules", json=a_schedule(hall, emergency_email="nobody"))
    await refused(hall, worse, before, 422, "emergency_email", "e-mail address")


async def test_switched_off_nobody_starts_and_who_sits_goes_on(hall: Hall) -> None:
    exam = await an_exam(hall, candidates=2)
    running = f"/api/v1/sessions/{await sit(exam)}"
    at = f"/api/v1/schedules/{exam.schedule}/live-proctoring"
    assert (await exam.planner.post(at, json={"enabled": False})).status_code == 204
    other = await ready(exam, 1)
    before = await hall.position()
    answer = await exam.candidates[1].post(f"{other}/start")
    await refused(hall, answer, before, 409, "live_proctoring", "live proctoring is switched off for this exam")
    paused = await exam.invigilator.post(f"{running}/interventions", json={"kind": "pause"})
    assert paused.status_code == 201
    assert (await exam.candidates[0].get(running)).json()["clock"]["phase"] == "paused"
    assert (await exam.planner.post(at, json={"enabled": True})).status_code == 204
    assert (await exam.candidates[1].post(f"{other}/start")).status_code == 200
