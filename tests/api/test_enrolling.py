"""A planner enrols a whole year from the file of a spreadsheet; every row is answered and none spoils another."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from api.enrolling import lines
from api.problems import Denied
from api.table import CSV, ROWS
from tests.api.hall import Hall, an_exam, refused, sit
from tests.api.test_schedules import made

Answers = list[tuple[int, str, str]]


async def send(planner: httpx.AsyncClient, at: str, body: str | bytes, key: str = "") -> httpx.Response:
    head = {"Content-Type": f"{CSV}; charset=utf-8"} | ({"Idempotency-Key": key} if key else {})
    return await planner.post(at, content=body.encode() if isinstance(body, str) else body, headers=head)


def told(answer: httpx.Response) -> Answers:
    assert answer.status_code == 200, answer.text
    return [(row["row"], row["number"], row["outcome"]) for row in answer.json()["rows"]]


async def test_every_row_of_a_file_is_answered_and_a_bad_one_stops_no_other(hall: Hall) -> None:
    planner = await hall.as_a("planner")
    at = f"/api/v1/schedules/{await made(planner, hall)}/candidates"
    file = (
        "number,name,email\n"
        's-1,"Nord, Ola",ola@example.org\n'
        ",Nameless,\n"
        "s-2,,\n"
        "s-3,Kim Sund,not an address\n"
        "\n"
        " s-1 ,Ola again,\n"
        "s-4,Åse Ø\n"
        "s-5,Too,much@example.org,of,it\n"
    )
    answer = await send(planner, at, file)
    assert told(answer) == [
        (2, "s-1", "enrolled"), (3, "", "refused"), (4, "s-2", "refused"), (5, "s-3", "refused"),
        (7, "s-1", "already_enrolled"), (8, "s-4", "enrolled"), (9, "s-5", "refused"),
    ]  # fmt: skip
    rows = {row["row"]: row for row in answer.json()["rows"]}
    assert [rows[n]["field"] for n in (3, 4, 5, 9)] == ["number", "name", "email", "row"]
    assert all(rows[n]["rule"] for n in (3, 4, 5, 9))
    assert rows[7]["session"] == rows[2]["session"]
    joined = await hall.http.post("/api/v1/join", json={"token": rows[8]["join_link"]})
    assert joined.json()["session"] == rows[8]["session"]
    seen = await planner.get(at, headers={"Vigil-At-Least": answer.headers["vigil-position"]})
    assert [(c["number"], c["name"]) for c in seen.json()["candidates"]] == [("s-1", "Nord, Ola"), ("s-4", "Åse Ø")]


async def test_a_file_sent_again_with_its_key_gets_the_same_answer(hall: Hall) -> None:
    planner = await hall.as_a("planner")
    at = f"/api/v1/schedules/{await made(planner, hall)}/candidates"
    file = "number,name\n" + "".join(f"n-{n},Candidate {n}\n" for n in range(600))
    first = await send(planner, at, file, key="the whole year")
    assert {outcome for _, _, outcome in told(first)} == {"enrolled"}
    before = await hall.position()
    again = await send(planner, at, file, key="the whole year")
    rows, twice = (
        [{**row, "join_link": ""} for row in a.json()["rows"]] for a in (first, again)
    )  # links are made anew
    assert rows == twice
    assert {outcome for _, _, outcome in told(await send(planner, at, file))} == {"already_enrolled"}
    assert await hall.position() == before
    for different in (file + "n-600,One more\n", file.replace("n-0,Candidate 0", "n-0,")):
        other = await send(planner, at, different, key="the whole year")
        await refused(hall, other, before, 422, "Idempotency-Key", "another request")


async def test_two_files_at_once_enrol_everybody_once(hall: Hall) -> None:
    planner = await hall.as_a("planner")
    at = f"/api/v1/schedules/{await made(planner, hall)}/candidates"
    files = ["number,name\n" + "".join(f"n-{n},C\n" for n in numbers) for numbers in (range(40), range(20, 60))]
    answers = await asyncio.gather(*(send(planner, at, file) for file in files))
    enrolled = [number for answer in answers for _, number, outcome in told(answer) if outcome == "enrolled"]
    assert sorted(enrolled) == sorted(f"n-{n}" for n in range(60))


async def test_a_file_that_is_none_is_refused_as_a_whole(hall: Hall) -> None:
    planner = await hall.as_a("planner")
    at = f"/api/v1/schedules/{await made(planner, hall)}/candidates"
    before = await hall.position()
    for body, status, field, rule in (
        ("", 422, "header", "number,name,email"),
        ("s-1,Ola\n", 422, "header", "number,name,email"),
        ("number,name,phone\ns-1,Ola,5\n", 422, "header", "number,name,email"),
        ("number,name,name\ns-1,Ola,Ola\n", 422, "header", "number,name,email"),
        (b"number,name\ns-1,Ol\xe5\n", 400, "body", "CSV UTF-8"),
        ('number,name\ns-1,"Ola\n', 400, "body", "what follows row 1"),
        ("number,name\n" + "s,O\n" * (ROWS + 1), 422, "body", "at most 5,000"),
    ):
        await refused(hall, await send(planner, at, body), before, status, field, rule)
    elsewhere = await send(planner, "/api/v1/schedules/nosuch/candidates", "number,name\ns-1,Ola\n")
    await refused(hall, elsewhere, before, 404, "schedule", "no such schedule")


async def test_a_schedule_that_is_over_refuses_every_row(hall: Hall) -> None:
    planner = await hall.as_a("planner")
    at = f"/api/v1/schedules/{await made(planner, hall)}"
    assert (await planner.post(f"{at}/cancel", json={"reason": "flood"})).status_code == 204
    answer = await send(planner, f"{at}/candidates", "number,name\ns-1,Ola\n")
    assert told(answer) == [(2, "s-1", "refused")]
    assert "cancelled" in answer.json()["rows"][0]["rule"]


async def test_several_candidates_are_withdrawn_and_who_has_started_stops_no_other(hall: Hall) -> None:
    exam = await an_exam(hall, candidates=3)
    running = await sit(exam, 1)
    at = f"/api/v1/schedules/{exam.schedule}/withdrawals"
    body, head = {"sessions": [*exam.sessions, exam.sessions[0], "nosuch"]}, {"Idempotency-Key": "out with them"}
    answer = await exam.planner.post(at, json=body, headers=head)
    assert answer.status_code == 200, answer.text
    found = answer.json()["sessions"]
    assert [row["session"] for row in found] == body["sessions"]
    assert [row["outcome"] for row in found] == ["withdrawn", "refused", "withdrawn", "not_enrolled", "not_enrolled"]
    assert "started already" in found[1]["rule"]
    assert (await exam.candidates[0].get("/api/v1/me")).status_code == 401
    assert (await exam.candidates[1].get(f"/api/v1/sessions/{running}")).status_code == 200
    before = await hall.position()
    assert (await exam.planner.post(at, json=body, headers=head)).json() == answer.json()
    assert await hall.position() == before
    await refused(hall, await exam.planner.post(at, json={"sessions": []}), before, 400, "sessions", "length >= 1")


async def test_the_description_names_both_types_of_body(hall: Hall) -> None:
    described = (await hall.http.get("/schema")).json()
    body = described["paths"]["/api/v1/schedules/{schedule}/candidates"]["post"]["requestBody"]
    assert set(body["content"]) == {"application/json", CSV}


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("text", ["Number,Name,Email|s-1,O; N,o@x.org", "name;email;number|O; N;o@x.org;s-1"])
def test_a_file_is_read_as_spreadsheets_save_it(mark: str, end: str, text: str) -> None:
    text = text.replace("O; N;", '"O; N";')
    (line,) = lines((mark + text.replace("|", end) + end).encode())
    assert line.candidate
    assert (line.row, line.candidate.number, line.candidate.name) == (2, "s-1", "O; N")
    assert line.candidate.email == "o@x.org"


def test_a_name_may_hold_quotes_and_lines() -> None:
    (first, second) = lines(b'number,name\n1,"Ola ""O"" \nNord"\n2,Kim\n')
    assert first.candidate
    assert first.candidate.name == 'Ola "O" \nNord'
    assert second.row == 3


def test_five_thousand_rows_are_taken_and_no_more() -> None:
    file = b"number,name\n" + b"1,a\n" * ROWS
    assert len(lines(file)) == ROWS
    with pytest.raises(Denied, match="at most 5,000"):
        lines(file + b"1,a\n")
