"""What a data-protection officer asks of this installation, told from how it is set up now; as a page to print, too."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
from litestar import Response, get

from api.callers import Who, may, sees
from api.ordering import AnyRequest, caller_of, services_of
from api.printed import POLICY
from api.reading import rows_of
from domain.detector import Described
from domain.event import KeyClass
from domain.messages import DetectorBeat
from domain.policy import Policy
from domain.purpose import Purpose
from domain.retention import Kept
from projections.schedules import SCHEDULES

READERS: tuple[Who, ...] = ("data_protection_officer", "auditor")


class Processing(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the register: a purpose and its ground. `recipients` are the roles that come to see it."""

    purpose: Purpose
    what: str
    legal_basis: str
    of: tuple[str, ...]
    recipients: tuple[str, ...]
    schedules: tuple[str, ...]


class Retained(msgspec.Struct, frozen=True, kw_only=True):
    """For how many days after a session these classes are kept, by the shortest and the longest policy."""

    what: Kept
    classes: tuple[KeyClass, ...]
    days_from: int
    days_to: int


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    schedule: str
    title: str
    phase: str
    live: bool
    policy: Policy


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """What this installation is set up to talk to, by host, and what for."""

    purpose: str = msgspec.field(name="for")
    at: str


class Compliance(msgspec.Struct, frozen=True, kw_only=True):
    """The same as `vigil compliance` writes. `weights` are SHA-256 (hex) by name: of the detectors that run now, or,
    where none runs, of what is set up here. `roles` says by role which calls it may make.
    """

    format: str
    vigil: str
    origin: str
    address: str
    tenant: str
    processing: tuple[Processing, ...]
    retention: tuple[Retained, ...]
    schedules: tuple[Planned, ...]
    detectors: tuple[Described, ...]
    weights: dict[str, str]
    roles: dict[str, tuple[str, ...]]
    outside: tuple[Party, ...]
    measures: tuple[str, ...]


@get("/compliance", guards=[may(*READERS)])
async def read(request: AnyRequest) -> Compliance:
    """Purposes and legal bases, times, detectors and weights, who may call what, other parties: as they are now.

    Auditors are told of the schedules that they are assigned to.
    """
    return msgspec.convert((await _told(request))[0], Compliance)


@get("/compliance.html", guards=[may(*READERS)], media_type="text/html")
async def read_page(request: AnyRequest) -> Response[str]:
    """The same to read and to print."""
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "private, no-store"}
    return Response((await _told(request))[1], media_type="text/html; charset=utf-8", headers=headers)


async def _told(request: AnyRequest) -> tuple[dict[str, object], str]:
    services, caller = services_of(request), caller_of(request)
    found = await rows_of(request, SCHEDULES)
    sittings = [one for one in found.rows.values() if sees(caller, READERS, one, services.now(), ())]
    running = in_use(services.detectors.alive())
    return await asyncio.to_thread(services.compliance, caller.tenant, sittings, running)


def in_use(beats: Sequence[DetectorBeat]) -> dict[str, str]:
    """The weights that workers say they run, by name; where some run others of the same name, each is told."""
    found: dict[str, list[str]] = {}
    for beat in beats:
        for provenance in beat.runs.values():
            for name, sha256 in provenance.weights.items():
                known = found.setdefault(name, [])
                known += [sha256] if sha256 not in known else []
    return {
        name if number == 1 else f"{name} ({number})": sha256
        for name, known in found.items() for number, sha256 in enumerate(known, 1)
    }  # fmt: skip


HANDLERS = (read, read_page)
