"""People's requests about their data: received, decided, executed by those who may, answered, in a month."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from api.bodies import Id
from api.callers import Who, may
from api.ordering import AnyRequest, caller_of, command, services_of
from api.paging import USUAL, After, Limit, rows_after
from api.problems import Denied, missing
from api.reading import Where, names_of, rows_of
from api.schema import says
from commands import requests
from commands.handler import UseCase
from domain import request as asking
from domain.grounds import GROUNDS, Ground
from domain.request import Channel, Kind, Proof, Standing
from domain.stream import Stream
from projections.keeping import KEEPING
from projections.requests import REQUESTS, Asked

OFFICER: Who = "data_protection_officer"
BOTH: tuple[Who, ...] = (OFFICER, "admin")
Text = Annotated[str, msgspec.Meta(max_length=20_000)]
Number = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class NewRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose data it is about is said by the candidate's `number`, as they were enrolled, or as `subject`.

    Of one `session`, or of all that there is of this person.
    """

    kind: Kind
    channel: Channel
    number: Number | None = None
    subject: Id | None = None
    session: Id | None = None
    text: Text = ""


class RequestMade(msgspec.Struct, frozen=True, kw_only=True):
    request: str
    subject: str


class IdentityCheck(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    proof: Proof


class NewGrant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """In part, where a `ground` is given for the rest: the article of the GDPR."""

    ground: Ground | None = None


class NewRefusal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    ground: Ground


class NewAnswer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=20_000)]


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """`granted` waits for the second person; `executed` is done, or is being done on the records."""

    standing: Standing


class RequestRead(msgspec.Struct, frozen=True, kw_only=True):
    """`ground_words` says what the ground is. `overdue` is one that nobody has answered in time.

    `text` and `answer` are shown to the data-protection officer only.
    """

    request: Asked
    ground_words: str | None
    overdue: bool
    people: dict[str, str | None]
    text: str | None
    answer: str | None


class Requests(msgspec.Struct, frozen=True, kw_only=True):
    position: int
    requests: tuple[Asked, ...]
    next: str | None
    stale: bool


@post("/requests", guards=[may(OFFICER)], opt=says(404))
async def receive(request: AnyRequest, data: JSONBody[NewRequest]) -> Response[RequestMade]:
    """Takes down what a person asks for. It is due in a month."""
    if (data.number is None) == (data.subject is None):
        raise Denied(422, "invalid", "name the person by their number or as a subject", field="number")
    services, tenant = services_of(request), caller_of(request).tenant
    subject = data.subject or services.pseudonyms.candidate(tenant, data.number or "")
    letter = requests.Letter(
        kind=data.kind, subject=subject, channel=data.channel, session=data.session or "", text=data.text
    )
    made = await command(request, partial(requests.receive, letter=letter))
    name = made.ids["request"]
    return Response(
        RequestMade(request=name, subject=subject), status_code=201, headers={"Location": f"/api/v1/requests/{name}"}
    )


@get("/requests", guards=[may(*BOTH)])
async def read_all(
    request: AnyRequest, *, standing: FromQuery[Standing | None] = None, limit: Limit = USUAL, after: After = ""
) -> Requests:
    """All requests, or those that stand so. What people wrote is in each one of them."""
    where: Where = {"standing": standing} if standing else {}
    found, onward = await rows_after(request, REQUESTS, where, limit, after)
    return Requests(position=found.position, requests=tuple(found.rows.values()), next=onward, stale=bool(found.stale))


@get("/requests/{data_request:str}", guards=[may(*BOTH)])
async def read(request: AnyRequest, data_request: FromPath[str]) -> RequestRead:
    row, services = await asked(request, data_request), services_of(request)
    names = await names_of(request)
    people = {who for who in (row.received_by, row.decided_by, row.asked_by, *row.executed_by) if who}
    text = answer = None
    if OFFICER in caller_of(request).roles:
        stream = str(Stream(caller_of(request).tenant, asking.DECIDER.kind, data_request))
        _, state = await services.handler.load(asking.DECIDER, stream, fresh=True)
        text = state.text.text if state.text else None
        answer = state.answer.text if state.answer else None
    return RequestRead(
        request=row, ground_words=GROUNDS[row.ground] if row.ground else None, overdue=overdue(row, services.now()),
        people={who: names.get(who) for who in sorted(people)}, text=text, answer=answer,
    )  # fmt: skip


@post("/requests/{data_request:str}/identity-check", guards=[may(OFFICER)], status_code=204)
async def check_identity(request: AnyRequest, data_request: FromPath[str], data: JSONBody[IdentityCheck]) -> None:
    """Says how it was made sure that it is this person who asks."""
    await command(request, partial(requests.check_identity, name=data_request, proof=data.proof))


@post("/requests/{data_request:str}/grant", guards=[may(OFFICER)], status_code=204)
async def grant(request: AnyRequest, data_request: FromPath[str], data: JSONBody[NewGrant]) -> None:
    await command(request, partial(requests.grant, name=data_request, ground=data.ground))


@post("/requests/{data_request:str}/refuse", guards=[may(OFFICER)], status_code=204)
async def refuse(request: AnyRequest, data_request: FromPath[str], data: JSONBody[NewRefusal]) -> None:
    await command(request, partial(requests.refuse, name=data_request, ground=data.ground))


@post("/requests/{data_request:str}/execution", guards=[may(*BOTH)], status_code=200, opt=says(404))
async def execute(request: AnyRequest, data_request: FromPath[str]) -> Execution:
    """Says that it be done. Erasing takes two people, one of them the data-protection officer; all else the officer.

    What a hold covers is restricted, and erased when the hold is over. The rest is gone everywhere some seconds later;
    the certificate says when.
    """
    if caller_of(request).service:
        raise Denied(403, "forbidden", "people execute this, never a program")
    row = await asked(request, data_request)
    found = await rows_of(request, KEEPING, {"subject": row.subject})
    sessions = tuple(sorted(one.session for one in found.rows.values() if one.subject == row.subject))
    officer = OFFICER in caller_of(request).roles
    use_case: UseCase = partial(requests.execute, name=data_request, officer=officer, sessions=sessions)
    ids: Mapping[str, str] = (await command(request, use_case)).ids
    return Execution(standing=msgspec.convert(ids["standing"], Standing))


@post("/requests/{data_request:str}/answer", guards=[may(OFFICER)], status_code=204)
async def answer(request: AnyRequest, data_request: FromPath[str], data: JSONBody[NewAnswer]) -> None:
    """Keeps what the person was told, once the request has been executed or refused."""
    await command(request, partial(requests.answer, name=data_request, text=data.text))


async def asked(request: AnyRequest, name: str, *, field: str = "data_request") -> Asked:
    """The request. Raises `Denied` 404."""
    key = f"{caller_of(request).tenant}/{name}"
    found = await rows_of(request, REQUESTS, {"key": key})
    if key not in found.rows:
        raise missing("request", field=field)
    return found.rows[key]


def overdue(row: Asked, now: datetime) -> bool:
    return row.answered_at is None and row.due_at is not None and row.due_at < now


HANDLERS = (receive, read_all, read, check_identity, grant, refuse, execute, answer)
