"""Somebody who watches one track of a session live by WHEP (draft-ietf-wish-whep), and all who do at one worker."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping

from domain.messages import MediaReply, Published, Refusal, Watch
from media.forward import Forward
from media.hooks import PeerCertificate
from media.link import Link, LinkEnd
from media.names import RecordingName
from media.offer import Offer, parse_offer
from media.port import MediaPort
from media.rtcp import parse_feedback
from media.rtp import RtpPacket
from media.track import Kind, ReceiveTrack
from media.vp8 import Vp8

logger = logging.getLogger(__name__)

LEASE_S = 15.0  # whoever may watch is asked about far more often; where nobody asks any more, the picture ends
VIEWERS_MAX = 16  # of one track: a few invigilators, each with a page or two

Tracks = Mapping[Kind, ReceiveTrack]


class Viewer:
    """Takes `offer` on `port`; sends nothing before it is connected. `on_end` is called once."""

    def __init__(
        self, offer: Offer, *, port: MediaPort, certificate: PeerCertificate, on_end: Callable[[Viewer], None]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_end = on_end
        self._link = Link(
            port,
            offer,
            certificate,
            on_rtp=_nothing,
            on_rtcp=self._on_rtcp,
            report=self._report,
            on_end=self._ended,
            on_connected=self._connected,
        )
        self._forwards = {s.kind: Forward(s, self._loop, self._link.send_rtp) for s in offer.streams}
        self._mids = {s.mid: s.kind for s in offer.streams}
        self._codec = offer.codec
        self._tracks: Tracks = {}
        self._closing: asyncio.Task[None] | None = None
        self.renew()

    async def open(self) -> str:
        """The SDP answer; from here on the viewer lives by itself."""
        return await self._link.answer({mid: self._forwards[kind].sources for mid, kind in self._mids.items()})

    def renew(self) -> None:
        self.until = self._loop.time() + LEASE_S

    def follow(self, tracks: Tracks) -> None:
        """What is shown from now on; nothing where there is none.

        What is in another codec than this viewer takes ends it: whoever watches has to offer anew.
        """
        if "video" in tracks and tracks["video"].codec.name != self._codec:
            self._closing = self._loop.create_task(self.close())
            return
        self._tracks = tracks
        if self._link.connected_at is not None:
            self._connected()

    async def close(self) -> None:
        await self._link.close()

    def _connected(self) -> None:
        for kind, forward in self._forwards.items():
            forward.follow(None if self._link.ended else self._tracks.get(kind))

    def _ended(self, why: LinkEnd) -> None:
        for forward in self._forwards.values():
            forward.follow(None)
        self._on_end(self)
        if why != "stopped":
            self._closing = self._loop.create_task(self.close())

    def _report(self) -> bytes:
        return b"".join(forward.report() for forward in self._forwards.values())

    def _on_rtcp(self, data: bytes) -> None:
        for asked in parse_feedback(data):
            for forward in self._forwards.values():
                if forward.sources.ssrc == asked.ssrc:
                    forward.send_again(asked.sequences)
                    if asked.keyframe:
                        forward.want_keyframe()


class Viewers:
    """Everybody who watches at this worker, by the name that the front door gave them."""

    def __init__(self, port: MediaPort, certificate: PeerCertificate, worker: str) -> None:
        self._port, self._certificate, self._worker = port, certificate, worker
        self._viewers: dict[str, tuple[RecordingName, Viewer]] = {}

    def __len__(self) -> int:
        return len(self._viewers)

    async def watch(self, request: Watch, recording: RecordingName, tracks: Tracks) -> MediaReply:
        """Raises `OfferRefused`."""
        shown = tracks["video"].codec if "video" in tracks else Vp8()
        sound = request.track == "camera"
        offer = parse_offer(request.sdp, sound=sound, watching=True, codec=shown.name, profile=shown.profile)
        if Counter(name for name, _ in self._viewers.values())[recording] >= VIEWERS_MAX:
            return Refusal(field="track", rule=f"is watched by {VIEWERS_MAX} already", status=409)
        viewer = Viewer(
            offer, port=self._port, certificate=self._certificate, on_end=lambda _: self._forget(request.viewer)
        )
        self._viewers[request.viewer] = recording, viewer
        try:
            answer = await viewer.open()
        except BaseException:
            self._forget(request.viewer)
            raise
        viewer.follow(tracks)
        return Published(sdp=answer, worker=self._worker, codec=offer.codec)

    def follow(self, recording: RecordingName, tracks: Tracks) -> None:
        """The candidate has connected anew, or is gone."""
        for watched, viewer in self._viewers.values():
            if watched == recording:
                viewer.follow(tracks)

    def renew(self, name: str) -> bool:
        """Whether there is such a viewer, who may go on watching for `LEASE_S`."""
        if (found := self._viewers.get(name)) is None:
            return False
        found[1].renew()
        return True

    async def stop(self, name: str) -> None:
        if (found := self._viewers.get(name)) is not None:
            await found[1].close()

    async def stop_all(self) -> None:
        await asyncio.gather(*(viewer.close() for _, viewer in tuple(self._viewers.values())))

    def over(self, now: float) -> list[str]:
        """Whose lease has run out."""
        return [name for name, (_, viewer) in self._viewers.items() if viewer.until < now]

    def _forget(self, name: str) -> None:
        self._viewers.pop(name, None)


def _nothing(_: RtpPacket) -> None:
    """A viewer has nothing to send."""
