"""Months later: a candidate opens their record by its link, appeals, and is answered by somebody who stood apart."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.api.hall import Exam, Hall, refused
from tests.api.test_reviews import REASON, account, judge, reviewed

PDF = b"%PDF-1.7\nThe letter of a witness."


@pytest.fixture
async def exam(hall: Hall) -> Exam:
    return await reviewed(hall)


async def receipt(exam: Exam) -> dict[str, Any]:
    return dict((await exam.candidates[0].get(f"/api/v1/sessions/{exam.sessions[0]}/receipt")).json())


async def trade(hall: Hall, link: str) -> httpx.Response:
    return await hall.http.post("/api/v1/record-link", json={"token": link})


async def come_back(exam: Exam) -> httpx.AsyncClient:
    """The candidate, by their record link."""
    answer = await trade(exam.hall, (await receipt(exam))["record_link"])
    assert answer.status_code == 200, answer.text
    return exam.hall.bearing(answer.json()["token"])


async def decide(reviewer: httpx.AsyncClient, session: str, **body: object) -> None:
    answer = await reviewer.post(f"/api/v1/sessions/{session}/record/decision", json=REASON | body)
    assert answer.status_code == 201, answer.text


async def own(exam: Exam, me: httpx.AsyncClient) -> dict[str, Any]:
    head = {"Vigil-At-Least": str(await exam.hall.position())}
    answer = await me.get(f"/api/v1/sessions/{exam.sessions[0]}/own-record", headers=head)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_record_link_opens_the_own_record_and_nothing_else(hall: Hall, exam: Exam) -> None:
    told = await receipt(exam)
    assert told["record_link"].startswith("http://vigil.test/record#")
    staff = await hall.as_a("reviewer")
    theirs = (await staff.get(f"/api/v1/sessions/{exam.sessions[0]}/receipt")).json()
    assert (theirs["record_link"], theirs["appeals_close_at"]) == (None, None)
    me, session = await come_back(exam), exam.sessions[0]
    seen = await own(exam, me)
    assert (seen["session"], seen["phase"], seen["findings"], seen["decisions"]) == (session, "submitted", [], [])
    assert {"number": told["seal"]["number"], "root": told["seal"]["root"]}.items() <= seen["seals"][-1].items()
    for path in (f"sessions/{session}", f"sessions/{session}/receipt", f"sessions/{session}/messages", "me"):
        answer = await me.get(f"/api/v1/{path}")
        assert answer.status_code == 403, path
        assert "a record link shows the record" in answer.text
    assert (await me.post(f"/api/v1/sessions/{session}/messages", json={"text": "Hello"})).status_code == 403
    views = (await account(await hall.as_a("auditor"), session, await hall.position()))["views"]
    assert views >= 1


async def test_the_link_is_not_a_bearer_nor_a_join_link_and_ends_with_the_period(hall: Hall, exam: Exam) -> None:
    link = (await receipt(exam))["record_link"]
    token = link.rpartition("#")[2]
    assert (await hall.bearing(token).get(f"/api/v1/sessions/{exam.sessions[0]}/own-record")).status_code == 401
    assert (await hall.http.post("/api/v1/join", json={"token": token})).status_code == 401
    assert (await trade(hall, exam.links[0])).status_code == 401
    hall.clock.ahead += timedelta(days=28)
    ended = await trade(hall, link)
    assert ended.status_code == 401
    assert "could be read until" in ended.text
    reviewer = hall.bearing(await anew(hall, "reviewer"))
    await decide(reviewer, exam.sessions[0], outcome="clear")
    assert (await trade(hall, link)).status_code == 200  # another decision, another period
    hall.clock.ahead -= timedelta(days=28)


async def anew(hall: Hall, role: str) -> str:
    """The token of somebody of the staff, for a clock that was put forward."""
    await hall.as_a(role)  # type: ignore[arg-type]
    body = {"email": f"{role}@example.org", "password": "correct horse battery staple"}
    return str((await hall.http.post("/api/v1/sign-in", json=body)).json()["token"])


async def test_a_lost_link_is_replaced_and_who_came_by_the_old_one_is_out(hall: Hall, exam: Exam) -> None:
    old, me = (await receipt(exam))["record_link"], await come_back(exam)
    at = f"/api/v1/schedules/{exam.schedule}/candidates/{exam.sessions[0]}/record-link"
    renewed = await exam.planner.post(at)
    assert renewed.status_code == 201, renewed.text
    assert (await trade(hall, old)).status_code == 401
    assert (await trade(hall, renewed.json()["record_link"])).status_code == 200
    out = await me.get(f"/api/v1/sessions/{exam.sessions[0]}/own-record")
    assert (out.status_code, "replaced by a new one" in out.text) == (401, True)


async def test_flags_are_no_findings_until_somebody_confirmed_and_decided(hall: Hall, exam: Exam) -> None:
    reviewer, me = await hall.as_a("reviewer"), await come_back(exam)
    await judge(reviewer, exam, 0, "confirmed")
    seen = await own(exam, me)
    assert (seen["findings"], "Talks to somebody." in str(seen)) == ([], False)
    await decide(reviewer, exam.sessions[0], outcome="referred", ground="incident")
    seen = await own(exam, me)
    (finding,), (decision,) = seen["findings"], seen["decisions"]
    assert (finding["kind"], finding["reason"]) == ("raised_by_person", REASON["reason"])
    assert (decision["outcome"], decision["reason"]) == ("referred", REASON["reason"])
    told = str(seen)
    assert hall.user("reviewer@example.org") not in told
    assert hall.user("invigilator@example.org") not in told


async def test_an_appeal_is_held_attached_to_and_answered_by_somebody_who_stood_apart(hall: Hall, exam: Exam) -> None:
    session, reviewer, me = exam.sessions[0], await hall.as_a("reviewer"), await come_back(exam)
    await judge(reviewer, exam, 0, "confirmed")
    await decide(reviewer, session, outcome="referred", ground="incident")
    at = f"/api/v1/sessions/{session}/appeals"
    (incident,) = (await reviewer.get(f"/api/v1/sessions/{session}/incidents")).json()["incidents"]
    before = await hall.position()
    await refused(hall, await me.post(at, json={"text": " "}), before, 422, "text", "need a text")
    nowhere = await me.post(at, json={"text": "No.", "incident": "elsewhere"})
    await refused(hall, nowhere, before, 404, "incident", "no such incident")
    made = await me.post(at, json={"text": "It was my interpreter.", "incident": incident["incident"]})
    assert made.status_code == 201, made.text
    name = made.json()["appeal"]
    holds = (await reviewer.get(f"/api/v1/sessions/{session}/record/holds", headers=await now(hall))).json()["holds"]
    assert [one["until"] for one in holds.values() if one["why"] == "appeal"] == [None]

    async def put(number: int, data: bytes) -> httpx.Response:
        return await me.put(f"{at}/{name}/attachments/{number}", content=data)

    assert (await put(1, PDF)).status_code == 204
    assert (await put(1, PDF)).status_code == 204
    before = await hall.position()
    await refused(hall, await put(1, b"Another."), before, 409, "number", "nothing is overwritten")
    await refused(hall, await put(6, PDF), before, 409, "number", "at most 5")
    await refused(hall, await put(2, b"<script>\x00"), before, 415, "body", "a PDF, a JPEG or PNG picture")
    assert (await put(2, bytes(5 * 1024 * 1024 + 1))).status_code == 413
    got = await reviewer.get(f"{at}/{name}/attachments/1")
    assert (got.content, got.headers["content-type"]) == (PDF, "application/octet-stream")
    assert got.headers["content-disposition"] == 'attachment; filename="appeal-1.pdf"'
    assert got.headers["x-content-type-options"] == "nosniff"

    queue = (await reviewer.get("/api/v1/appeals", params={"schedule": exam.schedule}, headers=await now(hall))).json()
    (waiting,) = queue["appeals"]
    assert (waiting["appeal"], waiting["state"], waiting["attached"], waiting["decision"]) == (name, "open", 1, 1)
    assert waiting["waits_s"] >= 0
    answer = {"answer": "upheld", "reason": "The interpreter was allowed."}
    before = await hall.position()
    await refused(hall, await reviewer.post(f"{at}/{name}/answer", json=answer), before, 409, "by", "nobody who judged")
    other = await hall.as_a("reviewer", "apart@example.org")
    assert (await other.post(f"{at}/{name}/answer", json=answer)).status_code == 204
    (shown,) = (await own(exam, me))["appeals"]
    assert (shown["state"], shown["reason"], shown["attached"][0]["kind"]) == (
        "upheld", answer["reason"], "application/pdf",
    )  # fmt: skip
    (appeal,) = (await account(reviewer, session, await hall.position()))["appeals"]
    assert (appeal["by"], appeal["text"]) == (hall.user("apart@example.org"), "It was my interpreter.")
    assert (await own(exam, me))["readable_until"] is None  # somebody decides anew
    await decide(other, session, outcome="clear")
    assert (await own(exam, me))["readable_until"]
    holds = (await reviewer.get(f"/api/v1/sessions/{session}/record/holds", headers=await now(hall))).json()["holds"]
    assert all(one["until"] for one in holds.values() if one["why"] == "appeal")


async def test_the_queue_holds_those_of_all_exams_by_what_became_of_them_and_who_waits_longest_first(
    hall: Hall, exam: Exam
) -> None:
    other, reviewer = await reviewed(hall), await hall.as_a("reviewer", "apart@example.org")
    names = []
    for one in (exam, other):
        made = await (await come_back(one)).post(f"/api/v1/sessions/{one.sessions[0]}/appeals", json={"text": "No."})
        names.append(made.json()["appeal"])
    mine = {exam.schedule, other.schedule}

    async def queue(**query: object) -> list[tuple[str, str]]:
        found, after = [], ""
        while True:
            params = {"limit": 1, "after": after, **query}
            told = (await reviewer.get("/api/v1/appeals", params=params, headers=await now(hall))).json()
            found += [(one["appeal"], one["state"]) for one in told["appeals"] if one["schedule"] in mine]
            if (after := told["next"]) is None:
                return found

    assert await queue(standing="open") == [(names[0], "open"), (names[1], "open")]
    answer = {"answer": "rejected", "reason": "It shows two people."}
    at = f"/api/v1/sessions/{exam.sessions[0]}/appeals/{names[0]}/answer"
    assert (await reviewer.post(at, json=answer)).status_code == 204
    assert await queue(standing="open") == [(names[1], "open")]
    assert await queue(standing="rejected") == [(names[0], "rejected")]
    assert await queue() == [(names[1], "open"), (names[0], "rejected")]
    assert await queue(schedule=exam.schedule) == [(names[0], "rejected")]


async def now(hall: Hall) -> dict[str, str]:
    return {"Vigil-At-Least": str(await hall.position())}


async def test_who_watched_does_not_answer_and_a_program_never(hall: Hall, exam: Exam) -> None:
    session = exam.sessions[0]
    me = await come_back(exam)
    name = (await me.post(f"/api/v1/sessions/{session}/appeals", json={"text": "Look again."})).json()["appeal"]
    both = await hall.account("reviewer", "invigilator", email="watched.too@example.org")
    schedule = f"/api/v1/schedules/{exam.schedule}"
    assert (await exam.planner.post(f"{schedule}/invigilators", json={"user": both})).is_success
    body = {"email": "watched.too@example.org", "password": "correct horse battery staple"}
    watcher = hall.bearing((await hall.http.post("/api/v1/sign-in", json=body)).json()["token"])
    at, before = f"/api/v1/sessions/{session}/appeals/{name}", await hall.position()
    answer = {"answer": "rejected", "reason": "I saw it."}
    await refused(hall, await watcher.post(f"{at}/answer", json=answer), before, 409, "by", "nobody who watched")
    assert (await me.delete(at)).status_code == 204
    assert (await me.delete(at)).status_code == 204
    again = await me.post(f"/api/v1/sessions/{session}/appeals", json={"text": "After all."})
    assert again.status_code == 201, again.text
