"""What was kept of an incident, in a real Chromium: its pictures with what each is, for who watches and who reviews."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

import cv2
import numpy as np
from playwright.async_api import Browser, Locator, expect

from commands import flags
from commands.keys import KeyName, seal_object
from domain import incidents
from domain.captions import CAPTIONS
from domain.incidents import Evidence, Role, Sampled
from tests.api.hall import Exam, Hall, an_exam, sit
from tests.api.test_pages import browser
from tests.web.looking import a_page, enter
from tests.web.walls import at_the_wall, focus

__all__ = ["browser"]

PROVENANCE = incidents.Provenance(
    detector="persons+faces", detector_version="1", weights={"w": "0" * 64}, thresholds={"face": 0.75}, rule_version="1"
)
S = timedelta(seconds=1)


async def picture(exam: Exam, at: datetime, role: Role | None, grey: int) -> Evidence:
    """A sealed picture of one grey, as a detector worker leaves it."""
    session, core = exam.sessions[0], exam.hall.core
    subject = (await exam.candidates[0].get("/api/v1/me")).json()["actor"]
    key, name = await core.keys.data_key(KeyName(subject, session, "media")), f"main/evidence/{session}/{grey}.jpg"
    _, jpeg = cv2.imencode(".jpg", np.full((48, 64, 3), grey, np.uint8))
    await core.objects.put_new(name, seal_object(key, name, jpeg.tobytes()))
    return Evidence(at=at, object_key=name, sha256="0" * 64, raw_score=0.9, role=role)


async def opened(exam: Exam) -> datetime:
    """Two people for some seconds; gives the time of the first sample that shows them."""
    session, at = exam.sessions[0], exam.hall.clock()
    samples = tuple(
        Sampled(at=at + second * S, raw_score=score, positive=score > 0.75)
        for second, score in ((-2, 0.1), (0, 0.8), (2, 0.9))
    )
    found = incidents.OpenIncident(
        incident="i1", kind="several_people", started_at=at, severity="high", confidence=0.9, provenance=PROVENANCE,
        evidence=await picture(exam, at + 2 * S, "best", 90), observed=True, seen_at=at + 2 * S, samples=samples,
    )  # fmt: skip
    await exam.hall.act(f"open {session}", partial(flags.open_incident, session=session, found=found))
    await add(exam, at, "first", 60)
    return at


async def add(exam: Exam, at: datetime, role: Role | None, grey: int) -> None:
    more = incidents.AddEvidence(incident="i1", evidence=await picture(exam, at, role, grey))
    await exam.hall.act(
        f"add {exam.sessions[0]} {grey}", partial(flags.add_evidence, session=exam.sessions[0], order=more)
    )


async def ended(exam: Exam, at: datetime) -> None:
    """It became clearer and graver, and was over, as a worker tells."""
    for second, role, grey in ((6, "best", 120), (30, None, 150), (40, "last", 180)):
        await add(exam, at + second * S, role, grey)  # type: ignore[arg-type]
    order = incidents.CloseIncident(incident="i1", ended_at=at + 40 * S, severity="high", peak=1.0)
    await exam.hall.act(
        f"close {exam.sessions[0]}", partial(flags.close_incident, session=exam.sessions[0], order=order)
    )


async def shows(place: Locator, *roles: Role) -> None:
    """The pictures there, in order, each loaded, with its caption and another text for who does not see it."""
    figures = place.locator("figure")
    await expect(figures).to_have_count(len(roles), timeout=10_000)
    for n, role in enumerate(roles):
        said = CAPTIONS[role].capitalize()
        await expect(figures.nth(n)).to_contain_text(said)
        image = figures.nth(n).get_by_role("img", name=f"{said}: several people")
        await image.scroll_into_view_if_needed()
        await expect(image).to_have_js_property("naturalWidth", 64)


async def test_who_watches_sees_the_first_and_the_clearest_and_at_the_end_the_last_picture(
    hall: Hall, browser: Browser
) -> None:
    exam = await an_exam(hall)
    await sit(exam, 0)
    async with a_page(browser) as page:
        await at_the_wall(page, exam)
        at = await opened(exam)
        await focus(page)
        log = page.locator("#log")
        await shows(log, "first", "best")
        await log.get_by_text("Opened on 2 of 3 samples").click()
        await expect(log).to_contain_text("score 0.10, does not show it")
        await ended(exam, at)
        await page.mouse.move(0, 0)
        await shows(log, "first", "best", "last")
        await expect(log).to_contain_text("score 0.10, does not show it")


async def test_who_reviews_reads_what_was_flagged_on_what_it_rests_and_sees_its_pictures(
    hall: Hall, browser: Browser
) -> None:
    exam = await an_exam(hall)
    session = await sit(exam, 0)
    await ended(exam, await opened(exam))
    raised = {"severity": "warn", "note": "Talks to somebody."}
    assert (await exam.invigilator.post(f"/api/v1/sessions/{session}/incidents", json=raised)).status_code == 201
    await exam.candidates[0].post(f"/api/v1/sessions/{session}/submit")
    reviewer, head = await hall.as_a("reviewer"), {"Vigil-At-Least": str(await hall.position())}
    told = (await reviewer.get(f"/api/v1/sessions/{session}/incidents", headers=head)).json()["incidents"][0]
    assert [(one["role"], one["caption"]) for one in told["evidence"]] == [
        (role, CAPTIONS[role]) for role in ("best", "first", "best", None, "last")
    ]
    assert [(one["raw_score"], one["positive"]) for one in told["samples"]] == [(0.1, False), (0.8, True), (0.9, True)]
    async with a_page(browser) as page:
        await enter(page, hall, "reviewer@example.org", f"/sessions/{session}")
        flagged = page.locator("#record-flags")
        await expect(flagged).to_contain_text("several people (high), nobody has judged it")
        await expect(flagged).to_contain_text("Talks to somebody.")
        await expect(flagged).to_contain_text("Opened on 2 of 3 samples")
        await shows(flagged, "first", "best", "last")
