"""The candidate's page in a real Chromium: the exam in its frame, and what the page tells of it."""

from __future__ import annotations

from playwright.async_api import Browser, Route, expect

from media.worker import MediaWorker
from tests.api.hall import Exam, Hall, an_exam
from tests.api.test_pages import browser, media
from tests.api.test_signals import flags
from tests.web.looking import a_page

__all__ = ["browser", "media"]  # fixtures

EXAM = "https://exams.example.org/anatomy"
INSIDE = """<!doctype html><title>Anatomy</title><label>Answer <input id="answer"></label><script>
parent.postMessage({ vigil: "watched" }, "*");
addEventListener("paste", () => parent.postMessage({ vigil: "pasted" }, "*"));
</script>"""
KEEP_THE_CAMERA = """
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wanted) => (window.theCamera = await open(wanted));
"""
MUTED = """(muted) => {
  const [track] = window.theCamera.getVideoTracks();
  Object.defineProperty(track, "muted", { value: muted, configurable: true });
  track.dispatchEvent(new Event(muted ? "mute" : "unmute"));
}"""


async def framed(hall: Hall) -> Exam:
    exam = await an_exam(hall)
    at = f"/api/v1/schedules/{exam.schedule}"
    assert (await exam.planner.patch(at, json={"assessment_url": EXAM, "opens_in": "frame"})).status_code == 204
    kinds = [{"kind": kind, "after_s": 1.0} for kind in ("focus_lost", "camera_muted")]
    policy = {"browser": [*kinds, {"kind": "pasted"}]}
    assert (await exam.planner.put(f"{at}/policy", json=policy)).status_code == 204
    return exam


async def _exam(route: Route) -> None:
    await route.fulfill(body=INSIDE, content_type="text/html")


async def test_the_exam_is_taken_in_a_frame_and_what_happens_there_is_told(
    hall: Hall, browser: Browser, media: MediaWorker
) -> None:
    exam = await framed(hall)
    session = exam.sessions[0]

    async def until(*kinds: tuple[str, bool]) -> None:
        """Until these have been flagged, each going on or not, and nothing else."""

        async def seen() -> set[tuple[str, bool]]:
            return {(flag["kind"], flag["ended_at"] is None) for flag in await flags(exam, session)}

        for _ in range(150):
            if (found := await seen()) == set(kinds):
                return
            await page.wait_for_timeout(200)
        assert found == set(kinds)

    async with a_page(browser) as page:
        await page.add_init_script(KEEP_THE_CAMERA)
        await page.context.route("https://exams.example.org/**", _exam)
        await page.goto(f"{hall.url}/join#{exam.links[0].partition('#')[2]}")
        await expect(page.locator("#notice-text")).to_contain_text("something is pasted into your exam")
        await page.get_by_role("button", name="I have read this and go on").click()
        await page.get_by_role("button", name="Run the checks").click()
        start = page.get_by_role("button", name="Start the exam")
        await expect(start).to_be_enabled(timeout=15_000)
        await start.click()
        answer = page.frame_locator("#assessment").get_by_label("Answer")
        await answer.fill("The femur", timeout=15_000)
        await page.wait_for_timeout(3000)
        await until()
        await page.evaluate("document.hasFocus = () => false")
        await until(("focus_lost", True))
        await page.evaluate("delete document.hasFocus")
        await until(("focus_lost", False))
        await answer.evaluate("(input) => input.dispatchEvent(new ClipboardEvent('paste', { bubbles: true }))")
        await until(("focus_lost", False), ("pasted", True))
        await page.evaluate(MUTED, True)
        await until(("focus_lost", False), ("pasted", True), ("camera_muted", True))
        await page.get_by_role("button", name="Hand in and end the exam").click()
        await page.get_by_role("button", name="Hand in", exact=True).click()
        await expect(page.get_by_role("heading", name="Your exam is over")).to_be_visible()
        await until(("focus_lost", False), ("pasted", False), ("camera_muted", False))


async def test_an_exam_in_a_tab_of_its_own_is_a_link(hall: Hall, browser: Browser, media: MediaWorker) -> None:
    exam = await an_exam(hall)
    at = f"/api/v1/schedules/{exam.schedule}"
    assert (await exam.planner.patch(at, json={"assessment_url": EXAM})).status_code == 204
    async with a_page(browser) as page:
        await page.goto(f"{hall.url}/join#{exam.links[0].partition('#')[2]}")
        await page.get_by_role("button", name="I have read this and go on").click()
        await page.get_by_role("button", name="Run the checks").click()
        start = page.get_by_role("button", name="Start the exam")
        await expect(start).to_be_enabled(timeout=15_000)
        await start.click()
        link = page.get_by_role("link", name="Open your exam in a new tab")
        await expect(link).to_have_attribute("href", EXAM)
        await expect(page.locator("#assessment")).to_be_hidden()
