"""What people say of a record when a session is over, and in which order records are looked at."""

from __future__ import annotations

from functools import partial
from random import Random

from commands import reviewing
from domain import record
from domain.decision import Ground, Outcome
from tests.commands.days.day import Day, move
from tests.commands.days.planning import TEXTS
from tests.commands.days.world import Said

REVIEWERS = ("reviewer", "second reviewer")
OUTCOMES: tuple[Outcome, ...] = ("clear", "referred", "void")
GROUNDS: tuple[Ground | None, ...] = (None, "fault", "fault", "incident", "termination", "identity")


def sealed(day: Day, chance: Random) -> str:
    """Mostly a session with a sealed record."""
    known = [session for session in day.sittings if day.world.state(record.DECIDER, session).seals]
    return day.pick(chance, known, day.some(chance))


@move("decide on a record")
def _decide(day: Day, chance: Random) -> Said:
    session, outcome = sealed(day, chance), chance.choice(OUTCOMES)
    before = day.world.state(record.DECIDER, session).review.decisions
    decide = partial(
        reviewing.decide, session=session, outcome=outcome, reason=chance.choice(TEXTS),
        ground=None if outcome == "clear" else chance.choice(GROUNDS),
        number=chance.choice([None, None, len(before) + 1, len(before)]) or None,
    )  # fmt: skip
    said = day.say(chance.choice(REVIEWERS), decide)
    after = day.world.state(record.DECIDER, session)
    assert after.review.decisions[: len(before)] == before  # a later one replaces none
    if after.review.decisions:
        assert day.session(session).over
        held = any(hold.why == "decision" for hold in after.keeping.holds.values()) or after.keeping.lifted
        assert held or all(one.outcome == "clear" for one in after.review.decisions)
    return said


@move("note on a record")
def _note(day: Day, chance: Random) -> Said:
    return day.say(
        chance.choice(REVIEWERS), partial(reviewing.note, session=day.some(chance), text=chance.choice(TEXTS))
    )


@move("work out a priority")
def _prioritise(day: Day, chance: Random) -> Said:
    weights = chance.choice([None, {"warn": 2.0}, {"warn": 2.0, "confirmed": 3.0}, {"face": 1.0}])
    why = chance.choice(TEXTS)
    work_out = partial(reviewing.prioritise, session=sealed(day, chance), weights=weights, why=why)
    return day.say(chance.choice(REVIEWERS), work_out)
