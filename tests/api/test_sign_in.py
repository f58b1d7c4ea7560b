"""Signing in: by token and by cookie, and what somebody who guesses gets to see."""

from __future__ import annotations

from datetime import timedelta

import httpx

from tests.api.hall import PASSWORD, Hall


async def sign_in(hall: Hall, email: str, password: str = PASSWORD, keep: str = "token") -> httpx.Response:
    return await hall.http.post("/api/v1/sign-in", json={"email": email, "password": password, "keep": keep})


async def test_a_password_gives_a_token_that_says_who_one_is(hall: Hall) -> None:
    who = await hall.account("planner", email="pat@example.org")
    answer = await sign_in(hall, "Pat@example.org ")
    assert answer.status_code == 200
    assert answer.json()["roles"] == ["planner"]
    assert "set-cookie" not in answer.headers
    me = await hall.bearing(answer.json()["token"]).get("/api/v1/me")
    assert me.json() == {
        "actor": who, "roles": ["planner"], "name": "The planner", "session": None, "schedule": None,
    }  # fmt: skip


async def test_an_unknown_address_and_a_wrong_password_get_the_same_answer(hall: Hall) -> None:
    await hall.account("reviewer", email="rae@example.org")
    wrong, unknown = await sign_in(hall, "rae@example.org", "guess"), await sign_in(hall, "nobody@example.org", "guess")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()
    assert wrong.headers["content-type"] == "application/problem+json"
    assert wrong.json()["type"] == "urn:vigil:problem:unauthenticated"


async def test_ten_failures_lock_an_account_for_five_minutes(hall: Hall) -> None:
    await hall.account("auditor", email="ari@example.org")
    for _ in range(10):
        assert (await sign_in(hall, "ari@example.org", "guess")).status_code == 401
    assert (await sign_in(hall, "ari@example.org")).status_code == 401
    hall.clock.ahead += timedelta(minutes=6)
    assert (await sign_in(hall, "ari@example.org")).status_code == 200


async def test_a_password_is_never_accepted_twice_by_its_idempotency_key(hall: Hall) -> None:
    await hall.account("auditor", email="kim@example.org")
    body = {"email": "kim@example.org", "password": PASSWORD}
    head = {"Idempotency-Key": "one"}
    first = await hall.http.post("/api/v1/sign-in", json=body, headers=head)
    assert first.status_code == 200
    again = await hall.http.post("/api/v1/sign-in", json={**body, "password": "guess"}, headers=head)
    assert again.status_code == 401


async def test_a_cookie_is_closed_to_scripts_and_to_foreign_pages(hall: Hall) -> None:
    await hall.account("planner", email="cam@example.org")
    answer = await sign_in(hall, "cam@example.org", keep="cookie")
    assert answer.json()["token"] is None
    given = answer.headers["set-cookie"].lower()
    assert "httponly" in given
    assert "samesite=strict" in given
    cookie = {"Cookie": answer.headers["set-cookie"].split(";")[0]}
    assert (await hall.http.get("/api/v1/me", headers=cookie)).status_code == 200
    change = {"title": "x"}
    for origin in ({}, {"Origin": "http://evil.test"}, {"Origin": "null"}):
        answer = await hall.http.patch("/api/v1/schedules/none", json=change, headers={**cookie, **origin})
        assert answer.status_code == 403, origin
        assert answer.json()["type"] == "urn:vigil:problem:foreign-origin"
    answer = await hall.http.patch(
        "/api/v1/schedules/none", json=change, headers={**cookie, "Origin": "http://vigil.test"}
    )
    assert answer.status_code == 404


async def test_a_foreign_page_cannot_sign_a_browser_in(hall: Hall) -> None:
    await hall.account("planner", email="pam@example.org")
    body = {"email": "pam@example.org", "password": PASSWORD, "keep": "cookie"}
    answer = await hall.http.post("/api/v1/sign-in", json=body, headers={"Origin": "http://evil.test"})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


async def test_signing_out_takes_the_cookie_away(hall: Hall) -> None:
    client = await hall.as_a("reviewer", "sol@example.org")
    answer = await client.post("/api/v1/sign-out")
    assert answer.status_code == 204
    assert "max-age=0" in answer.headers["set-cookie"].lower()


async def test_forged_torn_and_expired_tokens_are_turned_away(hall: Hall) -> None:
    client = await hall.as_a("planner", "lee@example.org")
    good = hall.tokens["lee@example.org"]
    payload, _, mac = good.partition(".")
    for bad in ("x", "ä", good[:-4], f"{payload}.", f"{payload[:-2]}AA.{mac}", good + "A" * 2000):
        answer = await hall.http.get("/api/v1/me", headers={"Authorization": f"Bearer {bad}".encode()})
        assert answer.status_code == 401, bad
        assert answer.headers["www-authenticate"] == "Bearer"
    assert (await client.get("/api/v1/me")).status_code == 200
    hall.clock.ahead += timedelta(hours=11)
    assert (await client.get("/api/v1/me")).status_code == 401


async def test_a_role_that_is_taken_away_is_gone_at_the_next_request(hall: Hall) -> None:
    admin = await hall.as_a("admin")
    planner = await hall.as_a("planner", "max@example.org")
    assert (await planner.get("/api/v1/me")).status_code == 200
    answer = await admin.delete(f"/api/v1/users/{hall.user('max@example.org')}/roles/planner")
    assert answer.status_code == 204
    assert (await planner.get("/api/v1/me")).status_code == 401
