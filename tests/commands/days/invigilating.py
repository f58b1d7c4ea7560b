"""What invigilators say: interventions, messages, triage, duty and outages."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from random import Random
from typing import Literal

from commands import chats, duty, interventions, outages, triage
from commands.duty import Held
from domain import duty as on_duty
from domain import incidents
from domain.chat import Side
from domain.hand_over import Standing
from domain.intervention import Asked, Result
from domain.outage import Whose
from domain.stops import BreakKind
from tests.commands.days.day import Day, move
from tests.commands.days.model import RUNNING
from tests.commands.days.planning import TEXTS
from tests.commands.days.sitting import KINDS, WATCHERS, looked, touched
from tests.commands.days.world import Said

SIDES: tuple[Side, ...] = ("candidate", "invigilator")
STANDING = Standing(incidents=1, help=0, pauses=0, breaks=0, accommodations=0, sha256="00")


def intervene(
    day: Day, chance: Random, session: str, kind: Asked, minutes: float | None = None, *, text: str = "Please wait.",
    break_kind: BreakKind = "comfort", typed: str = "",
) -> Said:  # fmt: skip
    move_end = chance.random() < 0.5
    ask = partial(
        interventions.request, session=session, kind=kind, reason_code="", text=text, minutes=minutes,
        move_end=move_end, break_kind=break_kind, confirm_name=typed, name="Ada Lovelace",
    )  # fmt: skip
    sitting = day.sittings.get(session)
    fits = True
    if sitting and sitting.phase in RUNNING:
        sitting.tick(day.at)
        fits = minutes is None or move_end or timedelta(minutes=minutes) <= sitting.room
    said = day.say(chance.choice(WATCHERS), ask)
    if name := said.ids.get("intervention"):
        day.keep("intervention", name, session)
        if kind in ("identity_check", "room_scan"):
            day.keep("look", name, session)
    if sitting and touched(day, session, said):
        step = {"extra_time": "extra time"}.get(kind, kind)
        if not (kind == "resume" and sitting.phase == "in_progress"):
            sitting.step(step, day.at)
        if minutes and kind == "break" and break_kind == "rest":
            sitting.rest(day.at, timedelta(minutes=minutes), granted=False)
        elif minutes and kind != "break":
            assert fits, f"{minutes} minutes were given, and do not fit"
            sitting.give(timedelta(minutes=minutes), day.at)
    elif kind == "extra_time" and sitting and sitting.phase in RUNNING and minutes and 0 < minutes <= 600:
        assert not fits, f"{minutes} minutes were refused, and would have fitted"
    looked(day, session, said)
    return said


@move("warn")
def _warn(day: Day, chance: Random) -> Said:
    return intervene(day, chance, day.some(chance, *RUNNING), "warn", text=chance.choice(TEXTS))


@move("pause")
def _pause(day: Day, chance: Random) -> Said:
    return intervene(day, chance, day.some(chance, "in_progress", "on_break"), "pause")


@move("resume")
def _resume(day: Day, chance: Random) -> Said:
    minutes = chance.choice([None, None, None, 5, 700])
    return intervene(day, chance, day.some(chance, "paused", "paused", "on_break"), "resume", minutes)


@move("lock")
def _lock(day: Day, chance: Random) -> Said:
    return intervene(day, chance, day.some(chance, "in_progress", "paused", "on_break"), "lock")


@move("unlock")
def _unlock(day: Day, chance: Random) -> Said:
    return intervene(day, chance, day.some(chance, "locked"), "unlock")


@move("give a break")
def _break(day: Day, chance: Random) -> Said:
    minutes = chance.choice([None, -5, 5, 10, 30, 90, 300])
    session = day.some(chance, "in_progress")
    return intervene(day, chance, session, "break", minutes, break_kind=chance.choice(KINDS))


@move("extra time")
def _extend(day: Day, chance: Random) -> Said:
    return intervene(day, chance, day.some(chance, *RUNNING), "extra_time", chance.choice([None, -5, 5, 15, 90, 700]))


@move("check an identity")
def _identity_check(day: Day, chance: Random) -> Said:
    return intervene(day, chance, day.some(chance, "in_progress", "paused"), "identity_check")


@move("scan a room")
def _room_scan(day: Day, chance: Random) -> Said:
    return intervene(day, chance, day.some(chance, "in_progress", "paused"), "room_scan")


@move("terminate")
def _terminate(day: Day, chance: Random) -> Said:
    session = day.some(chance, *RUNNING)
    typed = chance.choice(["Ada Lovelace", " ada  lovelace", "Charles Babbage"])
    return intervene(day, chance, session, "terminate", text=chance.choice(TEXTS), typed=typed)


@move("advance an intervention")
def _advance(day: Day, chance: Random) -> Said:
    name, session = day.one_of(chance, "intervention", "nothing", "nobody")
    stage: Literal["delivered", "acknowledged", "applied"] = chance.choice(["delivered", "acknowledged", "applied"])
    where: Literal["page", "platform"] = chance.choice(["page", "page", "platform"])
    return day.say("candidate", partial(interventions.advance, name=name, session=session, stage=stage, where=where))


@move("mark a look")
def _mark(day: Day, chance: Random) -> Said:
    kind = chance.choice(["look", "look", "intervention"])
    name, session = day.one_of(chance, kind, "nothing", "nobody")
    result: Result = chance.choice(["passed", "not_passed"])
    note = chance.choice([None, "Saw the room."])
    return day.say("invigilator", partial(interventions.mark, name=name, session=session, result=result, note=note))


@move("give an intervention up")
def _fail(day: Day, chance: Random) -> Said:
    name, _ = day.one_of(chance, "intervention", "nothing", "nobody")
    return day.say("system", partial(interventions.fail, name=name))


# Messages.


@move("send a message")
def _send(day: Day, chance: Random) -> Said:
    session = day.some(chance)
    side = chance.choice(SIDES)
    canned = day.one_of(chance, "canned", "nothing")[0] if chance.random() < 0.3 else None
    said = day.say(side, partial(chats.send, session=session, side=side, text=chance.choice(TEXTS), canned=canned))
    if name := said.ids.get("message"):
        day.keep("message", name, session, side)
    return said


@move("mark a message delivered")
def _delivered(day: Day, chance: Random) -> Said:
    name, session, _ = day.one_of(chance, "message", "nothing", "nobody", "invigilator")
    side = chance.choice(SIDES)
    return day.say(side, partial(chats.mark_delivered, session=session, message=name, side=side))


@move("mark a message read")
def _read(day: Day, chance: Random) -> Said:
    name, session, _ = day.one_of(chance, "message", "nothing", "nobody", "invigilator")
    side = chance.choice(SIDES)
    return day.say(side, partial(chats.mark_read, session=session, message=name, side=side))


# Triage.


@move("take an incident")
def _take(day: Day, chance: Random) -> Said:
    name, session = day.one_of(chance, "incident", "nothing", "nobody")
    return day.say(day.watcher(chance), partial(triage.take, session=session, incident=name, lead=_leads(chance)))


@move("release an incident")
def _release(day: Day, chance: Random) -> Said:
    name, session = day.one_of(chance, "incident", "nothing", "nobody")
    return day.say(day.watcher(chance), partial(triage.release, session=session, incident=name, lead=_leads(chance)))


@move("let go of an incident")
def _let_go(day: Day, chance: Random) -> Said:
    name, session = day.one_of(chance, "incident", "nothing", "nobody")
    taken = [
        (name, session, who) for name, session in day.made.get("incident", ())
        if (tended := day.world.state(incidents.DECIDER, session).triage.get(name)) and (who := tended.taken_by)
    ]  # fmt: skip
    name, session, who = day.pick(chance, taken, (name, session, day.watcher(chance)))
    return day.say("system", partial(triage.let_go, session=session, name=name, who=who))


@move("set an incident aside")
def _set_aside(day: Day, chance: Random) -> Said:
    name, session = day.one_of(chance, "incident", "nothing", "nobody")
    aside = partial(triage.set_aside, session=session, incident=name, note=chance.choice(TEXTS), lead=_leads(chance))
    return day.say(day.watcher(chance), aside)


@move("escalate an incident")
def _escalate(day: Day, chance: Random) -> Said:
    name, session = day.one_of(chance, "incident", "nothing", "nobody")
    up = partial(triage.escalate, session=session, incident=name, note=chance.choice(TEXTS), lead=_leads(chance))
    return day.say(day.watcher(chance), up)


def _leads(chance: Random) -> bool:
    return chance.random() < 0.3


# Duty.


@move("come on duty")
def _come_on(day: Day, chance: Random) -> Said:
    who = day.watcher(chance)
    by = chance.choice([who, "somebody"])
    return day.say(by, partial(duty.come_on, name=_where(day, chance), who=who, lead=_leads(chance)))


@move("go off duty")
def _go_off(day: Day, chance: Random) -> Said:
    who = day.pick(chance, _on_duty(day), day.watcher(chance))
    by = chance.choice([who, who, "somebody"])
    off = partial(duty.go_off, name=_where(day, chance), who=who, lead=_leads(chance), held=_held(day))
    return day.say(by, off)


@move("end a duty")
def _end_duty(day: Day, chance: Random) -> Said:
    who = day.pick(chance, _on_duty(day), day.watcher(chance))
    return day.say("system", partial(duty.end, name=day.schedule, who=who))


@move("split candidates")
def _split(day: Day, chance: Random) -> Said:
    sessions = chance.sample([*day.sittings], 2)
    who = day.pick(chance, _on_duty(day), day.watcher(chance))
    shares = {who: (sessions[0], chance.choice([sessions[0], sessions[1], sessions[1], "nobody"]))}
    return day.say("lead", partial(duty.split, name=_where(day, chance), shares=shares))


@move("split candidates evenly")
def _split_evenly(day: Day, chance: Random) -> Said:
    return day.say("lead", partial(duty.split_evenly, name=_where(day, chance)))


@move("offer a hand-over")
def _offer(day: Day, chance: Random) -> Said:
    who, to = day.pick(chance, _on_duty(day), day.watcher(chance)), day.watcher(chance)
    offer = partial(duty.offer, name=day.schedule, who=who, to=to, standing=STANDING, lead=_leads(chance))
    said = day.say(chance.choice([who, who, "somebody"]), offer)
    if said.made:
        day.keep("hand-over", said.ids["hand_over"], who, to)
    return said


@move("withdraw a hand-over")
def _withdraw_offer(day: Day, chance: Random) -> Said:
    name, who, to = _offered(day, chance)
    withdraw = partial(duty.withdraw, name=day.schedule, offered=name, lead=_leads(chance))
    return day.say(chance.choice([who, to, "somebody"]), withdraw)


@move("accept a hand-over")
def _accept(day: Day, chance: Random) -> Said:
    name, who, to = _offered(day, chance)
    accept = partial(duty.accept, name=day.schedule, offered=name, standing=STANDING, held=_held(day))
    return day.say(chance.choice([who, to, to, to]), accept)


def _offered(day: Day, chance: Random) -> tuple[str, str, str]:
    offers = day.world.state(on_duty.DECIDER, day.schedule).offers
    known = [(name, offer.user, offer.to) for name, offer in offers.items()]
    name, who, to = day.one_of(chance, "hand-over", "nothing", "nobody", "nobody")
    return day.pick(chance, known, (name, who, to))


def _on_duty(day: Day) -> list[str]:
    return sorted(day.world.state(on_duty.DECIDER, day.schedule).on)


def _where(day: Day, chance: Random) -> str:
    return chance.choice([day.schedule] * 6 + ["nothing"])


def _held(day: Day) -> Held:
    """What the lists show; of what is somebody else's by now nothing is given."""
    incidents = tuple((session, name) for name, session in day.made.get("incident", ())[-3:])
    return Held(incidents=incidents, help=tuple((session, name) for name, session in day.made.get("help", ())[-3:]))


# Outages.


@move("declare an outage")
def _declare(day: Day, chance: Random) -> Said:
    began = day.at - timedelta(minutes=chance.choice([5, 10, 30, 60]), seconds=chance.choice([0, 0.5]))
    ended = day.at - timedelta(minutes=chance.choice([-10, 0, 0, 5, 7]))
    whose: Whose = chance.choice(["ours", "network"])
    text = chance.choice(["We lost power.", " "])
    declare = partial(
        outages.declare, name=_where(day, chance), began_at=began, ended_at=ended, whose=whose, cause="power", text=text
    )
    said = day.say("lead", declare)
    if said.made:
        day.declared[said.ids["outage"]] = (began, ended)
    return said


@move("mark an outage")
def _mark_outage(day: Day, chance: Random) -> Said:
    known = [*day.declared][-3:]
    name = chance.choice(known) if known and chance.random() < 0.85 else "nothing"
    session = day.some(chance, *RUNNING)
    said = day.say("system", partial(outages.mark, session=session, name=name))
    if said.refused is None and name in day.declared:
        day.sittings[session].outage(name, *day.declared[name], day.at)
        if touched(day, session, said):
            day.marked.setdefault(session, []).append(name)
    return said
