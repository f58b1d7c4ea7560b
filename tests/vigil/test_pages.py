"""A candidate's page that falls silent: a fault, nothing left open, and not observed in the record."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial

import msgspec
import pytest
from msgspec.structs import replace

from commands import schedules, sessions, signals
from domain.browser import BrowserSetting
from domain.coverage import CoverageReported
from domain.fault import FaultClosed, FaultOpened
from domain.incidents import Closed, Opened
from domain.messages import PageBeat
from domain.onboarding import Check
from domain.page import PageObserved
from domain.policy import Policy
from domain.session import Paused, Resumed, Started, Submitted
from domain.signals import Batch, Sample, Signal, Value, heard
from tests.domain.hall import TWO_HOURS, WINDOW, at
from tests.vigil.hall import CHECKS, Hall, running, until
from vigil import pages
from vigil.page_coverage import told

S = timedelta(seconds=1)
POLICY = Policy(
    version=2, browser=(BrowserSetting(kind="focus_lost"), BrowserSetting(kind="camera_muted")), detectors=()
)


@pytest.fixture(autouse=True)
def silence_is_soon_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "SILENT_S", 1.5)


async def sitting(hall: Hall) -> str:
    """A session in progress whose exam opens in a frame, and whose policy has browser kinds."""
    name, (session,) = await hall.plan()
    await hall.say(partial(schedules.change, name=name, assessment_url="https://x.example/", opens_in="frame"))
    await hall.say(partial(schedules.set_policy, name=name, policy=POLICY))
    sha256 = sessions.notice_hash(POLICY, "frame")
    checks = tuple(Check(name=check, passed=True) for check in CHECKS)
    await hall.say(partial(sessions.acknowledge_notice, name=session, policy_version=2, sha256=sha256))
    await hall.say(partial(sessions.report_check, name=session, checks=checks))
    await hall.say(partial(sessions.start, name=session))
    return session


async def says(hall: Hall, session: str, **since: tuple[Value, float]) -> None:
    """One batch, as a front door takes it: each of these signals has its value since that many seconds."""
    now = hall.clock()
    values: dict[Signal, tuple[Value, float]] = {"focus": ("here", 600), "camera": ("live", 600)}
    samples = tuple(
        Sample(signal=signal, value=value, at=now - seconds * S)
        for signal, (value, seconds) in (values | since).items()  # type: ignore[operator]
    )
    batch = Batch(page="p1", number=1, sent_at=now, skew_ms=0.0, samples=samples)
    await hall.core.nats.publish(
        pages.SUBJECT, msgspec.msgpack.encode(PageBeat(tenant="main", session=session))
    )  # fmt: skip
    await hall.say(partial(signals.hear, name=session, heard=heard(batch, now)))


async def test_a_page_that_falls_silent_is_a_fault_and_leaves_nothing_open(hall: Hall) -> None:
    session = await sitting(hall)
    async with hall.on_air(session, "camera", "screen"), hall.reacting():
        await says(hall, session)
        hall.clock.ahead += 30 * S
        await says(hall, session, focus=("away", 8.0))
        assert len(await hall.events(session, Opened)) == 1
        await until(lambda: _any(hall, session, FaultOpened))
        (fault,) = await hall.events(session, FaultOpened)
        assert isinstance(fault, FaultOpened)
        assert (fault.what, fault.cause) == ("page", "network")
        (closed,) = await hall.events(session, Closed)
        assert isinstance(closed, Closed)
        assert closed.why == "not_observed"
        hall.clock.ahead += 30 * S
        await says(hall, session, focus=("away", 60.0))
        assert len(await hall.events(session, FaultClosed)) == 1
        assert len(await hall.events(session, Opened)) == 1, "what was not observed is not flagged"
        hall.clock.ahead += 10 * S
        await says(hall, session, focus=("away", 70.0))
        assert len(await hall.events(session, Opened)) == 2


async def test_a_page_that_is_heard_and_one_that_never_told_are_no_fault(hall: Hall) -> None:
    heard_of, silent = await sitting(hall), await sitting(hall)
    await says(hall, heard_of)

    async def talks() -> None:
        while True:
            await says(hall, heard_of)
            await asyncio.sleep(0.2)

    async with (
        hall.on_air(heard_of, "camera", "screen"), hall.on_air(silent, "camera", "screen"), hall.reacting(),
        running(talks()),
    ):  # fmt: skip
        await asyncio.sleep(4)
        assert not await hall.events(heard_of, FaultOpened)
        assert not await hall.events(silent, FaultOpened)


async def test_the_record_says_how_much_the_page_told(hall: Hall) -> None:
    session = await sitting(hall)
    async with hall.reacting():
        await hall.submit(session)
        await until(lambda: _any(hall, session, CoverageReported, 2))
    reports = await hall.events(session, CoverageReported)
    assert {event.detector for event in reports} == {"focus_lost", "camera_muted"}  # type: ignore[attr-defined]
    assert all(event.seen_s == 0.0 for event in reports)  # type: ignore[attr-defined]


def test_coverage_is_what_was_told_while_the_clock_ran() -> None:
    happened = [
        Started(at=at("9:10"), policy=replace(POLICY), duration_s=TWO_HOURS, end_at=WINDOW.closes_at),
        PageObserved(at=at("9:11"), kinds=("focus_lost",)), PageObserved(at=at("9:20"), kinds=()),
        PageObserved(at=at("9:25"), kinds=("camera_muted", "focus_lost")), Paused(at=at("9:30"), intervention="i"),
        Resumed(at=at("9:40"), intervention="j", stopped_s=600.0), Submitted(at=at("9:50"), by="candidate"),
    ]  # fmt: skip
    focus = told("focus_lost", happened, at("9:50"))
    assert (focus.due_s, focus.seen_s) == (30 * 60, (9 + 5 + 10) * 60)
    assert (focus.due, focus.taken, focus.cannot_tell) == (900, 720, 180)
    camera = told("camera_muted", happened, at("9:50"))
    assert (camera.due_s, camera.seen_s) == (30 * 60, 15 * 60)
    never = told("pasted", happened, at("9:50"), 1)
    assert (never.seen_s, never.cannot_tell, never.reopened) == (0.0, 900, 1)
    only_focus = PageObserved(at=at("9:28"), kinds=("focus_lost",))
    muted = told("camera_muted", [*happened[:4], only_focus, *happened[4:]], at("9:50"), muted_at=at("9:28"))
    assert (muted.taken, muted.muted, muted.cannot_tell) == (90, 360, 450)
    assert muted.reasons == {"page_silent": 180, "page_cannot": 270}
    assert never.reasons == {"page_silent": 180, "page_cannot": 720}


async def _any(hall: Hall, session: str, kind: type, at_least: int = 1) -> bool:
    return len(await hall.events(session, kind)) >= at_least
