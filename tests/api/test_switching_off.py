"""A detector is switched off for everyone, also for who sits the exam now; and never comes on again for them."""

from __future__ import annotations

from tests.api.hall import Hall, an_exam, refused, sit


async def test_it_is_off_at_once_for_who_sits_the_exam_and_for_who_starts_later(hall: Hall) -> None:
    exam = await an_exam(hall, candidates=3)
    await sit(exam)
    at = f"/api/v1/schedules/{exam.schedule}"
    off = await exam.planner.post(f"{at}/detectors/several_people/off", json={"reason": "Posters on the wall."})
    assert off.status_code == 204, off.text
    await sit(exam, 1)
    policy = (await exam.planner.get(f"{at}/policy")).json()
    assert policy["switched_off"]["several_people"]["reason"] == "Posters on the wall."
    assert policy["policy"]["version"] == 1
    on = await exam.planner.post(f"{at}/detectors/several_people/on")
    assert on.status_code == 204
    await sit(exam, 2)
    rows = (await exam.invigilator.get(f"{at}/live", headers={"Vigil-At-Least": str(await hall.position())})).json()
    muted = {row["session"]: row["muted"] for row in rows["rows"].values()}
    assert [muted[session].get("several_people", {}).get("why") for session in exam.sessions] == [
        "switched_off", "switched_off", None,
    ]  # fmt: skip
    assert (await exam.planner.get(f"{at}/policy")).json()["switched_off"] == {}


async def test_what_cannot_be_switched_off_is_told(hall: Hall) -> None:
    exam = await an_exam(hall)
    at = f"/api/v1/schedules/{exam.schedule}/detectors"
    await exam.planner.put(f"/api/v1/schedules/{exam.schedule}/policy", json={"detectors": []})
    before = await hall.position()
    because = {"reason": "Posters."}
    gone = await exam.planner.post(f"{at}/several_people/off", json=because)
    await refused(hall, gone, before, 409, "kind", "does not have this detector")
    unheard = await exam.planner.post(f"{at}/mood/off", json=because)
    await refused(hall, unheard, before, 404, "kind", "")
    bare = await exam.planner.post(f"{at}/several_people/off", json={"reason": ""})
    await refused(hall, bare, before, 400, "reason", ">= 1")
