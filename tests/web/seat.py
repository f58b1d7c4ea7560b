"""A candidate's way through their page, stop by stop, with everything on it that an exam may ask of them."""

from __future__ import annotations

from collections.abc import AsyncIterator

from playwright.async_api import Page, Route, expect

from tests.api.hall import Exam, Hall, an_exam

ASSESSMENT = "https://exams.example.org/anatomy"
INSIDE = """<!doctype html><html lang="en"><title>Anatomy</title><main><h1>Anatomy II</h1>
<label>Which bone is the longest? <input id="answer"></label></main>"""
POLICY = {
    "microphone": True, "identity": True, "room_scan": True, "reasons": {"room_scan": "Books are not allowed."},
    "detectors": [{"kind": "out_of_view"}, {"kind": "several_people"}],
    "bases": {"ai_flags": "consent"}, "alternative": "An oral exam, in June.",
}  # fmt: skip
CONTACT = {"emergency_phone": "+43 1 58801", "emergency_email": "exams@example.org"}


async def a_seat(hall: Hall) -> Exam:
    """An exam that asks for consent, identity and a look at the room; its questions are in a frame."""
    exam = await an_exam(hall)
    at = f"/api/v1/schedules/{exam.schedule}"
    told = await exam.planner.put(f"{at}/policy", json=POLICY)
    assert told.status_code == 204, told.text
    told = await exam.planner.patch(at, json={"assessment_url": ASSESSMENT, "opens_in": "frame", **CONTACT})
    assert told.status_code == 204, told.text
    return exam


async def sits(page: Page) -> None:
    """From the notice into an exam that asks for nothing else."""
    await page.get_by_role("button", name="I have read this and go on").click()
    await runs_the_checks(page, "Start the exam")


async def runs_the_checks(page: Page, button: str) -> None:
    """And goes on by that button, until camera and screen are recorded."""
    await page.get_by_role("button", name="Run the checks").click()
    start = page.get_by_role("button", name=button)
    await expect(start).to_be_enabled(timeout=20_000)
    await start.click()
    for track in ("camera", "screen"):
        await expect(page.locator(f"#{track}-state")).to_have_text("● recording", timeout=15_000)


async def sitting(page: Page, exam: Exam) -> AsyncIterator[str]:
    """Goes the whole way from the link to the receipt, and stops wherever there is something else to see."""
    at = f"/api/v1/sessions/{exam.sessions[0]}"
    staff = exam.invigilator
    cover = page.get_by_role("alertdialog")
    await page.context.route(f"{ASSESSMENT}**", _questions)
    await page.goto(f"{exam.hall.url}/join#{exam.links[0].partition('#')[2]}")
    await expect(page.get_by_role("heading", name="Before you begin")).to_be_visible()
    yield "notice"
    await page.get_by_role("button", name="I have read this and go on").click()
    await expect(page.get_by_role("heading", name="Your consent")).to_be_focused()
    yield "consent"
    await page.get_by_role("button", name="Yes").click()
    await expect(page.get_by_role("heading", name="System check")).to_be_focused()
    yield "checks"
    await page.get_by_role("button", name="Run the checks").click()
    start = page.get_by_role("button", name="Start the exam")
    await expect(start).to_be_enabled(timeout=30_000)
    await expect(page.locator("#heard")).to_have_text("You are heard.")  # the camera for tests beeps
    yield "checks-passed"
    for what in ("me", "my document"):
        await page.get_by_role("button", name=f"Take a picture of {what}").click()
        await expect(page.get_by_role("button", name="Take it now")).to_be_focused()
        if what == "me":
            yield "identity-camera"
        await page.get_by_role("button", name="Take it now").click()
        await expect(page.get_by_role("button", name="Use this picture")).to_be_focused()
        if what == "me":
            yield "identity-picture"
        await page.get_by_role("button", name="Use this picture").click()
    await expect(page.locator("#identity-said")).to_contain_text("An invigilator is looking at them")
    yield "identity-waiting"
    await let_in(exam)
    await expect(page.get_by_role("heading", name="Who you are")).to_be_hidden()
    await start.click()
    for track in ("camera", "screen"):
        await expect(page.locator(f"#{track}-state")).to_have_text("● recording", timeout=30_000)
    await staff.post(f"{at}/messages", json={"text": "Good morning. Write here if anything does not work."})
    await expect(page.locator("#chat")).to_contain_text("Good morning")
    yield "exam"
    await page.locator("#help-head").click()
    await page.get_by_label("In a few words").fill("A siren outside")
    await page.get_by_role("button", name="Raise my hand").click()
    await expect(page.locator("#help-said")).to_contain_text("Your hand is up")
    yield "hand"
    await page.get_by_role("button", name="Take my hand down").click()
    await expect(page.locator("#help-head")).to_have_text("Help")
    await page.locator("#help-head").click()
    await staff.post(f"{at}/interventions", json={"kind": "warn", "text": "Please look at your screen"})
    await expect(cover).to_contain_text("Please look at your screen")
    await expect(page.get_by_role("button", name="I have read this")).to_be_focused()
    yield "warned"
    await page.get_by_role("button", name="I have read this").click()
    await expect(cover).to_be_hidden()
    await staff.post(f"{at}/interventions", json={"kind": "room_scan"})
    await expect(cover).to_contain_text("turn it slowly once around")
    yield "room-scan"
    await page.get_by_role("button", name="I have done this").click()
    await staff.post(f"{at}/interventions", json={"kind": "pause", "text": "We look into the siren."})
    await expect(cover).to_contain_text("Your exam is paused")
    yield "paused"
    await staff.post(f"{at}/interventions", json={"kind": "resume"})
    await expect(cover).to_be_hidden()
    await staff.post(f"{at}/interventions", json={"kind": "break", "break_kind": "rest", "minutes": 5})
    await expect(cover).to_contain_text("left of your break")
    yield "break"
    await page.get_by_role("button", name="I am back").click()
    await page.get_by_role("button", name="I have done this").click()
    await expect(cover).to_be_hidden()
    await page.get_by_role("button", name="Hand in and end the exam").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    yield "hand-in"
    await page.get_by_role("button", name="Hand in", exact=True).click()
    await expect(page.get_by_role("link", name="Open my record")).to_be_visible(timeout=30_000)
    yield "end"


async def _questions(route: Route) -> None:
    await route.fulfill(body=INSIDE, content_type="text/html")


async def let_in(exam: Exam) -> None:
    """An invigilator has looked at the pictures."""
    at = f"/api/v1/sessions/{exam.sessions[0]}"
    told = await exam.invigilator.post(f"{at}/identity/decision", json={"decision": "approve"})
    assert told.status_code == 204, told.text
