"""The pages of auditors and data-protection officers: proofs checked in the browser, exports, requests, holds."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.api.hall import Exam, Hall, an_exam, sit
from tests.web.looking import a_page, enter, violations

V1 = "/api/v1"
PATIENCE_MS = 20_000  # what is shown after a command, on a machine that does much else
OFFICER = "data_protection_officer@example.org"


@pytest.fixture(scope="module")
async def exam(hall: Hall) -> Exam:
    """One candidate, who has submitted; their record is sealed."""
    exam = await an_exam(hall)
    session = await sit(exam)
    assert (await exam.candidates[0].post(f"{V1}/sessions/{session}/submit")).is_success
    async with asyncio.timeout(30):
        while (await exam.candidates[0].get(f"{V1}/sessions/{session}/receipt")).status_code != 200:
            await asyncio.sleep(0.05)
    return exam


async def test_an_auditor_checks_a_session_in_their_own_browser_and_takes_it_with_them(
    hall: Hall, exam: Exam, browser: Browser, tmp_path: Path
) -> None:
    await hall.as_a("auditor")
    (session,) = exam.sessions
    async with a_page(browser, viewport={"width": 1440, "height": 900}) as page:
        await enter(page, hall, "auditor@example.org", f"/sessions/{session}/timeline")
        rows = page.get_by_role("region", name="Timeline").get_by_role("row")
        await expect(rows.filter(has_text="session: started")).to_have_count(1)
        await page.get_by_role("button", name="Check the proofs in this browser").click()
        await expect(page.get_by_text("Checkpoint signature: valid.")).to_be_visible()
        started = rows.filter(has_text="session: started")
        for one in (rows.filter(has_text="schedule: candidate enrolled"), started):
            await expect(one.get_by_text("under the checkpoint, as stored")).to_be_visible()
        await expect(started).to_contain_text("Candidate 0")
        await expect(page.get_by_text("DOES NOT HOLD")).to_have_count(0)
        await expect(started).to_contain_text(re.compile(r"duration:\s*1:00:00"))
        told = rows.filter(has_text="session: notice acknowledged")
        whole = told.get_by_text(re.compile("^[0-9a-f]{64}$"))
        await expect(whole).to_be_hidden()
        await told.get_by_text(re.compile("^[0-9a-f]{12}…$")).click()
        await expect(whole).to_be_visible()
        await page.get_by_label("Details as data (JSON)").check()
        await expect(started).to_contain_text('"duration_s": 3600')
        await page.get_by_label("Search").fill("submitted")
        await expect(rows.filter(has_text="session: started")).to_have_count(0)

        await page.get_by_role("link", name="Proofs").click()
        await expect(page.get_by_text("Signature: valid").first).to_be_visible()
        await page.get_by_role("button", name="Check", exact=True).click()
        await expect(page.get_by_text("unchanged")).to_be_visible()
        receipt = (await exam.candidates[0].get(f"{V1}/sessions/{session}/receipt")).json()
        kept = tmp_path / "receipt.json"
        kept.write_text(json.dumps(receipt))
        await page.get_by_label("Receipt or note").set_input_files(kept)
        await expect(page.get_by_text("Signature: valid. The ledger of")).to_be_visible()
        kept = tmp_path / "changed.json"
        size = receipt["checkpoint"].split("\n")[1]
        kept.write_text(
            json.dumps(receipt | {"checkpoint": receipt["checkpoint"].replace(f"\n{size}\n", f"\n0{size}\n")})
        )
        await page.get_by_label("Receipt or note").set_input_files(kept)
        await expect(page.get_by_text("neither a receipt nor a signed note")).to_be_visible()

        await page.goto(f"{hall.url}/exports?session={session}")
        await page.get_by_role("button", name="Make it").click()
        async with page.expect_download() as coming:
            await page.get_by_role("link", name="Download").click(timeout=30_000)
        assert (await (await coming.value).path()).stat().st_size > 1000
        await expect(page.get_by_text(f"--key {hall.core.signer.fingerprint}")).to_be_visible()


async def test_two_people_erase_and_the_officer_has_the_certificate(hall: Hall, browser: Browser) -> None:
    gone = await an_exam(hall)
    session = await sit(gone)
    assert (await gone.candidates[0].post(f"{V1}/sessions/{session}/submit")).is_success
    for role in ("data_protection_officer", "admin"):
        await hall.as_a(role)  # type: ignore[arg-type]
    async with a_page(browser) as page, a_page(browser) as other:
        await enter(page, hall, OFFICER, "/requests")
        await page.get_by_label("What", exact=True).select_option("erasure")
        await page.get_by_label("Candidate number").fill(f"{gone.schedule}-0")
        await page.get_by_label("What they write").fill("Forget me")
        await page.get_by_role("button", name="Take it down").click()
        await expect(page.get_by_text("Forget me")).to_be_visible()
        await page.get_by_role("button", name="They are who they say").click()
        await page.get_by_role("button", name="Grant").click()
        await _say_so(page)
        await expect(page.get_by_text("It waits for a second person.")).to_be_visible(timeout=PATIENCE_MS)
        await enter(other, hall, "admin@example.org", page.url.removeprefix(hall.url))
        await expect(other.get_by_text("The data_protection_officer has said that it be done")).to_be_visible(
            timeout=PATIENCE_MS
        )
        await _say_so(other)
        await expect(other.get_by_text("executed", exact=True)).to_be_visible(timeout=PATIENCE_MS)
        await page.reload()
        await page.get_by_label("What the person is told").fill("It is done.")
        await page.get_by_role("button", name="Keep the answer").click()
        await expect(page.get_by_text("answered", exact=True)).to_be_visible(timeout=PATIENCE_MS)
        link = page.get_by_role("link", name="Certificate of what became of it")
        async with page.context.expect_page() as opening:
            await link.click()
        await expect((await opening.value).get_by_text("Certificate of request").first).to_be_visible()
        await page.get_by_role("link", name="Requests").click()
        await expect(page.get_by_role("row").filter(has_text="answered")).to_have_count(1, timeout=PATIENCE_MS)


async def _say_so(page: Page) -> None:
    button = page.get_by_role("button", name="Say that it be done")
    await button.click()
    await page.get_by_role("group").get_by_role("button", name="Say that it be done").click()


async def test_an_officer_holds_a_session_and_lifts_the_hold(hall: Hall, exam: Exam, browser: Browser) -> None:
    await hall.as_a("data_protection_officer")
    await hall.as_a("reviewer")
    async with a_page(browser) as page:
        await enter(page, hall, OFFICER, f"/holds?session={exam.sessions[0]}")
        await page.get_by_label("Reason", exact=True).fill("A claim is announced")
        for kind in ("profile", "identity", "chat", "media", "notes"):
            await page.get_by_label(re.compile(f"^{kind} ")).uncheck()
        await page.get_by_role("button", name="Hold it").click()
        await expect(page.get_by_role("alert")).to_have_text("Tick at least one thing that the hold covers.")
        await page.get_by_label(re.compile("^media ")).check()
        await page.get_by_label(re.compile("^chat ")).check()
        await page.get_by_label("Find people by name").fill("reviewer")
        await page.get_by_label("The reviewer").check()
        await page.get_by_label("Find people by name").fill("nobody at all")
        await expect(page.get_by_label("The reviewer")).to_be_checked()
        await page.get_by_role("button", name="Hold it").click()
        held = page.get_by_role("listitem").filter(has_text="until it is lifted")
        await expect(held).to_have_count(1, timeout=PATIENCE_MS)
        await expect(held).to_contain_text("placed by The data_protection_officer")
        await expect(held).to_contain_text("covers chat, media")
        await expect(held).to_contain_text("may be looked at by The reviewer")
        await page.get_by_label("Until (days)").fill("4000")
        await page.get_by_role("button", name="Look").click()
        row = page.get_by_role("row").filter(has_text=exam.sessions[0])
        await expect(row.get_by_text("held, so it stays")).to_be_visible(timeout=PATIENCE_MS)
        await held.get_by_role("button", name="Lift: Anatomy II, placed by somebody").click()
        await page.get_by_label("Reason for lifting").fill("Settled")
        await page.get_by_role("button", name="Lift", exact=True).click()
        await expect(held).to_have_count(0, timeout=PATIENCE_MS)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nobody_is_kept_out_of_these_pages(hall: Hall, exam: Exam, browser: Browser, scheme: str) -> None:
    for role in ("auditor", "data_protection_officer"):
        await hall.as_a(role)  # type: ignore[arg-type]
    async with a_page(browser, color_scheme=scheme, viewport={"width": 1440, "height": 900}) as page:
        await enter(page, hall, "auditor@example.org", f"/sessions/{exam.sessions[0]}/timeline")
        await expect(page.get_by_text("session: started")).to_be_visible()
        await expect(page.get_by_role("heading", name="Who looked")).to_be_visible()
        assert await violations(page) == []
        for at, seen in (("/exports", "How to check it"), ("/proofs", "Last checkpoint"), ("/holds", "What goes when")):
            await page.goto(hall.url + at)
            await expect(page.get_by_role("heading", name=seen)).to_be_visible()
            assert await violations(page) == []
    async with a_page(browser, color_scheme=scheme, viewport={"width": 1440, "height": 900}) as page:
        officer = await hall.as_a("data_protection_officer")
        body = {"kind": "access", "channel": "letter", "number": f"{exam.schedule}-0", "text": "What do you hold?"}
        name = (await officer.post(f"{V1}/requests", json=body)).json()["request"]
        await enter(page, hall, OFFICER, f"/requests/{name}")
        await expect(page.get_by_role("heading", name="What is held of this person")).to_be_visible()
        assert await violations(page) == []
        await page.get_by_role("link", name="Hold it against erasing").click()
        await expect(page.get_by_label("Session id")).to_have_value(exam.sessions[0])
        await expect(page.get_by_label("The reviewer")).to_be_visible()
        assert await violations(page) == []
        await page.goto(f"{hall.url}/requests")
        await expect(page.get_by_role("row").filter(has_text=name)).to_be_visible()
        assert await violations(page) == []
