"""The plain model of a sitting: a phase, the time that is left, and what stops it. It knows no events.

Written from docs/decisions 9, 12 and 15 and section 2 of the design, not from the rules that it is held against.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

WAITING = ("expected", "checking", "ready")
RUNNING = ("in_progress", "paused", "locked", "on_break")
ENDED = ("submitted", "terminated", "no_show", "declined", "ended_in_fault")
RUNS = ("in_progress", "on_break")  # the clock, unless it stands for a rest
NOTHING, NEVER = timedelta(), datetime.max.replace(tzinfo=UTC)
Times = tuple[datetime, datetime]
SHOWN_BY = {
    "camera": ("out_of_view", "several_people", "voice", "camera_muted"), "microphone": ("voice",),
    "screen": ("screen_share_stopped",),
}  # fmt: skip
# Which phases a move leads from, and where to. From any other it must be refused or change nothing. What lies below a
# lock decides where unlocking leads.
STEPS: dict[str, dict[str, str]] = {
    "acknowledge": dict.fromkeys(WAITING, "checking"),
    "decline": dict.fromkeys(WAITING, "declined"),
    "pass checks": {"checking": "ready", "ready": "ready"},
    "fail checks": {"checking": "checking", "ready": "checking"},
    "start": {"ready": "in_progress"},
    "pause": dict.fromkeys(("in_progress", "on_break"), "paused"),
    "resume": dict.fromkeys(("in_progress", "paused", "on_break"), "in_progress"),
    "lock": dict.fromkeys(("in_progress", "paused", "on_break"), "locked"),
    "unlock": {"locked": "in_progress"},
    "break": {"in_progress": "on_break"},
    "come back": {"on_break": "in_progress"},
    "extra time": {phase: phase for phase in RUNNING},
    "terminate": dict.fromkeys(RUNNING, "terminated"),
    "submit": dict.fromkeys(RUNNING, "submitted"),
}


@dataclass
class Sitting:
    """`whole` is what is left of the exam, `end` what it cannot run past; both count from `at`.

    While the clock stands it does since `stopped`; on a rest break until `rest_until`, and then goes on by itself: it
    has stood for `rested_out` then, and the end, which moves once the break is over, is taken to lie as much later.
    `ran` are the times that the clock ran and there was time, `given_back` what outages have given back of them.
    `granted` is the rest that was granted beforehand, `rested` what was taken of it.
    """

    phase: str = "expected"
    at: datetime | None = None
    whole: timedelta = NOTHING
    end: datetime = NEVER
    stopped: datetime | None = None
    rest_until: datetime | None = None
    of_granted: bool = False
    rested_out: timedelta = NOTHING
    below: bool = False
    ended: datetime | None = None
    lost: dict[str, datetime] = field(default_factory=dict)
    back_at: datetime | None = None  # from the last connection that was lost
    ran: list[Times] = field(default_factory=list)
    given_back: list[Times] = field(default_factory=list)
    outages: set[str] = field(default_factory=set)
    started: datetime | None = None
    followed: tuple[datetime, int] | None = None
    duration_s: int = 0
    extra: tuple[int, int] = (0, 0)  # what is allowed: minutes and a share
    extra_s: int = 0
    allowed_rest: timedelta = NOTHING
    granted: timedelta = NOTHING
    rested: timedelta = NOTHING
    muted: dict[str, datetime] = field(default_factory=dict)
    switched_off: dict[str, datetime] = field(default_factory=dict)
    observed: list[Times] = field(default_factory=list)  # when it was in progress
    waived: set[str] = field(default_factory=set)

    @property
    def left(self) -> timedelta:
        since = self.stopped or self.at
        return min(self.whole, self.end + self.rested_out - since) if since else NOTHING

    @property
    def room(self) -> timedelta:
        """How much more fits before the end."""
        assert self.at
        return max(self.end - self.at - max(self.left, NOTHING), NOTHING)

    @property
    def due(self) -> datetime | None:
        """When the time is up, if nothing stops it; None while the clock stands."""
        if self.phase not in RUNS or self.at is None:
            return None
        return (self.rest_until if self.stopped and self.rest_until else self.at) + self.left

    def step(self, move: str, now: datetime) -> None:
        """A move that changed something. Fails when it must not have."""
        assert self.phase in STEPS[move], f"{move} has changed a session that is {self.phase}"
        self.to(STEPS[move][self.phase], now)

    def to(self, phase: str, now: datetime) -> None:
        self.tick(now)
        before = self.phase
        if phase == before:
            return
        if before == "locked" and phase == "in_progress" and self.below:
            phase = "paused"
        elif before == "on_break" or (before in RUNNING and phase == "in_progress"):
            self._go_on(now)
        if phase in ("paused", "locked"):
            self.stopped = self.stopped or now
        if phase in ENDED and before in RUNNING:
            self.ended = now
        if phase == "in_progress":
            self.observed.append((now, now))
        self.below = phase == "locked" and before == "paused"
        self.phase = phase

    def start(self, now: datetime, *, closes: datetime, duration_s: int) -> None:
        self.tick(now)
        self.started, self.followed, self.duration_s = now, (closes, duration_s), duration_s
        self.extra_s, self.granted = self._extra_s(), self.allowed_rest
        self.whole = timedelta(seconds=duration_s + self.extra_s)
        self.end = closes + timedelta(seconds=self.extra_s)

    def rest(self, now: datetime, length: timedelta, *, granted: bool) -> None:
        """A break on which the clock stands."""
        self.stopped, self.rest_until, self.of_granted = now, now + length, granted

    def rest_left(self) -> timedelta:
        """What is left of what was granted, in whole minutes."""
        return max(self.granted - self.rested, NOTHING) // timedelta(minutes=1) * timedelta(minutes=1)

    def tick(self, now: datetime) -> None:
        if self.at is not None and self.phase in RUNS and now > self.at:
            if self.stopped and self.rest_until:
                if now < self.rest_until:
                    self.at = now
                    return
                self.rested_out = self.rest_until - self.stopped
                self._clock_stood_until(self.rest_until)
            if self.left > NOTHING and self.phase == "in_progress":
                self.ran.append((self.at, min(now, self.at + self.left)))
            if self.phase == "in_progress":
                self.observed.append((self.at, now))
            self.whole -= now - self.at
        self.at = now

    def give(self, extra: timedelta, now: datetime) -> None:
        """Who was cut off and ran out of time has what is given, whole; the end moves where it must."""
        self.tick(now)
        has = max(self.left, NOTHING) + extra
        self.whole += extra + max(-self.left, NOTHING)
        self.end = max(self.end, (self.stopped or now) + has - self.rested_out)

    def allow(self, minutes: int, share: int, rest: timedelta, muted: Iterable[str], now: datetime) -> None:
        """What a session is allowed; time that it was given it keeps."""
        self.tick(now)
        self.muted = {kind: self.muted.get(kind, now) for kind in muted}
        self.extra, self.allowed_rest = (minutes, share), rest
        if self.started:
            self.granted = max(self.granted, rest)
            more = max(self._extra_s() - self.extra_s, 0)
            self.extra_s += more
            if more:
                end = self.end + timedelta(seconds=more)
                self.give(timedelta(seconds=more), now)
                self.end = max(self.end, end)

    def comes_back(self, what: str, at: datetime) -> None:
        """One of the things that cut the candidate off is over."""
        if self.lost.pop(what, None) and not self.lost:
            self.back_at = at

    def waive(self, check: str, now: datetime) -> None:
        """Nobody waits for its track any more, and what only that shows is not looked for."""
        self.tick(now)
        self.waived.add(check)
        self.comes_back(check, now)
        if self.started:
            self.silence(now)

    def silence(self, now: datetime) -> None:
        for kind in (kind for check in self.waived for kind in SHOWN_BY.get(check, ())):
            self.switched_off.setdefault(kind, now)

    def follow(self, now: datetime, *, closes: datetime, duration_s: int) -> None:
        """To a later close and a longer exam, never to less."""
        if self.phase not in RUNNING or self.followed is None:
            return
        self.tick(now)
        before = self.left
        known_closes, known_s = self.followed
        self.followed = max(closes, known_closes), max(duration_s, known_s)
        self.duration_s += self.followed[1] - known_s
        more = max(self._extra_s() - self.extra_s, 0)
        self.extra_s += more
        self.whole += timedelta(seconds=self.followed[1] - known_s + more)
        self.end += self.followed[0] - known_closes + timedelta(seconds=more)
        if before < self.left and not self.stopped:  # of whoever is cut off: that the time was up is not so any more
            began, until = now + min(before, NOTHING), now + min(self.left, NOTHING)
            meanwhile = [(max(start, began), min(stop, until)) for start, stop in self.observed]
            self.ran += [(start, stop) for start, stop in meanwhile if start < stop]

    def outage(self, name: str, began: datetime, ended: datetime, now: datetime) -> None:
        """Gives back what the clock ran meanwhile, once, to the second."""
        self.tick(now)
        over = self.ended is not None and self.phase not in RUNNING
        if self.started is None or self.started >= ended or (over and self.ended and self.ended <= began):
            return
        seconds = math.ceil(self.took(began, ended).total_seconds())
        if seconds and self.phase in RUNNING and name not in self.outages:
            self.give(timedelta(seconds=seconds), now)
            self.outages.add(name)
            self.given_back.append((began, ended))

    def took(self, began: datetime, ended: datetime) -> timedelta:
        """How much of the candidate's time the clock took between two times, and nobody has given back."""
        parts = [(max(start, began), min(stop, ended)) for start, stop in self.ran]
        for start, stop in self.given_back:
            cut = [((low, min(high, start)), (max(low, stop), high)) for low, high in parts]
            parts = [part for two in cut for part in two]
        return sum((max(high - low, NOTHING) for low, high in parts), NOTHING)

    def reopen(self, now: datetime) -> None:
        """Paused, with what was left when the fault began: what the clock took since then, nobody has given back."""
        assert self.ended
        stopped = min(self.stopped or self.ended, self.ended)
        began = min((stopped, *self.lost.values()))
        left = min(self.whole, self.end - stopped)  # below nothing for who was cut off and ran out of time
        self.whole = max(left, NOTHING) + self.took(began, stopped)
        self._paused(stopped + left - self.whole, now)
        self.given_back.append((began, stopped))

    def reinstate(self, now: datetime) -> None:
        """As if it had been paused since it was terminated."""
        assert self.ended
        self._paused(self.stopped or self.ended, now)

    def was_observed(self, at: datetime) -> bool:
        """Whether the session was in progress at that time."""
        return any(began <= at <= ended for began, ended in self.observed)

    def _paused(self, since: datetime, now: datetime) -> None:
        self.phase, self.stopped, self.at, self.ended, self.below = "paused", since, now, None, False

    def _go_on(self, now: datetime) -> None:
        """With what was left when the clock stopped; the end moves where it must."""
        self.observed.append((now, now))
        left = self.left
        if self.stopped:
            self._clock_stood_until(now)
        self.end = max(self.end, now + left)
        self.rest_until, self.of_granted, self.rested_out = None, False, NOTHING

    def _clock_stood_until(self, now: datetime) -> None:
        assert self.stopped
        if self.of_granted:
            self.rested += now - self.stopped
        self.stopped, self.at = None, now

    def _extra_s(self) -> int:
        minutes, share = self.extra
        return minutes * 60 + self.duration_s * share // 100
