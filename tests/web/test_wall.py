"""The invigilator's wall in a real Chromium: tiles, the queue of incidents, the candidate in focus, all by keyboard."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, expect

from tests.api.hall import Hall, a_lead, an_exam, sit
from tests.api.test_live import flag
from tests.web.looking import a_page, violations
from tests.web.walls import at_the_wall, focus, tile

V1 = "/api/v1"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nobody_is_kept_out_by_the_wall(hall: Hall, browser: Browser, scheme: str) -> None:
    exam = await an_exam(hall, candidates=3)
    for n in range(3):
        await sit(exam, n)
    await flag(exam, 0, f"seen{scheme}")
    await exam.candidates[1].post(f"{V1}/sessions/{exam.sessions[1]}/messages", json={"text": "I need help"})
    async with a_page(browser, color_scheme=scheme, viewport={"width": 1440, "height": 900}) as page:
        await at_the_wall(page, exam)
        await expect(page.locator("#incidents")).to_contain_text("several people: Candidate 0")
        assert await violations(page) == []
        await focus(page)
        assert await violations(page) == []
        await page.get_by_role("button", name="Warn", exact=True).first.click()
        assert await violations(page) == []
        await page.keyboard.press("Escape")
        for name in ("Help", "On duty", "The day", "To be let in"):
            await page.get_by_role("tab", name=name).click()
            assert await violations(page) == []
        await page.keyboard.press("?")
        await expect(page.get_by_role("dialog")).to_be_visible()
        assert await violations(page) == []


async def test_an_invigilator_watches_writes_and_pauses(hall: Hall, browser: Browser) -> None:
    exam = await an_exam(hall, candidates=2)
    await sit(exam, 0)
    async with a_page(browser) as page:
        await at_the_wall(page, exam)
        line = tile(page)
        await expect(line).to_contain_text("in progress")
        back = page.get_by_role("navigation", name="More of this exam").get_by_role("link")
        await expect(back).to_have_text("As it was")
        await expect(back).to_have_attribute("href", f"/schedules/{exam.schedule}/as-of")

        await exam.candidates[0].post(f"/api/v1/sessions/{exam.sessions[0]}/messages", json={"text": "I need help"})
        await expect(line).to_contain_text("✉ 1")
        await flag(exam, 0, "pageflag")
        await expect(page.locator("#incidents")).to_contain_text("several people: Candidate 0")
        await focus(page)
        log = page.locator("#log")
        await expect(log).to_contain_text("several people")
        await expect(log.get_by_role("img")).to_be_attached()
        await log.get_by_text("Judge", exact=True).click()
        await log.get_by_label("Reason").fill("A poster")
        await log.get_by_role("button", name="It is not").click()
        await expect(log).to_contain_text("dismissed")

        await expect(page.locator("#incidents")).to_be_empty()
        await expect(page.locator("#chat")).to_contain_text("I need help")
        await page.get_by_label("Message to the candidate").fill("On my way")
        await page.keyboard.press("Enter")
        await expect(page.locator("#chat")).to_contain_text("On my way")
        await expect(line).not_to_contain_text("✉")

        await page.get_by_role("button", name="Pause Candidate 0").click()
        await expect(line).to_contain_text("paused (pause: requested)")
        await page.get_by_role("button", name="Resume Candidate 0").click()
        await expect(line).to_contain_text("in progress")

        await page.get_by_label("What to do", exact=True).select_option("lock")
        await page.get_by_role("button", name="Do it").click()
        await expect(line).to_contain_text("locked (lock: requested) by you")
        await expect(page.locator("#act-said")).to_contain_text("The exam platform's own clock goes on")
        await expect(page.locator("#done")).to_contain_text("lock (something has to be cleared up first)")
        await page.get_by_role("button", name="Unlock Candidate 0").click()
        await expect(line).to_contain_text("in progress")
        await exam.candidates[0].post(f"/api/v1/sessions/{exam.sessions[0]}/breaks", json={"kind": "rest"})
        await expect(line).to_contain_text("asks for a rest break")
        await page.get_by_label("What to do", exact=True).select_option("break")
        await page.get_by_label("Which break").select_option("rest")
        await page.get_by_role("button", name="Do it").click()
        await expect(line).to_contain_text("on break")
        await expect(line).to_contain_text("rest, 0:04:")
        await expect(line).to_contain_text("(stands)")
        await page.get_by_role("button", name="Call back Candidate 0").click()
        await expect(line).to_contain_text("in progress")
        check = {"kind": "identity_check", "reason_code": "doubt"}
        lead = await a_lead(exam)
        await lead.post(f"/api/v1/sessions/{exam.sessions[0]}/interventions", json=check)
        await expect(line).to_contain_text("(identity check: requested) by The lead_invigilator")
        done = page.locator("#done").get_by_role("listitem").filter(has_text="The lead_invigilator")
        await done.get_by_role("button", name=re.compile("^passed: identity check")).click()
        await expect(line).to_contain_text("(identity check: passed)")


async def test_an_invigilator_sends_a_text_that_is_ready(hall: Hall, browser: Browser) -> None:
    exam = await an_exam(hall)
    await sit(exam)
    body = {"label": "Almost over", "text": "Ten minutes are left."}
    assert (await exam.planner.post("/api/v1/canned-messages", json=body)).status_code == 201
    async with a_page(browser) as page:
        await at_the_wall(page, exam)
        await focus(page)
        await page.get_by_label("A text that is ready").select_option("Almost over")
        await expect(page.locator("#ready-text")).to_have_text("Ten minutes are left.")
        await page.get_by_role("button", name="Send it").click()
        await expect(page.locator("#chat")).to_contain_text("Ten minutes are left.")
        await expect(page.locator("#ready-text")).to_be_empty()
    (sent,) = (await exam.candidates[0].get(f"/api/v1/sessions/{exam.sessions[0]}/messages")).json()["messages"]
    assert sent["text"] == "Ten minutes are left."


async def test_a_lead_ends_an_exam_by_its_candidates_name_and_takes_that_back(hall: Hall, browser: Browser) -> None:
    exam = await an_exam(hall)
    await sit(exam)
    await a_lead(exam)
    async with a_page(browser) as page:
        await at_the_wall(page, exam, "lead_invigilator@example.org")
        line = tile(page)
        await focus(page)
        await page.get_by_text("End this exam, or take that back").click()
        await page.get_by_label("Why it is ended").fill("Two phones on the desk")
        await page.get_by_label("The candidate's name, typed").fill("Candidate 1")
        await page.get_by_role("button", name="End this exam").click()
        await expect(page.locator("#end")).to_contain_text("type the candidate's name")
        await page.get_by_label("The candidate's name, typed").fill("candidate 0")
        await page.get_by_role("button", name="End this exam").click()
        await expect(line).to_contain_text("terminated")
        await page.get_by_label("Why the exam goes on after all").fill("They were calculators")
        await page.get_by_role("button", name="Take the end back").click()
        await expect(line).to_contain_text("paused")


async def test_lists_that_cannot_be_loaded_are_said_to_be_missing_and_come_later(hall: Hall, browser: Browser) -> None:
    exam = await an_exam(hall)
    session = await sit(exam)
    await exam.candidates[0].post(f"/api/v1/sessions/{session}/messages", json={"text": "I need help"})
    await exam.invigilator.post(f"/api/v1/sessions/{session}/incidents", json={"severity": "warn", "note": "Left"})
    async with a_page(browser) as page:
        for what in ("incidents", "messages"):
            await page.route(f"**/sessions/{session}/{what}", lambda route: route.fulfill(status=503, json={}))
        await at_the_wall(page, exam)
        await expect(page.locator("#incidents-problem")).to_contain_text("cannot be shown of Candidate 0")
        await expect(page.locator("#no-incidents")).to_be_hidden()
        await focus(page)
        await expect(page.locator("#chat-problem")).to_contain_text("The messages cannot be brought up to date")
        await page.unroute_all()
        await expect(page.locator("#incidents")).to_contain_text("raised by person", timeout=15_000)
        await expect(page.locator("#chat")).to_contain_text("I need help", timeout=15_000)
        await expect(page.locator("#incidents-problem")).to_be_hidden()
        await expect(page.locator("#chat-problem")).to_be_hidden()


async def test_a_page_that_may_no_longer_look_says_so(hall: Hall, browser: Browser) -> None:
    exam = await an_exam(hall)
    async with a_page(browser) as page:
        await at_the_wall(page, exam)
        who = hall.user("invigilator@example.org")
        await exam.planner.delete(f"/api/v1/schedules/{exam.schedule}/invigilators/{who}")
        await expect(page.locator("#late")).to_contain_text("You may no longer see this schedule", timeout=10_000)
