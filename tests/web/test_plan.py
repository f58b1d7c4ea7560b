"""The planner's way: from signing in to an exam that is open to two candidates, with mouse or keyboard alone."""

from __future__ import annotations

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Browser, Page, expect

from tests.api.hall import Hall, an_exam, sit
from tests.web.looking import a_page, enter, violations

V1 = "/api/v1"
VIENNA = ZoneInfo("Europe/Vienna")


async def a_draft(hall: Hall, title: str) -> str:
    """A schedule without anybody on it, for tomorrow; gives its address."""
    planner = await hall.as_a("planner")
    opens = hall.clock() + timedelta(days=1)
    window = {
        "opens_at": opens.isoformat(), "last_entry_at": (opens + timedelta(hours=1)).isoformat(),
        "closes_at": (opens + timedelta(hours=3)).isoformat(), "time_zone": "Europe/Vienna",
    }  # fmt: skip
    made = await planner.post(f"{V1}/schedules", json={"title": title, "window": window, "duration_s": 3600})
    return f"/schedules/{made.json()['schedule']}"


async def state(hall: Hall, at: str) -> dict[str, object]:
    """The schedule at a page's address, as it is now."""
    planner = await hall.as_a("planner")
    told: dict[str, object] = (
        await planner.get(f"{V1}{at}", headers={"Vigil-At-Least": str(await hall.position())})
    ).json()
    return told


async def signed_in(page: Page, hall: Hall, at: str) -> None:
    await hall.as_a("planner")
    await enter(page, hall, "planner@example.org", at)


async def test_a_planner_makes_an_exam_and_opens_it_to_two_candidates(hall: Hall, browser: Browser) -> None:
    await hall.account("invigilator", email="kim@example.org")
    tomorrow = (hall.clock() + timedelta(days=1)).astimezone(VIENNA).strftime("%Y-%m-%d")
    async with a_page(browser, timezone_id="Europe/London") as page:
        await signed_in(page, hall, "/")
        await page.get_by_role("button", name="New schedule").click()
        dialog = page.get_by_role("dialog", name="New schedule")
        await dialog.get_by_label("Title").fill("Physiology I")
        await dialog.get_by_label("Time zone").fill("Europe/Vienna")
        await dialog.get_by_label("Opens").fill(f"{tomorrow}T10:00")
        await expect(dialog.get_by_label("Last entry")).to_have_value(f"{tomorrow}T11:00")
        await expect(dialog.get_by_text("your time").first).to_contain_text("09:00")
        await dialog.get_by_label("The exam lasts, in minutes").fill("90")
        await dialog.get_by_role("button", name="Make the schedule").click()
        await expect(page.get_by_role("heading", name="Physiology I", level=1)).to_be_visible()
        at = page.url.removeprefix(hall.url)
        crumbs = page.get_by_role("navigation", name="Where you are")
        assert [text.strip() for text in await crumbs.get_by_role("listitem").all_inner_texts()] == [
            "Delivering", "Invigilation", "Physiology I",
        ]  # fmt: skip

        await expect(page.get_by_role("button", name="Open it to candidates")).to_be_disabled()
        await expect(page.get_by_text("At least one candidate has to be enrolled before.")).to_be_visible()
        await page.get_by_label("Live Proctoring", exact=True).check()
        await expect(page.get_by_text("On: invigilators see candidates live")).to_be_visible()

        await page.get_by_label("Find by name or e-mail address").fill("kim@")
        await page.get_by_role("button", name="Add: The invigilator").click()
        await expect(page.get_by_role("heading", name="Invigilators (1)")).to_be_visible()

        await page.get_by_label("Number", exact=True).fill("1001")
        await page.get_by_label("Name", exact=True).fill("Ola Nordmann")
        await page.get_by_role("button", name="Enrol", exact=True).click()
        await expect(page.get_by_role("row").filter(has_text="Ola Nordmann")).to_be_visible()
        await page.get_by_label("Or choose a CSV file").set_input_files(
            {
                "name": "two.csv",
                "mimeType": "text/csv",
                "buffer": b"number,name,email\n1002,Jo Bell,jo@example.org\n1003,,\n",
            }
        )
        await page.get_by_role("button", name="Enrol these").click()
        await expect(page.get_by_text("1 enrolled, 0 were already, 1 refused.")).to_be_visible()
        wrong = page.get_by_role("table", name="Answers, row by row").get_by_role("row").nth(1)
        await expect(wrong).to_contain_text(re.compile(r"3\s*1003\s*refused: name"))
        await expect(page.get_by_role("heading", name="Candidates (2)")).to_be_visible()

        await page.get_by_role("button", name="Accommodation: Jo Bell").click()
        granting = page.get_by_role("dialog", name="What Jo Bell is allowed")
        await granting.get_by_label("More time, in percent of the exam").fill("25")
        await granting.get_by_label("reader").check()
        await granting.get_by_label("May lie on the desk, one thing a line").fill("a hearing aid")
        await expect(granting.get_by_text("25% more time; in view: reader; on the desk: a hearing aid")).to_be_visible()
        assert await violations(page) == []
        await granting.get_by_role("button", name="Grant it").click()
        await expect(page.get_by_role("row").filter(has_text="Jo Bell")).to_contain_text("25% more time")

        await page.get_by_role("button", name="Ask for a PIN").click()
        await expect(page.get_by_role("region", name="Start PIN").get_by_role("status")).to_contain_text(
            re.compile(r"\d{4,}")
        )
        await page.get_by_role("button", name="Open it to candidates").click()
        await expect(page.get_by_text("Open: candidates with a join link can prepare")).to_be_visible()
        now = await state(hall, at)
        assert (now["phase"], now["live_proctoring"], now["enrolled"], now["duration_s"]) == ("active", True, 2, 5400)
        assert now["window"]["opens_at"].startswith(tomorrow)  # type: ignore[index]
        assert await violations(page) == []


