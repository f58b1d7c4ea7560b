"""What each role runs, and `vigil run`, which runs them all."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from importlib import import_module

import click
import httpx

from commands.notary import Notary
from commands.witnesses import Witnesses
from vigil import embedded
from vigil.migrate import migrate, require_up_to_date
from vigil.settings import Role, Settings, load, variables
from vigil.signing import signer
from vigil.supervise import groups_for, running, until_stopped
from vigil.wiring import Core, NotRunning, attached, core
from vigil.witnessing import witnesses

log = logging.getLogger(__name__)

PORT_S = 8.0  # a front door that lost its parent ends within that


async def notary(core: Core) -> None:
    """Seals the ledger, signs checkpoints, and tells the outside witnesses of them."""
    conninfo = core.settings.database_url_for("notary")
    notary = Notary(conninfo, core.signer)  # without a key this process says so, and ends
    async with httpx.AsyncClient() as http, asyncio.TaskGroup() as group:
        group.create_task(notary.run())
        group.create_task(Witnesses(conninfo, witnesses(core.settings, http)).run())


# Where each role is. It is imported when it is run: a process that records needs no web server, and none needs all.
ROLES = {
    "serve": "vigil.door",
    "project": "vigil.reading",
    "notary": "vigil.roles",
    "react": "vigil.reactions",
    "media": "vigil.capture",
    "upload": "vigil.delivery",
    "frames": "vigil.capture",
    "detect": "vigil.detection",
}


def _role(name: str) -> Callable[[Core], Awaitable[None]]:
    found: Callable[[Core], Awaitable[None]] = getattr(import_module(ROLES[name]), name)
    return found


async def run_here(settings: Settings, roles: tuple[str, ...]) -> None:
    """Runs these roles in this process until it is asked to stop. A role that fails ends the process, which says so."""
    unknown = [role for role in roles if role not in ROLES]
    if unknown:
        raise click.UsageError(f"there is no role {unknown[0]!r}; the roles are {', '.join(ROLES)}")
    work = asyncio.ensure_future(_work(settings, roles))
    stop = asyncio.ensure_future(until_stopped())  # from the first moment, also while a server is waited for
    await asyncio.wait([stop, work], return_when=asyncio.FIRST_COMPLETED)
    for task in (stop, work):
        task.cancel()
    with suppress(asyncio.CancelledError):
        await work


async def _work(settings: Settings, roles: tuple[str, ...]) -> None:
    async with core(attached(settings), "+".join(roles)) as here:
        tasks = [asyncio.ensure_future(_role(role)(here)) for role in roles]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for role, how in zip(roles, ended, strict=True):
            if isinstance(how, Exception):
                how.add_note(f"in the role {role}")
                raise how


def run_all(settings: Settings, while_running: Callable[[Settings], Awaitable[int]] | None = None) -> int:
    """Starts what is needed (servers, if none are given), migrates, and runs every role in processes of their own.

    Ends when asked to stop, or when `while_running` has ended, with its result.
    """
    if not settings.embedded:
        return asyncio.run(_all(settings, while_running))
    with embedded.servers(settings.home, objects_url=settings.objects_url) as servers:
        return asyncio.run(_all(load({**os.environ, **servers.environment()}), while_running))


async def _all(settings: Settings, while_running: Callable[[Settings], Awaitable[int]] | None) -> int:
    await _until_free(settings)
    settings.master_secret()  # or it is said now, and once
    signer(settings)
    if settings.database_url:
        await migrate(settings.database_url)
    else:
        await require_up_to_date(settings.database_url_for("app"))
    async with running(_environment(settings), groups_for(settings.media_processes, settings.detect_processes)):
        if while_running is not None:
            return await while_running(settings)
        log.info("Vigil answers at %s", settings.public_url)
        await until_stopped()
        return 0


async def _until_free(settings: Settings) -> None:
    """Waits for a front door that was left behind by a kill to end. Raises `NotRunning` when the port stays taken."""
    until = time.monotonic() + PORT_S
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    while True:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                return probe.bind((settings.host, settings.port))
            except OSError as error:
                if time.monotonic() > until:
                    where = f"port {settings.port} of {settings.host}"
                    raise NotRunning(f"{where}: {error.strerror}; stop what is there, or set VIGIL_PORT") from None
        await asyncio.sleep(0.2)


def _environment(settings: Settings) -> dict[str, str]:
    """What a child needs to find the same servers. The owner's URL is not among it: no child writes events by hand."""
    names = ("home", "nats_url", "objects_url")
    roles: tuple[Role, ...] = ("app", "project", "keys", "notary")
    urls = {f"database_url_{role}": settings.database_url_for(role) for role in roles}
    return variables({name: getattr(settings, name) for name in names} | urls | {"database_url": ""})
