"""The device that a session is taken on. One is live; while the exam runs, another one asks and a person admits it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, assert_never

import msgspec
from msgspec.structs import replace

from domain.event import Command, Event, Refused
from domain.identity import IdentityDeferred, IdentityLapsed
from domain.phase import OVER, RUNNING, said

if TYPE_CHECKING:
    from domain.session import Session

# Events of a session. Tags and field names are on disk for ever.


class DeviceAdmitted(Event, frozen=True, kw_only=True, tag="session.device_admitted"):
    """From now on the session is taken on this device and no other. `by` is "" where nobody had to be asked."""

    at: datetime
    device: str
    by: str = ""


class DeviceAsked(Event, frozen=True, kw_only=True, tag="session.device_asked"):
    at: datetime
    device: str


class DeviceRefused(Event, frozen=True, kw_only=True, tag="session.device_refused"):
    at: datetime
    device: str
    by: str


DeviceEvent = DeviceAdmitted | DeviceAsked | DeviceRefused

# Commands.


class JoinFrom(Command, frozen=True, kw_only=True):
    """A join link was opened on a device. Before the start the newest one holds; later it may only ask."""

    at: datetime
    device: str


class AskFor(Command, frozen=True, kw_only=True):
    at: datetime
    device: str


class AdmitDevice(Command, frozen=True, kw_only=True):
    at: datetime
    device: str
    by: str


class RefuseDevice(Command, frozen=True, kw_only=True):
    at: datetime
    device: str
    by: str


DeviceCommand = JoinFrom | AskFor | AdmitDevice | RefuseDevice

# State.


class Devices(msgspec.Struct, frozen=True, kw_only=True):
    """`live` is "" until somebody joined. `asking` holds since when; `refused` are those that were turned away last."""

    live: str = ""
    asking: dict[str, datetime] = {}
    refused: frozenset[str] = frozenset()

    def take(self, device: str) -> bool:
        """Whether a call from this device is taken."""
        return self.live in ("", device)


def evolve(devices: Devices, event: DeviceEvent) -> Devices:
    """Models fold with it too."""
    match event:
        case DeviceAdmitted(device=device):
            return Devices(live=device)
        case DeviceAsked(at=at, device=device):
            return replace(devices, asking=devices.asking | {device: at}, refused=devices.refused - {device})
        case DeviceRefused(device=device):
            asking = {name: since for name, since in devices.asking.items() if name != device}
            return replace(devices, asking=asking, refused=devices.refused | {device})
        case _:
            assert_never(event)


def decide(command: DeviceCommand, state: Session) -> tuple[DeviceEvent | IdentityDeferred | IdentityLapsed, ...]:
    devices, device = state.devices, command.device
    if isinstance(command, JoinFrom):
        if state.phase in OVER or device == devices.live or (devices.live and state.phase in RUNNING):
            return ()
        joined = DeviceAdmitted(at=command.at, device=device)
        shown = devices.live and (state.identity.standing != "none" or state.identity.pictures)
        return (joined, IdentityLapsed(at=command.at)) if shown else (joined,)
    if device == devices.live:
        if isinstance(command, RefuseDevice):
            raise Refused("this device has been admitted already", field="device")
        return ()
    if state.phase in OVER:
        raise Refused(f"a session that is {said(state.phase)} goes on on no device")
    match command:
        case AskFor(at=at):
            if state.phase not in RUNNING:
                raise Refused("open your join link on this device; before the start nobody has to be asked")
            return () if device in devices.asking else (DeviceAsked(at=at, device=device),)
        case RefuseDevice(at=at, by=by):
            return (DeviceRefused(at=at, device=device, by=by),) if device in devices.asking else ()
        case AdmitDevice(at=at, by=by):
            if device not in devices.asking:
                raise Refused("this device does not ask to be admitted, or no longer", field="device")
            admitted = DeviceAdmitted(at=at, device=device, by=by)
            if not state.policy.identity or state.identity.standing == "disputed":
                return (admitted,)
            return (admitted, IdentityDeferred(at=at, by=by, retake=True))
        case _:
            assert_never(command)
