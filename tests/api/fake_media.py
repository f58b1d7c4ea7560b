"""A media worker as NATS sees it: it beats, answers offers and hang-ups, and remembers them. It takes no media."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import msgspec
from nats.aio.client import Client as Nats
from nats.aio.msg import Msg

from domain.messages import (
    Done,
    Hangup,
    KeepWatching,
    LiveTrack,
    MediaBeat,
    MediaReply,
    MediaRequest,
    Publish,
    Published,
    Refusal,
    StopWatching,
    Watch,
)


class FakeMedia:
    """`async with FakeMedia(nats, "w1")`; `refusal` is what it answers instead of taking an offer, once.

    With `mute` it takes the next offer and its answer gets lost.
    """

    def __init__(self, nats: Nats, worker: str) -> None:
        self._nats, self.worker = nats, worker
        self.published: list[Publish] = []
        self.hung_up: list[Hangup] = []
        self.watched: list[Watch] = []
        self.vouched: list[str] = []
        self.stopped: list[str] = []
        self.tracks: tuple[LiveTrack, ...] = ()  # what it says that it holds
        self.refusal: Refusal | None = None
        self.mute = False
        self._offers: dict[tuple[str, str, int], str] = {}

    async def __aenter__(self) -> Self:
        self._asked = await self._nats.subscribe(f"vigil.media.{self.worker}", cb=self._answer)
        self._beating = asyncio.create_task(self._beat())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._beating.cancel()
        await self._asked.unsubscribe()

    async def _beat(self) -> None:
        while True:
            beat = MediaBeat(worker=self.worker, at=datetime.now(UTC), tracks=self.tracks)
            await self._nats.publish("vigil.beat", msgspec.msgpack.encode(beat))
            await asyncio.sleep(0.2)

    async def _answer(self, message: Msg) -> None:
        reply: MediaReply
        match msgspec.msgpack.decode(message.data, type=MediaRequest):
            case Publish() as offer if "m=video" not in offer.sdp:
                reply = Refusal(field="sdp", rule="the offer has no video")
            case Publish() as offer if self._taken(offer) != offer.sdp:
                reply = Refusal(field="connection", rule="was opened by another offer", status=409)
            case Publish() as offer:
                reply, self.refusal = self.refusal or Published(sdp=f"v=0 {len(offer.sdp)}", worker=self.worker), None
                self.published.append(offer)
                if self.mute:
                    self.mute = False
                    return
            case Hangup() as order:
                self.hung_up.append(order)
                reply = Done()
            case Watch() as watch if "m=video" not in watch.sdp:
                reply = Refusal(field="sdp", rule="the offer has no video")
            case Watch() as watch:
                reply, self.refusal = self.refusal or Published(sdp="v=0 watch", worker=self.worker), None
                self.watched.append(watch)
            case KeepWatching(viewer=viewer) if viewer in self.stopped:
                reply = Refusal(field="viewer", rule="is not here any more", status=404)
            case KeepWatching(viewer=viewer):
                self.vouched.append(viewer)
                reply = Done()
            case StopWatching(viewer=viewer):
                self.stopped.append(viewer)
                reply = Done()
        await message.respond(msgspec.msgpack.encode(reply))

    def _taken(self, offer: Publish) -> str:
        """The offer that opened this connection."""
        return self._offers.setdefault((offer.session, offer.track, offer.connection), offer.sdp)
