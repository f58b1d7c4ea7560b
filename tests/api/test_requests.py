"""A person's requests and holds over HTTP: who may do what, what is held of a person, and what each step answers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.api.hall import Exam, Hall, an_exam, refused, sit

V1 = "/api/v1"


@pytest.fixture(scope="module")
async def exam(hall: Hall) -> Exam:
    """Candidate 0 has submitted, candidate 1 is under way."""
    exam = await an_exam(hall, 2)
    for number in range(2):
        await sit(exam, number)
    assert (await exam.candidates[0].post(f"{V1}/sessions/{exam.sessions[0]}/submit")).is_success
    return exam


@pytest.fixture
async def officer(hall: Hall) -> httpx.AsyncClient:
    return await hall.as_a("data_protection_officer")


async def received(officer: httpx.AsyncClient, exam: Exam, number: int = 0, **body: Any) -> dict[str, str]:  # noqa: ANN401
    wanted = {"kind": "erasure", "channel": "letter", "number": f"{exam.schedule}-{number}", "text": "Forget me"} | body
    answer = await officer.post(f"{V1}/requests", json=wanted)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def seen(hall: Hall, client: httpx.AsyncClient, path: str) -> dict[str, Any]:
    answer = await client.get(f"{V1}/{path}", headers={"Vigil-At-Least": str(await hall.position())})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_restriction_goes_from_the_letter_to_the_answer(
    hall: Hall, exam: Exam, officer: httpx.AsyncClient
) -> None:
    made = await received(officer, exam, kind="restriction")
    at = f"{V1}/requests/{made['request']}"
    subject = (await exam.candidates[0].get(f"{V1}/me")).json()["actor"]
    assert made["subject"] == subject
    before = await hall.position()
    await refused(hall, await officer.post(f"{at}/grant", json={}), before, 409, "", "check first")
    assert (await officer.post(f"{at}/identity-check", json={"proof": "document"})).status_code == 204
    assert (await officer.post(f"{at}/grant", json={"ground": "17(3)(e)"})).status_code == 204
    admin = await hall.as_a("admin")
    assert (await admin.post(f"{at}/execution")).status_code == 409  # all but erasing the officer does
    early = await officer.get(f"{at}/certificate", headers={"Vigil-At-Least": str(await hall.position())})
    assert (early.status_code, early.json()["detail"]) == (409, "nothing of this request was executed yet")
    assert (await officer.post(f"{at}/execution")).json() == {"standing": "executed"}
    assert (await officer.post(f"{at}/answer", json={"text": "Nobody looks at it."})).status_code == 204
    page = await officer.get(f"{at}/certificate.html", headers={"Vigil-At-Least": str(await hall.position())})
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for words in (
        f"Certificate of request {made['request']}", "restriction", "The data_protection_officer", "Anatomy II",
        "the establishment, exercise or defence of legal claims (GDPR, article 17(3)(e))", "Nothing is held back",
    ):  # fmt: skip
        assert words in page.text, words
    for words in ("Forget me", "Nobody looks", "Candidate 0"):
        assert words not in page.text
    shown = await seen(hall, officer, f"requests/{made['request']}")
    assert (shown["text"], shown["answer"], shown["overdue"]) == ("Forget me", "Nobody looks at it.", False)
    assert shown["ground_words"] == "the establishment, exercise or defence of legal claims"
    assert shown["request"]["sessions"] == [exam.sessions[0]]
    assert shown["people"] == {hall.user("data_protection_officer@example.org"): "The data_protection_officer"}
    assert (await seen(hall, admin, f"requests/{made['request']}"))["text"] is None
    listed = await seen(hall, officer, "requests?standing=answered")
    assert made["request"] in {row["request"] for row in listed["requests"]}
    (held,) = (await seen(hall, officer, f"subjects/{subject}/data"))["sessions"]
    assert held["restricted"]
    assert held["holds"][made["request"]]["why"] == "restriction"
    holds = f"{V1}/sessions/{exam.sessions[0]}/record/holds"
    lifted = await officer.post(f"{holds}/{made['request']}/lift", json={"reason": "Settled"})
    assert lifted.status_code == 204
    assert not (await seen(hall, officer, f"sessions/{exam.sessions[0]}/record/holds"))["holds"]


async def test_what_is_held_of_a_person_is_told_with_its_times_and_holds(
    hall: Hall, exam: Exam, officer: httpx.AsyncClient
) -> None:
    subject = (await exam.candidates[1].get(f"{V1}/me")).json()["actor"]
    until = (hall.clock() + timedelta(days=3)).isoformat()
    holds = f"{V1}/sessions/{exam.sessions[1]}/record/holds"
    body = {"reason": "A claim is announced", "classes": ["media"], "until": until, "readers": ["rea"]}
    answer = await officer.post(holds, json=body)
    assert answer.status_code == 201, answer.text
    (held,) = (await seen(hall, officer, f"subjects/{subject}/data"))["sessions"]
    assert (held["session"], held["title"], held["phase"]) == (exam.sessions[1], "Anatomy II", "in_progress")
    assert {one["key_class"]: one["held_by"] for one in held["classes"]} == {
        "profile": [], "identity": [], "chat": [], "media": [answer.json()["hold"]], "notes": [],
    }  # fmt: skip
    assert held["holds"][answer.json()["hold"]]["readers"] == ["rea"]
    assert not held["restricted"]
    before = await hall.position()
    past = body | {"until": (hall.clock() - timedelta(days=1)).isoformat()}
    await refused(hall, await officer.post(holds, json=past), before, 422, "until", "in the future")
    missing = await officer.get(f"{V1}/subjects/nobody/data")
    assert missing.status_code == 404


async def test_nothing_of_an_exam_under_way_is_erased(hall: Hall, exam: Exam, officer: httpx.AsyncClient) -> None:
    made = await received(officer, exam, 1)
    at = f"{V1}/requests/{made['request']}"
    await officer.post(f"{at}/identity-check", json={"proof": "known"})
    await officer.post(f"{at}/grant", json={})
    head = {"Vigil-At-Least": str(await hall.position())}
    before = await hall.position()
    await refused(hall, await officer.post(f"{at}/execution", headers=head), before, 409, "sessions", "under way")


async def test_whom_it_is_about_is_said_in_one_way(hall: Hall, exam: Exam, officer: httpx.AsyncClient) -> None:
    before, body = await hall.position(), {"kind": "access", "channel": "email"}
    await refused(hall, await officer.post(f"{V1}/requests", json=body), before, 422, "number", "name the person")
    other = body | {"number": "somebody else", "session": exam.sessions[0]}
    await refused(hall, await officer.post(f"{V1}/requests", json=other), before, 404, "session", "no such session")
    answer = await officer.post(f"{V1}/requests/nothing/refuse", json={"ground": "11(2)"})
    assert answer.status_code == 404
