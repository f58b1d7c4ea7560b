"""An auditor reads the schedules that they are assigned to, until a date, and nothing besides."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.api.hall import PASSWORD, Exam, Hall, a_lead, an_exam, refused, sit

V1 = "/api/v1"
OF_SCHEDULE = (
    "", "/policy", "/duty", "/live", "/attendance", "/attendance.csv", "/day-report", "/outages", "/gradebook",
    "/gradebook.csv",
)  # fmt: skip
OF_SESSION = ("", "/record", "/timeline", "/recordings", "/messages", "/interventions", "/incidents", "/receipt")
HIDDEN = (*OF_SESSION, "/identity/photo", "/incidents/i1/pictures/0")


@pytest.fixture
async def exams(hall: Hall) -> tuple[Exam, Exam]:
    """One that an auditor is assigned to, and another one. Both have a record."""
    made = await an_exam(hall), await an_exam(hall)
    for exam in made:
        await sit(exam)
        assert (await exam.candidates[0].post(f"{V1}/sessions/{exam.sessions[0]}/submit")).is_success
    return made


async def an_auditor(hall: Hall, name: str) -> httpx.AsyncClient:
    """An account that was given the role, and no more."""
    admin = await hall.as_a("admin")
    new = {"name": name, "email": f"{name}@example.org", "password": PASSWORD, "roles": ["auditor"]}
    assert (await admin.post(f"{V1}/users", json=new)).status_code == 201
    signed_in = await hall.http.post(f"{V1}/sign-in", json={"email": new["email"], "password": PASSWORD})
    return hall.bearing(signed_in.json()["token"])


async def assign(hall: Hall, name: str, **body: Any) -> httpx.Response:  # noqa: ANN401 - a body
    until = {"until": (hall.clock() + timedelta(hours=1)).isoformat(), "reason": "Appeal 12"}
    path = f"{V1}/users/{hall.user(f'{name}@example.org')}/auditing"
    return await (await hall.as_a("admin")).put(path, json=until | body)


async def statuses(client: httpx.AsyncClient, exam: Exam) -> dict[str, int]:
    """What each route that reads something of an exam answers."""
    paths = [f"{V1}/schedules/{exam.schedule}{path}" for path in OF_SCHEDULE]
    paths += [f"{V1}/sessions/{exam.sessions[0]}{path}" for path in HIDDEN]
    paths.append(f"{V1}/recordings/{exam.sessions[0]}.camera/media")
    found = {path: (await client.get(path)).status_code for path in paths}
    for what in ({"schedule": exam.schedule}, {"session": exam.sessions[0]}):
        found[f"export {what}"] = (await client.post(f"{V1}/exports", json=what)).status_code
    return found


async def test_the_role_alone_opens_nothing_but_the_way_out(hall: Hall, exams: tuple[Exam, Exam]) -> None:
    auditor = await an_auditor(hall, "unassigned")
    assert set((await statuses(auditor, exams[0])).values()) == {403}
    for path in ("schedules", "sign-ins", "checkpoints", "reasons"):
        answer = await auditor.get(f"{V1}/{path}")
        assert answer.status_code == 403
        assert "assigned to no audit now" in answer.json()["detail"]
    assert (await auditor.get(f"{V1}/me")).json()["roles"] == ["auditor"]
    assert (await auditor.post(f"{V1}/sign-out")).status_code == 204


async def test_an_auditor_reads_what_they_are_assigned_to_and_the_rest_is_not_there(
    hall: Hall, exams: tuple[Exam, Exam]
) -> None:
    mine, other = exams
    auditor = await an_auditor(hall, "named")
    assert (await assign(hall, "named", schedules=[mine.schedule])).status_code == 204
    head = {"Vigil-At-Least": str(await hall.position())}
    for path in OF_SCHEDULE:
        assert (await auditor.get(f"{V1}/schedules/{mine.schedule}{path}", headers=head)).status_code == 200, path
    for path in OF_SESSION:
        assert (await auditor.get(f"{V1}/sessions/{mine.sessions[0]}{path}", headers=head)).status_code == 200, path
    wrong = {path: status for path, status in (await statuses(auditor, other)).items() if status != 404}
    assert not wrong
    listed = (await auditor.get(f"{V1}/schedules")).json()
    assert [row["schedule"] for row in listed["schedules"]] == [mine.schedule]
    assert sum(listed["counts"].values()) == 1
    assert (await auditor.get(f"{V1}/sign-ins")).status_code == 403


async def test_whoever_audits_everything_reads_every_schedule(hall: Hall, exams: tuple[Exam, Exam]) -> None:
    auditor = await an_auditor(hall, "whole")
    assert (await assign(hall, "whole", everything=True)).status_code == 204
    for exam in exams:
        assert (await auditor.get(f"{V1}/sessions/{exam.sessions[0]}/record")).status_code == 200
    assert (await auditor.get(f"{V1}/sign-ins")).status_code == 200


async def test_an_export_goes_out_of_reach_with_its_schedule(hall: Hall, exams: tuple[Exam, Exam]) -> None:
    mine, other = exams
    auditor = await an_auditor(hall, "moved")
    await assign(hall, "moved", schedules=[mine.schedule])
    made = await auditor.post(f"{V1}/exports", json={"session": mine.sessions[0]})
    assert made.status_code == 202, made.text
    at = made.headers["location"]
    assert (await auditor.get(at)).status_code == 200
    await assign(hall, "moved", schedules=[other.schedule])
    assert [(await auditor.get(path)).status_code for path in (at, f"{at}/file")] == [404, 404]


async def test_when_the_date_comes_it_is_over_until_an_admin_assigns_again(
    hall: Hall, exams: tuple[Exam, Exam]
) -> None:
    mine, _ = exams
    auditor, path = await an_auditor(hall, "late"), f"{V1}/schedules/{mine.schedule}/gradebook"
    await assign(hall, "late", schedules=[mine.schedule])
    assert (await auditor.get(path)).status_code == 200
    hall.clock.ahead += timedelta(hours=1, seconds=1)
    assert set((await statuses(auditor, mine)).values()) == {403}
    assert (await auditor.get(f"{V1}/schedules")).status_code == 403
    await assign(hall, "late", schedules=[mine.schedule])
    assert (await auditor.get(path)).status_code == 200
    role = f"{V1}/users/{hall.user('late@example.org')}/roles/auditor"
    assert (await (await hall.as_a("admin")).delete(role)).status_code == 204
    assert (await auditor.get(path)).status_code == 401


async def test_an_invigilator_who_also_audits_keeps_what_they_watch(hall: Hall, exams: tuple[Exam, Exam]) -> None:
    mine, other = exams
    lead = await a_lead(other)
    name = "lead_invigilator"
    records = [f"{V1}/sessions/{exam.sessions[0]}/record" for exam in exams]
    incidents = [f"{V1}/sessions/{exam.sessions[0]}/incidents" for exam in exams]
    assert (await assign(hall, name, schedules=[mine.schedule])).status_code == 204
    assert [(await lead.get(path)).status_code for path in incidents] == [200, 200]
    assert [(await lead.get(path)).status_code for path in records] == [200, 404]
    hall.clock.ahead += timedelta(hours=1, seconds=1)
    assert [(await lead.get(path)).status_code for path in incidents] == [404, 200]
    assert [(await lead.get(path)).status_code for path in records] == [403, 403]


async def test_an_assignment_is_shown_in_the_list_of_users_and_in_the_audit(
    hall: Hall, exams: tuple[Exam, Exam]
) -> None:
    await an_auditor(hall, "shown")
    await assign(hall, "shown", schedules=[exams[0].schedule])
    later = (hall.clock() + timedelta(days=9)).isoformat()
    again = await assign(hall, "shown", schedules=[exams[0].schedule], until=later)
    admin, who = await hall.as_a("admin"), hall.user("shown@example.org")
    head = {"Vigil-At-Least": again.headers["vigil-position"]}
    (row,) = (await admin.get(f"{V1}/users", params={"q": "shown"}, headers=head)).json()["users"]
    assert row["auditing"]["schedules"] == [exams[0].schedule]
    noted = (await admin.get(f"{V1}/sign-ins", params={"user": who}, headers=head)).json()["sign_ins"]
    assert [one["what"] for one in noted[:2]] == ["auditor_assigned", "auditor_assigned"]
    assert noted[0]["until"] == row["auditing"]["until"]
    assert noted[0]["by"] == hall.user("admin@example.org")


async def test_assignments_that_do_not_fit_are_refused(hall: Hall, exams: tuple[Exam, Exam]) -> None:
    await an_auditor(hall, "odd")
    before, known = await hall.position(), [exams[0].schedule]
    for body, status, field, rule in (
        ({}, 422, "schedules", "name schedules"),
        ({"schedules": known, "everything": True}, 422, "schedules", "name schedules"),
        ({"schedules": ["nosuch"]}, 422, "schedules", "no schedule nosuch"),
        ({"everything": True, "until": hall.clock().isoformat()}, 422, "until", "in the future"),
        ({"everything": True, "until": (hall.clock() + timedelta(days=367)).isoformat()}, 422, "until", "366 days"),
        ({"everything": True, "reason": " "}, 422, "reason", "say why"),
        ({"everything": True, "reason": ""}, 400, "reason", "length >= 1"),
    ):
        await refused(hall, await assign(hall, "odd", **body), before, status, field, rule)
    await refused(hall, await assign(hall, "nobody", everything=True), before, 404, "user", "no such user")
