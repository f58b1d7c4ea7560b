"""Planning: schedules, their candidates and invigilators, and the accounts of the staff."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from msgspec.structs import replace
from psycopg import AsyncConnection

from commands import schedules, sessions, users
from commands.handler import Handler
from commands.ids import Pseudonyms, command_id, new_id, session_id
from commands.ledger import read_stream
from domain import schedule, session_rules
from domain.policy import Policy
from tests.commands.hall import PSEUDONYMS, WINDOW, do, planned, refused


async def test_enrolling_opens_the_session_too(one: Handler, app: AsyncConnection) -> None:
    name, (session,) = await planned(one)
    (row,) = await read_stream(app, f"tu/session/{session}")
    assert row.tag == "session.opened"
    _, state = await one.load(session_rules.DECIDER, f"tu/session/{session}")
    assert state.schedule == name
    assert session == session_id(name, state.subject)


async def test_a_person_has_one_name_under_an_institution_that_says_nothing_about_them(one: Handler) -> None:
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


async def test_who_comes_to_an_exam_that_is_not_open_is_told_why(one: Handler) -> None:
    called_off, (free,) = await planned(one)
    await do(one, partial(schedules.cancel, name=called_off, reason="The hall is flooded."))
    await refused(one, partial(sessions.start, name=free), "the exam was called off", field="schedule")
    over, (late,) = await planned(one)
    await do(one, partial(schedules.close, name=over), minute=181)
    await refused(one, partial(sessions.start, name=late), "the exam is over", field="schedule")


async def test_a_schedule_is_renamed_and_moved_in_one_go(one: Handler, app: AsyncConnection) -> None:
    name, _ = await planned(one)
    later = replace(WINDOW, closes_at=WINDOW.closes_at + timedelta(hours=1))
    await do(one, partial(schedules.change, name=name, title="Algebra II", window=later, duration_s=9000))
    _, state = await one.load(schedule.DECIDER, f"tu/schedule/{name}")
    assert (state.title, state.window, state.duration_s) == ("Algebra II", later, 9000)
    await do(one, partial(schedules.change, name=name, duration_s=7200))
    _, state = await one.load(schedule.DECIDER, f"tu/schedule/{name}")
    assert (state.window, state.duration_s) == (later, 7200)
    await refused(one, partial(schedules.change, name="nowhere", duration_s=60), "no such schedule")


async def test_a_new_schedule_starts_with_the_first_version_of_its_policy(one: Handler) -> None:
    name, _ = await planned(one, policy=Policy(version=9))
    _, state = await one.load(schedule.DECIDER, f"tu/schedule/{name}")
    assert state.policy.version == 1


async def test_only_an_invigilator_is_assigned(one: Handler) -> None:
    name, _ = await planned(one)

    async def register(email: str, role: str) -> str:
        use_case = partial(
            users.register, name="Alan", email=email, password_hash="x", roles=(role,), pseudonyms=PSEUDONYMS
        )
        return (await do(one, use_case))["user"]

    alan, grace = await register("alan@example.org", "invigilator"), await register("grace@example.org", "planner")
    await do(one, partial(schedules.assign_invigilator, name=name, who=alan))
    for who in (grace, "nobody"):
        assign = partial(schedules.assign_invigilator, name=name, who=who)
        await refused(one, assign, "role invigilator", field="user")
    await do(one, partial(users.revoke_role, who=alan, role="invigilator"))
    await do(one, partial(schedules.remove_invigilator, name=name, who=alan))
    await refused(one, partial(schedules.assign_invigilator, name=name, who=alan), "role invigilator", field="user")


async def test_an_address_has_one_account(one: Handler) -> None:
    register = partial(users.register, name="Alan", password_hash="x", roles=(), pseudonyms=PSEUDONYMS)
    who = (await do(one, partial(register, email="alan@example.org")))["user"]
    await refused(one, partial(register, email=" ALAN@example.org"), "has an account already", field="email")
    await refused(one, partial(register, email="alan"), "e-mail address", field="email")
    assert await do(one, partial(users.sign_in, who=who, matched=True)) == {"sign_outs": "0"}
    assert await do(one, partial(users.sign_in, who=who, matched=False)) == {}
