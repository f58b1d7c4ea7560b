"""The list of a schedule as it was at a moment, on a page: by a slider, by a time that is typed, by an address."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import Browser, Error, Locator, Page, Request, Route, expect

from tests.api.hall import Exam, Hall, an_exam, sit
from tests.api.test_live import flag
from tests.web.looking import a_page, enter, violations

V1 = "/api/v1"
STEP = timedelta(seconds=5)


@dataclass(frozen=True)
class Past:
    """Somebody sat an exam, and was flagged and paused more than two steps of the slider later."""

    exam: Exam
    sat_at: datetime
    paused_at: datetime

    def at(self, moment: datetime | str) -> str:
        """The address of the page at a moment or position."""
        return f"/schedules/{self.exam.schedule}/as-of?as_of={_iso(moment) if isinstance(moment, datetime) else moment}"


def _iso(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


@pytest.fixture(scope="module")
async def past(hall: Hall) -> Past:
    """The exam opened a quarter of an hour ago, and all else is done now: the ledger goes by the clock of its own."""
    hall.clock.ahead = timedelta(minutes=-15)
    exam = await an_exam(hall, candidates=2)
    hall.clock.ahead = timedelta()
    await sit(exam)
    sat_at = datetime.now(UTC) + timedelta(seconds=1)
    await asyncio.sleep(12)
    paused_at = datetime.now(UTC)
    await flag(exam, 0, "several")
    pause = {"kind": "pause", "sessions": [exam.sessions[0]]}
    answer = await exam.invigilator.post(f"{V1}/schedules/{exam.schedule}/interventions", json=pause)
    assert answer.is_success, answer.text
    await asyncio.sleep(1.5)
    return Past(exam, sat_at, paused_at)


def _asked(url: str) -> datetime:
    return datetime.fromisoformat(parse_qs(urlsplit(url).query)["as_of"][0])


def _first(page: Page) -> Locator:
    return page.get_by_role("row").filter(has_text="Candidate 0")


async def _moved(page: Page, key: str, before: datetime, by: timedelta) -> datetime:
    await page.keyboard.press(key)
    await page.wait_for_url(lambda url: _asked(url) == before + by)
    return before + by


async def test_the_list_goes_back_and_on_by_keyboard(hall: Hall, past: Past, browser: Browser) -> None:
    await hall.as_a("auditor")
    async with a_page(browser, viewport={"width": 1440, "height": 900}) as page:
        await enter(page, hall, "auditor@example.org", "/schedules")
        row = page.get_by_role("row").filter(has=page.locator(f'a[href*="{past.exam.schedule}"]'))
        await row.get_by_role("link", name="As it was: Anatomy II").click()
        await expect(_first(page)).to_contain_text("paused")
        await expect(_first(page)).to_contain_text("▲▲ high")
        await expect(_first(page)).to_contain_text("several people (high) since")
        said = page.get_by_role("status").filter(has_text="As it was at")
        await expect(said).to_contain_text("(Europe/Vienna), position")

        slider = page.get_by_role("slider", name="Moment")
        await slider.press("Home")
        await expect(page.get_by_text("Nobody was on the list at this moment.")).to_be_visible()
        at = await _moved(page, "ArrowRight", _asked(page.url), STEP)
        await expect(said).to_contain_text(await slider.get_attribute("aria-valuetext") or "?")
        await expect(slider).to_be_focused()
        await page.get_by_role("button", name="1 min on").focus()
        at = await _moved(page, "Enter", at, timedelta(minutes=1))
        await page.get_by_role("button", name="1 min back").focus()
        await _moved(page, "Enter", at, timedelta(minutes=-1))

        await page.goto(hall.url + past.at(past.paused_at + timedelta(seconds=1)))
        await expect(_first(page)).to_contain_text("paused")
        first = _asked(page.url)
        await slider.press("ArrowLeft")
        await page.wait_for_url(lambda url: _asked(url) < first)
        at = _asked(page.url)
        while at >= past.paused_at:
            at = await _moved(page, "ArrowLeft", at, -STEP)
        await expect(_first(page)).to_contain_text("in progress")
        await expect(_first(page)).to_contain_text("none")


async def test_nothing_is_asked_for_while_the_slider_moves_and_the_last_moment_stays(
    hall: Hall, past: Past, browser: Browser
) -> None:
    await hall.as_a("reviewer")
    asked: list[str] = []
    held = asyncio.Event()

    def note(request: Request) -> None:
        if "/live?" in request.url:
            asked.append(request.url)

    async def late(route: Route) -> None:
        await held.wait()
        with suppress(Error):  # nobody waits for it any more
            await route.continue_()

    async with a_page(browser) as page:
        await enter(page, hall, "reviewer@example.org", f"/schedules/{past.exam.schedule}/as-of")
        await expect(_first(page)).to_contain_text("▲▲ high")
        nobody = page.get_by_text("Nobody was on the list at this moment.")
        page.on("request", note)
        slider = page.get_by_role("slider", name="Moment")
        await slider.evaluate(
            "slider => { for (let n = 0; n < 100; n += 1) {"
            " slider.stepDown(); slider.dispatchEvent(new Event('input', { bubbles: true })); } }"
        )
        await expect(nobody).to_be_visible()
        assert len(asked) == 1, "one request for a hundred moments"

        await page.route("**/live?*", late, times=1)
        async with page.expect_request("**/live?*"):
            await page.get_by_role("button", name="Latest").click()
        async with page.expect_response("**/live?*"):
            await slider.press("Home")
        held.set()
        await page.wait_for_timeout(500)
        await expect(nobody).to_be_visible()
        await expect(_first(page)).to_have_count(0)


async def test_an_address_shows_its_moment_or_its_position(hall: Hall, past: Past, browser: Browser) -> None:
    await hall.as_a("auditor")
    async with a_page(browser) as page:
        await enter(page, hall, "auditor@example.org", past.at(past.sat_at))
        await expect(_first(page)).to_contain_text("in progress")
        await expect(_first(page)).to_contain_text("none")
        assert page.url == hall.url + past.at(past.sat_at).replace(":", "%3A")
        await page.reload()
        await expect(_first(page)).to_contain_text("in progress")

        await page.goto(hall.url + past.at("1"))
        await expect(page.get_by_text("As it was at position 1 of the ledger")).to_be_visible()
        shown = page.get_by_label("Time (Europe/Vienna)")
        await page.get_by_role("button", name="Latest").click()
        await expect(_first(page)).to_contain_text("paused")
        day = (await shown.input_value())[:10]
        await shown.fill(f"{day}T00:00:01")
        await shown.press("Enter")
        await expect(page.get_by_role("status").filter(has_text="As it was at 00:00:01")).to_be_visible()
        await page.goto(hall.url + past.at("tea-time"))
        await expect(page.get_by_role("alert")).to_contain_text("a position, or a time with its offset")


async def test_a_moment_a_timeline_a_record_and_an_export_lead_to_each_other(
    hall: Hall, past: Past, browser: Browser
) -> None:
    await hall.as_a("auditor")
    (session, _) = past.exam.sessions
    async with a_page(browser) as page:
        await enter(page, hall, "auditor@example.org", past.at(past.sat_at))
        await page.get_by_role("link", name="Timeline: Candidate 0").click()
        await expect(page.get_by_text("session: started")).to_be_visible()
        await expect(page.get_by_text("session: paused")).to_have_count(0)
        await expect(page.get_by_label("As it was at")).to_have_value(_iso(past.sat_at))
        await page.get_by_role("link", name="As it was", exact=True).click()
        await expect(page).to_have_title("As it was: Anatomy II - Vigil")  # the timeline has rows with that name, too
        await expect(_first(page)).to_contain_text("in progress")
        await page.get_by_role("link", name="Candidate 0", exact=True).click()
        await page.get_by_role("link", name="Timeline", exact=True).click()
        await page.get_by_role("link", name="Record", exact=True).click()
        await page.get_by_role("link", name="Take it with you").click()
        await expect(page).to_have_url(f"{hall.url}/exports?session={session}")


async def test_a_click_on_the_course_of_the_exam_moves_the_slider_there(
    hall: Hall, past: Past, browser: Browser
) -> None:
    await hall.as_a("auditor")
    async with a_page(browser, viewport={"width": 1440, "height": 900}) as page:
        await enter(page, hall, "auditor@example.org", past.at(past.sat_at))
        course = page.get_by_role("figure")
        sitting = course.get_by_role("listitem").filter(has_text="sitting")
        await expect(course).to_contain_text("Sitting at the same time: 1 at most")
        await expect(course).to_contain_text("1 incident.")
        await expect(sitting).to_have_text("sitting: 1")

        slider = page.get_by_role("slider", name="Moment")
        steps = int(await slider.get_attribute("max") or 0)
        over = course.locator(".u-over")
        box = await over.bounding_box()
        assert box
        await over.click(position={"x": box["width"] / 4, "y": box["height"] / 2})
        await page.wait_for_url(lambda url: _asked(url) < past.sat_at - timedelta(minutes=1))
        assert abs(int(await slider.input_value()) - steps / 4) <= 2 * STEP.total_seconds()
        await expect(sitting).to_have_text("sitting: 0")
        await expect(page.get_by_text("Nobody was on the list at this moment.")).to_be_visible()


async def test_the_course_is_drawn_again_in_other_colours_and_on_a_small_screen(
    hall: Hall, past: Past, browser: Browser
) -> None:
    await hall.as_a("auditor")
    async with a_page(browser, color_scheme="light", viewport={"width": 1440, "height": 900}) as page:
        await enter(page, hall, "auditor@example.org", past.at(past.sat_at))
        canvas = page.locator("figure canvas")
        light = await canvas.evaluate("canvas => canvas.toDataURL()")
        await page.emulate_media(color_scheme="dark")
        await page.wait_for_function(
            "light => document.querySelector('figure canvas').toDataURL() !== light", arg=light
        )
        await page.set_viewport_size({"width": 390, "height": 844})
        await page.wait_for_function("() => document.querySelector('figure canvas').clientWidth < 390")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nobody_is_kept_out_of_it(hall: Hall, past: Past, browser: Browser, scheme: str) -> None:
    await hall.as_a("auditor")
    async with a_page(browser, color_scheme=scheme, viewport={"width": 1440, "height": 900}) as page:
        await enter(page, hall, "auditor@example.org", f"/schedules/{past.exam.schedule}/as-of")
        await expect(_first(page)).to_contain_text("▲▲ high")
        await expect(page.get_by_role("figure")).to_contain_text("Sitting at the same time: 1 at most")
        await expect(page).to_have_title("As it was: Anatomy II - Vigil")
        assert await violations(page) == []
