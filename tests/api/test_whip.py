"""WHIP: an offer goes to the media worker that holds the session, and every connection is recorded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from domain.messages import LiveTrack, Refusal
from tests.api.fake_media import FakeMedia
from tests.api.hall import Exam, Hall, an_exam, refused, sit
from tests.api.reading import Reader

OFFER = "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n"
HEAD = {"Content-Type": "application/sdp"}


@pytest.fixture(scope="module")
async def exam(hall: Hall) -> Exam:
    exam = await an_exam(hall, candidates=2)
    await sit(exam)
    return exam


@pytest.fixture
async def worker(hall: Hall) -> AsyncIterator[FakeMedia]:
    async with FakeMedia(hall.services.nats, "w1") as worker:
        while not hall.services.workers.alive():
            await asyncio.sleep(0.02)
        yield worker


def whip(exam: Exam, track: str = "camera", number: int = 0) -> str:
    return f"/api/v1/sessions/{exam.sessions[number]}/whip/{track}"


async def test_without_a_media_worker_a_publisher_is_told_to_come_back(exam: Exam) -> None:
    before = await exam.hall.position()
    answer = await exam.candidates[0].post(whip(exam), content=OFFER, headers=HEAD)
    await refused(exam.hall, answer, before, 503, "", "no media worker")
    assert answer.headers["retry-after"] == "2"


async def test_sound_is_passed_on_to_detectors_only_where_the_policy_asks_for_it(hall: Hall, worker: FakeMedia) -> None:
    hears = {"detectors": [{"kind": "voice"}], "reasons": {"voice": "It is taken alone, in silence."}}
    for policy, listen in ((hears, True), ({"detectors": []}, False)):
        exam = await an_exam(hall)
        answer = await exam.planner.put(f"/api/v1/schedules/{exam.schedule}/policy", json=policy)
        assert answer.status_code == 204, answer.text
        await sit(exam)
        for track in ("camera", "screen"):
            answer = await exam.candidates[0].post(whip(exam, track), content=OFFER, headers=HEAD)
            assert answer.status_code == 201, answer.text
            assert worker.published[-1].listen == (listen and track == "camera")


async def test_an_offer_is_answered_recorded_and_ended(exam: Exam, worker: FakeMedia) -> None:
    me = exam.candidates[0]
    answer = await me.post(whip(exam), content=OFFER, headers=HEAD)
    assert answer.status_code == 201, answer.text
    assert answer.headers["content-type"].startswith("application/sdp")
    assert answer.headers["location"] == f"{whip(exam)}/1"
    assert answer.headers["etag"] == '"1"'
    assert answer.text.startswith("v=0")
    offer = worker.published[-1]
    assert (offer.session, offer.track, offer.connection) == (exam.sessions[0], "camera", 1)
    assert offer.codec is None
    again = await me.post(whip(exam), content=OFFER, headers=HEAD)
    assert again.headers["location"] == f"{whip(exam)}/2"
    assert worker.published[-1].codec == "VP8", "that of the answer before, which may have been recorded"
    ended = await me.delete(again.headers["location"])
    assert ended.status_code == 200
    assert (worker.hung_up[-1].connection, worker.hung_up[-1].why) == (2, "stopped")
    assert (await me.delete(f"{whip(exam)}/9")).status_code == 404
    changed = await me.patch(again.headers["location"], content="a=ice-ufrag:x")
    assert changed.status_code == 405
    assert "DELETE" in changed.headers["allow"]


async def test_offers_that_do_not_fit_are_refused(exam: Exam, worker: FakeMedia) -> None:
    me, before = exam.candidates[0], await exam.hall.position()
    no_video = await me.post(whip(exam), content="v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n", headers=HEAD)
    await refused(exam.hall, no_video, before, 422, "sdp", "no video")
    await refused(exam.hall, await me.post(whip(exam), json={"sdp": OFFER}), before, 415, "", "application/sdp")
    await refused(exam.hall, await me.post(whip(exam), content=b"\xff", headers=HEAD), before, 400, "sdp", "UTF-8")
    huge = await me.post(whip(exam), content="v" * 70_000, headers=HEAD)
    await refused(exam.hall, huge, before, 413, "", "at most")
    nothing = await me.post(whip(exam, "microphone"), content=OFFER, headers=HEAD)
    await refused(exam.hall, nothing, before, 404, "", "no such track")
    early = await exam.candidates[1].post(whip(exam, number=1), content=OFFER, headers=HEAD)
    await refused(exam.hall, early, before, 409, "session", "start the exam")


async def test_a_number_that_a_dead_process_took_is_left_behind(exam: Exam, worker: FakeMedia) -> None:
    worker.refusal = Refusal(field="connection", rule="was used before", status=409)
    answer = await exam.candidates[0].post(whip(exam, "screen"), content=OFFER, headers=HEAD)
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{whip(exam, 'screen')}/2"


async def test_after_an_answer_that_got_lost_another_offer_gets_its_own(
    exam: Exam, worker: FakeMedia, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = exam.candidates[0]
    before = (await me.post(whip(exam), content=OFFER, headers=HEAD)).headers["etag"]
    worker.mute = True
    with monkeypatch.context() as patch:
        patch.setattr("api.whip.PATIENCE_S", 0.2)
        assert (await me.post(whip(exam), content=OFFER, headers=HEAD)).status_code == 503
    another = OFFER + "a=ice-ufrag:another\r\n"
    answer = await me.post(whip(exam), content=another, headers=HEAD)
    assert (answer.status_code, answer.text) == (201, f"v=0 {len(another)}")
    assert int(answer.headers["etag"].strip('"')) == int(before.strip('"')) + 2


async def test_both_tracks_go_to_one_worker_and_sessions_are_spread(hall: Hall) -> None:
    nats, workers = hall.services.nats, hall.services.workers
    async with FakeMedia(nats, "w1"), FakeMedia(nats, "w2"), FakeMedia(nats, "w3"):
        while len(workers.alive()) < 3:
            await asyncio.sleep(0.02)
        chosen = [workers.pick(f"session{n}") for n in range(300)]
        assert chosen == [workers.pick(f"session{n}") for n in range(300)]
        assert all(chosen.count(worker) > 60 for worker in ("w1", "w2", "w3"))


async def test_whose_worker_is_gone_is_told_once_to_publish_again(exam: Exam) -> None:
    held = LiveTrack(tenant="main", session=exam.sessions[0], track="camera", connection=1, quiet_s=0)
    async with Reader(exam.candidates[0], f"/api/v1/sessions/{exam.sessions[0]}/stream") as stream:
        async with FakeMedia(exam.hall.services.nats, "w-dies") as dies:
            dies.tracks = (held,)
            await asyncio.sleep(1.5)
        await stream.until("publish_again")
        async with FakeMedia(exam.hall.services.nats, "w-next") as following:
            following.tracks = (held,)
            await asyncio.sleep(1.5)
        await stream.until("publish_again")
        with pytest.raises(TimeoutError):
            await stream.until("publish_again", within_s=2.5)
