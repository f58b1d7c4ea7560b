"""A house in which no page is empty: an exam that goes on, one that is over, one that is planned, and the rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from io import BytesIO

import httpx
from msgspec.structs import replace
from PIL import Image, ImageDraw

from commands import flags, sessions
from domain.messages import LiveTrack
from domain.phase import Track
from tests.api.fake_media import FakeMedia
from tests.api.hall import PASSWORD, Exam, Hall, a_lead, an_exam, ready, sit
from tests.api.seeds import made
from tests.api.test_identity import ready as at_the_check
from tests.api.test_live import flag
from tests.api.test_observed import BLIND, DARK
from tests.api.test_reviews import complete
from tests.api.test_wall import show
from tests.web.filmed import filmed

V1 = "/api/v1"
NAMES = (
    "Ana Costa", "Jonas Bergström", "Maria-Magdalena von Hohenstein-Oberndorf", "Olumide Adeyemi", "Zoë O'Brien",
    "Kim Min-jun", "Fatma Yılmaz", "Ravi Subramanian", "Ola Nordmann",
)  # fmt: skip
ANA, JONAS, MARIA, OLUMIDE, ZOE, KIM, FATMA, RAVI, OLA = range(9)


TRACKS: tuple[Track, ...] = ("camera", "screen")
SEEN = ("out_of_view", "several_people", "handheld_device", "book", "second_screen")
POLICY = {"detectors": [{"kind": kind} for kind in SEEN]}


@dataclass(frozen=True)
class House:
    """What the addresses of the pages are made of."""

    hall: Hall
    live: Exam
    over: Exam
    draft: str
    request: str
    record_link: str


@asynccontextmanager
async def a_house(hall: Hall) -> AsyncIterator[House]:
    """Everything has happened when it begins; pictures of the candidates come for as long as it stands."""
    for role in ("admin", "planner", "reviewer", "data_protection_officer"):
        await hall.as_a(role)  # type: ignore[arg-type]
    hall.clock.ahead = timedelta(minutes=-20)
    over = await _an_exam_that_is_over(hall)
    hall.clock.ahead = timedelta(minutes=-4)
    live = await _an_exam_that_goes_on(hall)
    hall.clock.ahead = timedelta()
    draft = await _planned(hall)
    await _the_institution(hall)
    request = await _asked_of_the_officer(hall, over)
    link = await made(live.planner.post(f"{V1}/schedules/{over.schedule}/candidates/{over.sessions[ANA]}/record-link"))
    pictures = asyncio.create_task(_pictures(live))
    try:
        async with FakeMedia(hall.services.nats, "media-1") as media:
            media.tracks = tuple(
                LiveTrack(tenant="main", session=live.sessions[n], track=track, connection=1, quiet_s=0)
                for n in (ANA, JONAS, MARIA, ZOE) for track in TRACKS
            )  # fmt: skip
            yield House(hall, live, over, draft, request, link["record_link"])
    finally:
        pictures.cancel()
        with suppress(asyncio.CancelledError):
            await pictures


async def _an_exam_that_is_over(hall: Hall) -> Exam:
    """Ana was filmed, flagged and judged, and appeals; Jonas is cleared; the others wait for a reviewer."""
    exam = await an_exam(hall, title="Anatomy II", names=NAMES[:5])
    await made(exam.planner.put(f"{V1}/schedules/{exam.schedule}/policy", json=POLICY))
    await made(exam.invigilator.post(f"{V1}/schedules/{exam.schedule}/duty/on"))
    for n in (ANA, JONAS, MARIA, OLUMIDE):
        await sit(exam, n)
    began = hall.clock()
    await filmed(exam, ANA, "camera", began)
    await filmed(exam, ANA, "screen", began + timedelta(seconds=2))
    await flag(exam, ANA, "person", began + timedelta(seconds=5), jpeg=portrait(ANA))
    at = began + timedelta(seconds=20)
    await flag(exam, ANA, "beside", at, kind="second_screen", severity="warn", jpeg=portrait(ANA))
    at = began + timedelta(seconds=9)
    await flag(exam, MARIA, "phone", at, kind="handheld_device", severity="warn", jpeg=portrait(MARIA))
    hall.clock.ahead += timedelta(seconds=40)
    for order in (DARK, BLIND, *(replace(DARK, detector=kind) for kind in SEEN[2:])):
        report = partial(flags.report_coverage, session=exam.sessions[ANA], order=order)
        await hall.act(f"coverage {order.detector}", report)
    await _says(exam, ANA, "My flatmate came in to fetch her keys.")
    await made(exam.invigilator.post(_of(exam, ANA, "messages"), json={"text": "Thank you. Please ask her to wait."}))
    raised = {"severity": "warn", "note": "Talks to somebody beside the camera."}
    await made(exam.invigilator.post(_of(exam, ANA, "incidents"), json=raised))
    for n in (ANA, JONAS, MARIA, OLUMIDE):
        await made(exam.candidates[n].post(_of(exam, n, "submit")))
        await _soon(exam.candidates[n], "GET", _of(exam, n, "receipt"))
    await complete(await hall.as_a("auditor"), exam.sessions[ANA])
    reviewer = await hall.as_a("reviewer")
    why = {"reason": "A second person stands behind the candidate."}
    await made(reviewer.post(_of(exam, ANA, "incidents/person/verdict"), json=why | {"verdict": "confirmed"}))
    decided = {"outcome": "referred", "ground": "incident", **why}
    await made(reviewer.post(_of(exam, ANA, "record/decision"), json=decided))
    await made(reviewer.post(_of(exam, ANA, "record/notes"), json={"text": "See the report of the day as well."}))
    cleared = {"outcome": "clear", "reason": "Nothing to be seen."}
    await made(reviewer.post(_of(exam, JONAS, "record/decision"), json=cleared))
    await made(exam.candidates[ANA].post(_of(exam, ANA, "appeals"), json={"text": "It was my flatmate, for a minute."}))
    return exam


async def _an_exam_that_goes_on(hall: Hall) -> Exam:
    """Nearly every state that a candidate can be in, incidents taken and not, a hand up, and pictures to look at."""
    exam = await an_exam(hall, title="Physiology I, main examination", names=NAMES)
    await made(exam.planner.put(f"{V1}/schedules/{exam.schedule}/policy", json=POLICY))
    lead = await a_lead(exam)
    for who in (exam.invigilator, lead):
        await made(who.post(f"{V1}/schedules/{exam.schedule}/duty/on"))
    for n in (ANA, JONAS, MARIA, OLUMIDE, ZOE, FATMA):
        await sit(exam, n)
        for track in TRACKS:
            await hall.act(f"{track} of {n}", partial(sessions.restore_connection, name=exam.sessions[n], track=track))
    await ready(exam, KIM)
    await flag(exam, ANA, "second", jpeg=portrait(ANA))
    await flag(exam, MARIA, "turned", kind="second_screen", severity="warn", jpeg=portrait(MARIA))
    await flag(exam, MARIA, "book", kind="book", severity="info", jpeg=portrait(MARIA))
    await _soon(exam.invigilator, "POST", _of(exam, MARIA, "incidents/turned/take"))
    note = {"note": "Asked twice, still turns away."}
    await made(exam.invigilator.post(_of(exam, MARIA, "incidents/turned/escalate"), json=note))
    pause = {"kind": "pause", "text": "One moment, please."}
    asked = (await made(exam.invigilator.post(_of(exam, JONAS, "interventions"), json=pause)))["intervention"]
    at = _of(exam, JONAS, f"interventions/{asked}/progress")
    await made(exam.candidates[JONAS].post(at, json={"stage": "applied"}))
    await made(exam.candidates[ZOE].post(_of(exam, ZOE, "help"), json={"topic": "technical", "text": "No sound."}))
    await _says(exam, ANA, "May I fetch a glass of water?")
    await made(exam.candidates[FATMA].post(_of(exam, FATMA, "submit")))
    await made(exam.planner.put(f"{V1}/schedules/{exam.schedule}/policy", json=POLICY | {"identity": True}))
    at = await at_the_check(exam, RAVI)
    for what in ("photo", "document"):
        head = {"Content-Type": "image/jpeg"}
        await made(exam.candidates[RAVI].put(f"{at}/identity/{what}", content=portrait(RAVI), headers=head))
    return exam


async def _planned(hall: Hall) -> str:
    """A draft with candidates, one of whom gets more time, an invigilator, a policy and a PIN."""
    planner, opens = await hall.as_a("planner"), hall.clock() + timedelta(days=9)
    window = {
        "opens_at": opens.isoformat(), "last_entry_at": (opens + timedelta(hours=1)).isoformat(),
        "closes_at": (opens + timedelta(hours=3)).isoformat(), "time_zone": "Europe/Vienna",
    }  # fmt: skip
    body = {"title": "Biochemistry for dentists", "window": window, "duration_s": 5400}
    schedule = str((await made(planner.post(f"{V1}/schedules", json=body)))["schedule"])
    at = f"{V1}/schedules/{schedule}"
    await made(planner.post(f"{at}/live-proctoring", json={"enabled": True}))
    await made(planner.post(f"{at}/invigilators", json={"user": hall.user("invigilator@example.org")}))
    rows = [{"name": name, "number": f"2026-{n:03}"} for n, name in enumerate(NAMES)]
    enrolled = (await made(planner.post(f"{at}/candidates", json=rows)))["rows"]
    granted = {
        "session": enrolled[0]["session"], "extra_time_percent": 25, "people": ["reader"], "objects": ["an inhaler"]
    }  # fmt: skip
    await made(planner.post(f"{at}/accommodations", json=granted))
    await made(planner.post(f"{at}/pin", json={"enabled": True}))
    return schedule


async def _the_institution(hall: Hall) -> None:
    """What is there apart from exams: templates, texts, a token, a detector that is off, somebody who is locked out."""
    planner, admin = await hall.as_a("planner"), await hall.as_a("admin")
    for name, policy in (("At home", {"identity": True}), ("In the room, silent", {"microphone": False})):
        await made(planner.post(f"{V1}/policy-templates", json={"name": name, "policy": policy}))
    for label, text in (("A moment", "One moment, please."), ("Light", "Please switch a light on.")):
        await made(planner.post(f"{V1}/canned-messages", json={"label": label, "text": text}))
    ends = (hall.clock() + timedelta(days=90)).isoformat()
    token = {"name": "The campus system", "roles": ["planner"], "expires_at": ends}
    await made(admin.post(f"{V1}/tokens", json=token))
    await made(planner.post(f"{V1}/detectors/book/off", json={"reason": "It takes tablets for books"}))
    await hall.account("planner", "lead_invigilator", "reviewer", email="forgetful@example.org")
    wrong = {"email": "forgetful@example.org", "password": f"not {PASSWORD}"}
    for _ in range(12):
        if (await hall.http.post(f"{V1}/sign-in", json=wrong)).status_code == httpx.codes.TOO_MANY_REQUESTS:
            break


async def _asked_of_the_officer(hall: Hall, exam: Exam) -> str:
    """Requests in several states, a hold, and an export of the auditor's; gives the request that waits for a second."""
    officer, auditor = await hall.as_a("data_protection_officer"), await hall.as_a("auditor")
    body = {"kind": "access", "channel": "letter", "text": "What do you hold of me?"}
    await made(officer.post(f"{V1}/requests", json=body | {"number": f"{exam.schedule}-{JONAS}"}))
    body = {"kind": "erasure", "channel": "letter", "text": "Please delete everything about me."}
    request = await made(officer.post(f"{V1}/requests", json=body | {"number": f"{exam.schedule}-{OLUMIDE}"}))
    at = f"{V1}/requests/{request['request']}"
    await made(officer.post(f"{at}/identity-check", json={"proof": "document"}))
    await made(officer.post(f"{at}/grant", json={}))
    hold = {"reason": "The student union has announced a claim"}
    await made(officer.post(_of(exam, ANA, "record/holds"), json=hold))
    started = await auditor.post(f"{V1}/exports", json={"session": exam.sessions[ANA]})
    async with asyncio.timeout(30):
        while (await made(auditor.get(started.headers["location"])))["state"] == "running":
            await asyncio.sleep(0.1)
    return str(request["request"])


