"""The day on paper, over HTTP: attendance, the report of the day, and its signatures."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import json
from datetime import timedelta
from io import StringIO
from typing import Any

import httpx

from tests.api.hall import Exam, Hall, an_exam, refused, sit

V1 = "/api/v1"


async def get(exam: Exam, what: str, who: httpx.AsyncClient | None = None) -> httpx.Response:
    seen = {"Vigil-At-Least": str(await exam.hall.position())}
    answer = await (who or exam.invigilator).get(f"{V1}/schedules/{exam.schedule}/{what}", headers=seen)
    assert answer.status_code == 200, answer.text
    return answer


async def report(exam: Exam, query: str = "") -> dict[str, Any]:
    found: dict[str, Any] = (await get(exam, f"day-report{query}")).json()
    return found


async def sign(exam: Exam, sha256: str, note: str = "") -> httpx.Response:
    at = f"{V1}/schedules/{exam.schedule}/day-report/signature"
    seen = {"Vigil-At-Least": str(await exam.hall.position())}
    return await exam.invigilator.post(at, json={"sha256": sha256, "note": note}, headers=seen)


async def a_day(hall: Hall, candidates: int = 3) -> Exam:
    """One sits and hands in, one comes late, the others stay away."""
    exam = await an_exam(hall, candidates)
    session = await sit(exam)
    await exam.candidates[0].post(f"{V1}/sessions/{session}/help", json={"topic": "question", "text": "Which page?"})
    note = {"severity": "warn", "note": "Whispers."}
    assert (await exam.invigilator.post(f"{V1}/sessions/{session}/incidents", json=note)).status_code == 201
    hall.clock.ahead += timedelta(minutes=70)
    late = {"reason": "a late train"}
    assert (await exam.invigilator.post(f"{V1}/sessions/{exam.sessions[1]}/admission", json=late)).status_code == 204
    await sit(exam, 1)
    await exam.candidates[0].post(f"{V1}/sessions/{session}/submit")
    return exam


async def over(exam: Exam) -> None:
    await exam.candidates[1].post(f"{V1}/sessions/{exam.sessions[1]}/submit")
    exam.hall.clock.ahead += timedelta(hours=2)


async def test_the_attendance_list_says_who_came_and_who_let_them_in(hall: Hall) -> None:
    exam = await a_day(hall)
    listed = (await get(exam, "attendance")).json()
    assert listed["counts"]["present"] == listed["counts"]["late"] == 1
    by_session = {row["session"]: row for row in listed["candidates"]}
    first, second, third = (by_session[session] for session in exam.sessions)
    assert (first["attended"], first["phase"], first["name"]) == ("present", "submitted", "Candidate 0")
    assert second["attended"] == "late"
    assert listed["people"][second["late_by"]] == "The invigilator"
    assert third["attended"] in ("expected", "no_show")
    assert third["started_at"] is None


async def test_no_cell_of_the_sheet_is_a_formula(hall: Hall) -> None:
    exam = await an_exam(hall)
    evil = ['=HYPERLINK("http://x","a")', "+1", "-1", "@sum", "\tx", ' =1,"2"']
    rows = [{"name": name, "number": f"{exam.schedule}-e{n}"} for n, name in enumerate(evil)]
    at = f"{V1}/schedules/{exam.schedule}/candidates"
    assert (await exam.planner.post(at, json=rows)).status_code in (200, 201)
    answer = await get(exam, "attendance.csv", exam.planner)
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    read = list(csv.DictReader(StringIO(answer.text.removeprefix("\ufeff"), newline="")))
    assert len(read) == len(evil) + 1
    assert not [cell for row in read for cell in row.values() if cell.strip(" ")[:1] in set("=+-@\t\r\n")]
    assert {row["name"].lstrip("'").strip() for row in read} >= {name.strip() for name in evil}


async def test_the_report_is_signed_when_the_exam_is_over_and_again_when_more_is_known(hall: Hall) -> None:
    exam = await a_day(hall)
    before = await hall.position()
    going_on = await sign(exam, (await report(exam))["sha256"])
    await refused(hall, going_on, before, 409, "sessions", "not over")
    await over(exam)
    told = await report(exam)
    assert (told["version"], told["signatures"]) == (1, [])
    plain = json.dumps(told["report"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(plain.encode()).hexdigest() == told["sha256"]
    assert "Candidate 0" not in plain
    signed = await sign(exam, told["sha256"], "Somebody whispered.")
    assert signed.json() == {"version": 1}
    now = await hall.position()
    assert (await sign(exam, told["sha256"], "Somebody whispered.")).json() == {"version": 1}
    assert await hall.position() == now
    (signature,) = (await report(exam))["signatures"]
    assert (signature["current"], signature["note"], signature["by_name"]) == (
        True, "Somebody whispered.", "The invigilator",
    )  # fmt: skip
    late = {"severity": "info", "note": "A second look."}
    await exam.invigilator.post(f"{V1}/sessions/{exam.sessions[0]}/incidents", json=late)
    after = await report(exam)
    assert after["version"] == 2
    assert [one["current"] for one in after["signatures"]] == [False]
    lead = await hall.as_a("lead_invigilator")
    body = {"user": hall.user("lead_invigilator@example.org")}
    await exam.planner.post(f"{V1}/schedules/{exam.schedule}/invigilators", json=body)
    old = await lead.post(f"{V1}/schedules/{exam.schedule}/day-report/signature", json={"sha256": told["sha256"]})
    assert old.status_code == 409
    assert old.json()["errors"][0]["field"] == "sha256"
    assert (await sign(exam, after["sha256"])).json() == {"version": 2}
    assert (await report(exam, f"?as_of={signature['position']}"))["sha256"] == told["sha256"]


async def test_several_who_sign_at_once_sign_the_same_version(hall: Hall) -> None:
    exam = await a_day(hall)
    await over(exam)
    told = await report(exam)
    answers = await asyncio.gather(*(sign(exam, told["sha256"]) for _ in range(3)))
    assert {answer.json()["version"] for answer in answers} == {1}
    assert len((await report(exam))["signatures"]) == 1


async def test_the_report_reads_as_a_page_and_nothing_typed_becomes_markup(hall: Hall) -> None:
    exam = await a_day(hall)
    body = {"from": None, "to": None, "whose": "power", "cause": "<b>fuse</b>", "text": "Back soon."}
    body["to"] = hall.clock().isoformat()
    body["from"] = (hall.clock() - timedelta(minutes=5)).isoformat()
    assert (await exam.planner.post(f"{V1}/schedules/{exam.schedule}/outages", json=body)).status_code == 200
    auditor = await hall.as_a("auditor")
    answer = await get(exam, "day-report.html", auditor)
    assert answer.headers["content-type"].startswith("text/html")
    assert "nothing was flagged says nothing of what was not observed" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "&lt;b&gt;fuse&lt;/b&gt;" in answer.text
    assert "<b>fuse" not in answer.text
    sheet = list(csv.DictReader(StringIO((await get(exam, "day-report.csv")).text.removeprefix("\ufeff"), newline="")))
    assert [row["from"] for row in sheet] == sorted(row["from"] for row in sheet)
    assert {"attendance", "irregularity", "help", "outage"} <= {row["part"] for row in sheet}
    assert ("<b>fuse</b>", "The planner") in {(row["detail"], row["by"]) for row in sheet}
    for words in ("Attendance", "Candidate 0", "raised by person", "The invigilator", "Outages"):
        assert words in answer.text
