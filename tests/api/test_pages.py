"""The plain pages in a real Chromium: staff watch and act, a candidate sits an exam with a camera and a screen."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Route, expect

from commands import sessions
from commands.handler import Order, Work
from commands.keys import KeyName
from domain import fault, session_rules
from media.worker import MediaSettings, MediaWorker
from tests import chromium
from tests.api.hall import BROWSER, PASSWORD, Exam, Hall, a_lead, an_exam, sit
from tests.api.test_live import flag


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium.running() as browser:
        yield browser


@asynccontextmanager
async def a_page(browser: Browser, device: str = BROWSER) -> AsyncIterator[Page]:
    """A page of its own, on which every error of a script or of the content policy fails the test.

    `device` is what this browser tells of itself when a join link is opened in it.
    """
    context = await browser.new_context()
    await context.add_init_script(f"try {{ localStorage.setItem('vigil-device', '{device}') }} catch {{}}")
    page = await context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda line: wrong.append(line.text) if "Content Security Policy" in line.text else None)
    yield page
    await context.close()
    assert wrong == []


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


async def signed_in(page: Page, exam: Exam, email: str) -> None:
    await page.goto(f"{exam.hall.url}/plain#/schedules/{exam.schedule}")
    await page.get_by_label("E-mail address").fill(email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()


async def test_an_invigilator_watches_writes_and_pauses(hall: Hall, browser: Browser) -> None:
    exam = await an_exam(hall, candidates=2)
    await sit(exam, 0)
    async with a_page(browser) as page:
        await page.goto(f"{hall.url}/plain")
        await page.get_by_label("E-mail address").fill("invigilator@example.org")
        await page.get_by_label("Password").fill("not this one")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("alert")).to_contain_text("the address or the password is wrong")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        await page.get_by_role("link", name="Anatomy II").last.click()
        await expect(page.locator("#stream")).to_have_text("● live")
        line = page.get_by_role("row").filter(has_text="Candidate 0")
        await expect(line).to_contain_text("in progress")

        await exam.candidates[0].post(f"/api/v1/sessions/{exam.sessions[0]}/messages", json={"text": "I need help"})
        await expect(line).to_contain_text("✉ 1")
        await flag(exam, 0, "pageflag")
        log = page.locator("#incidents")
        await expect(log).to_contain_text("several people")
        await expect(log.get_by_role("img")).to_be_attached()
        await log.get_by_text("Judge", exact=True).click()
        await log.get_by_label("Reason").fill("A poster")
        await log.get_by_role("button", name="It is not").click()
        await expect(log).to_contain_text("dismissed")

        await line.get_by_role("button", name="Candidate 0", exact=True).click()
        await expect(page.locator("#chat")).to_contain_text("I need help")
        await page.get_by_label("Message to the candidate").fill("On my way")
        await page.keyboard.press("Enter")
        await expect(page.locator("#chat")).to_contain_text("On my way")
        await expect(line).not_to_contain_text("✉")

        await line.get_by_role("button", name="Pause Candidate 0").click()
        await expect(line).to_contain_text("paused (pause: requested)")
        await line.get_by_role("button", name="Resume Candidate 0").click()
        await expect(line).to_contain_text("in progress")

        await page.get_by_label("What to do", exact=True).select_option("lock")
        await page.get_by_role("button", name="Do it").click()
        await expect(line).to_contain_text("locked (lock: requested) by you")
        await expect(page.locator("#act-said")).to_contain_text("The exam platform's own clock goes on")
        await expect(page.locator("#done")).to_contain_text("lock (something has to be cleared up first)")
        await line.get_by_role("button", name="Unlock Candidate 0").click()
        await expect(line).to_contain_text("in progress")
        await exam.candidates[0].post(f"/api/v1/sessions/{exam.sessions[0]}/breaks", json={"kind": "rest"})
        await expect(line).to_contain_text("asks for a rest break")
        await page.get_by_label("What to do", exact=True).select_option("break")
        await page.get_by_label("Which break").select_option("rest")
        await page.get_by_role("button", name="Do it").click()
        await expect(line).to_contain_text("on break")
        await expect(line).to_contain_text("rest, 0:04:")
        await expect(line).to_contain_text("(stands)")
        await line.get_by_role("button", name="Call back Candidate 0").click()
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
        await signed_in(page, exam, "invigilator@example.org")
        await page.get_by_role("row").get_by_role("button", name="Candidate 0", exact=True).click()
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
        await signed_in(page, exam, "lead_invigilator@example.org")
        line = page.get_by_role("row").filter(has_text="Candidate 0")
        await line.get_by_role("button", name="Candidate 0", exact=True).click()
        await page.get_by_text("End this exam, or take that back").click()
        await page.get_by_label("Why it is ended").fill("Two phones on the desk")
        await page.get_by_label("The candidate's name, typed").fill("Candidate 1")
        await page.get_by_role("button", name="End this exam").click()
        await expect(page.locator("#problem")).to_contain_text("type the candidate's name")
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
        await signed_in(page, exam, "invigilator@example.org")
        await expect(page.locator("#incidents-problem")).to_contain_text("cannot be shown of Candidate 0")
        await expect(page.locator("#no-incidents")).to_be_hidden()
        await page.get_by_role("button", name="Candidate 0", exact=True).click()
        await expect(page.locator("#chat-problem")).to_contain_text("The messages cannot be brought up to date")
        await page.unroute_all()
        await expect(page.locator("#incidents")).to_contain_text("raised by person", timeout=15_000)
        await expect(page.locator("#chat")).to_contain_text("I need help", timeout=15_000)
        await expect(page.locator("#incidents-problem")).to_be_hidden()
        await expect(page.locator("#chat-problem")).to_be_hidden()


async def test_a_page_that_may_no_longer_look_says_so(hall: Hall, browser: Browser) -> None:
    exam = await an_exam(hall)
    async with a_page(browser) as page:
        await signed_in(page, exam, "invigilator@example.org")
        await expect(page.locator("#stream")).to_have_text("● live")
        who = hall.user("invigilator@example.org")
        await exam.planner.delete(f"/api/v1/schedules/{exam.schedule}/invigilators/{who}")
        await expect(page.locator("#late")).to_contain_text("You may no longer see this schedule", timeout=10_000)


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
        back = page.get_by_role("button", name="Go back to the exam")
        await page.goto(f"{hall.url}/join#{exam.links[0].partition('#')[2]}")
        await page.get_by_role("button", name="Run the checks").click()
        await expect(back).to_be_enabled(timeout=15_000)
        await back.click()
        await expect(page.locator("#camera-state")).to_have_text("● recording", timeout=15_000)

        late = hall.clock() + timedelta(hours=3)
        order = Order(tenant="main", actor="system/test", key=f"cut off {session}", request=bytes(32), at=late)
        await hall.services.handler.run(order, cut_off)
        await expect(page.get_by_role("heading", name="Your exam is over")).to_be_visible(timeout=10_000)
        reopened = await exam.invigilator.post(f"{at}/reopen", json={"reason": "The power was cut."})
        assert reopened.status_code == 204, reopened.text
        await expect(page.get_by_role("heading", name="System check")).to_be_visible(timeout=10_000)
        await expect(page.locator("#below")).to_contain_text("Your exam is paused, and its clock has stopped")
        await expect(page.get_by_role("alertdialog")).to_be_hidden()
        await page.get_by_role("button", name="Run the checks").click()
        await expect(back).to_be_enabled(timeout=15_000)
        await back.click()
        await expect(page.get_by_role("alertdialog")).to_contain_text("Your exam is paused")
        await expect(page.locator("#camera-state")).to_have_text("● recording", timeout=15_000)
        await expect(page.locator("#screen-state")).to_have_text("● recording", timeout=15_000)
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
        await page.get_by_role("button", name="I have read this and go on").click()
        await page.get_by_role("button", name="Run the checks").click()
        start = page.get_by_role("button", name="Start the exam")
        await expect(start).to_be_enabled(timeout=15_000)
        await start.click()
        await expect(page.locator("#camera-state")).to_have_text("● recording", timeout=15_000)
        await expect(page.locator("#screen-state")).to_have_text("● recording", timeout=15_000)
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