async def test_a_policy_says_beside_it_what_candidates_will_be_told(hall: Hall, browser: Browser) -> None:
    at = await a_draft(hall, "Oral exam")
    async with a_page(browser) as page:
        await signed_in(page, hall, at)
        await page.get_by_role("button", name="Change the policy").click()
        told = page.get_by_role("region", name="What candidates will be told")
        await expect(told).to_contain_text("your camera, your microphone and your whole screen")
        await page.get_by_label("whole screen", exact=True).uncheck()
        await expect(told).to_contain_text("we record your camera and your microphone.")
        await page.get_by_label("Invigilators may ask to see the room").check()
        await expect(told.get_by_role("alert")).to_contain_text("unless a reason is given")
        await page.get_by_label("Why this exam needs it").fill("It is sat at home")
        await expect(told).to_contain_text("show your room with your camera")
        await expect(told.get_by_role("alert")).to_have_count(0)
        await page.get_by_label("Recordings are deleted after, in days").fill("30")
        await expect(told).to_contain_text("deleted after 30 days")
        await page.get_by_label("Candidates are told in").select_option("Deutsch")
        await expect(told).to_contain_text("zeichnen wir Ihre Kamera")
        await expect(told.locator("ul").first).to_have_attribute("lang", "de")
        assert await violations(page) == []
        await page.get_by_role("button", name="Save the policy").click()
        await expect(page.get_by_role("button", name="Change the policy")).to_be_visible()
        policy = (await state(hall, at))["policy"]
        assert (policy["screen"], policy["room_scan"], policy["reasons"], policy["media_kept_days"]) == (  # type: ignore[index]
            False, True, {"room_scan": "It is sat at home"}, 30,
        )  # fmt: skip


