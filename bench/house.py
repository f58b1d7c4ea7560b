"""A whole house for a benchmark: embedded servers, roles as processes, an address, and staff that has signed in."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple, TypeVar

import httpx

from bench.crowd import Client, Notes
from bench.processes import free_port
from domain.user import Role
from vigil import embedded
from vigil.embedded.place import remove
from vigil.migrate import migrate
from vigil.settings import Settings, load
from vigil.supervise import running
from vigil.tools import register
from vigil.wiring import core

C = TypeVar("C", bound=Client)


class House(NamedTuple):
    """Its settings, its address, and its processes by the name of their group."""

    settings: Settings
    base: str
    children: dict[str, asyncio.subprocess.Process]

    async def signed_in(self, role: Role, notes: Notes, kind: type[C]) -> tuple[str, C]:
        """Somebody of the staff, made for this; their id and their client."""
        email, password, who = await self.somebody(role)
        client = kind(self.base, "", notes)
        answer = await client.say("sign in", "/sign-in", {"email": email, "password": password})
        client.http.headers["Authorization"] = f"Bearer {answer['token']}"
        return who, client

    async def somebody(self, role: Role) -> tuple[str, str, str]:
        """Somebody of the staff who has not signed in: their address, their password and their id."""
        email, password = f"{role}@bench.example", secrets.token_urlsafe(12)
        async with core(self.settings, "bench") as here:
            who = await register(here, tenant="main", email=email, name=role, roles=(role,), password=password)
        return email, password, who


@asynccontextmanager
async def house(groups: Sequence[tuple[str, ...]]) -> AsyncIterator[House]:
    """Stands while the body runs, and is ready when it begins."""
    home = Path(tempfile.mkdtemp(prefix="vigil-bench-"))
    try:
        with embedded.servers(home) as servers:
            port = free_port()
            base = f"http://127.0.0.1:{port}"
            environment = {
                **servers.environment(), "VIGIL_HOME": str(home), "VIGIL_PORT": str(port), "VIGIL_PUBLIC_URL": base,
            }  # fmt: skip
            await migrate(servers.database_url)
            async with running(environment, groups) as children:
                await _ready(base)
                yield House(load(environment), base, children)
    finally:
        remove(home)


async def _ready(base: str) -> None:
    async with asyncio.timeout(60), httpx.AsyncClient(base_url=base) as client:
        while True:
            with suppress(httpx.TransportError):
                if (await client.get("/readyz")).is_success:
                    return
            await asyncio.sleep(0.2)
