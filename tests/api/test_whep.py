"""WHEP: an invigilator's offer goes to the media worker of the session, and they watch for as long as they may."""

from __future__ import annotations

import asyncio

import pytest

from domain.messages import Refusal
from tests.api.fake_media import FakeMedia
from tests.api.hall import Exam, Hall, a_lead, an_exam, refused, sit
from tests.api.test_whip import HEAD, OFFER, worker

__all__ = ["worker"]


@pytest.fixture(scope="module")
async def exam(hall: Hall) -> Exam:
    exam = await an_exam(hall, candidates=2)
    await sit(exam)
    return exam


def whep(exam: Exam, track: str = "camera", number: int = 0) -> str:
    return f"/api/v1/sessions/{exam.sessions[number]}/whep/{track}"


async def views(exam: Exam) -> list[str]:
    """What of the first session was looked at live, by the timeline."""
    reviewer = await exam.hall.as_a("reviewer")
    head = {"Vigil-At-Least": str(await exam.hall.position())}
    at, kind = f"/api/v1/sessions/{exam.sessions[0]}/timeline", {"kind": "record.viewed"}
    return [one["body"]["what"] for one in (await reviewer.get(at, params=kind, headers=head)).json()["events"]]


async def test_without_a_media_worker_a_viewer_is_told_to_come_back(exam: Exam) -> None:
    before = await exam.hall.position()
    answer = await exam.invigilator.post(whep(exam), content=OFFER, headers=HEAD)
    await refused(exam.hall, answer, before, 503, "", "no media worker")


async def test_an_offer_is_answered_put_on_the_record_and_ended(exam: Exam, worker: FakeMedia) -> None:
    answer = await exam.invigilator.post(whep(exam), content=OFFER, headers=HEAD)
    assert answer.status_code == 201, answer.text
    assert answer.headers["content-type"].startswith("application/sdp")
    assert answer.text == "v=0 watch"
    (order,) = worker.watched
    assert (order.session, order.track, order.sdp) == (exam.sessions[0], "camera", OFFER)
    assert answer.headers["location"] == f"{whep(exam)}/{order.viewer}"
    again = await exam.invigilator.post(whep(exam), content=OFFER, headers=HEAD)
    assert again.headers["location"] != answer.headers["location"]
    assert await views(exam) == ["live camera"], "once a minute is enough"
    assert (await exam.invigilator.delete(answer.headers["location"])).status_code == 200
    assert worker.stopped == [order.viewer]
    assert (await exam.invigilator.delete(answer.headers["location"])).status_code == 200


async def test_offers_that_do_not_fit_are_refused(exam: Exam, worker: FakeMedia) -> None:
    me, before = exam.invigilator, await exam.hall.position()
    no_video = await me.post(whep(exam), content="v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n", headers=HEAD)
    await refused(exam.hall, no_video, before, 422, "sdp", "no video")
    await refused(exam.hall, await me.post(whep(exam), json={"sdp": OFFER}), before, 415, "", "application/sdp")
    nothing = await me.post(whep(exam, "microphone"), content=OFFER, headers=HEAD)
    await refused(exam.hall, nothing, before, 404, "", "no such track")
    early = await me.post(whep(exam, number=1), content=OFFER, headers=HEAD)
    await refused(exam.hall, early, before, 409, "session", "nobody sits")
    worker.refusal = Refusal(field="track", rule="is watched by 16 already", status=409)
    full = await me.post(whep(exam), content=OFFER, headers=HEAD)
    await refused(exam.hall, full, before, 409, "track", "is watched by 16 already")


async def test_whoever_may_watch_no_longer_is_cut_off_within_seconds(exam: Exam, worker: FakeMedia) -> None:
    lead = await a_lead(exam)
    answer = await lead.post(whep(exam, "screen"), content=OFFER, headers=HEAD)
    viewer = answer.headers["location"].rpartition("/")[2]
    async with asyncio.timeout(10):
        while worker.vouched.count(viewer) < 2:
            await asyncio.sleep(0.1)
    who = exam.hall.user("lead_invigilator@example.org")
    gone = await exam.planner.delete(f"/api/v1/schedules/{exam.schedule}/invigilators/{who}")
    assert gone.is_success, gone.text
    async with asyncio.timeout(10):
        while viewer not in worker.stopped:
            await asyncio.sleep(0.1)
    assert (await lead.post(whep(exam, "screen"), content=OFFER, headers=HEAD)).status_code == 404
