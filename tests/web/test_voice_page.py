"""A voice on the invigilator's page, in a real Chromium: it has no picture, and the page says how to listen."""

from __future__ import annotations

from functools import partial

from playwright.async_api import Browser, expect

from commands import flags
from domain import incidents
from tests.api.hall import Hall, an_exam, refused, sit
from tests.web.looking import a_page
from tests.web.walls import at_the_wall, focus

HEARS = {"detectors": [{"kind": "voice"}], "reasons": {"voice": "It is taken alone, in silence."}}
PROVENANCE = incidents.Provenance(
    detector="voice", detector_version="1", weights={"w": "0" * 64}, thresholds={"voiced": 0.5}, rule_version="voice/1"
)


async def test_an_invigilator_is_told_of_a_voice_and_how_to_listen(
    hall: Hall,
    browser: Browser,
) -> None:
    exam = await an_exam(hall)
    assert (await exam.planner.put(f"/api/v1/schedules/{exam.schedule}/policy", json=HEARS)).status_code == 204
    session = await sit(exam)
    found = incidents.OpenIncident(
        incident="voice", kind="voice", started_at=hall.clock(), severity="info", confidence=0.9, provenance=PROVENANCE,
        evidence=None, observed=True,
    )  # fmt: skip
    await hall.act("flag voice", partial(flags.open_incident, session=session, found=found))
    async with a_page(browser) as page:
        await at_the_wall(page, exam)
        await focus(page)
        log = page.locator("#log")
        await expect(log).to_contain_text("voice: Candidate 0")
        await expect(log).to_contain_text("Heard, not seen: there is no picture.")
        await expect(log.get_by_role("button", name="Show the moments before")).to_be_visible()
        await expect(log.get_by_role("img")).to_have_count(0)


async def test_a_voice_without_camera_or_microphone_is_refused_by_the_field_that_is_missing(hall: Hall) -> None:
    exam = await an_exam(hall)
    at = f"/api/v1/schedules/{exam.schedule}/policy"
    for field in ("camera", "microphone"):
        before, answer = await hall.position(), await exam.planner.put(at, json={**HEARS, field: False})
        await refused(hall, answer, before, 422, field, "voice is heard by the microphone")
    before, answer = await hall.position(), await exam.planner.put(at, json={"detectors": HEARS["detectors"]})
    await refused(hall, answer, before, 422, "reasons.voice", "voice is off unless a reason is given")
