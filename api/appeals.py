"""Appeals: made by candidates, with what goes with them, and answered by people who stood apart."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Annotated

import msgspec
from litestar import Response, delete, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody, RawBody

from api.callers import may
from api.limits import limited
from api.ordering import AnyRequest, caller_of, command, services_of
from api.paging import USUAL, After, Key, Limit, page
from api.problems import Denied, missing
from api.reading import names_of, rows_of
from api.record_links import load_record
from api.restriction import unrestricted
from api.schema import says
from commands import appealing, recordings
from domain import record
from domain.appeal import Answer, AppealState, AttachmentKind, AttachToAppeal
from projections.gradebook import GRADEBOOK, Account
from projections.gradebook_row import Appeal, Appealing

BYTES = 5 * 1024 * 1024
MAGIC: dict[bytes, AttachmentKind] = {
    b"%PDF-": "application/pdf", b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png",
}  # fmt: skip
ENDINGS: dict[AttachmentKind, str] = {
    "application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png", "text/plain": "txt",
}  # fmt: skip
READS: dict[str, object] = dict.fromkeys(ENDINGS, bytes)
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=10_000)]


class NewAppeal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`incident` names what it is about, where it is about one."""

    text: Words
    incident: Annotated[str, msgspec.Meta(pattern="^([A-Za-z0-9_.-]{1,64})?$")] = ""


class AppealMade(msgspec.Struct, frozen=True, kw_only=True):
    appeal: str


class NewAnswer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    answer: Answer
    reason: Words


class AppealRead(msgspec.Struct, frozen=True, kw_only=True):
    """An appeal in the list of those to answer; what it says stands with the record.

    `waits_s` is its age in seconds, until somebody answers it. `decides` says that it was upheld and nobody has decided
    anew.
    """

    appeal: str
    session: str
    schedule: str
    name: str | None
    number: str | None
    at: datetime
    state: AppealState
    decision: int
    attached: int
    answered_by: str | None
    waits_s: float | None
    decides: bool


class AppealList(msgspec.Struct, frozen=True, kw_only=True):
    """Who waits longest comes first; what is answered comes last."""

    position: int
    appeals: tuple[AppealRead, ...]
    next: str | None


@post("/sessions/{session:str}/appeals", guards=[may("candidate", by_record_link=True)], opt=limited("messages"))
async def make(request: AnyRequest, session: FromPath[str], data: JSONBody[NewAppeal]) -> Response[AppealMade]:
    """Appeals against the last decision on the own record, or against what happened where nobody has decided yet.

    From then on nothing of the record is erased until it is answered and the time to read the answer is over.
    """
    made = await command(request, partial(appealing.make, session=session, text=data.text, incident=data.incident))
    return Response(AppealMade(appeal=made.ids["appeal"]), status_code=201)


@put(
    "/sessions/{session:str}/appeals/{appeal:str}/attachments/{number:int}", status_code=204,
    guards=[may("candidate", by_record_link=True)], request_max_body_size=BYTES,
    opt=limited("pictures") | says(415, reads=READS),
)  # fmt: skip
async def attach(
    request: AnyRequest, session: FromPath[str], appeal: FromPath[str], number: FromPath[int], body: RawBody
) -> None:
    """Adds a PDF, a JPEG or PNG picture, or a plain text in UTF-8 to an appeal that is not answered yet."""
    services, tenant = services_of(request), caller_of(request).tenant
    kind = _kind(body)
    known = await load_record(services, tenant, session)
    tried = AttachToAppeal(
        appeal=appeal, number=number, at=services.now(), kind=kind, bytes=len(body), sha256="",
        object_key=known.appeals.made[appeal].attached[number].object_key if _there(known, appeal, number) else "",
    )  # fmt: skip
    record.decide(tried, known)  # nothing is stored that would be refused
    kept = await services.attachments.keep(tenant, session, body)
    use_case = partial(
        appealing.attach, session=session, name=appeal, number=number, kind=kind, size=len(body),
        object_key=kept.object_key, sha256=kept.sha256,
    )  # fmt: skip
    await command(request, use_case)


