"""The candidate's page signals: rules make incidents and faults of it, whichever process hears it and however often."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import httpx

from api import signals
from api.limits import RATES, kind_of
from tests.api.hall import CHECKS, Exam, Hall, an_exam, refused, sit

S = timedelta(seconds=1)
FINE = {
    "focus": "here", "full_screen": "on", "clipboard": "watched", "displays": "one", "camera": "live",
    "microphone": "live", "screen": "live", "network": "good", "local_copy": "kept",
}  # fmt: skip


class Page:
    """A candidate's page, loaded once. Its clock is two hours ahead, which it knows."""

    def __init__(self, exam: Exam, number: int = 0) -> None:
        self.client, self.hall = exam.candidates[number], exam.hall
        self.at = f"/api/v1/sessions/{exam.sessions[number]}/signals"
        self.loaded, self.number = exam.hall.clock() + timedelta(hours=2), 0

    def batch(self, **since: tuple[str, float]) -> dict[str, Any]:
        """Everything is fine but what is named, which is so since that many seconds."""
        now = self.hall.clock() + timedelta(hours=2)
        self.number += 1
        samples = [{"signal": s, "value": v, "at": self.loaded.isoformat()} for s, v in FINE.items() if s not in since]
        samples += [
            {"signal": signal, "value": value, "at": (now - seconds * S).isoformat()}
            for signal, (value, seconds) in since.items()
        ]
        return {
            "page": "p1", "number": self.number, "sent_at": now.isoformat(), "skew_ms": 7_200_000, "samples": samples,
        }  # fmt: skip

    async def says(self, **since: tuple[str, float]) -> httpx.Response:
        answer = await self.client.post(self.at, json=self.batch(**since))
        assert answer.status_code == 200, answer.text
        return answer


async def framed(hall: Hall, candidates: int = 1) -> Exam:
    """An exam that opens in a frame."""
    exam = await an_exam(hall, candidates)
    change = {"assessment_url": "https://exams.example.org/", "opens_in": "frame"}
    assert (await exam.planner.patch(f"/api/v1/schedules/{exam.schedule}", json=change)).status_code == 204
    return exam


async def flags(exam: Exam, session: str) -> list[dict[str, Any]]:
    head = {"Vigil-At-Least": str(await exam.hall.position())}
    answer = await exam.invigilator.get(f"/api/v1/sessions/{session}/incidents", headers=head)
    return list(answer.json()["incidents"])


async def test_a_lost_focus_is_flagged_and_over_again(hall: Hall) -> None:
    exam = await framed(hall)
    session, page = await sit(exam), Page(exam)
    answer = await page.says()
    assert abs(datetime.fromisoformat(answer.json()["server_time"]) - hall.clock()) < 5 * S
    hall.clock.ahead += 20 * S
    before = await hall.position()
    await page.says(focus=("away", 3))
    assert await hall.position() == before, "three seconds are nothing"
    hall.clock.ahead += 3 * S
    body = page.batch(focus=("away", 6))
    for _ in range(2):
        assert (await page.client.post(page.at, json=body)).status_code == 200
    (flag,) = await flags(exam, session)
    assert (flag["kind"], flag["severity"], flag["ended_at"]) == ("focus_lost", "info", None)
    assert flag["provenance"]["detector"] == "browser"
    assert flag["provenance"]["thresholds"]["after_s"] == 5.0
    hall.clock.ahead += 15 * S
    await page.says(focus=("here", 11))
    (flag,) = await flags(exam, session)
    assert (flag["ended"], flag["evidence"]) == ("clear", [])


async def test_many_processes_hear_at_once_and_one_incident_comes_of_it(hall: Hall) -> None:
    exam = await framed(hall)
    session, page = await sit(exam), Page(exam)
    await page.says()
    hall.clock.ahead += 20 * S
    bodies = [page.batch(focus=("away", 8)) for _ in range(8)]
    answers = await asyncio.gather(*(page.client.post(page.at, json=body) for body in bodies))
    assert {answer.status_code for answer in answers} == {200}
    assert [flag["kind"] for flag in await flags(exam, session)] == ["focus_lost"]


async def test_a_device_that_is_unplugged_is_a_fault_and_no_incident(hall: Hall) -> None:
    exam = await framed(hall)
    session, page = await sit(exam), Page(exam)
    await page.says()
    hall.clock.ahead += 20 * S
    await page.says(camera=("unplugged", 4))
    clock = (await exam.candidates[0].get(f"/api/v1/sessions/{session}/view")).json()["session"]
    assert "camera device" in clock["faults"]
    hall.clock.ahead += 20 * S
    await page.says(camera=("live", 5))
    clock = (await exam.candidates[0].get(f"/api/v1/sessions/{session}/view")).json()["session"]
    assert "camera device" not in clock["faults"]
    assert await flags(exam, session) == []


