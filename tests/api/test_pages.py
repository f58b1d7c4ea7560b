"""The candidate's page in a real Chromium: somebody sits an exam with a camera and a screen."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Route, expect

from commands import sessions
from commands.handler import Order, Work
from commands.keys import KeyName
from domain import fault, session_rules
from media.worker import MediaSettings, MediaWorker
from tests import chromium
from tests.api.hall import Exam, Hall, an_exam, sit
from tests.web.looking import a_page
from tests.web.seat import runs_the_checks, sits


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium.running() as browser:
        yield browser


async def lose_the_answer(route: Route) -> None:
    """The command has arrived, and nobody here knows."""
    await route.fetch()
    await route.abort()


@asynccontextmanager
async def a_media_worker(hall: Hall, name: str, spool: Path) -> AsyncIterator[MediaWorker]:
    async def media_key(_: str, subject: str, session: str) -> bytes:
        return await hall.core.keys.data_key(KeyName(subject, session, "media"))

    settings = MediaSettings(worker=name, nats_url=hall.core.settings.nats_url, spool=spool)
    async with MediaWorker(settings, media_key) as worker:
        yield worker


@pytest.fixture
async def media(hall: Hall, tmp_path: Path) -> AsyncIterator[MediaWorker]:
    async with a_media_worker(hall, "pages", tmp_path / "spool") as worker:
        yield worker


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_front_door_that_starts_again_is_tried_again(hall: Hall, browser: Browser, status: int) -> None:
    exam = await an_exam(hall)
    async with a_page(browser) as page:
        await page.route("**/api/v1/join", lambda route: route.fulfill(status=status, body="Bad Gateway"))
        await page.goto(f"{hall.url}/join#{exam.links[0].partition('#')[2]}")
        await expect(page.get_by_role("alert")).to_contain_text(f"The server answered {status}")
        await page.unroute_all()
        await expect(page.get_by_role("heading", name="Before you begin")).to_be_visible(timeout=15_000)
        await expect(page.get_by_role("alert")).to_be_hidden()


async def test_whoever_is_let_in_again_goes_back_to_the_exam_with_camera_and_screen(
    hall: Hall, browser: Browser, media: MediaWorker
) -> None:
    exam = await an_exam(hall)
    session = await sit(exam)
    at = f"/api/v1/sessions/{session}"

    async def cut_off(work: Work) -> None:
        lost = fault.LoseConnection(at=hall.clock(), track="camera", why="no media")
        await work.do(session_rules.DECIDER, session, lost)
        await sessions.expire(work, name=session)

    async with a_page(browser) as page:
        await page.goto(f"{hall.url}/join#{exam.links[0].partition('#')[2]}")
        await runs_the_checks(page, "Go back to the exam")

        late = hall.clock() + timedelta(hours=3)
        order = Order(tenant="main", actor="system/test", key=f"cut off {session}", request=bytes(32), at=late)
        await hall.services.handler.run(order, cut_off)
        await expect(page.get_by_role("heading", name="Your exam is over")).to_be_visible(timeout=10_000)
        reopened = await exam.invigilator.post(f"{at}/reopen", json={"reason": "The power was cut."})
        assert reopened.status_code == 204, reopened.text
        await expect(page.get_by_role("heading", name="System check")).to_be_visible(timeout=10_000)
        await expect(page.locator("#below")).to_contain_text("Your exam is paused, and its clock has stopped")
        await expect(page.get_by_role("alertdialog")).to_be_hidden()
        await runs_the_checks(page, "Go back to the exam")
        await expect(page.get_by_role("alertdialog")).to_contain_text("Your exam is paused")
        await exam.invigilator.post(f"{at}/interventions", json={"kind": "resume"})
        await expect(page.get_by_role("alertdialog")).to_be_hidden()


async def told(exam: Exam, at: str, stage: str) -> dict[str, Any]:
    """The first message, once the candidate's page has told that it came so far."""
    async with asyncio.timeout(15):
        while True:
            message: dict[str, Any] = (await exam.invigilator.get(f"{at}/messages")).json()["messages"][0]
            if message[stage]:
                return message
            await asyncio.sleep(0.05)


