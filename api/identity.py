"""The identity check: pictures that a candidate takes, the list of those who wait, and what people decide."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Annotated, cast, get_args

import msgspec
from litestar import Response, get, post, put
from litestar.params import FromPath, JSONBody, RawBody

from api import hints
from api.callers import WATCHERS, load_schedule, load_session, may
from api.limits import limited
from api.ordering import AnyRequest, caller_of, command, services_of
from api.pictures import BYTES, READS, upright
from api.problems import Denied, missing
from api.reading import names_of, rows_of
from api.restriction import unrestricted
from api.schema import says
from commands import identity, recordings
from commands.handler import UseCase
from domain import identity_rules
from domain.event import Refused
from domain.identity import HELD, Finding, Picture, Route, Standing
from domain.phase import RUNNING, WAITING
from projections.live import LIVE, Live

Reason = Annotated[str, msgspec.Meta(max_length=2000)]


class WaitingRead(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who waits for a decision. `photo`, `document` and `reference` are where these are fetched.

    `route` is how they are identified: an accommodation may spare them the pictures. `standing` is `deferred` for who
    sits already. `taken_by` looks at it, until `taken_until`.
    """

    session: str
    name: str | None
    number: str | None
    standing: Standing
    route: Route
    since: datetime | None
    photo: str | None
    document: str | None
    reference: str | None
    taken_by: str | None
    taken_by_name: str | None
    taken_until: datetime | None


class DeviceWaiting(msgspec.Struct, frozen=True, kw_only=True):
    """A device that asks to go on with a session that is taken on another one."""

    session: str
    name: str | None
    number: str | None
    device: str
    since: datetime


class WaitingList(msgspec.Struct, frozen=True, kw_only=True):
    """Who came first is first; who sits already comes after those who cannot start yet."""

    schedule: str
    position: int
    waiting: tuple[WaitingRead, ...]
    devices: tuple[DeviceWaiting, ...]


class Next(msgspec.Struct, frozen=True, kw_only=True):
    """None when nobody waits whom no other looks at."""

    waiting: WaitingRead | None


class NewDecision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`route` says how an approval came about; a reason is needed to reject or dispute, and for the route `other`."""

    decision: identity.Decision
    route: Route = "pictures"
    reason: Reason = ""


class NewFinding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    finding: Finding
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


@put(
    "/sessions/{session:str}/identity/{picture:str}", guards=[may("candidate")], status_code=204,
    request_max_body_size=BYTES, opt=limited("pictures") | says(415, reads=READS),
)  # fmt: skip
async def capture(request: AnyRequest, session: FromPath[str], picture: FromPath[str], body: RawBody) -> None:
    """Takes a `photo` of the candidate or of their `document`, as JPEG or PNG; a new one replaces the one before."""
    if picture not in get_args(Picture):
        raise missing("picture")
    what = cast("Picture", picture)
    services, caller = services_of(request), caller_of(request)
    state = await load_session(services, caller.tenant, session)
    policy = state.policy if state.started_at else (await load_schedule(services, caller.tenant, state.schedule)).policy
    tried = identity_rules.Capture(at=services.now(), picture=what, object_key="", sha256="", asked=policy.identity)
    identity_rules.decide(tried, state)  # nothing is stored that would be refused
    kept = await services.identity_pictures.keep(caller.tenant, session, what, await upright(body))
    use_case = partial(identity.capture, name=session, picture=what, object_key=kept.object_key, sha256=kept.sha256)
    await command(request, use_case)
    await _told(request, session)


@get(
    "/sessions/{session:str}/identity/{picture:str}", guards=[may(*WATCHERS, "reviewer", "auditor"), unrestricted],
    media_type="image/jpeg",
)  # fmt: skip
async def look(request: AnyRequest, session: FromPath[str], picture: FromPath[str]) -> Response[bytes]:
    """The `photo`, the `document` or the `reference`. That it was opened is put on the record."""
    services, tenant = services_of(request), caller_of(request).tenant
    checked = (await load_session(services, tenant, session)).identity
    stored = checked.reference if picture == "reference" else checked.pictures.get(cast("Picture", picture))
    jpeg = await services.identity_pictures.open(tenant, session, stored) if stored else None
    if stored is None or jpeg is None:
        raise missing("picture")
    what = f"identity {picture}"
    key = f"view {session} {what} {services.now():%Y-%m-%dT%H:%M}"
    await command(request, partial(recordings.view, session=session, what=what), key=key)
    headers = {"Cache-Control": "private, no-store", "ETag": f'"{stored.sha256}"'}
    return Response(jpeg, media_type="image/jpeg", headers=headers)


@put(
    "/schedules/{schedule:str}/candidates/{session:str}/reference-photo", guards=[may("planner")], status_code=204,
    request_max_body_size=BYTES, opt=says(415, reads=READS),
)  # fmt: skip
async def set_reference(request: AnyRequest, schedule: FromPath[str], session: FromPath[str], body: RawBody) -> None:
    """Keeps the institution's own photo of a candidate, for invigilators to compare with."""
    services, tenant = services_of(request), caller_of(request).tenant
    if session not in (await load_schedule(services, tenant, schedule)).candidates.values():
        raise missing("candidate", field="session")
    state = await load_session(services, tenant, session)
    identity_rules.decide(identity_rules.SetReference(object_key="", sha256=""), state)
    kept = await services.identity_pictures.keep(tenant, session, "reference", await upright(body))
    use_case = partial(identity.set_reference, name=session, object_key=kept.object_key, sha256=kept.sha256)
    await command(request, use_case)


