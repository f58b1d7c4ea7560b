"""Duty and triage over HTTP: who is on, who answers for whom, who has an incident, and what a lead is called to."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import httpx

from domain.user import Role
from tests.api.hall import Exam, Hall, an_exam, refused, sit
from vigil.demo.sse import follow

V1 = "/api/v1"


def duty(exam: Exam) -> str:
    return f"{V1}/schedules/{exam.schedule}/duty"


async def another(exam: Exam, role: Role, email: str) -> tuple[httpx.AsyncClient, str]:
    """One more person who is assigned to the exam, and their account."""
    client = await exam.hall.as_a(role, email)
    who = exam.hall.user(email)
    assigned = await exam.planner.post(f"{V1}/schedules/{exam.schedule}/invigilators", json={"user": who})
    assert assigned.status_code < 300, assigned.text
    return client, who


async def shown(client: httpx.AsyncClient, path: str, hall: Hall) -> dict[str, Any]:
    answer = await client.get(path, headers={"Vigil-At-Least": str(await hall.position())})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def on_duty(exam: Exam, *clients: httpx.AsyncClient) -> None:
    for client in clients:
        assert (await client.post(f"{duty(exam)}/on")).status_code == 204


async def an_incident(exam: Exam, session: str) -> str:
    body = {"severity": "warn", "note": "Talks to somebody."}
    made = await exam.invigilator.post(f"{V1}/sessions/{session}/incidents", json=body)
    return f"{V1}/sessions/{session}/incidents/{made.json()['incident']}"


async def test_nobody_on_duty_is_an_alarm_until_somebody_is(hall: Hall) -> None:
    exam = await an_exam(hall)
    me = hall.user("invigilator@example.org")
    assert (await shown(exam.planner, duty(exam), hall))["alarm"] is None, "nobody sits it yet"
    await sit(exam)
    said = "nobody is on duty, and 1 session is under way"
    assert (await shown(exam.planner, duty(exam), hall))["alarm"] == said
    live = f"{V1}/schedules/{exam.schedule}/live"
    assert (await shown(exam.invigilator, live, hall))["alarm"] == said
    assert (await shown(exam.planner, f"{V1}/schedules", hall))["alarms"][exam.schedule] == said
    await on_duty(exam, exam.invigilator, exam.invigilator)
    seen = await shown(exam.planner, duty(exam), hall)
    assert seen["alarm"] is None
    (person,) = seen["invigilators"]
    assert (person["user"], person["name"], person["lead"]) == (me, "The invigilator", False)
    assert (person["sessions"], person["listed"]) == (list(exam.sessions), False)
    assert person["since"]
    assert (await shown(exam.invigilator, live, hall))["alarm"] is None
    assert exam.schedule not in (await shown(exam.planner, f"{V1}/schedules", hall))["alarms"]
    assert (await exam.invigilator.post(f"{duty(exam)}/off")).status_code == 204
    seen = await shown(exam.planner, duty(exam), hall)
    assert seen["alarm"] == said
    assert [(turn["user"], turn["ended"]) for turn in seen["turns"]] == [(me, "left")]


async def test_a_lead_and_the_planner_put_invigilators_of_the_schedule_on_duty(hall: Hall) -> None:
    exam = await an_exam(hall)
    lead, _ = await another(exam, "lead_invigilator", "lead.on.duty@example.org")
    me = {"user": hall.user("invigilator@example.org")}
    for person in (lead, exam.planner):
        assert (await person.post(f"{duty(exam)}/on", json=me)).status_code == 204
        assert (await person.post(f"{duty(exam)}/off", json=me)).status_code == 204
    before = await hall.position()
    for body, status, field, rule in (
        ({"user": hall.user("lead.on.duty@example.org")}, 409, "user", "only a lead"),
        ({"user": "UPPER"}, 400, "user", ""),
        ({"who": "x"}, 400, "who", "no such field"),
    ):
        await refused(hall, await exam.invigilator.post(f"{duty(exam)}/on", json=body), before, status, field, rule)
    await refused(
        hall, await exam.planner.post(f"{duty(exam)}/on"), before, 409, "user", "invigilator of this schedule"
    )


async def test_candidates_are_split_by_lists_or_evenly(hall: Hall) -> None:
    exam = await an_exam(hall, candidates=3)
    lead, mary = await another(exam, "lead_invigilator", "lead.who.splits@example.org")
    me = hall.user("invigilator@example.org")
    first, *rest = exam.sessions
    before = await hall.position()
    for body, status, field, rule in (
        ({}, 422, "shares", "either"),
        ({"evenly": True, "shares": {}}, 422, "shares", "either"),
        ({"evenly": True}, 409, "evenly", "nobody is on duty"),
        ({"shares": {me: [first]}}, 409, f"shares.{me}", "on duty"),
        ({"shares": {me: [1]}}, 400, "", ""),
    ):
        await refused(hall, await lead.put(f"{duty(exam)}/split", json=body), before, status, field, rule)
    await on_duty(exam, exam.invigilator, lead)
    before = await hall.position()
    unknown = await lead.put(f"{duty(exam)}/split", json={"shares": {me: [first, "nosuch"]}})
    await refused(hall, unknown, before, 422, f"shares.{me}.1", "no such session")
    assert (await lead.put(f"{duty(exam)}/split", json={"shares": {me: [first]}})).status_code == 204
    seen = {one["user"]: one for one in (await shown(lead, duty(exam), hall))["invigilators"]}
    assert (seen[me]["sessions"], seen[me]["listed"]) == ([first], True)
    assert (seen[mary]["sessions"], seen[mary]["listed"]) == (sorted(rest), False)
    assert (await exam.planner.put(f"{duty(exam)}/split", json={"evenly": True})).status_code == 204
    seen = {one["user"]: one for one in (await shown(lead, duty(exam), hall))["invigilators"]}
    assert sorted(len(seen[who]["sessions"]) for who in (me, mary)) == [1, 2]
    assert (await exam.invigilator.put(f"{duty(exam)}/split", json={"evenly": True})).status_code == 403


async def test_duty_is_handed_over_with_a_list_and_what_was_taken(hall: Hall) -> None:
    exam = await an_exam(hall)
    session = await sit(exam)
    alan, who = await another(exam, "invigilator", "next.invigilator@example.org")
    me = hall.user("invigilator@example.org")
    incident = await an_incident(exam, session)
    await on_duty(exam, exam.invigilator)
    assert (await exam.invigilator.post(f"{incident}/take")).status_code == 204
    pause = {"kind": "pause", "reason_code": "talk"}
    assert (await exam.invigilator.post(f"{V1}/sessions/{session}/interventions", json=pause)).status_code < 300
    listed = await shown(exam.invigilator, f"{duty(exam)}/{me}", hall)
    assert listed["sessions"] == [session]
    assert [(one["incident"], one["taken_by"]) for one in listed["incidents"]] == [(incident.rpartition("/")[2], me)]
    assert [(one["session"], one["phase"]) for one in listed["pauses"]] == [(session, "paused")]
    offered = await exam.invigilator.post(f"{duty(exam)}/hand-overs", json={"to": who})
    assert offered.status_code == 200, offered.text
    at = f"{duty(exam)}/hand-overs/{offered.json()['hand_over']}"
    assert (await exam.invigilator.post(f"{duty(exam)}/hand-overs", json={"to": who})).json() == offered.json()
    before = await hall.position()
    await refused(hall, await exam.invigilator.post(f"{at}/accept"), before, 409, "", "somebody else")
    nosuch = await alan.post(f"{duty(exam)}/hand-overs/nosuch/accept")
    await refused(hall, nosuch, before, 404, "hand_over", "no such hand-over")
    for _ in range(2):
        assert (await alan.post(f"{at}/accept")).status_code == 204
    seen = await shown(alan, duty(exam), hall)
    assert [one["user"] for one in seen["invigilators"] if one["since"]] == [who]
    (kept,) = seen["hand_overs"]
    assert (kept["state"], kept["to_name"], kept["standing"]["incidents"]) == ("accepted", "The invigilator", 1)
    assert kept["standing"]["pauses"] == 1
    (one,) = (await shown(alan, f"{V1}/sessions/{session}/incidents", hall))["incidents"]
    assert one["taken_by"] == who
    assert [step["what"] for step in one["tended"]] == ["taken", "taken"]
    assert (await exam.invigilator.post(f"{at}/withdraw")).status_code == 409


async def test_an_offer_is_declined(hall: Hall) -> None:
    exam = await an_exam(hall)
    alan, who = await another(exam, "invigilator", "unwilling@example.org")
    await on_duty(exam, exam.invigilator)
    made = (await exam.invigilator.post(f"{duty(exam)}/hand-overs", json={"to": who})).json()["hand_over"]
    assert (await alan.post(f"{duty(exam)}/hand-overs/{made}/withdraw")).status_code == 204
    seen = await shown(alan, duty(exam), hall)
    assert [one["state"] for one in seen["hand_overs"]] == ["withdrawn"]
    before = await hall.position()
    late = await alan.post(f"{duty(exam)}/hand-overs/{made}/accept")
    await refused(hall, late, before, 409, "", "has been withdrawn")


async def test_who_is_removed_from_the_schedule_goes_off_duty(hall: Hall) -> None:
    exam = await an_exam(hall)
    alan, who = await another(exam, "invigilator", "removed.from.duty@example.org")
    await on_duty(exam, alan)
    removed = await exam.planner.delete(f"{V1}/schedules/{exam.schedule}/invigilators/{who}")
    assert removed.status_code < 300, removed.text
    seen = await shown(exam.planner, duty(exam), hall)
    assert [(turn["user"], turn["ended"]) for turn in seen["turns"]] == [(who, "removed")]


async def test_of_two_who_take_an_incident_the_second_is_told_who_was_first(hall: Hall) -> None:
    exam = await an_exam(hall)
    incident = await an_incident(exam, exam.sessions[0])
    alan, _ = await another(exam, "invigilator", "second.to.take@example.org")
    answers = await asyncio.gather(*(person.post(f"{incident}/take") for person in (exam.invigilator, alan)))
    assert sorted(answer.status_code for answer in answers) == [204, 409]
    (late,) = [answer for answer in answers if answer.status_code == 409]
    assert late.json()["errors"] == [{"field": "taken_by", "rule": "The invigilator has taken this incident"}]
    first = exam.invigilator if answers[0].status_code == 204 else alan
    assert (await first.post(f"{incident}/take")).status_code == 204
    (row,) = (await shown(alan, f"{V1}/schedules/{exam.schedule}/live", hall))["rows"].values()
    assert next(iter(row["triage"].values()))["taken_by"]
    assert (await first.post(f"{incident}/release")).status_code == 204
    (one,) = (await shown(alan, f"{V1}/sessions/{exam.sessions[0]}/incidents", hall))["incidents"]
    assert (one["taken_by"], one["taken_by_name"]) == (None, None)
    assert [(step["what"], step["why"]) for step in one["tended"]] == [("taken", ""), ("released", "released")]


async def test_setting_aside_is_on_the_record_and_is_no_verdict(hall: Hall) -> None:
    exam = await an_exam(hall)
    incident = await an_incident(exam, exam.sessions[0])
    before = await hall.position()
    long = await exam.invigilator.post(f"{incident}/set-aside", json={"note": "x" * 501})
    await refused(hall, long, before, 400, "note", "")
    for _ in range(2):
        answer = await exam.invigilator.post(f"{incident}/set-aside", json={"note": "A poster."})
        assert answer.status_code == 204, answer.text
    (one,) = (await shown(exam.invigilator, f"{V1}/sessions/{exam.sessions[0]}/incidents", hall))["incidents"]
    assert (one["set_aside_by"], one["verdicts"]) == (hall.user("invigilator@example.org"), [])
    assert [(step["what"], step["note"], step["by_name"]) for step in one["tended"]] == [
        ("set_aside", "A poster.", "The invigilator")
    ]
    before = await hall.position()
    nosuch = await exam.invigilator.post(f"{incident}x/set-aside")
    await refused(hall, nosuch, before, 404, "incident", "no such incident")


async def test_an_escalated_incident_is_on_the_leads_list_until_they_have_dealt_with_it(hall: Hall) -> None:
    exam = await an_exam(hall)
    at = f"{V1}/schedules/{exam.schedule}/escalations"
    kept, given_back, judged = [await an_incident(exam, exam.sessions[0]) for _ in range(3)]
    before = await hall.position()
    alone = await exam.invigilator.post(f"{kept}/escalate", json={"note": "He will not answer."})
    await refused(hall, alone, before, 409, "lead_invigilator", "no lead invigilator")
    lead, mary = await another(exam, "lead_invigilator", "lead.of.the.list@example.org")
    for incident in (kept, given_back, judged):
        answer = await exam.invigilator.post(f"{incident}/escalate", json={"note": "He will not answer."})
        assert answer.status_code == 204, answer.text
    first, *_ = listed = (await shown(lead, at, hall))["escalations"]
    assert [one["incident"]["incident"] for one in listed] == [
        name.rpartition("/")[2] for name in (kept, given_back, judged)
    ]
    assert (first["session"], first["name"]) == (exam.sessions[0], "Candidate 0")
    assert first["incident"]["tended"][0]["note"] == "He will not answer."
    before = await hall.position()
    again = await exam.invigilator.post(f"{kept}/take")
    await refused(hall, again, before, 409, "escalated_by", "a lead invigilator decides")
    for incident in (kept, given_back):
        assert (await lead.post(f"{incident}/take")).status_code == 204
    assert (await lead.post(f"{given_back}/release")).status_code == 204
    verdict = {"verdict": "dismissed", "reason": "A poster."}
    assert (await lead.post(f"{judged}/verdict", json=verdict)).status_code == 204
    (one,) = (await shown(exam.invigilator, at, hall))["escalations"]
    assert (one["incident"]["incident"], one["incident"]["taken_by"]) == (kept.rpartition("/")[2], mary)
    assert (await lead.post(f"{kept}/set-aside")).status_code == 204
    assert (await shown(exam.invigilator, at, hall))["escalations"] == []


async def test_who_follows_the_exam_is_shown_as_connected(hall: Hall) -> None:
    exam = await an_exam(hall)
    path = f"{V1}/schedules/{exam.schedule}/live/stream"

    async def connected() -> bool:
        return bool((await shown(exam.planner, duty(exam), hall))["invigilators"][0]["connected"])

    await asyncio.sleep(6)  # what other tests held open is forgotten by then
    assert not await connected()
    async with aclosing(follow(exam.invigilator, path)) as stream:
        await anext(stream)
        async with asyncio.timeout(10):
            while not await connected():
                await asyncio.sleep(0.1)
    async with asyncio.timeout(15):
        while await connected():
            await asyncio.sleep(0.1)
