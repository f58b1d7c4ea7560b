"""A candidate plays what was recorded of them, once their exam is over; it is theirs alone, and put on the record."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime
from typing import NamedTuple

import httpx
import pytest
from playwright.async_api import Browser, expect

from tests.api.hall import Exam, Hall, an_exam, sit
from tests.api.test_access_export import done, granted
from tests.api.test_appeals import come_back, own
from tests.api.test_clips import span, taped
from tests.api.test_live import JPEG, flag
from tests.api.test_pages import browser  # noqa: F401 - a fixture, asked for by name
from tests.api.test_records import FILM, film, sealed
from tests.web.looking import a_page

V1 = "/api/v1"
WHY = {"reason": "Somebody stands there."}


class Back(NamedTuple):
    """Who came back by their record link, and since when their camera was recorded."""

    exam: Exam
    me: httpx.AsyncClient
    began: datetime

    @property
    def session(self) -> str:
        return self.exam.sessions[0]

    @property
    def camera(self) -> str:
        return f"{V1}/own-recordings/{self.session}.camera"

    def picture(self, incident: str) -> str:
        return f"{V1}/sessions/{self.session}/own-incidents/{incident}/pictures/0"


@pytest.fixture
async def back(hall: Hall) -> Back:
    """Candidate 0, with a film and a flag that people confirmed and decided on; candidate 1 sits there."""
    exam, reviewer = await an_exam(hall, 2), await hall.as_a("reviewer")
    for number in range(2):
        await sit(exam, number)
    began = await taped(exam, 0)
    session = exam.sessions[0]
    await flag(exam, 0, f"found-{session[:8]}")
    await film(exam, 0)
    at = f"{V1}/sessions/{session}"
    assert (await exam.candidates[0].get(f"{at}/own-recordings")).status_code == 409
    assert (await exam.candidates[0].get(f"{V1}/own-recordings/{session}.camera/media")).status_code == 409
    assert (await exam.candidates[0].post(f"{at}/submit")).is_success
    await sealed(exam)
    verdict = WHY | {"verdict": "confirmed"}
    assert (await reviewer.post(f"{at}/incidents/found-{session[:8]}/verdict", json=verdict)).is_success
    me = await come_back(exam)
    assert (await me.get(f"{at}/own-incidents/found-{session[:8]}/pictures/0")).status_code == 404, "nobody has decided"
    decision = WHY | {"outcome": "referred", "ground": "incident"}
    async with asyncio.timeout(20):
        while not (await reviewer.post(f"{at}/record/decision", json=decision)).is_success:
            await asyncio.sleep(0.1)
    return Back(exam, me, began)


async def test_they_play_film_clips_and_pictures_of_findings_and_that_is_on_the_record(hall: Hall, back: Back) -> None:
    exam, me, _ = back
    listed = (await me.get(f"{V1}/sessions/{back.session}/own-recordings")).json()["recordings"]
    (camera,) = [one for one in listed if one["file"]]
    assert camera["file"]["media"] == f"{back.camera}/media"
    assert (await me.get(f"{back.camera}/media")).content == FILM
    part = await hall.http.get(camera["file"]["link"], headers={"Range": "bytes=0-9"})
    assert (part.status_code, part.content) == (206, FILM[:10]), "a player has no sign-in"
    assert (await me.get(f"{back.camera}/manifest")).json()["segments"]
    assert (await me.get(f"{back.camera}/clip", params=span(back.began, 1, 5))).status_code == 200
    (finding,) = (await own(exam, me))["findings"]
    (at,) = finding["pictures"]
    assert (await me.get(at)).content == JPEG
    assert (await me.get(at.replace("found-", "another-"))).status_code == 404
    auditor = await hall.as_a("auditor")
    looks = (await auditor.get(f"{V1}/sessions/{back.session}/access")).json()["looks"]
    assert {look["what"] for look in looks if look["name"] == "the candidate"} == {
        "own record", f"{back.session}.camera", "evidence pictures",
    }  # fmt: skip


async def test_on_their_page_the_film_plays_and_the_pictures_are_seen(
    hall: Hall,
    back: Back,
    browser: Browser,  # noqa: F811
) -> None:
    exam = back.exam
    link = (await exam.candidates[0].get(f"{V1}/sessions/{back.session}/receipt")).json()["record_link"]
    async with a_page(browser) as page:
        await page.goto(f"{hall.url}/record#{link.rpartition('#')[2]}")
        video = page.get_by_label("Your camera")
        await expect(video).to_be_visible()
        await expect(video).to_have_attribute("src", re.compile("own-recordings/.*link="))
        await page.get_by_role("button", name="Show 1 picture of it").click()
        await expect(page.get_by_role("img", name="1 of 1 picture of it")).to_be_visible()
        async with page.expect_response(lambda answer: "/own-recordings/" in answer.url) as played:
            await video.evaluate("film => { film.load(); film.play().catch(() => {}); }")
        assert (await played.value).status in (200, 206)


async def test_it_is_theirs_alone_and_a_link_ends_with_the_record_link(hall: Hall, back: Back) -> None:
    exam, me, _ = back
    for path in (f"{back.camera}/media", f"{back.camera}/manifest", back.picture(f"found-{back.session[:8]}")):
        for who in (exam.candidates[1], await hall.as_a("reviewer"), await hall.as_a("data_protection_officer")):
            assert (await who.get(path)).status_code in (403, 404), path
        assert (await hall.http.get(path)).status_code == 401
    other = f"{V1}/own-recordings/{exam.sessions[1]}.camera/media"
    assert (await me.get(other)).status_code == 404
    assert (await me.get(f"{V1}/recordings/{back.session}.camera/media")).status_code == 403, "that is for the staff"
    listed = (await me.get(f"{V1}/sessions/{back.session}/own-recordings")).json()["recordings"]
    link = next(one["file"]["link"] for one in listed if one["file"])
    query = link.partition("?")[2]
    assert (await hall.http.get(f"{other}?{query}")).status_code == 401
    assert (await hall.http.get(f"{V1}/recordings/{back.session}.camera/media?{query}")).status_code == 403
    assert (await hall.http.get(f"{V1}/sessions/{back.session}/own-record?{query}")).status_code == 401
    renewed = f"{V1}/schedules/{exam.schedule}/candidates/{back.session}/record-link"
    assert (await exam.planner.post(renewed)).status_code == 201
    assert (await hall.http.get(link)).status_code == 401


async def test_what_was_withheld_of_the_last_copy_is_not_played_either(hall: Hall, back: Back) -> None:
    exam, me, _ = back
    officer, found = await hall.as_a("data_protection_officer"), f"found-{back.session[:8]}"
    request = await granted(officer, hall, exam)

    async def release(*withhold: dict[str, object]) -> None:
        answer = await officer.post(f"{V1}/exports", json={"request": request, "withhold": list(withhold)})
        assert answer.status_code in (201, 202), answer.text
        await done(officer, f"{V1}/exports/{answer.json()['export']}")

    await release({"what": "others", "ground": "15(4)", "incidents": [found]}, {"what": "screen", "ground": "15(4)"})
    seen = await own(exam, me)
    why = "the rights and freedoms of others (GDPR, article 15(4))"
    assert seen["withheld"] == {"others": why, "screen": why}
    assert [(one["pictures"], one["reason"]) for one in seen["findings"]] == [([], None)]
    listed = (await me.get(f"{V1}/sessions/{back.session}/own-recordings")).json()["recordings"]
    assert not [one for one in listed if one["track"] in ("camera", "screen")]
    screen = back.camera.replace(".camera", ".screen")
    for path, query in (
        (f"{back.camera}/media", {}), (f"{back.camera}/manifest", {}), (f"{back.camera}/stills/1", {}),
        (f"{back.camera}/clip", span(back.began, 1, 5)), (f"{screen}/media", {}), (back.picture(found), {}),
    ):  # fmt: skip
        answer = await me.get(path, params=query)
        assert (answer.status_code, answer.json()["detail"]) == (403, f"withheld: {why}"), path
    await release({"what": "screen", "ground": "15(4)"})
    assert (await own(exam, me))["withheld"] == {"screen": why}
    assert (await me.get(f"{back.camera}/media")).content == FILM
    assert (await me.get(f"{screen}/media")).status_code == 403
