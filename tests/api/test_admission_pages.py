"""Identity and devices on the pages, in a real Chromium: shown, looked at, let in; asked, admitted, cut off."""

from __future__ import annotations

from playwright.async_api import Browser, Page, expect

from media.worker import MediaWorker
from tests.api.hall import Exam, Hall, an_exam
from tests.api.test_devices import asking
from tests.api.test_identity import an_exam_that_asks, ready, show
from tests.api.test_pages import browser, media  # noqa: F401 - fixtures, asked for by name
from tests.web.looking import a_page
from tests.web.seat import runs_the_checks, sits
from tests.web.walls import at_the_wall, turn_to

OTHER = "another-browser-somewhere"


def link(exam: Exam) -> str:
    return f"{exam.hall.url}/join#{exam.links[0].partition('#')[2]}"


async def takes(page: Page, what: str, *, again: bool = False) -> None:
    """Takes a picture, looks at it, perhaps takes it `again`, and sends it."""
    await page.get_by_role("button", name=f"Take a picture of {what}").click()
    await page.get_by_role("button", name="Take it now").click()
    await expect(page.get_by_alt_text("The picture that you took")).to_be_visible()
    if again:
        await page.get_by_role("button", name="Take it again").click()
        await expect(page.get_by_label("Your own camera").first).to_be_visible()
        await page.get_by_role("button", name="Take it now").click()
    await page.get_by_role("button", name="Use this picture").click()
    await expect(page.get_by_role("button", name="Use this picture")).to_be_hidden()


async def test_a_candidate_shows_who_they_are_and_an_invigilator_lets_them_in(
    hall: Hall,
    browser: Browser,  # noqa: F811
    media: MediaWorker,  # noqa: F811
) -> None:
    exam = await an_exam_that_asks(hall)
    async with a_page(browser) as page, a_page(browser) as staff:
        await at_the_wall(staff, exam)
        door = staff.get_by_role("tab", name="To be let in")
        await expect(door).to_have_text("To be let in")
        await page.goto(link(exam))
        await page.get_by_role("button", name="I have read this and go on").click()
        await page.get_by_role("button", name="Run the checks").click()
        await expect(page.get_by_role("button", name="Start the exam")).to_be_enabled(timeout=15_000)
        await takes(page, "me")
        await expect(page.locator("#identity-photo-done")).to_have_text("sent")
        await takes(page, "my document", again=True)
        await expect(page.locator("#identity-said")).to_contain_text("An invigilator is looking at them")

        await expect(door).to_have_text("To be let in 1")
        await turn_to(staff, "To be let in")
        await expect(staff.locator("#waiting-count")).to_have_text("1 waiting")
        await staff.get_by_role("button", name="Look at the next one").click()
        await expect(staff.get_by_alt_text("Picture of the candidate")).to_be_visible()
        await expect(staff.locator("#look-who")).to_contain_text("Candidate 0")
        await staff.get_by_label("Reason (needed to reject").fill("The document cannot be read.")
        await staff.get_by_role("button", name="Reject, new pictures").click()
        await expect(page.locator("#identity-said")).to_contain_text("The document cannot be read.")
        await expect(page.locator("#identity-photo-done")).to_have_text("not yet")
        await expect(door).to_have_text("To be let in")
        await takes(page, "me")
        await takes(page, "my document")
        await expect(staff.locator("#waiting-count")).to_have_text("1 waiting")
        await staff.get_by_role("button", name="Look at the next one").click()
        await staff.get_by_role("button", name="It is them").click()
        await expect(page.get_by_role("heading", name="Who you are")).to_be_hidden()
        await expect(door).to_have_text("To be let in")
        await page.get_by_role("button", name="Start the exam").click()
        await expect(page.locator("#camera-state")).to_have_text("● recording", timeout=15_000)


async def test_an_exam_moves_to_another_device_when_an_invigilator_agrees(
    hall: Hall,
    browser: Browser,  # noqa: F811
    media: MediaWorker,  # noqa: F811
) -> None:
    exam = await an_exam(hall)
    async with a_page(browser) as first, a_page(browser, OTHER) as second, a_page(browser) as staff:
        await at_the_wall(staff, exam)
        await turn_to(staff, "To be let in")
        await first.goto(link(exam))
        await sits(first)

        await second.goto(link(exam))
        await expect(second.locator("#device-said")).to_contain_text("taken on another device")
        await second.get_by_role("button", name="Go on here").click()
        await expect(second.locator("#device-said")).to_contain_text("You have asked to go on here")
        await expect(first.locator("#device-asking")).to_contain_text("Another device asks")
        await expect(staff.locator("#asking")).to_contain_text("Candidate 0 asks to go on with another device")
        await staff.get_by_role("button", name="Admit").click()
        await expect(first.locator("#device-said")).to_contain_text("taken on another device", timeout=10_000)
        await expect(first.locator("#step-exam")).to_be_hidden()
        await runs_the_checks(second, "Go back to the exam")


async def test_who_goes_on_elsewhere_takes_their_pictures_there_while_the_exam_runs(
    hall: Hall,
    browser: Browser,  # noqa: F811
    media: MediaWorker,  # noqa: F811
) -> None:
    exam = await an_exam_that_asks(hall)
    at = await ready(exam)
    await show(exam)
    assert (await exam.invigilator.post(f"{at}/identity/decision", json={"decision": "approve"})).status_code == 204
    assert (await exam.candidates[0].post(f"{at}/start")).status_code == 200
    async with a_page(browser, OTHER) as page:
        await page.goto(link(exam))
        await page.get_by_role("button", name="Go on here").click()
        asked = page.get_by_text("You have asked to go on here")
        await expect(asked).to_be_visible()
        await page.reload()
        await expect(asked).to_be_visible()
        (one,) = await asking(exam)
        assert (await exam.invigilator.post(f"{at}/devices/{one['device']}/admission")).status_code == 204
        await runs_the_checks(page, "Go back to the exam")
        await expect(page.get_by_role("heading", name="Your exam is running")).to_be_focused()
        await expect(page.locator("#identity-said")).to_contain_text("Your exam goes on meanwhile.")
        await takes(page, "me")
        await takes(page, "my document")
        await expect(page.get_by_role("heading", name="Who you are")).to_be_hidden()
