"""The candidate's page keeps a copy of its own and sends what is missing; the server's part is played by routes."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urlsplit

import av
import pytest
from playwright.async_api import Browser, Page, Route, expect

from media.worker import MediaWorker
from tests.api.hall import Clock, Exam, Hall, an_exam
from tests.api.test_admission_pages import link
from tests.api.test_pages import browser, media
from tests.api.test_signals import flags
from tests.web.looking import a_page
from tests.web.seat import runs_the_checks, sits

__all__ = ["browser", "media"]

S = timedelta(seconds=1)
CUT = """
  const Plain = window.RTCPeerConnection;
  const peers = [];
  window.RTCPeerConnection = class extends Plain {
    constructor(...told) {
      super(...told);
      peers.push(this);
    }
  };
  window.cut = () => {
    for (const peer of peers.splice(0)) {
      Object.defineProperty(peer, "connectionState", { value: "failed" });
      peer.onconnectionstatechange?.();
    }
  };
"""
NO_ROOM_FOR = """(room) => {
  const add = IDBObjectStore.prototype.add;
  const remove = IDBObjectStore.prototype.delete;
  IDBObjectStore.prototype.add = function (piece) {
    if (room <= 0) throw new DOMException("no room", "QuotaExceededError");
    room -= 1;
    return add.call(this, piece);
  };
  IDBObjectStore.prototype.delete = function (id) {
    room += 1;
    return remove.call(this, id);
  };
}"""
HELD = """() => new Promise((resolve) => {
  const opening = indexedDB.open("vigil-local-copy");
  opening.onsuccess = () => {
    const all = opening.result.transaction("pieces").objectStore("pieces").getAll();
    all.onsuccess = () => resolve(all.result.map(({ track, started, ended }) => ({ track, started, ended })));
  };
})"""


LEFT_BEHIND = """() => new Promise((resolve) => {
  const opening = indexedDB.open("vigil-local-copy");
  opening.onsuccess = () => {
    const ended = Date.now() - 25 * 3600_000;
    const piece = { session: "another", track: "camera", started: ended - 6000, ended };
    opening.result.transaction("pieces", "readwrite").objectStore("pieces").add(piece).onsuccess = () => resolve();
  };
})"""


@dataclass
class Piece:
    """One that has been sent, by the server's clock."""

    track: str
    started_at: datetime
    ended_at: datetime
    body: bytes = field(repr=False)


@dataclass
class Late:
    """What the server would answer: of each track `gaps` and how far it is `settled`, and a `status` for what is sent.

    While it `flows`, that is up to two seconds ago. Its clock is minutes ahead of the device's.
    """

    clock: Clock
    gaps: list[tuple[datetime, datetime]] = field(default_factory=list)
    settled: datetime | None = None
    flows: bool = False
    status: int = 201
    asked: int = 0
    tried: list[str] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    stills: list[tuple[str, bytes]] = field(default_factory=list)

    async def answer(self, route: Route) -> None:
        at = urlsplit(route.request.url)
        said = {name: values[0] for name, values in parse_qs(at.query).items()}
        _, kind, track, *more = at.path.partition("/sessions/")[2].split("/")
        if kind == "stills":
            self.stills.append((track, route.request.post_data_buffer or b""))
            await route.fulfill(status=201, json={})
        elif route.request.method == "GET":
            self.asked += 1
            gaps = [{"started_at": a.isoformat(), "ended_at": b.isoformat()} for a, b in self.gaps]
            until = self.clock() - 2 * S if self.flows else self.settled
            told = {"settled_until": until.isoformat() if until else None, "gaps": gaps}
            await route.fulfill(json=told | {"now": self.clock().isoformat()})
        else:
            await self._take(route, track, more[0], said)

    async def _take(self, route: Route, track: str, named: str, said: dict[str, str]) -> None:
        body = route.request.post_data_buffer or b""
        assert sha256(body).hexdigest() == named
        assert route.request.headers["content-type"] == "video/webm"
        self.tried.append(named)
        if self.status != 201:
            return await route.fulfill(status=self.status, json={}, headers={"Retry-After": "1"})
        skew = timedelta(milliseconds=float(said["skew_ms"]))
        times = [datetime.fromisoformat(said[name]) - skew for name in ("started_at", "ended_at")]
        piece = Piece(track, times[0], times[1], body)
        self.pieces.append(piece)
        filled = [
            {"started_at": max(a, times[0]).isoformat(), "ended_at": min(b, times[1]).isoformat()}
            for a, b in self.gaps
            if max(a, times[0]) < min(b, times[1])
        ]
        return await route.fulfill(status=201, json={"filled": filled})


