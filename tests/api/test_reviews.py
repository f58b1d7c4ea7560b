"""After the exam: verdicts by one reviewer or two, decisions, notes, and the order in which records are looked at."""

from __future__ import annotations

import asyncio
import csv
import io
from typing import Any

import httpx
import pytest

from tests.api.hall import Exam, Hall, a_lead, an_exam, refused, sit
from tests.api.test_service_tokens import issued

NOTHING_RECORDED = {"camera": False, "microphone": False, "screen": False, "detectors": [], "browser": []}
REASON = {"reason": "The recording shows it."}


async def reviewed(hall: Hall, candidates: int = 1, **policy: object) -> Exam:
    """An exam that is over, with an incident of each candidate that a person raised, and sealed records."""
    exam = await an_exam(hall, candidates)
    told = await exam.planner.put(f"/api/v1/schedules/{exam.schedule}/policy", json=NOTHING_RECORDED | policy)
    assert told.status_code in (200, 204), told.text
    for number in range(candidates):
        await sit(exam, number)
        raised = {"severity": "high" if number else "warn", "note": "Talks to somebody."}
        at = f"/api/v1/sessions/{exam.sessions[number]}"
        assert (await exam.invigilator.post(f"{at}/incidents", json=raised)).status_code == 201
        assert (await exam.candidates[number].post(f"{at}/submit")).status_code == 200
    for number in range(candidates):
        await complete(await hall.as_a("auditor"), exam.sessions[number])
    return exam


async def complete(reader: httpx.AsyncClient, session: str) -> None:
    async with asyncio.timeout(20):
        while not (await account(reader, session))["priorities"]:
            await asyncio.sleep(0.1)


async def account(reader: httpx.AsyncClient, session: str, position: int = 0) -> dict[str, Any]:
    head = {"Vigil-At-Least": str(position)}
    return dict((await reader.get(f"/api/v1/sessions/{session}/record", headers=head)).json()["record"])


async def judge(reviewer: httpx.AsyncClient, exam: Exam, number: int, verdict: str) -> None:
    session = exam.sessions[number]
    (incident,) = (await reviewer.get(f"/api/v1/sessions/{session}/incidents")).json()["incidents"]
    at = f"/api/v1/sessions/{session}/incidents/{incident['incident']}/verdict"
    assert (await reviewer.post(at, json=REASON | {"verdict": verdict})).status_code == 204


@pytest.fixture(scope="module")
async def exam(hall: Hall) -> Exam:
    return await reviewed(hall, candidates=3)


@pytest.fixture
async def reviewer(hall: Hall) -> httpx.AsyncClient:
    return await hall.as_a("reviewer")


async def test_a_record_is_decided_on_by_people_with_a_reason_and_a_ground(
    hall: Hall, reviewer: httpx.AsyncClient
) -> None:
    exam = await reviewed(hall)
    session = exam.sessions[0]
    at = f"/api/v1/sessions/{session}/record/decision"
    before = await hall.position()

    async def say(status: int, field: str, rule: str, **body: object) -> None:
        await refused(hall, await reviewer.post(at, json=REASON | body), before, status, field, rule)

    await say(409, "ground", "nobody has confirmed", outcome="referred", ground="incident")
    await say(409, "ground", "not terminated", outcome="void", ground="termination")
    await say(422, "ground", "which ground", outcome="void")
    await say(422, "reason", "a reason is needed", outcome="clear", reason=" ")
    await say(400, "reason", "length", outcome="clear", reason="")
    await say(400, "outcome", "Invalid", outcome="guilty")
    await judge(reviewer, exam, 0, "confirmed")
    body = REASON | {"outcome": "referred", "ground": "incident", "number": 1}
    first = await reviewer.post(at, json=body, headers={"Idempotency-Key": "once"})
    again = await reviewer.post(at, json=body, headers={"Idempotency-Key": "once"})
    assert (first.status_code, first.json(), again.json()) == (201, {"number": 1}, {"number": 1})
    other = await hall.as_a("reviewer", "second.reviewer@example.org")
    before = await hall.position()
    clear = REASON | {"outcome": "clear"}
    await refused(hall, await other.post(at, json=clear | {"number": 1}), before, 409, "number", "decided meanwhile")
    assert (await other.post(at, json=clear | {"number": 2})).json() == {"number": 2}
    head = {"Vigil-At-Least": str(await hall.position())}
    told = (await reviewer.get(at.removesuffix("/decision"), headers=head)).json()
    earlier, last = told["record"]["decisions"]
    assert (earlier["outcome"], earlier["reason"], earlier["seal"]) == ("referred", REASON["reason"], 1)
    assert earlier["root"] == told["record"]["seals"][0]["root"]
    assert [one["standing"] for one in earlier["incidents"]] == ["confirmed"]
    assert (last["outcome"], last["ground"], told["people"][last["by"]]) == ("clear", None, "The reviewer")
    assert told["policy"]["version"] == told["policy_today"]["version"]


