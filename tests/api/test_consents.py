"""Consent, objections, checks that are only tried, and where a candidate goes on, over HTTP."""

from __future__ import annotations

from tests.api.hall import CHECKS, Exam, Hall, an_exam, refused

BROKEN = [one | {"passed": one["name"] != "camera"} for one in CHECKS]
ASKS = {"bases": {"ai_flags": "consent"}, "alternative": "An oral exam, in June."}


def at(exam: Exam, what: str = "") -> str:
    return f"/api/v1/sessions/{exam.sessions[0]}{what}"


async def an_exam_that_asks(hall: Hall) -> Exam:
    exam = await an_exam(hall)
    answer = await exam.planner.put(f"/api/v1/schedules/{exam.schedule}/policy", json=ASKS)
    assert answer.status_code == 204, answer.text
    return exam


async def next_step(exam: Exam) -> str:
    me = exam.candidates[0]
    read, view = (await me.get(at(exam))).json(), (await me.get(at(exam, "/view"))).json()
    assert read["onboarding"]["next"] == view["next"]
    return str(view["next"])


async def acknowledged(exam: Exam) -> None:
    me = exam.candidates[0]
    told = (await me.get(at(exam, "/notice"))).json()
    answer = {name: told[name] for name in ("policy_version", "sha256")}
    assert (await me.post(at(exam, "/notice"), json=answer)).status_code == 204


async def answered(exam: Exam, agreed: bool) -> None:
    answer = await exam.candidates[0].post(at(exam, "/consents"), json={"purpose": "ai_flags", "agreed": agreed})
    assert answer.status_code == 204, answer.text


async def test_consent_is_asked_given_and_withdrawn_in_the_exam(hall: Hall) -> None:
    exam = await an_exam_that_asks(hall)
    me = exam.candidates[0]
    assert await next_step(exam) == "notice"
    await acknowledged(exam)
    assert await next_step(exam) == "consent"
    (ask,) = (await me.get(at(exam))).json()["onboarding"]["consents"]
    assert ask == {"purpose": "ai_flags", "what": "to let a program point things out", "answer": None}
    await answered(exam, True)
    assert await next_step(exam) == "system_check"
    await me.post(at(exam, "/system-check"), json={"checks": CHECKS})
    assert await next_step(exam) == "start"
    assert (await me.post(at(exam, "/start"))).status_code == 200
    assert await next_step(exam) == "exam"
    assert (await me.get(at(exam, "/view"))).json()["session"]["muted"] == []
    await answered(exam, False)
    session = (await me.get(at(exam, "/view"))).json()["session"]
    assert (session["muted"], session["consents"]) == (["out_of_view", "several_people"], {"ai_flags": "withdrawn"})
    before = await hall.position()
    again = await me.post(at(exam, "/consents"), json={"purpose": "ai_flags", "agreed": True})
    await refused(hall, again, before, 409, "purpose", "stays off while this exam runs")


async def test_who_says_no_sits_the_exam_and_who_is_not_asked_cannot_answer(hall: Hall) -> None:
    exam = await an_exam_that_asks(hall)
    await acknowledged(exam)
    await answered(exam, False)
    me = exam.candidates[0]
    await me.post(at(exam, "/system-check"), json={"checks": CHECKS})
    assert (await me.post(at(exam, "/start"))).status_code == 200
    before = await hall.position()
    unasked = await me.post(at(exam, "/consents"), json={"purpose": "recording", "agreed": True})
    await refused(hall, unasked, before, 409, "purpose", "does not ask for your consent")


async def test_an_objection_is_seen_by_the_staff(hall: Hall) -> None:
    exam = await an_exam(hall)
    me = exam.candidates[0]
    assert (await me.post(at(exam, "/objections"), json={"text": "My flatmate is seen."})).status_code == 204
    head = {"Vigil-At-Least": str(await hall.position())}
    live = (await exam.invigilator.get(f"/api/v1/schedules/{exam.schedule}/live", headers=head)).json()
    assert [row["objection"] for row in live["rows"].values()] == ["My flatmate is seen."]
    before = await hall.position()
    blank = await me.post(at(exam, "/objections"), json={"text": "  "})
    await refused(hall, blank, before, 422, "text", "say what you object to")


async def test_checks_are_tried_beforehand_and_nothing_is_recorded(hall: Hall) -> None:
    exam = await an_exam(hall)
    me, before = exam.candidates[0], await hall.position()
    found = [*BROKEN, {"name": "displays", "passed": False}]
    tried = (await me.post(at(exam, "/rehearsal"), json={"checks": found})).json()
    assert tried["passed"] is False
    assert [(one["check"], one["needed"]) for one in tried["advice"]] == [("camera", True), ("displays", False)]
    assert "allow this page to use it" in tried["advice"][0]["do"]
    good = (await me.post(at(exam, "/rehearsal"), json={"checks": CHECKS})).json()
    assert good == {"passed": True, "advice": []}
    assert await hall.position() == before
    assert await next_step(exam) == "notice"


async def test_who_declines_is_told_the_alternative(hall: Hall) -> None:
    exam = await an_exam_that_asks(hall)
    me = exam.candidates[0]
    told = (await me.get(at(exam, "/notice"))).json()
    assert told["text"].splitlines()[-1] == "If you do not want this: An oral exam, in June."
    answer = {"policy_version": told["policy_version"], "sha256": told["sha256"], "answer": "declined"}
    assert (await me.post(at(exam, "/notice"), json=answer)).status_code == 204
    assert (await me.get(at(exam))).json()["alternative"] == "An oral exam, in June."
    assert await next_step(exam) == "over"


async def test_a_basis_that_cannot_carry_its_purpose_is_refused(hall: Hall) -> None:
    exam = await an_exam(hall)
    before = await hall.position()
    wrong = {"bases": {"recording": "consent"}}
    answer = await exam.planner.put(f"/api/v1/schedules/{exam.schedule}/policy", json=wrong)
    await refused(hall, answer, before, 422, "bases.recording", "would not be free")