async def test_an_exam_is_made_and_opened_by_keyboard_alone(hall: Hall, browser: Browser) -> None:
    async with a_page(browser) as page:
        await signed_in(page, hall, "/schedules")
        await page.get_by_role("button", name="New schedule").focus()
        await page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog", name="New schedule")
        await expect(dialog).to_be_visible()
        await reach(page, "Title")
        await page.keyboard.type("By keyboard")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="By keyboard", level=1)).to_be_visible()
        await reach(page, "Live Proctoring")
        await page.keyboard.press("Space")
        await expect(page.get_by_text("On: invigilators see")).to_be_visible()
        await reach(page, "Number")
        await page.keyboard.type("7")
        await page.keyboard.press("Tab")
        await page.keyboard.type("Ana C.")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Candidates (1)")).to_be_visible()
        await reach(page, "Accommodation: Ana C.")
        await page.keyboard.press("Enter")
        granting = page.get_by_role("dialog", name="What Ana C. is allowed")
        await expect(granting).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(granting).to_have_count(0)
        await expect(page.get_by_role("button", name="Accommodation: Ana C.")).to_be_focused()
        await reach(page, "Open it to candidates")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("Open: candidates with a join link")).to_be_visible()


async def reach(page: Page, name: str) -> None:
    """Goes on by Tab until what has this label has the focus."""
    said = """() => { const it = document.activeElement;
        return it.getAttribute('aria-label') ?? it.labels?.[0]?.textContent.trim() ?? it.textContent.trim() }"""
    for _ in range(150):
        if await page.evaluate(said) == name:
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"{name} cannot be reached by Tab")


async def test_rows_are_pasted_and_each_candidate_gets_their_own_link(hall: Hall, browser: Browser) -> None:
    at = await a_draft(hall, "Pasted")
    async with a_page(browser, permissions=["clipboard-read", "clipboard-write"]) as page:
        await signed_in(page, hall, at)
        rows = page.get_by_label("Paste rows from a sheet")
        await rows.fill("21\tBell, Ola\n22\tJo\tno address\n21\tBell, Ola\n")
        await page.get_by_role("button", name="Enrol these").click()
        answers = page.get_by_role("table", name="Answers, row by row").get_by_role("row")
        await expect(answers.nth(1)).to_contain_text(re.compile(r"2\s*22\s*refused: email"))
        await expect(answers).to_have_count(4)
        await expect(page.get_by_role("heading", name="Candidates (1)")).to_be_visible()
        await expect(rows).to_have_value(re.compile("no address"))
        await page.get_by_role("button", name="Copy link: Bell, Ola").click()
        link = await page.evaluate("navigator.clipboard.readText()")
        assert link.startswith("http://vigil.test/join#")
        async with page.expect_download() as saving:
            await page.get_by_role("button", name="Save links as CSV").click()
        saved = (await (await saving.value).path()).read_text("utf-8-sig")
        assert saved == f'number,name,link\n21,"Bell, Ola",{link}'
        await page.get_by_role("button", name="New link: Bell, Ola").click()
        await page.get_by_role("button", name="New link", exact=True).click()
        await expect(page.get_by_role("button", name="New link: Bell, Ola")).to_be_visible()
        await page.get_by_role("button", name="Copy link: Bell, Ola").click()
        await expect(page.get_by_text("copied", exact=True)).to_be_visible()
        assert await page.evaluate("navigator.clipboard.readText()") != link


async def test_a_field_that_nobody_touched_takes_back_nothing(hall: Hall, browser: Browser) -> None:
    at = await a_draft(hall, "Two planners")
    planner = await hall.as_a("planner")
    async with a_page(browser) as page:
        await signed_in(page, hall, at)
        await page.get_by_label("Title").fill("Renamed here")
        assert (await planner.patch(f"{V1}{at}", json={"emergency_phone": "+43 1 58801"})).status_code == 204
        await page.get_by_role("button", name="Save", exact=True).click()
        await expect(page.get_by_text("Saved.")).to_be_visible()
        now = await state(hall, at)
        assert (now["title"], now["emergency_phone"]) == ("Renamed here", "+43 1 58801")


async def test_who_plans_nothing_reads_what_candidates_are_told(hall: Hall, browser: Browser) -> None:
    exam = await an_exam(hall)
    async with a_page(browser) as page:
        await enter(page, hall, "invigilator@example.org", f"/schedules/{exam.schedule}")
        await expect(page.get_by_role("region", name="What candidates are told")).to_contain_text(
            "we record your camera"
        )
        await expect(page.get_by_role("button", name="Save", exact=True)).to_have_count(0)


