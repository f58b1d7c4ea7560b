"""What single candidates are allowed: granted by a planner, told to who watches and to them, at once."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.hall import Exam, Hall, an_exam, refused, sit

QUARTER = {"extra_time_percent": 25, "rest_break_minutes": 10, "people": ["reader"], "objects": ["a glucose meter"]}


def at(exam: Exam) -> str:
    return f"/api/v1/schedules/{exam.schedule}/accommodations"


async def granted(exam: Exam, number: int = 0, **changes: object) -> httpx.Response:
    body: dict[str, object] = {"session": exam.sessions[number], **QUARTER, **changes}
    answer = await exam.planner.post(at(exam), json=body)
    assert answer.status_code == 200, answer.text
    return answer


async def live(exam: Exam, after: httpx.Response) -> dict[str, Any]:
    head = {"Vigil-At-Least": after.headers["vigil-position"]}
    answer = await exam.invigilator.get(f"/api/v1/schedules/{exam.schedule}/live", headers=head)
    return {row["session"]: row for row in answer.json()["rows"].values()}


async def test_it_is_granted_read_and_withdrawn_and_a_start_brings_its_time(hall: Hall) -> None:
    exam = await an_exam(hall)
    await granted(exam)
    (read,) = (await exam.planner.get(at(exam))).json()["accommodations"]
    assert (read["session"], read["objects"]) == (exam.sessions[0], ["a glucose meter"])
    assert read["accommodation"]["people"] == ["reader"]
    before = (await exam.candidates[0].get(f"/api/v1/sessions/{exam.sessions[0]}")).json()
    await sit(exam)
    clock = (await exam.candidates[0].get(f"/api/v1/sessions/{exam.sessions[0]}")).json()["clock"]
    assert (clock["duration_s"], clock["extra_s"]) == (3600, 900)
    assert clock["end_at"] > before["window"]["closes_at"]
    answer = await exam.planner.delete(f"{at(exam)}/{exam.sessions[0]}")
    assert answer.status_code == 204
    assert (await exam.planner.get(at(exam))).json() == {"accommodations": []}
    clock = (await exam.candidates[0].get(f"/api/v1/sessions/{exam.sessions[0]}")).json()["clock"]
    assert clock["extra_s"] == 900


async def test_who_watches_sees_what_is_allowed_and_the_candidate_their_own(hall: Hall) -> None:
    exam = await an_exam(hall, candidates=2)
    await sit(exam)
    rows = await live(exam, await granted(exam, muted=["out_of_view"]))
    allowed = rows[exam.sessions[0]]["allowed"]
    assert allowed["accommodation"]["extra_time_percent"] == 25
    assert allowed["objects"] == "a glucose meter"
    assert set(rows[exam.sessions[0]]["muted"]) == {"out_of_view", "several_people", "voice"}
    assert rows[exam.sessions[1]]["allowed"] is None
    view = (await exam.candidates[0].get(f"/api/v1/sessions/{exam.sessions[0]}/view")).json()
    assert view["session"]["allowed"]["objects"] == "a glucose meter"
    assert view["session"]["extra_s"] == 900
    own = (await exam.candidates[1].get(f"/api/v1/sessions/{exam.sessions[1]}/view")).json()
    assert own["session"]["allowed"] is None


async def test_each_of_a_list_is_answered(hall: Hall) -> None:
    exam = await an_exam(hall, candidates=2)
    many = [
        {"session": exam.sessions[0], "extra_time_minutes": 20},
        {"session": exam.sessions[1], "extra_time_minutes": 20, "extra_time_percent": 20},
        {"session": "nobody", "extra_time_minutes": 20},
    ]
    answer = await exam.planner.post(at(exam), json=many)
    assert [row["outcome"] for row in answer.json()["rows"]] == ["granted", "refused", "refused"]
    assert [row["field"] for row in answer.json()["rows"][1:]] == ["extra_time_minutes", "session"]
    assert [one["session"] for one in (await exam.planner.get(at(exam))).json()["accommodations"]] == [exam.sessions[0]]


async def test_a_session_that_is_over_is_refused_whole_also_among_others(hall: Hall) -> None:
    exam = await an_exam(hall, candidates=2)
    await sit(exam)
    await exam.candidates[0].post(f"/api/v1/sessions/{exam.sessions[0]}/submit")
    many = [{"session": session, "extra_time_minutes": 20} for session in exam.sessions]
    answer = await exam.planner.post(at(exam), json=many)
    assert [row["outcome"] for row in answer.json()["rows"]] == ["refused", "granted"]
    found = (await exam.planner.get(at(exam))).json()["accommodations"]
    assert [one["session"] for one in found] == [exam.sessions[1]]


@pytest.mark.parametrize(
    ("changes", "status", "field", "rule"),
    [
        ({"why": "a broken arm"}, 400, "why", "no such field"),
        ({"extra_time_percent": 301}, 400, "extra_time_percent", "<= 300"),
        ({"people": ["friend"]}, 400, "people.0", "Invalid"),
        ({"muted": ["mood"]}, 400, "muted.0", "Invalid"),
        ({"objects": ["x" * 101]}, 400, "objects.0", "<= 100"),
        ({"objects": ["two\nlines"]}, 422, "objects", "in a line"),
        ({"extra_time_minutes": 5}, 422, "extra_time_minutes", "not both"),
    ],
)
async def test_what_does_not_fit_is_told(
    hall: Hall, changes: dict[str, object], status: int, field: str, rule: str
) -> None:
    exam = await an_exam(hall)
    before = await hall.position()
    answer = await exam.planner.post(at(exam), json={"session": exam.sessions[0], **QUARTER, **changes})
    await refused(hall, answer, before, status, field, rule)
