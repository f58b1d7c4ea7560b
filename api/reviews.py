"""What people say of a record: decisions, notes, and in which order records are looked at. No program decides."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import msgspec
from litestar import Response, post
from litestar.params import FromPath, JSONBody

from api.callers import may
from api.ordering import AnyRequest, caller_of, command
from api.problems import Denied
from commands import reviewing
from domain.decision import Ground, Outcome

Words = Annotated[str, msgspec.Meta(min_length=1, max_length=5000)]
Weighed = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
Weight = Annotated[float, msgspec.Meta(ge=0.0, le=100.0)]


class NewDecision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`ground` is needed unless it is `clear`. With `number` (one more than there are decisions) somebody who decides
    at the same time is told (409), whoever comes second.
    """

    outcome: Outcome
    ground: Ground | None = None
    reason: Words
    number: Annotated[int, msgspec.Meta(ge=1, le=10_000)] | None = None


class DecisionMade(msgspec.Struct, frozen=True, kw_only=True):
    number: int


class NewNote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    text: Words


class NoteMade(msgspec.Struct, frozen=True, kw_only=True):
    note: str


class NewPriority(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Other `weights` than the standard ones, by severity, kind and standing; what has none counts once."""

    why: Words
    weights: Annotated[dict[Weighed, Weight], msgspec.Meta(max_length=100)] | None = None


@post("/sessions/{session:str}/record/decision", guards=[may("reviewer")])
async def decide(request: AnyRequest, session: FromPath[str], data: JSONBody[NewDecision]) -> Response[DecisionMade]:
    """Decides on a sealed record, with a reason. A later decision stands beside the first, and counts.

    `clear` needs a verdict on every incident of high severity; `referred` and `void` need a ground that is there, and
    place a hold.
    """
    if caller_of(request).service:
        raise Denied(403, "forbidden", "a person decides, never a program")
    wanted = partial(
        reviewing.decide, session=session, outcome=data.outcome, ground=data.ground, reason=data.reason,
        number=data.number,
    )  # fmt: skip
    made = await command(request, wanted)
    return Response(DecisionMade(number=int(made.ids["number"])))


@post("/sessions/{session:str}/record/notes", guards=[may("reviewer", "lead_invigilator")])
async def note(request: AnyRequest, session: FromPath[str], data: JSONBody[NewNote]) -> Response[NoteMade]:
    """Adds a note to the record. It is no verdict, and the candidate can ask to read it."""
    made = await command(request, partial(reviewing.note, session=session, text=data.text))
    return Response(NoteMade(note=made.ids["note"]))


@post("/sessions/{session:str}/record/priority", guards=[may("reviewer", "admin")], status_code=204)
async def prioritise(request: AnyRequest, session: FromPath[str], data: JSONBody[NewPriority]) -> None:
    """Works out another version of the review priority, beside those that there are. It orders, and judges nobody."""
    await command(request, partial(reviewing.prioritise, session=session, weights=data.weights, why=data.why))


HANDLERS = (decide, note, prioritise)
