"""Signing in: by token and by cookie, and what somebody who guesses gets to see."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from api.app import create_app
from domain.user import Role
from tests.api.hall import PASSWORD, Hall, an_exam, refused
from tests.api.reading import Reader
from tests.serving import serving
from vigil.wiring import core


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


async def fail(hall: Hall, email: str, times: int = 5) -> None:
    for _ in range(times):
        assert (await sign_in(hall, email, "guess")).status_code == 401


async def test_after_five_failures_an_address_waits_and_is_told_so_whether_it_has_an_account_or_not(hall: Hall) -> None:
    await hall.account("auditor", email="ari@example.org")
    told = []
    for email in ("ari@example.org", "ari.nobody@example.org"):
        await fail(hall, email)
        answer = await sign_in(hall, email)  # the right one, if there is an account
        assert answer.status_code == 429
        assert answer.headers["content-type"] == "application/problem+json"
        assert 0 < int(answer.headers["retry-after"]) <= 60
        told.append((answer.json(), sorted(answer.headers)))
    assert told[0] == told[1]
    assert told[0][0]["type"] == "urn:vigil:problem:wait"
    assert "wait 1 minute and try again" in told[0][0]["detail"]
    hall.clock.ahead += timedelta(seconds=61)
    await fail(hall, "ari@example.org", 1)
    longer = await sign_in(hall, "ari@example.org")
    assert 60 < int(longer.headers["retry-after"]) <= 120
    assert "wait 2 minutes" in longer.json()["detail"]
    hall.clock.ahead += timedelta(seconds=121)
    assert (await sign_in(hall, "ari@example.org")).status_code == 200
    await fail(hall, "ari@example.org", 4)
    assert (await sign_in(hall, "ari@example.org")).status_code == 200


async def test_guesses_made_at_the_same_time_are_counted_like_any_others(hall: Hall) -> None:
    await hall.account("auditor", email="gus@example.org")
    answers = await asyncio.gather(*(sign_in(hall, "gus@example.org", "guess") for _ in range(9)))
    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 4
    assert all("retry-after" in answer.headers for answer in answers if answer.status_code == 429)


async def test_who_is_signed_in_stays_so_while_their_address_waits(hall: Hall) -> None:
    client = await hall.as_a("invigilator", "ines@example.org")
    await fail(hall, "ines@example.org")
    assert (await sign_in(hall, "ines@example.org")).status_code == 429
    assert (await client.get("/api/v1/me")).status_code == 200


async def test_a_lead_invigilator_or_an_admin_sees_the_wait_and_lifts_it(hall: Hall) -> None:
    user = await hall.account("invigilator", email="lou@example.org")
    roles: tuple[Role, ...] = ("lead_invigilator", "admin")
    for role in roles:
        person = await hall.as_a(role, f"{role}.lifts@example.org")
        await fail(hall, "lou@example.org")
        head = {"Vigil-At-Least": str(await hall.position())}
        assert await locked_until(person, user, head) is not None
        lifted = await person.post(f"/api/v1/users/{user}/unlock")
        assert lifted.status_code == 204
        assert await locked_until(person, user, {"Vigil-At-Least": lifted.headers["vigil-position"]}) is None
        again = await person.post(f"/api/v1/users/{user}/unlock")
        assert again.status_code == 204
        assert "vigil-position" not in again.headers
        assert (await sign_in(hall, "lou@example.org")).status_code == 200
    before = await hall.position()
    answer = await person.post(f"/api/v1/users/{hall.user('no.one@example.org')}/unlock")
    await refused(hall, answer, before, 404, "user", "no such user")


async def test_an_address_without_an_account_is_on_no_list(hall: Hall) -> None:
    admin = await hall.as_a("admin", "admin.lists@example.org")
    await fail(hall, "ghost@example.org")
    head = {"Vigil-At-Least": str(await hall.position())}
    listed = (await admin.get("/api/v1/users", headers=head)).json()["users"]
    assert hall.user("ghost@example.org") not in [row["user"] for row in listed]


async def locked_until(client: httpx.AsyncClient, user: str, head: dict[str, str]) -> str | None:
    listed = (await client.get("/api/v1/users", headers=head)).json()["users"]
    (found,) = [row["locked_until"] for row in listed if row["user"] == user]
    return found


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


async def tokens_of(hall: Hall, email: str, role: Role) -> list[str]:
    """Two sign-ins of a fresh account."""
    await hall.account(role, email=email)
    return [(await sign_in(hall, email)).json()["token"] for _ in range(2)]


async def test_signing_out_here_leaves_the_other_sign_ins(hall: Hall) -> None:
    here, there = await tokens_of(hall, "uma@example.org", "reviewer")
    assert (await hall.bearing(here).post("/api/v1/sign-out")).status_code == 204
    assert (await hall.bearing(there).get("/api/v1/me")).status_code == 200


async def test_signing_out_everywhere_ends_every_sign_in_from_before_and_none_after(hall: Hall) -> None:
    here, there = await tokens_of(hall, "eve@example.org", "reviewer")
    cookie = (await sign_in(hall, "eve@example.org", keep="cookie")).headers["set-cookie"].split(";")[0]
    other = (await tokens_of(hall, "eli@example.org", "reviewer"))[0]
    answer = await hall.bearing(here).post("/api/v1/sign-out?everywhere=true")
    assert answer.status_code == 204
    async with elsewhere(hall) as url:
        for at in (hall.url, url):
            async with httpx.AsyncClient(base_url=at) as client:
                for old in (here, there):
                    turned = await client.get("/api/v1/me", headers={"Authorization": f"Bearer {old}"})
                    assert turned.status_code == 401
                    assert "signed out everywhere" in turned.json()["detail"]
                assert (await client.get("/api/v1/me", headers={"Cookie": cookie})).status_code == 401
    assert (await hall.bearing(other).get("/api/v1/me")).status_code == 200
    fresh = (await sign_in(hall, "eve@example.org")).json()["token"]  # in the same second
    assert (await hall.bearing(fresh).get("/api/v1/me")).status_code == 200


async def test_an_admin_signs_somebody_out_everywhere_and_nobody_who_is_not_there(hall: Hall) -> None:
    admin = await hall.as_a("admin", "admin.ends@example.org")
    first, second = await tokens_of(hall, "vic@example.org", "planner")
    answer = await admin.post(f"/api/v1/users/{hall.user('vic@example.org')}/sign-out")
    assert answer.status_code == 204
    for old in (first, second):
        assert (await hall.bearing(old).get("/api/v1/me")).status_code == 401
    before = await hall.position()
    await refused(hall, await admin.post("/api/v1/users/nosuch/sign-out"), before, 404, "user", "no such user")


async def test_open_streams_end_when_their_reader_is_signed_out_everywhere(hall: Hall) -> None:
    exam = await an_exam(hall)
    email = "wes@example.org"
    (token, _) = await tokens_of(hall, email, "invigilator")
    at, watcher = f"/api/v1/schedules/{exam.schedule}", hall.bearing(token)
    assert (await exam.planner.post(f"{at}/invigilators", json={"user": hall.user(email)})).status_code == 200
    wall = hall.url.replace("http", "ws") + f"{at}/wall"
    async with (
        Reader(watcher, f"{at}/live/stream") as stream,
        connect(wall, additional_headers={"Authorization": f"Bearer {token}"}) as socket,
    ):
        await stream.next("snapshot")
        assert (await watcher.post("/api/v1/sign-out?everywhere=true")).status_code == 204
        async with asyncio.timeout(10):
            assert {event.name async for event in stream.rest()} <= {"change"}
            with pytest.raises(ConnectionClosed):
                await socket.recv()


async def test_a_candidate_has_nothing_to_be_signed_out_of_everywhere(hall: Hall) -> None:
    exam = await an_exam(hall)
    before = await hall.position()
    answer = await exam.candidates[0].post("/api/v1/sign-out?everywhere=true")
    await refused(hall, answer, before, 403, "everywhere", "only accounts of the staff")
    assert (await exam.candidates[0].post("/api/v1/sign-out")).status_code == 204


@asynccontextmanager
async def elsewhere(hall: Hall) -> AsyncIterator[str]:
    """Another process with a memory of its own, which has seen nothing of what was done here."""
    async with (
        core(hall.core.settings, "elsewhere") as there,
        serving(create_app(replace(hall.services, handler=there.handler))) as url,
    ):
        yield url


async def test_forged_torn_and_expired_tokens_are_turned_away(hall: Hall) -> None:
    client = await hall.as_a("planner", "lee@example.org")
    good = hall.tokens["lee@example.org"]
    payload, _, mac = good.partition(".")
    for bad in ("x", "ä", good[:-4], f"{payload}.", f"{payload[:-2]}__.{mac}", good + "A" * 2000):
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
