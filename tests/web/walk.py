"""A walk through every address of the pages, each opened once by somebody who may see it and shown until it is full."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, Page, expect

from tests.web.house import ANA, FATMA, OLA, ZOE, House
from tests.web.looking import a_page, enter
from tests.web.walls import focus, turn_to

ROUTES = Path(__file__).parents[2] / "web" / "src" / "staff" / "routes.ts"
DESK = {"width": 1440, "height": 900}
TELEPHONE = {"width": 390, "height": 844}

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SETTLED_MS = 700  # pictures and lists that come after the text
Deed = Callable[[Page], Awaitable[object]]


@dataclass(frozen=True)
class Stop:
    """A page to look at: its picture's name, where it is, and the text that is there once it is full.

    `route` is the address in routes.ts that it shows. `titled` is in the title; `does` is done first.
    """

    name: str
    at: Callable[[House], str]
    seen: str
    titled: str
    route: str = ""
    who: str = ""  # nobody is signed in, unless
    does: Deed | None = None


def routes() -> set[str]:
    """Every address of the staff's pages, as routes.ts has them."""
    return set(re.findall(r'^  "([^"]+)": \(\) => import', ROUTES.read_text(), re.MULTILINE))


def of_staff(name: str, route: str, who: str, seen: str, titled: str, **more: Deed) -> Stop:
    return Stop(name, lambda house: _filled(route, house), seen, titled, route, who, **more)


def _filled(route: str, house: House) -> str:
    """The address for the exam that is over, where a route needs one."""
    given = {":schedule": house.over.schedule, ":session": house.over.sessions[ANA], ":request": house.request}
    return re.sub(r":\w+", lambda found: given[found[0]], route.replace("*", "/schedules/no/such/page"))


def on_the_wall(name: str, seen: str, does: Deed | None = None) -> Stop:
    def at(house: House) -> str:
        return f"/schedules/{house.live.schedule}/live"

    return Stop(name, at, seen, "Physiology I", "/schedules/:schedule/live", "lead_invigilator", does)


def of_a_candidate(name: str, number: int, seen: str) -> Stop:
    return Stop(name, lambda house: f"/join#{_token(house.live.links[number])}", seen, "exam")


def _token(link: str) -> str:
    return link.rpartition("#")[2]


def tab(name: str) -> Deed:
    return lambda page: turn_to(page, name)


STOPS = (
    Stop("sign-in", lambda _: "/", "Password", "Sign in"),
    of_staff("home", "/", "planner", "Open and to come", "Schedules"),
    of_staff("schedules", "/schedules", "lead_invigilator", "Physiology I", "Schedules"),
    of_staff("schedule-over", "/schedules/:schedule", "planner", "Ana Costa", "Anatomy II"),
    Stop(
        "schedule-planned", lambda house: f"/schedules/{house.draft}", "Ravi Subramanian", "Biochemistry for dentists",
        "/schedules/:schedule", "planner",
    ),
    on_the_wall("wall", "Ana Costa"),
    on_the_wall("wall-focus", "Ana Costa", lambda page: focus(page, "Ana Costa")),
    on_the_wall("wall-help", "Zoë O'Brien", tab("Help")),
    on_the_wall("wall-to-be-let-in", "Ravi Subramanian", tab("To be let in")),
    on_the_wall("wall-duty", "The lead_invigilator", tab("On duty")),
    on_the_wall("wall-day", "Sign", tab("The day")),
    of_staff("gradebook", "/schedules/:schedule/gradebook", "reviewer", "Ana Costa", "Gradebook: Anatomy II"),
    of_staff("record", "/sessions/:session", "reviewer", "It was my flatmate", "Ana Costa"),
    of_staff("appeals", "/appeals", "reviewer", "Ana Costa", "Appeals"),
    of_staff("as-of", "/schedules/:schedule/as-of", "auditor", "Ana Costa", "As it was: Anatomy II"),
    of_staff("timeline", "/sessions/:session/timeline", "auditor", "session: started", "Timeline"),
    of_staff("exports", "/exports", "auditor", "Download", "Exports"),
    of_staff("proofs", "/proofs", "auditor", "Signature: valid", "Proofs"),
    of_staff("requests", "/requests", "data_protection_officer", "erasure", "Requests"),
    of_staff("request", "/requests/:request", "data_protection_officer", "Please delete everything", "Request"),
    of_staff("holds", "/holds", "data_protection_officer", "What goes when", "Holds"),
    of_staff("people", "/people", "admin", "forgetful@example.org", "People"),
    of_staff("detectors", "/detectors", "admin", "It takes tablets for books", "Detectors"),
    of_staff("tokens", "/tokens", "admin", "The campus system", "Tokens"),
    of_staff("system", "/system", "admin", "Fingerprint of the signing key", "System"),
    of_staff("templates", "/templates", "planner", "At home", "Policy templates"),
    of_staff("texts", "/texts", "planner", "Please switch a light on.", "Texts"),
    of_staff("nowhere", "*", "planner", "There is no such page", "There is no such page"),
    Stop("own-record-no-link", lambda _: "/record", "Open the link to your record", "Your record"),
    Stop("own-record", lambda house: f"/record#{_token(house.record_link)}", "What was decided", "Anatomy II"),
    Stop("join-no-link", lambda _: "/join", "Open the link", "exam"),
    of_a_candidate("join-notice", OLA, "Before you begin"),
    of_a_candidate("join-back", ZOE, "System check"),
    of_a_candidate("join-over", FATMA, "Your exam is over"),
)  # fmt: skip


