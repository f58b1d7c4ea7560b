"""The registry of detectors, the institution's own switch, and precision from verdicts."""

from __future__ import annotations

import asyncio
from typing import Any

from api import health
from domain.incidents import Provenance
from tests.api.hall import Exam, Hall, an_exam, at_another_address, refused, sit
from tests.api.test_live import flag
from tests.vigil.hall import running
from vigil.watching import beat

AT = "/api/v1/detectors"
BECAUSE = {"reason": "It takes portraits for people."}
RUNS = Provenance(detector="objects", detector_version="7", weights={"w": "ab"}, thresholds={}, rule_version="book/1")


async def _kinds(hall: Hall, role: str = "planner") -> dict[str, Any]:
    client = await hall.as_a(role)  # type: ignore[arg-type]
    answer = await client.get(AT, headers={"Vigil-At-Least": str(await hall.position())})
    assert answer.status_code == 200, answer.text
    return {one["kind"]: one for one in answer.json()["detectors"]}


async def _judge(exam: Exam, number: int, incident: str, verdict: str) -> None:
    path = f"/api/v1/sessions/{exam.sessions[number]}/incidents/{incident}/verdict"
    reviewer = await exam.hall.as_a("reviewer")
    answer = await reviewer.post(path, json={"verdict": verdict, "reason": "I looked."})
    assert answer.is_success, answer.text


async def test_every_kind_is_listed_with_its_rule_and_what_runs(hall: Hall) -> None:
    async with running(beat(hall.services.nats, runs={"book": RUNS})), asyncio.timeout(10):
        while (kinds := await _kinds(hall))["book"]["state"] != "running":
            await asyncio.sleep(0.1)
    book, voice, focus = kinds["book"], kinds["voice"], kinds["focus_lost"]
    (here,) = book["running"]
    assert (here["weights"], here["detector_version"], here["workers"]) == ({"w": "ab"}, "7", 1)
    assert (book["read_from"], book["severity"], book["sensitive"], book["off"]) == ("camera", "info", False, None)
    assert book["thresholds"] == {"book": 0.4}
    assert book["words"] == "a book can be seen"
    assert (voice["read_from"], voice["sensitive"], voice["state"]) == ("sound", True, "not_running")
    assert (focus["read_from"], focus["state"], focus["rule_version"]) == ("page", "in_the_page", "focus_lost/1")


async def test_it_is_off_in_every_exam_for_who_sits_one_and_for_who_starts_later(hall: Hall) -> None:
    one, other = await an_exam(hall, candidates=2), await an_exam(hall)
    await sit(one)
    await sit(other)
    admin = await hall.as_a("admin")
    off = await admin.post(f"{AT}/several_people/off", json=BECAUSE)
    assert off.status_code == 204, off.text
    await sit(one, 1)
    switch = (await _kinds(hall))["several_people"]["off"]
    assert (switch["reason"], switch["by"]) == (BECAUSE["reason"], hall.user("admin@example.org"))
    async with asyncio.timeout(10):
        while set(await _why(one, other)) != {"switched_off_everywhere"}:
            await asyncio.sleep(0.1)
    before = await hall.position()
    assert (await admin.post(f"{AT}/several_people/off", json={"reason": "Again."})).status_code == 204
    assert await hall.position() == before, "it is off already"
    planner = await hall.as_a("planner")
    assert (await planner.post(f"{AT}/several_people/on")).status_code == 204
    assert (await _kinds(hall))["several_people"]["off"] is None
    assert set(await _why(one, other)) == {"switched_off_everywhere"}, "for good in sessions that run"
    policy = (await planner.get(f"/api/v1/schedules/{one.schedule}/policy")).json()
    assert "several_people" in [detector["kind"] for detector in policy["policy"]["detectors"]]


async def _why(*exams: Exam) -> list[str | None]:
    """Why `several_people` is muted in each session, as the wall has it."""
    found: list[str | None] = []
    for exam in exams:
        rows = (await exam.planner.get(f"/api/v1/schedules/{exam.schedule}/live")).json()["rows"].values()
        found += [row["muted"].get("several_people", {}).get("why") for row in rows]
    return found


async def test_what_cannot_be_switched_is_told(hall: Hall) -> None:
    admin = await hall.as_a("admin")
    before = await hall.position()
    await refused(hall, await admin.post(f"{AT}/mood/off", json=BECAUSE), before, 404, "kind", "")
    await refused(hall, await admin.post(f"{AT}/mood/on"), before, 404, "kind", "")
    await refused(hall, await admin.post(f"{AT}/book/off", json={"reason": ""}), before, 400, "reason", ">= 1")
    await refused(hall, await admin.post(f"{AT}/book/off", json={"reason": " "}), before, 422, "reason", "needed")


async def test_each_institution_has_a_switch_of_its_own(hall: Hall) -> None:
    async with at_another_address(hall, "other") as there:
        admin = await there.as_a("admin")
        assert (await admin.post(f"{AT}/book/off", json=BECAUSE)).status_code == 204
        assert (await _kinds(there))["book"]["off"]["reason"] == BECAUSE["reason"]
    assert (await _kinds(hall))["book"]["off"] is None


async def test_precision_follows_the_verdicts_and_says_nothing_of_too_few(hall: Hall, monkeypatch: Any) -> None:  # noqa: ANN401
    monkeypatch.setattr(health, "INCIDENTS_EVERY_S", 0.0)
    exam = await an_exam(hall, candidates=11)
    for number in range(11):
        await sit(exam, number)
        await flag(exam, number, f"i{number}")
    for number in range(9):
        await _judge(exam, number, f"i{number}", "confirmed")
    version = (await _kinds(hall))["several_people"]["versions"][0]
    score = version["score"]
    assert (version["rule_version"], version["detector_version"], version["weights"]) == ("1", "1", {"w": "0" * 64})
    assert (score["opened"], score["judged"], score["confirmed"], score["precision"]) == (11, 9, 9, None)
    assert score["said"] == "too few to say: 9 decided"
    await _judge(exam, 9, "i9", "unsure")
    await _judge(exam, 10, "i10", "dismissed")
    await _judge(exam, 0, "i0", "dismissed")  # thought better of it: the newest counts
    score = (await _kinds(hall, "auditor"))["several_people"]["versions"][0]["score"]
    assert (score["judged"], score["confirmed"], score["dismissed"], score["unsure"]) == (11, 8, 2, 1)
    assert score["precision"]["share"] == 0.8
    assert [round(score["precision"][end], 2) for end in ("low", "high")] == [0.49, 0.94]
    (month,) = (await _kinds(hall, "reviewer"))["several_people"]["versions"][0]["months"]
    assert month["score"] == score
    text = (await hall.http.get("/metrics")).text
    for stands, many in (("confirmed", 8), ("dismissed", 2), ("unsure", 1), ("open", 0)):
        assert f'vigil_incidents{{kind="several_people",stands="{stands}"}} {many}.0' in text