async def test_a_candidate_sits_an_exam_from_link_to_receipt(hall: Hall, browser: Browser, media: MediaWorker) -> None:
    exam = await an_exam(hall)
    session = exam.sessions[0]
    at = f"/api/v1/sessions/{session}"
    await exam.invigilator.post(f"{at}/messages", json={"text": "Good morning"})
    async with a_page(browser) as page:
        await page.goto(f"{hall.url}/join#{exam.links[0].partition('#')[2]}")
        await expect(page.get_by_role("heading", name="Before you begin")).to_be_visible()
        greeting = await told(exam, at, "delivered")
        assert not greeting["read"], "the chat is not in view yet"
        assert "#" not in page.url
        await expect(page.locator("#notice-text")).to_contain_text("we record your camera")
        await sits(page)
        await expect(page.locator("#left")).to_contain_text("left")

        await told(exam, at, "read")
        await exam.invigilator.post(f"{at}/messages", json={"text": "Can you hear me?"})
        await expect(page.locator("#chat")).to_contain_text("Can you hear me?")
        await page.route("**/messages", lose_the_answer, times=1)
        await page.get_by_label("Your message").fill("Yes")
        await page.get_by_role("button", name="Send").click()
        await expect(page.get_by_text("The server cannot be reached.")).to_be_visible()
        await page.get_by_role("button", name="Send").click()
        await expect(page.get_by_label("Your message")).to_be_empty()
        await expect(page.locator("#chat").get_by_role("listitem").filter(has_text="Yes")).to_have_count(1)

        await exam.invigilator.post(f"{at}/interventions", json={"kind": "warn", "text": "Please look at the screen"})
        await expect(page.get_by_role("alertdialog")).to_contain_text("Please look at the screen")
        await page.get_by_role("button", name="I have read this", exact=True).click()
        await expect(page.get_by_role("alertdialog")).to_be_hidden()
        await exam.invigilator.post(f"{at}/interventions", json={"kind": "pause"})
        await expect(page.get_by_role("alertdialog")).to_contain_text("The clock has stopped")
        await exam.invigilator.post(f"{at}/interventions", json={"kind": "resume"})
        await expect(page.get_by_role("alertdialog")).to_be_hidden()

        await exam.invigilator.post(f"{at}/interventions", json={"kind": "lock", "text": "I am on my way to you"})
        await expect(page.get_by_role("alertdialog")).to_contain_text("This is not an accusation")
        await expect(page.get_by_role("alertdialog")).to_contain_text("I am on my way to you")
        await exam.invigilator.post(f"{at}/interventions", json={"kind": "identity_check"})
        await expect(page.get_by_role("alertdialog")).to_contain_text("hold your identity document")
        await page.get_by_role("button", name="I have done this").click()
        await expect(page.get_by_role("alertdialog")).to_contain_text("Your exam is locked")
        await exam.invigilator.post(f"{at}/interventions", json={"kind": "unlock"})
        await expect(page.get_by_role("alertdialog")).to_be_hidden()
        await page.get_by_label("Which break").select_option("rest")
        await page.get_by_role("button", name="Ask for a break").click()
        await expect(page.locator("#break-said")).to_contain_text("an invigilator will answer")
        granted = {"kind": "break", "break_kind": "rest", "minutes": 5}
        await exam.invigilator.post(f"{at}/interventions", json=granted)
        await expect(page.get_by_role("alertdialog")).to_contain_text("left of your break")
        await expect(page.get_by_role("alertdialog")).to_contain_text("The clock of your exam stands")
        await page.get_by_role("button", name="I am back").click()
        await expect(page.get_by_role("alertdialog")).to_contain_text("look into your camera")
        await page.get_by_role("button", name="I have done this").click()
        await expect(page.get_by_role("alertdialog")).to_be_hidden()

        await page.get_by_role("button", name="Hand in and end the exam").click()
        await page.get_by_role("button", name="Hand in", exact=True).click()
        await expect(page.get_by_role("heading", name="Your exam is over")).to_be_visible()
        await expect(page.locator("#receipt-text")).to_contain_text(hall.core.signer.fingerprint, timeout=15_000)
    view = (await exam.candidates[0].get(f"{at}/view")).json()
    assert {one["action"]: one["stage"] for one in view["interventions"]} == {
        "warn": "applied", "pause": "applied", "resume": "applied", "lock": "applied", "unlock": "applied",
        "identity_check": "acknowledged", "break": "applied", "return_look": "applied",
    }  # fmt: skip


async def test_a_candidate_types_the_start_pin_and_is_told_beside_it_when_it_is_wrong(
    hall: Hall, browser: Browser, media: MediaWorker
) -> None:
    exam = await an_exam(hall)
    async with a_page(browser) as page:
        await page.goto(f"{hall.url}/join#{exam.links[0].partition('#')[2]}")
        await page.get_by_role("button", name="I have read this and go on").click()
        await page.get_by_role("button", name="Run the checks").click()
        start, pin = page.get_by_role("button", name="Start the exam"), page.get_by_label("Start PIN")
        await expect(start).to_be_enabled(timeout=15_000)
        await expect(pin).to_be_hidden()
        made = await exam.planner.post(f"/api/v1/schedules/{exam.schedule}/pin", json={"enabled": True})
        right = str(made.json()["pin"])
        await start.click()
        await expect(pin).to_be_focused()
        await expect(pin).to_have_accessible_description(re.compile("Type the 6-digit PIN"))
        await pin.fill(f"{(int(right) + 1) % 1_000_000:06}")
        await start.click()
        await expect(pin).to_have_accessible_description(re.compile("This is not the PIN of your exam"))
        await expect(pin).to_have_attribute("aria-invalid", "true")
        assert (await pin.get_attribute("inputmode"), await pin.get_attribute("autocomplete")) == ("numeric", "off")
        await pin.fill(right)
        await pin.press("Enter")
        await expect(page.locator("#camera-state")).to_have_text("● recording", timeout=15_000)
        await page.reload()
        await expect(page.get_by_role("button", name="Run the checks")).to_be_visible()
        await expect(pin).to_be_hidden()
