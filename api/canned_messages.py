"""Canned messages: texts that invigilators send with one click, the same for the whole tenant."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import msgspec
from litestar import Response, delete, get, post, put
from litestar.params import FromPath, JSONBody

from api.callers import WATCHERS, Who, may
from api.etags import VERSIONED, tagged
from api.ordering import AnyRequest, caller_of, command, services_of
from api.paging import USUAL, After, Limit, page
from api.problems import missing
from api.reading import rows_of
from commands import canned_messages
from domain import canned as rules
from domain.stream import Stream
from projections.canned_messages import CANNED, CannedRow

WRITERS: tuple[Who, ...] = ("planner", "lead_invigilator")


class NewCanned(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`label` is what invigilators choose it by, `text` what the candidate reads."""

    label: Annotated[str, msgspec.Meta(max_length=rules.LONGEST_LABEL)]
    text: str


class CannedMade(msgspec.Struct, frozen=True, kw_only=True):
    canned: str


class CannedMessages(msgspec.Struct, frozen=True, kw_only=True):
    """By label."""

    canned_messages: tuple[CannedRow, ...]
    next: str | None


@get("/canned-messages", guards=[may("planner", *WATCHERS)])
async def read_all(request: AnyRequest, *, limit: Limit = USUAL, after: After = "") -> CannedMessages:
    rows = (await rows_of(request, CANNED)).rows.values()
    found = page(request, rows, lambda row: (row.label, row.canned), limit, after)
    return CannedMessages(canned_messages=found.rows, next=found.next)


@get("/canned-messages/{canned:str}", guards=[may("planner", *WATCHERS)], opt=VERSIONED)
async def read(request: AnyRequest, canned: FromPath[str]) -> Response[CannedRow]:
    stream = str(Stream(caller_of(request).tenant, "canned", canned))
    version, state = await services_of(request).handler.load(rules.DECIDER, stream, fresh=True)
    if state.phase != "kept":
        raise missing("canned message", field="canned")
    return tagged(request, CannedRow(canned=canned, label=state.label, text=state.text, version=state.version), version)


@post("/canned-messages", guards=[may(*WRITERS)])
async def add(request: AnyRequest, data: JSONBody[NewCanned]) -> Response[CannedMade]:
    made = await command(request, partial(canned_messages.add, label=data.label, text=data.text))
    name = made.ids["canned"]
    return Response(CannedMade(canned=name), headers={"Location": f"/api/v1/canned-messages/{name}"})


@put("/canned-messages/{canned:str}", guards=[may(*WRITERS)], status_code=204)
async def change(request: AnyRequest, canned: FromPath[str], data: JSONBody[NewCanned]) -> None:
    """Makes a new version. What was sent before stays as it is."""
    await command(request, partial(canned_messages.change, name=canned, label=data.label, text=data.text))


@delete("/canned-messages/{canned:str}", guards=[may(*WRITERS)])
async def remove(request: AnyRequest, canned: FromPath[str]) -> None:
    """Takes it off the list. What was sent of it stays, with its version."""
    await command(request, partial(canned_messages.remove, name=canned))


HANDLERS = (read_all, read, add, change, remove)
