"""Canned messages, and what a chat keeps: which text in which version was sent, what is unread, and all of it."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from tests.api.hall import Exam, Hall, an_exam, refused, sit
from tests.api.reading import Reader

V1 = "/api/v1"


@pytest.fixture
async def exam(hall: Hall) -> Exam:
    exam = await an_exam(hall, candidates=2)
    for n in (0, 1):
        await sit(exam, n)
    return exam


async def canned(client: httpx.AsyncClient, label: str, text: str) -> str:
    made = await client.post(f"{V1}/canned-messages", json={"label": label, "text": text})
    assert made.status_code == 201, made.text
    return str(made.json()["canned"])


async def chat(exam: Exam, client: httpx.AsyncClient, n: int = 0) -> dict[str, object]:
    head = {"Vigil-At-Least": str(await exam.hall.position())}
    found: dict[str, object] = (await client.get(f"{V1}/sessions/{exam.sessions[n]}/messages", headers=head)).json()
    return found


async def test_canned_messages_are_kept_by_leads_and_read_by_all_who_watch(exam: Exam) -> None:
    hall, lead = exam.hall, await exam.hall.as_a("lead_invigilator")
    name = await canned(lead, "A moment", "One moment, please.")
    at = f"{V1}/canned-messages/{name}"
    assert (await exam.planner.put(at, json={"label": "A moment", "text": "Wait, please."})).status_code == 204
    head = {"Vigil-At-Least": str(await hall.position())}
    listed = (await exam.invigilator.get(f"{V1}/canned-messages", headers=head)).json()["canned_messages"]
    row = {"canned": name, "label": "A moment", "text": "Wait, please.", "version": 2}
    assert row in listed
    assert (await exam.invigilator.get(at)).json() == row
    before = await hall.position()
    for body, status, field in (
        ({"label": " ", "text": "x"}, 422, "label"), ({"label": "x", "text": ""}, 422, "text"),
        ({"label": "x", "text": "x" * 2001}, 422, "text"), ({"label": "x" * 101, "text": "x"}, 400, "label"),
        ({"label": "x"}, 400, "text"),
    ):  # fmt: skip
        await refused(hall, await lead.post(f"{V1}/canned-messages", json=body), before, status, field, "")
        await refused(hall, await lead.put(at, json=body), before, status, field, "")
    assert (await lead.put(at, json={"label": "A moment", "text": "Wait, please."})).status_code == 204
    assert await hall.position() == before, "the same again changes nothing"
    for _ in range(2):
        assert (await lead.delete(at)).status_code == 204
    before = await hall.position()
    await refused(hall, await lead.put(at, json={"label": "x", "text": "x"}), before, 404, "canned", "no such canned")
    await refused(hall, await lead.get(at), before, 404, "canned", "no such canned")
    order = {"canned": name}
    answer = await exam.invigilator.post(f"{V1}/sessions/{exam.sessions[0]}/messages", json=order)
    await refused(hall, answer, before, 422, "canned", "no such canned message")


async def test_a_sent_one_names_its_version_and_stays_as_it_was_read(exam: Exam) -> None:
    name = await canned(exam.planner, "Noise", "Please be quiet.")
    at = f"{V1}/sessions/{exam.sessions[0]}/messages"
    assert (await exam.invigilator.post(at, json={"canned": name})).status_code == 201
    change = {"label": "Noise", "text": "Please be a little quieter."}
    assert (await exam.planner.put(f"{V1}/canned-messages/{name}", json=change)).status_code == 204
    everybody = {"canned": name, "sessions": "all"}
    sent = await exam.invigilator.post(f"{V1}/schedules/{exam.schedule}/broadcasts", json=everybody)
    assert {answer["state"] for answer in sent.json()["answers"]} == {"done"}
    found = (await chat(exam, exam.invigilator))["messages"]
    assert [(m["text"], m["canned"]) for m in found] == [  # type: ignore[attr-defined]
        ("Please be quiet.", {"canned": name, "version": 1}),
        ("Please be a little quieter.", {"canned": name, "version": 2}),
    ]
    theirs = (await chat(exam, exam.candidates[0]))["messages"]
    assert [(m["text"], m["canned"], m["by"]) for m in theirs][1] == ("Please be a little quieter.", None, None)  # type: ignore[attr-defined]
    reviewer = await exam.hall.as_a("reviewer")
    events = (await reviewer.get(f"{V1}/sessions/{exam.sessions[0]}/timeline?kind=chat")).json()["events"]
    assert [event["body"]["canned"]["version"] for event in events] == [1, 2]
    before = await exam.hall.position()
    both = await exam.invigilator.post(at, json={"canned": name, "text": "And more."})
    await refused(exam.hall, both, before, 422, "canned", "not both")
    await refused(exam.hall, await exam.invigilator.post(at, json={}), before, 422, "text", "needs some text")
    mine = await exam.candidates[0].post(at, json={"canned": name})
    await refused(exam.hall, mine, before, 422, "canned", "for invigilators")
    long = await exam.candidates[0].post(at, json={"text": "x" * 2001})
    await refused(exam.hall, long, before, 422, "text", "at most 2000 characters")


async def test_each_side_is_told_what_it_has_not_read(exam: Exam) -> None:
    me, at = exam.candidates[0], f"{V1}/sessions/{exam.sessions[0]}"
    mine = [(await me.post(f"{at}/messages", json={"text": f"{n}"})).json()["message"] for n in range(2)]
    theirs = [
        (await exam.invigilator.post(f"{at}/messages", json={"text": f"{n}"})).json()["message"] for n in range(3)
    ]
    assert (await chat(exam, me))["unread"] == 3
    assert (await chat(exam, exam.invigilator))["unread"] == 2
    assert (await me.get(f"{at}/view")).json()["unread"] == 3
    await me.post(f"{at}/messages/{theirs[0]}/read")
    await exam.invigilator.post(f"{at}/messages/{mine[0]}/read")
    assert (await chat(exam, me))["unread"] == 2
    assert (await chat(exam, exam.invigilator))["unread"] == 1
    assert (await me.get(f"{at}/view")).json()["unread"] == 2
    (row,) = (await exam.invigilator.get(f"{V1}/schedules/{exam.schedule}/live?q=candidate 0")).json()["rows"].values()
    assert row["unread"] == [mine[1]]


async def test_a_chat_is_whole_after_a_connection_was_lost(exam: Exam) -> None:
    me, at = exam.candidates[0], f"{V1}/sessions/{exam.sessions[0]}"
    await exam.invigilator.post(f"{at}/messages", json={"text": "one"})
    async with Reader(me, f"{at}/stream") as stream:
        first = await stream.next("snapshot")
    assert [m["text"] for m in first.data["messages"]] == ["one"]
    for text in ("two", "three"):
        await exam.invigilator.post(f"{at}/messages", json={"text": text})
    async with Reader(me, f"{at}/stream", first.id) as stream:
        assert [(await stream.next("message")).data["text"] for _ in range(2)] == ["two", "three"]
    async with Reader(me, f"{at}/stream") as stream:
        again = (await stream.next("snapshot")).data
    assert [m["text"] for m in again["messages"]] == ["one", "two", "three"]
    assert [m["text"] for m in (await chat(exam, me))["messages"]] == ["one", "two", "three"]  # type: ignore[attr-defined]


async def test_one_key_is_one_message_however_often_and_however_fast_it_comes(exam: Exam) -> None:
    me, at = exam.candidates[0], f"{V1}/sessions/{exam.sessions[0]}/messages"
    key = {"Idempotency-Key": "my only question"}
    answers = await asyncio.gather(*(me.post(at, json={"text": "When?"}, headers=key) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({(answer.text, answer.headers["vigil-position"]) for answer in answers}) == 1
    assert len((await chat(exam, me))["messages"]) == 1  # type: ignore[arg-type]
    for _ in range(2):
        assert (await me.post(at, json={"text": "When?"})).status_code == 201
    assert len((await chat(exam, me))["messages"]) == 3  # type: ignore[arg-type]
