"""A record is sealed at once as it stands, and again when all that is owed has come or nobody waits any more."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from commands import flags, interventions, sessions
from domain import incidents
from domain.coverage import CoverageReported, ReportCoverage
from domain.policy import Policy
from domain.record import Sealed
from domain.recording import Ended, Started
from tests.vigil import studio
from tests.vigil.hall import HOUR, Hall, settled
from vigil.outlook import Over, over
from vigil.sealing import OBJECT_STORE, seal

COVERAGE = tuple(f"coverage of {detector.kind}" for detector in Policy().detectors)


async def test_a_session_that_goes_on_is_not_sealed(hall: Hall) -> None:
    session = await hall.sitting()
    await sealing(hall, session)
    assert await seals(hall, session) == []


async def test_the_first_seal_names_what_is_owed_and_the_second_waits_for_it(hall: Hall) -> None:
    session = await hall.sitting()
    await studio.on_air(hall, session)
    await hall.submit(session)
    await sealing(hall, session)
    await sealing(hall, session)
    (first,) = await seals(hall, session)
    assert (first.kind, first.owed) == ("provisional", ("camera: late segments", "screen: late segments", *COVERAGE))

    for track in studio.TRACKS:
        await studio.deliver(hall, await studio.taped(hall, session, track, 2))
    await studio.end(hall, session)
    await studio.finalised(hall, session, "camera")
    await covered(hall, session)
    await sealing(hall, session)
    assert len(await seals(hall, session)) == 1, "the screen is still owed"

    await studio.finalised(hall, session, "screen")
    await sealing(hall, session)
    await sealing(hall, session)
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
    await sealing(hall, session)
    (first,) = await seals(hall, session)
    assert first.owed == ("camera: the finished recording", *COVERAGE), "of the screen nothing came"


async def test_a_track_of_which_nothing_came_is_missing_up_to_the_end_of_the_session(hall: Hall) -> None:
    session = await hall.sitting()
    await studio.on_air(hall, session, ["screen"])
    hall.clock.ahead += timedelta(seconds=5)
    await studio.end(hall, session, ["screen"], why="lost")
    hall.clock.ahead += timedelta(seconds=30)
    await hall.submit(session)
    await sealing(hall, session)
    tape = await studio.recorded(hall, session, "screen")
    assert tape.gaps[-1].ended_at == (await hall.state(session)).ended_at
    (first,) = await seals(hall, session)
    assert first.streams[f"main/recording/{session}.screen"] == len([Started, Ended, *tape.gaps])


async def test_an_incident_that_its_detector_left_open_is_closed_when_the_session_ended(hall: Hall) -> None:
    session = await hall.sitting()
    provenance = incidents.Provenance(detector="d", detector_version="1", weights={}, thresholds={}, rule_version="1")
    found = incidents.OpenIncident(
        incident="i1", kind="several_people", started_at=hall.clock(), severity="high", confidence=0.9,
        provenance=provenance, evidence=None, observed=True,
    )  # fmt: skip
    await hall.say(partial(flags.open_incident, session=session, found=found))
    await hall.submit(session)
    await sealing(hall, session)
    (closed,) = await hall.events(session, incidents.Closed)
    assert isinstance(closed, incidents.Closed)
    assert (closed.incident, closed.why) == ("i1", "session_over")
    assert closed.ended_at == (await hall.state(session)).ended_at
    (first,) = await seals(hall, session)
    assert first.streams[f"main/incidents/{session}"] == 2, "the seal covers the end of the incident"


async def test_what_nobody_tells_of_any_more_is_settled_for_them(hall: Hall) -> None:
    session = await hall.sitting()
    await studio.on_air(hall, session)
    await studio.deliver(hall, await studio.taped(hall, session, "camera", 5))
    hall.clock.ahead += timedelta(seconds=6)
    await hall.submit(session)
    await sealing(hall, session)
    await sealing(hall, session)
    assert len(await seals(hall, session)) == 1

    await sealing(hall, session, waited=True)
    ended = await hall.events(session, Ended)
    assert {event.why for event in ended if isinstance(event, Ended)} == {"worker_lost"}
    await sealing(hall, session, waited=True)
    told = await hall.events(session, CoverageReported)
    assert [(t.due, t.taken, t.cannot_tell) for t in told if isinstance(t, CoverageReported)] == [(2, 0, 2)] * 2
    await sealing(hall, session, waited=True)
    assert [(one.kind, one.owed, one.lost) for one in await seals(hall, session)][1:] == [
        ("complete", (), ("camera: the finished recording",)),
    ]  # fmt: skip
    await sealing(hall, session, waited=True)
    assert len(await seals(hall, session)) == 2


async def test_what_was_given_up_and_comes_after_all_is_sealed_too(hall: Hall) -> None:
    session = await hall.sitting()
    await studio.on_air(hall, session, ["camera"])
    await studio.deliver(hall, await studio.taped(hall, session, "camera", 2))
    await studio.end(hall, session, ["camera"])
    await covered(hall, session)
    await hall.submit(session)
    await sealing(hall, session, waited=True)
    assert not await looked_at(hall, session), "nobody waits any more"
    await studio.finalised(hall, session, "camera")
    assert await looked_at(hall, session)
    await sealing(hall, session)
    assert [one.lost for one in await seals(hall, session)] == [("camera: the finished recording",), ()]
    assert not await looked_at(hall, session)


async def test_what_waits_on_our_own_disk_is_not_lost(hall: Hall) -> None:
    session = await hall.sitting()
    await studio.on_air(hall, session)
    await hall.say(partial(sessions.open_fault, name=session, what=OBJECT_STORE, why="full"))
    await hall.submit(session)
    await sealing(hall, session)
    await sealing(hall, session, waited=True)
    assert not await hall.events(session, Ended)
    assert [one.kind for one in await seals(hall, session)] == ["provisional"]


async def test_an_intervention_on_its_way_is_owed(hall: Hall) -> None:
    session = await hall.sitting()
    asked = await hall.intervene(session, "pause")
    await covered(hall, session)
    await hall.submit(session)
    await sealing(hall, session)
    await hall.say(partial(interventions.fail, name=asked))
    await sealing(hall, session)
    assert [(one.kind, one.owed) for one in await seals(hall, session)] == [
        ("provisional", ("an intervention that is being delivered",)), ("complete", ()),
    ]  # fmt: skip


async def test_a_session_that_is_reopened_is_sealed_again(hall: Hall) -> None:
    name, (session,) = await hall.plan()
    await hall.start(session)
    await covered(hall, session)
    await cut_off(hall, session)
    await sealing(hall, session)
    await hall.say(partial(sessions.reopen, name=session, reason="The power was cut."))
    await sealing(hall, session)
    assert len(await seals(hall, session)) == 1
    await hall.submit(session)
    await sealing(hall, session)
    first, second = await seals(hall, session)
    assert second.streams[f"main/session/{session}"] > first.streams[f"main/session/{session}"]
    assert name


async def test_a_session_that_is_reinstated_is_sealed_again_with_its_coverage_owed_anew(hall: Hall) -> None:
    session = await hall.sitting()
    await covered(hall, session)
    end = {"text": "Two phones.", "name": "Ada Lovelace", "confirm_name": "Ada Lovelace"}
    ended = await hall.intervene(session, "terminate", **end)
    await hall.say(partial(interventions.advance, name=ended, session=session, stage="applied"))
    await sealing(hall, session)
    await hall.say(partial(interventions.reinstate, session=session, reason="They were calculators."))
    await sealing(hall, session)
    assert len(await seals(hall, session)) == 1, "it goes on"
    await hall.submit(session)
    await sealing(hall, session)
    await covered(hall, session, reopened=1)
    await sealing(hall, session)
    first, second, third = await seals(hall, session)
    assert [(one.kind, one.owed) for one in (first, second, third)] == [
        ("complete", ()), ("provisional", COVERAGE), ("complete", ()),
    ]  # fmt: skip
    assert second.streams[f"main/session/{session}"] > first.streams[f"main/session/{session}"]


async def test_a_new_end_is_sealed_though_something_is_still_owed(hall: Hall) -> None:
    session = await hall.sitting()
    await cut_off(hall, session)
    await sealing(hall, session)
    await hall.say(partial(sessions.reopen, name=session, reason="The power was cut."))
    await hall.submit(session)
    await sealing(hall, session)
    await sealing(hall, session)
    assert [(one.number, one.kind, one.owed) for one in await seals(hall, session)] == [
        (1, "provisional", COVERAGE), (2, "provisional", COVERAGE),
    ]  # fmt: skip


async def test_what_a_detector_could_see_is_owed_again_after_a_reopening(hall: Hall) -> None:
    session = await hall.sitting()
    await covered(hall, session)
    await cut_off(hall, session)
    await sealing(hall, session)
    await hall.say(partial(sessions.reopen, name=session, reason="The power was cut."))
    await hall.submit(session)
    await sealing(hall, session)
    await covered(hall, session, reopened=1)
    await sealing(hall, session)
    assert [(one.kind, one.owed) for one in await seals(hall, session)] == [
        ("complete", ()), ("provisional", COVERAGE), ("complete", ()),
    ]  # fmt: skip


async def test_who_never_began_owes_nothing(hall: Hall) -> None:
    _, (absent, unwilling) = await hall.plan(candidates=2)
    await hall.say(partial(sessions.decline_notice, name=unwilling))
    hall.clock.ahead += 2 * HOUR
    await hall.say(partial(sessions.expire, name=absent))
    for session in (absent, unwilling):
        await sealing(hall, session)
        assert [(one.kind, one.owed) for one in await seals(hall, session)] == [("complete", ())]


async def sealing(hall: Hall, session: str, *, waited: bool = False) -> None:
    """Does what the reactions do about a session, once the models have caught up."""
    for one in await looked_at(hall, session):
        await seal(hall.core, one, waited=waited)


async def looked_at(hall: Hall, session: str) -> list[Over]:
    """The session, if the reactions look at it."""
    async with hall.core.reading() as conn:
        await settled(hall, conn)
        return [one for one in await over(conn) if one.session == session]


async def cut_off(hall: Hall, session: str) -> None:
    """The session ends in a fault."""
    hall.clock.ahead += 4 * HOUR
    await hall.say(partial(sessions.lose_connection, name=session, track="camera", why="no media"))
    await hall.say(partial(sessions.expire, name=session))


async def seals(hall: Hall, session: str) -> list[Sealed]:
    return [event for event in await hall.events(session, Sealed) if isinstance(event, Sealed)]


async def covered(hall: Hall, session: str, reopened: int = 0) -> None:
    for detector in Policy().detectors:
        order = ReportCoverage(
            detector=detector.kind, due=1, taken=1, cannot_tell=0, overloaded=0, muted=0, reopened=reopened
        )
        await hall.say(partial(flags.report_coverage, session=session, order=order))
