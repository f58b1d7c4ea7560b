"""The administrator's way: accounts, detectors, texts, templates, tokens, and what runs."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.async_api import Browser, expect

from tests.api.hall import Hall, an_exam, sit
from tests.api.test_live import flag
from tests.web.looking import a_page, enter, violations

V1 = "/api/v1"


async def test_an_administrator_makes_an_auditor_who_reads_until_a_date(hall: Hall, browser: Browser) -> None:
    admin = await hall.as_a("admin")
    until = (hall.clock() + timedelta(days=30)).strftime("%Y-%m-%d")
    async with a_page(browser) as page:
        await enter(page, hall, "admin@example.org", "/")
        await expect(page.get_by_role("heading", name="People", level=1)).to_be_visible()
        await page.get_by_role("button", name="New account").click()
        dialog = page.get_by_role("dialog", name="New account")
        await dialog.get_by_label("Name").fill("Ada Auditor")
        await dialog.get_by_label("E-mail address").fill("ada@example.org")
        await dialog.get_by_label("Password").fill("a long enough password")
        assert await violations(page) == []
        await dialog.get_by_role("button", name="Make the account").click()
        row = page.get_by_role("row").filter(has_text="ada@example.org")
        await row.get_by_role("button", name="Roles: Ada Auditor").click()
        roles = page.get_by_role("dialog", name="Roles: Ada Auditor")
        await roles.get_by_label("auditor").check()
        await expect(roles.get_by_text("Not assigned: they read nothing as an auditor.")).to_be_visible()
        await roles.get_by_label("Until the end of the day").fill(until)
        await roles.get_by_label("Reason").fill("The yearly audit")
        await roles.get_by_role("button", name="Assign").click()
        await expect(roles.get_by_text(re.compile("Assigned until"))).to_be_visible()
        assert await violations(page) == []
        await page.keyboard.press("Escape")
        await expect(row).to_contain_text("audits everything until")
        await row.get_by_role("button", name="Sign out everywhere: Ada Auditor").click()
        await expect(page.get_by_role("button", name="No")).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(row.get_by_role("button", name="Sign out everywhere: Ada Auditor")).to_be_focused()
    users = (await admin.get(f"{V1}/users", params={"q": "ada@"})).json()["users"]
    assert users[0]["roles"] == ["auditor"]
    assert users[0]["auditing"]["everything"] is True
    assert users[0]["auditing"]["until"].startswith(until)


async def test_what_an_auditor_reads_is_chosen_by_title(hall: Hall, browser: Browser) -> None:
    exam = await an_exam(hall)
    admin = await hall.as_a("admin")
    await hall.account("auditor", email="some@example.org")
    renamed = await exam.planner.patch(f"{V1}/schedules/{exam.schedule}", json={"title": "Botany I"})
    assert renamed.is_success, renamed.text
    await an_exam(hall)
    until = (hall.clock() + timedelta(days=30)).strftime("%Y-%m-%d")
    async with a_page(browser) as page:
        await enter(page, hall, "admin@example.org", "/people")
        row = page.get_by_role("row").filter(has_text="some@example.org")
        await row.get_by_role("button", name=re.compile("^Roles: ")).click()
        dialog = page.get_by_role("dialog", name=re.compile("^Roles: "))
        await dialog.get_by_label("these schedules").check()
        await dialog.get_by_label("Until the end of the day").fill(until)
        await dialog.get_by_label("Reason").fill("The yearly audit")
        await dialog.get_by_role("button", name="Assign").click()
        await expect(dialog.get_by_role("alert")).to_have_text("Choose at least one schedule, or everything.")
        await dialog.get_by_label("Find schedules by title").fill("bot")
        await expect(dialog.get_by_label(re.compile("^Anatomy II"))).to_have_count(0)
        await dialog.get_by_label(re.compile("^Botany I")).check()
        assert await violations(page) == []
        await dialog.get_by_role("button", name="Assign").click()
        await expect(dialog.get_by_text("Saved.")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(row).to_contain_text("audits 1 schedule until")
        await row.get_by_role("button", name=re.compile("^Roles: ")).click()
        await expect(dialog.get_by_label(re.compile("^Botany I"))).to_be_checked()
    users = (await admin.get(f"{V1}/users", params={"q": "some@"})).json()["users"]
    assert users[0]["auditing"]["schedules"] == [exam.schedule]


async def test_a_token_is_shown_once_and_revoked(hall: Hall, browser: Browser) -> None:
    await hall.as_a("admin")
    async with a_page(browser) as page:
        await enter(page, hall, "admin@example.org", "/tokens")
        await page.get_by_role("button", name="New token").click()
        dialog = page.get_by_role("dialog", name="New token")
        await dialog.get_by_label("Which program has it").fill("The campus system")
        await dialog.get_by_label("planner", exact=True).check()
        await dialog.get_by_role("button", name="Issue the token").click()
        await expect(dialog.get_by_text("This is shown once.")).to_be_visible()
        secret = await dialog.get_by_label("Token", exact=True).input_value()
        assert await violations(page) == []
        allowed = await hall.bearing(secret).get(f"{V1}/schedules")
        assert allowed.status_code == 200, allowed.text
        await page.keyboard.press("Escape")
        await page.get_by_role("button", name="New token").click()
        await expect(dialog.get_by_label("Which program has it")).to_be_visible()
        await page.keyboard.press("Escape")
        row = page.get_by_role("row").filter(has_text="The campus system")
        await row.get_by_role("button", name="Revoke: The campus system").click()
        await row.get_by_role("button", name="Revoke", exact=True).click()
        await expect(row).to_contain_text("revoked")
        assert (await hall.bearing(secret).get(f"{V1}/schedules")).status_code == 401


async def test_a_detector_is_switched_off_everywhere_and_on_again(hall: Hall, browser: Browser) -> None:
    admin = await hall.as_a("admin")
    async with a_page(browser) as page:
        await enter(page, hall, "admin@example.org", "/detectors")
        row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=re.compile("^book")))
        await row.get_by_role("button", name="Switch off everywhere: book").click()
        dialog = page.get_by_role("dialog", name="Switch off everywhere: book")
        await dialog.get_by_label("Reason").fill("It takes tablets for books")
        await dialog.get_by_role("button", name="Switch off everywhere").click()
        await expect(row).to_contain_text("It takes tablets for books")
        told = {one["kind"]: one["off"] for one in (await admin.get(f"{V1}/detectors")).json()["detectors"]}
        assert told["book"]["reason"] == "It takes tablets for books"
        await row.get_by_role("button", name="Switch on again: book").click()
        await expect(row.get_by_role("button", name="Switch off everywhere: book")).to_be_visible()


async def test_what_people_say_of_a_detector_stands_beside_its_version(hall: Hall, browser: Browser) -> None:
    exam = await an_exam(hall)
    await sit(exam)
    await flag(exam, 0, "two")
    async with a_page(browser) as page:
        await enter(page, hall, "planner@example.org", "/detectors")
        row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=re.compile("^several people")))
        await expect(row).to_contain_text("too few to say: 0 decided")
        await expect(row).to_contain_text("rule 1; 1 pointed out")
        await row.get_by_text("By month").click()
        await expect(row).to_contain_text(f"{hall.clock():%Y-%m}: too few to say")
        assert await violations(page) == []


async def test_templates_and_texts_are_made_changed_and_deleted(hall: Hall, browser: Browser) -> None:
    await hall.as_a("planner")
    async with a_page(browser) as page:
        await enter(page, hall, "planner@example.org", "/templates")
        await page.get_by_role("button", name="New template").click()
        await page.get_by_label("Name", exact=True).fill("At home")
        await page.get_by_label("microphone (comes with the camera)").uncheck()
        told = page.get_by_role("region", name="What candidates will be told")
        await expect(told).to_contain_text("we record your camera and your whole screen.")
        await page.get_by_role("button", name="Save the template").click()
        row = page.get_by_role("row").filter(has_text="At home")
        await expect(row).to_contain_text("camera, screen")
        await row.get_by_role("button", name="Change: At home").click()
        await page.get_by_label("Name", exact=True).fill("At home, silent")
        await page.get_by_role("button", name="Save the template").click()
        row = page.get_by_role("row").filter(has_text="At home, silent")
        await row.get_by_role("button", name="Delete: At home, silent").click()
        await row.get_by_role("button", name="Delete", exact=True).click()
        await expect(row).to_have_count(0)

        await page.get_by_role("link", name="Texts").click()
        await page.get_by_role("button", name="New text").click()
        await page.get_by_label("Label").fill("Light")
        await page.get_by_role("textbox", name="Text").fill("Please switch a light on.")
        await page.get_by_role("button", name="Save the text").click()
        row = page.get_by_role("row").filter(has_text="Please switch a light on.")
        await row.get_by_role("button", name="Delete: Light").click()
        await row.get_by_role("button", name="Delete", exact=True).click()
        await expect(row).to_have_count(0)


async def test_who_was_locked_out_is_unlocked(hall: Hall, browser: Browser) -> None:
    await hall.account("planner", email="forgetful@example.org")
    await hall.as_a("lead_invigilator")
    wrong = {"email": "forgetful@example.org", "password": "not this one"}
    for _ in range(12):
        if (await hall.http.post(f"{V1}/sign-in", json=wrong)).status_code == 429:
            break
    async with a_page(browser) as page:
        await enter(page, hall, "lead_invigilator@example.org", "/people")
        row = page.get_by_role("row").filter(has_text="forgetful@example.org")
        await expect(row).to_contain_text("sign-ins wait until")
        await row.get_by_role("button", name="Unlock: The planner").click()
        await expect(row).not_to_contain_text("sign-ins wait until")
        await expect(page.get_by_role("button", name="New account")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nobody_is_kept_out_of_the_administrators_pages(hall: Hall, browser: Browser, scheme: str) -> None:
    await an_exam(hall)
    await hall.as_a("admin")
    async with a_page(browser, color_scheme=scheme, viewport={"width": 1440, "height": 900}) as page:
        await enter(page, hall, "admin@example.org", "/system")
        await expect(page.get_by_text("Fingerprint of the signing key")).to_be_visible()
        await expect(page.get_by_text(hall.services.key_fingerprint)).to_be_visible()
        assert await violations(page) == []
        for at, seen in (("/people", "admin@example.org"), ("/detectors", "out of view"), ("/tokens", "New token")):
            await page.goto(hall.url + at)
            await expect(page.get_by_text(seen).first).to_be_visible()
            assert await violations(page) == []
    async with a_page(browser, color_scheme=scheme, viewport={"width": 1440, "height": 900}) as page:
        await enter(page, hall, "planner@example.org", "/templates")
        await page.get_by_role("button", name="New template").click()
        await expect(page.get_by_role("region", name="What candidates will be told")).to_contain_text("we record")
        assert await violations(page) == []
        await page.goto(f"{hall.url}/texts")
        await page.get_by_role("button", name="New text").click()
        await expect(page.get_by_label("Label")).to_be_visible()
        assert await violations(page) == []
