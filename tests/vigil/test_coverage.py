"""What a detector could not see is told, however it came about: nothing that was recorded is hidden."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from itertools import accumulate
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands import muting, recordings, sessions
from detectors.coverage import Counts, Coverage
from detectors.seen import Lost
from detectors.settings import Settings
from domain import recording
from domain.coverage import REASONS, CoverageReported, words
from domain.policy import DetectorKind, DetectorSetting, Policy
from domain.recording import Recording
from domain.segment import Segment
from tests.domain.hall import at
from tests.vigil import studio
from tests.vigil.hall import HOUR, Hall, running, until
from vigil.coverage import LOOK_EVERY_S, common_s, observed, recorded, report_coverage, told

S = timedelta(seconds=1)
NINE = at("9:00")
WATCHED = Settings(detectors=(DetectorSetting(kind="out_of_view"),))
HOUR_S = 3600.0


def counted(seconds: Iterable[float], *, told: bool = True) -> Counts:
    coverage = Coverage()
    for second in seconds:
        coverage.sampled(WATCHED, NINE + second * S, {} if told else {"out_of_view": "too_dark"})
    return coverage.kinds.get("out_of_view", Counts())


def every(step: float, start: float = 0.0, stop: float = HOUR_S) -> list[float]:
    return [start + step * n for n in range(int((stop - start) / step))]


@pytest.mark.parametrize("step", [1.0, 2.0, 3.0, 4.5])
def test_without_an_outage_all_but_the_last_moment_was_seen(step: float) -> None:
    report = told("out_of_view", counted(every(step)), HOUR_S)
    assert report.due_s == HOUR_S
    assert report.seen_s == HOUR_S - step
    assert report.cannot_tell <= 2
    assert report.taken == report.due - report.cannot_tell == len(every(step))


@pytest.mark.parametrize("step", [2.0, 3.0])
@pytest.mark.parametrize(("start", "stop"), [(1200.0, 1800.0), (3000.0, HOUR_S), (0.0, 600.0)])
def test_an_outage_is_told_wherever_it_lies(step: float, start: float, stop: float) -> None:
    seen = [second for second in every(step) if not start < second < stop]
    report = told("out_of_view", counted(seen), HOUR_S)
    blind_s = stop - start
    assert report.seen_s == pytest.approx(HOUR_S - blind_s, abs=2 * step)
    assert report.cannot_tell == pytest.approx(blind_s / step, abs=3)
    assert report.due == report.taken + report.cannot_tell


def test_many_short_outages_add_up() -> None:
    """Ten seconds of each half minute: a third of the time, which a count of pictures forgave."""
    report = told("out_of_view", counted(s for s in every(2.0) if s % 30 >= 10), HOUR_S)
    assert report.seen_s
    assert report.seen_s <= HOUR_S * 2 / 3
    assert report.cannot_tell >= 120 * 4


def test_who_counted_nothing_saw_nothing() -> None:
    report = told("out_of_view", Counts(), HOUR_S)
    assert (report.due, report.taken, report.cannot_tell) == (1800, 0, 1800)
    assert (report.due_s, report.seen_s) == (HOUR_S, 0.0)
    assert report.reasons == {"no_picture": 1800}
    assert told("voice", Counts(), HOUR_S).reasons == {"no_sound": 1800}


def test_of_what_was_never_recorded_nothing_was_due() -> None:
    report = told("out_of_view", Counts(), 0.0)
    assert (report.due, report.due_s, report.seen_s) == (0, 0.0, 0.0)


def test_samples_that_could_not_tell_are_not_seconds_seen() -> None:
    report = told("out_of_view", counted(every(2.0), told=False), HOUR_S)
    assert (report.taken, report.seen_s) == (0, 0.0)
    assert report.cannot_tell == pytest.approx(1800, abs=2)
    assert report.reasons["too_dark"] == 1800


def test_samples_too_far_apart_to_be_judged_together_cannot_tell() -> None:
    counts = counted(every(6.5))
    assert (counts.taken, counts.cannot_tell, counts.seen_s) == (1, counts.due - 1, 0.0)
    assert counts.reasons == {"late": counts.due - 1}


GAPS = st.lists(st.floats(0.5, 40.0), max_size=60)


@given(GAPS, GAPS, st.floats(0.0, 1000.0), st.floats(0.0, 1000.0))
def test_what_is_told_adds_up_before_and_after_a_reopening(
    gaps: list[float], later: list[float], due_s: float, more_s: float
) -> None:
    first = told("out_of_view", counted(accumulate(gaps)), due_s)
    before = CoverageReported(**msgspec.structs.asdict(first))
    added = told("out_of_view", counted(accumulate(later)), round(due_s + more_s, 1) - round(due_s, 1))
    whole = told("out_of_view", counted(accumulate(later)), round(due_s + more_s, 1), before)
    for report in (first, whole):
        assert report.due == report.taken + report.cannot_tell + report.overloaded + report.muted
        assert report.cannot_tell == sum(report.reasons.values())
    for name in ("due", "taken", "cannot_tell", "overloaded", "muted", "due_s", "seen_s"):
        parts = [getattr(first, name), getattr(added, name)]
        assert getattr(whole, name) == pytest.approx(sum(parts), abs=0.11), name
    assert first.seen_s is not None
    assert 0.0 <= first.seen_s <= round(due_s, 1)


def test_what_was_never_told_in_seconds_counts_as_not_seen() -> None:
    before = CoverageReported(detector="out_of_view", due=9, taken=9, cannot_tell=0, overloaded=0, muted=0)
    report = told("out_of_view", Counts(), 60.0, before)
    assert (report.due, report.taken, report.cannot_tell, report.seen_s) == (9 + 30, 9, 30, 0.0)


def test_what_could_not_be_told_before_reasons_were_counted_has_none_now() -> None:
    before = CoverageReported(detector="book", due=9, taken=2, cannot_tell=7, overloaded=0, muted=0)
    report = told("book", Counts(due=3, cannot_tell=3, reasons={"too_far": 3}, followed_s=6.0), 6.0, before)
    assert report.reasons == {"not_told": 7, "too_far": 3}
    assert report.cannot_tell == 10


def test_what_was_muted_all_the_time_is_muted_also_where_no_picture_came() -> None:
    report = told("book", Counts(), 60.0, muted=True)
    assert (report.due, report.muted, report.cannot_tell, report.reasons) == (30, 30, 0, {})


def test_only_what_was_recorded_while_the_clock_ran_is_due() -> None:
    def taped(began: float, ended: float, connection: int = 1) -> Segment:
        return segment(NINE, began, ended, connection, number=round(began) + 1)

    tape = Recording(segments=(taped(-30, 100), taped(200, 300), taped(250, 400, 2)))
    assert recorded(tape) == [
        (NINE - 30 * S, NINE + 100 * S), (NINE + 200 * S, NINE + 400 * S),
    ]  # fmt: skip
    ran = [(NINE, NINE + 220 * S), (NINE + 280 * S, NINE + 350 * S)]
    assert common_s(recorded(tape), ran) == 100 + 20 + 70


def test_there_are_words_for_each_reason_that_detectors_give() -> None:
    assert set(get_args(Lost)) <= set(REASONS)


class Told:
    """A worker that has counted."""

    def __init__(self, counts: Mapping[DetectorKind, Counts]) -> None:
        self.counts, self.left, self.forgotten = counts, list[str](), list[str]()

    def coverage(self, _tenant: str, _session: str) -> Mapping[DetectorKind, Counts]:
        return self.counts

    async def leave(self, _tenant: str, session: str) -> None:
        self.left.append(session)

    def forget(self, _tenant: str, session: str) -> None:
        self.forgotten.append(session)


async def test_a_session_that_is_over_is_reported_on_with_its_pauses_taken_out(hall: Hall) -> None:
    session = await hall.sitting()
    started_at = (await hall.state(session)).started_at
    assert started_at
    await studio.on_air(hall, session, ["camera"])
    hall.clock.ahead += 100 * S
    await hall.intervene(session, "pause")
    hall.clock.ahead += 50 * S
    await hall.intervene(session, "resume")
    hall.clock.ahead += 100 * S
    for n in range(50):  # recorded all the while, and a little longer
        order = recording.StoreSegment(segment=segment(started_at, 6 * n, 6 * n + 6, number=n + 1))
        await hall.say(partial(recordings.store_segment, name=f"{session}.camera", order=order))
    await hall.submit(session)
    worker = Told({"out_of_view": Counts(due=60, taken=50, cannot_tell=10, followed_s=120.0, seen_s=100.0)})
    async with running(report_coverage(hall.core, worker)):
        await asyncio.sleep(3 * LOOK_EVERY_S)
        assert not await hall.events(session, CoverageReported), "the recording goes on"
        await studio.end(hall, session, ["camera"])
        await until(lambda: _some(worker.forgotten))
    reports = {one.detector: one for one in await hall.events(session, CoverageReported)}  # type: ignore[attr-defined]
    assert worker.left == [session], "what was open is told before it is said how much was seen"
    assert set(reports) == {detector.kind for detector in Policy().detectors}
    seen, unseen = reports["out_of_view"], reports["several_people"]
    assert isinstance(seen, CoverageReported)
    assert isinstance(unseen, CoverageReported)
    assert seen.due_s == pytest.approx(200, abs=10)
    assert (seen.seen_s, seen.taken) == (100.0, 50)
    assert seen.cannot_tell == pytest.approx(10 + 40, abs=5)
    assert (unseen.taken, unseen.seen_s) == (0, 0.0)
    assert unseen.cannot_tell == unseen.due == pytest.approx(100, abs=5)


async def test_a_session_that_is_reopened_is_reported_on_again_and_as_a_whole(hall: Hall) -> None:
    session = await hall.sitting()
    started_at = (await hall.state(session)).started_at
    assert started_at
    await studio.on_air(hall, session, ["camera"])
    for n in range(20):
        order = recording.StoreSegment(segment=segment(started_at, 6 * n, 6 * n + 6, number=n + 1))
        await hall.say(partial(recordings.store_segment, name=f"{session}.camera", order=order))
    await studio.end(hall, session, ["camera"])
    hall.clock.ahead += 4 * HOUR
    await hall.say(partial(sessions.lose_connection, name=session, track="camera", why="no media"))
    await hall.say(partial(sessions.expire, name=session))
    assert await hall.phase(session) == "ended_in_fault"
    worker = Told({"out_of_view": Counts(due=60, taken=50, cannot_tell=10, followed_s=120.0, seen_s=100.0)})
    async with running(report_coverage(hall.core, worker)):
        await until(lambda: _some(worker.forgotten))
        await hall.say(partial(sessions.reopen, name=session, reason="The power was cut."))
        await asyncio.sleep(2 * LOOK_EVERY_S)
        worker.forgotten.clear()
        worker.counts = {"out_of_view": Counts(due=20, taken=20, followed_s=40.0, seen_s=40.0)}
        await asyncio.sleep(2 * LOOK_EVERY_S)
        assert not worker.forgotten, "it runs"
        await hall.intervene(session, "resume")
        resumed_at = hall.clock()
        hall.clock.ahead += 60 * S
        start = partial(recordings.start_connection, session=session, track="camera", connection=2, worker="w")
        await hall.say(start)
        for n in range(10):
            order = recording.StoreSegment(segment=segment(resumed_at, 6 * n, 6 * n + 6, 2, n + 1))
            await hall.say(partial(recordings.store_segment, name=f"{session}.camera", order=order))
        await hall.submit(session)
        end = recording.End(connection=2, at=hall.clock(), why="stopped")
        await hall.say(partial(recordings.end_connection, name=f"{session}.camera", order=end))
        await until(lambda: _some(worker.forgotten))
    reports = await hall.events(session, CoverageReported)
    first, second = [one for one in reports if isinstance(one, CoverageReported) and one.detector == "out_of_view"]
    assert (first.reopened, first.due, first.taken, first.due_s, first.seen_s) == (0, 60, 50, 120.0, 100.0)
    assert (second.reopened, second.taken, second.seen_s) == (1, 70, 140.0)
    assert second.due_s == pytest.approx(180, abs=10)
    assert second.due == pytest.approx(60 + 20 + 10, abs=5)


async def test_each_detector_is_told_of_also_where_it_was_muted_overloaded_or_no_picture_ever_came(hall: Hall) -> None:
    """Beside what was switched off all the time stands what nobody had time for, at the first end and the second."""
    plan, (session,) = await hall.plan()
    await hall.say(partial(muting.switch_off, name=plan, kind="several_people", reason="A reader is there."))
    await hall.start(session)
    started_at = (await hall.state(session)).started_at
    assert started_at
    worker = Told({"out_of_view": Counts(due=10, overloaded=10, followed_s=20.0)})
    async with running(report_coverage(hall.core, worker)):
        hall.clock.ahead += 4 * HOUR
        await hall.say(partial(sessions.lose_connection, name=session, track="camera", why="no media"))
        await hall.say(partial(sessions.expire, name=session))
        await until(lambda: _some(worker.forgotten))
        first = await _reports(hall, session)
        worker.forgotten.clear()
        await hall.say(partial(sessions.reopen, name=session, reason="The power was cut."))
        await hall.intervene(session, "resume")
        resumed_at = hall.clock()
        await studio.on_air(hall, session, ["camera"])
        for n in range(5):
            order = recording.StoreSegment(segment=segment(resumed_at, 6 * n, 6 * n + 6, number=n + 1))
            await hall.say(partial(recordings.store_segment, name=f"{session}.camera", order=order))
        hall.clock.ahead += 60 * S
        await hall.submit(session)
        await studio.end(hall, session, ["camera"])
        await until(lambda: _some(worker.forgotten))
    assert {kind: words(one) for kind, one in first.items()} == {
        "out_of_view": "not observed: overloaded in 100% of the time",
        "several_people": "not observed: there was nothing that it could look at",
    }
    second = {kind: one for kind, one in (await _reports(hall, session)).items() if one.reopened == 1}
    assert set(second) == set(first), "each kind at each end"
    assert (second["out_of_view"].taken, second["out_of_view"].overloaded) == (0, 20)
    assert words(second["several_people"]) == "not observed: muted in 100% of the time"


async def test_the_clock_ran_between_its_starts_and_stops(hall: Hall) -> None:
    session = await hall.sitting()
    times = [hall.clock()]
    for kind in ("pause", "resume", "pause"):
        hall.clock.ahead += 60 * S
        await hall.intervene(session, kind)
        times.append(hall.clock())
    await hall.submit(session)
    spans = observed(await hall.events(session))
    assert [round((until - since).total_seconds()) for since, until in spans] == [60, 60]
    assert abs(spans[1][0] - times[2]) < 10 * S


async def test_a_lock_and_a_break_are_not_observed_also_where_the_clock_runs(hall: Hall) -> None:
    session = await hall.sitting()
    times = [hall.clock()]
    for kind, more in (("break", {"minutes": 5}), ("resume", {}), ("lock", {}), ("unlock", {})):
        hall.clock.ahead += 60 * S
        await hall.intervene(session, kind, **more)
        times.append(hall.clock())
    hall.clock.ahead += 60 * S
    await hall.submit(session)
    spans = observed(await hall.events(session))
    assert [round((until - since).total_seconds()) for since, until in spans] == [60, 60, 60]
    assert abs(spans[1][0] - times[2]) < 10 * S


def segment(start: datetime, began: float, ended: float, connection: int = 1, number: int = 1) -> Segment:
    return Segment(
        connection=connection, number=number, started_at=start + began * S, ended_at=start + ended * S, bytes=1,
        frames=1, sha256="00", object_key=f"k{connection}.{number}", codec="VP8", width=640, height=480, complete=True,
    )  # fmt: skip


async def _reports(hall: Hall, session: str) -> dict[str, CoverageReported]:
    told = await hall.events(session, CoverageReported)
    return {one.detector: one for one in told if isinstance(one, CoverageReported)}


async def _some(found: object) -> bool:
    return bool(found)


async def test_of_workers_that_share_the_sessions_each_tells_of_its_own(hall: Hall) -> None:
    """The other one has seen nothing of it, and must not be the first to say so."""
    session = await hall.sitting()
    await hall.submit(session)
    mine = Told({"out_of_view": Counts(due=60, taken=60, followed_s=120.0, seen_s=100.0)})
    other = Told({})
    async with (
        running(report_coverage(hall.core, other, lambda one: one != session)),
        running(report_coverage(hall.core, mine, lambda one: one == session)),
    ):
        await until(lambda: _some(mine.forgotten))
        await asyncio.sleep(2 * LOOK_EVERY_S)
    assert other.forgotten == []
    told = {one.detector: one.taken for one in await hall.events(session, CoverageReported)}  # type: ignore[attr-defined]
    assert told["out_of_view"] == 60