@get("/schedules/{schedule:str}/waiting", guards=[may(*WATCHERS, "planner")])
async def waiting(request: AnyRequest, schedule: FromPath[str]) -> WaitingList:
    """Whose pictures wait for a decision, and which devices ask to be admitted."""
    found = await rows_of(request, LIVE, {"schedule": schedule})
    names, now = await names_of(request), services_of(request).now()
    rows, queue = list(found.rows.values()), await _queue(request, schedule, found.rows.values())
    asking = [
        DeviceWaiting(session=row.session, name=row.name, number=row.number, device=device, since=since)
        for row in rows
        if row.phase in RUNNING
        for device, since in row.devices.asking.items()
    ]
    return WaitingList(
        schedule=schedule, position=found.position, waiting=tuple(_waiting(row, names, now) for row in queue),
        devices=tuple(sorted(asking, key=lambda one: (one.since, one.device))),
    )  # fmt: skip


@post("/schedules/{schedule:str}/waiting/next", guards=[may(*WATCHERS)], status_code=200)
async def take_next(request: AnyRequest, schedule: FromPath[str]) -> Next:
    """Gives the caller whom they look at already, else the first whom nobody looks at; no other gets them for a minute.

    So that several invigilators work through one list without doing anything twice.
    """
    found = await rows_of(request, LIVE, {"schedule": schedule})
    now, me = services_of(request).now(), caller_of(request).actor
    queue = await _queue(request, schedule, found.rows.values())
    mine = [row for row in queue if row.identity.held_by(now) == me]
    free = [row for row in queue if not row.identity.held_by(now)]
    for row in (*mine, *free):
        try:
            await command(request, partial(identity.take, name=row.session), part=row.session)
        except Refused:  # somebody was quicker than what this list shows
            continue
        state = await load_session(services_of(request), caller_of(request).tenant, row.session)
        seen = msgspec.structs.replace(row, identity=state.identity)
        if state.identity.held_by(now) in ("", me):
            return Next(waiting=_waiting(seen, await names_of(request), now))
    return Next(waiting=None)


@post("/sessions/{session:str}/identity/take", guards=[may(*WATCHERS)], status_code=204)
async def take(request: AnyRequest, session: FromPath[str]) -> None:
    """The caller looks at these pictures; nobody else is given them for a minute, and said again for another one."""
    await _first_wins(request, session, partial(identity.take, name=session))


@post("/sessions/{session:str}/identity/decision", guards=[may(*WATCHERS)], status_code=204)
async def decide(request: AnyRequest, session: FromPath[str], data: JSONBody[NewDecision]) -> None:
    """Approves, rejects (the candidate takes new pictures), defers (they start, it is decided within the exam), or
    disputes (they go on, and a reviewer decides). The first decision holds; another one then is told whose and which.
    """
    use_case = partial(identity.decide, name=session, decision=data.decision, route=data.route, reason=data.reason)
    await _first_wins(request, session, use_case)


@post("/sessions/{session:str}/identity/finding", guards=[may("reviewer")], status_code=204)
async def settle(request: AnyRequest, session: FromPath[str], data: JSONBody[NewFinding]) -> None:
    """Says who it was, where that was disputed or nobody had decided it by the end."""
    await command(request, partial(identity.settle, name=session, finding=data.finding, reason=data.reason))
    await _told(request, session)


async def _first_wins(request: AnyRequest, session: str, use_case: UseCase) -> None:
    """Runs it; who comes second is told by name who was first, and what they decided."""
    try:
        await command(request, use_case)
    except Refused as refusal:
        if refusal.field not in ("decision", "taken_by"):
            raise
        told = refusal.rule
        for account, name in (await names_of(request)).items():
            told = told.replace(account, name or "somebody")
        raise Denied(409, "refused", told, field=refusal.field) from None
    await _told(request, session)


async def _queue(request: AnyRequest, schedule: str, rows: Iterable[Live]) -> list[Live]:
    """Who waits, by when they came; who needs no pictures, as soon as everything else is done."""
    asks = (await load_schedule(services_of(request), caller_of(request).tenant, schedule)).policy.identity
    found = []
    for row in rows:
        there = row.phase in WAITING | RUNNING and not row.withdrawn
        spared = asks and _route(row) != "pictures" and (row.phase, row.identity.standing) == ("ready", "none")
        if there and (row.identity.undecided or spared):
            found.append(row)
    return sorted(found, key=_turn)


def _turn(row: Live) -> tuple[bool, float, str]:
    since = row.identity.since
    return (row.identity.standing == "deferred", since.timestamp() if since else 0.0, row.session)


def _route(row: Live) -> Route:
    return identity_rules.route_of(row.allowed.accommodation) if row.allowed else "pictures"


def _waiting(row: Live, names: dict[str, str | None], now: datetime) -> WaitingRead:
    at, checked = f"/api/v1/sessions/{row.session}/identity", row.identity
    holder, there = checked.held_by(now), checked.complete
    return WaitingRead(
        session=row.session, name=row.name, number=row.number, standing=checked.standing,
        route="pictures" if there else _route(row), since=checked.since, photo=f"{at}/photo" if there else None,
        document=f"{at}/document" if there else None, reference=f"{at}/reference" if checked.reference else None,
        taken_by=holder or None, taken_by_name=names.get(holder) if holder else None,
        taken_until=checked.taken_at + HELD if holder and checked.taken_at else None,
    )  # fmt: skip


async def _told(request: AnyRequest, session: str) -> None:
    told: hints.Hints = request.app.state.hints
    await told.say(hints.candidate(session))


HANDLERS = (capture, look, set_reference, waiting, take_next, take, decide, settle)
