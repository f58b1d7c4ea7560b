"""A page in a real Chromium, on which whatever a user should never meet fails the test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page

from tests.api.hall import BROWSER, PASSWORD, Hall

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@asynccontextmanager
async def a_page(browser: Browser, device: str = BROWSER, **context: Any) -> AsyncIterator[Page]:  # noqa: ANN401
    """A page of its own, on which every error of a script or of the content policy fails the test.

    `device` is what this browser tells of itself when a join link is opened in it.
    """
    own = await browser.new_context(**{"locale": "en-GB", **context})
    await own.add_init_script(f"try {{ localStorage.setItem('vigil-device', '{device}') }} catch {{}}")
    page = await own.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda line: wrong.append(line.text) if "Content Security Policy" in line.text else None)
    yield page
    await own.close()
    assert wrong == []


async def enter(page: Page, hall: Hall, email: str, at: str = "/") -> None:
    """Opens an address as somebody who signs in there."""
    await page.goto(hall.url + at)
    await page.get_by_label("E-mail address").fill(email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()


async def violations(page: Page) -> list[str]:
    """What axe finds wrong for people who use a page by keyboard, screen reader or with other eyes (WCAG 2.2 AA).

    Each as the rule and the elements it is about.
    """
    await page.evaluate(AXE.read_text())
    found = await page.evaluate("tags => axe.run(document, { runOnly: tags })", TAGS)
    return [f"{one['id']}: {', '.join(str(node['target']) for node in one['nodes'])}" for one in found["violations"]]


async def films_ready(page: Page) -> None:
    """Waits until the camera and the screen of a record can be played."""
    await page.wait_for_function(
        "() => [...document.querySelectorAll('video')].filter((v) => v.readyState > 1).length == 2"
    )
