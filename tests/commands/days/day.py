"""One exam day: its people, its world, and the plain model beside it. A move is a command that somebody may say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import TypeVar

from commands.handler import UseCase
from domain import schedule, session_rules
from domain.schedule import Schedule
from domain.session import Session
from tests.commands.days.model import Sitting
from tests.commands.days.world import Said, World
from tests.commands.hall import NINE

NOBODY = "nobody"
T = TypeVar("T")


@dataclass
class Day:
    """`sittings` is the model, a plain one for each session. `made` names what moves made, by kind.

    `away` are the sessions of who has been on a break and has not gone on since.
    """

    world: World
    at: datetime = NINE - timedelta(hours=1)
    schedule: str = ""
    sittings: dict[str, Sitting] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)
    made: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    declared: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)  # outages
    marked: dict[str, list[str]] = field(default_factory=dict)  # of them, in a session
    away: set[str] = field(default_factory=set)
    told: list[str] = field(default_factory=list)

    @property
    def plan(self) -> Schedule:
        return self.world.state(schedule.DECIDER, self.schedule)

    def session(self, name: str) -> Session:
        return self.world.state(session_rules.DECIDER, name)

    def say(self, actor: str, use_case: UseCase) -> Said:
        return self.world.say(actor, self.at, use_case)

    def keep(self, kind: str, *names: str) -> None:
        self.made.setdefault(kind, []).append(names)

    def outages(self, session: str) -> list[tuple[str, datetime, datetime]]:
        """Those that were marked in a session."""
        return [(name, *self.declared[name]) for name in self.marked.get(session, ())]

    def watcher(self, chance: Random) -> str:
        """The account of one of the two who watch."""
        return self.people[chance.choice(["invigilator", "lead_invigilator"])]

    def some(self, chance: Random, *phases: str) -> str:
        """One of the sessions, mostly one in these phases, and now and then one that there is not."""
        fitting = [name for name, one in self.sittings.items() if one.phase in phases]
        luck = chance.random()
        if luck < 0.08:
            return NOBODY
        return chance.choice(fitting if fitting and luck < 0.8 else [*self.sittings])

    def pick(self, chance: Random, fitting: Sequence[T], otherwise: T) -> T:
        """Mostly something that fits, where there is any."""
        return chance.choice(fitting) if fitting and chance.random() < 0.75 else otherwise

    def one_of(self, chance: Random, kind: str, *otherwise: str) -> tuple[str, ...]:
        """Something that was made before, now and then something that there is not."""
        known = self.made.get(kind, ())[-6:]
        return chance.choice(known) if known and chance.random() < 0.85 else otherwise


Move = Callable[[Day, Random], Said]
MOVES: dict[str, Move] = {}


def move(name: str) -> Callable[[Move], Move]:
    """Names a move: a command type in the count of what was accepted and refused."""

    def keep(found: Move) -> Move:
        assert name not in MOVES
        MOVES[name] = found
        return found

    return keep
