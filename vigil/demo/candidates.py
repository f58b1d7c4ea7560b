"""The demo's candidates, in a process of their own: they do over HTTP and WebRTC what a browser would do.

Reads one JSON order a line from standard input and writes one JSON answer a line to standard output, so that the story
can say when a second person comes in or a network breaks.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import msgspec
import uvloop

from domain.phase import Track
from media.clips import Clip, blank_clip, screen_clip, sound_clip
from media.publisher import Publisher, PublishRefused
from vigil.demo.orders import API, Answer, Order
from vigil.demo.people import calm, second_person
from vigil.demo.sse import follow

_TRACKS: tuple[Track, ...] = ("camera", "screen")  # in which order they are published


class Sight(NamedTuple):
    """What a candidate's devices send: camera, camera with a second person, screen, screen without content, sound."""

    camera: Clip
    two: Clip
    screen: Clip
    blank: Clip
    sound: Clip


class Candidate:
    """One candidate and their browser."""

    def __init__(self, number: int, base: str, sight: Sight) -> None:
        self._number = number
        self._sight = sight
        self._http = httpx.AsyncClient(base_url=base, timeout=20)
        self._session = ""
        self._token = ""
        self._receipt = ""
        self._publishers: list[Publisher] = []
        self._listening: asyncio.Task[None] | None = None

    async def do(self, order: Order) -> Answer:
        """Does one thing, and says so."""
        works: dict[str, Callable[[], Awaitable[None]]] = {
            "publish": self._publish,
            "second_person": lambda: self._show(self._sight.two),
            "alone_again": lambda: self._show(self._sight.camera),
            "blank_screen": lambda: self._show(self._sight.blank, "screen"),
            "screen_again": lambda: self._show(self._sight.screen, "screen"),
            "stop_share": self._stop_share,
            "share_again": self._share_again,
            "cut": self._cut,
            "come_back": self._publish,
            "submit": self._submit,
            "receipt": self._take_receipt,
        }
        await (self._join(order.link) if order.do == "join" else works[order.do]())
        return Answer(do=order.do, candidate=self._number, ok=True, session=self._session, receipt=self._receipt)

    async def close(self) -> None:
        if self._listening:
            self._listening.cancel()
        for publisher in self._publishers:
            with contextlib.suppress(Exception):  # the server may be gone already
                await publisher.stop()
        await self._http.aclose()

    async def _join(self, link: str) -> None:
        """Join link, notice, system check, start: the whole onboarding, or what is left of it."""
        device = sha256(link.encode()).hexdigest()  # the same when this process is started again
        joined = await self._post("/join", {"token": urlsplit(link).fragment, "device": device})
        self._session, self._token = joined["session"], joined["token"]
        self._http.headers["Authorization"] = f"Bearer {self._token}"
        mine = f"/sessions/{self._session}"
        told = await self._get(mine)
        if told["clock"]["started_at"] is None:
            await self._come_in(mine, told["notice"])
        self._listening = asyncio.create_task(self._listen())

    async def _come_in(self, mine: str, notice: Any) -> None:
        await self._post(f"{mine}/notice", {"policy_version": notice["policy_version"], "sha256": notice["sha256"]})
        checks = [{"name": n, "passed": True} for n in ("browser", "camera", "microphone", "screen", "network")]
        await self._post(f"{mine}/system-check", {"checks": checks})
        await self._post(f"{mine}/start", None)

    async def _publish(self) -> None:
        sight = self._sight
        for track, video, sound in zip(_TRACKS, (sight.camera, sight.screen), (sight.sound, None), strict=True):
            self._publishers.append(await self._connect(self._whip(track), video, sound))
        for publisher in self._publishers:
            await publisher.connected()

    def _whip(self, track: Track) -> str:
        return f"{str(self._http.base_url).rstrip('/')}{API}/sessions/{self._session}/whip/{track}"

    async def _connect(self, url: str, video: Clip, sound: Clip | None) -> Publisher:
        """Asks again for a while when no media worker is there, as the answer tells (503, Retry-After)."""
        for tries_left in reversed(range(20)):
            publisher = Publisher(url, self._token, video, sound)
            try:
                return await publisher.__aenter__()
            except PublishRefused as refused:
                if refused.status != httpx.codes.SERVICE_UNAVAILABLE or not tries_left:
                    raise
                await asyncio.sleep(1)
        raise AssertionError("the last try returns or raises")

    async def _show(self, clip: Clip, track: Track = "camera") -> None:
        self._publishers[_TRACKS.index(track)].show(clip)

    async def _stop_share(self) -> None:
        """The screen is shared no longer; the camera goes on."""
        await self._publishers.pop(_TRACKS.index("screen")).stop()

    async def _share_again(self) -> None:
        self._publishers.append(await self._connect(self._whip("screen"), self._sight.screen, None))
        await self._publishers[-1].connected()

    async def _cut(self) -> None:
        publishers, self._publishers = self._publishers, []
        for publisher in publishers:
            await publisher.cut()

    async def _publish_again(self, *, draining: bool) -> None:
        """A process that drains keeps what it has until the next has it."""
        if not draining:
            await self._cut()
        before, self._publishers = self._publishers, []
        await self._publish()
        for publisher in before:
            await publisher.stop()

    async def _submit(self) -> None:
        await self._post(f"/sessions/{self._session}/submit", None)
        publishers, self._publishers = self._publishers, []
        for publisher in publishers:
            await publisher.stop()

    async def _take_receipt(self) -> None:
        self._receipt = (await self._get(f"/sessions/{self._session}/receipt"))["seal"]["root"]

    async def _listen(self) -> None:
        """Answers what the invigilator writes, says how far each intervention came, and publishes again if told to."""
        mine = f"/sessions/{self._session}"
        async for event in follow(self._http, f"{API}{mine}/stream"):
            if event.name == "publish_again" and self._publishers:
                await self._publish_again(draining=event.data["draining"])
            for patch in event.data if isinstance(event.data, list) else [event.data]:
                await self._react(mine, patch)

    async def _react(self, mine: str, patch: dict[str, Any]) -> None:
        match patch:
            case {"kind": "message", "side": "invigilator", "read": False, "message": message}:
                await self._post(f"{mine}/messages/{message}/read", None)
                await self._post(f"{mine}/messages", {"text": "Yes, I can hear you. Thank you!"})
            case {"kind": "intervention", "stage": "requested", "intervention": intervention}:
                for stage in ("delivered", "acknowledged", "applied"):
                    await self._post(f"{mine}/interventions/{intervention}/progress", {"stage": stage})

    async def _get(self, path: str) -> Any:
        response = await self._http.get(f"{API}{path}")
        response.raise_for_status()
        return response.json()

    async def _post(self, path: str, body: object) -> Any:
        response = await self._http.post(f"{API}{path}", json=body)
        if response.is_error:
            raise RuntimeError(f"POST {path} answered {response.status_code}: {response.text[:300]}")
        return response.json() if response.content else None


async def main() -> None:
    """Serves orders until standard input ends. Arguments: where Vigil is, how many sit, perhaps a folder of clips."""
    base, count, clips = sys.argv[1], int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None
    cameras = await asyncio.to_thread(calm, count, clips)
    two = await asyncio.to_thread(second_person, clips)
    screen, blank, sound = [await asyncio.to_thread(make) for make in (screen_clip, blank_clip, sound_clip)]
    seats = [Candidate(n, base, Sight(cameras[n % len(cameras)], two, screen, blank, sound)) for n in range(count)]
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    _say(Answer(do="ready", candidate=-1, ok=True))
    async with asyncio.TaskGroup() as group:
        while line := await reader.readline():
            group.create_task(_obey(seats, msgspec.json.decode(line, type=Order)))
    await asyncio.gather(*(seat.close() for seat in seats))


async def _obey(seats: list[Candidate], order: Order) -> None:
    try:
        _say(await seats[order.candidate].do(order))
    except Exception as error:  # noqa: BLE001 - the story is told, and decides
        _say(Answer(do=order.do, candidate=order.candidate, ok=False, error=f"{type(error).__name__}: {error}"))


def _say(answer: Answer) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    uvloop.run(main())
