"""Locks, breaks, looks and ends: asked for over HTTP, followed to their end, and resolved where two act at once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from domain.phase import Phase
from tests.api.hall import Exam, Hall, a_lead, an_exam, refused, sit
from tests.api.reading import Reader

V1 = "/api/v1"


async def phase(me: httpx.AsyncClient, at: str) -> Phase:
    found: Phase = (await me.get(at)).json()["clock"]["phase"]
    return found


async def ask(who: httpx.AsyncClient, at: str, **what: object) -> str:
    answer = await who.post(f"{at}/interventions", json=what)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["intervention"])


async def a_sitting(hall: Hall, **policy: object) -> tuple[Exam, str]:
    """An exam whose candidate is in progress, and where the session is found."""
    exam = await an_exam(hall)
    if policy:
        now = (await exam.planner.get(f"{V1}/schedules/{exam.schedule}/policy")).json()["policy"]
        now.pop("version")
        put = await exam.planner.put(f"{V1}/schedules/{exam.schedule}/policy", json=now | policy)
        assert put.status_code < 300, put.text
    return exam, f"{V1}/sessions/{await sit(exam)}"


async def test_a_locked_session_is_unlocked_and_not_resumed(hall: Hall) -> None:
    exam, at = await a_sitting(hall)
    me, invigilator = exam.candidates[0], exam.invigilator
    await ask(invigilator, at, kind="lock", reason_code="identity")
    clock = (await me.get(at)).json()["clock"]
    assert (clock["phase"], clock["due_at"]) == ("locked", None)
    before = await hall.position()
    for kind in ("resume", "pause"):
        answer = await invigilator.post(f"{at}/interventions", json={"kind": kind})
        await refused(hall, answer, before, 409, "", "unlock it")
    await ask(invigilator, at, kind="unlock")
    assert await phase(me, at) == "in_progress"


async def test_of_a_lock_and_a_pause_at_once_the_lock_wins(hall: Hall) -> None:
    exam, at = await a_sitting(hall)
    lead = await a_lead(exam)
    for _ in range(5):
        both = await asyncio.gather(
            lead.post(f"{at}/interventions", json={"kind": "lock"}),
            exam.invigilator.post(f"{at}/interventions", json={"kind": "pause"}),
        )
        assert both[0].status_code == 201
        assert both[1].status_code in (201, 409)
        assert await phase(exam.candidates[0], at) == "locked"
        await ask(lead, at, kind="unlock")
        if both[1].status_code == 201:  # it came first, and lies below
            assert await phase(exam.candidates[0], at) == "paused"
            await ask(lead, at, kind="resume")
        assert await phase(exam.candidates[0], at) == "in_progress"


async def test_a_candidate_asks_for_a_break_gets_it_and_comes_back_with_a_look(hall: Hall) -> None:
    exam, at = await a_sitting(hall)
    me, invigilator = exam.candidates[0], exam.invigilator
    asked = (await me.post(f"{at}/breaks", json={"kind": "rest"})).json()
    assert (asked["phase"], asked["break_asked"]["kind"]) == ("in_progress", "rest")
    row = await live_row(exam, lambda row: row["clock"]["break_asked"])
    assert row["clock"]["break_asked"]["kind"] == "rest"
    await ask(invigilator, at, kind="break", break_kind="rest", minutes=10, reason_code="requested")
    clock = (await me.get(at)).json()["clock"]
    assert (clock["phase"], clock["on_break"]["kind"], clock["break_asked"]) == ("on_break", "rest", None)
    hall.clock.ahead += timedelta(minutes=12)
    try:
        back = (await me.post(f"{at}/breaks/return")).json()
        assert (back["phase"], round(back["stopped_s"])) == ("in_progress", 600), "two minutes are the candidate's own"
    finally:
        hall.clock.ahead -= timedelta(minutes=12)
    view = (await me.get(f"{at}/view")).json()
    look = view["interventions"][-1]
    assert (look["action"], look["stage"]) == ("return_look", "requested")
    done = await me.post(f"{at}/interventions/{look['intervention']}/progress", json={"stage": "applied"})
    assert done.status_code == 204
    again = await me.post(f"{at}/breaks/return")
    assert again.json()["phase"] == "in_progress"
    assert len((await me.get(f"{at}/view")).json()["interventions"]) == len(view["interventions"])


async def live_row(exam: Exam, wanted: Any) -> dict[str, Any]:  # noqa: ANN401 - any question about a row
    async with asyncio.timeout(10):
        while True:
            rows = (await exam.invigilator.get(f"{V1}/schedules/{exam.schedule}/live")).json()["rows"]
            for row in rows.values():
                if wanted(row):
                    found: dict[str, Any] = row
                    return found
            await asyncio.sleep(0.05)


async def test_a_request_for_a_break_is_taken_back_or_turned_down(hall: Hall) -> None:
    exam, at = await a_sitting(hall)
    me = exam.candidates[0]
    for who in (me, exam.invigilator):
        await me.post(f"{at}/breaks", json={"kind": "comfort"})
        assert (await who.delete(f"{at}/breaks")).status_code == 204
        assert (await me.get(at)).json()["clock"]["break_asked"] is None
    before = await hall.position()
    assert (await me.delete(f"{at}/breaks")).status_code == 204
    assert await hall.position() == before
    answer = await exam.invigilator.post(f"{at}/interventions", json={"kind": "break", "break_kind": "rest"})
    await refused(hall, answer, before, 422, "minutes", "how many minutes")


async def test_who_was_granted_rest_breaks_need_not_ask(hall: Hall) -> None:
    exam = await an_exam(hall)
    allowed = {"session": exam.sessions[0], "rest_break_minutes": 15}
    granted = await exam.planner.post(f"{V1}/schedules/{exam.schedule}/accommodations", json=allowed)
    assert granted.status_code < 300, granted.text
    at = f"{V1}/sessions/{await sit(exam)}"
    me = exam.candidates[0]
    assert (await me.get(at)).json()["clock"]["rest_left_s"] == 900
    clock = (await me.post(f"{at}/breaks", json={"kind": "rest"})).json()
    assert (clock["phase"], clock["on_break"]["granted"]) == ("on_break", True)


async def test_an_identity_check_is_answered_by_the_candidate_and_marked_once(hall: Hall) -> None:
    exam, at = await a_sitting(hall)
    me, lead = exam.candidates[0], await a_lead(exam)
    check = f"{at}/interventions/{await ask(exam.invigilator, at, kind='identity_check')}"
    before = await hall.position()
    answer = await me.post(f"{check}/progress", json={"stage": "applied"})
    await refused(hall, answer, before, 409, "stage", "an invigilator marks it")
    assert (await me.post(f"{check}/progress", json={"stage": "acknowledged"})).status_code == 204
    both = await asyncio.gather(
        lead.post(f"{check}/result", json={"result": "passed"}),
        exam.invigilator.post(f"{check}/result", json={"result": "not_passed", "note": "The light is too low."}),
    )
    assert sorted(answer.status_code for answer in both) == [204, 409]
    row = await live_row(exam, lambda row: any(i["result"] for i in row["interventions"].values()))
    (asked,) = row["interventions"].values()
    assert (asked["kind"], asked["stage"], asked["by"]) == (
        "identity_check",
        "applied",
        hall.user("invigilator@example.org"),
    )
    assert await phase(me, at) == "in_progress", "a result is never a verdict"


async def test_a_room_scan_is_asked_for_only_where_the_policy_allows_it(hall: Hall) -> None:
    exam, at = await a_sitting(hall)
    before = await hall.position()
    answer = await exam.invigilator.post(f"{at}/interventions", json={"kind": "room_scan"})
    await refused(hall, answer, before, 409, "kind", "allows no room scan")
    reasons = {"room_scan": "Books are forbidden in this exam."}
    allowed, there = await a_sitting(hall, room_scan=True, reasons=reasons)
    scan = await ask(allowed.invigilator, there, kind="room_scan", text="Also below the desk, please.")
    done = await allowed.candidates[0].post(f"{there}/interventions/{scan}/progress", json={"stage": "acknowledged"})
    assert done.status_code == 204


async def test_nobody_on_a_break_is_asked_to_show_anything(hall: Hall) -> None:
    exam, at = await a_sitting(hall)
    await ask(exam.invigilator, at, kind="break", minutes=5)
    before = await hall.position()
    answer = await exam.invigilator.post(f"{at}/interventions", json={"kind": "identity_check"})
    await refused(hall, answer, before, 409, "", "when they are back")


async def test_a_lead_alone_ends_an_exam_with_a_reason_and_the_name_typed_and_can_take_it_back(hall: Hall) -> None:
    exam, at = await a_sitting(hall)
    lead, me = await a_lead(exam), exam.candidates[0]
    end = {"kind": "terminate", "text": "Two phones.", "confirm_name": "Candidate 0"}
    before = await hall.position()
    answer = await exam.invigilator.post(f"{at}/interventions", json=end)
    await refused(hall, answer, before, 403, "kind", "only a lead invigilator ends an exam")
    answer = await lead.post(f"{at}/interventions", json=end | {"confirm_name": "Candidate 1"})
    await refused(hall, answer, before, 422, "confirm_name", "type the candidate's name")
    assert "Candidate" not in answer.text
    answer = await lead.post(f"{at}/interventions", json={**end, "text": " "})
    await refused(hall, answer, before, 422, "text", "needs a reason")
    many = end | {"sessions": list(exam.sessions)}
    answer = await lead.post(f"{V1}/schedules/{exam.schedule}/interventions", json=many)
    await refused(hall, answer, before, 422, "kind", "one at a time")
    left = (await me.get(at)).json()["clock"]["due_at"]
    await ask(lead, at, **end)
    assert await phase(me, at) == "terminated"

    before = await hall.position()
    answer = await exam.invigilator.post(f"{at}/reinstate", json={"reason": "It was a calculator."})
    await refused(hall, answer, before, 403, "", "your role")
    answer = await lead.post(f"{at}/reinstate", json={"reason": "  "})
    await refused(hall, answer, before, 422, "reason", "a reason is needed")
    for _ in range(2):
        answer = await lead.post(f"{at}/reinstate", json={"reason": "It was a calculator."})
        assert answer.status_code == 204, answer.text
    assert await phase(me, at) == "paused"
    await ask(lead, at, kind="resume")
    clock = (await me.get(at)).json()["clock"]
    assert (clock["phase"], clock["ended_at"]) == ("in_progress", None)
    assert clock["due_at"] > left, "the time that was lost is given back"


async def test_a_connected_exam_platform_says_what_it_has_done_too_and_nobody_else_can(hall: Hall) -> None:
    exam, at = await a_sitting(hall)
    admin = await hall.as_a("admin")
    wanted = {
        "name": "Moodle", "roles": ["invigilator"], "expires_at": (hall.clock() + timedelta(days=1)).isoformat(),
    }  # fmt: skip
    issued = (await admin.post(f"{V1}/tokens", json=wanted)).json()
    moodle = hall.bearing(issued["secret"])
    assigned = await exam.planner.post(f"{V1}/schedules/{exam.schedule}/invigilators", json={"user": issued["token"]})
    assert assigned.status_code < 300, assigned.text
    made = await exam.invigilator.post(f"{at}/interventions", json={"kind": "pause"})
    assert "do it there too" in made.json()["advice"]
    progress = f"{at}/interventions/{made.json()['intervention']}/progress"
    done, before = {"stage": "applied", "where": "platform"}, await hall.position()
    for who in (exam.invigilator, exam.candidates[0]):
        await refused(hall, await who.post(progress, json=done), before, 403, "where", "a connected exam platform")
    for who in (exam.invigilator, moodle):
        await refused(
            hall, await who.post(progress, json={"stage": "applied"}), before, 403, "where", "candidate's page"
        )
    assert (await moodle.post(progress, json=done)).status_code == 204
    row = await live_row(exam, lambda row: any(i["platform"] for i in row["interventions"].values()))
    assert [one["stage"] for one in row["interventions"].values()] == ["applied"]
    view = (await exam.candidates[0].get(f"{at}/view")).json()
    assert view["interventions"][-1]["platform"] is True
    warned = await exam.invigilator.post(f"{at}/interventions", json={"kind": "warn", "text": "Please look up."})
    assert warned.json()["advice"] == ""


async def test_a_lock_reaches_all_and_each_is_answered(hall: Hall) -> None:
    exam = await an_exam(hall, candidates=3)
    sessions = [await sit(exam, number) for number in range(2)]
    await ask(exam.invigilator, f"{V1}/sessions/{sessions[0]}", kind="break", minutes=5)
    many = f"{V1}/schedules/{exam.schedule}/interventions"
    answers = (await exam.invigilator.post(many, json={"kind": "lock", "sessions": "all"})).json()["answers"]
    assert sorted(one["state"] for one in answers) == ["done", "done", "refused"]
    for number in range(2):
        assert await phase(exam.candidates[number], f"{V1}/sessions/{sessions[number]}") == "locked"
    body = {"kind": "break", "break_kind": "rest", "minutes": 5, "sessions": sessions}
    answers = (await exam.invigilator.post(many, json=body)).json()["answers"]
    assert all("unlock it" in one["rule"] for one in answers)


async def test_the_candidate_hears_of_a_lock_and_of_its_end(hall: Hall) -> None:
    exam, at = await a_sitting(hall)
    async with Reader(exam.candidates[0], f"{at}/stream") as mine:
        await mine.next("snapshot")
        await ask(exam.invigilator, at, kind="lock")
        assert (await mine.until("session")).data["phase"] == "locked"
        told = (await mine.until("intervention")).data
        assert (told["action"], told["reason_code"]) == ("lock", "clarify")
        await ask(exam.invigilator, at, kind="unlock")
        assert (await mine.until("session")).data["phase"] == "in_progress"


async def test_what_was_done_is_listed_in_order_with_who_did_it_and_why(hall: Hall) -> None:
    exam, at = await a_sitting(hall)
    lead = await a_lead(exam)
    await ask(exam.invigilator, at, kind="warn", text="Please look up.", reason_code="our_own_code")
    await ask(lead, at, kind="pause")
    answer = await lead.post(f"{at}/interventions", json={"kind": "resume"})
    head = {"Vigil-At-Least": answer.headers["vigil-position"]}
    listed = (await exam.invigilator.get(f"{at}/interventions", headers=head)).json()["interventions"]
    assert [(one["kind"], one["by_name"], one["reason"]) for one in listed] == [
        ("warn", "The invigilator", "our own code"),
        ("pause", "The lead_invigilator", "the invigilator needs a moment"),
        ("resume", "The lead_invigilator", "it can go on"),
    ]
    assert [bool(one["advice"]) for one in listed] == [False, True, True]


async def test_the_reasons_are_told_in_words(hall: Hall) -> None:
    exam = await an_exam(hall)
    told = (await exam.invigilator.get(f"{V1}/reasons")).json()["reasons"]
    assert told["lock"][0] == {"code": "clarify", "words": "something has to be cleared up first"}
    assert "return_look" not in told


@pytest.mark.parametrize("body", [{"kind": "return_look"}, {"kind": "break", "break_kind": "long", "minutes": 5}])
async def test_what_nobody_can_ask_for_is_refused(hall: Hall, body: dict[str, Any]) -> None:
    exam = await an_exam(hall)
    answer = await exam.invigilator.post(f"{V1}/sessions/{exam.sessions[0]}/interventions", json=body)
    assert answer.status_code in (400, 422)
