"""What the institution switches off in every exam, and how sessions are told of it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from random import Random

from commands import muting
from domain import switches
from domain.observation import observed
from domain.policy import IncidentKind
from domain.switches import Switches
from tests.commands.days.day import Day, move
from tests.commands.days.model import ENDED, RUNNING
from tests.commands.days.planning import KINDS, TEXTS
from tests.commands.days.world import Said


def everywhere(day: Day) -> Switches:
    return day.world.state(switches.DECIDER, switches.NAME)


@move("switch a detector off everywhere")
def _switch_off(day: Day, chance: Random) -> Said:
    kind = chance.choice(KINDS)
    said = day.say("admin", partial(muting.switch_off_everywhere, kind=kind, reason=chance.choice(TEXTS)))
    for sitting in day.sittings.values() if said.made else ():
        if sitting.phase in RUNNING:  # it holds at once, before anybody has told the session
            sitting.switched_off.setdefault(kind, day.at)
    return said


@move("switch a detector on everywhere")
def _switch_on(day: Day, chance: Random) -> Said:
    kind = day.pick(chance, [*everywhere(day).off], chance.choice(KINDS))
    return day.say("admin", partial(muting.switch_on_everywhere, kind=kind))


@move("tell a session what is off everywhere")
def _mute(day: Day, chance: Random) -> Said:
    known, other = everywhere(day), (day.some(chance, *RUNNING, *ENDED), chance.choice(KINDS))
    session, kind = day.pick(chance, [*_untold(day, known)], other)
    said = day.say("system", partial(muting.mute_everywhere, session=session, kind=kind))
    if session in day.sittings and day.sittings[session].phase in RUNNING and kind in known.off:
        state = day.session(session)
        assert kind not in state.policy.kinds or kind in {*state.switched_off, *state.withheld}
    return said


def _untold(day: Day, known: Switches) -> Iterator[tuple[str, IncidentKind]]:
    """Those who run without a kind and do not know it yet."""
    for session, sitting in day.sittings.items():
        state = day.session(session)
        for kind in known.last if sitting.phase in RUNNING and state.started_at else ():
            if state.started_at and known.silent_since(kind, state.started_at) and kind in observed(state):
                yield session, kind
