"""`vigil run`: one process for each group of roles, started again when one dies, stopped together and in order."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

log = logging.getLogger(__name__)

# What a small deployment runs. Media, its delivery, decoding and inference each have a core of their own to use.
GROUPS: tuple[tuple[str, ...], ...] = (
    ("project", "notary", "react"),
    ("serve",),
    ("media",),
    ("upload",),
    ("frames",),
    ("detect",),
)
STOP_S = 10.0
STOPS = (signal.SIGINT, signal.SIGTERM)


def groups_for(media_processes: int, detect_processes: int = 1) -> tuple[tuple[str, ...], ...]:
    """What is run, with so many processes for media, and for detectors."""
    many: Mapping[tuple[str, ...], int] = {("media",): media_processes, ("detect",): detect_processes}
    return tuple(one for group in GROUPS for one in [group] * many.get(group, 1))


@asynccontextmanager
async def running(
    environment: Mapping[str, str], groups: Sequence[tuple[str, ...]]
) -> AsyncIterator[dict[str, asyncio.subprocess.Process]]:
    """Keeps the groups running while the body runs. Yields the processes by the name of their group.

    One that is there several times is named "media", "media 2" and so on. Detectors share the sessions.
    """
    children: dict[str, asyncio.subprocess.Process] = {}
    tasks = []
    for place, group in enumerate(groups):
        before, many = groups[:place].count(group), groups.count(group)
        own = {"VIGIL_DETECT_SHARE": f"{before + 1}/{many}"} if "detect" in group and many > 1 else {}
        tasks.append(asyncio.create_task(_keep(_name(group, before), group, {**environment, **own}, children)))
    try:
        yield children
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(_stop(child) for child in children.values()))


def _name(group: tuple[str, ...], before: int) -> str:
    return "+".join(group) + (f" {before + 1}" if before else "")


async def _keep(
    name: str, group: tuple[str, ...], environment: Mapping[str, str],
    children: dict[str, asyncio.subprocess.Process],
) -> None:  # fmt: skip
    pause_s = 0.2
    while True:
        began = asyncio.get_running_loop().time()
        try:
            child = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "vigil", "run", *group,
                env={**os.environ, **environment, "VIGIL_PARENT": str(os.getpid())}, start_new_session=True,
            )  # fmt: skip
        except OSError as error:  # out of memory, or of processes: that passes
            log.error("the process %s could not be started and is tried again: %s", name, error.strerror)  # noqa: TRY400
        else:
            children[name] = child
            code = await child.wait()
            log.error("the process %s ended with %s and is started again", name, code)
        long = asyncio.get_running_loop().time() - began > 30
        pause_s = 0.2 if long else min(pause_s * 2, 10.0)
        await asyncio.sleep(pause_s)


async def _stop(child: asyncio.subprocess.Process) -> None:
    if child.returncode is not None:
        return
    with suppress(ProcessLookupError):
        child.terminate()
    try:
        await asyncio.wait_for(child.wait(), STOP_S)
    except TimeoutError:
        log.warning("process %d did not stop in %.0f s and is killed", child.pid, STOP_S)
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()


async def until_stopped() -> None:
    """Returns when this process is asked to stop, by a signal or because the one that started it is gone.

    From then on it is stopping, and further signals change nothing.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in STOPS:
        loop.add_signal_handler(number, stop.set)
    parent = os.environ.get("VIGIL_PARENT")
    while not stop.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 1.0)
        if parent and os.getppid() != int(parent):
            break
    for number in STOPS:
        loop.remove_signal_handler(number)  # or the loop's end would make the next one kill this process
        signal.signal(number, signal.SIG_IGN)
