"""The course of an exam in numbers, for a chart on which a moment is looked for."""

from __future__ import annotations

import msgspec
from litestar import get
from litestar.params import FromPath

from api.callers import WATCHERS, may
from api.ordering import AnyRequest, caller_of, services_of
from api.reading import rows_of, stale_of
from projections.course import Point, course
from projections.gradebook import GRADEBOOK


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """Of all who are enrolled, as it is known at a position of the ledger: at most 600 points.

    Where more happened, the extremes of each stretch are kept. `stale` names rows and streams that wait for a fix.
    """

    schedule: str
    position: int
    points: tuple[Point, ...]
    stale: tuple[str, ...]


@get("/schedules/{schedule:str}/course", guards=[may(*WATCHERS, "planner", "reviewer", "auditor")])
async def read(request: AnyRequest, schedule: FromPath[str]) -> Course:
    """How many sat, were cut off or in a fault, and how many incidents there were, over the time of the exam."""
    found = await rows_of(request, GRADEBOOK, {"schedule": schedule})
    stale = await stale_of(services_of(request), caller_of(request).tenant, schedule, found)
    points = course(account for account in found.rows.values() if not account.withdrawn)
    return Course(schedule=schedule, position=found.position, points=points, stale=tuple(stale))


HANDLERS = (read,)