@asynccontextmanager
async def a_candidate(hall: Hall, browser: Browser, **limits: int) -> AsyncIterator[tuple[Page, Exam, Late]]:
    """At the start of their exam, on a page of which these limits are others (web/src/candidate/media/limits.ts)."""
    exam, late = await an_exam(hall), Late(hall.clock)
    async with a_page(browser) as page:
        await page.add_init_script(CUT)
        await page.route("**/assets/join-*.js", _with({"pieceMs": 2000} | limits))
        await page.route(re.compile(r"/sessions/[^/]+/(late|stills)/"), late.answer)
        await page.goto(link(exam))
        await sits(page)
        yield page, exam, late


def _with(limits: dict[str, int]) -> Callable[[Route], Awaitable[None]]:
    async def answer(route: Route) -> None:
        text = await (await route.fetch()).text()
        for name, value in limits.items():
            text, changed = re.subn(rf"(?<=[{{,]){name}:[^,}}]+", f"{name}:{value}", text)
            assert changed == 1, name
        await route.fulfill(body=text, content_type="text/javascript")

    return answer


async def until(look: Callable[[], object], within_s: float = 90) -> None:
    async with asyncio.timeout(within_s):
        while not look():
            await asyncio.sleep(0.05)


async def away(page: Page, clock: Clock, seconds: float) -> tuple[datetime, datetime]:
    """Cuts the page off for a while. From when to when, by the server's clock."""
    await page.route("**/whip/**", lambda route: route.abort())
    lost = clock()
    await page.evaluate("cut()")
    await page.wait_for_timeout(seconds * 1000)
    await page.unroute("**/whip/**")
    for track in ("camera", "screen"):
        await expect(page.locator(f"#{track}-state")).to_have_text("● recording", timeout=60_000)
    return lost, clock()


async def held_since(page: Page, moment: datetime) -> list[dict[str, Any]]:
    """Pieces of the page that end later, by the device's clock."""
    return [one for one in await page.evaluate(HELD) if one["ended"] / 1000 >= moment.timestamp()]


def frames(piece: Piece) -> list[tuple[float, bool]]:
    """When each picture of a piece is shown, in seconds from its beginning, and whether it is a key frame."""
    with av.open(io.BytesIO(piece.body), "r") as file:
        video = file.streams.video[0]
        assert video.codec_context.name == "vp8"
        assert bool(file.streams.audio) == (piece.track == "camera")
        return [(float(p.pts * p.time_base), p.is_keyframe) for p in file.demux(video) if p.size and p.pts is not None]


SOON = {"soonMs": 500, "askMs": 1000, "restMs": 100}


