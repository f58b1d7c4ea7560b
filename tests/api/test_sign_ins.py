"""The audit of sign-ins: complete, newest first, in pages, and without anybody's address."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.hall import PASSWORD, Hall, refused

AT = "/api/v1/sign-ins"


@pytest.fixture
async def auditor(hall: Hall) -> httpx.AsyncClient:
    return await hall.as_a("auditor")


async def sign_in(hall: Hall, email: str, password: str = PASSWORD) -> str:
    answer = await hall.http.post("/api/v1/sign-in", json={"email": email, "password": password})
    return str(answer.json().get("token", ""))


async def noted(hall: Hall, auditor: httpx.AsyncClient, **asked: Any) -> dict[str, Any]:  # noqa: ANN401 - parameters
    head = {"Vigil-At-Least": str(await hall.position())}
    answer = await auditor.get(AT, params=asked, headers=head)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_all_that_happened_to_an_account_is_listed_newest_first(hall: Hall, auditor: httpx.AsyncClient) -> None:
    email = "ida@example.org"
    ida, lead = await hall.account("reviewer", email=email), await hall.as_a("lead_invigilator")
    mine = hall.user("lead_invigilator@example.org")
    await sign_in(hall, email)
    for _ in range(6):
        await sign_in(hall, email, "guess")  # the sixth is turned away and tells nothing new
    await lead.post(f"/api/v1/users/{ida}/unlock")
    client = hall.bearing(await sign_in(hall, email))
    await client.post("/api/v1/sign-out")
    await client.post("/api/v1/sign-out?everywhere=true")
    seen = (await noted(hall, auditor, user=ida))["sign_ins"]
    assert [(row["what"], row["by"]) for row in reversed(seen)] == [
        ("signed_in", ida), *[("failed", ida)] * 5, ("locked_out", ida), ("unlocked", mine), ("signed_in", ida),
        ("signed_out", ida), ("signed_out_everywhere", ida),
    ]  # fmt: skip
    assert {row["user"] for row in seen} == {ida}
    assert [row["position"] for row in seen] == sorted((row["position"] for row in seen), reverse=True)
    assert [row["what"] for row in seen if row["until"]] == ["locked_out"]


async def test_failures_with_an_address_that_has_no_account_are_listed_without_it(
    hall: Hall, auditor: httpx.AsyncClient
) -> None:
    await hall.account("planner", email="jo@example.org")
    await sign_in(hall, "jo@example.org")
    await sign_in(hall, "stranger@example.org", "guess")
    newest, second, *_ = (found := await noted(hall, auditor))["sign_ins"]
    assert (newest["what"], newest["user"]) == ("failed", hall.user("stranger@example.org"))
    assert (second["what"], second["user"]) == ("signed_in", hall.user("jo@example.org"))
    assert "@" not in str(found)
    assert "The planner" not in str(found)
    assert found["stale"] is False


async def test_pages_follow_one_another_without_a_gap_while_more_is_noted(
    hall: Hall, auditor: httpx.AsyncClient
) -> None:
    await hall.account("reviewer", email="max@example.org")
    for _ in range(5):
        await sign_in(hall, "max@example.org")
    whole = (await noted(hall, auditor, limit=1000))["sign_ins"]
    page = await noted(hall, auditor, limit=2)
    seen = page["sign_ins"]
    while page["next"] is not None:
        await sign_in(hall, "max@example.org")
        page = await noted(hall, auditor, limit=2, after=page["next"])
        assert len(page["sign_ins"]) <= 2
        seen += page["sign_ins"]
    assert seen == whole


async def test_what_is_asked_must_fit(hall: Hall, auditor: httpx.AsyncClient) -> None:
    before = await hall.position()
    for name, odd in (("limit", "0"), ("limit", "1001"), ("user", "a@b")):
        await refused(hall, await auditor.get(AT, params={name: odd}), before, 400, name, "")
