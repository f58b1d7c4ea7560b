"""That nothing was flagged counts as clean nowhere: beside it stands how much could be seen."""

from __future__ import annotations

import csv
import io
from functools import partial

import pytest
from playwright.async_api import Browser, expect

from commands import flags
from domain.coverage import ReportCoverage
from tests.api.hall import Exam, Hall, an_exam, sit
from tests.api.test_pages import browser
from tests.api.test_reviews import account
from tests.web.looking import a_page, enter

__all__ = ["browser"]

DARK = ReportCoverage(
    detector="out_of_view", due=100, taken=88, cannot_tell=12, overloaded=0, muted=0, due_s=200.0, seen_s=176.0,
    reasons={"too_dark": 9, "no_picture": 3},
)  # fmt: skip
BLIND = ReportCoverage(detector="several_people", due=100, taken=0, cannot_tell=0, overloaded=100, muted=0)
OBSERVED = {
    "out_of_view": "could not tell in 12% of the time: too dark 9%, no picture 3%",
    "several_people": "not observed: overloaded in 100% of the time",
}


@pytest.fixture(scope="module")
async def exam(hall: Hall) -> Exam:
    """Four candidates: one was seen for the most part, of one nothing was told, one sits, one has not come."""
    exam = await an_exam(hall, candidates=4)
    policy = {"detectors": [{"kind": "out_of_view"}, {"kind": "several_people"}], "browser": []}
    told = await exam.planner.put(f"/api/v1/schedules/{exam.schedule}/policy", json=policy)
    assert told.status_code in (200, 204), told.text
    for number in range(3):
        await sit(exam, number)
    for number in range(2):
        await exam.candidates[number].post(f"/api/v1/sessions/{exam.sessions[number]}/submit")
    for order in (DARK, BLIND):
        report = partial(flags.report_coverage, session=exam.sessions[0], order=order)
        await hall.act(f"coverage {exam.sessions[0]} {order.detector}", report)
    return exam


async def test_the_record_says_of_each_kind_how_much_could_be_seen(hall: Hall, exam: Exam) -> None:
    reviewer, head = await hall.as_a("reviewer"), await hall.position()
    seen = [(await account(reviewer, session, head))["observed"] for session in exam.sessions]
    assert seen == [
        OBSERVED,
        dict.fromkeys(OBSERVED, "not observed: nothing was told of it"),
        dict.fromkeys(OBSERVED, "not told yet"),
        {},
    ]
    first = await account(reviewer, exam.sessions[0], head)
    assert first["coverage"]["out_of_view"]["reasons"] == {"too_dark": 9, "no_picture": 3}
    at = f"/api/v1/schedules/{exam.schedule}/gradebook"
    records = (await reviewer.get(at, params={"sort": "name"})).json()["records"]
    assert [row["observed"] for row in records] == seen


async def test_in_the_sheet_no_zero_stands_where_nothing_was_seen(hall: Hall, exam: Exam) -> None:
    reviewer, head = await hall.as_a("reviewer"), {"Vigil-At-Least": str(await hall.position())}
    at = f"/api/v1/schedules/{exam.schedule}/gradebook.csv"
    sheet = await reviewer.get(at, params={"sort": "name"}, headers=head)
    lines = list(csv.DictReader(io.StringIO(sheet.text.removeprefix("\ufeff"))))
    assert [line["high"] for line in lines] == ["0", "not observed", "0", "0"]
    assert lines[0]["observed"] == "; ".join(f"{kind}: {said}" for kind, said in OBSERVED.items())


async def test_a_reviewer_reads_it_on_the_page(hall: Hall, exam: Exam, browser: Browser) -> None:
    await hall.as_a("reviewer")
    async with a_page(browser) as page:
        await enter(page, hall, "reviewer@example.org", f"/schedules/{exam.schedule}/gradebook")
        row = page.get_by_role("row")
        await expect(row.filter(has_text="Candidate 0")).to_contain_text(
            "nothing flagged; not observed: several people"
        )
        await expect(row.filter(has_text="Candidate 1").get_by_role("cell").nth(1)).to_have_text("not observed")
        await page.get_by_role("link", name="Candidate 0").click()
        for kind, said in OBSERVED.items():
            await expect(page.locator("#record-observed")).to_contain_text(f"{kind.replace('_', ' ')}: {said}")
