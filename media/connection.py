"""One connection of a recording, from the answered offer to its end: peer, recorder and spool put together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from domain.messages import Track
from domain.recording import Why
from media.hooks import PeerCertificate
from media.names import RecordingName
from media.offer import Offer
from media.peer import Peer, PeerEnd
from media.port import MediaPort
from media.recorder import Recorder
from media.spool import ConnectionSpool
from media.track import EncodedFrame

logger = logging.getLogger(__name__)

SILENCE_S = 3.0
KEYFRAME_EVERY_S: dict[Track, float] = {"camera": 2.0, "screen": 6.0}
_QUIET_S = 1.0
_WHY: dict[PeerEnd, Why] = {"failed": "lost", "lost": "lost", "closed": "stopped", "stopped": "stopped"}


class Keyframe(NamedTuple):
    """One key frame and when it was sent, in wall time."""

    at: datetime
    data: bytes


class Sealing(NamedTuple):
    """What recording needs: the subject's media key for this session, and the connection's folder."""

    data_key: bytes
    spool: ConnectionSpool


class Connection:
    """Takes `offer` on `port`. Without `sealing` nothing is written. `on_end` is called once.

    `on_keyframe` gets each key frame of the video.
    """

    def __init__(
        self,
        recording: RecordingName,
        number: int,
        *,
        port: MediaPort,
        offer: Offer,
        certificate: PeerCertificate,
        sealing: Sealing | None,
        on_keyframe: Callable[[Keyframe], None],
        on_end: Callable[[Connection], None],
    ) -> None:
        loop = asyncio.get_running_loop()
        self.recording, self.number = recording, number
        self.answer = ""
        self._loop, self._on_keyframe, self._on_end = loop, on_keyframe, on_end
        self._epoch = datetime.now(UTC) - timedelta(seconds=loop.time())
        self._sealing = sealing
        self._ended = False
        every_s = KEYFRAME_EVERY_S[recording.track]
        self._peer = Peer(port, offer, certificate, on_end=self._peer_ended, keyframe_every_s=every_s)
        clocks = {s.track.kind: s.clock for s in self._peer.streams}
        self._clocks = clocks
        self._recorder = sealing and Recorder(
            recording,
            number,
            data_key=sealing.data_key,
            store=sealing.spool,
            clocks=clocks,
            wall=self.wall,
            packets_lost=lambda: self.packets_lost,
        )
        for stream in self._peer.streams:
            stream.track.frame_sinks.append(self._on_frame)

    async def open(self) -> str:
        """The SDP answer; from here on the connection lives by itself."""
        self.answer = await self._peer.answer()
        return self.answer

    async def end(self, why: Why) -> None:
        """Ends the connection for this reason, unless it ended before."""
        self._finish(why)
        await self._peer.close()

    def tick(self) -> None:
        """To be called each second: flushes, and ends the connection when no media came for `SILENCE_S`."""
        now = self._loop.time()
        if self._recorder is not None:
            with self._ending_if_broken():
                self._recorder.tick(now)
        quiet = 0.0 if self._peer.media_at is None else now - self._peer.media_at
        if quiet > SILENCE_S:
            self._peer_ended("lost")
        elif quiet > _QUIET_S:  # a still screen may have nothing to send until it is asked
            for stream in self._peer.streams:
                stream.track.request_keyframe()

    def wall(self, at: float) -> datetime:
        """Loop time as wall time. The offset is taken once: setting the clock leaves no hole in a recording."""
        return self._epoch + timedelta(seconds=at)

    @property
    def media_at(self) -> datetime | None:
        """When the last packet came; None before the connection stood."""
        return None if self._peer.media_at is None else self.wall(self._peer.media_at)

    @property
    def packets_lost(self) -> int:
        return sum(s.track.packets_lost for s in self._peer.streams)

    def _on_frame(self, frame: EncodedFrame) -> None:
        with self._ending_if_broken():
            if self._recorder is not None:
                self._recorder.on_frame(frame)
            if frame.kind == "video" and frame.keyframe:
                at = self.wall(self._clocks["video"].time(frame.ticks, frame.arrival))
                self._on_keyframe(Keyframe(at, frame.data))

    @contextmanager
    def _ending_if_broken(self) -> Iterator[None]:
        """Whatever breaks, other connections go on, and this one says that it ended: the page connects anew."""
        try:
            yield
        except Exception:
            logger.exception("a connection broke")
            self._peer_ended("failed")

    def _peer_ended(self, why: PeerEnd) -> None:
        if not self._ended:
            self._finish(_WHY[why])
            self._closing = self._loop.create_task(self._peer.close())

    def _finish(self, why: Why) -> None:
        if self._ended:
            return
        self._ended = True
        if self._recorder is not None and self._sealing is not None:
            try:
                self._recorder.close()
            except Exception:  # the spool keeps what was written, and the others must not notice
                logger.exception("the last segment of a connection could not be finished")
            at = self.media_at if why == "lost" else None
            self._sealing.spool.end(at or datetime.now(UTC), why)
        self._on_end(self)
