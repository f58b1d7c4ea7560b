"""The clock of a session against the plainest model of it: a candidate's own stop watch."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.event import Refused
from domain.policy import Policy
from domain.session import NoticeAcknowledged, Opened, Ready, Session, Started, SystemChecked
from domain.session_rules import (
    DECIDER,
    Expire,
    ExtendTime,
    LoseConnection,
    Pause,
    RestoreConnection,
    Resume,
    SessionCommand,
)
from tests.domain.given import given
from tests.domain.hall import TWO_HOURS, at

END = at("12:00")
START = at("9:10")
RUNNING = given(
    DECIDER,
    Opened(schedule="algebra", subject="ada"),
    NoticeAcknowledged(policy_version=1, sha256="a"),
    SystemChecked(checks=(), passed=True),
    Ready(),
    Started(at=START, policy=Policy(), duration_s=TWO_HOURS, end_at=END),
).state

STEPS = st.lists(
    st.tuples(st.integers(0, 2400), st.sampled_from(["pause", "resume", "extend", "lose", "restore", "expire"])),
    max_size=25,
)


@settings(max_examples=300, deadline=None)
@for_all(STEPS, st.integers(1, 3600))
def test_a_candidate_gets_their_time_to_the_second_and_never_past_the_end(
    steps: list[tuple[int, str]], extra_s: int
) -> None:
    now, state, left_s = START, RUNNING, TWO_HOURS
    for n, (passed_s, what) in enumerate(steps):
        now += timedelta(seconds=passed_s)
        left_s -= passed_s if state.phase == "in_progress" else 0
        runs_out = now + timedelta(seconds=left_s)
        before = state
        state, refusal = _say(_command(what, now, f"i{n}", extra_s), state)

        if what == "extend" and before.phase in ("in_progress", "paused"):
            assert (refusal is not None) == (runs_out + timedelta(seconds=extra_s) > END)
            left_s += 0 if refusal else extra_s
        if what == "expire":
            up = before.phase == "in_progress" and now >= min(runs_out, END)
            cut_off = bool(before.lost) and now < END
            assert state.over == (before.over or (up and not cut_off))
            if state.over and not before.over:
                assert state.phase == ("ended_in_fault" if before.lost else "submitted")
        if state.over:
            return
        assert state.due_at == (None if state.phase == "paused" else min(now + timedelta(seconds=left_s), END))


@settings(max_examples=100, deadline=None)
@for_all(st.integers(0, 7200), st.integers(0, 36000))
def test_resuming_gives_back_exactly_the_time_that_the_clock_stood(after_s: int, stopped_s: int) -> None:
    paused_at = START + timedelta(seconds=after_s)
    later = replace(RUNNING, end_at=START + timedelta(days=1))
    paused, _ = _say(Pause(at=paused_at, intervention="i1"), later)
    resumed, _ = _say(Resume(at=paused_at + timedelta(seconds=stopped_s), intervention="i2"), paused)
    assert resumed.due_at == START + timedelta(seconds=TWO_HOURS + stopped_s)


def _command(what: str, now: datetime, name: str, extra_s: int) -> SessionCommand:
    made: dict[str, SessionCommand] = {
        "pause": Pause(at=now, intervention=name),
        "resume": Resume(at=now, intervention=name),
        "extend": ExtendTime(at=now, seconds=extra_s, intervention=name),
        "lose": LoseConnection(at=now, track="camera", why="no packets"),
        "restore": RestoreConnection(at=now, track="camera"),
        "expire": Expire(at=now, last_entry_at=at("9:30")),
    }
    return made[what]


def _say(command: SessionCommand, state: Session) -> tuple[Session, Refused | None]:
    try:
        made = DECIDER.decide(command, state)
    except Refused as refusal:
        return state, refusal
    for event in made:
        state = DECIDER.evolve(state, event)
    return state, None
