"""A join link that got into wrong hands is replaced: it is void, and so is what came in by it."""

from __future__ import annotations

from tests.api.hall import Hall, an_exam, refused


async def test_a_new_link_voids_the_old_one_and_who_came_in_by_it(hall: Hall) -> None:
    exam = await an_exam(hall, candidates=2)
    session = exam.sessions[0]
    assert (await exam.candidates[0].get(f"/api/v1/sessions/{session}")).status_code == 200
    answer = await exam.planner.post(f"/api/v1/schedules/{exam.schedule}/candidates/{session}/link")
    assert answer.status_code == 201, answer.text
    link = answer.json()["join_link"]
    old = await hall.http.post("/api/v1/join", json={"token": exam.links[0]})
    assert (old.status_code, old.json()["errors"][0]["field"]) == (401, "token")
    out = await exam.candidates[0].get(f"/api/v1/sessions/{session}")
    assert out.status_code == 401
    assert "new one" in out.json()["detail"]
    joined = await hall.http.post("/api/v1/join", json={"token": link})
    assert joined.json()["session"] == session
    assert (await hall.bearing(joined.json()["token"]).get(f"/api/v1/sessions/{session}")).status_code == 200
    assert (await exam.candidates[1].get(f"/api/v1/sessions/{exam.sessions[1]}")).status_code == 200
    head = {"Vigil-At-Least": answer.headers["vigil-position"]}
    listed = (await exam.planner.get(f"/api/v1/schedules/{exam.schedule}/candidates", headers=head)).json()
    shown = next(one["join_link"] for one in listed["candidates"] if one["session"] == session)
    assert (await hall.http.post("/api/v1/join", json={"token": shown})).status_code == 200


async def test_a_link_of_before_a_withdrawal_stays_void(hall: Hall) -> None:
    exam = await an_exam(hall)
    at = f"/api/v1/schedules/{exam.schedule}/candidates"
    assert (await exam.planner.delete(f"{at}/{exam.sessions[0]}")).status_code == 204
    again = await exam.planner.post(at, json={"name": "Candidate 0", "number": f"{exam.schedule}-0"})
    assert again.json()["session"] == exam.sessions[0]
    assert (await hall.http.post("/api/v1/join", json={"token": exam.links[0]})).status_code == 401
    assert (await hall.http.post("/api/v1/join", json={"token": again.json()["join_link"]})).status_code == 200


async def test_there_is_no_link_for_who_is_not_enrolled(hall: Hall) -> None:
    exam = await an_exam(hall)
    at = f"/api/v1/schedules/{exam.schedule}/candidates/{exam.sessions[0]}"
    await exam.planner.delete(at)
    before = await hall.position()
    await refused(hall, await exam.planner.post(f"{at}/link"), before, 404, "session", "not enrolled")
