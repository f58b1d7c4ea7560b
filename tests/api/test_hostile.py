"""Input that nobody types by accident: it is refused with field and rule, or does no harm, and appends nothing."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from datetime import timedelta
from typing import NoReturn, get_args

import httpx
import psycopg
import pytest

from api import page
from api.app import create_app
from commands.objects import ObjectStoreAway
from domain.user import Role
from tests.api.hall import CHECKS, PASSWORD, Hall, an_exam, refused
from tests.serving import serving

V1 = "/api/v1"
NUL = "main\x00"


@pytest.mark.parametrize("role", get_args(Role))
async def test_every_role_can_be_taken_away(hall: Hall, role: Role) -> None:
    admin = await hall.as_a("admin")
    who = await hall.account(role, email=f"{role}.who.leaves@example.org")
    assert (await admin.delete(f"{V1}/users/{who}/roles/{role}")).status_code == 204


async def test_an_id_in_a_body_has_the_form_of_an_id(hall: Hall) -> None:
    exam = await an_exam(hall)
    auditor = await hall.as_a("auditor")
    before = await hall.position()
    at = f"{V1}/schedules/{exam.schedule}"
    for hostile in (NUL, "../x", "x" * 1000, ""):
        answer = await exam.planner.post(f"{at}/invigilators", json={"user": hostile})
        await refused(hall, answer, before, 400, "user", "")
        for field in ("session", "schedule"):
            answer = await auditor.post(f"{V1}/exports", json={field: hostile})
            await refused(hall, answer, before, 400, field, "")


async def test_a_window_lies_within_the_years_that_a_calendar_can_count(hall: Hall) -> None:
    planner = await hall.as_a("planner")
    before = await hall.position()
    window = {
        "opens_at": "2090-01-01T00:00:00Z", "last_entry_at": "9999-12-31T00:00:00Z",
        "closes_at": "9999-12-31T23:59:59Z", "time_zone": "Europe/Vienna",
    }  # fmt: skip
    answer = await planner.post(f"{V1}/schedules", json={"title": "Late", "window": window, "duration_s": 60})
    await refused(hall, answer, before, 422, "window.closes_at", "years")


async def test_what_a_page_measured_is_told_in_few_words(hall: Hall) -> None:
    exam = await an_exam(hall)
    me, at = exam.candidates[0], f"{V1}/sessions/{exam.sessions[0]}"
    told = (await me.get(f"{at}/notice")).json()
    await me.post(f"{at}/notice", json={"policy_version": told["policy_version"], "sha256": told["sha256"]})
    before = await hall.position()
    checks = [*CHECKS[:2], {**CHECKS[2], "found": "x" * 201}, *CHECKS[3:]]
    await refused(hall, await me.post(f"{at}/system-check", json={"checks": checks}), before, 422, "checks.2.found", "")


async def test_a_reason_code_is_a_code_and_not_a_sentence_about_somebody(hall: Hall) -> None:
    exam = await an_exam(hall)
    before = await hall.position()
    order = {"kind": "pause", "reason_code": "Ada talks to Bob"}
    answer = await exam.invigilator.post(f"{V1}/sessions/{exam.sessions[0]}/interventions", json=order)
    await refused(hall, answer, before, 400, "reason_code", "")


async def test_names_that_are_no_files_of_ours_leave_nothing_behind(hall: Hall) -> None:
    await hall.http.get("/assets/icon.svg")
    before = page._files.cache_info()
    for n in range(50):
        assert (await hall.http.get(f"/assets/none{n}.js")).status_code == 404
    assert (await hall.http.get(f"/assets/{'x' * 2000}.js")).status_code == 404
    assert (await hall.http.get("/assets/%00.js")).status_code == 404
    after = page._files.cache_info()
    assert (after.misses, after.currsize) == (before.misses, before.currsize)
    assert "none49" not in (await hall.http.get("/metrics")).text


async def test_a_cookie_is_set_for_our_own_pages_only(hall: Hall) -> None:
    await hall.account("planner", email="cookie@example.org")
    body = {"email": "cookie@example.org", "password": PASSWORD, "keep": "cookie"}
    answer = await hall.http.post(f"{V1}/sign-in", json=body, headers={"Origin": "http://evil.test"})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("error", [psycopg.OperationalError, ObjectStoreAway])
async def test_a_database_or_store_that_is_away_is_told_as_such(hall: Hall, error: type[Exception]) -> None:
    async def fails(*_: object, **__: object) -> NoReturn:
        raise error("connection to 10.0.0.1 refused")

    handler = copy(hall.services.handler)
    handler.load = fails  # type: ignore[method-assign]
    head = {"Authorization": (await hall.as_a("planner")).headers["authorization"]}
    app = create_app(replace(hall.services, handler=handler))
    async with serving(app) as url, httpx.AsyncClient(base_url=url) as http:
        answer = await http.get(f"{V1}/me", headers=head)
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert "10.0.0.1" not in answer.text


async def test_an_exam_that_is_long_over_is_there_for_its_invigilators_no_more(hall: Hall) -> None:
    exam = await an_exam(hall)
    body = {"email": "invigilator@example.org", "password": PASSWORD}
    for ahead, status in ((timedelta(hours=3), 200), (timedelta(hours=12), 404)):
        hall.clock.ahead += ahead
        invigilator = hall.bearing((await hall.http.post(f"{V1}/sign-in", json=body)).json()["token"])
        assert (await invigilator.get(f"{V1}/schedules/{exam.schedule}/live")).status_code == status
        assert (await invigilator.get(f"{V1}/sessions/{exam.sessions[0]}")).status_code == status
        listed = (await invigilator.get(f"{V1}/schedules")).json()["schedules"]
        assert (exam.schedule in [one["schedule"] for one in listed]) is (status == 200)
