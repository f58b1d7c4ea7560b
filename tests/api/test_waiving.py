"""A check that cannot pass: an invigilator waives it, and the candidate goes on without."""

from __future__ import annotations

import httpx

from tests.api.hall import CHECKS, Exam, Hall, an_exam, refused, sit

WAIVER = {"check": "camera", "instead": "in_person", "reason": "The camera broke this morning."}
BROKEN = [one | {"passed": one["name"] not in ("camera", "microphone")} for one in CHECKS]


def at(exam: Exam, what: str = "") -> str:
    return f"/api/v1/sessions/{exam.sessions[0]}{what}"


async def checked(exam: Exam) -> httpx.Response:
    me = exam.candidates[0]
    told = (await me.get(at(exam, "/notice"))).json()
    await me.post(at(exam, "/notice"), json={name: told[name] for name in ("policy_version", "sha256")})
    return await me.post(at(exam, "/system-check"), json={"checks": BROKEN})


async def test_who_has_no_camera_starts_once_an_invigilator_has_waived_it(hall: Hall) -> None:
    exam = await an_exam(hall)
    me = exam.candidates[0]
    assert (await checked(exam)).json()["passed"] is False
    answer = await exam.invigilator.post(at(exam, "/waivers"), json=WAIVER)
    assert answer.status_code == 204, answer.text
    read = (await me.get(at(exam))).json()
    assert (read["tracks"], read["clock"]["waived"], read["clock"]["phase"]) == (["screen"], ["camera"], "ready")
    assert (await me.post(at(exam, "/start"))).status_code == 200
    view = (await me.get(at(exam, "/view"))).json()["session"]
    assert view["muted"] == ["camera_muted", "out_of_view", "several_people"]
    head = {"Vigil-At-Least": str(await hall.position())}
    rows = (await exam.invigilator.get(f"/api/v1/schedules/{exam.schedule}/live", headers=head)).json()["rows"]
    assert [row["waived"] for row in rows.values()] == [{"camera": "in_person"}]


async def test_a_camera_that_breaks_in_the_exam_is_waited_for_no_longer(hall: Hall) -> None:
    exam = await an_exam(hall)
    await sit(exam)
    for _ in range(2):  # the second says nothing new
        assert (await exam.invigilator.post(at(exam, "/waivers"), json=WAIVER)).status_code == 204
    assert (await exam.candidates[0].get(at(exam))).json()["tracks"] == ["screen"]


async def test_another_alternative_an_unknown_check_and_no_reason_are_refused(hall: Hall) -> None:
    exam = await an_exam(hall)
    await exam.invigilator.post(at(exam, "/waivers"), json=WAIVER)
    before = await hall.position()
    other = await exam.invigilator.post(at(exam, "/waivers"), json=WAIVER | {"instead": "nothing"})
    await refused(hall, other, before, 409, "check", "waived already, with in person instead")
    unasked = await exam.invigilator.post(at(exam, "/waivers"), json=WAIVER | {"check": "displays"})
    await refused(hall, unasked, before, 409, "check", "does not ask for this check")
    blank = await exam.invigilator.post(at(exam, "/waivers"), json=WAIVER | {"check": "screen", "reason": " "})
    await refused(hall, blank, before, 422, "reason", "a reason is needed")
