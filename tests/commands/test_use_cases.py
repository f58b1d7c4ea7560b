"""Use cases: what needs more than one stream to decide, or more than a stream can know."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace
from psycopg import AsyncConnection

from commands import flags, interventions, recordings, schedules, sessions, users
from commands.handler import Handler, UseCase
from commands.ids import Pseudonyms, command_id, new_id, session_id
from commands.ledger import read_session, read_stream
from domain import incidents, record, recording, schedule, session_rules
from domain.event import Refused
from domain.policy import DetectorSetting, Policy
from domain.session import Check
from tests.commands.hall import NINE, PSEUDONYMS, WINDOW, order, planned, ready, running

if TYPE_CHECKING:
    from tests.commands.conftest import Processes

FOUND = incidents.OpenIncident(
    incident="n1", kind="several_people", started_at=NINE, severity="high", confidence=0.9,
    provenance=incidents.Provenance(
        detector="faces", detector_version="1", weights={}, thresholds={"score": 0.5}, rule_version="1"
    ),
    evidence=None, observed=True,
)  # fmt: skip


@pytest.fixture
async def handler(processes: Processes) -> Handler:
    return await processes.handler()


async def do(handler: Handler, use_case: UseCase, *, actor: str = "someone", minute: float = 10) -> Mapping[str, str]:
    return (await handler.run(order(actor, at=NINE + timedelta(minutes=minute)), use_case)).ids


async def refused(handler: Handler, use_case: UseCase, rule: str, *, field: str = "", minute: float = 10) -> None:
    with pytest.raises(Refused, match=rule) as caught:
        await do(handler, use_case, minute=minute)
    assert caught.value.field == field


async def last(app: AsyncConnection, stream: str) -> str:
    return (await read_stream(app, stream))[-1].tag


# Planning.


async def test_enrolling_opens_the_session_too(handler: Handler, app: AsyncConnection) -> None:
    name, (session,) = await planned(handler)
    (row,) = await read_stream(app, f"tu/session/{session}")
    assert row.tag == "session.opened"
    _, state = await handler.load(session_rules.DECIDER, f"tu/session/{session}")
    assert state.schedule == name
    assert session == session_id(name, state.subject)


async def test_a_person_has_one_name_under_an_institution_that_says_nothing_about_them(handler: Handler) -> None:
    assert PSEUDONYMS.candidate("tu", " 1815 ") == PSEUDONYMS.candidate("tu", "1815")
    assert PSEUDONYMS.user("tu", "Ada@Example.org ") == PSEUDONYMS.user("tu", "ada@example.org")
    names = {
        PSEUDONYMS.candidate("tu", "1815"), PSEUDONYMS.candidate("mit", "1815"), PSEUDONYMS.user("tu", "1815"),
        Pseudonyms(b"q" * 32).candidate("tu", "1815"), PSEUDONYMS.candidate("tu", "1816"),
    }  # fmt: skip
    assert len(names) == 5
    assert all("1815" not in name and len(name) == 25 for name in names)


def test_names_of_commands_do_not_run_together() -> None:
    assert command_id("tu", "ada", "k1") != command_id("tu", "adak", "1")
    mine = command_id("tu", "ada", "k1")
    assert new_id(mine, "a") == new_id(mine, "a") != new_id(mine, "b")


async def test_a_schedule_is_renamed_and_moved_in_one_go(handler: Handler, app: AsyncConnection) -> None:
    name, _ = await planned(handler)
    later = replace(WINDOW, closes_at=WINDOW.closes_at + timedelta(hours=1))
    await do(handler, partial(schedules.change, name=name, title="Algebra II", window=later, duration_s=9000))
    _, state = await handler.load(schedule.DECIDER, f"tu/schedule/{name}")
    assert (state.title, state.window, state.duration_s) == ("Algebra II", later, 9000)
    await do(handler, partial(schedules.change, name=name, duration_s=7200))
    _, state = await handler.load(schedule.DECIDER, f"tu/schedule/{name}")
    assert (state.window, state.duration_s) == (later, 7200)
    await refused(handler, partial(schedules.change, name="nowhere", duration_s=60), "no such schedule")


async def test_a_new_schedule_starts_with_the_first_version_of_its_policy(handler: Handler) -> None:
    name, _ = await planned(handler, policy=Policy(version=9))
    _, state = await handler.load(schedule.DECIDER, f"tu/schedule/{name}")
    assert state.policy.version == 1


async def test_only_an_invigilator_is_assigned(handler: Handler) -> None:
    name, _ = await planned(handler)

    async def register(email: str, role: str) -> str:
        use_case = partial(
            users.register, name="Alan", email=email, password_hash="x", roles=(role,), pseudonyms=PSEUDONYMS
        )
        return (await do(handler, use_case))["user"]

    alan, grace = await register("alan@example.org", "invigilator"), await register("grace@example.org", "planner")
    await do(handler, partial(schedules.assign_invigilator, name=name, who=alan))
    for who in (grace, "nobody"):
        assign = partial(schedules.assign_invigilator, name=name, who=who)
        await refused(handler, assign, "role invigilator", field="user")
    await do(handler, partial(users.revoke_role, who=alan, role="invigilator"))
    await do(handler, partial(schedules.remove_invigilator, name=name, who=alan))
    await refused(handler, partial(schedules.assign_invigilator, name=name, who=alan), "role invigilator", field="user")


async def test_an_address_has_one_account(handler: Handler) -> None:
    register = partial(users.register, name="Alan", password_hash="x", roles=(), pseudonyms=PSEUDONYMS)
    who = (await do(handler, partial(register, email="alan@example.org")))["user"]
    await refused(handler, partial(register, email=" ALAN@example.org"), "has an account already", field="email")
    await refused(handler, partial(register, email="alan"), "e-mail address", field="email")
    assert await do(handler, partial(users.sign_in, who=who, matched=True)) == {"in": who}
    assert await do(handler, partial(users.sign_in, who=who, matched=False)) == {}


# Sitting the exam.


async def test_nobody_starts_an_exam_that_is_not_open_for_them(handler: Handler, app: AsyncConnection) -> None:
    name, (session, other) = await planned(handler, candidates=2)
    await ready(handler, session)
    await ready(handler, other)
    await do(handler, partial(schedules.set_live_proctoring, name=name, enabled=False))
    await refused(handler, partial(sessions.start, name=session), "switched off", field="live_proctoring")
    await do(handler, partial(schedules.set_live_proctoring, name=name, enabled=True))
    await do(handler, partial(schedules.withdraw, name=name, session=session))
    await refused(handler, partial(sessions.start, name=session), "no longer enrolled", field="schedule")
    await do(handler, partial(sessions.start, name=other))
    await refused(handler, partial(schedules.withdraw, name=name, session=other), "started already", field="session")


async def test_nobody_starts_a_cancelled_exam(handler: Handler) -> None:
    name, (session,) = await planned(handler)
    await ready(handler, session)
    await do(handler, partial(schedules.cancel, name=name, reason="The hall is flooded."))
    await refused(handler, partial(sessions.start, name=session), "not been opened", field="schedule")


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
    handler: Handler, app: AsyncConnection, policy: Policy, needed: set[str]
) -> None:
    _, (session,) = await planned(handler, policy=policy)
    acknowledge = partial(
        sessions.acknowledge_notice, name=session, policy_version=1, sha256=sessions.notice_hash(policy)
    )
    await do(handler, acknowledge)
    for missing in needed:
        checks = tuple(Check(name=name, passed=name != missing) for name in sorted(needed))  # type: ignore[arg-type]
        await do(handler, partial(sessions.report_check, name=session, checks=checks))
        assert await last(app, f"tu/session/{session}") == "session.system_checked"
    checks = tuple(Check(name=name, passed=True) for name in sorted(needed))  # type: ignore[arg-type]
    await do(handler, partial(sessions.report_check, name=session, checks=checks))
    assert await last(app, f"tu/session/{session}") == "session.ready"


async def test_the_notice_that_holds_is_the_one_of_the_policy_as_it_is_now(handler: Handler) -> None:
    name, (session,) = await planned(handler)
    await ready(handler, session)
    await do(handler, partial(schedules.set_policy, name=name, policy=Policy(screen=False)))
    await refused(handler, partial(sessions.start, name=session), "acknowledge the notice", field="notice")
    old = partial(sessions.acknowledge_notice, name=session, policy_version=1, sha256=sessions.notice_hash(Policy()))
    await refused(handler, old, "notice has changed", field="sha256")


async def test_the_clock_speaks_when_it_is_time(handler: Handler, app: AsyncConnection) -> None:
    session = await running(handler)
    _, (absent,) = await planned(handler)
    for minute in (29, 129):
        await do(handler, partial(sessions.expire, name=session), minute=minute)
    assert await last(app, f"tu/session/{session}") == "session.started"
    await do(handler, partial(sessions.expire, name=session), minute=130)
    assert await last(app, f"tu/session/{session}") == "session.submitted"
    await do(handler, partial(sessions.expire, name=absent), minute=31)
    assert await last(app, f"tu/session/{absent}") == "session.ended"


@pytest.mark.parametrize(
    "use_case",
    [
        partial(sessions.acknowledge_notice, policy_version=1, sha256="x"), sessions.decline_notice, sessions.start,
        partial(sessions.report_check, checks=()), sessions.submit, sessions.expire,
        partial(sessions.lose_connection, track="camera", why="?"), partial(sessions.open_fault, what="?", why="?"),
    ],
)  # fmt: skip
async def test_a_session_that_nobody_enrolled_for_does_not_exist(handler: Handler, use_case: UseCase) -> None:
    await refused(handler, partial(use_case, name="nowhere"), "no such session")


# Watching.


async def test_no_detector_writes_anywhere_but_to_the_incidents(handler: Handler, app: AsyncConnection) -> None:
    session = await running(handler)
    before = await read_session(app, "tu", session)
    picture = incidents.Evidence(at=NINE, object_key="e1", sha256="aa", raw_score=0.9)
    await do(handler, partial(flags.open_incident, session=session, found=FOUND))
    await do(
        handler,
        partial(flags.add_evidence, session=session, order=incidents.AddEvidence(incident="n1", evidence=picture)),
    )
    close = incidents.CloseIncident(incident="n1", ended_at=NINE, severity="high", peak=0.9)
    await do(handler, partial(flags.close_incident, session=session, order=close))
    report = incidents.ReportCoverage(detector="several_people", due=9, taken=9, cannot_tell=0, overloaded=0, muted=0)
    await do(handler, partial(flags.report_coverage, session=session, order=report))
    after = await read_session(app, "tu", session)
    assert after[: len(before)] == before
    assert {row.stream for row in after[len(before) :]} == {f"tu/incidents/{session}"}
    assert len(after) == len(before) + 4


async def test_a_detector_flags_only_what_runs_and_what_the_policy_watches(
    handler: Handler, app: AsyncConnection
) -> None:
    policy = Policy(detectors=(DetectorSetting(kind="out_of_view"),))
    _, (session,) = await planned(handler, policy=policy)
    seen = replace(FOUND, kind="out_of_view")
    await do(handler, partial(flags.open_incident, session=session, found=seen))
    await ready(handler, session, policy)
    await do(handler, partial(sessions.start, name=session))
    await do(handler, partial(flags.open_incident, session=session, found=FOUND))
    assert await read_stream(app, f"tu/incidents/{session}") == []
    await do(handler, partial(flags.open_incident, session=session, found=seen))
    await do(
        handler, partial(interventions.request, session=session, kind="pause", reason_code="x", text=None, minutes=None)
    )
    await do(
        handler,
        partial(
            flags.close_incident,
            session=session,
            order=incidents.CloseIncident(incident="n1", ended_at=NINE, severity="high", peak=0.9, why="not_observed"),
        ),
    )
    await do(handler, partial(flags.open_incident, session=session, found=replace(seen, incident="n2")))
    assert [row.tag for row in await read_stream(app, f"tu/incidents/{session}")] == [
        "incidents.opened",
        "incidents.closed",
    ]


async def test_a_verdict_needs_a_reason(handler: Handler) -> None:
    session = await running(handler)
    incident = (await do(handler, partial(flags.raise_by_hand, session=session, severity="warn", note="A phone.")))[
        "incident"
    ]
    judge = partial(flags.judge, session=session, incident=incident, verdict="dismissed")
    await refused(handler, partial(judge, reason=" "), "needs a reason", field="reason")
    await do(handler, partial(judge, reason="It was a calculator."))
    await refused(
        handler, partial(flags.raise_by_hand, session="nowhere", severity="warn", note="?"), "no such session"
    )


async def test_an_intervention_takes_effect_with_its_request(handler: Handler, app: AsyncConnection) -> None:
    session = await running(handler)
    act = partial(
        interventions.request, session=session, reason_code="noise", text="A lorry. Please wait.", minutes=None
    )
    for kind, tag in (("warn", "session.started"), ("pause", "session.paused"), ("resume", "session.resumed")):
        await do(handler, partial(act, kind=kind))
        assert await last(app, f"tu/session/{session}") == tag
    await do(handler, partial(act, kind="extra_time", minutes=5.0))
    assert await last(app, f"tu/session/{session}") == "session.time_extended"
    await do(handler, partial(act, kind="pause"))
    ids = await do(handler, partial(act, kind="resume", minutes=2.5))
    tags = [row.tag for row in await read_stream(app, f"tu/session/{session}")][-2:]
    assert tags == ["session.resumed", "session.time_extended"]
    advance = partial(interventions.advance, name=ids["intervention"], stage="applied")
    await refused(handler, partial(advance, session="another"), "no such intervention")
    await do(handler, partial(advance, session=session))
    assert await last(app, f"tu/intervention/{ids['intervention']}") == "intervention.applied"
    await do(handler, partial(act, kind="terminate"))
    assert await last(app, f"tu/session/{session}") == "session.terminated"
    ids = await do(handler, partial(act, kind="warn"))
    await do(handler, partial(interventions.fail, name=ids["intervention"], why="the page is closed"))
    assert await last(app, f"tu/intervention/{ids['intervention']}") == "intervention.failed"


# Recording.


async def test_a_connection_is_taken_for_a_session_that_is_not_over(handler: Handler) -> None:
    session = await running(handler)
    start = partial(recordings.start_connection, track="camera", worker="w1")
    await do(handler, partial(start, session=session, connection=1))
    await refused(handler, partial(start, session=session, connection=3), "another connection")
    await do(handler, partial(sessions.submit, name=session))
    await refused(handler, partial(start, session=session, connection=2), "is over")
    await refused(handler, partial(start, session="nowhere", connection=1), "no such session")
    end = recording.End(connection=1, at=NINE, why="stopped")
    await do(handler, partial(recordings.end_connection, name=f"{session}.camera", order=end))


async def test_a_session_is_sealed_once_it_is_over_and_then_exported(handler: Handler) -> None:
    session = await running(handler)
    order_ = record.Seal(at=NINE, owed=(), streams={"s": 1}, root="aa", checkpoint="c", clock="synchronised")
    await refused(handler, partial(recordings.seal, session=session, order=order_), "not over")
    await refused(handler, partial(recordings.export, session=session), "not sealed")
    await do(handler, partial(sessions.submit, name=session))
    await do(handler, partial(recordings.seal, session=session, order=order_))
    await do(handler, partial(recordings.view, session=session, what="recording camera"), actor="curie")
    assert set(await do(handler, partial(recordings.export, session=session))) == {"export"}
