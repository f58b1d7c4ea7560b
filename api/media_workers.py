"""The media workers that are alive, as their beats tell, and which one takes a session."""

from __future__ import annotations

import logging
import time
from hashlib import sha256

import msgspec
from nats.aio.client import Client as Nats
from nats.aio.msg import Msg

from domain.messages import MediaBeat

log = logging.getLogger(__name__)

SILENT_S = 2.0


class MediaWorkers:
    """The last beat of each worker, by this process's own clock."""

    def __init__(self) -> None:
        self._beats: dict[str, tuple[float, MediaBeat]] = {}

    async def listen(self, nats: Nats) -> None:
        await nats.subscribe("vigil.beat", cb=self._heard)

    def heard(self, beat: MediaBeat) -> None:
        self._beats[beat.worker] = (time.monotonic(), beat)

    def alive(self) -> list[MediaBeat]:
        now = time.monotonic()
        self._beats = {name: (at, beat) for name, (at, beat) in self._beats.items() if now - at < 60}
        return [beat for at, beat in self._beats.values() if now - at < SILENT_S]

    def lives(self, worker: str) -> bool:
        return any(beat.worker == worker for beat in self.alive())

    def leaving(self, session: str, *, silence_counts: bool) -> MediaBeat | None:
        """The last beat of the worker that has, or had, this session, if it should be with another.

        That is so when it drains and there is another; or when it is silent, for a minute at most, and `silence_counts`
        because we would have heard it.
        """
        alive = self.alive()
        staying = [beat for beat in alive if not beat.draining]
        if any(_holds(beat, session) for beat in (staying or alive)):
            return None
        theirs = next((beat for _, beat in self._beats.values() if _holds(beat, session)), None)
        return theirs if silence_counts or theirs in alive else None

    def pick(self, session: str) -> str | None:
        """The worker that holds this session already, else one by its name; None when none is alive.

        By rendezvous hashing (Thaler and Ravishankar, 1998): every node sends both tracks of a session to the same
        worker, and many sessions that begin in the same second are spread, without anybody being asked.
        """
        alive = [beat for beat in self.alive() if not beat.draining] or self.alive()
        for beat in alive:
            if _holds(beat, session):
                return beat.worker
        return max((beat.worker for beat in alive), key=lambda worker: _weight(worker, session), default=None)

    async def _heard(self, message: Msg) -> None:
        try:
            self.heard(_decoder.decode(message.data))
        except msgspec.MsgspecError:
            log.warning("a beat that cannot be read was ignored")


def _holds(beat: MediaBeat, session: str) -> bool:
    return any(track.session == session for track in beat.tracks)


def _weight(worker: str, session: str) -> bytes:
    return sha256(f"{worker}\n{session}".encode()).digest()


_decoder = msgspec.msgpack.Decoder(MediaBeat)
