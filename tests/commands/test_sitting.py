"""An exam that is sat, watched and recorded: what needs more than one stream to decide."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from functools import partial

import pytest
from msgspec.structs import replace
from psycopg import AsyncConnection

from commands import flags, interventions, outages, recordings, schedules, sessions
from commands.envelope import read
from commands.handler import Handler, UseCase
from commands.ledger import read_session, read_stream
from domain import chat, incidents, intervention, record, recording, session_rules
from domain.coverage import ReportCoverage
from domain.onboarding import Check
from domain.policy import DetectorSetting, Policy
from tests.commands.hall import NINE, do, planned, ready, refused, running, say, tags

FOUND = incidents.OpenIncident(
    incident="n1", kind="several_people", started_at=NINE + timedelta(minutes=10), severity="high", confidence=0.9,
    provenance=incidents.Provenance(
        detector="faces", detector_version="1", weights={}, thresholds={"score": 0.5}, rule_version="1"
    ),
    evidence=None, observed=True,
)  # fmt: skip


# Sitting the exam.


async def test_nobody_starts_an_exam_that_is_not_open_for_them(one: Handler, app: AsyncConnection) -> None:
    name, (session, other) = await planned(one, candidates=2)
    await ready(one, session)
    await ready(one, other)
    await do(one, partial(schedules.set_live_proctoring, name=name, enabled=False))
    await refused(one, partial(sessions.start, name=session), "switched off", field="live_proctoring")
    await do(one, partial(schedules.set_live_proctoring, name=name, enabled=True))
    await do(one, partial(schedules.withdraw, name=name, session=session))
    await refused(one, partial(sessions.start, name=session), "no longer enrolled", field="schedule")
    await do(one, partial(sessions.start, name=other))
    await refused(one, partial(schedules.withdraw, name=name, session=other), "started already", field="session")


async def test_nobody_starts_a_cancelled_exam(one: Handler) -> None:
    name, (session,) = await planned(one)
    await ready(one, session)
    await do(one, partial(schedules.cancel, name=name, reason="The hall is flooded."))
    await refused(one, partial(sessions.start, name=session), "the exam was called off", field="schedule")


async def test_only_who_could_have_come_is_a_no_show(one: Handler, app: AsyncConnection) -> None:
    name, (withdrawn, absent) = await planned(one, candidates=2)
    await do(one, partial(schedules.withdraw, name=name, session=withdrawn))
    called_off, (free,) = await planned(one)
    await do(one, partial(schedules.cancel, name=called_off, reason="The hall is flooded."))
    for session in (withdrawn, absent, free):
        await do(one, partial(sessions.expire, name=session), minute=31)
    assert await tags(app, f"tu/session/{absent}") == ["session.opened", "session.ended"]
    assert await tags(app, f"tu/session/{withdrawn}") == ["session.opened"]
    assert await tags(app, f"tu/session/{free}") == ["session.opened"]


@pytest.mark.parametrize(
    ("policy", "needed"),
    [
        (Policy(), {"browser", "network", "camera", "microphone", "screen"}),
        (Policy(microphone=False, screen=False), {"browser", "network", "camera"}),
        (Policy(camera=False), {"browser", "network", "screen"}),
        (Policy(camera=False, screen=False), {"browser", "network"}),
    ],
)
async def test_a_candidate_is_checked_for_what_the_policy_captures_and_no_more(
    one: Handler, app: AsyncConnection, policy: Policy, needed: set[str]
) -> None:
    _, (session,) = await planned(one, policy=policy)
    acknowledge = partial(
        sessions.acknowledge_notice, name=session, policy_version=1, sha256=sessions.notice_hash(policy)
    )
    await do(one, acknowledge)
    for missing in needed:
        checks = tuple(Check(name=name, passed=name != missing) for name in sorted(needed))  # type: ignore[arg-type]
        await do(one, partial(sessions.report_check, name=session, checks=checks))
        assert (await tags(app, f"tu/session/{session}"))[-1] == "session.system_checked"
    checks = tuple(Check(name=name, passed=True) for name in sorted(needed))  # type: ignore[arg-type]
    await do(one, partial(sessions.report_check, name=session, checks=checks))
    assert (await tags(app, f"tu/session/{session}"))[-1] == "session.ready"


async def test_the_notice_that_holds_is_the_one_of_the_policy_as_it_is_now(one: Handler) -> None:
    name, (session,) = await planned(one)
    await ready(one, session)
    await do(one, partial(schedules.set_policy, name=name, policy=Policy(screen=False)))
    await refused(one, partial(sessions.start, name=session), "acknowledge the notice", field="notice")
    old = partial(sessions.acknowledge_notice, name=session, policy_version=1, sha256=sessions.notice_hash(Policy()))
    await refused(one, old, "notice has changed", field="sha256")


async def test_the_clock_speaks_when_it_is_time(one: Handler, app: AsyncConnection) -> None:
    session = await running(one)
    _, (absent,) = await planned(one)
    for minute in (29, 129):
        await do(one, partial(sessions.expire, name=session), minute=minute)
    assert (await tags(app, f"tu/session/{session}"))[-1] == "session.started"
    await do(one, partial(sessions.expire, name=session), minute=130)
    assert (await tags(app, f"tu/session/{session}"))[-1] == "session.submitted"
    await do(one, partial(sessions.expire, name=absent), minute=31)
    assert (await tags(app, f"tu/session/{absent}"))[-1] == "session.ended"


@pytest.mark.parametrize(
    "use_case",
    [
        partial(sessions.acknowledge_notice, policy_version=1, sha256="x"), sessions.decline_notice, sessions.start,
        partial(sessions.report_check, checks=()), sessions.submit, sessions.expire,
        partial(sessions.lose_connection, track="camera", why="?"), partial(sessions.open_fault, what="?", why="?"),
    ],
)  # fmt: skip
async def test_a_session_that_nobody_enrolled_for_does_not_exist(one: Handler, use_case: UseCase) -> None:
    await refused(one, partial(use_case, name="nowhere"), "no such session")


# Watching.


async def test_no_detector_writes_anywhere_but_to_the_incidents(one: Handler, app: AsyncConnection) -> None:
    session = await running(one)
    before = await read_session(app, "tu", session)
    picture = incidents.Evidence(at=NINE, object_key="e1", sha256="aa", raw_score=0.9)
    await do(one, partial(flags.open_incident, session=session, found=FOUND))
    await do(
        one,
        partial(flags.add_evidence, session=session, order=incidents.AddEvidence(incident="n1", evidence=picture)),
    )
    close = incidents.CloseIncident(incident="n1", ended_at=NINE, severity="high", peak=0.9)
    await do(one, partial(flags.close_incident, session=session, order=close))
    report = ReportCoverage(detector="several_people", due=9, taken=9, cannot_tell=0, overloaded=0, muted=0)
    await do(one, partial(flags.report_coverage, session=session, order=report))
    after = await read_session(app, "tu", session)
    assert after[: len(before)] == before
    assert {row.stream for row in after[len(before) :]} == {f"tu/incidents/{session}"}
    assert len(after) == len(before) + 4


async def test_a_detector_flags_only_what_runs_and_what_the_policy_watches(one: Handler, app: AsyncConnection) -> None:
    policy = Policy(detectors=(DetectorSetting(kind="out_of_view"),))
    _, (session,) = await planned(one, policy=policy)
    seen = replace(FOUND, kind="out_of_view")
    await do(one, partial(flags.open_incident, session=session, found=seen))
    await ready(one, session, policy)
    await do(one, partial(sessions.start, name=session))
    await do(one, partial(flags.open_incident, session=session, found=FOUND))
    assert await read_stream(app, f"tu/incidents/{session}") == []
    await do(one, partial(flags.open_incident, session=session, found=seen))
    await do(
        one, partial(interventions.request, session=session, kind="pause", reason_code="x", text=None, minutes=None)
    )
    await do(
        one,
        partial(
            flags.close_incident,
            session=session,
            order=incidents.CloseIncident(incident="n1", ended_at=NINE, severity="high", peak=0.9, why="not_observed"),
        ),
    )
    await do(one, partial(flags.open_incident, session=session, found=replace(seen, incident="n2")))
    assert [row.tag for row in await read_stream(app, f"tu/incidents/{session}")] == [
        "incidents.opened",
        "incidents.closed",
    ]


async def test_a_finding_counts_when_it_was_seen_while_the_session_ran_however_late_it_comes(
    one: Handler, app: AsyncConnection
) -> None:
    session = await running(one)
    await do(
        one,
        partial(interventions.request, session=session, kind="pause", reason_code="x", text=None, minutes=None),
        minute=12,
    )
    for incident, minute in {"before the start": 9.9, "while it stood": 12, "later": 13}.items():
        found = replace(FOUND, incident=incident, started_at=NINE + timedelta(minutes=minute))
        await do(one, partial(flags.open_incident, session=session, found=found), minute=13)
    assert await read_stream(app, f"tu/incidents/{session}") == []
    await do(one, partial(flags.open_incident, session=session, found=FOUND), minute=13)
    await do(
        one,
        partial(interventions.request, session=session, kind="resume", reason_code="x", text=None, minutes=None),
        minute=14,
    )
    await do(one, partial(sessions.submit, name=session), minute=20)
    for incident, minute in {"at the end": 19.9, "afterwards": 20.1}.items():
        moment = NINE + timedelta(minutes=minute)
        found = replace(FOUND, incident=incident, kind="out_of_view", started_at=moment)
        await do(one, partial(flags.open_incident, session=session, found=found), minute=21)
    stored = await read_stream(app, f"tu/incidents/{session}")
    assert [read(row)[1].incident for row in stored] == ["n1", "at the end"]  # type: ignore[attr-defined]


async def test_a_verdict_needs_a_reason(one: Handler) -> None:
    session = await running(one)
    incident = (await do(one, partial(flags.raise_by_hand, session=session, severity="warn", note="A phone.")))[
        "incident"
    ]
    judge = partial(flags.judge, session=session, incident=incident, verdict="dismissed")
    await refused(one, partial(judge, reason=" "), "needs a reason", field="reason")
    await do(one, partial(judge, reason="It was a calculator."))
    await refused(one, partial(flags.raise_by_hand, session="nowhere", severity="warn", note="?"), "no such session")


async def test_an_intervention_takes_effect_with_its_request(one: Handler, app: AsyncConnection) -> None:
    session = await running(one)
    act = partial(
        interventions.request, session=session, reason_code="noise", text="A lorry. Please wait.", minutes=None
    )
    for kind, tag in (("warn", "session.started"), ("pause", "session.paused"), ("resume", "session.resumed")):
        await do(one, partial(act, kind=kind))
        assert (await tags(app, f"tu/session/{session}"))[-1] == tag
    await do(one, partial(act, kind="extra_time", minutes=5.0))
    assert (await tags(app, f"tu/session/{session}"))[-1] == "session.time_extended"
    await do(one, partial(act, kind="pause"))
    ids = await do(one, partial(act, kind="resume", minutes=2.5))
    assert (await tags(app, f"tu/session/{session}"))[-2:] == ["session.resumed", "session.time_extended"]
    advance = partial(interventions.advance, name=ids["intervention"], stage="applied")
    await refused(one, partial(advance, session="another"), "no such intervention")
    await do(one, partial(advance, session=session))
    assert (await tags(app, f"tu/intervention/{ids['intervention']}"))[-1] == "intervention.applied"
    end = partial(act, kind="terminate", name="Ada Lovelace")
    for typed in ("", "Ada", "Ada Byron"):
        await refused(one, partial(end, confirm_name=typed), "type the candidate's name", field="confirm_name")
    await refused(one, partial(end, confirm_name="", name=None), "type the candidate's name", field="confirm_name")
    ids = await do(one, partial(act, kind="warn"))
    await do(one, partial(interventions.fail, name=ids["intervention"]))
    assert (await tags(app, f"tu/intervention/{ids['intervention']}"))[-1] == "intervention.failed"
    await do(one, partial(end, confirm_name=" ada  lovelace"))
    assert (await tags(app, f"tu/session/{session}"))[-1] == "session.terminated"
    await refused(one, partial(act, kind="warn"), "a session that is terminated cannot be warned")


def asking(session: str, kind: intervention.Asked, text: str | None = None, minutes: float | None = None) -> UseCase:
    return partial(interventions.request, session=session, kind=kind, reason_code="", text=text, minutes=minutes)


async def test_two_who_check_an_identity_at_once_ask_for_it_once(one: Handler, app: AsyncConnection) -> None:
    session = await running(one)
    ask = asking(session, "identity_check")
    made = await asyncio.gather(*(do(one, ask, actor=who) for who in ("turing", "hopper", "turing")))
    (name,) = {ids["intervention"] for ids in made}
    assert await tags(app, f"tu/intervention/{name}") == ["intervention.requested"]
    await refused(
        one, asking(session, "identity_check", "Show your card."), "asked for this identity check already", field="kind"
    )
    await do(one, partial(interventions.advance, name=name, session=session, stage="acknowledged"))
    second = (await do(one, ask))["intervention"]
    assert second != name, "what was answered is not asked for by it"
    await do(one, partial(interventions.mark, name=second, session=session, result="passed", note=None))
    third = (await do(one, ask))["intervention"]
    await do(one, partial(interventions.fail, name=third))
    assert (await do(one, ask))["intervention"] not in (name, second, third)


async def test_a_candidate_whose_camera_was_waived_is_asked_to_show_nothing(one: Handler, app: AsyncConnection) -> None:
    session = await running(one)
    name = (await do(one, asking(session, "identity_check")))["intervention"]
    await do(
        one, partial(sessions.waive_check, name=session, check="camera", instead="in_person", reason="It is broken.")
    )
    await do(one, partial(interventions.fail, name=name))
    failed = read((await read_stream(app, f"tu/intervention/{name}"))[-1])[1]
    assert isinstance(failed, intervention.Failed)
    assert failed.why == "the camera was waived before it was shown"
    await refused(one, asking(session, "identity_check"), "the camera was waived for this session", field="kind")
    away = asking(session, "break", minutes=5.0)
    await do(one, away)
    await do(one, partial(interventions.come_back, session=session))
    await do(one, away, minute=11)
    await do(one, asking(session, "resume"), minute=11)
    rows = await read_session(app, "tu", session)
    asked = [event for row in rows if isinstance(event := read(row)[1], intervention.Requested)]
    assert [event.kind for event in asked] == ["identity_check", "break", "break", "resume"]


async def test_whoever_is_called_back_from_a_break_is_asked_for_a_look(one: Handler, app: AsyncConnection) -> None:
    session = await running(one)
    away = asking(session, "break", minutes=5.0)
    await do(one, away)
    answer = await do(one, asking(session, "resume"), actor="turing")
    await do(one, away, minute=11)
    for kind in ("pause", "lock", "unlock", "resume"):
        await do(one, asking(session, kind), minute=12)
    events = [read(row)[1] for row in await read_session(app, "tu", session)]
    asked = [event for event in events if isinstance(event, intervention.Requested)]
    assert Counter(event.kind for event in asked)["return_look"] == 2
    (row,) = await read_stream(app, f"tu/intervention/{answer['intervention']}")
    first = read(row)[1]
    assert isinstance(first, intervention.Requested)
    assert first.kind == "resume", "the answer names what was asked for"


async def test_an_outage_is_marked_told_and_given_back_however_much_was_written_before(
    one: Handler, app: AsyncConnection
) -> None:
    session = await running(one)
    for n in range(chat.AT_MOST):
        await do(one, say(f"Part {n}.", session, "invigilator"), minute=30)
    await refused(one, say("One more.", session, "invigilator"), "send this again", minute=30)
    schedule = (await one.load(session_rules.DECIDER, f"tu/session/{session}"))[1].schedule
    declare = partial(
        outages.declare, name=schedule, began_at=NINE + timedelta(minutes=20), ended_at=NINE + timedelta(minutes=25),
        whose="network", cause="a cable", text="You get the time back.",
    )  # fmt: skip
    outage = (await do(one, declare, minute=30))["outage"]
    await do(one, partial(outages.mark, session=session, name=outage), minute=30)
    assert (await tags(app, f"tu/session/{session}"))[-2:] == ["session.outage_marked", "session.time_extended"]
    assert len(await tags(app, f"tu/chat/{session}")) == chat.AT_MOST + 1


# Recording.


async def test_a_connection_is_taken_for_a_session_that_is_not_over(one: Handler) -> None:
    session = await running(one)
    start = partial(recordings.start_connection, track="camera", worker="w1")
    await do(one, partial(start, session=session, connection=1))
    await refused(one, partial(start, session=session, connection=3), "another connection")
    await do(one, partial(sessions.submit, name=session))
    await refused(one, partial(start, session=session, connection=2), "is over")
    await refused(one, partial(start, session="nowhere", connection=1), "no such session")
    end = recording.End(connection=1, at=NINE, why="stopped")
    await do(one, partial(recordings.end_connection, name=f"{session}.camera", order=end))


async def test_a_segment_of_a_connection_that_nobody_told_of_is_kept(one: Handler, app: AsyncConnection) -> None:
    session = await running(one)
    name = f"{session}.camera"
    segment = recording.Segment(
        connection=1, number=1, started_at=NINE, ended_at=NINE, bytes=1, frames=1, sha256="aa" * 32, object_key="k",
        codec="VP8", width=2, height=2, complete=True,
    )  # fmt: skip
    store = partial(recordings.store_segment, name=name, order=recording.StoreSegment(segment=segment))
    await do(one, store)
    end = recording.End(connection=1, at=NINE, why="worker_lost")
    await do(one, partial(recordings.end_connection, name=name, order=end))
    await do(one, partial(recordings.start_connection, session=session, track="camera", connection=1, worker="w1"))
    told = ["recording.started", "recording.segment_stored", "recording.ended"]
    assert await tags(app, f"tu/recording/{name}") == told


async def test_a_session_is_sealed_once_it_is_over_and_then_exported(one: Handler) -> None:
    session = await running(one)
    order_ = record.Seal(at=NINE, owed=(), streams={"s": 1}, root="aa", checkpoint="c", clock="synchronised")
    await refused(one, partial(recordings.seal, session=session, order=order_), "not over")
    await refused(one, partial(recordings.export, session=session), "not sealed")
    await do(one, partial(sessions.submit, name=session))
    await do(one, partial(recordings.seal, session=session, order=order_))
    await do(one, partial(recordings.view, session=session, what="recording camera"), actor="curie")
    assert set(await do(one, partial(recordings.export, session=session))) == {"export"}
