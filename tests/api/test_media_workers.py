"""Who should publish to another media process, by the beats of the last seconds."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from api import media_workers
from api.media_workers import MediaWorkers
from domain.messages import LiveTrack, MediaBeat


def beat(worker: str, *sessions: str, draining: bool = False) -> MediaBeat:
    tracks = tuple(LiveTrack(tenant="t", session=s, track="camera", connection=1, quiet_s=0) for s in sessions)
    return MediaBeat(worker=worker, at=datetime.now(UTC), tracks=tracks, draining=draining)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(media_workers.time, "monotonic", lambda: now[0])
    return now


def test_a_silent_worker_is_left_if_we_would_have_heard_it(clock: list[float]) -> None:
    workers = MediaWorkers()
    workers.heard(beat("one", "ada"))
    assert workers.leaving("ada", silence_counts=True) is None
    clock[0] += 3
    workers.heard(beat("two"))
    left = workers.leaving("ada", silence_counts=True)
    assert left
    assert left.worker == "one"
    assert workers.leaving("ada", silence_counts=False) is None
    assert workers.pick("ada") == "two"
    workers.heard(beat("two", "ada"))
    assert workers.leaving("ada", silence_counts=True) is None
    clock[0] += 100
    assert workers.leaving("ada", silence_counts=True) is None, "a minute later nobody remembers"


def test_a_worker_that_drains_is_left_and_gets_nobody_new_if_there_is_another(clock: list[float]) -> None:
    workers = MediaWorkers()
    workers.heard(beat("one", "ada", draining=True))
    assert workers.leaving("ada", silence_counts=False) is None
    assert workers.pick("ada") == workers.pick("new") == "one"
    workers.heard(beat("two"))
    left = workers.leaving("ada", silence_counts=False)
    assert left
    assert (left.worker, workers.lives("one")) == ("one", True)
    assert workers.pick("ada") == workers.pick("new") == "two"
    workers.heard(beat("two", "ada"))
    assert workers.leaving("ada", silence_counts=False) is None, "both for a moment"
