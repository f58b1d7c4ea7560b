"""The invigilator's whole journey by the keyboard alone, and a wall whose network is cut for a while."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Browser, Page, expect

from tests.api.hall import PASSWORD, Exam, Hall, an_exam, sit
from tests.api.test_live import flag
from tests.web.looking import a_page
from tests.web.walls import at_the_wall, focus, tile, turn_to

V1 = "/api/v1"
NAME = "e => [e.ariaLabel ?? e.labels?.[0]?.textContent ?? e.textContent.trim(), e.tagName.toLowerCase()]"
CUT_S = 20


async def tab_to(page: Page, name: str, *, role: str = "") -> None:
    """Presses Tab until what is so called has the focus."""
    for _ in range(60):
        await page.keyboard.press("Tab")
        here = page.locator(":focus")
        if not await here.count():
            continue
        said, tag = await here.evaluate(NAME)
        if said.startswith(name) and role in {"", tag}:
            return
    raise AssertionError(f"Tab does not lead to {name}")


async def test_the_whole_journey_needs_no_mouse(hall: Hall, browser: Browser) -> None:
    exam = await an_exam(hall, candidates=3)
    for n in range(3):
        await sit(exam, n)
    async with a_page(browser) as page:
        press, write = page.keyboard.press, page.keyboard.type
        await page.goto(f"{hall.url}/schedules/{exam.schedule}/live")
        await expect(page.get_by_label("E-mail address")).to_be_visible()
        await page.get_by_label("E-mail address").focus()
        await write("invigilator@example.org")
        await press("Tab")
        await write(PASSWORD)
        await press("Enter")
        await expect(page.locator("#stream")).to_have_text("● live")

        # The tiles: arrow keys, sizes, the search and back.
        await press("/")
        await write("Candidate 1")
        await expect(page.locator("#tiles > li")).to_have_count(1)
        await press("Escape")
        await expect(page.locator("#tiles > li")).to_have_count(3)
        await press("3")
        await expect(page.locator("#tiles")).to_have_class(re.compile("size-3"))
        await tab_to(page, "Candidate 0")
        await press("ArrowRight")
        await expect(page.get_by_role("button", name="Candidate 1", exact=True)).to_be_focused()
        await press("Enter")
        await expect(page.locator("#focus-head")).to_have_text("Candidate 1")
        await press("Escape")
        await expect(page.locator("#focus")).to_be_hidden()
        await expect(page.get_by_role("button", name="Candidate 1", exact=True)).to_be_focused()

        # The queue: next, take, undo, set aside.
        await flag(exam, 2, "keyed")
        await expect(page.locator("#incidents")).to_contain_text("several people: Candidate 2")
        await expect(page).to_have_title("(1) Anatomy II - Vigil")
        await press("n")
        await expect(page.locator("#focus-head")).to_have_text("Candidate 2")
        await press("a")
        await expect(page.locator("#incidents")).to_contain_text("taken by you")
        await press("u")
        await expect(page.locator("#incidents")).not_to_contain_text("taken by you")
        await press("a")
        await expect(page.locator("#incidents")).to_contain_text("taken by you")
        await tab_to(page, "Judge", role="summary")
        await press("Enter")
        await press("Tab")
        await write("A poster on the wall")
        await press("Tab")
        await press("Tab")
        await press("Enter")
        await expect(page.locator("#log")).to_contain_text("dismissed")
        await expect(page.locator("#incidents")).to_be_empty()
        await expect(page).to_have_title("Anatomy II - Vigil")

        # Warn, write, pause and let go on.
        await press("w")
        await expect(page.get_by_role("dialog")).to_contain_text("Warn Candidate 2")
        await expect(page.get_by_label("Warning: what was seen")).not_to_be_empty()
        await expect(page.get_by_label("Warning: what was seen")).to_be_focused()
        await press("Enter")
        await expect(page.get_by_role("dialog")).to_be_hidden()
        await expect(page.locator("#done")).to_contain_text("warn (a reminder of the rules): requested")
        await press("c")
        await expect(page.get_by_label("Message to the candidate")).to_be_focused()
        await write("nadew is no command here")
        await press("Enter")
        await expect(page.locator("#chat")).to_contain_text("nadew is no command here")
        await press("Escape")
        await press("p")
        await expect(tile(page, "Candidate 2")).to_contain_text("paused")
        await press("p")
        await expect(tile(page, "Candidate 2")).to_contain_text("in progress")

        # Sound, the keys themselves, and help.
        await press("m")
        await expect(page.get_by_role("button", name="Sound")).to_have_attribute("aria-pressed", "true")
        await press("?")
        await expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
        await tab_to(page, "Sound on or off")
        await write("s")
        await press("Escape")
        await expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()
        await press("m")
        await expect(page.get_by_role("button", name="Sound")).to_have_attribute("aria-pressed", "true")
        await press("s")
        await expect(page.get_by_role("button", name="Sound")).to_have_attribute("aria-pressed", "false")
        at = f"{V1}/sessions/{exam.sessions[0]}/help"
        assert (await exam.candidates[0].post(at, json={"topic": "question", "text": "Which page?"})).is_success
        await tab_to(page, "Incidents")
        await press("ArrowRight")
        await expect(page.locator("#help-queue")).to_contain_text("Which page?")
        await tab_to(page, "Answer to the candidate")
        await write("Page four.")
        await press("Tab")
        await press("Enter")
        await expect(page.locator("#no-help")).to_be_visible()


async def test_single_keys_can_be_switched_off(hall: Hall, browser: Browser) -> None:
    exam = await an_exam(hall)
    async with a_page(browser) as page:
        await at_the_wall(page, exam)
        await page.keyboard.press("?")
        await page.get_by_label("Single keys do something").uncheck()
        await page.keyboard.press("Escape")
        await page.keyboard.press("4")
        await expect(page.locator("#tiles")).to_have_class(re.compile("size-2"))
        await page.reload()
        await expect(page.locator("#stream")).to_have_text("● live")
        await page.keyboard.press("4")
        await expect(page.locator("#tiles")).to_have_class(re.compile("size-2"))


async def test_who_is_hidden_by_a_filter_comes_back_with_an_incident(hall: Hall, browser: Browser) -> None:
    exam = await an_exam(hall, candidates=2)
    for n in range(2):
        await sit(exam, n)
    async with a_page(browser) as page:
        await at_the_wall(page, exam)
        await page.get_by_label("Search by name or seat").fill("Candidate 0")
        await expect(tile(page, "Candidate 1")).to_have_count(0)
        await flag(exam, 1, "hidden")
        await expect(tile(page, "Candidate 1")).to_be_visible()


async def test_several_are_written_to_and_paused_after_a_dialog_that_says_how_many(
    hall: Hall, browser: Browser
) -> None:
    exam = await an_exam(hall, candidates=3)
    for n in range(2):
        await sit(exam, n)
    async with a_page(browser) as page:
        await at_the_wall(page, exam)
        await page.get_by_label("Tick Candidate 0").check()
        await page.get_by_label("Tick Candidate 2").check()
        await page.get_by_role("button", name="Write to them ...").click()
        await expect(page.get_by_role("dialog")).to_contain_text("This reaches 2 candidates.")
        await page.get_by_label("What they read").fill("The hall closes at noon.")
        await page.get_by_role("button", name="Write to them: 2 candidates").click()
        await expect(page.locator("#bulk-said")).to_contain_text("Done for 2 of 2.")
        await page.get_by_role("button", name="Pause them ...").click()
        await page.get_by_role("button", name="Pause them: 2 candidates").click()
        await expect(page.locator("#bulk-said")).to_contain_text("Done for 1 of 2. Not for: Candidate 2")
        await expect(tile(page, "Candidate 0")).to_contain_text("paused")
    for n, count in enumerate((1, 0, 1)):
        told = (await exam.candidates[n].get(f"{V1}/sessions/{exam.sessions[n]}/messages")).json()["messages"]
        assert [one["text"] for one in told] == ["The hall closes at noon."] * count


@pytest.mark.slow
async def test_a_wall_whose_network_is_cut_says_so_and_catches_up_with_nothing_lost_or_doubled(
    hall: Hall, browser: Browser
) -> None:
    exam = await an_exam(hall, candidates=2)
    for n in range(2):
        await sit(exam, n)
    async with a_page(browser) as page:
        await at_the_wall(page, exam)
        await flag(exam, 0, "before")
        await focus(page)
        await expect(page.locator("#log > li")).to_have_count(1)
        await page.context.set_offline(True)
        late = page.locator("#late")
        await expect(late).to_contain_text("What is shown may be old; it catches up by itself.", timeout=3000)
        await expect(page.locator("#tiles")).to_have_class(re.compile("stale"))
        began = asyncio.get_running_loop().time()
        await happens(exam)
        await expect(page.locator("#stream")).to_contain_text("last seen")
        await asyncio.sleep(CUT_S - (asyncio.get_running_loop().time() - began))
        await expect(page.locator("#incidents > li")).to_have_count(1)
        await page.context.set_offline(False)
        await expect(page.locator("#stream")).to_have_text("● live", timeout=5000)
        await expect(late).to_be_hidden()
        await expect(page.locator("#incidents > li")).to_have_count(2)
        await expect(tile(page, "Candidate 1")).to_contain_text("paused")
        await expect(page.locator("#chat li")).to_have_count(2, timeout=8000)
        await turn_to(page, "Help")
        await expect(page.locator("#help-queue > li")).to_have_count(1)


async def happens(exam: Exam) -> None:
    """What the wall does not see: an incident, two messages, a pause and a hand that goes up."""
    first, second = exam.sessions
    await flag(exam, 1, "meanwhile")
    for text in ("Are you there?", "Hello?"):
        await exam.candidates[0].post(f"{V1}/sessions/{first}/messages", json={"text": text})
    await exam.invigilator.post(f"{V1}/sessions/{second}/interventions", json={"kind": "pause", "reason_code": "wall"})
    await exam.candidates[0].post(f"{V1}/sessions/{first}/help", json={"topic": "other", "text": "Hello?"})
