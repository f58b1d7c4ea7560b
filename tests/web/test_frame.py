"""The frame of the staff's pages: signing in at any address, the menu, languages, and what everybody finds there."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.api.hall import Hall, an_exam
from tests.web.looking import a_page, enter, violations


async def test_whoever_signs_in_comes_to_the_address_that_they_opened(hall: Hall, browser: Browser) -> None:
    await an_exam(hall)
    async with a_page(browser) as page:
        await enter(page, hall, "invigilator@example.org", "/schedules")
        await expect(page.get_by_role("heading", name="Schedules")).to_be_visible()
        await expect(page.get_by_role("row").filter(has_text="Anatomy II").last).to_be_visible()
        await page.reload()
        await expect(page.get_by_role("row").filter(has_text="Anatomy II").last).to_be_visible()
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_a_wrong_password_is_said_in_the_servers_words(hall: Hall, browser: Browser) -> None:
    await hall.as_a("planner")
    async with a_page(browser) as page:
        await page.goto(f"{hall.url}/schedules")
        await page.get_by_label("E-mail address").fill("planner@example.org")
        await page.get_by_label("Password").fill("not this one")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("alert")).to_contain_text("the address or the password is wrong")


async def test_the_texts_come_in_another_language(hall: Hall, browser: Browser) -> None:
    await hall.as_a("planner")
    async with a_page(browser) as page:
        await enter(page, hall, "planner@example.org", "/schedules")
        await expect(page.get_by_role("heading", name="Schedules")).to_be_visible()
        await page.get_by_label("Language").select_option("de")
        await expect(page.get_by_role("heading", name="Termine")).to_be_visible()
        assert await page.locator("html").get_attribute("lang") == "de"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nobody_is_kept_out_by_the_frame(hall: Hall, browser: Browser, scheme: str) -> None:
    await an_exam(hall)
    async with a_page(browser, color_scheme=scheme) as page:
        await page.goto(f"{hall.url}/schedules")
        await expect(page.get_by_label("Password")).to_be_visible()
        assert await violations(page) == []
        await enter(page, hall, "planner@example.org", "/schedules")
        await expect(page.get_by_role("row").filter(has_text="Anatomy II").last).to_be_visible()
        assert await violations(page) == []


async def test_what_is_not_there_says_so(hall: Hall, browser: Browser) -> None:
    await hall.as_a("planner")
    async with a_page(browser) as page:
        await enter(page, hall, "planner@example.org", "/schedules/none/such")
        await expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
