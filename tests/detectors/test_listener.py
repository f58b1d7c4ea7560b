"""A worker that listens, over a real NATS server and with the real weights: what it tells, and what cannot stop it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import timedelta

import nats
import numpy as np
import pytest
from msgspec import msgpack
from msgspec.structs import asdict, replace
from nats.aio.client import Client
from numpy.typing import NDArray

from detectors.changes import Closed, Opened
from detectors.hearing import Hearing
from detectors.pipeline import Pipeline
from detectors.report import RECOVERED
from detectors.settings import Settings, StillOpen
from detectors.share import Share
from domain.messages import Sound
from domain.policy import DetectorSetting
from tests.detectors import speech
from tests.detectors.hall import START, TENANT, Hall, Wiring, hall, until
from tests.detectors.speech import batches, opus

LISTENS = Settings(detectors=(DetectorSetting(kind="voice"), DetectorSetting(kind="several_people")))
SPOKEN, QUIET, OFF = (opus(wave) for wave in (speech.speech(2), speech.noise(2, 0.0005), speech.silence(2)))


@pytest.fixture
async def connection(nats_url: str) -> AsyncIterator[Client]:
    client = await nats.connect(nats_url)
    yield client
    await client.close()


@pytest.fixture(scope="session")
def ears() -> Hearing:
    return Hearing.load()


def said(pattern: str, session: str = "anna", start_s: float = 0.0) -> list[Sound]:
    """A batch for each letter: `v` a voice, `.` quiet, `o` a microphone that is off.

    The first is passed over: it may be from before.
    """
    packets = [packet for one in pattern for packet in {"v": SPOKEN, ".": QUIET, "o": OFF}[one]]
    return list(batches(packets, session=session, start=START + timedelta(seconds=start_s)))


async def send(room: Hall, sounds: Iterable[Sound], *, wait: bool = True) -> None:
    """Sends batches one after the other; waits until each was listened to, but for the first of a session."""
    for one in sounds:
        due = heard(room, one.session).get("due", 0)
        await room.connection.publish(f"vigil.sound.{one.session}.camera", msgpack.encode(one))
        await room.connection.flush()
        if not wait:
            continue
        if not met(room, one.session):
            await until(lambda one=one: met(room, one.session))
        else:
            await until(lambda one=one, due=due: heard(room, one.session).get("due", 0) > due)


def met(room: Hall, session: str) -> bool:
    """Whether the batch that is passed over has been."""
    seat = room.worker._seats.get((TENANT, session))
    return seat is not None and seat.ear.until is not None


def heard(room: Hall, session: str = "anna") -> dict[str, float]:
    counted = room.worker.coverage(TENANT, session).get("voice")
    return asdict(counted) if counted is not None else {}


def counts(room: Hall, session: str = "anna") -> dict[str, float]:
    names = ("due", "taken", "cannot_tell", "overloaded", "muted")
    return {name: heard(room, session)[name] for name in names}


def wired(**answers: Settings | None) -> Wiring:
    return Wiring(answers=dict(answers))


async def test_somebody_who_speaks_opens_an_incident_without_a_picture_and_quiet_closes_it(
    connection: Client, pipeline: Pipeline, ears: Hearing
) -> None:
    async with hall(connection, pipeline, wired(anna=LISTENS), hearing=ears) as room:
        await send(room, said("..vvvv....."))
        await until(lambda: len(room.wiring.changes) == 2)
    (session, opened, evidence, provenance), (_, closed, nothing, _) = room.wiring.changes
    assert (session, evidence, nothing) == ("anna", None, None)
    assert isinstance(opened, Opened)
    assert isinstance(closed, Closed)
    assert (opened.kind, opened.severity) == ("voice", "info")
    assert opened.started_at == START + timedelta(seconds=5)  # the middle of the batch from 4 to 6
    assert opened.at == START + timedelta(seconds=9)
    assert opened.raw_score >= opened.threshold == 0.5
    assert set(provenance.weights) == {"silero_vad_16k_sequence"}
    assert (closed.incident, closed.why) == (opened.incident, "clear")
    assert closed.ended_at == START + timedelta(seconds=11)
    assert counts(room) == {"due": 10, "taken": 10, "cannot_tell": 0, "overloaded": 0, "muted": 0}
    assert heard(room)["seen_s"] == 18.0


@pytest.mark.parametrize("pattern", ["..v....v..", "..vv.....", "..v..v.."])
async def test_a_word_now_and_then_is_nothing(
    connection: Client, pipeline: Pipeline, ears: Hearing, pattern: str
) -> None:
    async with hall(connection, pipeline, wired(anna=LISTENS), hearing=ears) as room:
        await send(room, said(pattern))
    assert room.wiring.changes == []


async def test_whoever_is_not_listened_to_by_policy_or_is_muted_or_not_observed_is_not_heard(
    connection: Client, pipeline: Pipeline, ears: Hearing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ears, "listen", None)  # so that it would fail
    unasked = Settings(detectors=(DetectorSetting(kind="several_people"),))
    muted = replace(LISTENS, muted=frozenset({"voice"}))
    wiring = wired(unasked=unasked, muted=muted, away=None)
    async with hall(connection, pipeline, wiring, hearing=ears) as room:
        await send(room, said("vvvv", "muted"))
        for session in ("unasked", "away"):
            await send(room, said("vvvv", session), wait=False)
            await asyncio.sleep(0.3)
        assert counts(room, "muted") == {"due": 3, "taken": 0, "cannot_tell": 0, "overloaded": 0, "muted": 3}
        assert heard(room, "unasked") == heard(room, "away") == {}
    assert wiring.changes == wiring.faults == []


async def test_who_is_muted_while_they_speak_is_heard_no_more(
    connection: Client, pipeline: Pipeline, ears: Hearing
) -> None:
    wiring = wired(anna=LISTENS)
    async with hall(connection, pipeline, wiring, hearing=ears) as room:
        await send(room, said(".vvv"))
        wiring.answers["anna"] = replace(LISTENS, muted=frozenset({"voice"}))
        await asyncio.sleep(1.1)
        await send(room, said("v", start_s=8))
        await until(lambda: len(wiring.changes) == 2)
    closed = wiring.changes[1][1]
    assert isinstance(closed, Closed)
    assert closed.why == "not_observed"


async def test_what_was_said_on_a_break_is_not_listened_to(
    connection: Client, pipeline: Pipeline, ears: Hearing
) -> None:
    wiring = wired(anna=LISTENS)
    async with hall(connection, pipeline, wiring, hearing=ears) as room:
        await send(room, said(".vvv"))
        wiring.answers["anna"] = None
        await asyncio.sleep(1.1)
        await send(room, said("vvv", start_s=8), wait=False)
        await until(lambda: len(wiring.changes) == 2)
        wiring.answers["anna"] = LISTENS
        await asyncio.sleep(1.1)
        await send(room, said("v...", start_s=14))
        assert heard(room)["due"] == 3 + 3, "the batch in which it went on is passed over"
    assert [type(change) for _, change, _, _ in wiring.changes] == [Opened, Closed]


async def test_a_second_person_in_view_makes_it_graver(
    connection: Client, pipeline: Pipeline, ears: Hearing, *, photograph: Callable[[str], NDArray[np.uint8]],
    to_jpeg: Callable[[NDArray[np.uint8]], bytes],
) -> None:  # fmt: skip
    two = to_jpeg(photograph("zidane"))
    wiring = wired(anna=LISTENS)
    async with hall(connection, pipeline, wiring, hearing=ears) as room:
        await room.send("anna", two, two)
        await until(lambda: len(wiring.changes) == 1)
        await send(room, said(".vvv", start_s=-2))
        await until(lambda: len(wiring.changes) == 2)
    assert [(change.kind, change.severity) for _, change, _, _ in wiring.changes] == [
        ("several_people", "high"), ("voice", "warn"),
    ]  # fmt: skip


async def test_a_model_that_fails_is_a_fault_of_ours_and_pictures_go_on(
    connection: Client, pipeline: Pipeline, ears: Hearing, *, photograph: Callable[[str], NDArray[np.uint8]],
    to_jpeg: Callable[[NDArray[np.uint8]], bytes], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    one = to_jpeg(photograph("astronaut"))
    wiring = wired(anna=LISTENS)
    async with hall(connection, pipeline, wiring, hearing=ears) as room:
        await send(room, said("."))
        with monkeypatch.context() as broken:
            broken.setattr(ears._model, "_session", None)
            await send(room, said("vv", start_s=2))
            await room.send("anna", *[one] * (RECOVERED + 1))
        assert counts(room)["cannot_tell"] == 2
        assert [fault[:2] for fault in wiring.faults] == [("anna", "voice")], "good pictures do not mend it"
        await send(room, said("v" * RECOVERED, start_s=6))
        await until(lambda: len(wiring.faults) == 2)
    assert wiring.faults[1] == ("anna", "voice", None)


async def test_a_microphone_that_is_off_is_told_once_and_once_more_when_it_is_on(
    connection: Client, pipeline: Pipeline, ears: Hearing
) -> None:
    wiring = wired(anna=LISTENS, ben=LISTENS)
    async with hall(connection, pipeline, wiring, hearing=ears) as room:
        await send(room, said("o" * 12))
        await until(lambda: len(wiring.faults) == 1)
        assert counts(room)["cannot_tell"] == 7, "of the first ten seconds it is not known yet"
        await send(room, said("...", start_s=24))
        await until(lambda: len(wiring.faults) == 2)
        assert wiring.faults == [("anna", "hearing", "no_sound"), ("anna", "hearing", None)]
        await send(room, said("o" * 12, "ben"))
        await until(lambda: len(wiring.faults) == 3)
        wiring.answers["ben"] = None
        await until(lambda: len(wiring.faults) == 4)
        assert wiring.faults[2:] == [("ben", "hearing", "no_sound"), ("ben", "hearing", None)]
    assert wiring.changes == []


async def test_what_there_is_no_time_for_is_counted_and_nothing_grows(
    connection: Client, pipeline: Pipeline, ears: Hearing
) -> None:
    async with hall(connection, pipeline, wired(anna=LISTENS), hearing=ears) as room:
        await send(room, said("."))
        await send(room, said("." * 20, start_s=2), wait=False)
        await until(lambda: heard(room).get("due", 0) == 20)
        counted = counts(room)
        assert counted["taken"] + counted["overloaded"] + counted["cannot_tell"] == 20, "the rest comes too late"
        assert counted["overloaded"] > counted["taken"] >= 1


async def test_the_next_worker_goes_on_with_what_one_left_open(
    connection: Client, pipeline: Pipeline, ears: Hearing
) -> None:
    left = StillOpen(incident="i1", kind="voice", started_at=START, seen_at=START, severity="info", peak=0.9)
    wiring = wired(anna=replace(LISTENS, still_open=(left,)))
    async with hall(connection, pipeline, wiring, hearing=ears) as room:
        await send(room, said("......"))
        await until(lambda: bool(wiring.changes))
    (_, closed, _, _) = wiring.changes[0]
    assert isinstance(closed, Closed)
    assert (closed.incident, closed.ended_at) == ("i1", START)


async def test_each_session_is_heard_by_one_worker_and_nonsense_by_none(
    connection: Client, pipeline: Pipeline, ears: Hearing, caplog: pytest.LogCaptureFixture
) -> None:
    shares = [Share(number, 2) for number in range(2)]
    mine = next(name for name in ("anna", "ben", "cleo", "dora") if shares[0].has(name))
    other = next(name for name in ("anna", "ben", "cleo", "dora") if shares[1].has(name))
    wiring = wired(**{mine: LISTENS, other: LISTENS})
    async with hall(connection, pipeline, wiring, shares[0], hearing=ears) as room:
        await connection.publish(f"vigil.sound.{mine}.camera", b"nonsense")
        await send(room, said("..", other), wait=False)
        await send(room, said("..", mine))
        assert heard(room, other) == {}
        assert counts(room, mine)["due"] == 1
    assert "is no sound" in caplog.text


async def test_without_hearing_nobody_is_listened_to(connection: Client, pipeline: Pipeline) -> None:
    async with hall(connection, pipeline, wired(anna=LISTENS)) as room:
        await send(room, said("vvvv"), wait=False)
        await asyncio.sleep(0.2)
        assert heard(room) == {}
