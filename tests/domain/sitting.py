"""How far a candidate can come: the histories of a session that the tests of its rules begin with."""

from __future__ import annotations

from domain.fault import ConnectionLost
from domain.onboarding import (
    AcknowledgeNotice,
    Check,
    CheckName,
    NoticeAcknowledged,
    NoticeDeclined,
    Ready,
    ReportCheck,
    SystemChecked,
)
from domain.session import Ended, Opened, Paused, Resumed, SessionEvent, Started, Submitted, Terminated
from domain.session_rules import Open, Start
from tests.domain.hall import POLICY, TWO_HOURS, WINDOW, at, private

NOTICE = "5f" * 32
NEEDED: frozenset[CheckName] = frozenset({"browser", "network", "camera"})
GOOD = tuple(Check(name=name, passed=True) for name in sorted(NEEDED))
BAD = (*GOOD[:1], Check(name="camera", passed=False, found="no device"), *GOOD[2:])

OPEN = Open(schedule="algebra", subject="ada")
ACKNOWLEDGE = AcknowledgeNotice(policy_version=1, sha256=NOTICE, in_force=(1, NOTICE))
CHECK = ReportCheck(checks=GOOD, needed=NEEDED)
START = Start(
    at=at("9:10"), policy=POLICY, sha256=NOTICE, duration_s=TWO_HOURS,
    opens_at=WINDOW.opens_at, last_entry_at=WINDOW.last_entry_at, end_at=WINDOW.closes_at,
)  # fmt: skip

OPENED = Opened(schedule="algebra", subject="ada")
ACKNOWLEDGED = NoticeAcknowledged(policy_version=1, sha256=NOTICE)
CHECKED = SystemChecked(checks=GOOD, passed=True)
STARTED = Started(at=at("9:10"), policy=POLICY, duration_s=TWO_HOURS, end_at=WINDOW.closes_at)
TERMINATED = Terminated(at=at("10:00"), intervention="i9", reason=private("A phone on the desk, twice."))

EXPECTED: tuple[SessionEvent, ...] = (OPENED,)
CHECKING: tuple[SessionEvent, ...] = (OPENED, ACKNOWLEDGED)
READY: tuple[SessionEvent, ...] = (OPENED, ACKNOWLEDGED, CHECKED, Ready())
RUNNING: tuple[SessionEvent, ...] = (*READY, STARTED)
PAUSED: tuple[SessionEvent, ...] = (*RUNNING, Paused(at=at("10:00"), intervention="i1"))
RESUMED: tuple[SessionEvent, ...] = (*PAUSED, Resumed(at=at("10:20"), intervention="i2", stopped_s=1200.0))
CUT_OFF: tuple[SessionEvent, ...] = (*RUNNING, ConnectionLost(at=at("11:00"), track="camera", why="no packets"))
SUBMITTED: tuple[SessionEvent, ...] = (*RUNNING, Submitted(at=at("10:30"), by="candidate"))
OVER: dict[str, tuple[SessionEvent, ...]] = {
    "submitted": SUBMITTED,
    "terminated": (*RUNNING, TERMINATED),
    "no show": (OPENED, Ended(at=at("9:31"), why="no_show")),
    "declined": (OPENED, NoticeDeclined(policy_version=1)),
    "ended in fault": (*CUT_OFF, Ended(at=at("12:00"), why="fault")),
}
