"""Service tokens: shown once, good for their roles and no more, and for nothing once revoked or over."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from hashlib import sha256
from typing import Any

import click
import httpx
import pytest

from tests.api.hall import Hall, an_exam, refused
from tests.api.reading import Reader
from vigil import tools

TOKENS = "/api/v1/tokens"


@pytest.fixture
async def admin(hall: Hall) -> httpx.AsyncClient:
    return await hall.as_a("admin")


def wanted(hall: Hall, *roles: str, **more: str) -> dict[str, Any]:
    return {"name": "Moodle", "roles": roles, "expires_at": (hall.clock() + timedelta(days=30)).isoformat(), **more}


async def issued(hall: Hall, admin: httpx.AsyncClient, *roles: str, **more: str) -> tuple[str, httpx.AsyncClient]:
    answer = await admin.post(TOKENS, json=wanted(hall, *roles, **more))
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()["token"], hall.bearing(answer.json()["secret"])


async def test_a_program_calls_with_just_the_roles_of_its_token(hall: Hall, admin: httpx.AsyncClient) -> None:
    token, moodle = await issued(hall, admin, "planner")
    me = (await moodle.get("/api/v1/me")).json()
    assert me == {"actor": token, "roles": ["planner"], "name": "Moodle", "session": None, "schedule": None}
    assert (await moodle.get("/api/v1/schedules")).status_code == 200
    for path in (TOKENS, "/api/v1/exports/nosuch"):
        assert (await moodle.get(path)).status_code == 403
    opens = hall.clock() + timedelta(hours=1)
    window = {
        "opens_at": opens.isoformat(), "last_entry_at": (opens + timedelta(hours=1)).isoformat(),
        "closes_at": (opens + timedelta(hours=2)).isoformat(), "time_zone": "Europe/Vienna",
    }  # fmt: skip
    made = await moodle.post("/api/v1/schedules", json={"title": "Anatomy", "window": window, "duration_s": 3600})
    assert made.status_code == 201


async def test_the_secret_is_shown_once_and_lies_nowhere(hall: Hall, admin: httpx.AsyncClient) -> None:
    head = {"Idempotency-Key": "one token"}
    body = wanted(hall, "auditor")
    first = await admin.post(TOKENS, json=body, headers=head)
    secret = first.json()["secret"]
    before = await hall.position()
    again = await admin.post(TOKENS, json=body, headers=head)
    await refused(hall, again, before, 409, "Idempotency-Key", "shown only once")
    assert "vigil_" not in again.text
    listed = await admin.get(TOKENS, headers={"Vigil-At-Least": first.headers["vigil-position"]})
    (row,) = [row for row in listed.json()["tokens"] if row["token"] == first.json()["token"]]
    assert (row["name"], row["roles"], row["revoked_at"]) == ("Moodle", ["auditor"], None)
    assert row["issued_by"] == hall.user("admin@example.org")
    proof = secret.split("_", 2)[2]
    assert sha256(proof.encode()).hexdigest() not in listed.text
    async with hall.services.pool.connection() as conn:
        cursor = await conn.execute("SELECT convert_from(state, 'UTF8') FROM ledger.events WHERE topic LIKE 'token.%'")
        stored = "".join([state for (state,) in await cursor.fetchall()])
    assert sha256(proof.encode()).hexdigest() in stored
    assert proof not in stored


async def test_a_revoked_token_opens_nothing_and_its_streams_end(hall: Hall, admin: httpx.AsyncClient) -> None:
    exam = await an_exam(hall)
    token, screen = await issued(hall, admin, "planner")
    async with Reader(screen, f"/api/v1/schedules/{exam.schedule}/live/stream") as stream:
        await stream.next("snapshot")
        revoked = await admin.delete(f"{TOKENS}/{token}")
        assert revoked.status_code == 204
        async with asyncio.timeout(10):
            assert {event.name async for event in stream.rest()} <= {"change"}
    answer = await screen.get("/api/v1/me")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    head = {"Vigil-At-Least": revoked.headers["vigil-position"]}
    listed = (await admin.get(TOKENS, headers=head)).json()["tokens"]
    (row,) = [row for row in listed if row["token"] == token]
    assert row["revoked_by"] == hall.user("admin@example.org")
    again = await admin.delete(f"{TOKENS}/{token}")
    assert again.status_code == 204
    assert "vigil-position" not in again.headers


async def test_a_token_ends_by_itself(hall: Hall, admin: httpx.AsyncClient) -> None:
    soon = (hall.clock() + timedelta(minutes=2)).isoformat()
    _, short = await issued(hall, admin, "reviewer", expires_at=soon)
    assert (await short.get("/api/v1/me")).status_code == 200
    hall.clock.ahead += timedelta(minutes=3)
    assert (await short.get("/api/v1/me")).status_code == 401


async def test_forged_and_torn_tokens_are_turned_away(hall: Hall, admin: httpx.AsyncClient) -> None:
    token, good = await issued(hall, admin, "planner")
    text = good.headers["authorization"].removeprefix("Bearer ")
    other = (await issued(hall, admin, "admin"))[0]
    secret = text.split("_", 2)[2]
    forged = (
        text[:-1] + ("A" if text[-1] != "A" else "B"), text[:-1], text + "A", f"vigil_{token}_", f"vigil__{secret}",
        f"vigil_{other}_{secret}", f"vigil_{'t' + 'a' * 24}_{secret}", f"vigil_../{token}_{secret}",
    )  # fmt: skip
    for bad in forged:
        assert (await hall.bearing(bad).get("/api/v1/me")).status_code == 401, bad
    assert (await hall.http.get("/api/v1/me", headers={"Cookie": f"vigil={text}"})).status_code == 401
    assert (await good.get("/api/v1/me")).status_code == 200


async def test_a_token_issues_no_tokens_and_is_signed_out_by_nobody(hall: Hall, admin: httpx.AsyncClient) -> None:
    _, program = await issued(hall, admin, "admin")
    before = await hall.position()
    await refused(hall, await program.post(TOKENS, json=wanted(hall, "admin")), before, 403, "", "cannot issue tokens")
    everywhere = await program.post("/api/v1/sign-out?everywhere=true")
    await refused(hall, everywhere, before, 403, "everywhere", "only accounts of the staff")
    assert (await program.post("/api/v1/sign-out")).status_code == 204
    assert (await program.get(TOKENS)).status_code == 200


async def test_an_operator_issues_lists_and_revokes_tokens_on_the_command_line(hall: Hall) -> None:
    settings = hall.core.settings
    text = await tools.add_token(settings, tenant="main", name="Gradebook", roles=("reviewer",), days=2)
    program, token = hall.bearing(text), text.split("_")[1]
    assert (await program.get("/api/v1/me")).json()["roles"] == ["reviewer"]
    async with asyncio.timeout(10):
        while token not in (listed := await tools.list_tokens(settings, tenant="main")):
            await asyncio.sleep(0.1)
    (line,) = [line for line in listed.splitlines() if line.startswith(token)]
    assert line.endswith("reviewer  Gradebook")
    assert await tools.revoke_token(settings, tenant="main", token=token) == f"{token} is revoked"
    assert (await program.get("/api/v1/me")).status_code == 401
    async with asyncio.timeout(10):
        while token in await tools.list_tokens(settings, tenant="main"):
            await asyncio.sleep(0.1)
    with pytest.raises(click.ClickException, match="no such token"):
        await tools.revoke_token(settings, tenant="main", token="tnosuch")
    with pytest.raises(click.ClickException, match="needs a name"):
        await tools.add_token(settings, tenant="main", name=" ", roles=("reviewer",), days=2)


async def test_tokens_that_do_not_fit_are_refused(hall: Hall, admin: httpx.AsyncClient) -> None:
    before = await hall.position()
    for changes, status, field, rule in (
        ({"name": " "}, 422, "name", "needs a name"),
        ({"roles": []}, 400, "roles", "length >= 1"),
        ({"roles": ["king"]}, 400, "roles.0", "Invalid enum"),
        ({"roles": ["candidate"]}, 400, "roles.0", "Invalid enum"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, 422, "expires_at", "ends in the future"),
        ({"expires_at": "2199-01-01T00:00:00Z"}, 422, "expires_at", "at most 366 days"),
        ({"expires_at": "2199-01-01T00:00:00"}, 400, "expires_at", "timezone"),
    ):
        answer = await admin.post(TOKENS, json=wanted(hall, "planner") | changes)
        await refused(hall, answer, before, status, field, rule)
    await refused(hall, await admin.delete(f"{TOKENS}/nosuch"), before, 404, "token", "no such token")
