"""A candidate in a real Chromium, on a network that loses, delays and for a while stops everything.

What could be recorded is recorded, what is missing is told, and the page brings it later out of its own copy.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Browser, Page, expect

from domain.late import missing
from domain.phase import Track
from domain.recording import DECIDER, Recording
from domain.stream import Stream
from media import worker as media_worker
from media.worker import MediaWorker
from tests.api.hall import Exam, Hall, an_exam
from tests.api.test_admission_pages import link
from tests.api.test_pages import a_media_worker, browser
from tests.media.hall import watch
from tests.media.lossy import LossyNetwork
from tests.web.looking import a_page, enter
from tests.web.seat import sits
from vigil.delivery import upload
from vigil.door import Media
from vigil.wiring import spool

__all__ = ["browser"]

TRACKS: tuple[Track, ...] = ("camera", "screen")
LOSS, JITTER_S = 0.1, 0.3
LOSSY_S, AWAY_S = 25, 20


@pytest.fixture
def network() -> LossyNetwork:
    return LossyNetwork(incoming=0.0, outgoing=0.0)


@pytest.fixture
async def media(hall: Hall, network: LossyNetwork, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MediaWorker]:
    """A media process on this network, and the one that stores what it records."""
    monkeypatch.setattr(media_worker, "open_socket", network.open_socket)
    uploading = asyncio.create_task(upload(hall.core))
    async with a_media_worker(hall, "far", spool(hall.core.settings)) as worker:
        yield worker
    uploading.cancel()
    await asyncio.gather(uploading, return_exceptions=True)


async def tape_of(exam: Exam, track: Track) -> Recording:
    stream = str(Stream("main", "recording", f"{exam.sessions[0]}.{track}"))
    return (await exam.hall.services.handler.load(DECIDER, stream, fresh=True))[1]


async def cut_off(
    page: Page, network: LossyNetwork, seconds: float, meanwhile: Callable[[], Awaitable[None]] | None = None
) -> tuple[datetime, datetime]:
    """Nothing gets through for so long, neither media nor anything else. Returns from when to when."""
    network.cut = True
    await page.context.set_offline(offline=True)
    began = datetime.now(UTC)
    if meanwhile:
        await meanwhile()
    await asyncio.sleep(seconds - (datetime.now(UTC) - began).total_seconds())
    network.cut = False
    await page.context.set_offline(offline=False)
    return began, datetime.now(UTC)


@pytest.mark.slow
@pytest.mark.alone
async def test_a_bad_network_costs_nothing_that_the_page_cannot_bring_later(
    hall: Hall,
    browser: Browser,
    media: MediaWorker,
    network: LossyNetwork,
) -> None:
    hall.clock.ahead = timedelta(
        minutes=-2
    )  # by as much it is put forward to open an exam: now it is that of the media
    exam = await an_exam(hall)
    async with a_page(browser) as page:
        await page.goto(link(exam))
        await sits(page)
        began = datetime.now(UTC)
        network.incoming, network.jitter_s = LOSS, JITTER_S
        await asyncio.sleep(LOSSY_S)
        away_from, away_to = await cut_off(page, network, AWAY_S)
        for track in TRACKS:
            await expect(page.locator(f"#{track}-state")).to_have_text("● recording", timeout=40_000)
        await asyncio.sleep(LOSSY_S)
        network.incoming = network.jitter_s = 0.0
        ended = datetime.now(UTC)
        before = {track: await tape_of(exam, track) for track in TRACKS}
        await page.get_by_role("button", name="Hand in and end the exam").click()
        await page.get_by_role("button", name="Hand in", exact=True).click()
        await expect(page.locator("#step-end")).to_be_visible()
        late_by = time.monotonic() + 120
        for track in TRACKS:
            while not (tape := await tape_of(exam, track)).finished or not tape.late:
                assert time.monotonic() < late_by, f"the {track} is not finished: {tape.late}, {missing(tape)}"
                await asyncio.sleep(0.5)

    print(f"\n{network.lost} packets lost, {network.passed} passed")
    for track in TRACKS:
        tape = await tape_of(exam, track)
        recorded = seconds((s.started_at, s.ended_at) for s in tape.segments)
        gone = seconds((g.started_at, g.ended_at) for g in tape.gaps)
        late = seconds((s.segment.started_at, s.segment.ended_at) for s in tape.late)
        whole = (max(s.ended_at for s in tape.segments) - min(s.started_at for s in tape.segments)).total_seconds()
        print(
            f"{track}: {recorded:.1f} of {whole:.1f} s recorded live ({recorded / whole:.0%}), {gone:.1f} s in"
            f" {len(tape.gaps)} gaps ({', '.join(g.why for g in tape.gaps)}), {late:.1f} s of them filled late;"
            f" {sum(late_before(before[track])):.1f} s before the end of the exam"
        )
        (cut,) = [g for g in tape.gaps if g.started_at < away_to and g.ended_at > away_from]
        assert abs((cut.started_at - away_from).total_seconds()) < 3
        assert cut.ended_at >= away_to - timedelta(seconds=1)
        assert recorded + gone == pytest.approx(whole, abs=0.5 * (len(tape.gaps) + 1)), "gaps are what is missing"
        outside = whole - (cut.ended_at - cut.started_at).total_seconds()
        assert recorded / outside > 0.8, "packets that are lost are asked for again"
        assert late > 0.9 * gone
        data = await film(hall, exam, track)
        seen = watch(data)
        assert seen.monotonic
        assert seen.decoded == seen.packets
        start = min(s.started_at for s in tape.segments)
        begins, ends = ((at - start).total_seconds() for at in (away_from + timedelta(seconds=3), away_to))
        shown = [at for at in seen.times["video"] if begins < at < ends]
        longest = max(b - a for a, b in itertools.pairwise(shown))
        print(f"{track}: {len(shown)} pictures of the time that was cut off are there, at most {longest:.1f} s apart")
        assert longest < 2
        assert tape.finalised
        assert tape.finalised.duration_s == pytest.approx(whole, abs=1)
    assert (ended - began).total_seconds() > 2 * LOSSY_S + AWAY_S
    reviewer = await hall.as_a("reviewer")
    told = (await reviewer.get(f"/api/v1/sessions/{exam.sessions[0]}/recordings")).json()["recordings"]
    camera, screen = (datetime.fromisoformat(one["started_at"]) for one in told)
    async with a_page(browser) as page:
        await plays_in_step(page, exam, (camera - screen).total_seconds())


async def plays_in_step(page: Page, exam: Exam, ahead_s: float) -> None:
    """A reviewer jumps to the gap and sees what came late, camera and screen at the same time of the day."""
    await enter(page, exam.hall, "reviewer@example.org", f"/sessions/{exam.sessions[0]}")
    media = page.locator("#record-media")
    await expect(media).to_contain_text("nothing came (lost). No finding.")
    await expect(media).to_contain_text("nobody saw it live")
    await page.wait_for_function(
        "() => [...document.querySelectorAll('#record-media video')].filter((v) => v.readyState > 1).length == 2"
    )
    await media.get_by_role("button", name="Go to").first.click()
    camera = media.get_by_label("Camera", exact=True)
    at = await camera.evaluate("(video) => (video.play(), video.currentTime)")
    await page.wait_for_function(PLAYED, arg=at)
    at_s, on_screen_s = await page.evaluate(TIMES)
    apart = abs(at_s + ahead_s - on_screen_s)
    print(f"camera and screen are shown {1000 * apart:.0f} ms apart")
    assert apart < 0.3


PLAYED = "(at) => document.querySelector('#record-media video').currentTime > at + 3"
TIMES = "() => [...document.querySelectorAll('#record-media video')].map((video) => video.currentTime)"


def seconds(spans: Iterable[tuple[datetime, datetime]]) -> float:
    """How long they last together. They may overlap a little: where a stream's clock becomes surer it is set."""
    total, reached = timedelta(), datetime.min.replace(tzinfo=UTC)
    for start, end in sorted(spans):
        total += max(timedelta(), end - max(start, reached))
        reached = max(reached, end)
    return total.total_seconds()


def late_before(tape: Recording) -> list[float]:
    return [(s.segment.ended_at - s.segment.started_at).total_seconds() for s in tape.late]


async def film(hall: Hall, exam: Exam, track: Track) -> bytes:
    """The finished file, as a player gets it."""
    playing = await Media(hall.core).recording("main", f"{exam.sessions[0]}.{track}")
    assert playing
    return b"".join([piece async for piece in playing.read(0, playing.size)])
