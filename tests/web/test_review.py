"""The reviewer's pages in a real Chromium: from sign-in and the gradebook to verdicts, decisions and notes."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, Page, expect

from tests.api.hall import Exam, Hall
from tests.api.test_appeals import decide, now
from tests.api.test_reviews import REASON, judge, reviewed
from tests.web.filmed import a_filmed_exam
from tests.web.looking import a_page, enter, films_ready, violations

REVIEWER = "reviewer@example.org"
SECOND = "second.reviewer@example.org"


async def to_the_gradebook(page: Page, exam: Exam, email: str = REVIEWER) -> None:
    await enter(page, exam.hall, email, f"/schedules/{exam.schedule}/gradebook")
    await expect(page.get_by_role("heading", name="Gradebook: Anatomy II")).to_be_visible()


@pytest.fixture(scope="module")
async def filmed_exam(hall: Hall) -> Exam:
    return await a_filmed_exam(hall)


async def test_a_reviewer_decides_and_notes_on_a_page(hall: Hall, browser: Browser) -> None:
    exam = await reviewed(hall)
    await hall.as_a("reviewer")
    async with a_page(browser) as page:
        await to_the_gradebook(page, exam)
        await page.get_by_role("link", name="Candidate 0").click()
        await expect(page.get_by_text("Nobody has decided.")).to_be_visible()
        await page.get_by_label("Decision", exact=True).select_option("void")
        await page.get_by_label("on the ground of").select_option("fault")
        await page.get_by_label("Reason, which the candidate reads").fill("The <b>recording</b> broke off.")
        await page.get_by_role("button", name="Decide").click()
        await expect(page.locator("#decisions")).to_contain_text("void, a fault: The <b>recording</b> broke off.")
        await page.get_by_label("Another note").fill("See the day's report.")
        await page.get_by_role("button", name="Note it").click()
        await expect(page.locator("#record-notes")).to_contain_text("See the day's report.")
        await page.get_by_role("link", name="Gradebook", exact=True).click()
        await expect(page.locator("#records tbody")).to_contain_text("void")
        await expect(page.locator("#records tbody")).to_contain_text("The reviewer")


async def test_the_gradebook_is_filtered_by_the_server_and_comes_as_a_sheet(hall: Hall, browser: Browser) -> None:
    exam = await reviewed(hall, candidates=2)
    await hall.as_a("reviewer")
    async with a_page(browser) as page:
        await to_the_gradebook(page, exam)
        rows = page.locator("#records tbody tr")
        await expect(rows).to_have_count(2)
        await expect(rows.first).to_contain_text("Candidate 1")  # the severe one
        await page.get_by_label("Sorted by").select_option("name")
        await expect(rows.first).to_contain_text("Candidate 0")
        await page.get_by_label("Severity").select_option("high")
        await expect(rows).to_have_count(1)
        await page.get_by_label("Severity").select_option("")
        await page.get_by_label("Name or number").fill("candidate 0")
        await expect(rows).to_have_count(1)
        async with page.expect_download() as saving:
            await page.get_by_role("link", name="Gradebook as a sheet").click()
        assert (await saving.value).suggested_filename.endswith(".csv")


async def test_what_was_asked_of_the_gradebook_is_kept_in_its_address(hall: Hall, browser: Browser) -> None:
    exam = await reviewed(hall, candidates=2)
    await hall.as_a("reviewer")
    at = f"/schedules/{exam.schedule}/gradebook"
    async with a_page(browser) as page:
        await enter(page, hall, REVIEWER, f"{at}?severity=high&sort=name")
        rows = page.locator("#records tbody tr")

        async def is_kept(asked: str) -> None:
            await expect(page).to_have_url(f"{hall.url}{at}{asked}")
            await expect(rows).to_have_count(1)
            await expect(rows.first).to_contain_text("Candidate 1")

        await is_kept("?sort=name&severity=high")
        await expect(page.get_by_label("Sorted by")).to_have_value("name")
        await page.get_by_label("Severity").select_option("")
        await page.get_by_label("Name or number").fill("candidate 1")
        await is_kept("?sort=name&q=candidate+1")
        await page.reload()
        await is_kept("?sort=name&q=candidate+1")
        await page.get_by_role("link", name="Candidate 1").click()
        await expect(page.locator("#record-head")).to_have_text("Candidate 1")
        await page.go_back()
        await is_kept("?sort=name&q=candidate+1")
        await expect(page.get_by_label("Name or number")).to_have_value("candidate 1")
        await page.get_by_label("Name or number").fill("")
        await page.get_by_label("Sorted by").select_option("priority")
        await expect(page).to_have_url(f"{hall.url}{at}")


async def test_camera_and_screen_play_in_step_and_the_address_keeps_the_moment(
    filmed_exam: Exam, browser: Browser
) -> None:
    async with a_page(browser) as page:
        await enter(page, filmed_exam.hall, REVIEWER, f"/sessions/{filmed_exam.sessions[0]}?t=00:00:10")
        await films_ready(page)
        await expect(page.get_by_text("That you opened this recording is on the record.")).to_be_visible()
        await page.wait_for_function("() => Math.abs(document.querySelector('video').currentTime - 10) < 3")
        await page.locator("#record-head").click()
        await page.keyboard.press(" ")
        await page.wait_for_function("(at) => document.querySelector('video').currentTime > at", arg=await at(page) + 2)
        await page.keyboard.press(" ")
        await page.wait_for_function("() => [...document.querySelectorAll('video')].every((one) => one.paused)")
        camera, screen = await times(page)
        assert abs(camera - 2 - screen) < 0.3, "the same time of the day in both"
        before = await at(page)
        await page.keyboard.press("ArrowLeft")
        await page.wait_for_function(
            f"() => Math.abs(document.querySelector('video').currentTime - {before - 5}) < 0.2"
        )
        await page.keyboard.press(".")
        await page.wait_for_function(f"() => document.querySelector('video').currentTime > {before - 5} + 0.01")
        await page.keyboard.press("Shift+ArrowLeft")
        await page.wait_for_function("() => document.querySelector('video').currentTime === 0")
        await page.keyboard.press("]")
        await page.wait_for_function("() => document.querySelector('video').currentTime > 4")
        assert abs(await at(page) - 5) < 0.2, "the first incident"
        await expect(page).to_have_url(re.compile(r"\?t=00:00:\d\d$"))
        await page.get_by_label("Speed").select_option("8")
        assert await page.eval_on_selector_all("video", "(all) => all.map((one) => one.playbackRate)") == [8, 8]


async def test_a_reviewer_judges_by_keyboard_and_finds_what_it_rests_on(filmed_exam: Exam, browser: Browser) -> None:
    async with a_page(browser) as page:
        await enter(page, filmed_exam.hall, REVIEWER, f"/sessions/{filmed_exam.sessions[0]}")
        await films_ready(page)
        lanes = page.get_by_role("region", name="Timeline")
        await expect(lanes.get_by_role("group", name="several people")).to_be_visible()
        await expect(lanes.get_by_role("group", name="Chat")).to_be_visible()
        await page.locator("#record-head").click()
        await page.keyboard.press("]")
        await page.keyboard.press("1")
        await expect(page.get_by_label("Why", exact=True)).to_be_focused()
        await page.keyboard.type("Two people, 1 2 3.")
        await page.get_by_role("button", name="Give this verdict").press("Enter")
        flagged = page.locator("#record-flags")
        await expect(flagged).to_contain_text("confirmed: Two people, 1 2 3.")
        await expect(flagged.get_by_text("objects 1").first).to_be_visible()
        await expect(flagged.get_by_role("img").first).to_be_visible()
        await expect(page.locator("#record-observed")).to_contain_text("several people: not observed: overloaded")
        await expect(page.get_by_text("It rests on:").first).to_contain_text("several people (high, ")


async def test_a_second_reviewer_who_is_blind_sees_no_verdict_before_their_own(hall: Hall, browser: Browser) -> None:
    exam = await reviewed(hall, second_reviewer=True, blind_review=True)
    await judge(await hall.as_a("reviewer"), exam, 0, "confirmed")
    await hall.as_a("reviewer", SECOND)
    at = f"/sessions/{exam.sessions[0]}"
    async with a_page(browser) as page, a_page(browser) as first:
        await enter(page, hall, SECOND, at)
        flagged = page.locator("#record-flags")
        await expect(flagged).to_contain_text("you see after your own verdict")
        await expect(flagged).to_contain_text("nobody has judged it")
        await expect(page.locator("body")).not_to_contain_text(REASON["reason"])
        assert await violations(page) == []
        await flagged.get_by_role("button", name="dismissed").click()
        await flagged.get_by_label("Why").fill("It is the radio.")
        await flagged.get_by_role("button", name="Give this verdict").click()
        await expect(flagged.get_by_role("status")).to_have_text("Your verdict is on the record.")
        await expect(flagged.get_by_role("button", name="dismissed")).to_be_focused()
        await expect(flagged).to_contain_text("dismissed: It is the radio.")
        await expect(flagged).to_contain_text(f"confirmed: {REASON['reason']}")
        await expect(flagged).to_contain_text("verdicts differ")
        await enter(first, hall, REVIEWER, at)
        await expect(first.locator("#record-flags")).to_contain_text("dismissed: It is the radio.")
        await expect(first.get_by_role("group", name="Judge again")).to_be_visible()


async def test_the_priority_is_worked_out_again_with_a_reason_and_its_earlier_version_stays(
    hall: Hall, browser: Browser
) -> None:
    exam = await reviewed(hall)
    await judge(await hall.as_a("reviewer"), exam, 0, "dismissed")
    async with a_page(browser) as page:
        await enter(page, hall, REVIEWER, f"/sessions/{exam.sessions[0]}")
        priority = page.locator("#record-priority")
        await expect(priority).to_contain_text("Version 1")
        await expect(priority).to_contain_text("raised by person (warning, unjudged)")
        await expect(priority.get_by_text("Earlier versions")).to_be_hidden()
        await priority.get_by_text("Work it out again").first.click()
        await priority.get_by_label("Why it is worked out again").fill("The noise was the radio.")
        await priority.get_by_role("button", name="Work it out again").click()
        await expect(priority).to_contain_text(re.compile("Version 2.*The reviewer: The noise was the radio."))
        await expect(priority).to_contain_text("raised by person (warning, dismissed)")
        await priority.get_by_text("Earlier versions").click()
        await expect(priority.get_by_text("raised by person (warning, unjudged)")).to_be_visible()
        await expect(priority.get_by_text("by Vigil itself")).to_be_visible()
        assert await violations(page) == []


async def test_what_holds_a_record_is_said_on_it(hall: Hall, browser: Browser) -> None:
    exam = await reviewed(hall)
    reviewer, officer = await hall.as_a("reviewer"), await hall.as_a("data_protection_officer")
    async with a_page(browser) as page:
        await enter(page, hall, REVIEWER, f"/sessions/{exam.sessions[0]}")
        holds = page.locator("#record-holds")
        await expect(holds).to_have_text("Nothing is held.")
        at = f"/api/v1/sessions/{exam.sessions[0]}/record/holds"
        body = {"reason": "A court asks.", "classes": ["media"], "readers": [], "until": None}
        placed = await officer.post(at, json=body)
        assert placed.status_code == 201, placed.text
        await decide(reviewer, exam.sessions[0], outcome="void", ground="fault")
        await reviewer.get(at, headers=await now(hall))  # waits until it can be read
        await page.reload()
        await expect(holds).to_contain_text("Placed by somebody: media")
        await expect(holds).to_contain_text("After a decision: chat, identity, media, notes, profile")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nobody_is_kept_out_by_the_reviewers_pages(filmed_exam: Exam, browser: Browser, scheme: str) -> None:
    size = {"width": 1440, "height": 900}
    async with a_page(browser, color_scheme=scheme, viewport=size) as page:
        await to_the_gradebook(page, filmed_exam)
        await expect(page.locator("#records tbody tr")).to_have_count(2)
        assert await violations(page) == []
        await page.get_by_role("link", name="Candidate 0").click()
        await films_ready(page)
        assert await violations(page) == []


async def test_an_auditor_reads_and_nothing_asks_them_to_decide(filmed_exam: Exam, browser: Browser) -> None:
    async with a_page(browser) as page:
        await enter(page, filmed_exam.hall, "auditor@example.org", f"/sessions/{filmed_exam.sessions[0]}")
        await expect(page.locator("#record-head")).to_have_text("Candidate 0")
        await expect(page.get_by_role("button", name="Decide")).to_be_hidden()
        await page.get_by_role("button", name="Show who").click()
        await expect(page.get_by_text("The reviewer").first).to_be_visible()


async def at(page: Page) -> float:
    return (await times(page))[0]


async def times(page: Page) -> list[float]:
    return list(await page.eval_on_selector_all("video", "(all) => all.map((one) => one.currentTime)"))
