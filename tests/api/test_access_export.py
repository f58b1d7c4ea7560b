"""The copy that a person is given on a granted request: made by the officer alone, noted, with what is withheld."""

from __future__ import annotations

import asyncio
import io
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.hall import Exam, Hall, an_exam, refused, sit
from tests.api.test_requests import received, seen
from vigil.verify import Check

V1 = "/api/v1"
SCREEN = {"what": "screen", "ground": "15(4)"}


@pytest.fixture(scope="module")
async def exam(hall: Hall) -> Exam:
    """Candidate 0 has submitted, and their record is sealed; candidate 1 is under way."""
    exam = await an_exam(hall, 2)
    for number in range(2):
        await sit(exam, number)
    me, at = exam.candidates[0], f"{V1}/sessions/{exam.sessions[0]}"
    assert (await me.post(f"{at}/submit")).is_success
    async with asyncio.timeout(30):
        while (await me.get(f"{at}/receipt")).status_code != 200:
            await asyncio.sleep(0.05)
    return exam


@pytest.fixture
async def officer(hall: Hall) -> httpx.AsyncClient:
    return await hall.as_a("data_protection_officer")


async def granted(officer: httpx.AsyncClient, hall: Hall, exam: Exam, number: int = 0, **body: Any) -> str:  # noqa: ANN401
    name = (await received(officer, exam, number, kind="access", **body))["request"]
    at = f"{V1}/requests/{name}"
    assert (await officer.post(f"{at}/identity-check", json={"proof": "document"})).is_success
    assert (await officer.post(f"{at}/grant", json={})).is_success
    await seen(hall, officer, f"requests/{name}")  # is there by now
    return name


async def done(officer: httpx.AsyncClient, where: str) -> dict[str, Any]:
    async with asyncio.timeout(30):
        while (state := (await officer.get(where)).json())["state"] == "running":
            await asyncio.sleep(0.05)
    assert state["state"] == "done", state
    return dict(state)


async def test_the_officer_makes_the_copy_and_it_is_noted_wherever_somebody_will_ask(
    hall: Hall, exam: Exam, officer: httpx.AsyncClient, tmp_path: Path
) -> None:
    name = await granted(officer, hall, exam)
    body = {"request": name, "withhold": [SCREEN, {"what": "staff", "ground": "15(4)"}]}
    made = await officer.post(f"{V1}/exports", json=body)
    assert made.status_code == 202, made.text
    assert made.json() | {"export": ""} == {"export": "", "sessions": [exam.sessions[0]], "left_out": {}}
    state = await done(officer, made.headers["location"])
    assert (state["request"], state["sessions"], state["sessions_done"]) == (name, 1, 1)
    with zipfile.ZipFile(io.BytesIO((await officer.get(state["file"])).content)) as archive:
        archive.extractall(tmp_path)
    (folder,) = tmp_path.iterdir()
    check = Check(folder).run(hall.core.signer.fingerprint)
    assert check.failures == []
    assert sum(remark.startswith("of this copy, ") for remark in check.remarks) == 2
    assert hall.user("data_protection_officer@example.org") not in (folder / "report.html").read_text()

    export = made.json()["export"]
    shown = (await seen(hall, officer, f"requests/{name}"))["request"]
    assert (shown["standing"], shown["sessions"]) == ("executed", [exam.sessions[0]])
    (copy,) = shown["released"]
    assert (copy["export"], copy["by"]) == (export, hall.user("data_protection_officer@example.org"))
    assert copy["withheld"] == [{"incidents": [], **one} for one in body["withhold"]]
    (held,) = (await seen(hall, officer, f"subjects/{shown['subject']}/data"))["sessions"]
    assert export in {one["export"] for one in held["recipients"] if one["request"] == name}
    looks = (await seen(hall, officer, f"sessions/{exam.sessions[0]}/access"))["looks"]
    assert export in {look["export"] for look in looks}

    for role in ("auditor", "admin"):
        other = await hall.as_a(role)  # type: ignore[arg-type]
        assert (await other.get(made.headers["location"])).status_code in (403, 404)
        assert (await other.get(state["file"])).status_code in (403, 404)


async def test_another_copy_with_less_withheld_may_follow_until_the_request_is_answered(
    hall: Hall, exam: Exam, officer: httpx.AsyncClient
) -> None:
    name = await granted(officer, hall, exam, session=exam.sessions[0])
    for withhold in ([SCREEN], []):
        made = await officer.post(f"{V1}/exports", json={"request": name, "withhold": withhold})
        await done(officer, made.headers["location"])
    assert len((await seen(hall, officer, f"requests/{name}"))["request"]["released"]) == 2
    assert (await officer.post(f"{V1}/requests/{name}/answer", json={"text": "Here it is."})).is_success
    before = await hall.position()
    late = await officer.post(f"{V1}/exports", json={"request": name})
    await refused(hall, late, before, 409, "request", "not answered yet")


async def test_a_restricted_record_is_given_to_the_person_all_the_same(
    hall: Hall, exam: Exam, officer: httpx.AsyncClient
) -> None:
    wish = (await received(officer, exam, kind="restriction"))["request"]
    assert (await officer.post(f"{V1}/requests/{wish}/identity-check", json={"proof": "known"})).is_success
    assert (await officer.post(f"{V1}/requests/{wish}/grant", json={})).is_success
    head = {"Vigil-At-Least": str(await hall.position())}
    assert (await officer.post(f"{V1}/requests/{wish}/execution", headers=head)).is_success
    name = await granted(officer, hall, exam)
    made = await officer.post(f"{V1}/exports", json={"request": name})
    assert (await officer.get((await done(officer, made.headers["location"]))["file"])).is_success
    holds = f"{V1}/sessions/{exam.sessions[0]}/record/holds"
    assert (await officer.post(f"{holds}/{wish}/lift", json={"reason": "Settled"})).is_success


async def test_what_is_no_copy_for_a_person_is_refused(hall: Hall, exam: Exam, officer: httpx.AsyncClient) -> None:
    name, auditor = await granted(officer, hall, exam), await hall.as_a("auditor")
    waiting = (await received(officer, exam, kind="access"))["request"]
    erasing = (await received(officer, exam, kind="erasure"))["request"]
    under_way = await granted(officer, hall, exam, 1)
    await seen(hall, officer, f"requests/{erasing}")
    before, others = await hall.position(), {"what": "others", "ground": "15(4)"}
    for client, body, status, field, why in (
        (auditor, {"request": name}, 403, "", "the data-protection officer makes"),
        (officer, {"session": exam.sessions[0]}, 403, "", "auditors export records"),
        (auditor, {"session": exam.sessions[0], "withhold": [SCREEN]}, 422, "withhold", "only of a copy"),
        (officer, {"request": name, "session": exam.sessions[0]}, 422, "session", "either"),
        (officer, {"request": "nosuch"}, 404, "request", "no such request"),
        (officer, {"request": waiting}, 409, "request", "only what was granted"),
        (officer, {"request": erasing}, 409, "request", "only a request for access"),
        (officer, {"request": under_way}, 409, "request", "sealed yet"),
        (officer, {"request": name, "withhold": [SCREEN, SCREEN]}, 422, "withhold", "once"),
        (officer, {"request": name, "withhold": [others]}, 422, "withhold", "name the incidents"),
        (officer, {"request": name, "withhold": [others | {"incidents": ["i9"]}]}, 404, "withhold", "no such incident"),
    ):
        await refused(hall, await client.post(f"{V1}/exports", json=body), before, status, field, why)
