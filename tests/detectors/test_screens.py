"""A screen that shows nothing is told, once it lasts; what it shows, and that it stands still, is nobody's business."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import cv2
import msgspec
import nats
import numpy as np
import pytest
import skimage.data
from nats.aio.client import Client
from numpy.typing import NDArray

from detectors import sight
from detectors.outbox import Outbox, Patience
from detectors.screens import SUBJECT, Screens, blank
from domain.messages import Picture
from tests.detectors.hall import START, TENANT, until

Image = NDArray[np.uint8]
ToJpeg = Callable[[Image], bytes]
LINE = "Discuss the causes of the First World War in no more than 800 words."


def plain(colour: int | tuple[int, int, int]) -> Image:
    return np.full((1080, 1920, 3), colour, np.uint8)


def written(picture: Image, text: str, colour: int, at: tuple[int, int] = (60, 60)) -> Image:
    return cv2.putText(
        picture.copy(), text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (colour,) * 3, 1, cv2.LINE_AA
    ).astype(np.uint8)  # fmt: skip


def pointed(picture: Image, colour: int) -> Image:
    arrow = np.array([(0, 0), (0, 17), (4, 13), (7, 19), (10, 18), (7, 12), (12, 12)]) + np.array((900, 500))
    return cv2.fillPoly(picture.copy(), [arrow], (colour,) * 3).astype(np.uint8)


def sent(picture: Image) -> Image:
    """As large as `frames` makes the picture of such a screen."""
    return cv2.resize(picture, (640, 360), interpolation=cv2.INTER_AREA).astype(np.uint8)


@pytest.mark.parametrize(("picture", "why"), [
    (plain(0), "black"), (plain(16), "black"), (pointed(plain(0), 255), "black"),
    (written(plain(0), "12:30", 255, (1840, 1060)), "black"),
    (plain(255), "one_colour"), (plain((200, 90, 20)), "one_colour"), (pointed(plain(200), 0), "one_colour"),
])  # fmt: skip
def test_a_screen_of_one_colour_shows_nothing_with_a_pointer_or_a_clock_too(
    picture: Image, why: str, to_jpeg: ToJpeg
) -> None:
    assert blank(to_jpeg(sent(picture))) == (why,)


@pytest.mark.parametrize("picture", [
    written(plain(255), LINE, 0), written(plain(30), LINE, 200), written(plain(0), LINE, 255),
    cv2.cvtColor(cv2.resize(skimage.data.page(), (1920, 1080)), cv2.COLOR_GRAY2BGR), skimage.data.hubble_deep_field(),
])  # fmt: skip
def test_one_line_of_text_is_something(picture: Image, to_jpeg: ToJpeg) -> None:
    assert blank(to_jpeg(sent(picture))) == ()


def test_noise_of_codecs_is_no_content(to_jpeg: ToJpeg) -> None:
    noise = np.random.default_rng(0).normal(0, 2, (360, 640, 1)).round().astype(np.int16)
    assert blank(to_jpeg(np.clip(noise + np.full((360, 640, 3), 3), 0, 255).astype(np.uint8))) == ("black",)
    assert blank(to_jpeg((noise + np.full((360, 640, 3), 140)).astype(np.uint8))) == ("one_colour",)


@pytest.mark.parametrize("data", [b"", b"nothing", b"\xff\xd8\xff"])
def test_what_cannot_be_read_says_nothing(data: bytes) -> None:
    assert blank(data) is None


@dataclass
class Hall:
    """Screens that are followed, and what is told of them."""

    connection: Client
    sessions: dict[str, bool | None] = field(default_factory=dict)
    said: list[tuple[str, str, str | None]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    away: bool = False
    second: dict[str, float] = field(default_factory=dict)

    async def told(self, tenant: str, session: str) -> bool | None:
        assert tenant == TENANT
        self.asked.append(session)
        return self.sessions.get(session, False)

    async def fault(self, tenant: str, session: str, detector: str, why: str | None) -> None:
        assert tenant == TENANT
        if self.away:
            raise ConnectionError("the database is away")
        self.said.append((session, detector, why))

    async def send(self, session: str, *jpegs: bytes) -> None:
        """One picture each six seconds of exam time, in order: none replaces one that waits."""
        for jpeg in jpegs:
            at = self.second[session] = self.second.get(session, 0.0) + 6.0
            picture = Picture(
                tenant=TENANT, session=session, track="screen", at=START + timedelta(seconds=at),
                width=640, height=360, jpeg=jpeg, thumbnail=b"",
            )  # fmt: skip
            await self.connection.publish(SUBJECT.replace("*", session), msgspec.msgpack.encode(picture))
            await self.connection.flush()
            await asyncio.sleep(0.05)


@pytest.fixture
async def hall(nats_url: str) -> AsyncIterator[Hall]:
    connection = await nats.connect(nats_url)
    here = Hall(connection)
    outbox = Outbox(Patience(first_wait_s=0.02, longest_wait_s=0.05))
    task = asyncio.create_task(Screens(connection, told=here.told, fault=here.fault, outbox=outbox).run())
    await asyncio.sleep(0)
    await connection.flush()
    yield here
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await connection.close()


@pytest.fixture(scope="session")
def black(to_jpeg: ToJpeg) -> bytes:
    return to_jpeg(sent(plain(0)))


@pytest.fixture(scope="session")
def page(to_jpeg: ToJpeg) -> bytes:
    return to_jpeg(sent(written(plain(255), LINE, 0)))


async def test_it_is_told_when_it_lasts_and_when_it_is_over(hall: Hall, black: bytes, page: bytes) -> None:
    await hall.send("anna", page, black, black, black)
    await hall.send("ben", page, page, page, page)
    assert hall.said == []
    await hall.send("anna", black)
    await until(lambda: hall.said == [("anna", "screen", "black")])
    await hall.send("anna", black, page)
    assert len(hall.said) == 1
    await hall.send("anna", page)
    await until(lambda: hall.said[1:] == [("anna", "screen", None)])


async def test_a_screen_that_stands_still_is_no_fault_and_nobody_is_asked_about_it(hall: Hall, page: bytes) -> None:
    await hall.send("anna", *[page] * 20)
    assert hall.said == []
    assert hall.asked == ["anna"]


async def test_who_is_not_observed_is_told_nothing_and_what_was_told_is_over(
    hall: Hall, black: bytes, page: bytes
) -> None:
    hall.sessions["anna"] = None
    await hall.send("anna", *[black] * 6)
    assert hall.said == []
    hall.sessions["anna"] = False
    await asyncio.sleep(1.1)  # what was answered holds for a second
    await hall.send("anna", *[black] * 4)
    await until(lambda: hall.said == [("anna", "screen", "black")])
    hall.sessions["anna"] = None  # a break
    await asyncio.sleep(1.1)
    await hall.send("anna", page)
    await until(lambda: hall.said[1:] == [("anna", "screen", None)])


async def test_what_an_earlier_worker_told_is_over_once_something_is_shown(
    hall: Hall, black: bytes, page: bytes
) -> None:
    hall.sessions["anna"] = True
    await hall.send("anna", black, black, page)
    assert hall.said == []
    await hall.send("anna", page)
    await until(lambda: hall.said == [("anna", "screen", None)])


async def test_of_a_share_that_has_ended_it_is_told_no_longer(
    hall: Hall, black: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hall.send("anna", *[black] * 4)
    await until(lambda: hall.said == [("anna", "screen", "black")])
    monkeypatch.setattr(sight, "SCREEN", sight.Patience(bear_s=sight.SCREEN.bear_s, gap_s=0.5, clear_s=5.0))
    await until(lambda: hall.said[1:] == [("anna", "screen", None)])


async def test_it_is_told_later_where_it_could_not_be_at_once(hall: Hall, black: bytes, page: bytes) -> None:
    hall.away = True
    await hall.connection.publish(SUBJECT.replace("*", "anna"), b"no picture")
    await hall.send("anna", b"nothing", *[black] * 4, page, page)
    assert hall.said == []
    hall.away = False
    await until(lambda: hall.said == [("anna", "screen", "black"), ("anna", "screen", None)])
