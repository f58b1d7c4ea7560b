"""The invigilators' report of a day, signed when the exam is over. What becomes known later makes another version."""

from __future__ import annotations

from datetime import datetime

import msgspec

from domain.event import Command, Event, Private, Refused

LONGEST = 5000  # characters of a note

# Event of a schedule's duty. Tag and field names are on disk for ever.


class DayReportSigned(Event, frozen=True, kw_only=True, tag="duty.day_report_signed"):
    """`sha256` (hex) is of the report as it was at a `position`. A note may say more, in words."""

    version: int
    sha256: str
    position: int
    note: Private | None
    by: str
    at: datetime


class SignDayReport(Command, frozen=True, kw_only=True):
    """`running` is how many of its sessions are not over, as far as the report knows."""

    sha256: str
    position: int
    running: int
    note: Private | None
    by: str
    at: datetime


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    version: int
    sha256: str
    position: int
    note: Private | None
    by: str
    at: datetime


def signed(command: SignDayReport, known: tuple[Signature, ...]) -> tuple[DayReportSigned, ...]:
    """Several people may sign the same version, each once."""
    if any((one.sha256, one.by) == (command.sha256, command.by) for one in known):
        return ()
    if command.running:
        raise Refused("the exam is not over for everybody; sign when it is", field="sessions")
    if command.note and len(command.note.text or "") > LONGEST:
        raise Refused(f"at most {LONGEST} characters", field="note", kind="invalid")
    last = known[-1] if known else None
    version = 1 if last is None else last.version + (last.sha256 != command.sha256)
    return (
        DayReportSigned(
            version=version, sha256=command.sha256, position=command.position, note=command.note, by=command.by,
            at=command.at,
        ),
    )  # fmt: skip


def evolve(known: tuple[Signature, ...], event: DayReportSigned) -> tuple[Signature, ...]:
    added = Signature(
        version=event.version, sha256=event.sha256, position=event.position, note=event.note, by=event.by, at=event.at
    )
    return (*known, added)