async def test_just_what_is_missing_is_sent_and_what_is_safe_is_forgotten(
    hall: Hall, browser: Browser, media: MediaWorker
) -> None:
    async with a_candidate(hall, browser, **SOON) as (page, _, late):
        await page.wait_for_timeout(4000)
        lost, back = await away(page, hall.clock, 4)
        assert not late.tried, "nothing is sent while the connection does not stand"
        late.status = 503
        late.gaps = [(lost, back)]
        await until(lambda: len(late.tried) > len(set(late.tried)))  # the same one again
        await expect(page.locator("#copy-said")).to_contain_text("Your device sends it now", timeout=15_000)
        late.status = 201
        await until(lambda: {p.track for p in late.pieces if p.ended_at >= back} == {"camera", "screen"})
        for track in ("camera", "screen"):
            sent = [piece for piece in late.pieces if piece.track == track]
            assert all(piece.started_at < back and piece.ended_at > lost for piece in sent)
            assert sent[0].started_at <= lost
            for one, following in pairwise(sent):
                assert following.started_at - one.ended_at < S / 10, "nothing is lost between"
            for piece in sent:
                shown = frames(piece)
                assert shown[0][1], "it begins with a key frame"
                lasts = (piece.ended_at - piece.started_at).total_seconds()
                assert shown[-1][0] > 0.7 * lasts, "a machine that has much to do is late with its last pictures"
        settled = hall.clock()
        late.gaps, late.settled = [], settled
        await expect(page.locator("#copy-said")).to_have_text(
            "What was missing in your recording has been sent.", timeout=30_000
        )

        safe = settled - hall.clock.ahead - S
        async with asyncio.timeout(30):
            while len(await held_since(page, safe)) < len(await page.evaluate(HELD)):
                await page.wait_for_timeout(100)


async def test_it_goes_on_after_the_page_was_loaded_again_and_after_the_exam(
    hall: Hall, browser: Browser, media: MediaWorker
) -> None:
    async with a_candidate(hall, browser, **SOON) as (page, exam, late):
        await page.wait_for_timeout(2000)
        lost, back = await away(page, hall.clock, 3)
        late.gaps, late.status = [(lost, back)], 503
        await until(lambda: late.tried)
        await page.evaluate(LEFT_BEHIND)
        while {one["track"] for one in await held_since(page, back - hall.clock.ahead)} != {"camera", "screen"}:
            await page.wait_for_timeout(200)  # what a page is recording goes with it
        await page.reload()
        late.tried.clear()
        await runs_the_checks(page, "Go back to the exam")
        await until(lambda: late.tried)
        await page.get_by_role("button", name="Hand in and end the exam").click()
        await page.get_by_role("button", name="Hand in", exact=True).click()
        said = page.locator("#copy-end")
        parts = re.compile(r"Still being sent: \d+ s of your camera and \d+ s of your screen")
        await expect(said).to_contain_text(parts)
        await expect(said).to_contain_text("please leave this page open")
        late.status = 201
        await until(lambda: {p.track for p in late.pieces if p.ended_at >= back} == {"camera", "screen"})
        for track in ("camera", "screen"):
            assert min(p.started_at for p in late.pieces if p.track == track) <= lost, "before it was loaded again"
        await expect(said).to_contain_text("is being checked", timeout=15_000)
        late.gaps, late.settled = [], hall.clock()
        await expect(said).to_have_text(
            "All that your device held of your recording has arrived. You can close this page.", timeout=15_000
        )
        assert await page.evaluate(HELD) == [], "nor what another exam had left behind"
        session = exam.sessions[0]
        assert await flags(exam, session) == []


async def test_a_server_that_wants_nothing_keeps_nobody_waiting(
    hall: Hall, browser: Browser, media: MediaWorker
) -> None:
    async with a_candidate(hall, browser) as (page, _, __):
        await page.wait_for_timeout(1500)
        await page.route("**/late/**", lambda route: route.fulfill(status=404, json={}))
        await page.get_by_role("button", name="Hand in and end the exam").click()
        await page.get_by_role("button", name="Hand in", exact=True).click()
        await expect(page.get_by_role("heading", name="Your exam is over")).to_be_visible()
        await page.wait_for_timeout(2000)
        await expect(page.locator("#copy-end")).to_be_empty()