async def test_in_a_tab_of_its_own_nothing_is_known_of_the_exam_and_that_is_said(hall: Hall) -> None:
    exam = await an_exam(hall)
    policy = (await exam.planner.get(f"/api/v1/schedules/{exam.schedule}/policy")).json()
    assert "focus_lost" in {one["kind"] for one in policy["policy"]["browser"]}
    assert "tab of its own" in policy["not_observed"]["focus_lost"]
    text = (await exam.candidates[0].get(f"/api/v1/sessions/{exam.sessions[0]}/notice")).json()["text"]
    assert "another window" not in text
    assert "you stop sharing your screen" in text
    session, page = await sit(exam), Page(exam)
    await page.says()
    hall.clock.ahead += 60 * S
    await page.says(focus=("away", 50), screen=("stopped", 20))
    assert [flag["kind"] for flag in await flags(exam, session)] == ["screen_share_stopped"]


async def test_where_it_opens_is_part_of_what_is_acknowledged_and_stays_from_the_start_on(hall: Hall) -> None:
    exam = await an_exam(hall)
    me, at = exam.candidates[0], f"/api/v1/sessions/{exam.sessions[0]}"
    told = (await me.get(f"{at}/notice")).json()
    change = {"assessment_url": "https://exams.example.org/", "opens_in": "frame"}
    assert (await exam.planner.patch(f"/api/v1/schedules/{exam.schedule}", json=change)).status_code == 204
    before = await hall.position()
    old = await me.post(f"{at}/notice", json={"policy_version": told["policy_version"], "sha256": told["sha256"]})
    await refused(hall, old, before, 409, "sha256", "the notice has changed")
    now = (await me.get(f"{at}/notice")).json()
    assert "another window" in now["text"]
    assert (await me.get(at)).json()["assessment_url"] == "", "nobody opens it before the start"
    assert (await exam.invigilator.get(at)).json()["assessment_url"] == "https://exams.example.org/"
    answer = {"policy_version": now["policy_version"], "sha256": now["sha256"]}
    assert (await me.post(f"{at}/notice", json=answer)).status_code == 204
    assert (await me.post(f"{at}/system-check", json={"checks": CHECKS})).json() == {"passed": True, "advice": []}
    assert (await me.post(f"{at}/start")).status_code == 200
    back = {"assessment_url": "https://exams.example.org/other", "opens_in": "tab"}
    assert (await exam.planner.patch(f"/api/v1/schedules/{exam.schedule}", json=back)).status_code == 204
    mine = (await me.get(at)).json()
    assert (mine["assessment_url"], mine["opens_in"]) == ("https://exams.example.org/other", "frame")
    assert mine["notice"]["acknowledged"]


async def test_before_the_start_and_after_the_end_nothing_comes_of_it(hall: Hall) -> None:
    exam = await framed(hall)
    page = Page(exam)
    before = await hall.position()
    await page.says(focus=("away", 30))
    assert await hall.position() == before
    session = await sit(exam)
    await page.says()
    assert (await exam.candidates[0].post(f"/api/v1/sessions/{session}/submit")).status_code == 200
    before = await hall.position()
    hall.clock.ahead += 60 * S
    await page.says(focus=("away", 50))
    assert await hall.position() == before


async def test_a_bad_batch_is_refused(hall: Hall) -> None:
    exam = await framed(hall)
    await sit(exam)
    page = Page(exam)
    await page.says()
    before = await hall.position()
    good = page.batch()
    sample = good["samples"][0]
    for change, status, field, rule in (
        ({"skew_ms": 0}, 422, "sent_at", "the server's time is"),
        ({"sent_at": "2026-01-01T00:00:00"}, 400, "sent_at", "timezone"),
        ({"page": "UP"}, 400, "page", "matching regex"),
        ({"number": 0}, 400, "number", ">= 1"),
        ({"mood": 1}, 400, "mood", "no such field"),
        ({"samples": [{**sample, "value": "muted"}]}, 422, "samples.0.value", "focus is one of here, away"),
        ({"samples": [{**sample, "signal": "mood"}]}, 400, "samples.0.signal", "Invalid"),
        ({"samples": [{**sample, "at": "2020-01-01T00:00:00Z"}]}, 422, "samples.0.at", "not a day ago"),
        ({"samples": [sample] * 201}, 400, "samples", "length <= 200"),
    ):
        await refused(hall, await page.client.post(page.at, json=good | change), before, status, field, rule)


async def test_a_page_that_signals_without_end_must_wait_and_one_that_signals_as_it_should_never(hall: Hall) -> None:
    assert kind_of(signals.hear, "POST") == "signals"
    rate = RATES["signals"]
    assert rate.every_s < 1 / 10 < rate.burst, "a page signals each two seconds, and at once on each change"
    described = (await hall.http.get("/schema")).json()["paths"]["/api/v1/sessions/{session}/signals"]["post"]
    assert {"200", "400", "422", "429"} <= set(described["responses"])