@dataclass(frozen=True)
class Visit:
    """A page that stands open, and what a user should never meet on it: errors in the console, calls to elsewhere."""

    stop: Stop
    page: Page
    heard: list[str]


async def views(page: Page) -> AsyncIterator[str]:
    """Shows the page that is open in each colour scheme at each size."""
    for size, viewport in (("desk", DESK), ("telephone", TELEPHONE)):
        await page.set_viewport_size(viewport)  # type: ignore[arg-type]
        for scheme in SCHEMES:
            await page.emulate_media(color_scheme=scheme)
            yield f"{size}-{scheme}"


async def walk(browser: Browser, house: House, only: str = "") -> AsyncIterator[Visit]:
    """Opens one stop after the other, or `only` those with that in their names; each role signs in once."""
    stops = [stop for stop in STOPS if only in stop.name]
    for who in dict.fromkeys(stop.who for stop in stops):
        async with _somebody(browser, house, who) as page:
            heard: list[str] = []
            page.on("console", lambda line, heard=heard: heard.append(line.text) if line.type == "error" else None)
            page.on("request", lambda request, heard=heard: _note(request.url, house, heard))
            for stop in stops:
                if stop.who == who:
                    heard.clear()
                    try:
                        await _open(stop, page, house)
                    except AssertionError as missing:
                        heard.append(f"is not full: {str(missing).partition(chr(10))[0]}")
                    yield Visit(stop, page, heard)


def _note(url: str, house: House, heard: list[str]) -> None:
    if not url.startswith((house.hall.url, "blob:", "data:", "about:")):
        heard.append(f"asks {url}")


async def _open(stop: Stop, page: Page, house: House) -> None:
    """Opens it, on a page where whoever it is for is signed in, and waits until it is full."""
    await page.set_viewport_size(DESK)  # type: ignore[arg-type]
    await page.emulate_media(color_scheme="light")
    await page.goto("about:blank")  # another fragment alone would load nothing
    await page.goto(house.hall.url + stop.at(house))
    if stop.does:
        await stop.does(page)
    await expect(page.get_by_text(stop.seen).filter(visible=True).first).to_be_visible()
    await page.wait_for_timeout(SETTLED_MS)


@asynccontextmanager
async def _somebody(browser: Browser, house: House, who: str) -> AsyncIterator[Page]:
    """A page on which somebody with a role is signed in, or nobody."""
    async with a_page(browser, viewport=DESK) as page:
        if who:
            await enter(page, house.hall, f"{who}@example.org")
            await expect(page.get_by_role("button", name="Sign out", exact=True)).to_be_visible()
        yield page
