"""What candidates do when all is over: a link made anew, appeals with what goes with them, and their answers."""

from __future__ import annotations

from functools import partial
from random import Random

from commands import appealing
from domain import record
from domain.appeal import Answer, AppealState
from tests.commands.days.day import Day, move
from tests.commands.days.model import ENDED
from tests.commands.days.planning import TEXTS
from tests.commands.days.reviewing import REVIEWERS
from tests.commands.days.world import Said

JUDGES = (*REVIEWERS, "third reviewer", "fourth reviewer")


@move("renew a record link")
def _renew(day: Day, chance: Random) -> Said:
    return day.say("planner", partial(appealing.renew_record_link, name=day.schedule, session=day.some(chance, *ENDED)))


@move("appeal")
def _appeal(day: Day, chance: Random) -> Said:
    return _appealed(day, day.some(chance, *ENDED), chance.choice(TEXTS), day.one_of(chance, "incident", "")[0])


@move("attach to an appeal")
def _attach(day: Day, chance: Random) -> Said:
    name, session = _one(day, chance, "open")
    number = chance.choice([1, 1, 2, 3, 5, 6])
    known = day.world.state(record.DECIDER, session).appeals.made
    key = f"{session}.{len(day.world.said)}"
    if name in known and number in known[name].attached and chance.random() < 0.3:
        key = known[name].attached[number].object_key
    keep = partial(appealing.attach, session=session, name=name, number=number, kind="text/plain", size=9)
    return day.say("candidate", partial(keep, object_key=key, sha256="00"))


@move("withdraw an appeal")
def _withdraw(day: Day, chance: Random) -> Said:
    name, session = _one(day, chance, "open")
    return _held(day, session, day.say("candidate", partial(appealing.withdraw, session=session, name=name)))


@move("answer an appeal")
def _answer(day: Day, chance: Random) -> Said:
    name, session = _one(day, chance, "open")
    said: Answer = chance.choice(["upheld", "rejected"])
    who = chance.choice([*JUDGES, day.watcher(chance)])
    use_case = partial(appealing.answer, session=session, name=name, said=said, reason=chance.choice(TEXTS))
    answered = day.say(who, use_case)
    if answered.made:
        known = day.world.state(record.DECIDER, session)
        assert who not in {one.by for one in known.review.decisions} | day.plan.watched
    return _held(day, session, answered)


def _appealed(day: Day, session: str, text: str, incident: str = "") -> Said:
    said = day.say("candidate", partial(appealing.make, session=session, text=text, incident=incident))
    if name := said.ids.get("appeal"):
        day.keep("appeal", name, session)
    return _held(day, session, said)


def _held(day: Day, session: str, said: Said) -> Said:
    """While an answer or a new decision is owed, the record is held, unless a person has lifted that."""
    known = day.world.state(record.DECIDER, session)
    if known.appeals.waits(len(known.review.decisions)):
        held = any(one.why == "appeal" and one.until is None for one in known.keeping.holds.values())
        assert held or known.keeping.lifted
    elif said.made:
        assert not any(one.why == "appeal" and one.until is None for one in known.keeping.holds.values())
    return said


def _one(day: Day, chance: Random, state: AppealState) -> tuple[str, str]:
    """Mostly an appeal that stands so; or one is made."""
    fitting = [
        one for one in day.made.get("appeal", ())
        if day.world.state(record.DECIDER, one[1]).appeals.made[one[0]].state == state
    ]  # fmt: skip
    if not fitting and chance.random() < 0.7:
        _appealed(day, day.some(chance, *ENDED), "Look at it again.")
        fitting = day.made.get("appeal", [])[-1:]
    name, session = day.pick(chance, fitting, day.one_of(chance, "appeal", "nothing", "nobody"))
    return name, session
