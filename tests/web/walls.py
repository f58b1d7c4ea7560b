"""What tests do on the invigilator's wall."""

from __future__ import annotations

from playwright.async_api import Locator, Page, expect

from tests.api.hall import Exam
from tests.web.looking import enter


async def at_the_wall(page: Page, exam: Exam, email: str = "invigilator@example.org") -> None:
    """Signs in at the wall of an exam, and waits until it is live."""
    await enter(page, exam.hall, email, f"/schedules/{exam.schedule}/live")
    await expect(page.locator("#stream")).to_have_text("● live")


def tile(page: Page, name: str = "Candidate 0") -> Locator:
    return page.locator("#tiles > li").filter(has=page.get_by_role("button", name=name, exact=True))


async def focus(page: Page, name: str = "Candidate 0") -> Locator:
    """Brings a candidate into focus by a click on their tile; gives the panel."""
    await page.get_by_role("button", name=name, exact=True).click()
    await expect(page.locator("#focus-head")).to_have_text(name)
    return page.locator("#focus")


async def turn_to(page: Page, name: str) -> None:
    """Shows one of the lists at the side, such as "Help"."""
    await page.get_by_role("tab", name=name).click()
