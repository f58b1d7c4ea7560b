"""A batch of signals: corrected for the candidate's clock, bounded, and the same in whatever order its samples come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from domain.event import Refused
from domain.signals import VALUES, Batch, Sample, Signal, Stretch, Value, heard
from tests.domain.hall import at

NOW = at("10:00")
S = timedelta(seconds=1)


def sample(signal: Signal, value: Value, when: datetime) -> Sample:
    return Sample(signal=signal, value=value, at=when)


def batch(*samples: Sample, sent_at: datetime = NOW, skew_s: float = 0.0) -> Batch:
    return Batch(page="p1", number=1, sent_at=sent_at, skew_ms=skew_s * 1000, samples=samples)


def refused(said: Batch, rule: str, field: str, now: datetime = NOW) -> None:
    with pytest.raises(Refused, match=rule) as caught:
        heard(said, now)
    assert (caught.value.field, caught.value.kind) == (field, "invalid")


def test_a_signal_has_its_value_until_the_next() -> None:
    said = batch(sample("focus", "away", NOW - 3 * S), sample("focus", "here", NOW - 9 * S))
    assert heard(said, NOW).signals == {
        "focus": (
            Stretch("here", NOW - 9 * S, NOW - 3 * S, NOW - 9 * S), Stretch("away", NOW - 3 * S, None, NOW - 3 * S),
        )
    }  # fmt: skip


def test_what_is_said_again_goes_on_but_each_paste_is_one() -> None:
    again = batch(*(sample("focus", "away", NOW - n * S) for n in (9, 6, 3)))
    assert [one.since for one in heard(again, NOW).signals["focus"]] == [NOW - 9 * S]
    pastes = batch(*(sample("clipboard", "pasted", NOW - n * S) for n in (9, 6, 3)))
    assert len(heard(pastes, NOW).signals["clipboard"]) == 3


@pytest.mark.parametrize("skew_s", [0.0, -7200.0, 7200.0, 86400 * 400])
def test_a_clock_that_is_wrong_is_corrected(skew_s: float) -> None:
    theirs = NOW + skew_s * S
    said = batch(sample("focus", "away", theirs - 5 * S), sent_at=theirs, skew_s=skew_s)
    (stretch,) = heard(said, NOW + 0.5 * S).signals["focus"]
    assert (stretch.since, stretch.first) == (NOW - 5 * S, theirs - 5 * S)
    assert heard(said, NOW + 0.5 * S).at == NOW


def test_nothing_has_happened_later_than_now() -> None:
    ahead = batch(sample("focus", "away", NOW + 2 * S), sent_at=NOW + 4 * S)
    found = heard(ahead, NOW)
    assert (found.at, found.signals["focus"][0].since) == (NOW, NOW - 2 * S)


@pytest.mark.parametrize("off_s", [11.0, 3600.0, -121.0, -1e9])
def test_a_batch_that_is_not_about_now_is_refused_with_the_servers_time(off_s: float) -> None:
    refused(batch(sent_at=NOW + off_s * S), NOW.isoformat()[:16], "sent_at")


@pytest.mark.parametrize("skew_s", [1e9, -1e9])
def test_a_correction_beyond_all_calendars_is_refused(skew_s: float) -> None:
    edge = datetime.min.replace(tzinfo=UTC) if skew_s > 0 else datetime.max.replace(tzinfo=UTC)
    refused(batch(sent_at=edge, skew_s=skew_s), "not about now", "sent_at")


def test_a_sample_lies_before_its_sending_and_not_a_day_ago() -> None:
    good = sample("focus", "here", NOW)
    refused(batch(good, sample("focus", "away", NOW + S)), "before it was sent", "samples.1.at")
    refused(batch(sample("focus", "away", NOW - timedelta(hours=25))), "not a day ago", "samples.0.at")


def test_a_signal_has_its_own_values() -> None:
    refused(batch(sample("focus", "muted", NOW)), "focus is one of here, away", "samples.0.value")
    for signal, values in VALUES.items():
        said = batch(*(sample(signal, value, NOW - n * S) for n, value in enumerate(values)))
        assert len(heard(said, NOW).signals[signal]) == len(values)
