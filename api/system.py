"""What runs behind the front door and how it keeps up, for whoever administers the installation."""

from __future__ import annotations

from datetime import datetime

import msgspec
import psycopg
from litestar import get
from psycopg_pool import PoolTimeout

from api.callers import may
from api.ordering import AnyRequest, services_of
from api.problems import away
from commands import proofs
from domain.messages import DetectorBeat, DetectorLoad


class MediaProcess(msgspec.Struct, frozen=True, kw_only=True):
    """`tracks` is how many it takes in now. One that is `draining` is about to stop."""

    worker: str
    tracks: int
    draining: bool


class DetectorProcess(msgspec.Struct, frozen=True, kw_only=True):
    """`late_s` is how old the last sample was when it had been judged; `overloaded` is how many were lost."""

    worker: str
    kinds: tuple[str, ...]
    judged: int
    overloaded: int
    waiting: int
    late_s: float


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A read model: how many events it is behind, and how many of its rows wait for a fix."""

    model: str
    behind: int
    parked: int


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The newest checkpoint: a signature over the first `size` events, whose root this is (hex)."""

    size: int
    root: str
    signed_at: datetime


class System(msgspec.Struct, frozen=True, kw_only=True):
    """`head` is None before the notary has signed anything. `key_fingerprint` is of the key that it signs with."""

    version: str
    media: tuple[MediaProcess, ...]
    detectors: tuple[DetectorProcess, ...]
    models: tuple[Model, ...]
    key_fingerprint: str
    head: Head | None


@get("/system", guards=[may("admin")])
async def read(request: AnyRequest) -> System:
    """Media and detector processes as their beats tell, the read models, and what the notary signed last."""
    services = services_of(request)
    try:
        standings = await services.standings()
        async with services.pool.connection() as conn:
            head = await proofs.latest(conn)
    except (psycopg.Error, PoolTimeout):
        raise away("the database is away; try again in a moment", after_s=5) from None
    return System(
        version=services.version,
        media=tuple(
            MediaProcess(worker=beat.worker, tracks=len(beat.tracks), draining=beat.draining)
            for beat in sorted(services.workers.alive(), key=lambda beat: beat.worker)
        ),
        detectors=tuple(_detector(beat) for beat in sorted(services.detectors.alive(), key=lambda beat: beat.worker)),
        models=tuple(
            Model(model=one.model, behind=one.head - one.position, parked=one.parked)
            for one in sorted(standings, key=lambda one: one.model)
        ),
        key_fingerprint=services.key_fingerprint,
        head=Head(size=head.size, root=head.root.hex(), signed_at=head.signed_at) if head else None,
    )


def _detector(beat: DetectorBeat) -> DetectorProcess:
    load = beat.load or DetectorLoad()
    return DetectorProcess(
        worker=beat.worker, kinds=tuple(sorted(beat.runs)), judged=load.judged, overloaded=load.overloaded,
        waiting=load.waiting, late_s=load.late_s,
    )  # fmt: skip


HANDLERS = (read,)
