"""A candidate comes in by their link, sits the exam, writes, is paused and resumed, and hands in."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from functools import partial

import httpx
import psycopg
import pytest

from api.tokens import Token, Tokens
from commands import sessions
from commands.handler import Busy, Order, Receipt, UseCase
from commands.ledger import LedgerAway
from tests.api.hall import CHECKS, PASSWORD, Exam, Hall, a_lead, an_exam, join, refused, sit
from tests.api.reading import Reader


@pytest.fixture(scope="module")
async def exam(hall: Hall) -> Exam:
    exam = await an_exam(hall, candidates=3)
    await sit(exam, 0)
    return exam


async def test_a_join_link_is_traded_for_a_token_as_often_as_needed(exam: Exam) -> None:
    for link in (exam.links[0], exam.links[0].partition("#")[2]):
        answer = await join(exam.hall, link)
        assert answer.status_code == 200
        assert answer.json()["session"] == exam.sessions[0]
        assert answer.json()["title"] == "Anatomy II"
    me = await exam.candidates[0].get("/api/v1/me")
    assert me.json()["roles"] == ["candidate"]


async def test_a_link_that_is_forged_or_over_lets_nobody_in(hall: Hall) -> None:
    exam = await an_exam(hall)
    before = await hall.position()
    token = hall.services.tokens.read(exam.links[0].partition("#")[2], hall.clock(), "join")
    candidates = hall.services.tokens.sign(
        Token(kind="candidate", tenant="main", subject="c", expires_at=9_999_999_999)
    )
    for bad in ("nonsense", exam.links[0][:-3], Tokens(bytes(32)).sign(token), candidates):
        answer = await join(hall, bad)
        await refused(hall, answer, before, 401, "token", "not valid")
    hall.clock.ahead += timedelta(hours=3)
    answer = await join(hall, exam.links[0])
    await refused(hall, answer, before, 401, "token", "expired")
    hall.clock.ahead -= timedelta(hours=3)


async def test_who_is_still_sitting_when_the_window_has_closed_comes_back_by_their_link(hall: Hall) -> None:
    exam = await an_exam(hall, candidates=2)
    session = await sit(exam)
    await exam.invigilator.post(f"/api/v1/sessions/{session}/interventions", json={"kind": "pause"})
    hall.clock.ahead += timedelta(hours=3)
    back = await join(hall, exam.links[0])
    assert back.status_code == 200, back.text
    # Whatever is given to a session that runs, its candidate has a token until then or can get one.
    assert datetime.fromisoformat(back.json()["expires_at"]) > hall.clock() + timedelta(hours=23)
    me = hall.bearing(back.json()["token"])
    assert (await me.get(f"/api/v1/sessions/{session}")).json()["clock"]["phase"] == "paused"
    before = await hall.position()
    late = await join(hall, exam.links[1])
    await refused(hall, late, before, 401, "token", "expired")

    assert (await me.post(f"/api/v1/sessions/{session}/submit")).status_code == 200
    before = await hall.position()
    for ahead, status in ((timedelta(hours=20), 200), (timedelta(hours=5), 401)):
        hall.clock.ahead += ahead
        answer = await join(hall, exam.links[0])
        assert answer.status_code == status, answer.text
    await refused(hall, answer, before, 401, "token", "expired")
    hall.clock.ahead -= timedelta(hours=28)


async def test_who_sits_an_exam_that_is_called_off_can_still_be_reached(hall: Hall) -> None:
    exam = await an_exam(hall, candidates=2)
    session = await sit(exam)
    called_off = await exam.planner.post(f"/api/v1/schedules/{exam.schedule}/cancel", json={"reason": "A fire alarm"})
    assert called_off.status_code == 204
    assert (await exam.invigilator.get(f"/api/v1/schedules/{exam.schedule}/live")).status_code == 200
    told = await exam.invigilator.post(f"/api/v1/sessions/{session}/messages", json={"text": "Please leave the room"})
    assert told.status_code == 201, told.text
    assert (await join(hall, exam.links[0])).status_code == 200
    hall.clock.ahead += timedelta(hours=15)
    body = {"email": "invigilator@example.org", "password": PASSWORD}
    later = hall.bearing((await hall.http.post("/api/v1/sign-in", json=body)).json()["token"])
    await answers(later, f"/api/v1/schedules/{exam.schedule}/live", 404)
    hall.clock.ahead -= timedelta(hours=15)


async def test_who_still_sits_long_after_the_window_is_still_in_somebodys_care(hall: Hall) -> None:
    exam = await an_exam(hall, candidates=2)
    session = await sit(exam)
    await exam.invigilator.post(f"/api/v1/sessions/{session}/interventions", json={"kind": "pause"})
    await a_lead(exam)
    hall.clock.ahead += timedelta(hours=15)
    body = {"email": "lead_invigilator@example.org", "password": PASSWORD}
    later = hall.bearing((await hall.http.post("/api/v1/sign-in", json=body)).json()["token"])
    await answers(later, f"/api/v1/schedules/{exam.schedule}/live", 200)
    listed = (await later.get("/api/v1/schedules")).json()["schedules"]
    assert exam.schedule in {one["schedule"] for one in listed}
    assert (await later.get(f"/api/v1/sessions/{exam.sessions[1]}")).status_code == 404, "who never came is past it"
    stop = {"kind": "terminate", "text": "Nobody came back.", "confirm_name": "Candidate 0"}
    assert (await later.post(f"/api/v1/sessions/{session}/interventions", json=stop)).status_code == 201
    assert (await later.get(f"/api/v1/sessions/{session}")).status_code == 404
    await answers(later, f"/api/v1/schedules/{exam.schedule}/live", 404)
    listed = (await later.get("/api/v1/schedules")).json()["schedules"]
    assert exam.schedule not in {one["schedule"] for one in listed}
    hall.clock.ahead -= timedelta(hours=15)


async def test_a_withdrawn_candidate_is_out_at_once(hall: Hall) -> None:
    exam = await an_exam(hall)
    at = f"/api/v1/schedules/{exam.schedule}/candidates/{exam.sessions[0]}"
    assert (await exam.planner.delete(at)).status_code == 204
    assert (await join(hall, exam.links[0])).status_code == 401
    assert (await exam.candidates[0].get(f"/api/v1/sessions/{exam.sessions[0]}")).status_code == 401


async def test_the_onboarding_goes_in_order(hall: Hall) -> None:
    exam = await an_exam(hall)
    me, at = exam.candidates[0], f"/api/v1/sessions/{exam.sessions[0]}"
    before = await hall.position()
    told = (await me.get(f"{at}/notice")).json()
    assert "we record your camera, your microphone and your whole screen" in told["text"]
    await refused(hall, await me.post(f"{at}/start"), before, 409, "notice", "acknowledge the notice")
    checks = {"checks": CHECKS}
    await refused(hall, await me.post(f"{at}/system-check", json=checks), before, 409, "notice", "acknowledge")
    wrong = {"policy_version": told["policy_version"], "sha256": "0" * 64}
    await refused(hall, await me.post(f"{at}/notice", json=wrong), before, 409, "sha256", "the notice has changed")
    wrong = {"policy_version": told["policy_version"], "sha256": "short"}
    await refused(hall, await me.post(f"{at}/notice", json=wrong), before, 400, "sha256", "regex")
    right = {"policy_version": told["policy_version"], "sha256": told["sha256"]}
    assert (await me.post(f"{at}/notice", json=right)).status_code == 204
    before = await hall.position()
    await refused(hall, await me.post(f"{at}/start"), before, 409, "system_check", "pass the system check")
    odd = {"checks": [{"name": "mood", "passed": True}]}
    await refused(hall, await me.post(f"{at}/system-check", json=odd), before, 400, "checks.0.name", "Invalid enum")
    failed = {"checks": [{**check, "passed": check["name"] != "camera"} for check in CHECKS]}
    assert (await me.post(f"{at}/system-check", json=failed)).json()["passed"] is False
    assert (await me.post(f"{at}/system-check", json=checks)).json() == {"passed": True, "advice": []}
    first, second = await me.post(f"{at}/start"), await me.post(f"{at}/start")
    assert first.json()["phase"] == "in_progress"
    assert second.json() == first.json()
    read = (await me.get(at)).json()
    assert read["tracks"] == ["camera", "screen"]
    assert read["notice"]["acknowledged"]


async def test_a_session_that_is_somebody_elses_is_not_there(exam: Exam) -> None:
    me, other = exam.candidates[0], f"/api/v1/sessions/{exam.sessions[1]}"
    before = await exam.hall.position()
    for answer in (
        await me.get(other),
        await me.get(f"{other}/stream"),
        await me.get(f"{other}/messages"),
        await me.post(f"{other}/messages", json={"text": "hello"}),
        await me.post(f"{other}/start"),
        await me.post(f"{other}/submit"),
        await me.post(f"{other}/whip/camera", content="v=0"),
        await me.get("/api/v1/sessions/nosuchsession"),
        await me.get("/api/v1/sessions/%00%ff"),
    ):
        await refused(exam.hall, answer, before, 404, "session", "there is no such session")
    stranger = await exam.hall.as_a("invigilator", "stranger@example.org")
    before = await exam.hall.position()
    for answer, what in (
        (await stranger.get(other), "session"),
        (await stranger.post(f"{other}/interventions", json={"kind": "pause"}), "session"),
        (await stranger.post(f"/api/v1/schedules/{exam.schedule}/broadcasts", json={"text": "x"}), "schedule"),
    ):
        await refused(exam.hall, answer, before, 404, what, f"there is no such {what}")


async def test_a_message_is_sent_shown_and_read(exam: Exam) -> None:
    at = f"/api/v1/sessions/{exam.sessions[0]}"
    async with Reader(exam.candidates[0], f"{at}/stream") as mine:
        snapshot = await mine.next("snapshot")
        assert snapshot.data["session"]["phase"] == "in_progress"
        sent = await exam.invigilator.post(f"{at}/messages", json={"text": "Can you hear me?"})
        assert sent.status_code == 201
        seen = await mine.next("message")
        assert (seen.data["side"], seen.data["text"], seen.data["read"]) == ("invigilator", "Can you hear me?", False)
        assert seen.id == sent.headers["vigil-position"]
        message = sent.json()["message"]
        assert (await exam.candidates[0].post(f"{at}/messages/{message}/read")).status_code == 204
        assert (await mine.next("message")).data["read"]
    answer = await exam.candidates[0].post(f"{at}/messages", json={"text": "Yes"})
    assert answer.status_code == 201
    seen_so_far = {"Vigil-At-Least": answer.headers["vigil-position"]}
    chat = (await exam.invigilator.get(f"{at}/messages", headers=seen_so_far)).json()["messages"]
    assert [(m["side"], m["text"]) for m in chat[-2:]] == [("invigilator", "Can you hear me?"), ("candidate", "Yes")]


async def test_messages_that_do_not_fit_are_refused(exam: Exam) -> None:
    at = f"/api/v1/sessions/{exam.sessions[0]}/messages"
    me, before = exam.candidates[0], await exam.hall.position()
    await refused(exam.hall, await me.post(at, json={"text": "x" * 2001}), before, 422, "text", "at most 2000")
    await refused(exam.hall, await me.post(at, json={"text": " \n"}), before, 422, "text", "needs some text")
    await refused(exam.hall, await me.post(at, json={"text": 5}), before, 400, "text", "Expected str")
    await refused(exam.hall, await me.post(at, json={"text": "x", "to": "all"}), before, 400, "to", "no such field")
    await refused(exam.hall, await me.post(f"{at}/nosuch/read"), before, 404, "message", "no such message")


async def test_a_pause_stops_the_clock_and_is_followed_to_its_end(exam: Exam) -> None:
    at = f"/api/v1/sessions/{exam.sessions[0]}"
    async with Reader(exam.candidates[0], f"{at}/stream") as mine:
        await mine.next("snapshot")
        asked = await exam.invigilator.post(f"{at}/interventions", json={"kind": "pause", "text": "A moment, please"})
        assert asked.status_code == 201
        stopped = await mine.next("session")
        assert (stopped.data["phase"], stopped.data["due_at"]) == ("paused", None)
        told = (await mine.next("intervention")).data
        assert (told["action"], told["stage"], told["text"]) == ("pause", "requested", "A moment, please")
        progress = f"{at}/interventions/{asked.json()['intervention']}/progress"
        assert (await exam.candidates[0].post(progress, json={"stage": "applied"})).status_code == 204
        assert [(await mine.next("intervention")).data["stage"] for _ in range(3)] == [
            "delivered", "acknowledged", "applied",
        ]  # fmt: skip
    resumed = await exam.invigilator.post(f"{at}/interventions", json={"kind": "resume", "minutes": 5})
    assert resumed.status_code == 201
    clock = (await exam.candidates[0].get(at)).json()["clock"]
    assert (clock["phase"], clock["extra_s"]) == ("in_progress", 300)


async def test_an_end_is_moved_only_on_purpose(hall: Hall) -> None:
    exam = await an_exam(hall)
    at = f"/api/v1/sessions/{await sit(exam)}"
    before = (await exam.candidates[0].get(at)).json()["clock"]
    added = {"kind": "extra_time", "minutes": 120}
    position = await hall.position()
    answer = await exam.invigilator.post(f"{at}/interventions", json=added)
    await refused(hall, answer, position, 409, "minutes", "unless the end is moved")
    answer = await exam.invigilator.post(f"{at}/interventions", json=added | {"move_end": True})
    assert answer.status_code == 201, answer.text
    clock = (await exam.candidates[0].get(at)).json()["clock"]
    assert clock["extra_s"] == 7200
    assert clock["due_at"] == clock["end_at"] > before["end_at"]


async def test_who_came_too_late_is_let_in_by_a_person(hall: Hall) -> None:
    exam = await an_exam(hall)
    me, at = exam.candidates[0], f"/api/v1/sessions/{exam.sessions[0]}"
    hall.clock.ahead += timedelta(minutes=61)
    order = Order(tenant="main", actor="test", key="no show", request=bytes(32), at=hall.clock())
    await hall.services.handler.run(order, partial(sessions.expire, name=exam.sessions[0]))
    assert (await me.get(at)).json()["clock"]["phase"] == "no_show"
    before = await hall.position()
    answer = await exam.invigilator.post(f"{at}/admission", json={"reason": " "})
    await refused(hall, answer, before, 422, "reason", "a reason is needed")
    answer = await exam.invigilator.post(f"{at}/reopen", json={"reason": "The tram stood still."})
    await refused(hall, answer, before, 409, "", "cannot be reopened")
    answer = await exam.invigilator.post(f"{at}/admission", json={"reason": "The tram stood still."})
    assert answer.status_code == 204, answer.text
    assert (await me.get(at)).json()["clock"]["phase"] == "expected"
    await sit(exam)
    hall.clock.ahead -= timedelta(minutes=61)


async def test_interventions_that_do_not_fit_are_refused(exam: Exam) -> None:
    at = f"/api/v1/sessions/{exam.sessions[0]}/interventions"
    asked, before = exam.invigilator, await exam.hall.position()
    for body, status, field, rule in (
        ({"kind": "warn"}, 422, "text", "says what was seen"),
        ({"kind": "terminate"}, 403, "kind", "only a lead invigilator"),
        ({"kind": "extra_time"}, 422, "minutes", "how many minutes"),
        ({"kind": "extra_time", "minutes": 590}, 409, "minutes", "do not fit"),
        ({"kind": "shout"}, 400, "kind", "Invalid enum"),
    ):
        await refused(exam.hall, await asked.post(at, json=body), before, status, field, rule)
    progress = f"{at}/{exam.sessions[0]}.nosuch/progress"
    answer = await exam.candidates[0].post(progress, json={"stage": "applied"})
    await refused(exam.hall, answer, before, 404, "", "no such intervention")


async def test_an_intervention_reaches_all_and_each_is_answered(hall: Hall) -> None:
    exam = await an_exam(hall, candidates=3)
    await sit(exam, 0)
    await sit(exam, 1)
    body = {"kind": "pause", "sessions": "all"}
    head = {"Idempotency-Key": "pause all"}
    answer = await exam.invigilator.post(f"/api/v1/schedules/{exam.schedule}/interventions", json=body, headers=head)
    assert answer.status_code == 200
    states = {a["session"]: a["state"] for a in answer.json()["answers"]}
    assert states == {exam.sessions[0]: "done", exam.sessions[1]: "done", exam.sessions[2]: "refused"}
    before = await hall.position()
    again = await exam.invigilator.post(f"/api/v1/schedules/{exam.schedule}/interventions", json=body, headers=head)
    assert again.json() == answer.json()
    foreign = {"kind": "pause", "sessions": ["nosuch"]}
    answer = await exam.invigilator.post(f"/api/v1/schedules/{exam.schedule}/interventions", json=foreign)
    await refused(hall, answer, before, 422, "sessions.0", "not of this schedule")
    answer = await exam.invigilator.post(f"/api/v1/schedules/{exam.schedule}/broadcasts", json={"text": "Hello all"})
    assert [a["state"] for a in answer.json()["answers"]] == ["done"] * 3


@pytest.mark.parametrize("error", [Busy("too busy"), LedgerAway("away"), psycopg.OperationalError("away")])
async def test_of_an_intervention_for_all_each_failure_is_told_and_the_same_key_makes_it_good(
    hall: Hall, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    exam = await an_exam(hall, candidates=2)
    for number in range(2):
        await sit(exam, number)
    unlucky, run = exam.sessions[1], hall.services.handler.run

    async def failing(order: Order, use_case: UseCase) -> Receipt:
        if order.key.endswith(unlucky):
            raise error
        return await run(order, use_case)

    at, body = f"/api/v1/schedules/{exam.schedule}/interventions", {"kind": "pause", "sessions": "all"}
    head = {"Idempotency-Key": f"pause all of {exam.schedule}"}
    with monkeypatch.context() as away:
        away.setattr(hall.services.handler, "run", failing)
        first = await exam.invigilator.post(at, json=body, headers=head)
    assert first.status_code == 200
    answers = {a["session"]: a for a in first.json()["answers"]}
    assert answers[exam.sessions[0]]["state"] == "done"
    assert answers[unlucky]["state"] == "failed"
    assert "the same Idempotency-Key" in answers[unlucky]["rule"]
    again = await exam.invigilator.post(at, json=body, headers=head)
    assert [a["state"] for a in again.json()["answers"]] == ["done"] * 2
    assert answers[exam.sessions[0]] in again.json()["answers"]


async def test_a_stream_that_resumes_misses_nothing_and_doubles_nothing(hall: Hall) -> None:
    exam = await an_exam(hall)
    session = await sit(exam)
    at = f"/api/v1/sessions/{session}"
    seen: list[str] = []
    last = ""
    async with Reader(exam.candidates[0], f"{at}/stream") as mine:
        last = (await mine.next("snapshot")).id

    async def speak() -> None:
        for n in range(15):
            answer = await exam.invigilator.post(f"{at}/messages", json={"text": f"{n}"})
            assert answer.status_code == 201

    speaking = asyncio.create_task(speak())
    while len(seen) < 15:
        async with Reader(exam.candidates[0], f"{at}/stream", last) as mine:
            for _ in range(min(4, 15 - len(seen))):
                event = await mine.next("message")
                seen.append(event.data["text"])
                last = event.id
    await speaking
    assert seen == [str(n) for n in range(15)]


async def test_a_bad_last_event_id_is_refused(exam: Exam) -> None:
    before = await exam.hall.position()
    answer = await exam.candidates[0].get(
        f"/api/v1/sessions/{exam.sessions[0]}/stream", headers={"Last-Event-ID": "yesterday"}
    )
    await refused(exam.hall, answer, before, 400, "Last-Event-ID", "position")


async def test_handing_in_ends_the_session(hall: Hall) -> None:
    exam = await an_exam(hall)
    session = await sit(exam)
    answer = await exam.candidates[0].post(f"/api/v1/sessions/{session}/submit")
    assert answer.json()["phase"] == "submitted"
    before = await hall.position()
    again = await exam.candidates[0].post(f"/api/v1/sessions/{session}/submit")
    assert again.json() == answer.json()
    assert await hall.position() == before
    late = await exam.invigilator.post(f"/api/v1/sessions/{session}/interventions", json={"kind": "pause"})
    await refused(hall, late, before, 409, "", "cannot be paused")


async def answers(who: httpx.AsyncClient, path: str, status: int) -> None:
    """Waits until what is read there answers so: the models follow the ledger a moment later."""
    async with asyncio.timeout(15):
        while (await who.get(path)).status_code != status:
            await asyncio.sleep(0.05)
