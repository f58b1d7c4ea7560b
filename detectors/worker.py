"""Takes pictures from NATS, looks at them, and tells the wiring what the rules say. So with sound.

Nothing here holds an exam up. When a model fails, or a core is overloaded, coverage says that less was seen.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg

from detectors.coverage import Counts
from detectors.hearing import Hearing
from detectors.kinds import KINDS
from detectors.known import AskSettings, Known
from detectors.listener import Listener
from detectors.outbox import Outbox
from detectors.pipeline import Pipeline, Shot
from detectors.report import Report, TellChange, TellFault
from detectors.sampler import Key, Sampler
from detectors.seat import LEAST_S, Seat
from detectors.seats import Seats
from detectors.seen import Observation
from detectors.settings import Settings
from detectors.share import Share
from domain.incidents import Provenance
from domain.messages import DetectorLoad, Picture
from domain.policy import DetectorKind

log = logging.getLogger(__name__)

SUBJECT = "vigil.picture.*.camera"


class Worker:
    """Looks at the camera pictures of its share of all sessions, on one thread beside the event loop."""

    def __init__(
        self, nats: Client, pipeline: Pipeline, *, settings: AskSettings, changed: TellChange, fault: TellFault,
        share: Share | None = None, outbox: Outbox | None = None, hearing: Hearing | None = None,
    ) -> None:  # fmt: skip
        """Three callbacks; the last two are repeated until they succeed, and must be safe to repeat.

        `settings(tenant, session)`: what holds now, or None when the session is not under observation (not in progress,
        or on a break); asked at most each second. `changed(tenant, session, change, evidence, provenance)`: what the
        rules say, in order for each session; the evidence is the JPEG in which a beginning or a peak was seen.
        `fault(tenant, session, detector, why)`: a detector fails on this session, or with None works again. As
        `sight` it tells that the camera shows too little, for one of the reasons in `domain/sight.py`, and as `hearing`
        that the microphone gives no sound.
        Without `hearing` nobody is listened to, and coverage says so.
        """
        self._nats, self._pipeline, self._hearing, self._share = nats, pipeline, hearing, share or Share()
        self._outbox, self._late_s = outbox or Outbox(), 0.0
        self._report = Report(self._provenance, changed, fault, self._outbox)
        self._known, self._sampler = Known(settings), Sampler()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="detectors")
        self._decoder = msgspec.msgpack.Decoder(Picture)
        self._seats = Seats(self._known, self._report)
        self._listener: Listener | None = None
        if hearing is not None:
            self._listener = Listener(
                nats, hearing, seats=self._seats, report=self._report, mine=self._share.has, thread=self._thread
            )

    async def run(self) -> None:
        """Works until it is cancelled; then delivers what it still has to say, for some seconds at most."""
        subscription = await self._nats.subscribe(SUBJECT, cb=self._received)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._look_on(), name="look at pictures")
                group.create_task(self._seats.ask_after(), name="ask after quiet sessions")
                if self._listener is not None:
                    group.create_task(self._listener.run(), name="listen to sound")
        finally:
            with contextlib.suppress(Exception):  # the connection may be gone already
                await subscription.unsubscribe()
            self._thread.shutdown(cancel_futures=True)
            await self._known.close()
            await self._report.close()

    def coverage(self, tenant: str, session: str) -> Mapping[DetectorKind, Counts]:
        """What was seen of a session so far, by kind; empty when it was never under observation here."""
        return self._report.coverage((tenant, session))

    def load(self) -> DetectorLoad:
        """How it keeps up."""
        return DetectorLoad(
            judged=self._report.judged, overloaded=self._report.lost, late_s=round(self._late_s, 3),
            waiting=self._sampler.waiting + (self._listener.waiting if self._listener else 0),
            undelivered=self._outbox.waiting, given_up=self._outbox.lost,
        )  # fmt: skip

    async def leave(self, tenant: str, session: str) -> None:
        """A session is over: what is open of it is told to be over, and that is waited for, some seconds at most."""
        self._seats.leave((tenant, session))
        await self._outbox.told((tenant, session))

    def forget(self, tenant: str, session: str) -> None:
        """Drops all that is remembered of a session that is over. Call once its coverage has been read."""
        self._seats.forget((tenant, session))
        self._report.forget((tenant, session))
        self._known.forget((tenant, session))

    async def _received(self, message: Msg) -> None:
        try:
            picture = self._decoder.decode(message.data)
        except msgspec.MsgspecError as error:
            log.warning("a message on %s is no picture: %s", message.subject, error)
            return
        if not self._share.has(picture.session):
            return
        lost = self._sampler.offer(picture)
        seat = self._seats.get((picture.tenant, picture.session))
        if lost is None or seat is None or not seat.due(lost.at):
            return
        if lost is picture or (picture.at - lost.at).total_seconds() >= LEAST_S:  # else it was not due
            self._report.overloaded((picture.tenant, picture.session), seat.settings, lost.at)

    async def _look_on(self) -> None:
        while True:
            pictures = await self._sampler.take_many(self._pipeline.at_once)
            seats = await asyncio.gather(*(self._seats.observed(_key(picture), picture.at) for picture in pictures))
            there = [(seat, picture) for seat, picture in zip(seats, pictures, strict=True) if seat is not None]
            if due := [(seat, picture) for seat, picture in there if seat.due(picture.at)]:
                await self._look(due)

    async def _look(self, due: list[tuple[Seat, Picture]]) -> None:
        """Looks at pictures of different sessions together, and tells of each by itself."""
        shots = [_shot(seat, picture) for seat, picture in due]
        seen = iter(await self._observe([shot for shot in shots if shot is not None]))
        for (seat, picture), shot in zip(due, shots, strict=True):
            self._tell(seat, picture, None if shot is None else next(seen))

    async def _observe(self, shots: list[Shot]) -> Sequence[Observation | Exception]:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._pipeline.observe_many, shots)
        except Exception as error:  # noqa: BLE001 - whatever fails on a picture, the exam goes on
            return [error] * len(shots)

    def _tell(self, seat: Seat, picture: Picture, seen: Observation | Exception | None) -> None:
        key, observation = _key(picture), Observation(session=picture.session, at=picture.at)
        if isinstance(seen, Observation):
            observation = seen
        elif seen is not None:
            self._report.failed(key, seen)
            observation = msgspec.structs.replace(observation, cannot_tell="detector_failed")
        if self._seats.get(key) is not seat:
            return  # it ended meanwhile
        self._late_s = max(0.0, (datetime.now(UTC) - observation.at).total_seconds())
        self._report.looked(key, observation)
        self._report.sampled(key, seat.settings, observation)
        self._report.seeing(key, seat.look(observation))
        self._report.changed(key, seat.settings, seat.step(observation, picture.jpeg), picture.jpeg)

    def _provenance(self, kind: DetectorKind, settings: Settings) -> Provenance:
        if KINDS[kind].source == "sound" and self._hearing is not None:
            return self._hearing.provenance(kind, settings)
        return self._pipeline.provenance(kind, settings)


def _key(picture: Picture) -> Key:
    return picture.tenant, picture.session


def _shot(seat: Seat, picture: Picture) -> Shot | None:
    """What is to be looked at; nothing where nobody may be, though the rules still close what is open."""
    if not seat.watched("camera"):
        seat.view.baseline = None
        return None
    return Shot(seat.view, picture.at, picture.jpeg, measure=seat.settings.watches("looking_away"))
