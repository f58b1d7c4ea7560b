"""A planner keeps policies as templates; a schedule copies one, and stays as it is when the template changes."""

from __future__ import annotations

from typing import Any

import httpx

from tests.api.hall import Hall, refused
from tests.api.test_schedules import a_schedule, made

V1 = "/api/v1"


async def a_template(planner: httpx.AsyncClient, name: str, **policy: object) -> str:
    answer = await planner.post(f"{V1}/policy-templates", json={"name": name, "policy": policy})
    assert answer.status_code == 201, answer.text
    template = str(answer.json()["template"])
    assert answer.headers["location"] == f"{V1}/policy-templates/{template}"
    return template


async def templates(planner: httpx.AsyncClient, hall: Hall) -> dict[str, Any]:
    answer = await planner.get(f"{V1}/policy-templates", headers={"Vigil-At-Least": str(await hall.position())})
    return {row["template"]: row for row in answer.json()["templates"]}


async def test_templates_are_made_changed_listed_and_deleted(hall: Hall) -> None:
    planner = await hall.as_a("planner")
    first, second = await a_template(planner, "B", screen=False), await a_template(planner, "A")
    listed = await templates(planner, hall)
    assert [t for t in listed if t in (first, second)] == [second, first]
    assert (listed[first]["name"], listed[first]["policy"]["version"], listed[first]["policy"]["screen"]) == (
        "B", 1, False,
    )  # fmt: skip
    body = {"name": "C", "policy": {"camera": False}}
    assert (await planner.put(f"{V1}/policy-templates/{first}", json=body)).status_code == 204
    listed = await templates(planner, hall)
    assert (listed[first]["name"], listed[first]["policy"]["version"]) == ("C", 2)
    assert (await planner.delete(f"{V1}/policy-templates/{first}")).status_code == 204
    assert first not in await templates(planner, hall)
    before = await hall.position()
    assert (await planner.delete(f"{V1}/policy-templates/{first}")).status_code == 204
    gone = await planner.put(f"{V1}/policy-templates/{first}", json=body)
    await refused(hall, gone, before, 404, "template", "no such policy template")
    nameless = await planner.post(f"{V1}/policy-templates", json={"name": " ", "policy": {}})
    await refused(hall, nameless, before, 422, "name", "needs a name")
    twice = {"name": "D", "policy": {"detectors": [{"kind": "out_of_view"}] * 2}}
    bad = await planner.post(f"{V1}/policy-templates", json=twice)
    await refused(hall, bad, before, 422, "policy.detectors", "at most once")


async def test_a_schedule_keeps_what_it_copied_until_its_planner_copies_again(hall: Hall) -> None:
    planner = await hall.as_a("planner")
    at = f"{V1}/schedules/{await made(planner, hall)}/policy"
    assert (await planner.get(at)).json()["copied"] is None
    template = await a_template(planner, "At home", screen=False, media_kept_days=30)
    assert (await planner.put(at, json={"template": template})).status_code == 204
    read = (await planner.get(at)).json()
    assert (read["policy"]["screen"], read["policy"]["media_kept_days"], read["policy"]["version"]) == (False, 30, 2)
    assert read["copied"] == {
        "template": template, "name": "At home", "version": 1, "version_now": 1, "differs": [],
    }  # fmt: skip

    body = {"name": "At home, 2027", "policy": {"screen": False, "media_kept_days": 60}}
    assert (await planner.put(f"{V1}/policy-templates/{template}", json=body)).status_code == 204
    after = (await planner.get(at)).json()
    assert after["policy"] == read["policy"]
    assert after["copied"] == {
        "template": template, "name": "At home, 2027", "version": 1, "version_now": 2,
        "differs": [{"field": "media_kept_days", "here": 30, "there": 60}],
    }  # fmt: skip
    assert (await planner.put(at, json={"template": template})).status_code == 204
    again = (await planner.get(at)).json()
    assert (again["policy"]["media_kept_days"], again["policy"]["version"]) == (60, 3)
    assert (again["copied"]["version"], again["copied"]["differs"]) == (2, [])

    by_hand = {**again["policy"], "microphone": False}
    assert (await planner.put(at, json=by_hand)).status_code == 204
    assert (await planner.delete(f"{V1}/policy-templates/{template}")).status_code == 204
    last = (await planner.get(at)).json()
    assert last["policy"] == {**by_hand, "version": 4}
    assert (last["copied"]["version"], last["copied"]["version_now"], last["copied"]["differs"]) == (2, None, [])
    before = await hall.position()
    gone = await planner.put(at, json={"template": template})
    await refused(hall, gone, before, 422, "template", "no such policy template")


async def test_a_schedule_is_made_from_a_template(hall: Hall) -> None:
    planner = await hall.as_a("planner")
    template = await a_template(planner, "Oral", detectors=[], record_kept_days=365)
    answer = await planner.post(f"{V1}/schedules", json=a_schedule(hall, template=template))
    assert answer.status_code == 201, answer.text
    read = (await planner.get(f"{V1}/schedules/{answer.json()['schedule']}/policy")).json()
    assert (read["policy"]["detectors"], read["policy"]["record_kept_days"], read["policy"]["version"]) == ([], 365, 1)
    assert (read["copied"]["template"], read["copied"]["version"], read["copied"]["differs"]) == (template, 1, [])


async def test_what_is_no_template_is_refused(hall: Hall) -> None:
    planner = await hall.as_a("planner")
    template = await a_template(planner, "Mine")
    at = f"{V1}/schedules/{await made(planner, hall)}/policy"
    before = await hall.position()
    for answer, status, rule in (
        (await planner.put(at, json={"template": "nosuch"}), 422, "no such policy template"),
        (await planner.put(at, json={"template": template, "screen": False}), 422, "not both"),
        (await planner.put(at, json={"template": "../x"}), 400, ""),
        (await planner.post(f"{V1}/schedules", json=a_schedule(hall, template="nosuch")), 422, "no such policy"),
        (
            await planner.post(f"{V1}/schedules", json=a_schedule(hall, template=template, policy={"camera": False})),
            422, "not both",
        ),
    ):  # fmt: skip
        await refused(hall, answer, before, status, "template", rule)


async def test_a_planner_reads_what_candidates_would_be_told_before_any_schedule_says_it(hall: Hall) -> None:
    planner = await hall.as_a("planner")
    before = await hall.position()
    policy = {"screen": False, "browser": [{"kind": "focus_lost"}], "media_kept_days": 30}
    told = (await planner.post(f"{V1}/policy-notice", json={"policy": policy})).json()
    assert "we record your camera and your microphone" in told["notice"]
    assert "deleted after 30 days" in told["notice"]
    assert "tab of its own" in told["not_observed"]["focus_lost"]
    framed = (await planner.post(f"{V1}/policy-notice", json={"policy": policy, "opens_in": "frame"})).json()
    assert "another window or tab is used" in framed["notice"]
    assert framed["not_observed"] == {}
    unreasoned = await planner.post(f"{V1}/policy-notice", json={"policy": {"room_scan": True}})
    await refused(hall, unreasoned, before, 422, "policy.reasons.room_scan", "unless a reason is given")
