"""Lists: accounts, schedules with what is going on in them, and candidates with their links."""

from __future__ import annotations

import re

import psycopg

from tests.api.hall import PASSWORD, Hall, an_exam, refused, sit


async def test_an_admin_makes_accounts_and_grants_roles(hall: Hall) -> None:
    admin = await hall.as_a("admin")
    new = {"name": "Ivy", "email": "ivy@example.org", "password": "a long enough one", "roles": ["invigilator"]}
    made = await admin.post("/api/v1/users", json=new)
    assert made.status_code == 201
    user = made.json()["user"]
    granted = await admin.post(f"/api/v1/users/{user}/roles", json={"role": "reviewer"})
    assert granted.status_code == 204
    listed = await admin.get("/api/v1/users", headers={"Vigil-At-Least": granted.headers["vigil-position"]})
    (ivy,) = [u for u in listed.json()["users"] if u["user"] == user]
    assert ivy == {
        "user": user, "name": "Ivy", "email": "ivy@example.org", "roles": ["invigilator", "reviewer"],
        "auditing": None, "locked_until": None,
    }  # fmt: skip
    roles = f"/api/v1/users/{user}/roles"
    assert (await admin.post(roles, json={"role": "data_protection_officer"})).status_code == 204
    assert (await admin.delete(f"{roles}/data_protection_officer")).status_code == 204
    planner = await hall.as_a("planner")
    found = (await planner.get("/api/v1/users", params={"role": "invigilator"})).json()["users"]
    assert user in [u["user"] for u in found]


async def test_accounts_that_do_not_fit_are_refused(hall: Hall) -> None:
    admin = await hall.as_a("admin")
    await hall.account("planner", email="taken@example.org")
    before = await hall.position()
    good = {"name": "X", "email": "x@example.org", "password": "a long enough one"}
    for changes, status, field, rule in (
        ({"email": "nobody"}, 422, "email", "e-mail address"),
        ({"email": "Taken@example.org"}, 409, "email", "account already"),
        ({"password": "short"}, 400, "password", "length >= 12"),
        ({"roles": ["king"]}, 400, "roles.0", "Invalid enum"),
    ):
        answer = await admin.post("/api/v1/users", json=good | changes)
        await refused(hall, answer, before, status, field, rule)
    nobody = await admin.post("/api/v1/users/unobody/roles", json={"role": "admin"})
    await refused(hall, nobody, before, 404, "user", "no such user")
    answer = await admin.delete("/api/v1/users/unobody/roles/king")
    await refused(hall, answer, before, 400, "role", "Invalid enum")


async def test_schedules_are_listed_for_those_who_are_on_them(hall: Hall) -> None:
    exam = await an_exam(hall, candidates=2)
    await sit(exam)
    head = {"Vigil-At-Least": str(await hall.position())}
    mine = (await exam.invigilator.get("/api/v1/schedules", headers=head)).json()["schedules"]
    (found,) = [s for s in mine if s["schedule"] == exam.schedule]
    assert (found["phase"], found["enrolled"], found["live_proctoring"]) == ("active", 2, True)
    assert found["phases"] == {"in_progress": 1, "expected": 1}
    assert "whole screen" in found["notice"]
    one = (await exam.planner.get(f"/api/v1/schedules/{exam.schedule}")).json()
    assert one == found
    stranger = await hall.as_a("invigilator", "stranger@example.org")
    assert (await stranger.get("/api/v1/schedules")).json() == {
        "schedules": [], "counts": {}, "alarms": {}, "next": None,
    }  # fmt: skip
    before = await hall.position()
    answer = await stranger.get(f"/api/v1/schedules/{exam.schedule}")
    await refused(hall, answer, before, 404, "schedule", "no such schedule")


async def test_a_role_that_the_list_is_not_for_shows_nobody_more_of_it(hall: Hall) -> None:
    exam, head = await an_exam(hall), {"Vigil-At-Least": str(await hall.position())}
    email = "officer.who.watches@example.org"
    await hall.account("data_protection_officer", "invigilator", email=email)
    token = (await hall.http.post("/api/v1/sign-in", json={"email": email, "password": PASSWORD})).json()["token"]
    assert (await hall.bearing(token).get("/api/v1/schedules", headers=head)).json()["schedules"] == []
    for reader in (exam.planner, await hall.as_a("admin")):  # who chooses what an auditor reads has to see them all
        assert exam.schedule in (await reader.get("/api/v1/schedules", headers=head)).text


async def test_what_is_not_built_yet_is_asked_for_again(hall: Hall) -> None:
    exam = await an_exam(hall)
    at = f"/api/v1/sessions/{exam.sessions[0]}"
    with psycopg.connect(hall.database, autocommit=True) as owner:
        for view, client, path in (
            ("live", exam.planner, "/api/v1/schedules"),
            ("people", exam.invigilator, f"{at}/messages"),
            ("chat", exam.candidates[0], f"{at}/messages"),
        ):
            owner.execute(f"ALTER VIEW read.{view} RENAME TO not_yet")
            try:
                answer = await client.get(path)
            finally:
                owner.execute(f"ALTER VIEW read.not_yet RENAME TO {view}")
            await refused(hall, answer, await hall.position(), 503, "", "try again in a moment")
            assert answer.headers["retry-after"]
            assert (await client.get(path)).status_code == 200


async def test_candidates_are_listed_with_links_that_work(hall: Hall) -> None:
    exam = await an_exam(hall, candidates=2)
    head = {"Vigil-At-Least": str(await hall.position())}
    listed = (await exam.planner.get(f"/api/v1/schedules/{exam.schedule}/candidates", headers=head)).json()
    assert [c["name"] for c in listed["candidates"]] == ["Candidate 0", "Candidate 1"]
    joined = await hall.http.post("/api/v1/join", json={"token": listed["candidates"][1]["join_link"]})
    assert joined.json()["session"] == exam.sessions[1]


async def test_the_pages_are_served_with_a_strict_policy(hall: Hall) -> None:
    for path in ("/", "/join", "/record"):
        page = await hall.http.get(path)
        assert page.status_code == 200
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert "unsafe" not in page.headers["content-security-policy"]
        assert "onclick=" not in page.text
        assert "<style" not in page.text
        assets = re.findall(r'="(/assets/[^"]+)"', page.text)
        assert {asset.rpartition(".")[2] for asset in assets} == {"js", "css", "svg"}
        for asset in assets:
            file = await hall.http.get(asset)
            assert file.status_code == 200
            assert file.headers["x-content-type-options"] == "nosniff"
            again = await hall.http.get(asset, headers={"If-None-Match": file.headers["etag"]})
            assert again.status_code == 304
    for bad in ("nosuch.js", "index.html", "..%2fapp.py", "app.py", "%2e%2e"):
        assert (await hall.http.get(f"/assets/{bad}")).status_code == 404