async def test_what_is_over_does_not_change_and_says_so(hall: Hall, browser: Browser) -> None:
    at = await a_draft(hall, "Called off")
    async with a_page(browser) as page:
        await signed_in(page, hall, at)
        await page.get_by_role("button", name="Call the exam off").click()
        dialog = page.get_by_role("dialog", name="Call the exam off")
        await dialog.get_by_label("Reason").fill("The hall is flooded")
        await dialog.get_by_role("button", name="Call the exam off").click()
        await expect(page.get_by_text("This exam is cancelled. Nothing of it can be changed any more.")).to_be_visible()
        await expect(page.get_by_label("Live Proctoring", exact=True)).to_be_disabled()
        await expect(page.get_by_label("Title")).to_be_disabled()
        await expect(page.get_by_role("button", name="Enrol", exact=True)).to_have_count(0)
        assert (await state(hall, at))["phase"] == "cancelled"
        assert await violations(page) == []


async def test_the_list_has_what_is_to_come_first_and_leads_each_to_their_work(hall: Hall, browser: Browser) -> None:
    await a_draft(hall, "Botany")
    exam = await an_exam(hall)
    async with a_page(browser) as page:
        await signed_in(page, hall, "/schedules")
        rows = page.get_by_role("table", name="Open and to come").get_by_role("row")
        await expect(rows.filter(has_text="Botany").first).to_contain_text("live proctoring off")
        titles = [text.split("\n")[0].split("\t")[0] for text in (await rows.all_inner_texts())[1:]]
        assert titles.index("Anatomy II") < titles.index("Botany")
        await page.get_by_label("Find by title").fill("botan")
        await expect(rows).to_have_count(2)
        await page.get_by_label("Find by title").fill("")
        await expect(page.get_by_role("link", name="Plan: Anatomy II").last).to_have_attribute(
            "href", re.compile("^/schedules/")
        )
    async with a_page(browser) as page:
        await enter(page, hall, "invigilator@example.org", "/schedules")
        row = page.get_by_role("row").filter(has=page.locator(f'a[href*="{exam.schedule}"]'))
        await expect(row.get_by_role("link", name="Live Proctoring: Anatomy II")).to_be_visible()
        await expect(row.get_by_role("link", name="Plan: Anatomy II")).to_have_count(0)
        await row.get_by_role("link", name="Live Proctoring: Anatomy II").click()
        await expect(page).to_have_url(f"{hall.url}/schedules/{exam.schedule}/live")
        await expect(page.get_by_text("Candidate 0").first).to_be_visible()


async def test_the_list_tells_by_itself_of_an_exam_that_nobody_watches(hall: Hall, browser: Browser) -> None:
    exam = await an_exam(hall)
    async with a_page(browser) as page:
        await enter(page, hall, "planner@example.org", "/schedules")
        row = page.get_by_role("row").filter(has=page.locator(f'a[href="/schedules/{exam.schedule}"]'))
        await expect(row).to_contain_text("active, live proctoring on")
        await expect(row).not_to_contain_text("Alarm")
        await sit(exam)
        await expect(row).to_contain_text("Alarm:", timeout=30_000)
        await expect(row).to_contain_text("in progress 1")
        assert await violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nobody_is_kept_out_of_the_planners_pages(hall: Hall, browser: Browser, scheme: str) -> None:
    at = await a_draft(hall, f"Zoology {scheme}")
    async with a_page(browser, color_scheme=scheme, viewport={"width": 1440, "height": 900}) as page:
        await signed_in(page, hall, "/schedules")
        await expect(page.get_by_role("row").filter(has_text="Zoology").first).to_be_visible()
        assert await violations(page) == []
        await page.get_by_role("button", name="New schedule").click()
        await expect(page.get_by_role("dialog").get_by_label("Title")).to_be_visible()
        assert await violations(page) == []
        await page.goto(hall.url + at)
        await expect(page.get_by_role("heading", name=f"Zoology {scheme}", level=1)).to_be_visible()
        await expect(page.get_by_role("heading", name="Detectors in this exam")).to_be_visible()
        assert await violations(page) == []
        await page.get_by_role("button", name="Change the policy").click()
        await expect(page.get_by_text("when nobody can be seen")).to_be_visible()
        assert await violations(page) == []
