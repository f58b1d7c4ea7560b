"""Takes sound from NATS and listens to it, one batch at a time, beside the pictures and on their thread."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from concurrent.futures import Executor

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg

from detectors.hearing import Hearing, middle, until
from detectors.report import Report
from detectors.sampler import Key, Sampler
from detectors.seat import LEAST_S, Seat
from detectors.seats import Seats
from detectors.seen import Observation
from domain.messages import Sound

log = logging.getLogger(__name__)

SUBJECT = "vigil.sound.*.camera"


class Listener:
    """Listens to the sound of the sessions that are `mine`. What is said of them goes to the worker's own report."""

    def __init__(
        self, nats: Client, hearing: Hearing, *, seats: Seats, report: Report, mine: Callable[[str], bool],
        thread: Executor,
    ) -> None:  # fmt: skip
        self._nats, self._hearing, self._thread = nats, hearing, thread
        self._seats, self._report, self._mine = seats, report, mine
        self._sampler = Sampler[Sound]()
        self._decoder = msgspec.msgpack.Decoder(Sound)

    @property
    def waiting(self) -> int:
        return self._sampler.waiting

    async def run(self) -> None:
        """Works until it is cancelled."""
        subscription = await self._nats.subscribe(SUBJECT, cb=self._received)
        try:
            while True:
                await self._next()
        finally:
            with contextlib.suppress(Exception):  # the connection may be gone already
                await subscription.unsubscribe()

    async def _received(self, message: Msg) -> None:
        try:
            batch = self._decoder.decode(message.data)
        except msgspec.MsgspecError as error:
            log.warning("a message on %s is no sound: %s", message.subject, error)
            return
        if not self._mine(batch.session):
            return
        lost, key = self._sampler.offer(batch), (batch.tenant, batch.session)
        seat = self._seats.get(key)
        if lost is None or seat is None or not seat.due(middle(lost), "sound"):
            return
        if lost is batch or (batch.at - lost.at).total_seconds() >= LEAST_S:
            self._report.overloaded(key, seat.settings, middle(lost), "sound")

    async def _next(self) -> None:
        batch = await self._sampler.take()
        key = (batch.tenant, batch.session)
        seat = await self._seats.observed(key, batch.at)
        if seat is None:
            return
        if seat.ear.until is None:  # it may have begun before the observation did, as on a break
            seat.ear.until = until(batch)
        elif seat.due(middle(batch), "sound"):
            await self._listen(key, seat, batch)

    async def _listen(self, key: Key, seat: Seat, batch: Sound) -> None:
        observation = Observation(session=batch.session, at=middle(batch), source="sound")
        if seat.watched("sound"):  # else nobody may be listened to; the rules still close what is open
            loop = asyncio.get_running_loop()
            try:
                observation = await loop.run_in_executor(self._thread, self._hearing.listen, seat.ear, batch)
            except Exception as error:  # noqa: BLE001 - whatever fails on a batch, the exam goes on
                self._report.failed(key, error)
                observation = msgspec.structs.replace(observation, cannot_tell="detector_failed")
        if self._seats.get(key) is not seat:
            return  # it ended meanwhile
        observation = msgspec.structs.replace(observation, company=seat.company)
        self._report.looked(key, observation)
        self._report.sampled(key, seat.settings, observation)
        self._report.seeing(key, seat.look(observation), "sound")
        self._report.changed(key, seat.settings, seat.step(observation), None)
