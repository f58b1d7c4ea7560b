"""`vigil run` stops cleanly and leaves nothing behind, not even when it is stopped early or killed."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import suppress

import psutil
import pytest

from tests.e2e.installation import Installation
from vigil.embedded.place import remove

pytestmark = [pytest.mark.slow, pytest.mark.alone]

EARLY = -signal.SIGTERM  # before it had started anything, so that there is nothing to stop


@pytest.fixture(scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """An installation that has run once, so that its database is there."""
    place = Installation(tmp_path_factory.mktemp("stopping") / "home")
    await place.start()
    await place.ready()
    assert await place.tell(signal.SIGTERM) == 0
    yield place
    await place.stop()
    remove(place.home)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_starts_and_ends_with_0_when_asked_to(place: Installation, number: signal.Signals) -> None:
    began = time.monotonic()
    await place.start()
    await place.ready()
    started_s = time.monotonic() - began
    everyone = place.everyone()
    began = time.monotonic()
    assert await place.tell(number) == 0
    stopped_s = time.monotonic() - began
    print(f"ready in {started_s:.1f} s, gone {stopped_s:.1f} s after {number.name}")
    assert _left(everyone) == []
    assert _of(place) == []


async def test_when_it_is_killed_the_roles_end_and_the_next_start_ends_the_servers(place: Installation) -> None:
    await place.start()
    await place.ready()
    first = place.everyone()
    roles = _roles(first)
    assert len(roles) >= 6
    servers = [process for process in first[1:] if process not in roles]
    first[0].kill()
    await place.ended()
    await _gone(roles)
    assert _left(servers), "they hold the data, and nobody has told them to stop"

    await place.start()
    await place.ready()
    assert _left(first) == []
    second = place.everyone()
    assert await place.tell(signal.SIGTERM) == 0
    assert _left(second) == []


@pytest.mark.parametrize("moment", [0.5, 1.2, "its servers run", "its roles begin"])
async def test_it_can_be_stopped_while_it_starts(place: Installation, moment: float | str) -> None:
    await place.start()
    if isinstance(moment, float):
        await asyncio.sleep(moment)
    elif moment == "its servers run":
        async with asyncio.timeout(60):
            while not (place.home / "servers.json").exists():
                await asyncio.sleep(0.01)
    else:
        await place.process_of("media", 60)
    assert await place.tell(signal.SIGTERM) in (0, 128 + signal.SIGTERM, EARLY)
    async with asyncio.timeout(30):
        while left := _of(place):
            print(f"still there: {left}")
            await asyncio.sleep(0.5)


async def test_roles_end_with_their_parent_also_while_they_wait_for_a_server(place: Installation) -> None:
    await place.start()
    await place.ready()
    everyone = place.everyone()
    roles = _roles(everyone)
    media, nats = await place.process_of("media"), await place.process_of("nats-server")
    nats.suspend()  # it takes connections and says nothing
    media.kill()
    waiting = await _another(place, media)
    everyone[0].kill()
    await place.ended()
    await _gone([waiting, *roles])
    nats.resume()
    await place.start()
    await place.ready()
    assert _left(everyone) == []
    assert await place.tell(signal.SIGTERM) == 0


async def _another(place: Installation, first: psutil.Process) -> psutil.Process:
    async with asyncio.timeout(60):
        while (found := await place.process_of("media")) == first:
            await asyncio.sleep(0.05)
    await asyncio.sleep(2)  # it has begun to connect
    return found


def _roles(everyone: Sequence[psutil.Process]) -> list[psutil.Process]:
    roles = []
    for process in everyone[1:]:
        with suppress(psutil.NoSuchProcess):  # a server's worker may end while it is looked at
            if process.name() not in ("postgres", "nats-server"):
                roles.append(process)
    return roles


def _left(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    left = []
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                left.append(process)
    return left


def _of(place: Installation) -> list[psutil.Process]:
    """Every process of this installation, whoever its parent is: servers by their arguments, others by their home."""
    folders = (str(place.home), str((place.home / "postgres").resolve()))
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # it ended meanwhile, or is not ours to look at
            said = process.cmdline()
            if any(folder in argument for folder in folders for argument in said) or (
                process.environ().get("VIGIL_HOME") == str(place.home)
            ):
                found.append(process)
    return _left(found)


async def _gone(processes: Sequence[psutil.Process], within_s: float = 60.0) -> None:
    until = time.monotonic() + within_s
    while left := _left(processes):
        assert time.monotonic() < until, f"still there: {left}"
        await asyncio.sleep(0.1)
