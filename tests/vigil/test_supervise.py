"""Each group of roles runs in a process of its own and is started again, whatever it ended of."""

from __future__ import annotations

import asyncio
import errno
import sys
from collections.abc import Mapping

import pytest

from vigil.supervise import groups_for, running

SLEEPS = "import time; time.sleep(600)"


async def test_a_process_that_cannot_be_started_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    spawn, refusals = asyncio.create_subprocess_exec, [errno.ENOMEM, errno.EAGAIN]

    async def short_of_memory(*_: str, env: Mapping[str, str], start_new_session: bool) -> asyncio.subprocess.Process:
        if refusals:
            number = refusals.pop()
            raise OSError(number, "no more processes")
        return await spawn(sys.executable, "-c", SLEEPS, env=env, start_new_session=start_new_session)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", short_of_memory)
    async with running({}, (("serve",),)) as children:
        async with asyncio.timeout(30):
            while "serve" not in children:
                await asyncio.sleep(0.02)
        child = children["serve"]
        assert child.returncode is None
    assert child.returncode is not None
    assert refusals == []


async def test_a_process_that_dies_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    spawn = asyncio.create_subprocess_exec

    async def sleeper(*_: str, env: Mapping[str, str], start_new_session: bool) -> asyncio.subprocess.Process:
        return await spawn(sys.executable, "-c", SLEEPS, env=env, start_new_session=start_new_session)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", sleeper)
    async with running({}, (("serve",), ("media",))) as children, asyncio.timeout(30):
        while len(children) < 2:
            await asyncio.sleep(0.02)
        first, other = children["serve"], children["media"]
        first.kill()
        while children["serve"] is first:
            await asyncio.sleep(0.02)
        assert children["media"] is other
        assert other.returncode is None


async def test_detectors_that_share_the_sessions_are_told_which_part_is_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    spawn, told = asyncio.create_subprocess_exec, list[str | None]()

    async def sleeper(*_: str, env: Mapping[str, str], start_new_session: bool) -> asyncio.subprocess.Process:
        told.append(env.get("VIGIL_DETECT_SHARE"))
        return await spawn(sys.executable, "-c", SLEEPS, env=env, start_new_session=start_new_session)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", sleeper)
    groups = tuple(group for group in groups_for(1, 2) if group in (("detect",), ("media",)))
    async with running({}, groups) as children, asyncio.timeout(30):
        while len(children) < 3:
            await asyncio.sleep(0.02)
        assert set(children) == {"media", "detect", "detect 2"}
    assert told == [None, "1/2", "2/2"]
    told.clear()
    async with running({}, (("detect",),)) as children, asyncio.timeout(30):
        while not children:
            await asyncio.sleep(0.02)
    assert told == [None]