@pytest.mark.parametrize("how", ["bound", "quota"])
async def test_a_copy_that_is_full_says_so_and_is_a_fault_of_the_device(
    hall: Hall, browser: Browser, media: MediaWorker, how: str
) -> None:
    bounds = {"mostMs": 12_000} if how == "bound" else {}
    async with a_candidate(hall, browser, **bounds, **SOON) as (page, exam, late):
        late.flows = True
        said = page.locator("#copy-said")
        if how == "quota":
            await page.evaluate(NO_ROOM_FOR, 12)
        await page.wait_for_timeout(15_000)
        await expect(said).to_be_empty()
        late.flows, lost = False, hall.clock()
        await page.route("**/whip/**", lambda route: route.abort())
        await page.evaluate("cut()")
        await expect(said).to_contain_text("Your device has no more room to keep a copy", timeout=60_000)
        await expect(said).to_contain_text("not held against you")
        held = await page.evaluate(HELD)
        assert all(one["ended"] / 1000 > (lost - hall.clock.ahead).timestamp() - 15 for one in held)
        at = f"/api/v1/sessions/{exam.sessions[0]}"

        async def faults() -> list[str]:
            return list((await exam.candidates[0].get(f"{at}/view")).json()["session"]["faults"])

        for _ in range(100):
            if "local copy" in await faults():
                break
            await page.wait_for_timeout(100)
        assert "local copy" in await faults()
        assert await flags(exam, exam.sessions[0]) == []
        await page.unroute("**/whip/**")
        for track in ("camera", "screen"):
            await expect(page.locator(f"#{track}-state")).to_have_text("● recording", timeout=15_000)
        late.flows = True
        await expect(said).to_be_empty(timeout=15_000)
        await page.get_by_role("button", name="Hand in and end the exam").click()
        await page.get_by_role("button", name="Hand in", exact=True).click()
        await expect(page.locator("#copy-end")).to_contain_text("Your device could not keep", timeout=15_000)


async def test_stills_stand_in_while_the_connection_does_not(hall: Hall, browser: Browser, media: MediaWorker) -> None:
    async with a_candidate(hall, browser) as (page, _, late):
        await page.route("**/whip/**", lambda route: route.abort())
        await page.evaluate("cut()")
        await page.wait_for_timeout(8000)
        assert "screen" not in {track for track, _ in late.stills}
        for track in ("camera", "screen"):
            words = "pictures only: your network is slow"
            await expect(page.locator(f"#{track}-state")).to_have_text(words, timeout=15_000)
        await until(lambda: len(late.stills) >= 4)
        for track, body in late.stills:
            with av.open(io.BytesIO(body)) as file:
                picture = file.streams.video[0].codec_context
                assert (picture.name, picture.width) == ("mjpeg", {"camera": 640, "screen": 1280}[track])
            assert len(body) <= 60_000
        await page.unroute("**/whip/**")
        for track in ("camera", "screen"):
            await expect(page.locator(f"#{track}-state")).to_have_text("● recording", timeout=20_000)
        come = len(late.stills)
        await page.wait_for_timeout(11_000)
        assert len(late.stills) == come


async def test_stills_stand_in_for_a_camera_of_which_too_few_pictures_are_sent(
    hall: Hall, browser: Browser, media: MediaWorker
) -> None:
    async with a_candidate(hall, browser) as (page, _, late):
        await page.evaluate("""() => {
          const stats = new Map([["v", { type: "outbound-rtp", kind: "video", framesSent: 100 }]]);
          window.plain = RTCPeerConnection.prototype.getStats;
          RTCPeerConnection.prototype.getStats = async () => stats;
        }""")
        await expect(page.locator("#camera-state")).to_have_text("pictures only: your network is slow", timeout=20_000)
        assert {track for track, _ in late.stills} == {"camera"}
        await expect(page.locator("#screen-state")).to_have_text("● recording")
        await page.evaluate("() => void (RTCPeerConnection.prototype.getStats = window.plain)")
        await expect(page.locator("#camera-state")).to_have_text("● recording", timeout=15_000)
