"""What an auditor may read: named schedules or, said explicitly, all of the tenant; until a date, for a reason."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from domain.event import Command, Event, Private, Refused

LONGEST = timedelta(days=366)

# Event.


class AuditorAssigned(Event, frozen=True, kw_only=True, tag="user.auditor_assigned"):
    """Takes the place of an assignment from before. `schedules` is empty where it is `everything`."""

    at: datetime
    schedules: tuple[str, ...] = ()
    everything: bool = False
    until: datetime
    reason: Private


# Command.


class AssignAuditor(Command, frozen=True, kw_only=True):
    at: datetime
    schedules: tuple[str, ...] = ()
    everything: bool = False
    until: datetime
    reason: Private


# State.


class Auditing(msgspec.Struct, frozen=True, kw_only=True):
    """What an auditor is assigned to. The role alone opens nothing."""

    schedules: tuple[str, ...] = ()
    everything: bool = False
    until: datetime

    def runs(self, at: datetime) -> bool:
        return at < self.until

    def covers(self, schedule: str) -> bool:
        return self.everything or schedule in self.schedules


def assigned(event: AuditorAssigned) -> Auditing:
    return Auditing(schedules=event.schedules, everything=event.everything, until=event.until)


def assign(command: AssignAuditor, now: Auditing | None) -> tuple[AuditorAssigned, ...]:
    """Nothing where this is what the auditor is assigned to already."""
    if command.everything == bool(command.schedules):
        raise Refused("name schedules, or say that it is everything", field="schedules", kind="invalid")
    if command.until <= command.at:
        raise Refused("an assignment ends in the future", field="until", kind="invalid")
    if command.until > command.at + LONGEST:
        raise Refused(f"an assignment ends within {LONGEST.days} days", field="until", kind="invalid")
    if not (command.reason.text or "").strip():
        raise Refused("say why", field="reason", kind="invalid")
    made = AuditorAssigned(
        at=command.at, schedules=tuple(sorted(set(command.schedules))), everything=command.everything,
        until=command.until, reason=command.reason,
    )  # fmt: skip
    return () if assigned(made) == now else (made,)