@get(
    "/sessions/{session:str}/appeals/{appeal:str}/attachments/{number:int}",
    guards=[may("candidate", "reviewer", "auditor", by_record_link=True), unrestricted],
    media_type="application/octet-stream",
)  # fmt: skip
async def attachment(
    request: AnyRequest, session: FromPath[str], appeal: FromPath[str], number: FromPath[int]
) -> Response[bytes]:
    """What is attached, to be saved and never shown in the page. That it was opened is put on the record."""
    services, tenant = services_of(request), caller_of(request).tenant
    known = await load_record(services, tenant, session)
    if not _there(known, appeal, number):
        raise missing("attachment", field="number")
    found = known.appeals.made[appeal].attached[number]
    data = await services.attachments.open(tenant, session, found.object_key)
    if data is None:
        raise missing("attachment", field="number")
    what = f"attachment {number} of an appeal"
    key = f"view {session} {appeal} {number} {services.now():%Y-%m-%dT%H:%M}"
    await command(request, partial(recordings.view, session=session, what=what), key=key)
    headers = {
        "Content-Disposition": f'attachment; filename="appeal-{number}.{ENDINGS[found.kind]}"',
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cache-Control": "private, no-store",
        "ETag": f'"{sha256(data).hexdigest()[:32]}"',
    }
    return Response(data, media_type="application/octet-stream", headers=headers)


@delete("/sessions/{session:str}/appeals/{appeal:str}", guards=[may("candidate", by_record_link=True)])
async def withdraw(request: AnyRequest, session: FromPath[str], appeal: FromPath[str]) -> None:
    """Takes an appeal back that nobody has answered. It stays on the record, as withdrawn."""
    await command(request, partial(appealing.withdraw, session=session, name=appeal))


@post(
    "/sessions/{session:str}/appeals/{appeal:str}/answer", guards=[may("reviewer"), unrestricted], status_code=204
)  # fmt: skip
async def answer(
    request: AnyRequest, session: FromPath[str], appeal: FromPath[str], data: JSONBody[NewAnswer]
) -> None:  # fmt: skip
    """Answers an appeal, with a reason. By a person who neither watched, raised an incident, judged nor decided; after
    `upheld` somebody decides anew.
    """
    if caller_of(request).service:
        raise Denied(403, "forbidden", "a person answers, never a program")
    await command(
        request, partial(appealing.answer, session=session, name=appeal, said=data.answer, reason=data.reason)
    )


@get("/appeals", guards=[may("reviewer")])
async def listed(
    request: AnyRequest,
    *,
    schedule: FromQuery[str | None] = None,
    standing: FromQuery[AppealState | None] = None,
    limit: Limit = USUAL,
    after: After = "",
) -> AppealList:
    """Appeals of all schedules or of one, those that wait for an answer first, the oldest on top."""
    asked: tuple[Appealing, ...] = ("open",) if standing == "open" else ("open", "over")
    where = {"schedule": schedule} if schedule else {}
    found = [await rows_of(request, GRADEBOOK, {"appealed": one, **where}) for one in asked]
    accounts = {row.session: row for one in found for row in one.rows.values()}  # one may be answered in between
    names, now = await names_of(request), services_of(request).now()
    rows = (
        _shown(row, one, names, now) for row in accounts.values() for one in row.appeals
        if standing in (None, one.state)
    )  # fmt: skip
    shown = page(request, rows, _oldest, limit, after)
    return AppealList(position=min(one.position for one in found), appeals=shown.rows, next=shown.next)


def _oldest(one: AppealRead) -> Key:
    return (one.state != "open", one.at.isoformat(), one.appeal)


def _shown(row: Account, one: Appeal, names: Mapping[str, str | None], now: datetime) -> AppealRead:
    return AppealRead(
        appeal=one.appeal, session=row.session, schedule=row.schedule, name=row.name, number=row.number, at=one.at,
        state=one.state, decision=one.decision, attached=len(one.attached), answered_by=names.get(one.by),
        waits_s=(now - one.at).total_seconds() if one.state == "open" else None,
        decides=one.state == "upheld" and one.decision == len(row.decisions),
    )  # fmt: skip


def _there(known: record.Record, appeal: str, number: int) -> bool:
    return appeal in known.appeals.made and number in known.appeals.made[appeal].attached


def _kind(data: bytes) -> AttachmentKind:
    """By what is in it, whatever it is said to be. Raises `Denied` 415."""
    for magic, kind in MAGIC.items():
        if data.startswith(magic):
            return kind
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = ""
    if text and all(letter.isprintable() or letter in "\r\n\t\ufeff" for letter in text):
        return "text/plain"
    raise Denied(415, "unsupported-type", "a PDF, a JPEG or PNG picture, or a plain text is expected", field="body")


HANDLERS = (listed, make, attach, attachment, withdraw, answer)
