"""A real publisher's screen goes black, comes back, and ends while the camera goes on: of each one thing is said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.exam import Exam, under_way, until
from tests.e2e.installation import running
from vigil.demo.orders import Deed

pytestmark = pytest.mark.slow


@pytest.fixture
async def exam(tmp_path: Path) -> AsyncIterator[Exam]:
    async with running(tmp_path / "home") as place, under_way(place, 1) as exam:
        yield exam


_ENDED = dict.fromkeys(("no media arrives", "stopped"), "has ended")


async def test_a_screen_that_shows_nothing_and_one_that_ends_are_each_told_once_and_are_no_conduct(exam: Exam) -> None:
    async def wrong() -> dict[str, str]:
        """What is shown to be wrong, in words; that a busy machine sees less is another matter.

        Whether the end of a track or the want of media is noticed first is chance, and either is true.
        """
        row = await exam.live(exam.sessions[0])
        assert not row["open"]
        lost = {track: _ENDED.get(one["why"], one["why"]) for track, one in row["tracks"].items() if not one["up"]}
        faults = {what: one["why"] for what, one in row["faults"].items() if not what.startswith("detector ")}
        return lost | faults

    async def becomes(after: Deed, expected: dict[str, str], within_s: float) -> None:
        await exam.candidates.tell(after, 0)
        began = asyncio.get_running_loop().time()

        async def so() -> bool:
            seen.append(await wrong())
            return seen[-1] == expected

        seen: list[dict[str, str]] = []
        try:
            await until(after, so, within_s)
        except AssertionError as late:
            late.add_note(f"it is {seen[-1]}")
            raise
        print(f"{after}: {expected or 'all is well'} after {asyncio.get_running_loop().time() - began:.1f} s")

    await until("detectors that look", lambda: _well(wrong), 30)
    await becomes("blank_screen", {"screen_shows_nothing": "it is black"}, 45)
    await becomes("screen_again", {}, 30)
    await becomes("stop_share", {"screen": "has ended"}, 45)
    for _ in range(20):
        assert await wrong() == {"screen": "has ended"}, "and nothing else, for as long as it lasts"
        await asyncio.sleep(0.5)
    await becomes("share_again", {}, 45)
    await becomes("blank_screen", {"screen_shows_nothing": "it is black"}, 45)
    await becomes("stop_share", {"screen": "has ended"}, 30)  # of a share that has ended it is told no longer
    await becomes("share_again", {}, 45)
    await exam.candidates.tell("submit", 0)

    async def told() -> list[str] | None:
        row = await exam.account(exam.sessions[0])
        assert not row["incidents"]
        faults = [fault["what"] for fault in row["faults"] if not fault["what"].startswith("detector ")]
        return faults if row["seals"] else None

    faults = await until("the record", told, 30)
    assert sorted(faults) == ["screen", "screen", "screen_shows_nothing", "screen_shows_nothing"]


async def _well(wrong: object) -> bool:
    return not await wrong()  # type: ignore[operator]
