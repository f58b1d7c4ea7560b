"""`python -m tests.tour [FOLDER]` follows the README's five-minute tour in a Chromium, and takes its pictures.

It starts `vigil demo`, opens what that prints, and does what the README says. What is not on the screen as the README
says ends it. The pictures go to `docs/tour`, which the README shows, or to FOLDER.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from playwright.async_api import Browser, Page, expect

from tests import chromium

DOCS = Path(__file__).parents[1] / "docs" / "tour"
SIZE = {"width": 1360, "height": 850}
BEGINS_S = 180
ROLES = ("planner", "invigilator", "lead invigilator", "reviewer", "auditor", "data protection officer", "admin")


class Printed(msgspec.Struct, kw_only=True):
    """What the demo prints when its story is over: addresses, and e-mail address and password by role."""

    wall: str = ""
    seat: str = ""
    sign_ins: dict[str, tuple[str, str]] = {}

    def read(self, line: str) -> bool:
        """Takes what is in a line. Whether everything is there by now."""
        if found := re.search(r"the wall of the exam that goes on\s+(\S+)", line):
            self.wall = found[1]
        elif found := re.search(r"a seat in it, for you to sit it\s+(\S+)", line):
            self.seat = found[1]
        elif found := re.match(rf"\s+({'|'.join(ROLES)})\s+(\S+@\S+)\s+(\S+)$", line):
            self.sign_ins[found[1]] = (found[2], found[3])
        return len(self.sign_ins) == len(ROLES)


@asynccontextmanager
async def a_demo(**environment: str) -> AsyncIterator[Printed]:
    """The demo, its story over and its exam going on; ended as a user ends it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "vigil", "demo", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "400", **environment},
    )  # fmt: skip
    assert process.stdout
    printed = Printed()
    try:
        async with asyncio.timeout(BEGINS_S):
            while not printed.read(line := (await process.stdout.readline()).decode().rstrip()):
                print(line)
                assert not process.stdout.at_eof(), "the demo ended before its exam began"
        reading = asyncio.create_task(process.stdout.read())
        yield printed
        reading.cancel()
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 60)


class Tour:
    """One visitor: a browser for the staff, and another one for the candidate."""

    def __init__(self, browser: Browser, printed: Printed, folder: Path) -> None:
        self._browser = browser
        self._printed = printed
        self._folder = folder
        self._base = printed.wall.partition("/schedules")[0]

    async def follow(self) -> None:
        """All of it, in the order of the README."""
        wall = await self._as("invigilator", self._printed.wall)
        await self._watch(wall)
        candidate = await self._sit()
        await self._meet(wall, candidate)
        await self._plan(await self._as("planner", f"{self._base}/schedules"))
        await self._review(await self._as("reviewer", f"{self._base}/schedules"))
        await self._audit(await self._as("auditor", f"{self._base}/schedules"))

    async def _watch(self, wall: Page) -> None:
        await expect(wall.get_by_text("● live")).to_be_visible()
        picture = wall.get_by_role("img", name="Camera of Ana Costa")
        await expect(picture).to_be_visible(timeout=20_000)
        await wall.get_by_role("button", name="Ana Costa", exact=True).click()
        await expect(wall.get_by_role("heading", name="Ana Costa")).to_be_visible()
        await wall.wait_for_timeout(4000)  # the live picture
        await self._take(wall, "wall")
        await wall.keyboard.press("Escape")

    async def _sit(self) -> Page:
        page = await self._page()
        await page.goto(self._printed.seat)
        await expect(page.get_by_role("heading", name="Before you begin")).to_be_visible()
        await self._take(page, "notice")
        await page.get_by_role("button", name="I have read this and go on").click()
        await page.get_by_role("button", name="Run the checks").click()
        start = page.get_by_role("button", name="Start the exam")
        await expect(start).to_be_enabled(timeout=20_000)
        await start.click()
        await expect(page.locator("#camera-state")).to_have_text("● recording", timeout=20_000)
        await self._take(page, "exam")
        return page

    async def _meet(self, wall: Page, candidate: Page) -> None:
        await wall.get_by_role("button", name="You", exact=True).click()
        await wall.get_by_label("Message to the candidate").fill("Hello! Can you hear me?")
        await wall.keyboard.press("Enter")
        await expect(candidate.locator("#chat")).to_contain_text("Hello! Can you hear me?")
        await wall.get_by_role("button", name="Pause You").click()
        cover = candidate.get_by_role("alertdialog")
        await expect(cover).to_be_visible()
        await self._take(candidate, "paused")
        await expect(wall.get_by_role("button", name="Resume You")).to_be_visible()
        await wall.get_by_role("button", name="Resume You").click()
        await expect(cover).to_be_hidden()

    async def _plan(self, page: Page) -> None:
        await page.get_by_role("link", name="Physiology I").first.click()
        await expect(page.get_by_text("What candidates are told")).to_be_visible()
        await self._take(page, "plan")

    async def _review(self, page: Page) -> None:
        """The exam that the demo's story was about."""
        line = page.get_by_role("row").filter(has_text="Anatomy II").last
        await line.get_by_role("link", name="Gradebook").click()
        await expect(page.get_by_role("heading", name="Gradebook: Anatomy II")).to_be_visible()
        await page.get_by_role("link", name="Candidate 1").click()
        await expect(page.get_by_text("That you opened this recording is on the record.")).to_be_visible()
        await page.get_by_role("region", name="Timeline").get_by_role("button").first.click()
        await page.wait_for_timeout(2000)  # the films come to that moment
        await page.evaluate("scrollTo(0, 0)")
        await self._take(page, "record")

    async def _audit(self, page: Page) -> None:
        """The same, for who does not trust whoever ran it."""
        line = page.get_by_role("row").filter(has_text="Anatomy II").last
        await line.get_by_role("link", name="Gradebook").click()
        await page.get_by_role("link", name="Candidate 1").click()
        await page.wait_for_url("**/sessions/*")
        await page.goto(f"{page.url.partition('?')[0]}/timeline")
        await page.get_by_role("button", name="Check the proofs in this browser").click()
        await expect(page.get_by_text("Checkpoint signature: valid.")).to_be_visible()
        await self._take(page, "timeline")

    async def _as(self, role: str, address: str) -> Page:
        page = await self._page()
        email, password = self._printed.sign_ins[role]
        await page.goto(address)
        await page.get_by_label("E-mail address").fill(email)
        await page.get_by_label("Password").fill(password)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        return page

    async def _page(self) -> Page:
        context = await self._browser.new_context(locale="en-GB", viewport=SIZE, color_scheme="light")
        return await context.new_page()

    async def _take(self, page: Page, name: str) -> None:
        await page.screenshot(path=self._folder / f"{name}.png")
        print(f"  {name}.png", flush=True)


async def main(folder: Path, **environment: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    async with a_demo(**environment) as printed, chromium.running() as browser:
        await Tour(browser, printed, folder).follow()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS))