async def test_notes_are_added_by_reviewers_and_leads(hall: Hall, exam: Exam, reviewer: httpx.AsyncClient) -> None:
    at = f"/api/v1/sessions/{exam.sessions[0]}/record/notes"
    lead = await a_lead(exam)
    assert (await lead.post(at, json={"text": "The alarm rang at ten."})).status_code == 201
    assert (await reviewer.post(at, json={"text": "See the day's report."})).status_code == 201
    before = await hall.position()
    await refused(hall, await reviewer.post(at, json={"text": " "}), before, 422, "text", "a note needs a text")
    notes = (await account(reviewer, exam.sessions[0], before))["notes"]
    assert [note["text"] for note in notes] == ["The alarm rang at ten.", "See the day's report."]


async def test_the_gradebook_is_ordered_and_filtered_by_the_server(
    hall: Hall, exam: Exam, reviewer: httpx.AsyncClient
) -> None:
    await judge(reviewer, exam, 1, "dismissed")
    at = f"/api/v1/schedules/{exam.schedule}/gradebook"
    decided = await reviewer.post(
        f"/api/v1/sessions/{exam.sessions[2]}/record/decision", json=REASON | {"outcome": "void", "ground": "fault"}
    )
    assert decided.status_code == 201, decided.text
    head = {"Vigil-At-Least": str(await hall.position())}

    async def listed(**params: object) -> list[int]:
        answer = await reviewer.get(at, params=params, headers=head)  # type: ignore[arg-type]
        return [exam.sessions.index(row["session"]) for row in answer.json()["records"]]

    assert await listed() == [0, 1, 2]  # what is dismissed does not count, and what is decided comes last
    assert await listed(sort="decision") == [0, 1, 2]
    assert await listed(decision="none", sort="name") == [0, 1]
    assert await listed(decision=["void", "clear"]) == [2]
    assert await listed(severity="high", sort="name") == [1, 2]
    assert await listed(severity="info") == []
    assert await listed(unjudged=True, sort="state") == [0, 2]
    assert (await reviewer.get(at, params={"sort": "risk"})).status_code == 400
    first = (await reviewer.get(at, params={"limit": 2, "sort": "priority"})).json()
    rest = (await reviewer.get(at, params={"limit": 2, "sort": "priority", "after": first["next"]})).json()
    assert [row["session"] for row in (*first["records"], *rest["records"])] == list(exam.sessions)
    sheet = await reviewer.get(f"{at}.csv", params={"sort": "name"}, headers=head)
    lines = list(csv.DictReader(io.StringIO(sheet.text.removeprefix("\ufeff"))))
    assert [(line["name"], line["decision"], line["dismissed"], line["unjudged"]) for line in lines] == [
        ("Candidate 0", "", "0", "1"), ("Candidate 1", "", "1", "0"), ("Candidate 2", "void", "0", "1"),
    ]  # fmt: skip
    assert lines[2]["decided by"] == "The reviewer"


