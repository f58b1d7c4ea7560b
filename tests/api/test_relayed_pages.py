"""A candidate and an invigilator whose networks let only TCP through: camera and screen go over a TURN server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
from playwright.async_api import Browser, Page, expect

from api.app import create_app
from media.port import open_socket
from media.worker import MediaWorker
from tests.api.hall import Hall, an_exam
from tests.api.test_admission_pages import link
from tests.api.test_live_pictures import MOVES, TIMES
from tests.api.test_pages import browser, media
from tests.serving import serving
from tests.turn import SECRET, coturn
from tests.web.looking import a_page
from tests.web.seat import sits
from tests.web.walls import at_the_wall, focus

__all__ = ["browser", "media"]

ONLY_BY_RELAY = """
  const Plain = window.RTCPeerConnection;
  window.peers = [];
  window.RTCPeerConnection = class extends Plain {
    constructor(told) {
      super({ ...told, iceTransportPolicy: "relay" });
      window.peers.push(this);
    }
  };
"""
WAYS = """async () => {
  const ways = [];
  for (const peer of window.peers) {
    const stats = await peer.getStats();
    for (const transport of stats.values())
      if (transport.type === "transport") {
        const own = stats.get(stats.get(transport.selectedCandidatePairId).localCandidateId);
        ways.push(`${own.candidateType} over ${own.relayProtocol}`);
      }
  }
  return ways;
}"""


HOW_SOON = """
  const plain = RTCPeerConnection.prototype.setLocalDescription;
  const send = window.fetch;
  window.waits = [];
  let described = 0;
  RTCPeerConnection.prototype.setLocalDescription = async function (...told) {
    await plain.apply(this, told);
    described = performance.now();
  };
  window.fetch = (what, how) => {
    if (how?.headers?.["Content-Type"] === "application/sdp") window.waits.push(performance.now() - described);
    return send(what, how);
  };
"""


@asynccontextmanager
async def served(hall: Hall, server: str) -> AsyncIterator[Hall]:
    """The same hall where it is served with a TURN server."""
    services = replace(hall.services, ice_servers=(server,), turn_secret=SECRET)
    async with serving(create_app(services)) as url, httpx.AsyncClient(base_url=url, timeout=15) as http:
        yield replace(hall, url=url, http=http)


async def test_camera_and_screen_go_over_a_turn_server_both_ways(
    hall: Hall, browser: Browser, media: MediaWorker, tmp_path: Path
) -> None:
    with coturn(tmp_path, "--no-tls", "--no-dtls") as port:
        async with (
            served(hall, f"turn:127.0.0.1:{port}?transport=tcp") as there,
            a_page(browser) as candidate,
            a_page(browser) as page,
        ):
            exam = await an_exam(there)
            for one in (candidate, page):
                await one.add_init_script(ONLY_BY_RELAY)
            await candidate.goto(link(exam))
            await sits(candidate)
            await at_the_wall(page, exam)
            await focus(page)
            for track in ("camera", "screen"):
                await expect(page.locator(f"#live-{track}-state")).to_have_text(f"{track}: live", timeout=15_000)
            await page.wait_for_function(MOVES, arg=await page.evaluate(TIMES), timeout=15_000)
            assert await ways(candidate) == await ways(page) == ["relay over tcp"] * 2


async def test_a_turn_server_that_says_nothing_holds_up_nobody_who_needs_none(
    hall: Hall, browser: Browser, media: MediaWorker
) -> None:
    with open_socket("127.0.0.1", 0) as silent:
        server = f"turn:127.0.0.1:{silent.getsockname()[1]}"
        async with served(hall, server) as there, a_page(browser) as candidate:
            exam = await an_exam(there)
            await candidate.add_init_script(HOW_SOON)
            await candidate.goto(link(exam))
            await sits(candidate)
            waits: list[float] = await candidate.evaluate("waits")
    print(f"offers went out {', '.join(f'{ms:.0f}' for ms in waits)} ms after they were made")
    assert len(waits) == 2
    assert max(waits) < 1000


async def ways(page: Page) -> list[str]:
    """How the packets of each connection of a page go."""
    found: list[str] = await page.evaluate(WAYS)
    return found
