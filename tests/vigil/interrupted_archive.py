"""A process that archives a session, or brings it back, and is killed on the way: at a point that a test names."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.vigil.archive_hall import back, taken
from tests.vigil.hall import Clocked, Hall
from vigil import archiving
from vigil.wiring import core


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dying(work: Callable[..., Awaitable[Any]], *, before: bool) -> Callable[..., Awaitable[Any]]:
    async def run(*args: Any, **more: Any) -> Any:  # noqa: ANN401 - whatever it is, it is handed through
        if not before:
            await work(*args, **more)
        die()

    return run


async def begin(settings: str, session: str, folder: Path, point: str) -> None:
    async with core(pickle.loads(Path(settings).read_bytes()), "archive") as here:
        hall = Hall(Clocked(**vars(here)))
        if point in ("written", "checked"):
            archiving._checked = dying(archiving._checked, before=point == "written")  # type: ignore[assignment]
        elif point == "told":
            archiving._say = dying(archiving._say, before=False)  # type: ignore[assignment]
        elif point == "back":
            archiving.say_back = dying(archiving.say_back, before=True)  # type: ignore[assignment]
            await back(hall, session, folder)
        await taken(hall, session, folder)
        die()


if __name__ == "__main__":
    asyncio.run(begin(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4]))
