"""Random exam days: commands in any order by anybody, beside a plain model of time, and what must hold after each.

A day is a run of bytes, in one piece, so that hypothesis makes each day anew instead of changing the one before. The
first ones are the morning; each other, with its place, seeds a move and all that it says. So a day that breaks a rule
is cut down to the few steps that it takes.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from importlib import import_module
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

import commands
import tests.commands.days.appealing
import tests.commands.days.archiving
import tests.commands.days.keeping
import tests.commands.days.reviewing
import tests.commands.days.switching  # noqa: F401 - its moves
from commands import appealing, canned_messages, muting, outages, policy_templates, reviewing, sessions
from commands.handler import Work
from tests.commands.days import beginning, machines, planning, sitting
from tests.commands.days.day import MOVES, Day
from tests.commands.days.model import RUNNING, WAITING
from tests.commands.days.rules import holds, one_at_a_time, rebuilt
from tests.commands.days.world import Said, World

DAYS, STEPS, ENOUGH = 580, (90, 140), 12
MORNING = 8  # bytes
WAITS = 7  # in a hundred steps
# They need much to be in place.
OFTENER = {
    "acknowledge": 2, "start": 3, "reopen": 3, "report checks": 2, "close an incident": 3, "open an incident": 3,
    "hear a page": 2, "take a picture": 2, "come back": 2, "lose a connection": 2, "submit": 0.5, "decline": 0.8,
    "terminate": 0.7, "cancel the schedule": 0.6, "follow the schedule": 5, "reschedule": 3, "export the record": 2.8,
    "settle a recording": 3, "switch a detector on": 3.5, "withdraw an accommodation": 3, "settle an identity": 2,
    "switch a detector off everywhere": 1.5, "switch a detector on everywhere": 1.5,
    "tell a session what is off everywhere": 3,
    "close a request for a break": 1.5, "decide on a record": 3.5, "lift a lock-out": 2, "work out a priority": 2,
    "release a request for help": 2, "let go of a request for help": 2, "release an incident": 1.5,
    "restore a connection": 2, "mark a message delivered": 1.5, "answer for consent": 2,
    "assign an invigilator": 1.5, "add evidence": 1.5, "note an outage": 1.5, "open a fault": 1.5,
    "raise an incident by hand": 1.5, "join from a device": 1.5, "accept a hand-over": 1.5, "close a fault": 1.5,
    "send late media": 4, "execute a request": 2, "release a copy": 2.5, "answer a request": 1.5,
    "refuse a request": 0.5, "finish an erasure": 2, "lift a hold": 1.5, "expire holds": 4, "withdraw a hand-over": 1.3,
    "archive a session": 2, "bring a session back": 3,
}  # fmt: skip
# No commands of anybody's, but part of some: of a sending, of a copy, of a session that goes on, and of what is refused
# after a decision.
PARTS = frozenset({
    canned_messages.as_it_is, policy_templates.copied, muting.keep_off, muting.everywhere, outages.give_back,
    reviewing.must_be_undecided, appealing.settle_hold,
})  # fmt: skip
EXACT = timedelta(milliseconds=1)
GRACE = timedelta(minutes=2)  # for who comes back after their time ran out
COUNT: dict[str, Counter[str]] = defaultdict(Counter)
FINISHED: list[Day] = []
SHRINK = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)


@settings(max_examples=DAYS, deadline=None, suppress_health_check=list(HealthCheck), phases=SHRINK)
@given(st.binary(min_size=MORNING + STEPS[0], max_size=MORNING + STEPS[1]))
def _any_day(chosen: bytes) -> None:
    day = Day(World(f"day{len(FINISHED)}"))
    try:
        _lived(day, chosen[:MORNING].hex(), chosen[MORNING:])
    except Exception:
        note("\n".join(day.told))
        raise
    FINISHED.append(day)


def _lived(day: Day, morning: str, steps: bytes) -> None:
    chance = Random(morning)
    planning.planned(day, chance.choice([planning.FULL, planning.Policy(), planning.ASKS]))
    day.at = planning.NINE
    for session in day.sittings:
        stage = chance.choice(beginning.STAGES)
        beginning.come(day, session, stage, chance)
        day.told.append(f"{session} is {stage}")
    for name in beginning.MORNING:
        _move(day, name, chance, counts=False)
    day.at += timedelta(minutes=chance.choice([0, 0, 5, 40, 50]))
    for number, step in enumerate(steps):
        if not step:  # what a step of a day that breaks a rule is cut down to, where it takes none
            continue
        chance.seed(f"{morning} {number} {step}")
        if chance.randrange(100) < WAITS:
            _wait(day, timedelta(minutes=chance.choice([0.2, 1, 5, 20, 60, 150])))
        else:
            names = sorted(MOVES)
            (name,) = chance.choices(names, [OFTENER.get(name, 1) for name in names])
            _move(day, name, chance, counts=True)
    one_at_a_time(day)
    rebuilt(day)


def _move(day: Day, name: str, chance: Random, *, counts: bool) -> None:
    over = {session for session, one in day.sittings.items() if day.session(session).over}
    said = MOVES[name](day, chance)
    answer = "refused" if said.refused else "accepted" if said.made else "nothing to do"
    COUNT[name][answer] += counts
    _tell(day, name, said, answer)
    holds(day, over, said)


def _tell(day: Day, name: str, said: Said, answer: str) -> None:
    named = {
        key: one for key, one in getattr(said.use_case, "keywords", {}).items() if isinstance(one, str | float | int)
    }
    asked = ", ".join(f"{key}={str(value)[:24]}" for key, value in named.items() if value)
    because = f": {said.refused.rule}" if said.refused else f": {', '.join(_tags(said))}" if said.made else ""
    day.told.append(f"{day.at:%H:%M:%S} {said.order.actor[:12]}: {name} ({asked}): {answer}{because}")


def _tags(said: Said) -> list[str]:
    return [str(event.__struct_config__.tag) for made in said.made.values() for event in made]


def _wait(day: Day, time: timedelta) -> None:
    """Time passes, and the clock speaks at each moment at which something is due."""
    until = day.at + time
    while day.at < until:
        window = day.plan.window
        assert window
        late = (window.last_entry_at + EXACT, window.closes_at + EXACT)
        due = (*late, *(e for s in day.sittings if (e := day.session(s).expires_at)))
        day.at = min((moment for moment in due if day.at < moment <= until), default=until)
        for session in day.sittings:
            _clock_speaks(day, session)


def _clock_speaks(day: Day, session: str) -> None:
    over = {session} if day.session(session).over else set()
    model, plan = day.sittings[session], day.plan
    model.tick(day.at)
    said = day.say("system", partial(sessions.expire, name=session))
    sitting.followed(day, session)
    state = day.session(session)
    if state.phase != model.phase:
        _tell(day, "the clock speaks", said, "accepted")
        if state.phase == "submitted":  # all that was given could be used, and nobody stands still
            assert model.phase in ("in_progress", "on_break")
            assert not model.lost
            assert model.left <= EXACT
        elif state.phase == "no_show":
            assert model.phase in WAITING
        else:
            assert state.phase == "ended_in_fault"
            assert model.phase in RUNNING
            assert plan.phase == "cancelled" or (model.lost and model.phase in ("in_progress", "on_break"))
        model.to(state.phase, day.at)
    elif model.phase == "in_progress" and not model.lost:  # nobody goes on without time, but for who has come back
        assert model.left > timedelta() or (model.back_at and day.at <= model.back_at + GRACE)
    holds(day, over, said)


def days() -> list[Day]:
    """All the days, once they have been lived."""
    if not FINISHED:
        _any_day()
    return FINISHED


def test_no_day_breaks_a_rule() -> None:
    said = [len(day.world.said) for day in days()]
    print(f"{len(said)} days of {sum(said) / len(said):.0f} commands on average; accepted, refused, nothing to do:")
    for name, count in sorted(COUNT.items()):
        print(f"  {name:32} {count['accepted']:6} {count['refused']:6} {count['nothing to do']:6}")
    assert len(said) >= DAYS
    assert sum(said) / len(said) >= 40
    thin = {name for name in MOVES if min(COUNT[name]["accepted"], _refused(name)) < ENOUGH}
    assert not thin, f"hardly ever accepted or refused: {sorted(thin)}"


def _refused(name: str) -> int:
    """Machines tell what they see, and what does not apply changes nothing; people are told that it does not."""
    return COUNT[name]["refused"] + (COUNT[name]["nothing to do"] if name in machines.TOLD else 0)


def test_every_use_case_has_a_move() -> None:
    said = {getattr(one.use_case, "func", None) for day in days() for one in day.world.said}
    missing = {f"{use_case.__module__}.{use_case.__name__}" for use_case in _use_cases() - PARTS - said}
    assert not missing, f"no day tells of {sorted(missing)}"


def _use_cases() -> set[Callable[..., Any]]:
    """The public async functions of `commands` that take a `Work` first."""
    modules = [import_module(f"commands.{found.name}") for found in pkgutil.iter_modules(commands.__path__)]
    return {
        function
        for module in modules
        for name, function in inspect.getmembers(module, inspect.iscoroutinefunction)
        if function.__module__ == module.__name__ and not name.startswith("_") and _takes_work(function)
    }


def _takes_work(function: Callable[..., Any]) -> bool:
    first = next(iter(inspect.signature(function).parameters.values()), None)
    return first is not None and first.annotation in ("Work", Work)
