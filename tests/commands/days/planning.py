"""What planners and admins say, before the day and while it runs."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from random import Random

from msgspec.structs import replace

from commands import (
    accommodations,
    canned_messages,
    day_report,
    muting,
    policy_templates,
    schedules,
    service_tokens,
    users,
)
from domain.accommodation import Accommodation
from domain.assessment import OpensIn
from domain.browser import STANDARD
from domain.contact import SetContact
from domain.policy import DetectorSetting, IncidentKind, Policy, Window
from domain.user import Role
from tests.commands.days.day import NOBODY, Day, move
from tests.commands.days.model import RUNNING, WAITING, Sitting
from tests.commands.days.world import Said
from tests.commands.hall import NINE, PSEUDONYMS

CLOSES, DURATION_S = NINE + timedelta(hours=2), 3600
WINDOW = Window(opens_at=NINE, last_entry_at=NINE + timedelta(minutes=45), closes_at=CLOSES, time_zone="Europe/Vienna")
FULL = Policy(
    identity=True, room_scan=True, reasons={"room_scan": "Open books.", "voice": "In silence."}, browser=STANDARD,
    detectors=(*Policy().detectors, DetectorSetting(kind="voice")),
)  # fmt: skip
ASKS = Policy(bases={"ai_flags": "consent"})
POLICIES = (FULL, Policy(), Policy(screen=False), Policy(detectors=()), Policy(room_scan=True), ASKS)
KINDS: tuple[IncidentKind, ...] = ("out_of_view", "several_people", "voice", "camera_muted", "second_display")
TEXTS = ("", " ", "Algebra I", "Algebra II", "Algebra III", "x" * 5000)
STAFF = ("invigilator", "lead_invigilator")
ROLES: tuple[Role, ...] = ("planner", "lead_invigilator", "invigilator", "reviewer", "auditor")


def planned(day: Day, policy: Policy) -> None:
    """What the evening before leaves: accounts, an exam that is open, its staff, and four candidates."""
    for role in ROLES:
        register(day, role, f"{role}@example.org")
    make = partial(schedules.create, title="Algebra I", window=WINDOW, duration_s=DURATION_S, policy=policy)
    day.schedule = day.say("planner", make).ids["schedule"]
    for number in range(4):
        enrolled(day, number)
    for role in STAFF:
        day.say("planner", partial(schedules.assign_invigilator, name=day.schedule, who=day.people[role]))
    day.say("planner", partial(schedules.set_live_proctoring, name=day.schedule, enabled=True))
    day.say("planner", partial(schedules.activate, name=day.schedule))


def enrolled(day: Day, number: int) -> Said:
    person = schedules.Candidate(name=f"Candidate {number}", number=str(number))
    said = day.say("planner", partial(schedules.enrol, name=day.schedule, candidate=person, pseudonyms=PSEUDONYMS))
    if session := said.ids.get("session"):
        day.sittings.setdefault(session, Sitting())
    return said


def register(day: Day, role: Role, email: str) -> Said:
    new = partial(users.register, name=role, email=email, password_hash="hash", roles=(role,), pseudonyms=PSEUDONYMS)
    said = day.say("admin", new)
    if who := said.ids.get("user"):
        day.people.setdefault(role, who)
        day.keep("account", who)
    return said


# Schedules.


@move("create a schedule")
def _create(day: Day, chance: Random) -> Said:
    window = Window(
        opens_at=day.at + timedelta(hours=chance.randint(-1, 3)), last_entry_at=day.at + timedelta(hours=3),
        closes_at=day.at + timedelta(hours=4), time_zone=chance.choice(["Europe/Vienna"] * 4 + ["Mars/Base"]),
    )  # fmt: skip
    title, seconds = chance.choice(TEXTS), chance.choice([60, 3600, 3600, 0, 90_000])
    policy = chance.choice(POLICIES)
    make = partial(schedules.create, title=title, window=window, duration_s=seconds, policy=policy)
    said = day.say("planner", make)
    if name := said.ids.get("schedule"):
        day.keep("schedule", name)
        person = schedules.Candidate(name="Somebody", number="77")
        day.say("planner", partial(schedules.enrol, name=name, candidate=person, pseudonyms=PSEUDONYMS))
    return said


@move("rename the schedule")
def _rename(day: Day, chance: Random) -> Said:
    return day.say("planner", partial(schedules.change, name=day.schedule, title=chance.choice(TEXTS)))


@move("reschedule")
def _reschedule(day: Day, chance: Random) -> Said:
    window = day.plan.window
    assert window
    by = timedelta(minutes=chance.choice([-30, 10, 30, 60, 60]))
    moved = replace(window, last_entry_at=window.last_entry_at + by, closes_at=window.closes_at + by)
    change = partial(schedules.change, name=day.schedule, window=chance.choice([moved, None]))
    return day.say("planner", partial(change, duration_s=chance.choice([None, None, 3600, 5400, 0])))


@move("place the exam")
def _place(day: Day, chance: Random) -> Said:
    opens_in: OpensIn | None = chance.choice(["frame", "tab", None])
    url = chance.choice(["https://exam.example.org/", "https://other.example.org/", "gopher://old", "", None])
    return day.say("planner", partial(schedules.change, name=day.schedule, assessment_url=url, opens_in=opens_in))


@move("set the contact")
def _contact(day: Day, chance: Random) -> Said:
    contact = SetContact(phone=chance.choice(["+43 1 58801", "+43 1 58802", "", "call me"]))
    many = chance.choice([None, 20, 30, 0])
    return day.say(
        "planner",
        partial(schedules.change, name=day.schedule, emergency=contact, candidates_per_invigilator=many),
    )


@move("switch live proctoring")
def _live(day: Day, chance: Random) -> Said:
    name = chance.choice([day.schedule] * 4 + ["nothing"])
    enabled = chance.choice([True, True, True, False])
    return day.say("planner", partial(schedules.set_live_proctoring, name=name, enabled=enabled))


@move("set the policy")
def _policy(day: Day, chance: Random) -> Said:
    name = chance.choice([day.schedule] * 4 + ["nothing"])
    return day.say("planner", partial(schedules.set_policy, name=name, policy=chance.choice(POLICIES)))


@move("copy a template")
def _copy(day: Day, chance: Random) -> Said:
    (template,) = day.one_of(chance, "template", "nothing")
    return day.say("planner", partial(schedules.copy_policy, name=day.schedule, template=template))


@move("assign an invigilator")
def _assign(day: Day, chance: Random) -> Said:
    (who,) = day.one_of(chance, "account", NOBODY)
    away = [day.people[role] for role in STAFF if day.people[role] not in day.plan.invigilators]
    who = day.pick(chance, away, who)
    return day.say("planner", partial(schedules.assign_invigilator, name=day.schedule, who=who))


@move("remove an invigilator")
def _remove(day: Day, chance: Random) -> Said:
    (who,) = chance.choice(day.made["account"])
    name = chance.choice([day.schedule] * 4 + ["nothing"])
    return day.say("planner", partial(schedules.remove_invigilator, name=name, who=who))


@move("enrol a candidate")
def _enrol(day: Day, chance: Random) -> Said:
    return enrolled(day, chance.randint(0, 5))


@move("withdraw a candidate")
def _withdraw(day: Day, chance: Random) -> Said:
    return day.say("planner", partial(schedules.withdraw, name=day.schedule, session=day.some(chance)))


@move("renew a link")
def _renew(day: Day, chance: Random) -> Said:
    return day.say("planner", partial(schedules.renew_link, name=day.schedule, session=day.some(chance)))


@move("set the start PIN")
def _pin(day: Day, chance: Random) -> Said:
    pin = chance.choice([None, None, "123456", "12345", "１２３４５６"])
    return day.say("planner", partial(schedules.set_pin, name=day.schedule, pin=pin))


@move("activate the schedule")
def _activate(day: Day, chance: Random) -> Said:
    (name,) = day.one_of(chance, "schedule", "nothing")
    return day.say("planner", partial(schedules.activate, name=name))


@move("cancel the schedule")
def _cancel(day: Day, chance: Random) -> Said:
    (name,) = day.one_of(chance, "schedule", chance.choice([day.schedule, *["nothing"] * 9]))
    return day.say("planner", partial(schedules.cancel, name=name, reason=chance.choice(TEXTS)))


@move("close the schedule")
def _close(day: Day, chance: Random) -> Said:
    said = day.say("planner", partial(schedules.close, name=chance.choice([day.schedule] * 9 + ["nothing"])))
    for session in day.plan.candidates.values() if said.made else ():
        if (sitting := day.sittings[session]).phase in WAITING:
            sitting.to("no_show", day.at)
    return said


@move("sign the day report")
def _sign(day: Day, chance: Random) -> Said:
    running = sum(sitting.phase in RUNNING for sitting in day.sittings.values())
    sha256, note = chance.choice(["00", "11", f"{len(day.world.said)}"]), chance.choice([*TEXTS, "x" * 6000])
    sign = partial(day_report.sign, schedule=day.schedule, sha256=sha256, position=1, running=running, note=note)
    return day.say("lead", sign)


# What is allowed, and what is switched off.


@move("grant an accommodation")
def _allow(day: Day, chance: Random) -> Said:
    session = day.some(chance, *WAITING, *RUNNING)
    allowed = Accommodation(
        extra_time_minutes=chance.choice([0, 0, 15, 30]), extra_time_percent=chance.choice([0, 0, 0, 25]),
        rest_break_minutes=chance.choice([0, 10, 20]), people=chance.choice([(), ("reader",)]),
        muted=chance.choice([(), ("out_of_view",)]),
    )  # fmt: skip
    objects = chance.choice([(), ("a ruler",), ("x" * 200,)])
    grant = partial(accommodations.grant, name=day.schedule, session=session, accommodation=allowed, objects=objects)
    return _allowed(day, session, allowed, day.say("planner", grant))


@move("withdraw an accommodation")
def _withdraw_accommodation(day: Day, chance: Random) -> Said:
    session = day.pick(chance, [*day.plan.accommodations], day.some(chance, *WAITING, *RUNNING))
    withdraw = partial(accommodations.withdraw, name=day.schedule, session=session)
    return _allowed(day, session, Accommodation(), day.say("planner", withdraw))


def _allowed(day: Day, session: str, allowed: Accommodation, said: Said) -> Said:
    if f"{day.world.tenant}/session/{session}" in said.made:
        muted = {*allowed.muted, *(["several_people", "voice"] if allowed.people else [])}
        rest = timedelta(minutes=allowed.rest_break_minutes)
        share, minutes = allowed.extra_time_percent, allowed.extra_time_minutes
        day.sittings[session].allow(minutes, share, rest, muted, day.at)
    return said


@move("switch a detector off")
def _switch_off(day: Day, chance: Random) -> Said:
    kind = chance.choice(KINDS)
    off = partial(muting.switch_off, name=day.schedule, kind=kind, reason=chance.choice(TEXTS))
    said = day.say("planner", off)
    for sitting in day.sittings.values() if said.made else ():
        if sitting.phase in RUNNING:
            sitting.switched_off.setdefault(kind, day.at)
    return said


@move("switch a detector on")
def _switch_on(day: Day, chance: Random) -> Said:
    kind = day.pick(chance, [*day.plan.switched_off], chance.choice(KINDS))
    name = chance.choice([day.schedule] * 4 + ["nothing"])
    return day.say("planner", partial(muting.switch_on, name=name, kind=kind))


# Canned messages, templates, accounts and tokens.


@move("add a canned message")
def _add_canned(day: Day, chance: Random) -> Said:
    add = partial(canned_messages.add, label=chance.choice(["Camera", "Noise", " "]), text=chance.choice(TEXTS))
    said = day.say("planner", add)
    if name := said.ids.get("canned"):
        day.keep("canned", name)
    return said


@move("change a canned message")
def _change_canned(day: Day, chance: Random) -> Said:
    (name,) = day.one_of(chance, "canned", "nothing")
    return day.say("planner", partial(canned_messages.change, name=name, label="Camera", text=chance.choice(TEXTS)))


@move("remove a canned message")
def _remove_canned(day: Day, chance: Random) -> Said:
    (name,) = day.one_of(chance, "canned", "nothing")
    return day.say("planner", partial(canned_messages.remove, name=name))


@move("create a template")
def _template(day: Day, chance: Random) -> Said:
    make = partial(policy_templates.create, name=chance.choice(TEXTS), policy=chance.choice(POLICIES))
    said = day.say("planner", make)
    if name := said.ids.get("template"):
        day.keep("template", name)
    return said


@move("change a template")
def _change_template(day: Day, chance: Random) -> Said:
    (template,) = day.one_of(chance, "template", "nothing")
    return day.say(
        "planner",
        partial(policy_templates.change, template=template, name=chance.choice(TEXTS), policy=chance.choice(POLICIES)),
    )


@move("delete a template")
def _delete_template(day: Day, chance: Random) -> Said:
    (template,) = day.one_of(chance, "template", "nothing")
    return day.say("planner", partial(policy_templates.delete, template=template))


@move("register an account")
def _register(day: Day, chance: Random) -> Said:
    return register(day, chance.choice(ROLES), chance.choice(["a@example.org", "b@example.org"]))


@move("grant a role")
def _grant(day: Day, chance: Random) -> Said:
    (who,) = day.one_of(chance, "account", NOBODY)
    return day.say("admin", partial(users.grant_role, who=who, role=chance.choice(ROLES)))


@move("assign an auditor")
def _assign_auditor(day: Day, chance: Random) -> Said:
    (who,) = day.one_of(chance, "account", NOBODY)
    (name,) = day.one_of(chance, "schedule", NOBODY)
    until = day.at + timedelta(days=chance.choice([1, 30, 366, 0, 367]))
    assign = partial(users.assign_auditor, who=who, until=until, reason=chance.choice(TEXTS))
    return day.say("admin", partial(assign, schedules=(name,), everything=chance.random() < 0.2))


@move("revoke a role")
def _revoke(day: Day, chance: Random) -> Said:
    (who,) = day.one_of(chance, "account", NOBODY)
    return day.say("admin", partial(users.revoke_role, who=who, role=chance.choice(ROLES)))


@move("sign in")
def _sign_in(day: Day, chance: Random) -> Said:
    (who,) = day.one_of(chance, "account", NOBODY)
    who = chance.choice([who, day.people["reviewer"]])
    for _ in range(chance.choice([0, 0, 5])):  # somebody guesses
        day.say(who, partial(users.sign_in, who=who, matched=False))
    return day.say(who, partial(users.sign_in, who=who, matched=chance.random() < 0.2))


@move("lift a lock-out")
def _unlock(day: Day, chance: Random) -> Said:
    (who,) = day.one_of(chance, "account", NOBODY)
    who = chance.choice([who, day.people["reviewer"]])
    return day.say("lead", partial(users.unlock, who=who))


@move("sign out")
def _sign_out(day: Day, chance: Random) -> Said:
    (who,) = day.one_of(chance, "account", NOBODY)
    return day.say(who, partial(users.sign_out, who=who, everywhere=chance.random() < 0.5))


@move("issue a token")
def _issue(day: Day, chance: Random) -> Said:
    until = day.at + timedelta(days=chance.choice([1, 30, -1, 4000]))
    new = partial(service_tokens.issue, name=chance.choice(TEXTS), roles=("planner",), expires_at=until, sha256="00")
    said = day.say("admin", new)
    if name := said.ids.get("token"):
        day.keep("token", name)
    return said


@move("revoke a token")
def _revoke_token(day: Day, chance: Random) -> Said:
    (token,) = day.one_of(chance, "token", "nothing")
    return day.say("admin", partial(service_tokens.revoke, token=token))
