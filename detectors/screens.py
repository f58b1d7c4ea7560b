"""Looks at shared screens for one thing only: whether they show anything at all.

One that is black or of one colour is a fault of the device, told like a camera that shows too little: a window that is
protected, a permission that was taken back, a machine that is locked, the wrong one of two displays. What else a screen
shows is not looked at, and one that does not change is nothing: people read.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import cv2
import msgspec
import numpy as np
from nats.aio.client import Client
from nats.aio.msg import Msg

from detectors import sight
from detectors.known import Known
from detectors.outbox import Outbox
from detectors.report import TellFault
from detectors.sampler import Key, Sampler
from domain.messages import Picture
from domain.sight import Blank

log = logging.getLogger(__name__)

SUBJECT = "vigil.picture.*.screen"
NAME = "screen"  # as which it is told, beside the names of detectors that fail
AskBlank = Callable[[str, str], Awaitable[bool | None]]
_NOISE = 12  # greys by which pixels of one colour may differ once they went through codecs
_TRACES = 0.0003  # of all pixels: a pointer or a clock is less, one line of text is more
_BLACK = 24  # greys
_OTHERS = np.ones(2 * _NOISE + 1)


def blank(jpeg: bytes) -> tuple[Blank, ...] | None:
    """Why a screen shows nothing, if so; None when the picture cannot be read."""
    try:
        grey = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    except cv2.error:  # as for no bytes at all
        return None
    if grey is None:
        return None
    counts = cv2.calcHist([grey], [0], None, [256], [0, 256]).ravel()
    alike = np.convolve(counts, _OTHERS, "same")
    if grey.size - alike.max() > _TRACES * grey.size:
        return ()
    return ("black",) if counts.argmax() < _BLACK else ("one_colour",)


class Screens:
    """Follows the screens of all sessions, beside the event loop and beside whoever looks at cameras."""

    def __init__(
        self, nats: Client, *, told: AskBlank, fault: TellFault, outbox: Outbox | None = None,
        mine: Callable[[str], bool] = lambda _: True,
    ) -> None:  # fmt: skip
        """Follows the sessions that are `mine`. The second callback is repeated until it succeeds: make it safe to.

        `told(tenant, session)`: whether it was told that the screen shows nothing, or None when the session is not in
        progress; asked at the first picture, and at those that show nothing. `fault(tenant, session, NAME, why)`: the
        screen shows nothing, for a reason in `domain/sight.py`, or with None something again.
        """
        self._nats, self._known, self._fault = nats, Known(told), fault
        self._outbox, self._sampler, self._mine = outbox or Outbox(), Sampler(), mine
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="screens")
        self._decoder = msgspec.msgpack.Decoder(Picture)
        self._seen: dict[Key, sight.Sight] = {}
        self._came_at: dict[Key, float] = {}

    async def run(self) -> None:
        """Works until it is cancelled; then delivers what it still has to say, for some seconds at most."""
        subscription = await self._nats.subscribe(SUBJECT, cb=self._received)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._look_on(), name="look at screens")
                group.create_task(self._let_go(), name="let go of screens that have ended")
        finally:
            with contextlib.suppress(Exception):  # the connection may be gone already
                await subscription.unsubscribe()
            self._thread.shutdown(cancel_futures=True)
            await self._known.close()
            await self._outbox.close()

    async def _received(self, message: Msg) -> None:
        try:
            picture = self._decoder.decode(message.data)
        except msgspec.MsgspecError as error:
            log.warning("a message on %s is no picture: %s", message.subject, error)
            return
        if self._mine(picture.session):
            self._sampler.offer(picture)

    async def _look_on(self) -> None:
        clock = asyncio.get_running_loop()
        while True:
            picture = await self._sampler.take()
            reasons = await clock.run_in_executor(self._thread, blank, picture.jpeg)
            if reasons is not None:
                await self._step((picture.tenant, picture.session), picture, reasons)

    async def _step(self, key: Key, picture: Picture, reasons: tuple[Blank, ...]) -> None:
        self._came_at[key] = asyncio.get_running_loop().time()
        state = self._seen.get(key)
        if state is None or state.told or reasons:  # of a screen that shows something nobody need be asked
            before = await self._known.current(key)
            if before is None:
                self._leave(key)
                return
            state = state or sight.Sight(told="unknown" if before else None)
        self._seen[key], told = sight.step(state, picture.at, reasons, sight.SCREEN)
        self._tell(key, told)

    async def _let_go(self) -> None:
        """Of screens whose pictures have stopped nothing is known; that they are not live is told elsewhere."""
        while True:
            await asyncio.sleep(1.0)
            since = asyncio.get_running_loop().time() - sight.SCREEN.gap_s
            for key in [key for key, came_at in self._came_at.items() if came_at < since]:
                self._leave(key)
                del self._came_at[key]
                self._known.forget(key)

    def _leave(self, key: Key) -> None:
        state = self._seen.pop(key, None)
        self._tell(key, "well" if state is not None and state.told else None)

    def _tell(self, key: Key, told: sight.Told) -> None:
        if told is not None:
            self._outbox.put(key, partial(self._fault, *key, NAME, None if told == "well" else told))
