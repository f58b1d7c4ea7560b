"""What candidates say of their own session, and those who let them in or on again."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from random import Random
from typing import Literal

from commands import consents, devices, identity, interventions, sessions
from commands import help as helping
from commands.handler import UseCase
from domain import intervention, switches
from domain.help import Topic
from domain.identity import Finding, Picture, Route
from domain.onboarding import Check, CheckName
from domain.policy import IncidentKind
from domain.purpose import Purpose
from domain.stops import BreakKind
from domain.switches import OffEverywhere
from domain.waiving import Instead
from tests.commands.days.day import Day, move
from tests.commands.days.model import ENDED, RUNNING, WAITING
from tests.commands.days.planning import TEXTS
from tests.commands.days.world import Said
from tests.commands.hall import NEEDED

WATCHERS = ("invigilator", "lead_invigilator")
KINDS: tuple[BreakKind, ...] = ("comfort", "rest")
DEVICES = ("laptop", "telephone", "tablet")


def touched(day: Day, session: str, said: Said) -> bool:
    """Whether that changed the session itself."""
    return f"{day.world.tenant}/session/{session}" in said.made


def stepped(day: Day, move_: str, session: str, use_case: UseCase, actor: str = "candidate") -> Said:
    """Says it; where that changed the session, the model takes the same step."""
    said = day.say(actor, use_case)
    if touched(day, session, said) and "wrong" not in said.ids:
        day.sittings[session].step(move_, day.at)
    return said


# Onboarding.


@move("acknowledge")
def acknowledge(day: Day, chance: Random) -> Said:
    session = day.some(chance, *WAITING)
    return acknowledged(day, session, day.plan.policy.version - chance.choice([0] * 4 + [1]))


def acknowledged(day: Day, session: str, version: int) -> Said:
    sha256 = sessions.notice_hash(day.plan.policy, day.plan.assessment.opens_in)
    told = partial(sessions.acknowledge_notice, name=session, policy_version=version, sha256=sha256)
    return stepped(day, "acknowledge", session, told)


@move("decline")
def _decline(day: Day, chance: Random) -> Said:
    session = day.some(chance, *WAITING)
    return stepped(day, "decline", session, partial(sessions.decline_notice, name=session))


@move("report checks")
def check(day: Day, chance: Random) -> Said:
    session = day.some(chance, "checking", "ready")
    passes = chance.choice([True, True, True, False])
    found = chance.choice(["", "", "fine", "x" * 500])
    checks = tuple(Check(name=name, passed=passes or name != "camera", found=found) for name in NEEDED)
    sitting = day.sittings.get(session)
    needs_camera = day.plan.policy.camera and not (sitting and "camera" in sitting.waived)
    step = "pass checks" if passes or not needs_camera else "fail checks"
    return stepped(day, step, session, partial(sessions.report_check, name=session, checks=checks))


@move("waive a check")
def _waive(day: Day, chance: Random) -> Said:
    session = day.some(chance, *WAITING, *RUNNING)
    check: CheckName = chance.choice(["camera", "screen", "microphone", "displays"])
    instead: Instead = chance.choice(["in_person", "in_person", "nothing"])
    waive = partial(
        sessions.waive_check, name=session, check=check, instead=instead, reason=chance.choice(TEXTS)
    )  # fmt: skip
    said = day.say(chance.choice(WATCHERS), waive)
    if touched(day, session, said):
        sitting = day.sittings[session]
        assert sitting.phase in (*WAITING, *RUNNING)
        if day.session(session).phase == "ready" and sitting.phase != "ready":  # it was the one that failed
            sitting.step("pass checks", day.at)
        sitting.waive(check, day.at)
    return said


@move("answer for consent")
def _consent(day: Day, chance: Random) -> Said:
    session = day.some(chance, *WAITING, *WAITING, *RUNNING)
    purpose: Purpose = chance.choice(["ai_flags", "ai_flags", "ai_flags", "recording"])
    said = day.say("candidate", partial(consents.answer, name=session, purpose=purpose, agreed=chance.random() < 0.6))
    if touched(day, session, said):
        sitting = day.sittings[session]
        assert sitting.phase in (*WAITING, *RUNNING)
        if sitting.phase in RUNNING:  # only a no changes anything there, and all that a program points out is silent
            for one in day.session(session).policy.detectors:
                sitting.switched_off.setdefault(one.kind, day.at)
    return said


@move("object")
def _object(day: Day, chance: Random) -> Said:
    return day.say("candidate", partial(consents.raise_objection, name=day.some(chance), text=chance.choice(TEXTS)))


@move("take a picture")
def _capture(day: Day, chance: Random) -> Said:
    session = day.some(chance, *WAITING, "in_progress")
    picture: Picture = chance.choice(["photo", "document"])
    key = f"{session}.{picture}.{len(day.world.said)}"
    return day.say("candidate", partial(identity.capture, name=session, picture=picture, object_key=key, sha256="00"))


@move("set a reference photo")
def _reference(day: Day, chance: Random) -> Said:
    session = day.some(chance, *WAITING)
    return day.say("planner", partial(identity.set_reference, name=session, object_key="photo", sha256="00"))


@move("look at an identity")
def _take_identity(day: Day, chance: Random) -> Said:
    session = day.pick(chance, _undecided(day), day.some(chance, *WAITING))
    return day.say(chance.choice(WATCHERS), partial(identity.take, name=session))


@move("decide on an identity")
def _decide(day: Day, chance: Random) -> Said:
    session = day.pick(chance, _undecided(day), day.some(chance, *WAITING, *RUNNING))
    decision: identity.Decision = chance.choice(["approve", "approve", "reject", "defer", "dispute"])
    route: Route = chance.choice(["pictures", "pictures", "in_person", "other"])
    decide = partial(identity.decide, name=session, decision=decision, route=route, reason=chance.choice(TEXTS))
    return day.say(chance.choice(WATCHERS), decide)


@move("settle an identity")
def _settle(day: Day, chance: Random) -> Said:
    left_open = {"disputed": day.sittings, "waiting": ENDED, "deferred": ENDED, "rejected": ENDED}
    owed = [
        name for name, sitting in day.sittings.items()
        if {name, sitting.phase} & {*left_open.get(day.session(name).identity.standing, ())}
    ]  # fmt: skip
    session = day.pick(chance, owed, day.some(chance, *ENDED))
    finding: Finding = chance.choice(["same_person", "another_person", "cannot_tell"])
    return day.say(
        "reviewer", partial(identity.settle, name=session, finding=finding, reason=chance.choice(["", "Same face."]))
    )


def _undecided(day: Day) -> list[str]:
    """Those whose identity waits to be decided on."""
    return [name for name in day.sittings if day.session(name).identity.undecided and not day.session(name).over]


# The start, and the end.


@move("start")
def start(day: Day, chance: Random) -> Said:
    return started(day, day.some(chance, "ready"), chance.choice(["123456"] * 3 + ["", "654321"]))


def started(day: Day, session: str, pin: str) -> Said:
    said = stepped(day, "start", session, partial(sessions.start, name=session, pin=pin))
    if touched(day, session, said) and "wrong" not in said.ids:
        plan, sitting = day.plan, day.sittings[session]
        assert plan.window
        sitting.start(day.at, closes=plan.window.closes_at, duration_s=plan.duration_s)
        sitting.switched_off = dict.fromkeys([*plan.switched_off, *_off_everywhere(day)], day.at)
        sitting.silence(day.at)
        if day.plan.policy.bases.get("ai_flags") == "consent":
            said_yes = day.session(session).consents.get("ai_flags")
            if said_yes is None or said_yes.answer != "given":
                for one in day.plan.policy.detectors:
                    sitting.switched_off.setdefault(one.kind, day.at)
    return said


@move("submit")
def _submit(day: Day, chance: Random) -> Said:
    session = day.some(chance, *RUNNING)
    return stepped(day, "submit", session, partial(sessions.submit, name=session))


@move("admit late")
def _admit(day: Day, chance: Random) -> Said:
    session = day.some(chance, *WAITING, "no_show")
    said = day.say("lead_invigilator", partial(sessions.admit_late, name=session, reason=chance.choice(TEXTS)))
    if said.made:
        sitting = day.sittings[session]
        assert sitting.phase in (*WAITING, "no_show")
        sitting.phase = day.session(session).onboarding
    return said


@move("reopen")
def _reopen(day: Day, chance: Random) -> Said:
    session = day.some(chance, "ended_in_fault")
    said = day.say("lead_invigilator", partial(sessions.reopen, name=session, reason=chance.choice(TEXTS)))
    if said.refused is None:  # nothing is new of one that runs, but that it follows its schedule
        if day.sittings[session].phase == "ended_in_fault":
            day.sittings[session].reopen(day.at)
        _goes_on(day, session)
    return said


@move("reinstate")
def _reinstate(day: Day, chance: Random) -> Said:
    session = day.some(chance, "terminated")
    said = day.say("lead_invigilator", partial(interventions.reinstate, session=session, reason=chance.choice(TEXTS)))
    if said.refused is None:  # nothing is new of one that runs, but that it follows its schedule
        if day.sittings[session].phase == "terminated":
            day.sittings[session].reinstate(day.at)
        _goes_on(day, session)
    return said


def _goes_on(day: Day, session: str) -> None:
    """What was decided for everybody meanwhile holds for who goes on, too."""
    sitting = day.sittings[session]
    for kind in (*day.plan.switched_off, *_off_everywhere(day)):
        sitting.switched_off.setdefault(kind, day.at)
    followed(day, session)
    for name, began, ended in day.outages(session):
        sitting.outage(name, began, ended, day.at)


def _off_everywhere(day: Day) -> dict[IncidentKind, OffEverywhere]:
    return day.world.state(switches.DECIDER, switches.NAME).off


def followed(day: Day, session: str) -> None:
    plan = day.plan
    assert plan.window
    day.sittings[session].follow(day.at, closes=plan.window.closes_at, duration_s=plan.duration_s)


# Breaks and help.


@move("ask for a break")
def _ask_for_break(day: Day, chance: Random) -> Said:
    session, kind = day.some(chance, "in_progress"), chance.choice(KINDS)
    said = day.say("candidate", partial(interventions.ask_for_break, session=session, kind=kind))
    if touched(day, session, said):
        sitting = day.sittings[session]
        sitting.tick(day.at)
        assert sitting.phase == "in_progress"
        left = sitting.rest_left()
        if kind == "rest" and left and sitting.left > timedelta():  # it was granted beforehand
            sitting.to("on_break", day.at)
            sitting.rest(day.at, left, granted=True)
    looked(day, session, said)
    return said


@move("close a request for a break")
def _close_request(day: Day, chance: Random) -> Said:
    asked = [name for name in day.sittings if day.session(name).break_asked and not day.session(name).over]
    session = day.pick(chance, asked, day.some(chance))
    why: Literal["withdrawn", "turned_down"] = chance.choice(["withdrawn", "turned_down"])
    return day.say("invigilator", partial(interventions.close_break_request, session=session, why=why))


@move("come back")
def _come_back(day: Day, chance: Random) -> Said:
    session = day.some(chance, "on_break")
    said = stepped(day, "come back", session, partial(interventions.come_back, session=session))
    looked(day, session, said)
    return said


def looked(day: Day, session: str, said: Said) -> None:
    """Whoever goes on after a break is asked for a look at their camera, once, if they have one; nobody else is."""
    looks = [
        stream.rpartition("/")[2] for stream, made in said.made.items()
        if any(isinstance(event, intervention.Requested) and event.kind == "return_look" for event in made)
    ]  # fmt: skip
    for name in looks:
        day.keep("intervention", name, session)
        day.keep("look", name, session)
    sitting = day.sittings.get(session)
    back = sitting is not None and session in day.away and sitting.phase == "in_progress"
    seen = sitting is not None and day.session(session).policy.camera and "camera" not in sitting.waived
    assert len(looks) == (back and seen), f"{len(looks)} looks were asked for"
    if back:
        day.away.remove(session)
    elif sitting is not None and sitting.phase == "on_break":
        day.away.add(session)


@move("ask for help")
def _ask_for_help(day: Day, chance: Random) -> Said:
    session = day.some(chance)
    topic: Topic = chance.choice(["technical", "break", "question", "other"])
    said = day.say("candidate", partial(helping.request, session=session, topic=topic, text=chance.choice(TEXTS)))
    if said.made:
        day.keep("help", said.ids["help"], session)
    return said


@move("withdraw a request for help")
def _withdraw_help(day: Day, chance: Random) -> Said:
    return day.say("candidate", partial(helping.withdraw, session=_asking(day, chance)[1]))


@move("take a request for help")
def _take_help(day: Day, chance: Random) -> Said:
    name, session = _asking(day, chance)
    return day.say(day.watcher(chance), partial(helping.take, session=session, name=name))


@move("release a request for help")
def _release_help(day: Day, chance: Random) -> Said:
    name, session = _asking(day, chance)
    release = partial(helping.release, session=session, name=name, lead=chance.random() < 0.5)
    return day.say(_dealing(day, chance, session), release)


@move("let go of a request for help")
def _let_go_of_help(day: Day, chance: Random) -> Said:
    name, session = _asking(day, chance)
    who = _dealing(day, chance, session)
    return day.say("system", partial(helping.let_go, session=session, name=name, who=who))


@move("answer a request for help")
def _answer_help(day: Day, chance: Random) -> Said:
    name, session = _asking(day, chance)
    answer = partial(helping.answer, session=session, name=name, text=chance.choice(TEXTS))
    return day.say(_dealing(day, chance, session), answer)


def _dealing(day: Day, chance: Random, session: str) -> str:
    """Mostly who has taken the request."""
    asked = day.session(session).help.open
    return day.pick(chance, [asked.taken_by] if asked and asked.taken_by else [], day.watcher(chance))


def _asking(day: Day, chance: Random) -> tuple[str, str]:
    """A request that is open, now and then one that is not any more, or never was."""
    opened = [(asked.help, name) for name in day.sittings if (asked := day.session(name).help.open)]
    if opened and chance.random() < 0.7:
        return chance.choice(opened)
    name, session = day.one_of(chance, "help", "nothing", "nobody")
    return name, session


# Devices.


@move("join from a device")
def _join(day: Day, chance: Random) -> Said:
    session = day.some(chance, *WAITING)
    return day.say("candidate", partial(devices.join, name=session, device=chance.choice(DEVICES)))


@move("ask for a device")
def _ask_for_device(day: Day, chance: Random) -> Said:
    session, device = day.some(chance, *RUNNING), chance.choice(DEVICES)
    return day.say("candidate", partial(devices.ask, name=session, device=device))


@move("admit a device")
def _admit_device(day: Day, chance: Random) -> Said:
    session, device = _wanted(day, chance)
    return day.say("invigilator", partial(devices.admit, name=session, device=device))


@move("refuse a device")
def _refuse_device(day: Day, chance: Random) -> Said:
    session, device = _wanted(day, chance)
    return day.say("invigilator", partial(devices.refuse, name=session, device=device))


def _wanted(day: Day, chance: Random) -> tuple[str, str]:
    running = [name for name, sitting in day.sittings.items() if sitting.phase in RUNNING]
    asking = [(name, device) for name in running for device in day.session(name).devices.asking]
    return day.pick(chance, asking, (day.some(chance, *RUNNING), chance.choice(DEVICES)))
