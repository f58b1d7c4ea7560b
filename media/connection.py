"""One connection of a recording, from the answered offer to its end: peer, recorder and spool put together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from domain.messages import Sound, Track, VideoCodec
from domain.segment import Why
from media.connection_spool import ConnectionSpool
from media.h264 import byte_stream
from media.hooks import PeerCertificate
from media.link import LinkEnd
from media.names import RecordingName
from media.offer import Offer
from media.peer import Peer
from media.port import MediaPort
from media.recorder import Recorder
from media.sound_feed import Batches
from media.track import EncodedFrame, Kind, ReceiveTrack

logger = logging.getLogger(__name__)

SILENCE_S = 3.0  # without any packet
PICTURELESS_S = 10.0  # without a picture, though sound comes: by then some eight requests for one have gone unanswered
KEYFRAME_EVERY_S: dict[Track, float] = {"camera": 2.0, "screen": 6.0}
_QUIET_S = 1.0
_WHY: dict[LinkEnd, Why] = {"failed": "lost", "lost": "lost", "closed": "stopped", "stopped": "stopped"}


class Keyframe(NamedTuple):
    """One key frame and when it was sent, in wall time. Decodable alone: H.264 is a byte stream."""

    at: datetime
    codec: VideoCodec
    data: bytes


class Sealing(NamedTuple):
    """What recording needs: the subject's media key for this session, and the connection's folder."""

    data_key: bytes
    spool: ConnectionSpool


class Connection:
    """Takes `offer` on `port`. Without `sealing` nothing is written. `on_end` is called once.

    `on_keyframe` gets each key frame of the video, `on_sound` what is recorded of the sound, in batches.
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
        on_sound: Callable[[Sound], None] | None = None,
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
        self._video = next(s.track for s in self._peer.streams if s.track.kind == "video")
        self._recorder = sealing and Recorder(
            recording,
            number,
            data_key=sealing.data_key,
            store=sealing.spool,
            clocks=clocks,
            wall=self.wall,
            packets_lost=lambda: self.packets_lost,
            want_keyframe=self._video.request_keyframe,
        )
        self._sound = Batches(recording, self._sent_at, on_sound) if on_sound else None
        for stream in self._peer.streams:
            stream.track.frame_sinks.append(self._on_frame)

    @property
    def tracks(self) -> dict[Kind, ReceiveTrack]:
        return {stream.track.kind: stream.track for stream in self._peer.streams}

    async def open(self) -> str:
        """The SDP answer; from here on the connection lives by itself."""
        self.answer = await self._peer.answer()
        return self.answer

    async def end(self, why: Why) -> None:
        """Ends the connection for this reason, unless it ended before."""
        self._finish(why)
        await self._peer.close()

    def tick(self) -> None:
        """To be called each second: flushes, and ends the connection when nothing came for `SILENCE_S`, or no picture
        for `PICTURELESS_S`.
        """
        with self._ending_if_broken():
            now = self._loop.time()
            if self._recorder is not None:
                self._recorder.tick(now)
            packet_at, picture_at = self._peer.media_at, self._picture_at
            if packet_at is None or picture_at is None:
                return
            if now - packet_at > SILENCE_S or now - picture_at > PICTURELESS_S:
                self._peer_ended("lost")
            elif now - picture_at > _QUIET_S:  # a still screen may have nothing to send until it is asked
                self._video.request_keyframe()

    def wall(self, at: float) -> datetime:
        """Loop time as wall time. The offset is taken once: setting the clock leaves no hole in a recording."""
        return self._epoch + timedelta(seconds=at)

    @property
    def media_at(self) -> datetime | None:
        """When the last picture came, at first when the connection stood; None before that. Sound alone is no proof."""
        return None if self._picture_at is None else self.wall(self._picture_at)

    @property
    def packets_lost(self) -> int:
        return sum(s.track.packets_lost for s in self._peer.streams)

    @property
    def _picture_at(self) -> float | None:
        return self._video.frame_at or self._peer.connected_at

    def _on_frame(self, frame: EncodedFrame) -> None:
        with self._ending_if_broken():
            if self._recorder is not None:
                self._recorder.on_frame(frame)
            if frame.kind == "audio":
                if self._sound is not None and self._recorder is not None and self._recorder.writes:
                    self._sound.add(frame)
            elif frame.keyframe:
                codec = self._video.codec.name
                data = byte_stream(frame.data) if codec == "H264" else frame.data
                self._on_keyframe(Keyframe(self._sent_at(frame), codec, data))

    def _sent_at(self, frame: EncodedFrame) -> datetime:
        return self.wall(self._clocks[frame.kind].time(frame.ticks, frame.arrival))

    @contextmanager
    def _ending_if_broken(self) -> Iterator[None]:
        """Whatever breaks, other connections go on, and this one says that it ended: the page connects anew."""
        try:
            yield
        except Exception:
            logger.exception("a connection broke")
            self._peer_ended("failed")

    def _peer_ended(self, why: LinkEnd) -> None:
        if not self._ended:
            self._finish(_WHY[why])
            self._closing = self._loop.create_task(self._peer.close())

    def _finish(self, why: Why) -> None:
        if self._ended:
            return
        self._ended = True
        if self._recorder is not None and self._sealing is not None:
            at = (self._picture_at if why == "lost" else None) or self._loop.time()
            gap_why: Why | None = None
            try:
                gap_why = self._recorder.close(at)
            except Exception:  # the spool keeps what was written, and the others must not notice
                logger.exception("the last segment of a connection could not be finished")
            self._sealing.spool.end(self.wall(at), why, gap_why)
        self._on_end(self)
