"""The candidate's page, from the link to the receipt: for everybody at every step, and on a network that goes away."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Literal

import pytest
from playwright.async_api import Browser, Page, expect

from media.worker import MediaWorker
from tests.api.hall import Hall, an_exam
from tests.api.test_admission_pages import link
from tests.api.test_bad_network import cut_off, media, network
from tests.api.test_pages import browser
from tests.media.lossy import LossyNetwork
from tests.web.looking import a_page, violations
from tests.web.seat import a_seat, let_in, runs_the_checks, sits, sitting
from tests.web.walk import DESK, views

__all__ = ["browser", "media", "network"]

AWAY_S = 20
TABS = 40  # more than a step of the page has places for the focus
REFUSED = """
const allowed = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices)
window.allow = () => void (navigator.mediaDevices.getUserMedia = allowed)
navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("", "NotAllowedError"))
"""
SHARED = """
const share = navigator.mediaDevices.getDisplayMedia.bind(navigator.mediaDevices)
navigator.mediaDevices.getDisplayMedia = async (how) => (window.shared = await share(how))
"""
STOPS_SHARING = "shared.getVideoTracks()[0].dispatchEvent(new Event('ended'))"
BEYOND = "document.documentElement.scrollWidth > innerWidth"


async def faults(page: Page) -> list[str]:
    """What is wrong with the page as it stands, in each colour scheme at each size."""
    found: list[str] = []
    async for view in views(page):
        if await page.evaluate(BEYOND):
            found.append(f"{view}: beyond the edge of the screen")
        found += [f"{view}: {one}" for one in await violations(page)]
    return found


@pytest.mark.slow
async def test_every_step_is_there_for_everybody(hall: Hall, browser: Browser, media: MediaWorker) -> None:
    exam = await a_seat(hall)
    wrong: list[str] = []
    async with a_page(browser, viewport=DESK) as page:
        async for stop in sitting(page, exam):
            wrong += [f"{stop}: {one}" for one in await faults(page)]
    assert not wrong, "\n".join(wrong)


async def presses(page: Page, name: str) -> None:
    """Goes to a button by Tab alone, and presses it."""
    button = page.get_by_role("button", name=name, exact=True)
    await expect(button).to_be_enabled()
    for _ in range(TABS):
        if await button.evaluate("one => one === document.activeElement"):
            break
        await page.keyboard.press("Tab")
    await expect(button).to_be_focused()
    await page.keyboard.press("Enter")


async def test_the_keyboard_alone_leads_from_the_notice_to_the_receipt(
    hall: Hall, browser: Browser, media: MediaWorker
) -> None:
    exam = await a_seat(hall)
    at = f"/api/v1/sessions/{exam.sessions[0]}"
    async with a_page(browser) as page:

        async def is_focused(role: Literal["heading", "button"], name: str) -> None:
            await expect(page.get_by_role(role, name=name, exact=True)).to_be_focused()

        await page.goto(link(exam))
        await presses(page, "I have read this and go on")
        await is_focused("heading", "Your consent")
        await presses(page, "Yes")
        await is_focused("heading", "System check")
        await presses(page, "Run the checks")
        await expect(page.locator("#checks-said")).to_have_text("Everything that is needed passes.")
        await is_focused("button", "Run the checks")
        for what in ("me", "my document"):
            await presses(page, f"Take a picture of {what}")
            await presses(page, "Take it now")
            await presses(page, "Use this picture")
            await is_focused("button", f"Take a picture of {what}")
        await let_in(exam)
        await expect(page.get_by_role("heading", name="Who you are")).to_be_hidden()
        await presses(page, "Start the exam")
        await is_focused("heading", "Your exam is running")
        for text in ("Please look at your screen.", "Please sit up."):
            await exam.invigilator.post(f"{at}/interventions", json={"kind": "warn", "text": text})
        for text in ("Please look at your screen.", "Please sit up."):
            await expect(page.get_by_role("alertdialog")).to_contain_text(text)
            await is_focused("button", "I have read this")
            await page.keyboard.press("Enter")
        await is_focused("heading", "Your exam is running")
        await presses(page, "Hand in and end the exam")
        await exam.invigilator.post(f"{at}/interventions", json={"kind": "pause"})
        await expect(page.get_by_role("alertdialog")).to_be_focused()
        await exam.invigilator.post(f"{at}/interventions", json={"kind": "resume"})
        await presses(page, "Hand in and end the exam")
        await presses(page, "Hand in")
        await is_focused("heading", "Your exam is over")
        await expect(page.get_by_role("link", name="Open my record")).to_be_visible(timeout=30_000)
        async with page.expect_download() as saved:
            await presses(page, "Save the receipt")
        receipt = json.loads((await (await saved.value).path()).read_text())
        assert receipt == json.loads(await page.locator("#receipt-text").text_content() or "")


async def test_a_camera_that_is_refused_is_said_and_tried_again_once_it_is_allowed(
    hall: Hall, browser: Browser, media: MediaWorker
) -> None:
    exam = await an_exam(hall)
    async with a_page(browser) as page:
        await page.add_init_script(REFUSED)
        await page.goto(link(exam))
        await page.get_by_role("button", name="I have read this and go on").click()
        await page.get_by_role("button", name="Run the checks").click()
        await expect(page.locator("#checks-said")).to_contain_text("does not pass yet")
        camera = page.locator("#checks [data-check=camera]")
        await expect(camera).to_contain_text("allow the camera in your browser and try again")
        await expect(page.locator("#checks [data-check=screen]")).to_contain_text("pass")
        await expect(page.get_by_role("button", name="Start the exam")).to_be_disabled()
        await expect(page.get_by_role("button", name="Ask a person for help")).to_be_visible()
        await page.evaluate("allow()")
        await runs_the_checks(page, "Start the exam")


async def test_a_message_that_comes_under_a_cover_is_read_only_when_the_cover_has_gone(
    hall: Hall, browser: Browser, media: MediaWorker
) -> None:
    exam = await an_exam(hall)
    at = f"/api/v1/sessions/{exam.sessions[0]}"
    async with a_page(browser) as page:
        await page.goto(link(exam))
        await sits(page)

        async def came_to(delivered: bool, read: bool) -> None:
            async with asyncio.timeout(10):
                while True:
                    (one,) = (await exam.candidates[0].get(f"{at}/view")).json()["messages"]
                    if (one["delivered"], one["read"]) == (delivered, read):
                        return
                    await asyncio.sleep(0.1)

        await exam.invigilator.post(f"{at}/interventions", json={"kind": "pause"})
        await expect(page.get_by_role("alertdialog")).to_be_focused()
        await exam.invigilator.post(f"{at}/messages", json={"text": "We look into the siren."})
        await came_to(delivered=True, read=False)
        await exam.invigilator.post(f"{at}/interventions", json={"kind": "resume"})
        await came_to(delivered=True, read=True)


async def test_who_stops_sharing_while_they_wait_for_the_start_runs_the_checks_again(
    hall: Hall, browser: Browser, media: MediaWorker
) -> None:
    exam = await an_exam(hall)
    start = "Start the exam"
    async with a_page(browser) as page:
        await page.add_init_script(SHARED)
        await page.goto(link(exam))
        await page.get_by_role("button", name="I have read this and go on").click()
        await page.get_by_role("button", name="Run the checks").click()
        await expect(page.get_by_role("button", name=start)).to_be_enabled(timeout=20_000)
        await page.evaluate(STOPS_SHARING)
        await expect(page.locator("#checks-said")).to_contain_text("is not shared any more")
        await expect(page.get_by_role("button", name=start)).to_be_disabled()
        await runs_the_checks(page, start)


@pytest.mark.slow
async def test_a_network_that_goes_away_is_said_and_nothing_is_lost_or_doubled(
    hall: Hall, browser: Browser, media: MediaWorker, network: LossyNetwork
) -> None:
    exam = await an_exam(hall)
    at = f"/api/v1/sessions/{exam.sessions[0]}"
    async with a_page(browser) as page:
        away, chat = page.locator("#away"), page.locator("#chat")
        await page.goto(link(exam))
        await sits(page)

        async def meanwhile() -> None:
            await expect(away).to_contain_text(re.compile(r"For 0:00:(0[3-9]|1\d)\."))
            await expect(away).to_contain_text("is not held against you")
            await expect(page.locator("#connection")).to_contain_text("trying again by itself")
            await page.get_by_label("Your message").fill("Are you there?")
            await page.get_by_role("button", name="Send").click()
            await expect(page.get_by_text("The server cannot be reached.")).to_be_visible()
            await exam.invigilator.post(f"{at}/messages", json={"text": "We see that you are cut off."})
            await exam.invigilator.post(f"{at}/interventions", json={"kind": "pause"})

        await cut_off(page, network, AWAY_S, meanwhile)
        await expect(away).to_be_hidden(timeout=15_000)
        await expect(page.locator("#back")).to_have_text("The connection is back, and your exam goes on.")
        await expect(page.get_by_role("alertdialog")).to_contain_text("Your exam is paused")
        await exam.invigilator.post(f"{at}/interventions", json={"kind": "resume"})
        await expect(page.get_by_role("alertdialog")).to_be_hidden()
        await expect(page.get_by_label("Your message")).to_have_value("Are you there?")
        await page.get_by_role("button", name="Send").click()
        await expect(chat.get_by_role("listitem")).to_have_count(2)
        for track in ("camera", "screen"):
            await expect(page.locator(f"#{track}-state")).to_have_text("● recording", timeout=40_000)
        view = (await exam.candidates[0].get(f"{at}/view")).json()
        assert [one["text"] for one in view["messages"]] == ["We see that you are cut off.", "Are you there?"]
        assert [(one["action"], one["stage"]) for one in view["interventions"]] == [
            ("pause", "applied"),
            ("resume", "applied"),
        ]

        await page.reload()
        await runs_the_checks(page, "Go back to the exam")
        await expect(chat.get_by_role("listitem")).to_have_count(2)
        await page.get_by_role("button", name="Hand in and end the exam").click()
        await page.get_by_role("button", name="Hand in", exact=True).click()
        log = page.locator("#happened").get_by_role("listitem")
        await expect(log).to_contain_text(["You began.", "pause.", "resume.", "2 messages in the chat.", "submitted."])
