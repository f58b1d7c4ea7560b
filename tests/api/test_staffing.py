"""Who invigilates: by id or e-mail, one by one, as a list or a file, with a warning where they are too few."""

from __future__ import annotations

import httpx

from tests.api.hall import Hall, an_exam, refused, sit
from tests.api.test_schedules import made

CSV = {"Content-Type": "text/csv"}


async def a_schedule(hall: Hall) -> tuple[httpx.AsyncClient, str]:
    planner = await hall.as_a("planner")
    return planner, f"/api/v1/schedules/{await made(planner, hall)}"


async def test_one_is_assigned_by_address_and_a_second_time_is_no_error(hall: Hall) -> None:
    planner, at = await a_schedule(hall)
    ivy = await hall.account("invigilator", email="ivy.one@example.org")
    answer = await planner.post(f"{at}/invigilators", json={"email": " Ivy.One@example.org"})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"user": ivy, "outcome": "assigned", "warnings": []}
    again = await planner.post(f"{at}/invigilators", json={"user": ivy})
    assert again.json() == {"user": ivy, "outcome": "already", "warnings": []}
    before = await hall.position()
    for body in ({}, {"user": ivy, "email": "ivy.one@example.org"}):
        wrong = await planner.post(f"{at}/invigilators", json=body)
        await refused(hall, wrong, before, 422, "user", "one of them")


async def test_every_row_of_a_list_is_answered(hall: Hall) -> None:
    planner, at = await a_schedule(hall)
    ivy = await hall.account("invigilator", email="ivy.two@example.org")
    bob = await hall.account("lead_invigilator", email="bob@example.org")
    rita = await hall.account("reviewer", email="rita@example.org")
    rows = [{"user": ivy}, {"email": "bob@example.org"}, {"user": ivy}, {"user": rita}, {"email": "nobody@x.org"}, {}]
    answer = await planner.post(f"{at}/invigilators", json=rows, headers={"Idempotency-Key": "a list of invigilators"})
    assert answer.status_code == 200, answer.text
    found = answer.json()["rows"]
    outcomes = ["assigned", "assigned", "already", "refused", "refused", "refused"]
    assert [(row["row"], row["outcome"]) for row in found] == list(enumerate(outcomes))
    assert (found[1]["user"], found[1]["email"]) == (bob, "bob@example.org")
    assert all(row["field"] == "user" and row["rule"] for row in found[3:])
    before = await hall.position()
    again = await planner.post(f"{at}/invigilators", json=rows, headers={"Idempotency-Key": "a list of invigilators"})
    assert again.json() == answer.json()
    too_many = await planner.post(f"{at}/invigilators", json=[{"user": ivy}] * 501)
    await refused(hall, too_many, before, 422, "body", "at most 500")


async def test_every_row_of_a_file_is_answered_also_while_the_exam_runs(hall: Hall) -> None:
    exam = await an_exam(hall)
    await sit(exam)
    at = f"/api/v1/schedules/{exam.schedule}"
    ivy = await hall.account("invigilator", email="ivy.three@example.org")
    file = "Email,User\nivy.three@example.org,\n\nnobody@example.org\n,UPPER CASE\na@b.org,,extra\n"
    answer = await exam.planner.post(f"{at}/invigilators", content=file, headers=CSV)
    assert answer.status_code == 200, answer.text
    rows = answer.json()["rows"]
    assert [(row["row"], row["outcome"], row.get("field", "")) for row in rows] == [
        (2, "assigned", ""), (4, "refused", "user"), (5, "refused", "user"), (6, "refused", "row"),
    ]  # fmt: skip
    assert rows[0]["user"] == ivy
    before = await hall.position()
    bare = await exam.planner.post(f"{at}/invigilators", content="name\nIvy\n", headers=CSV)
    await refused(hall, bare, before, 422, "header", "user,email")
    many = await exam.planner.post(f"{at}/invigilators", content="email\n" + "a@x.org\n" * 501, headers=CSV)
    await refused(hall, many, before, 422, "body", "at most 500")


async def test_some_are_removed_at_once(hall: Hall) -> None:
    planner, at = await a_schedule(hall)
    users = [await hall.account("invigilator", email=f"some.{n}@example.org") for n in range(2)]
    await planner.post(f"{at}/invigilators", json=[{"user": user} for user in users])
    asked = {"users": [users[0], "nobody", users[0]]}
    answer = await planner.post(f"{at}/removals", json=asked)
    assert answer.status_code == 200, answer.text
    assert [one["outcome"] for one in answer.json()["users"]] == ["removed", "not_assigned", "not_assigned"]
    head = {"Vigil-At-Least": answer.headers["vigil-position"]}
    assert (await planner.get(at, headers=head)).json()["invigilators"] == [users[1]]


async def test_a_planner_is_warned_and_never_stopped(hall: Hall) -> None:
    planner, at = await a_schedule(hall)
    assert (await planner.patch(at, json={"candidates_per_invigilator": 1})).status_code == 204
    rows = [{"name": f"C {n}", "number": f"{at}-{n}"} for n in range(2)]
    enrolled = await planner.post(f"{at}/candidates", json=rows)
    assert enrolled.json()["warnings"] == ["nobody invigilates this exam yet"]
    await hall.account("invigilator", email="alone@example.org")
    answer = await planner.post(f"{at}/invigilators", json={"email": "alone@example.org"})
    warning = "2 candidates for 1 invigilator are more than 1 for each; 1 more would do"
    assert answer.json()["warnings"] == [warning]
    seen = await planner.get(at, headers={"Vigil-At-Least": answer.headers["vigil-position"]})
    assert (seen.json()["warnings"], seen.json()["candidates_per_invigilator"]) == ([warning], 1)
    listed = (await planner.get("/api/v1/schedules")).json()["schedules"]
    assert [row["warnings"] for row in listed if at.endswith(row["schedule"])] == [[warning]]
    one = await planner.post(f"{at}/candidates", json={"name": "C 3", "number": f"{at}-3"})
    assert (one.status_code, len(one.json()["warnings"])) == (201, 1)
    file = await planner.post(f"{at}/candidates", content=f"number,name\n{at}-4,C 4\n", headers=CSV)
    assert len(file.json()["warnings"]) == 1
    before = await hall.position()
    wrong = await planner.patch(at, json={"candidates_per_invigilator": 0})
    await refused(hall, wrong, before, 400, "candidates_per_invigilator", ">= 1")
    called_off = await planner.post(f"{at}/cancel", json={"reason": "The hall is flooded."})
    seen = await planner.get(at, headers={"Vigil-At-Least": called_off.headers["vigil-position"]})
    assert seen.json()["warnings"] == []
