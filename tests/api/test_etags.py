"""Versions: who has it already is not sent it again, and nobody overwrites what they have not seen."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from tests.api.hall import Exam, Hall, an_exam, refused, sit

V1 = "/api/v1"


@pytest.fixture
async def exam(hall: Hall) -> Exam:
    return await an_exam(hall)


async def seen(hall: Hall, client: httpx.AsyncClient, path: str) -> httpx.Response:
    answer = await client.get(path, headers={"Vigil-At-Least": str(await hall.position())})
    assert answer.status_code == 200, answer.text
    return answer


async def test_what_a_client_has_already_is_not_sent_again(exam: Exam) -> None:
    hall, session = exam.hall, await sit(exam)
    reviewer = await hall.as_a("reviewer")
    template = await exam.planner.post(f"{V1}/policy-templates", json={"name": "Oral", "policy": {}})
    canned = await exam.planner.post(f"{V1}/canned-messages", json={"label": "Wait", "text": "One moment, please."})
    for client, path in (
        (exam.planner, f"{V1}/schedules/{exam.schedule}"),
        (exam.planner, f"{V1}/schedules/{exam.schedule}/policy"),
        (exam.planner, template.headers["location"]),
        (exam.planner, canned.headers["location"]),
        (exam.candidates[0], f"{V1}/sessions/{session}"),
        (reviewer, f"{V1}/sessions/{session}/record"),
    ):
        first = await seen(hall, client, path)
        etag = first.headers["etag"]
        assert etag.startswith('"'), path
        assert (await client.get(path)).headers["etag"] == etag
        for known in (etag, f'"other", {etag}', f"W/{etag}", "*"):
            again = await client.get(path, headers={"If-None-Match": known})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag), path
        other = await client.get(path, headers={"If-None-Match": '"1.0123456789abcdef"'})
        assert other.json() == first.json()


async def test_an_etag_changes_with_all_that_the_answer_rests_on(exam: Exam) -> None:
    hall, planner = exam.hall, exam.planner
    plan, session = f"{V1}/schedules/{exam.schedule}", f"{V1}/sessions/{exam.sessions[0]}"
    before = [(await seen(hall, planner, path)).headers["etag"] for path in (plan, session)]
    assert (await planner.patch(plan, json={"title": "Anatomy III"})).status_code == 204
    renamed = [(await seen(hall, planner, path)).headers["etag"] for path in (plan, session)]
    assert before[0] != renamed[0]
    assert before[1] != renamed[1], "a session's answer holds the title"
    assert before[1].partition(".")[0] == renamed[1].partition(".")[0], "yet nothing happened to the session itself"
    await sit(exam)
    counted = (await seen(hall, planner, plan)).headers["etag"]
    assert counted != renamed[0], "a schedule's answer counts its sessions"
    assert counted.partition(".")[0] == renamed[0].partition(".")[0]


async def test_a_change_that_was_decided_on_an_older_version_is_refused(exam: Exam) -> None:
    hall, planner, plan = exam.hall, exam.planner, f"{V1}/schedules/{exam.schedule}"
    old = (await seen(hall, planner, plan)).headers["etag"]
    assert (await planner.patch(plan, json={"title": "One"}, headers={"If-Match": old})).status_code == 204
    before = await hall.position()
    for known in (old, f"W/{old}", '"x"', f'"7777777", {old}', '""', '"9999999999999999999.x"'):
        answer = await planner.patch(plan, json={"title": "Two"}, headers={"If-Match": known})
        await refused(hall, answer, before, 412, "If-Match", "was changed since you read it")
        assert answer.json()["type"] == "urn:vigil:problem:moved"
    for odd in ("12", '"a', 'x"a"', f"{old} {old}"):
        answer = await planner.patch(plan, json={"title": "Two"}, headers={"If-Match": odd})
        await refused(hall, answer, before, 400, "If-Match", "an ETag in quotes")
    for n, known in enumerate(("{}", '"x", {}', "*")):
        now = (await seen(hall, planner, plan)).headers["etag"]
        answer = await planner.patch(plan, json={"title": f"Title {n}"}, headers={"If-Match": known.format(now)})
        assert answer.status_code == 204, answer.text
    assert (await planner.patch(plan, json={"title": "Without"})).status_code == 204


async def test_of_two_who_change_the_same_version_one_wins(exam: Exam) -> None:
    hall, planner, plan = exam.hall, exam.planner, f"{V1}/schedules/{exam.schedule}"
    for n in range(5):
        head = {"If-Match": (await seen(hall, planner, plan)).headers["etag"]}
        answers = await asyncio.gather(
            *(planner.patch(plan, json={"title": f"{n} by {who}"}, headers=head) for who in range(6))
        )
        assert sorted(answer.status_code for answer in answers) == [204, *[412] * 5]


async def test_a_repeated_change_gets_its_first_answer_although_the_version_has_moved(exam: Exam) -> None:
    hall, planner, plan = exam.hall, exam.planner, f"{V1}/schedules/{exam.schedule}"
    head = {"If-Match": (await seen(hall, planner, plan)).headers["etag"], "Idempotency-Key": "rename it"}
    first = await planner.patch(plan, json={"title": "Once"}, headers=head)
    again = await planner.patch(plan, json={"title": "Once"}, headers=head)
    assert (first.status_code, again.status_code) == (204, 204)
    assert first.headers["vigil-position"] == again.headers["vigil-position"]


async def test_policies_templates_and_sessions_are_changed_by_version_too(exam: Exam) -> None:
    hall, planner, session = exam.hall, exam.planner, await sit(exam)
    made = await planner.post(f"{V1}/policy-templates", json={"name": "Oral", "policy": {}})
    canned = await planner.post(f"{V1}/canned-messages", json={"label": "Wait", "text": "One moment."})
    at = f"{V1}/sessions/{session}"
    cases = (
        (planner, f"{V1}/schedules/{exam.schedule}/policy", "PUT", "", [{"screen": False}, {"screen": True}]),
        (planner, made.headers["location"], "PUT", "", [{"name": "A", "policy": {}}, {"name": "B", "policy": {}}]),
        (planner, canned.headers["location"], "PUT", "", [{"label": "A", "text": "a"}, {"label": "B", "text": "b"}]),
        (exam.invigilator, at, "POST", "/interventions", [{"kind": "pause"}, {"kind": "resume"}]),
    )  # fmt: skip
    for client, path, method, below, bodies in cases:
        head = {"If-Match": (await seen(hall, client, path)).headers["etag"]}
        done = await client.request(method, path + below, json=bodies[0], headers=head)
        assert done.status_code in (201, 204), done.text
        before = await hall.position()
        late = await client.request(method, path + below, json=bodies[1], headers=head)
        await refused(hall, late, before, 412, "If-Match", "was changed since you read it")
        head = {"If-Match": (await seen(hall, client, path)).headers["etag"]}
        assert (await client.request(method, path + below, json=bodies[1], headers=head)).is_success


async def test_a_file_in_many_commands_is_one_change(exam: Exam) -> None:
    hall, planner, plan = exam.hall, exam.planner, f"{V1}/schedules/{exam.schedule}"
    head = {"If-Match": (await seen(hall, planner, plan)).headers["etag"], "Content-Type": "text/csv"}
    file = "name,number\n" + "".join(f"N {n},{exam.schedule}x{n}\n" for n in range(300))
    answer = await planner.post(f"{plan}/candidates", content=file, headers=head)
    assert {row["outcome"] for row in answer.json()["rows"]} == {"enrolled"}
    before = await hall.position()
    again = await planner.post(f"{plan}/candidates", content=file, headers=head)
    await refused(hall, again, before, 412, "If-Match", "was changed since you read it")
