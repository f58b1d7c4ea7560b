"""The clock of a session against the plainest model of it: a candidate's own stop watch."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.event import Refused
from domain.fault import LoseConnection, RestoreConnection
from domain.onboarding import NoticeAcknowledged, Ready, SystemChecked
from domain.policy import Policy
from domain.session import GRACE, Opened, Session, Started
from domain.session_rules import DECIDER, Expire, ExtendTime, SessionCommand
from domain.stop_rules import Pause, Resume
from domain.stops import ComeBack, Lock, StartBreak, Unlock
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

WHAT = (
    "pause", "resume", "lock", "unlock", "rest", "comfort", "come back", "extend", "extend and move", "lose", "restore",
    "expire",
)  # fmt: skip
BREAK_S = 900
STEPS = st.lists(st.tuples(st.integers(0, 2400), st.sampled_from(WHAT)), max_size=25)


@settings(max_examples=400, deadline=None)
@for_all(STEPS, st.integers(1, 3600), st.sampled_from([START, at("10:40")]))
def test_a_candidate_gets_every_second_that_they_were_given(
    steps: list[tuple[int, str]], extra_s: int, started: datetime
) -> None:
    now, state = started, replace(RUNNING, started_at=started)
    left, end = min(timedelta(seconds=TWO_HOURS), END - started), END
    extra, returned = timedelta(seconds=extra_s), None
    for n, (passed_s, what) in enumerate(steps):
        now += timedelta(seconds=passed_s)
        left -= _ran(state, now - timedelta(seconds=passed_s), now)
        usable = max(left, timedelta())  # who is cut off may have none left, and is waited for
        before = state
        state, refusal = _say(_command(what, now, f"i{n}", extra_s), state)

        goes_on = before.phase in ("paused", "locked") and state.phase == "in_progress"
        if goes_on or (_resting(before) and state.phase != "on_break" and not state.over):
            end = max(end, now + left)
        if what.startswith("extend"):
            fits = now + usable + extra <= end
            assert (refusal is None) == (fits or what == "extend and move")
            left = left if refusal else usable + extra
            end = max(end, now - _stood(before, now) + left) if not refusal else end
        if what == "restore" and before.lost:
            returned = now
        if what == "expire":
            out = now + left + _still(before, now)
            last = max(end, out) if _resting(before) else end
            due = out if returned is None else max(out, returned + GRACE)
            runs = before.phase in ("in_progress", "on_break")
            up = runs and now >= (last if before.lost else min(due, last))
            assert state.over == up
            if up:
                assert state.phase == ("ended_in_fault" if before.lost else "submitted")
                return
        assert state.end_at == end
        assert state.due_at == (None if state.phase in ("paused", "locked") else now + left + _still(state, now))


@settings(max_examples=100, deadline=None)
@for_all(st.integers(0, 7200), st.integers(0, 36000))
def test_resuming_gives_back_exactly_the_time_that_the_clock_stood(after_s: int, stopped_s: int) -> None:
    paused_at = START + timedelta(seconds=after_s)
    later = replace(RUNNING, end_at=START + timedelta(days=1))
    paused, _ = _say(Pause(at=paused_at, intervention="i1"), later)
    resumed, _ = _say(Resume(at=paused_at + timedelta(seconds=stopped_s), intervention="i2"), paused)
    assert resumed.due_at == START + timedelta(seconds=TWO_HOURS + stopped_s)


def _resting(state: Session) -> bool:
    return state.on_break is not None and state.on_break.kind == "rest"


def _still(state: Session, now: datetime) -> timedelta:
    """For how long the clock will stand of itself."""
    return max(state.on_break.until - now, timedelta()) if state.on_break and _resting(state) else timedelta()


def _stood(state: Session, now: datetime) -> timedelta:
    if state.stopped_since is None:
        return timedelta()
    allowed = timedelta(seconds=BREAK_S) if _resting(state) else timedelta.max
    return min(now - state.stopped_since, allowed)


def _ran(state: Session, since: datetime, now: datetime) -> timedelta:
    """For how long a stop watch runs that the candidate holds while the session is as it is."""
    if state.phase in ("paused", "locked"):
        return timedelta()
    return max(now - since - _still(state, since), timedelta())


def _command(what: str, now: datetime, name: str, extra_s: int) -> SessionCommand:
    made: dict[str, SessionCommand] = {
        "pause": Pause(at=now, intervention=name),
        "resume": Resume(at=now, intervention=name),
        "lock": Lock(at=now, intervention=name),
        "unlock": Unlock(at=now, intervention=name),
        "rest": StartBreak(at=now, kind="rest", seconds=BREAK_S, intervention=name),
        "comfort": StartBreak(at=now, kind="comfort", seconds=BREAK_S, intervention=name),
        "come back": ComeBack(at=now),
        "extend": ExtendTime(at=now, seconds=extra_s, intervention=name),
        "extend and move": ExtendTime(at=now, seconds=extra_s, intervention=name, move_end=True),
        "lose": LoseConnection(at=now, track="camera", why="no packets"),
        "restore": RestoreConnection(at=now, track="camera"),
        "expire": Expire(at=now, last_entry_at=at("9:30"), closes_at=END),
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
