"""What was recorded of a candidate, for themselves, once their exam is over: to be played, with the record link too.

What the data-protection officer withheld of the last copy that the person was given is not played here either. That it
was opened is put on the record, as theirs. A restricted record is shown to the person whose it is.
"""

from __future__ import annotations

from typing import get_args

from litestar import Response, get
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath, FromQuery
from litestar.response import Stream as StreamResponse

from api.callers import Connection, load_session, may
from api.clips import Manifest, Moment, consists_of, cut
from api.incidents import picture_of
from api.links import LASTS, Link, signed
from api.ordering import AnyRequest, caller_of, services_of
from api.problems import Denied, missing
from api.reading import rows_of
from api.recordings import Recordings, playing, read_of, tape_of
from api.schema import says
from api.stills import still_of
from api.tokens import Token, ends
from commands.recordings import recording_name
from domain.grounds import GROUNDS
from domain.phase import Track
from domain.release import What, Withheld
from projections.gradebook import GRADEBOOK
from projections.gradebook_row import Account
from projections.requests import REQUESTS

BELOW = "/api/v1/own-recordings"
OURS = may("candidate", by_record_link=True)


async def over(connection: Connection, _: BaseRouteHandler) -> None:
    """A guard that stands behind `may(...)`. Raises `Denied` 409 while the candidate's session goes on."""
    caller = connection.scope["user"]
    state = await load_session(connection.app.state.services, caller.tenant, caller.session)
    if not state.over:
        raise Denied(409, "refused", "the session is not over yet")


@get("/sessions/{session:str}/own-recordings", guards=[OURS, over], opt=says(409))
async def read(request: AnyRequest, session: FromPath[str]) -> Recordings:
    """What there is to play, each with a link for a player. What is withheld is not among it."""
    tenant, found = caller_of(request).tenant, []
    withheld = await withheld_of(request, session)
    for track in get_args(Track):
        name = recording_name(session, track)
        tape = await tape_of(services_of(request), tenant, name)
        if (tape.connections or tape.stills) and not _kept_back(withheld, track):
            found.append(read_of(name, track, tape, _link(request, name), below=BELOW))
    return Recordings(recordings=tuple(found))


@get(
    "/own-recordings/{recording:str}/media", guards=[OURS, over], media_type="video/webm",
    opt=says(409, 416, answers=dict.fromkeys((200, 206), ("video/mp4",))),
)  # fmt: skip
async def play(
    request: AnyRequest,
    recording: FromPath[str],
    link: FromQuery[str] = "",  # noqa: ARG001 - read with the sign-in
) -> Response[None] | StreamResponse:
    """Plays the candidate's finished recording."""
    await must_be_theirs(request, recording)
    return await playing(request, recording)


@get("/own-recordings/{recording:str}/manifest", guards=[OURS, over], opt=says(409))
async def manifest(request: AnyRequest, recording: FromPath[str]) -> Manifest:
    """What a recording of the candidate's consists of, and what is missing of it."""
    await must_be_theirs(request, recording)
    return await consists_of(request, recording)


@get(
    "/own-recordings/{recording:str}/clip", guards=[OURS, over], media_type="video/webm",
    opt=says(409, 416, answers=dict.fromkeys((200, 206), ("video/mp4",))),
)  # fmt: skip
async def clip(
    request: AnyRequest, recording: FromPath[str], starts_at: FromQuery[Moment], ends_at: FromQuery[Moment]
) -> Response[bytes]:
    """Plays up to two minutes of it. The file begins at `Vigil-Clip-Starts`."""
    await must_be_theirs(request, recording)
    return await cut(request, recording, starts_at, ends_at)


@get(
    "/own-recordings/{recording:str}/stills/{number:int}", guards=[OURS, over], media_type="image/jpeg", opt=says(409)
)  # fmt: skip
async def still(
    request: AnyRequest,
    recording: FromPath[str],
    number: FromPath[int],
    link: FromQuery[str] = "",  # noqa: ARG001 - read with the sign-in
) -> Response[bytes]:
    """A still of the candidate's, counted from 1."""
    await must_be_theirs(request, recording)
    return await still_of(request, recording, number)


@get(
    "/sessions/{session:str}/own-incidents/{incident:str}/pictures/{number:int}", guards=[OURS], media_type="image/jpeg"
)  # fmt: skip
async def picture(
    request: AnyRequest, session: FromPath[str], incident: FromPath[str], number: FromPath[int]
) -> Response[bytes]:
    """A picture behind a finding, numbered from 0. There is none while nobody has confirmed it and decided."""
    key = f"{caller_of(request).tenant}/{session}"
    row = (await rows_of(request, GRADEBOOK, {"key": key})).rows.get(key)
    if row is None or incident not in confirmed(row):
        raise missing("picture", field="incident")
    for one in await withheld_of(request, session):
        if incident in one.incidents:
            raise _withheld(one)
    return await picture_of(request, session, incident, number)


def confirmed(row: Account) -> frozenset[str]:
    """The findings: incidents that the last decision rests on as confirmed; before a decision there is none."""
    judged = row.decisions[-1].incidents if row.decisions else ()
    return frozenset(one.incident for one in judged if one.standing == "confirmed")


async def withheld_of(request: AnyRequest, session: str) -> tuple[Withheld, ...]:
    """What was withheld of the last copy of this session that the caller was given."""
    found = await rows_of(request, REQUESTS, {"subject": caller_of(request).actor})
    copies = [copy for row in found.rows.values() for copy in row.released if session in copy.sessions]
    return max(copies, key=lambda copy: copy.at).withheld if copies else ()


async def must_be_theirs(request: AnyRequest, recording: str) -> None:
    """Raises `Denied` 403 where this recording is withheld."""
    session, _, track = recording.partition(".")
    if one := _kept_back(await withheld_of(request, session), track):
        raise _withheld(one)


def _kept_back(withheld: tuple[Withheld, ...], track: str) -> Withheld | None:
    """Where others are seen in some of it, the camera is withheld as a whole: the copy has what can be cut out."""
    whole = {"screen": "screen", "others": "camera"}
    return next((one for one in withheld if whole.get(one.what) == track), None)


def in_words(withheld: tuple[Withheld, ...]) -> dict[What, str]:
    return {one.what: f"{GROUNDS[one.ground]} (GDPR, article {one.ground})" for one in withheld}


def _withheld(one: Withheld) -> Denied:
    return Denied(403, "withheld", f"withheld: {in_words((one,))[one.what]}")


def _link(request: AnyRequest, name: str) -> Link | None:
    """Only with a record link, which it stands for. It may outlast the sign-in, as a film may."""
    services, caller = services_of(request), caller_of(request)
    if not caller.by_record_link:
        return None
    at = services.now()
    token = Token(
        kind="own_link", tenant=caller.tenant, subject=caller.actor, schedule=caller.schedule, session=caller.session,
        recording=name, link=caller.link, expires_at=ends(at, LASTS),
    )  # fmt: skip
    return signed(token, services.tokens, at)


HANDLERS = (read, play, manifest, clip, still, picture)
