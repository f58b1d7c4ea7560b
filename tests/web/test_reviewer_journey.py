"""One record from a reviewer's sign-in to an answered appeal, in a real Chromium, as the three people in it see it."""

from __future__ import annotations

from playwright.async_api import Browser, Page, expect

from tests.api.hall import Exam, Hall
from tests.api.test_appeals import own, receipt
from tests.web.filmed import a_filmed_exam
from tests.web.looking import a_page, enter, films_ready, violations

WIDE = {"width": 1440, "height": 900}


async def test_from_sign_in_to_an_answered_appeal(hall: Hall, browser: Browser) -> None:
    exam = await a_filmed_exam(hall)
    await hall.as_a("reviewer", "apart@example.org")
    link = (await receipt(exam))["record_link"].rpartition("#")[2]
    async with a_page(browser, viewport=WIDE) as first, a_page(browser, viewport=WIDE) as candidate:
        await a_record_is_found(first, exam)
        await its_incidents_are_watched(first)
        await each_is_judged(first)
        await it_is_decided(first)
        await candidate.goto(f"{hall.url}/record#{link}")
        await the_candidate_appeals(candidate)
        await who_decided_does_not_answer(first)
    async with a_page(browser, viewport=WIDE) as other, a_page(browser, viewport=WIDE) as candidate:
        await the_appeal_is_answered(other, hall)
        await own(exam, exam.candidates[0])  # waits until the answer can be read
        await candidate.goto(f"{hall.url}/record#{link}")
        await expect(candidate.locator("#appeals")).to_contain_text("rejected")
        await expect(candidate.locator("#appeals")).to_contain_text("Both films show a second person.")
        await expect(candidate.locator("body")).not_to_contain_text("The reviewer")  # nor who answered
        assert await violations(candidate) == []


async def a_record_is_found(page: Page, exam: Exam) -> None:
    await page.goto(exam.hall.url)
    assert await violations(page) == []
    await enter(page, exam.hall, "reviewer@example.org")
    await page.get_by_role("link", name="Gradebook: Anatomy II").click()
    await expect(page.locator("#records tbody tr").first).to_contain_text(
        "Candidate 0"
    )  # what needs a look comes first
    await expect(page.locator("#records tbody tr").first).to_contain_text("0 of 3")
    assert await violations(page) == []
    await page.get_by_role("link", name="Candidate 0").click()
    await films_ready(page)
    await expect(page.get_by_text("That you opened this recording is on the record.")).to_be_visible()
    assert await violations(page) == []


async def its_incidents_are_watched(page: Page) -> None:
    """Alone, with ten seconds around each: nothing between them nor after the last, and then the first again."""
    await page.get_by_role("button", name="Next incident").click()
    await page.wait_for_function("() => Math.abs(document.querySelector('video').currentTime - 5) < 0.3")
    await page.evaluate(
        "() => { window.seen = []; const film = document.querySelector('video');"
        " film.addEventListener('timeupdate', () => seen.push(film.currentTime)) }"
    )
    await page.get_by_label("Play only incidents, with 10 s around").check()
    await page.get_by_label("Speed").select_option("8")
    play = page.get_by_role("button", name="Play", exact=True)
    await play.click()
    await page.wait_for_function("() => document.querySelector('video').currentTime > 58")
    await expect(play).to_be_visible()  # it stands
    seen = await page.evaluate("seen")
    assert [at for at in seen if 24 < at < 27.9] == [], "between the first and the second"
    assert max(seen) < 66, "after the third"
    await play.click()
    await page.wait_for_function("() => document.querySelector('video').currentTime < 20")
    await page.get_by_role("button", name="Pause", exact=True).click()
    await page.get_by_label("Speed").select_option("1")


async def each_is_judged(page: Page) -> None:
    said = {
        "confirmed": "Somebody stands behind.",
        "unsure": "A shadow, or a person.",
        "dismissed": "Reads aloud.",
    }
    incidents = page.locator("#record-flags article")
    await expect(incidents).to_have_count(len(said))
    for number, (verdict, why) in enumerate(said.items()):
        one = incidents.nth(number)
        await one.get_by_role("button", name=verdict).click()
        await one.get_by_label("Why").fill(why)
        await one.get_by_role("button", name="Give this verdict").click()
        await expect(one).to_contain_text(f"{verdict}: {why}")


async def it_is_decided(page: Page) -> None:
    await page.get_by_label("Decision", exact=True).select_option("referred")
    await page.get_by_label("on the ground of").select_option("incident")
    await page.get_by_label("Reason, which the candidate reads").fill("Somebody helped.")
    await page.get_by_role("button", name="Decide").click()
    await expect(page.locator("#decisions")).to_contain_text("referred, a confirmed incident: Somebody helped.")
    assert await violations(page) == []


async def the_candidate_appeals(page: Page) -> None:
    await expect(page.locator("#decisions")).to_contain_text("Referred: it is looked into further.")
    await expect(page.locator("#findings")).to_contain_text("Somebody stands behind.")
    await expect(page.locator("#findings")).not_to_contain_text("A shadow")  # nobody confirmed it
    await page.get_by_label("What should be looked at again").fill("It was a poster.")
    assert await violations(page) == []
    await page.get_by_role("button", name="Send the appeal").click()
    await expect(page.locator("#appeal-said")).to_have_text("Your appeal was sent.")
    assert await violations(page) == []


async def who_decided_does_not_answer(page: Page) -> None:
    await page.reload()
    await page.get_by_role("link", name="An appeal waits for an answer.").click()
    appeal = page.locator("#record-appeals")
    await expect(appeal).to_contain_text("It was a poster.")
    await expect(appeal).to_contain_text("so somebody else answers.")
    await expect(appeal.get_by_role("button", name="Answer the appeal")).to_be_hidden()


async def the_appeal_is_answered(page: Page, hall: Hall) -> None:
    await enter(page, hall, "apart@example.org")
    await page.get_by_role("link", name="Appeals").click()
    waits = page.get_by_role("table", name="Waiting for an answer").get_by_role("row", name="Candidate 0")
    await expect(waits).to_contain_text("Anatomy II")
    await expect(waits).to_contain_text("decision 1")
    assert await violations(page) == []
    await waits.get_by_role("link", name="Candidate 0").click()
    await films_ready(page)
    assert await violations(page) == []
    await answer(page, "Both films show a second person.")
    await expect(page.locator("#record-appeals")).to_contain_text("rejected")
    assert await violations(page) == []
    await page.get_by_role("link", name="Appeals", exact=True).click()
    await expect(page.get_by_text("No appeal waits for an answer.")).to_be_visible()


async def answer(page: Page, why: str) -> None:
    appeal = page.locator("#record-appeals")
    await appeal.get_by_label("Answer to the appeal").select_option("rejected")
    await appeal.get_by_label("Why").fill(why)
    await appeal.get_by_role("button", name="Answer the appeal").click()
