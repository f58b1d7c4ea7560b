"""In a real browser: whom to call when the page does not work, what is allowed, and how to be seen well."""

from __future__ import annotations

from functools import partial

from playwright.async_api import Browser, expect

from commands import sessions
from domain.sight import BLANK, FAULT, WHY
from tests.api.hall import Hall, an_exam, sit
from tests.api.test_pages import browser
from tests.web.looking import a_page
from tests.web.walls import at_the_wall, focus, tile

__all__ = ["browser"]

CONTACT = {"emergency_phone": "+43 1 58801", "emergency_email": "exams@example.org"}


async def test_a_candidate_knows_whom_to_call_also_without_a_connection(hall: Hall, browser: Browser) -> None:
    exam = await an_exam(hall)
    assert (await exam.planner.patch(f"/api/v1/schedules/{exam.schedule}", json=CONTACT)).status_code == 204
    async with a_page(browser) as page:
        await page.goto(f"{hall.url}/join#{exam.links[0].rpartition('#')[2]}")
        await expect(page.get_by_text("Before you begin")).to_be_visible()
        told = page.locator("#emergency")
        await expect(told).to_have_text("If this page does not work: +43 1 58801 or exams@example.org.")
        await expect(told.get_by_role("link", name="+43 1 58801")).to_have_attribute("href", "tel:+43158801")
        assert (
            await exam.planner.delete(f"/api/v1/schedules/{exam.schedule}/candidates/{exam.sessions[0]}")
        ).status_code == 204
        lost = page.locator("#connection")
        await expect(lost).to_contain_text("call +43 1 58801 or write to exams@example.org", timeout=30_000)
        await page.route("**/api/v1/**", lambda route: route.abort())
        await page.reload()  # the front door does not answer
        await expect(page.locator("#problem")).to_be_visible()
        await expect(told).to_contain_text("+43 1 58801")


async def test_what_is_allowed_is_shown_to_who_watches_and_to_the_candidate(hall: Hall, browser: Browser) -> None:
    exam = await an_exam(hall)
    grant = {"session": exam.sessions[0], "extra_time_percent": 25, "people": ["reader"], "objects": ["a cushion"]}
    answer = await exam.planner.post(f"/api/v1/schedules/{exam.schedule}/accommodations", json=grant)
    assert answer.status_code == 200, answer.text
    words = "Allowed: 25% more time; in view: reader; on the desk: a cushion. Not looked for: several people, voice."
    async with a_page(browser) as page:
        await page.goto(f"{hall.url}/join#{exam.links[0].rpartition('#')[2]}")
        await expect(page.locator("#allowed")).to_have_text(words)
    async with a_page(browser) as page:
        await at_the_wall(page, exam)
        await focus(page)
        await expect(page.locator("#allowed")).to_have_text(words)


async def test_who_cannot_be_seen_well_is_told_what_helps_and_who_watches_is_told_too(
    hall: Hall, browser: Browser
) -> None:
    exam = await an_exam(hall)
    session = await sit(exam)
    why = WHY["too_dark"]
    opened = partial(sessions.open_fault, name=session, what=FAULT, why=why, cause="device")
    async with a_page(browser) as candidate, a_page(browser) as watcher:
        told = candidate.locator("#guidance")
        await candidate.goto(f"{hall.url}/join#{exam.links[0].rpartition('#')[2]}")
        await expect(candidate.get_by_role("heading", name="System check")).to_be_visible()
        await expect(told).to_be_hidden()
        await at_the_wall(watcher, exam)
        await hall.act("dark", opened)
        await expect(told).to_have_text(
            "We cannot see you well: it is too dark. More light on your face helps. It is not held against you."
        )
        await expect(tile(watcher)).to_contain_text("cannot see well: it is too dark")
        await hall.act("light", partial(sessions.close_fault, name=session, what=FAULT))
        await expect(told).to_be_hidden()
        await expect(watcher.get_by_text("cannot see well")).to_have_count(0)


async def test_whose_screen_shows_nothing_is_told_what_helps_and_who_watches_is_told_too(
    hall: Hall, browser: Browser
) -> None:
    exam = await an_exam(hall)
    session = await sit(exam)
    opened = partial(sessions.open_fault, name=session, what=BLANK, why=WHY["black"], cause="device")
    async with a_page(browser) as candidate, a_page(browser) as watcher:
        told = candidate.locator("#guidance")
        await candidate.goto(f"{hall.url}/join#{exam.links[0].rpartition('#')[2]}")
        await expect(candidate.get_by_role("heading", name="System check")).to_be_visible()
        await at_the_wall(watcher, exam)
        await hall.act("locked", opened)
        await expect(told).to_have_text(
            "Your shared screen shows nothing: it is black. If your computer is locked, unlock it; else reload this"
            " page and share your whole screen again. It is not held against you."
        )
        await expect(tile(watcher)).to_contain_text("screen shows nothing: it is black")
        await hall.act("unlocked", partial(sessions.close_fault, name=session, what=BLANK))
        await expect(told).to_be_hidden()
        await expect(watcher.get_by_text("screen shows nothing")).to_have_count(0)
