"""Devices: a second one asks to go on with a session that runs, and an invigilator admits or refuses it."""

from __future__ import annotations

from functools import partial
from typing import Literal

import msgspec
from litestar import get, post
from litestar.params import FromPath

from api import hints
from api.callers import WATCHERS, load_session, may
from api.ordering import AnyRequest, caller_of, command, services_of
from api.whip import hang_up_all
from commands import devices
from domain.session import Session


class OwnDevice(msgspec.Struct, frozen=True, kw_only=True):
    """Where this device stands: `live` is the one that the exam is taken on, `not_live` has to ask."""

    standing: Literal["live", "not_live", "asking", "refused"]


@get("/sessions/{session:str}/devices/mine", guards=[may("candidate", any_device=True)])
async def mine(request: AnyRequest, session: FromPath[str]) -> OwnDevice:
    """For a device that is not live, until it is."""
    return await _own(request, session)


@post("/sessions/{session:str}/devices", guards=[may("candidate", any_device=True)], status_code=200)
async def ask(request: AnyRequest, session: FromPath[str]) -> OwnDevice:
    """Asks for the caller's device to become the live one. The live one is told, and an invigilator decides."""
    await command(request, partial(devices.ask, name=session, device=caller_of(request).device))
    await _told(request, session)
    return await _own(request, session)


@post("/sessions/{session:str}/devices/{device:str}/admission", guards=[may(*WATCHERS)], status_code=204)
async def admit(request: AnyRequest, session: FromPath[str], device: FromPath[str]) -> None:
    """From now on the exam is taken on this device. The one before is cut off, and sends no pictures any more."""
    done = await command(request, partial(devices.admit, name=session, device=device))
    await _told(request, session)
    if done.position is not None and not done.repeated:
        await hang_up_all(request, session)


@post("/sessions/{session:str}/devices/{device:str}/refusal", guards=[may(*WATCHERS)], status_code=204)
async def refuse(request: AnyRequest, session: FromPath[str], device: FromPath[str]) -> None:
    """Turns a device away that asks; the exam goes on where it is taken. It may ask again."""
    await command(request, partial(devices.refuse, name=session, device=device))
    await _told(request, session)


async def _own(request: AnyRequest, session: str) -> OwnDevice:
    caller = caller_of(request)
    state = await load_session(services_of(request), caller.tenant, session)
    return OwnDevice(standing=_standing(state, caller.device))


def _standing(state: Session, device: str) -> Literal["live", "not_live", "asking", "refused"]:
    if state.over or state.devices.take(device):
        return "live"
    if device in state.devices.asking:
        return "asking"
    return "refused" if device in state.devices.refused else "not_live"


async def _told(request: AnyRequest, session: str) -> None:
    told: hints.Hints = request.app.state.hints
    await told.say(hints.candidate(session))


HANDLERS = (mine, ask, admit, refuse)