async def test_another_version_of_the_priority_says_by_whom_and_why(
    hall: Hall, exam: Exam, reviewer: httpx.AsyncClient
) -> None:
    at = f"/api/v1/sessions/{exam.sessions[0]}/record/priority"
    admin = await hall.as_a("admin")
    body = {"why": "Many false alarms in this hall.", "weights": {"raised_by_person": 0.5, "warn": 2.0}}
    assert (await admin.post(at, json=body)).status_code == 204
    before = await hall.position()
    much = await reviewer.post(at, json={"why": "More.", "weights": {"warn": 101.0}})
    await refused(hall, much, before, 400, "weights", "100.0")
    odd = await reviewer.post(at, json={"why": "More.", "weights": {"face": 1.0}})
    await refused(hall, odd, before, 422, "weights", "severity, kind and verdict")
    first, second = (await account(reviewer, exam.sessions[0], before))["priorities"]
    assert (first["number"], first["by"], first["weights_version"], first["why"]) == (1, "system/react", "1", None)
    assert (second["number"], second["why"], second["weights"]) == (2, body["why"], body["weights"])
    assert second["by"] == hall.user("admin@example.org")


async def test_in_a_blind_review_nobody_sees_the_verdict_of_another_before_their_own(
    hall: Hall, reviewer: httpx.AsyncClient
) -> None:
    exam = await reviewed(hall, second_reviewer=True, blind_review=True)
    session, other = exam.sessions[0], await hall.as_a("reviewer", "second.reviewer@example.org")
    auditor = await hall.as_a("auditor")
    await judge(reviewer, exam, 0, "confirmed")

    async def seen(who: httpx.AsyncClient) -> tuple[object, ...]:
        (flag,) = (await account(who, session, await hall.position()))["incidents"].values()
        (incident,) = (await who.get(f"/api/v1/sessions/{session}/incidents")).json()["incidents"]
        (row,) = (await who.get(f"/api/v1/schedules/{exam.schedule}/gradebook")).json()["records"]
        moments = (await who.get(f"/api/v1/sessions/{session}/timeline")).json()["events"]
        told = [moment for moment in moments if moment["tag"] == "incidents.verdict_given"]
        (booked,) = row["incidents"].values()
        (live,) = (await who.get(f"/api/v1/schedules/{exam.schedule}/live")).json()["rows"].values()
        assert list(live["verdicts"].values()) == [booked["verdict"]] * bool(booked["verdict"])
        return flag["standing"], booked["verdict"], len(flag["verdicts"]), len(incident["verdicts"]), len(told)

    assert await seen(other) == ("unjudged", None, 0, 0, 0)
    assert await seen(reviewer) == await seen(auditor) == ("awaits_second", "confirmed", 1, 1, 1)
    at = f"/api/v1/sessions/{session}/record/decision"
    before = await hall.position()
    body = REASON | {"outcome": "referred", "ground": "incident"}
    await refused(hall, await reviewer.post(at, json=body), before, 409, "incidents", "another verdict")
    await judge(other, exam, 0, "confirmed")
    assert await seen(other) == ("confirmed", "confirmed", 2, 2, 2)
    assert (await reviewer.post(at, json=body)).status_code == 201


async def test_a_program_gives_no_verdict_and_decides_nothing(hall: Hall, exam: Exam) -> None:
    _, program = await issued(hall, await hall.as_a("admin"), "reviewer")
    before = await hall.position()
    at = f"/api/v1/sessions/{exam.sessions[0]}"
    decided = await program.post(f"{at}/record/decision", json=REASON | {"outcome": "clear"})
    await refused(hall, decided, before, 403, "", "never a program")
    (incident,) = (await program.get(f"{at}/incidents")).json()["incidents"]
    body = REASON | {"verdict": "confirmed"}
    judged = await program.post(f"{at}/incidents/{incident['incident']}/verdict", json=body)
    await refused(hall, judged, before, 403, "", "never a program")
