"""Roles `media`, which takes candidates' cameras and screens, and `frames`, which decodes their key frames."""

from __future__ import annotations

import asyncio
import os
import socket

from commands.keys import KeyName
from media.frames import FramesWorker
from media.port import CannotListen
from media.worker import MediaSettings, MediaWorker
from vigil.wiring import Core, NotRunning, spool

DRAIN_S = 8.0  # less than a supervisor waits before it kills


async def media(core: Core) -> None:
    """Takes candidates' cameras and screens. Asked to stop, it first lets them go over to another process."""
    settings = core.settings
    mine = MediaSettings(
        worker=f"{socket.gethostname()}-{os.getpid()}", nats_url=settings.nats_url, spool=spool(settings),
        bind_ip=settings.media_bind, bind_ports=settings.media_port, advertised_ip=settings.media_ip,
    )  # fmt: skip

    async def media_key(tenant: str, subject: str, session: str) -> bytes:  # noqa: ARG001 - pseudonyms hold the tenant
        return await core.keys.data_key(KeyName(subject, session, "media"))

    try:
        async with MediaWorker(mine, media_key) as worker:
            try:
                await worker.failed()
            except asyncio.CancelledError:  # asked to stop
                await worker.drain(DRAIN_S)
                raise
    except CannotListen as error:
        raise NotRunning(f"{error}; see VIGIL_MEDIA_BIND and VIGIL_MEDIA_PORT, or ask `vigil doctor`") from None


async def frames(core: Core) -> None:
    """Decodes key frames for the wall and the detectors."""
    async with FramesWorker(core.settings.nats_url) as worker:
        await worker.failed()
