"""Who is taken for lost: judged from beats alone, and only while silence means something."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.echo import AWAY_S
from domain.messages import LiveTrack, MediaBeat, Track
from tests.vigil.hall import until
from vigil.connections import ARRIVE_S, QUIET_S, Ears, Live, Lost, Restored, judge, live_tracks
from vigil.embedded.nats import run_nats
from vigil.wiring import connect_nats

TRACKS: tuple[Track, ...] = get_args(Track)
NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)

tracks = st.sets(st.sampled_from(TRACKS))
times = st.dictionaries(st.sampled_from(TRACKS), st.just(NOW))


def beat(quiet_s: float, worker: str = "w", session: str = "s") -> MediaBeat:
    track = LiveTrack(tenant="t", session=session, track="camera", connection=1, quiet_s=quiet_s)
    return MediaBeat(worker=worker, at=NOW, tracks=(track,))


def after(lost: Mapping[Track, datetime], said: list[Lost | Restored]) -> dict[Track, datetime]:
    """What is lost once it has been said."""
    gone = {one.track for one in said if isinstance(one, Restored)}
    return {track: at for track, at in lost.items() if track not in gone} | {
        one.track: NOW for one in said if isinstance(one, Lost)
    }


@given(expected=tracks, lost=times, on_air=tracks, started_s_ago=st.floats(0, 100))
def test_once_said_there_is_nothing_more_to_say(
    expected: set[Track], lost: dict[Track, datetime], on_air: set[Track], started_s_ago: float
) -> None:
    live = {track: Live("w") for track in on_air}
    said = judge(expected, lost, live, started_s_ago)
    assert judge(expected, after(lost, said), live, started_s_ago) == []


@given(expected=tracks, lost=times, on_air=tracks, started_s_ago=st.floats(ARRIVE_S + 1, 100))
def test_what_is_expected_is_either_on_air_or_lost(
    expected: set[Track], lost: dict[Track, datetime], on_air: set[Track], started_s_ago: float
) -> None:
    now_lost = after(lost, judge(expected, lost, {track: Live("w") for track in on_air}, started_s_ago))
    assert {track for track in expected if track in now_lost} == expected - on_air


@given(expected=tracks, on_air=tracks, started_s_ago=st.floats(0, ARRIVE_S))
def test_who_has_just_started_is_given_time_to_publish(
    expected: set[Track], on_air: set[Track], started_s_ago: float
) -> None:
    assert judge(expected, {}, {track: Live("w") for track in on_air}, started_s_ago) == []


@given(expected=tracks, lost=times, on_air=tracks)
def test_a_track_that_nobody_asks_for_is_never_spoken_of(
    expected: set[Track], lost: dict[Track, datetime], on_air: set[Track]
) -> None:
    said = judge(expected, lost, {track: Live("w") for track in on_air}, 60)
    assert {one.track for one in said} <= expected


@pytest.mark.parametrize(("quiet_s", "live"), [(0.0, True), (QUIET_S, True), (QUIET_S + 0.01, False)])
def test_a_track_is_live_as_long_as_its_packets_come(quiet_s: float, live: bool) -> None:
    assert bool(live_tracks([beat(quiet_s)])) is live


def test_each_track_belongs_to_the_worker_that_receives_it() -> None:
    found = live_tracks([beat(0, "a", "s1"), beat(QUIET_S * 2, "a", "s2"), beat(0, "b", "s2")])
    assert {session: one.worker for (_, session, _), one in found.items()} == {"s1": "a", "s2": "b"}


async def test_a_server_that_says_nothing_is_away_and_its_silence_means_nothing(tmp_path: Path) -> None:
    """Neither right after the start, nor while it hangs, nor just after it is back."""
    with run_nats(tmp_path) as url:
        client = await connect_nats(url, "test")
        async with Ears(client) as ears:
            assert ears.live() is None, "not everybody has been heard yet"
            await until(lambda: _some(ears.live() is not None))
            server = _server_in(tmp_path)
            server.suspend()
            await asyncio.sleep(1.0)
            assert ears.live() is None
            assert not ears.away, "a moment of silence is no fault yet"
            await until(lambda: _some(ears.away), AWAY_S + 1)
            server.resume()
            await until(lambda: _some(not ears.away))
            assert ears.live() is None
            await until(lambda: _some(ears.live() is not None))
        await client.close()


async def _some(value: bool) -> bool:
    return value


def _server_in(folder: Path) -> psutil.Process:
    return next(p for p in psutil.Process().children() if str(folder / "nats" / "nats.conf") in p.cmdline())
