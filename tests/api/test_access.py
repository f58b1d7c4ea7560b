"""Who looked at what of a candidate, and when: for auditors and the data-protection officer."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.api.fake_media import FakeMedia
from tests.api.hall import Exam, Hall, an_exam, sit
from tests.api.test_live import flag
from tests.api.test_records import sealed
from tests.api.test_whep import whep
from tests.api.test_whip import HEAD, OFFER, worker

__all__ = ["worker"]
V1 = "/api/v1"


@pytest.fixture
async def exam(hall: Hall) -> Exam:
    exam = await an_exam(hall)
    await sit(exam)
    return exam


async def test_who_looked_is_told_in_order_with_names(exam: Exam, worker: FakeMedia) -> None:
    session, auditor = exam.sessions[0], await exam.hall.as_a("auditor")
    assert (await auditor.get(f"{V1}/sessions/{session}/access")).json() == {"looks": [], "next": None}
    for track in ("camera", "screen"):
        assert (await exam.invigilator.post(whep(exam, track), content=OFFER, headers=HEAD)).status_code == 201
    assert (await exam.candidates[0].post(f"{V1}/sessions/{session}/submit")).is_success
    await sealed(exam)
    made = (await auditor.post(f"{V1}/exports", json={"session": session})).json()
    officer = await exam.hall.as_a("data_protection_officer")
    told = (await officer.get(f"{V1}/sessions/{session}/access")).json()["looks"]
    assert [(look["what"], look["export"]) for look in told] == [
        ("live camera", None), ("live screen", None), ("export", made["export"]),
    ]  # fmt: skip
    assert [look["name"] for look in told] == ["The invigilator", "The invigilator", "The auditor"]
    assert told[0]["at"] <= told[1]["at"] <= told[2]["at"]
    first = (await officer.get(f"{V1}/sessions/{session}/access", params={"limit": 1})).json()
    assert first["looks"] == told[:1]
    rest = (await officer.get(f"{V1}/sessions/{session}/access", params={"after": first["next"]})).json()
    assert rest["looks"] == told[1:]
    assert rest["next"] is None


async def test_pictures_of_evidence_count_once_a_minute_for_each_who_opens_them(exam: Exam) -> None:
    session, auditor, reviewer = exam.sessions[0], await exam.hall.as_a("auditor"), await exam.hall.as_a("reviewer")
    await flag(exam, 0, "looked-at")
    at = f"{V1}/sessions/{session}/incidents/looked-at/pictures"
    async with asyncio.timeout(10):
        while not (await auditor.get(f"{V1}/sessions/{session}/incidents")).json()["incidents"]:
            await asyncio.sleep(0.05)
    assert (await auditor.get(f"{at}/7")).status_code == 404  # nothing was shown
    shown = await asyncio.gather(*(one.get(f"{at}/0") for one in (auditor, reviewer) for _ in range(5)))
    assert {one.status_code for one in shown} == {200}
    assert shown[0].headers["cache-control"] == "private, max-age=60"
    told = (await auditor.get(f"{V1}/sessions/{session}/access")).json()["looks"]
    assert sorted((look["name"], look["what"]) for look in told) == [
        ("The auditor", "evidence pictures"), ("The reviewer", "evidence pictures"),
    ]  # fmt: skip
    exam.hall.clock.ahead += timedelta(minutes=1)
    assert (await reviewer.get(f"{at}/0")).status_code == 200
    assert len((await auditor.get(f"{V1}/sessions/{session}/access")).json()["looks"]) == 3
    exam.hall.clock.ahead -= timedelta(minutes=1)


async def test_of_no_session_nothing_is_told(exam: Exam) -> None:
    auditor = await exam.hall.as_a("auditor")
    assert (await auditor.get(f"{V1}/sessions/nobody/access")).status_code == 404