async def _pictures(exam: Exam) -> None:
    while True:
        for n in (ANA, JONAS, MARIA, ZOE):
            await show(exam.hall, exam.sessions[n], portrait(n, (160, 120)))
        await asyncio.sleep(1)


def portrait(number: int, size: tuple[int, int] = (640, 480)) -> bytes:
    """Somebody before a wall, each in a colour of their own."""
    width, height = size
    picture = Image.new("RGB", size, (214, 206 - number * 4, 190 + number * 6))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((width * 0.25, height * 0.7, width * 0.75, height * 1.5), fill=(40 + number * 20, 90, 120))
    draw.ellipse((width * 0.39, height * 0.25, width * 0.61, height * 0.75), fill=(226, 180, 150 - number * 8))
    out = BytesIO()
    picture.save(out, "JPEG")
    return out.getvalue()


async def _soon(client: httpx.AsyncClient, method: str, path: str) -> None:
    """Asks until it can be answered: what it is about is made by something else at this moment."""
    async with asyncio.timeout(30):
        while not (await client.request(method, path)).is_success:
            await asyncio.sleep(0.1)


async def _says(exam: Exam, number: int, text: str) -> None:
    await made(exam.candidates[number].post(_of(exam, number, "messages"), json={"text": text}))


def _of(exam: Exam, number: int, what: str) -> str:
    return f"{V1}/sessions/{exam.sessions[number]}/{what}"
