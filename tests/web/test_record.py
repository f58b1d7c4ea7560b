"""A candidate comes back in a real Chromium: from the receipt to their record, an appeal, and its answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.api.hall import Exam, Hall
from tests.api.test_appeals import PDF, decide, own, receipt
from tests.api.test_reviews import judge, reviewed
from tests.web.looking import a_page, enter, violations


async def opened(page: Page, exam: Exam, link: str) -> None:
    await page.goto(f"{exam.hall.url}/record#{link.rpartition('#')[2]}")
    await expect(page.get_by_role("heading", name="Your record: Anatomy II")).to_be_visible()


async def test_a_candidate_reads_their_record_appeals_with_a_file_and_reads_the_answer(
    hall: Hall,
    browser: Browser,
    tmp_path: Path,
) -> None:
    exam = await reviewed(hall)
    session, reviewer = exam.sessions[0], await hall.as_a("reviewer")
    await judge(reviewer, exam, 0, "confirmed")
    await decide(reviewer, session, outcome="referred", ground="incident")
    held = await receipt(exam)
    async with a_page(browser) as page:
        await opened(page, exam, held["record_link"])
        assert "#" not in page.url  # the link stays out of the history
        await expect(page.locator("#decisions")).to_contain_text("Referred: it is looked into further.")
        await expect(page.locator("#findings")).to_contain_text("raised by person")
        await page.get_by_label("Your receipt").set_input_files(saved(tmp_path, "receipt.json", held))
        await expect(page.locator("#receipt-said")).to_contain_text("Yes: seal 1 of this record is the one")
        forged = held | {"seal": held["seal"] | {"root": "00" * 32}}
        await page.get_by_label("Your receipt").set_input_files(saved(tmp_path, "forged.json", forged))
        await expect(page.locator("#receipt-said")).to_contain_text("No: your receipt names another seal")
        letter, script = tmp_path / "letter.pdf", tmp_path / "page.txt"
        letter.write_bytes(PDF)
        script.write_bytes(b"\x00\x01")
        await page.get_by_label("What should be looked at again").fill("It was my interpreter.")
        await page.get_by_label("What it is about").select_option(index=1)
        await page.get_by_label("Up to five files").set_input_files([letter, script])
        await page.get_by_role("button", name="Send the appeal").click()
        await expect(page.locator("#appeal-said")).to_contain_text("not every file. page.txt: a PDF, a JPEG or PNG")
        await expect(page.locator("#appeals")).to_contain_text("not answered yet")
        await expect(page.locator("#appeals")).to_contain_text("File 1: application/pdf")
        await expect(page.get_by_role("button", name="Send the appeal")).to_be_hidden()
        (one,) = (await own(exam, exam.candidates[0]))["appeals"]
        assert one["incident"]
        await hall.as_a("reviewer", "apart@example.org")
        async with a_page(browser) as staff:
            await enter(staff, hall, "apart@example.org", f"/schedules/{exam.schedule}/gradebook")
            await expect(staff.locator("#records tbody")).to_contain_text("referred; an appeal waits", timeout=15_000)
            await staff.get_by_role("link", name="Candidate 0").click()
            await expect(staff.locator("#record-appeals")).to_contain_text("It was my interpreter.")
            async with staff.expect_download() as saving:
                await staff.get_by_role("button", name="Save file 1 (application/pdf, 1 KB)").click()
            assert Path(await (await saving.value).path()).read_bytes() == PDF
            await staff.get_by_label("Answer to the appeal").select_option("upheld")
            await staff.get_by_role("textbox", name="Why").fill("The interpreter was allowed.")
            await staff.get_by_role("button", name="Answer the appeal").click()
            await expect(staff.locator("#record-appeals")).to_contain_text("Somebody has to decide anew.")
        await own(exam, exam.candidates[0])  # waits until the answer can be read
        await page.reload()  # by the link that the page keeps for that
        await expect(page.locator("#appeals")).to_contain_text("upheld: somebody decides anew")
        await expect(page.locator("#appeals")).to_contain_text("The interpreter was allowed.")
        await expect(page.locator("#until")).to_contain_text("until you have an answer")


async def test_the_link_comes_with_the_receipt_and_an_appeal_is_withdrawn(
    hall: Hall,
    browser: Browser,
) -> None:
    exam = await reviewed(hall)
    async with a_page(browser) as page:
        await page.goto(f"{hall.url}/join#{exam.links[0].rpartition('#')[2]}")
        await expect(page.locator("#record-until")).to_contain_text("you can see your record and appeal until")
        link = await page.get_by_role("link", name="Open my record").get_attribute("href")
        assert link
        await expect(page.locator("#receipt-text")).to_contain_text("record_link")
        await opened(page, exam, link)
        await expect(page.locator("#decisions")).to_contain_text("Nobody has decided yet.")
        await page.get_by_label("What should be looked at again").fill("The alarm rang.")
        await page.get_by_role("button", name="Send the appeal").click()
        await expect(page.locator("#appeal-said")).to_have_text("Your appeal was sent.")
        await page.get_by_role("button", name="Withdraw this appeal").click()
        await expect(page.locator("#appeals")).to_contain_text("withdrawn")
        await expect(page.get_by_role("button", name="Send the appeal")).to_be_visible()


async def test_a_link_that_is_no_good_says_so(hall: Hall, browser: Browser) -> None:
    async with a_page(browser) as page:
        await page.goto(f"{hall.url}/record#nonsense")
        await expect(page.get_by_role("alert")).to_contain_text("this record link is not valid")
        await expect(page.get_by_role("heading", name="What was decided")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
async def test_nobody_is_kept_out_of_their_record(hall: Hall, browser: Browser, scheme: str, width: int) -> None:
    exam = await reviewed(hall)
    reviewer = await hall.as_a("reviewer")
    await judge(reviewer, exam, 0, "confirmed")
    await decide(reviewer, exam.sessions[0], outcome="referred", ground="incident")
    held = await receipt(exam)
    async with a_page(browser, color_scheme=scheme, viewport={"width": width, "height": 844}) as page:
        await opened(page, exam, held["record_link"])
        for folded in await page.locator("summary").all():
            await folded.click()
        assert await violations(page) == []
        wide = await page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, "nothing lies beyond the edge of a small screen"


async def test_a_record_is_read_and_appealed_against_with_the_keyboard_alone(hall: Hall, browser: Browser) -> None:
    exam = await reviewed(hall)
    held = await receipt(exam)
    async with a_page(browser) as page:
        await opened(page, exam, held["record_link"])
        await reach(page, "appeal-text")
        await page.keyboard.type("The alarm rang.")
        await reach(page, "appeal-files")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(page.locator("#appeals")).to_contain_text("The alarm rang.")


async def test_moments_stand_in_the_time_zone_of_the_exam_which_is_named(hall: Hall, browser: Browser) -> None:
    exam = await reviewed(hall)
    zone = (await own(exam, exam.candidates[0]))["time_zone"]
    held = await receipt(exam)
    async with a_page(browser, timezone_id="Pacific/Auckland") as far, a_page(browser, timezone_id=zone) as near:
        told = []
        for page in (far, near):
            await opened(page, exam, held["record_link"])
            told.append(await page.locator("#exam").inner_text())
        assert told[0] == told[1]
        assert zone in told[0]


async def test_a_record_is_read_in_another_language(hall: Hall, browser: Browser) -> None:
    exam = await reviewed(hall)
    held = await receipt(exam)
    async with a_page(browser) as page:
        await opened(page, exam, held["record_link"])
        await page.get_by_label("Language").select_option("de")
        await expect(page.get_by_role("heading", name="Ihre Akte: Anatomy II")).to_be_visible()
        await expect(page.locator("#decisions")).to_contain_text("Es entscheiden Menschen, nie ein Programm.")


async def reach(page: Page, name: str) -> None:
    """Goes on by Tab until the focus is on the element of that id."""
    for _ in range(60):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.id") == name:
            return
    raise AssertionError(f"#{name} is not reached by the keyboard")


def saved(folder: Path, name: str, receipt: dict[str, object]) -> Path:
    file = folder / name
    file.write_text(json.dumps(receipt))
    return file
