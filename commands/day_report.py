"""The invigilators sign what their day was."""

from __future__ import annotations

from collections.abc import Mapping

from commands.handler import Work
from domain import day_report, duty
from domain.event import Private


async def sign(work: Work, schedule: str, *, sha256: str, position: int, running: int, note: str) -> Mapping[str, str]:
    """Names the version that was signed. A note is sealed under a key of the schedule's own."""
    order = day_report.SignDayReport(
        sha256=sha256, position=position, running=running, by=work.order.actor, at=work.at,
        note=Private(schedule, note, key_class="notes") if note.strip() else None,
    )  # fmt: skip
    await work.do(duty.DECIDER, schedule, order)
    known = (await work.state(duty.DECIDER, schedule)).signed
    return {"version": str(next(one.version for one in reversed(known) if one.sha256 == sha256))}
