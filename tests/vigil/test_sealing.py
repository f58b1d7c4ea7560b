"""A record is sealed at once as it stands, and again when all that is owed has come or nobody waits any more."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from commands import flags, sessions
from domain import incidents
from domain.policy import Policy
from domain.record import Sealed
from tests.vigil import studio
from tests.vigil.hall import Hall
from vigil.sealing import LOST_AFTER, OBJECT_STORE, seal

A_MOMENT = timedelta(seconds=1)
COVERAGE = tuple(f"coverage of {detector.kind}" for detector in Policy().detectors)


async def test_a_session_that_goes_on_is_not_sealed(hall: Hall) -> None:
    session = await hall.sitting()
    await seal(hall.core, "main", session)
    assert await seals(hall, session) == []


async def test_the_first_seal_names_what_is_owed_and_the_second_waits_for_it(hall: Hall) -> None:
    session = await hall.sitting()
    await studio.on_air(hall, session)
    await hall.submit(session)
    await seal(hall.core, "main", session)
    await seal(hall.core, "main", session)
    (first,) = await seals(hall, session)
    assert (first.kind, first.owed) == ("provisional", ("camera: late segments", "screen: late segments", *COVERAGE))

    for track in studio.TRACKS:
        await studio.deliver(hall, await studio.taped(hall, session, track, 2))
    await studio.end(hall, session)
    await studio.finalised(hall, session, "camera")
    await covered(hall, session)
    await seal(hall.core, "main", session)
    assert len(await seals(hall, session)) == 1, "the screen is still owed"

    await studio.finalised(hall, session, "screen")
    await seal(hall.core, "main", session)
    await seal(hall.core, "main", session)
    _, second = await seals(hall, session)
    assert (second.number, second.kind, second.owed) == (2, "complete", ())
    assert all(second.streams[stream] >= last for stream, last in first.streams.items())
    assert second.streams[f"main/record/{session}"] == 1, "each seal covers the one before"


async def test_a_recording_whose_connections_have_ended_owes_its_file(hall: Hall) -> None:
    session = await hall.sitting()
    await studio.on_air(hall, session)
    await studio.deliver(hall, await studio.taped(hall, session, "camera", 2))
    await studio.end(hall, session)
    await hall.submit(session)
    await seal(hall.core, "main", session)
    (first,) = await seals(hall, session)
    assert first.owed == ("camera: the finished recording", *COVERAGE), "of the screen nothing came"


async def test_an_incident_that_its_detector_left_open_is_closed_when_the_session_ended(hall: Hall) -> None:
    session = await hall.sitting()
    provenance = incidents.Provenance(detector="d", detector_version="1", weights={}, thresholds={}, rule_version="1")
    found = incidents.OpenIncident(
        incident="i1", kind="several_people", started_at=hall.clock(), severity="high", confidence=0.9,
        provenance=provenance, evidence=None, observed=True,
    )  # fmt: skip
    await hall.say(partial(flags.open_incident, session=session, found=found))
    await hall.submit(session)
    await seal(hall.core, "main", session)
    (closed,) = await hall.events(session, incidents.Closed)
    assert isinstance(closed, incidents.Closed)
    assert (closed.incident, closed.why) == ("i1", "session_over")
    assert closed.ended_at == (await hall.state(session)).ended_at
    (first,) = await seals(hall, session)
    assert first.streams[f"main/incidents/{session}"] == 2, "the seal covers the end of the incident"


async def test_what_has_not_come_in_time_is_waited_for_no_longer(hall: Hall) -> None:
    session = await hall.sitting()
    await studio.on_air(hall, session)
    await hall.submit(session)
    await seal(hall.core, "main", session)
    hall.clock.ahead += LOST_AFTER - A_MOMENT
    await seal(hall.core, "main", session)
    assert len(await seals(hall, session)) == 1
    hall.clock.ahead += 2 * A_MOMENT
    await seal(hall.core, "main", session)
    assert [one.kind for one in await seals(hall, session)] == ["provisional", "complete"]


async def test_what_waits_on_our_own_disk_is_not_lost(hall: Hall) -> None:
    session = await hall.sitting()
    await studio.on_air(hall, session)
    await hall.say(partial(sessions.open_fault, name=session, what=OBJECT_STORE, why="full"))
    await hall.submit(session)
    hall.clock.ahead += 6 * LOST_AFTER
    await seal(hall.core, "main", session)
    assert [one.kind for one in await seals(hall, session)] == ["provisional"]
    await hall.say(partial(sessions.close_fault, name=session, what=OBJECT_STORE))
    await seal(hall.core, "main", session)
    assert [one.kind for one in await seals(hall, session)] == ["provisional", "complete"]


async def test_who_never_began_owes_nothing(hall: Hall) -> None:
    _, (absent, unwilling) = await hall.plan(candidates=2)
    await hall.say(partial(sessions.decline_notice, name=unwilling))
    hall.clock.ahead += timedelta(hours=2)
    await hall.say(partial(sessions.expire, name=absent))
    for session in (absent, unwilling):
        await seal(hall.core, "main", session)
        assert [(one.kind, one.owed) for one in await seals(hall, session)] == [("complete", ())]


async def seals(hall: Hall, session: str) -> list[Sealed]:
    return [event for event in await hall.events(session, Sealed) if isinstance(event, Sealed)]


async def covered(hall: Hall, session: str) -> None:
    for detector in Policy().detectors:
        order = incidents.ReportCoverage(detector=detector.kind, due=1, taken=1, cannot_tell=0, overloaded=0, muted=0)
        await hall.say(partial(flags.report_coverage, session=session, order=order))
