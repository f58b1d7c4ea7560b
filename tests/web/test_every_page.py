"""Every address of the pages, opened by somebody who may see it: nobody is kept out, and nothing is cut off."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser

from tests.api.hall import Hall
from tests.web.house import a_house
from tests.web.looking import violations
from tests.web.walk import STOPS, Visit, routes, views, walk

BEYOND = """() => document.documentElement.scrollWidth <= innerWidth ? "" : [...document.querySelectorAll("main *")]
  .filter((one) => one.getBoundingClientRect().right > innerWidth && !one.closest(".wide"))
  .map((one) => one.cloneNode().outerHTML).slice(0, 4).join(" ")"""
NOBODY = "the server responded with a status of 401"  # where nobody is signed in, a page asks who is


def test_every_address_is_looked_at() -> None:
    assert routes() == {stop.route for stop in STOPS if stop.route}


@pytest.mark.slow
async def test_every_page_is_there_for_everybody_at_every_size(hall: Hall, browser: Browser) -> None:
    wrong: list[str] = []
    async with a_house(hall) as house:
        async for visit in walk(browser, house):
            wrong += [f"{visit.stop.name}: {what}" for what in await faults(visit)]
    assert not wrong, "\n".join(wrong)


async def faults(visit: Visit) -> list[str]:
    page, found = visit.page, []
    if (heads := await page.locator("h1:visible").count()) != 1:
        found.append(f"{heads} headings of the first level")
    if visit.stop.titled not in (title := await page.title()) or not re.search(r"\w - Vigil$", title):
        found.append(f"its title is {title!r}")
    async for view in views(page):
        if view != "telephone-dark":  # its colours and its places were judged before
            found += [f"{view}: {one}" for one in await violations(page)]
        if beyond := await page.evaluate(BEYOND):
            found.append(f"{view}: beyond the edge of the screen: {beyond}")
    return found + [line for line in visit.heard if visit.stop.who or NOBODY not in line]
