"""An exam that goes on for whoever looks: people sit it, now and then something happens, and one seat is free."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import cycle

import msgspec

from vigil.demo.cast import Account, Candidates, Person
from vigil.demo.exam_page import exam_page
from vigil.demo.orders import Deed
from vigil.demo.steps import StepFailed, Steps

NAMES = (
    "Ana Costa", "Jo Brandt", "Ola Nyberg", "Mira Petrova", "Samuel Okoye", "Lea Fischer", "Tomás Rivera", "Yuki Sato",
    "Noor Haddad", "Ivan Horvat", "Chloé Martin", "Arjun Mehta",
)  # fmt: skip
CALM_S, SEEN_S = 25, 12  # between two things that happen, and how long each lasts
HAPPENINGS: tuple[tuple[Deed, Deed], ...] = (("second_person", "alone_again"), ("cut", "come_back"))


class Going(msgspec.Struct, frozen=True, kw_only=True):
    """The exam that goes on, and the join link of the seat that is free."""

    schedule: str
    link: str


@asynccontextmanager
async def an_exam_that_goes_on(
    base: str, staff: dict[str, Account], count: int, clips: str | None, steps: Steps
) -> AsyncIterator[Going]:
    """`count` people sit it until the end of the block. Raises `StepFailed` when it cannot begin."""
    with exam_page() as exam:
        async with Candidates(base, count, clips) as people:
            with steps.step("another exam begins, and goes on for you to watch") as seen:
                going = await _begin(base, staff, people, count, exam)
                seen.append(f"Physiology I, {count} candidates, schedule {going.schedule}; one seat is yours")
            happening = asyncio.create_task(_things_happen(people, count))
            try:
                yield going
            finally:
                happening.cancel()


async def _begin(base: str, staff: dict[str, Account], people: Candidates, count: int, exam: str) -> Going:
    planner, invigilator = Person(base, staff["planner"]), Person(base, staff["invigilator"])
    for person in (planner, invigilator):
        await person.sign_in()
    now = datetime.now(UTC)
    window = {
        "opens_at": now.isoformat(), "last_entry_at": (now + timedelta(hours=3)).isoformat(),
        "closes_at": (now + timedelta(hours=6)).isoformat(), "time_zone": "Europe/Vienna",
    }  # fmt: skip
    made = await planner.post(
        "/schedules",
        {
            "title": "Physiology I", "window": window, "duration_s": 3 * 3600, "assessment_url": exam,
            "opens_in": "frame", "policy": {"browser": [{"kind": "focus_lost"}, {"kind": "pasted"}]},
        },
    )  # fmt: skip
    path = f"/schedules/{made['schedule']}"
    await planner.post(f"{path}/live-proctoring", {"enabled": True})
    for role in ("invigilator", "lead_invigilator"):
        await planner.post(f"{path}/invigilators", {"user": staff[role].user})
    await invigilator.post(f"{path}/duty/on")
    rows = [
        {"name": f"{NAMES[n % len(NAMES)]}{' II' * (n // len(NAMES))}", "number": f"2026-1{n:02}"} for n in range(count)
    ]
    enrolled = (await planner.post(f"{path}/candidates", [*rows, {"name": "You", "number": "2026-200"}]))["rows"]
    await planner.post(f"{path}/activate")
    *links, yours = (row["join_link"] for row in enrolled)
    await people.ready()
    await people.all("join", links)
    await people.all("publish", count)
    return Going(schedule=made["schedule"], link=yours)


async def _things_happen(people: Candidates, count: int) -> None:
    """A second person, then a network that breaks, at one seat after the other. Whoever looks may have ended one."""
    happenings = cycle(HAPPENINGS)
    for seat in cycle(range(count)):
        await asyncio.sleep(CALM_S)
        begins, ends = next(happenings)
        with suppress(StepFailed, TimeoutError):
            await people.tell(begins, seat)
            await asyncio.sleep(SEEN_S)
            await people.tell(ends, seat)
