"""What is kept when all is over: people's requests, holds, and what goes when its time has come."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from random import Random

from commands import keeping, releasing, requests
from commands.handler import UseCase
from commands.requests import Letter
from domain import record, request
from domain.event import KeyClass
from domain.grounds import Ground
from domain.release import Withheld
from domain.request import Kind, Standing
from domain.retention import Kept
from tests.commands.days.day import Day, move
from tests.commands.days.model import ENDED
from tests.commands.days.planning import TEXTS
from tests.commands.days.world import Said

OFFICERS = ("officer", "officer", "admin")
KINDS: tuple[Kind, ...] = ("erasure", "erasure", "restriction", "access")
GROUNDS: tuple[Ground, ...] = ("17(3)(e)", "12(2)")
SCREEN, OTHERS = (
    Withheld(what="screen", ground="15(4)"), Withheld(what="others", ground="15(4)", incidents=("nothing",))
)  # fmt: skip
CLASSES: tuple[tuple[KeyClass, ...], ...] = ((), (), ("media",), ("notes", "chat"))


@move("receive a request")
def _receive(day: Day, chance: Random) -> Said:
    session = day.some(chance, *ENDED)
    subject = day.session(session).subject if chance.random() < 0.9 else "nobody"
    one = chance.choice([session, session, ""])
    letter = Letter(kind=chance.choice(KINDS), subject=subject, channel="letter", session=one, text="Please do.")
    said = day.say("officer", partial(requests.receive, letter=letter))
    if name := said.ids.get("request"):
        day.keep("request", name, session)
    return said


@move("check who asks")
def _check(day: Day, chance: Random) -> Said:
    return day.say("officer", partial(requests.check_identity, name=_one(day, chance, "received")[0], proof="document"))


@move("grant a request")
def _grant(day: Day, chance: Random) -> Said:
    ground = chance.choice([None, None, *GROUNDS])
    return day.say("officer", partial(requests.grant, name=_one(day, chance, "checked")[0], ground=ground))


@move("refuse a request")
def _refuse(day: Day, chance: Random) -> Said:
    name, _ = _one(day, chance, "received")
    return day.say("officer", partial(requests.refuse, name=name, ground=chance.choice(GROUNDS)))


@move("execute a request")
def _execute(day: Day, chance: Random) -> Said:
    name, session = _one(day, chance, "granted")
    who = chance.choice(OFFICERS)
    use_case = partial(requests.execute, name=name, officer=who == "officer", sessions=(session,))
    before = day.world.state(request.DECIDER, name)
    said = day.say(who, use_case)
    after = day.world.state(request.DECIDER, name)
    if before.standing == "granted" and after.standing == "executed" and after.kind == "erasure":
        assert before.asked
        assert before.asked[0] != said.order.actor  # it takes two, one of them the officer
        assert "officer" in (before.asked[0], said.order.actor)
        kept = day.world.state(record.DECIDER, session).keeping
        assert kept.held | kept.erased >= {"media", "chat", "notes", "profile", "identity"}
    return said


@move("release a copy")
def _release(day: Day, chance: Random) -> Said:
    sealed = [session for session in day.sittings if day.world.state(record.DECIDER, session).seals]
    fitting = [
        (name, session) for name, session in day.made.get("request", ())
        if session in sealed and day.world.state(request.DECIDER, name).kind == "access"
    ]  # fmt: skip
    if sealed and chance.random() < 0.7:
        fitting.append(_brought(day, chance, "granted", chance.choice(sealed), "access"))
    name, session = day.pick(chance, fitting, day.one_of(chance, "request", "nothing", "nobody"))
    withheld = chance.choice([(), (), (SCREEN,), (SCREEN, OTHERS)])
    return day.say("officer", partial(releasing.release, name=name, sessions=(session,), withheld=withheld))


@move("answer a request")
def _answer(day: Day, chance: Random) -> Said:
    name, _ = _one(day, chance, "executed")
    return day.say("officer", partial(requests.answer, name=name, text=chance.choice(TEXTS)))


@move("place a hold")
def _place(day: Day, chance: Random) -> Said:
    session = day.some(chance)
    soon = day.at + timedelta(minutes=5)
    until = chance.choice([None, soon, soon, soon, day.at - timedelta(minutes=1)])
    place = partial(
        keeping.place_hold, session=session, reason=chance.choice(TEXTS), classes=chance.choice(CLASSES), until=until
    )
    said = day.say("officer", place)
    if name := said.ids.get("hold"):
        day.keep("hold", name, session)
    return said


@move("lift a hold")
def _lift(day: Day, chance: Random) -> Said:
    standing = [
        (name, session) for name, session in day.made.get("hold", ())
        if name in day.world.state(record.DECIDER, session).keeping.holds
    ]  # fmt: skip
    name, session = day.pick(chance, standing, day.one_of(chance, "hold", "nothing", "nobody"))
    return day.say("officer", partial(keeping.lift_hold, session=session, hold=name, reason=chance.choice(TEXTS)))


@move("expire holds")
def _expire(day: Day, chance: Random) -> Said:
    over = [
        session for _, session in day.made.get("hold", ())
        for hold in day.world.state(record.DECIDER, session).keeping.holds.values()
        if hold.until and hold.until <= day.at
    ]  # fmt: skip
    session = day.pick(chance, over, day.some(chance))
    if not over and chance.random() < 0.3:  # one of a minute, and what the system says a minute later
        soon = day.at + timedelta(minutes=1)
        day.say("officer", partial(keeping.place_hold, session=session, reason="A claim", until=soon))
        return day.world.say("system", soon, partial(keeping.expire_holds, session=session))
    return day.say("system", partial(keeping.expire_holds, session=session))


@move("reach a retention")
def _reach(day: Day, chance: Random) -> Said:
    over = [name for name in day.sittings if day.session(name).over]
    session = day.pick(chance, over, day.some(chance))
    what: Kept = chance.choice(["media", "media", "record"])
    over_at = day.at - timedelta(days=chance.choice([100, 200, 800]))
    return day.say("system", partial(keeping.reach_retention, session=session, what=what, over_at=over_at))


@move("finish an erasure")
def _finish(day: Day, chance: Random) -> Said:
    begun = [name for name in day.sittings if day.world.state(record.DECIDER, name).keeping.unfinished]
    session = day.pick(chance, begun, day.some(chance))
    classes = tuple(sorted(day.world.state(record.DECIDER, session).keeping.unfinished))
    return day.say("system", partial(keeping.finish_erasure, session=session, classes=classes, sealed_left=False))


def _one(day: Day, chance: Random, standing: Standing) -> tuple[str, str]:
    """Mostly a request that stands so, with a session of whoever it is about; or one is brought there."""
    fitting = [
        one for one in day.made.get("request", ()) if day.world.state(request.DECIDER, one[0]).standing == standing
    ]
    if not fitting and chance.random() < 0.5:
        return _brought(day, chance, standing, day.some(chance, *ENDED))
    name, session = day.pick(chance, fitting, day.one_of(chance, "request", "nothing", "nobody"))
    return name, session


def _brought(day: Day, chance: Random, standing: Standing, session: str, kind: Kind = "erasure") -> tuple[str, str]:
    letter = Letter(kind=kind, subject=day.session(session).subject, channel="form", session=session)
    name = day.say("officer", partial(requests.receive, letter=letter)).ids.get("request", "nothing")
    steps: list[tuple[str, UseCase]] = [
        ("officer", partial(requests.check_identity, name=name, proof="known")),
        ("officer", partial(requests.grant, name=name)),
        ("admin", partial(requests.execute, name=name, officer=False, sessions=())),
        ("officer", partial(requests.execute, name=name, officer=True, sessions=())),
    ]
    for who, step in steps:
        if day.world.state(request.DECIDER, name).standing != standing:
            day.say(who, step)
    return name, session
