"""What the candidate's page signals, as it came: samples by the clock of the candidate's machine, and what they say.

A signal has its value from the time of a sample until that of its next. A batch tells anew how everything stands since
when, and what has changed lately; so whatever is lost or comes twice, or late, the next batch puts right. Nothing of
this is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Literal, NamedTuple

import msgspec

from domain.event import Refused

Signal = Literal[
    "focus", "full_screen", "clipboard", "displays", "camera", "microphone", "screen", "network", "local_copy"
]  # fmt: skip
Value = Literal[
    "here", "away", "on", "off", "watched", "pasted", "one", "several", "live", "muted", "stopped", "unplugged",
    "good", "poor", "kept", "full",
]  # fmt: skip
# `muted` and `stopped` are the candidate's own act, `unplugged` is a device that is gone or has failed.
VALUES: Mapping[Signal, tuple[Value, ...]] = {
    "focus": ("here", "away"),
    "full_screen": ("on", "off"),
    "clipboard": ("watched", "pasted"),  # each paste is a moment
    "displays": ("one", "several"),
    "camera": ("live", "muted", "stopped", "unplugged"),
    "microphone": ("live", "muted", "stopped", "unplugged"),
    "screen": ("live", "stopped", "unplugged"),
    "network": ("good", "poor"),
    "local_copy": ("kept", "full"),  # full: what may be missing had to be given up
}
MOST_SAMPLES = 200
LATE, EARLY = timedelta(seconds=120), timedelta(seconds=10)  # how far off a batch may be, by the clock it corrected
OLDEST = timedelta(hours=24)  # no exam lasts longer


class Sample(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A signal has this value since `at`, by the clock of the candidate's machine."""

    signal: Signal
    value: Value
    at: Annotated[datetime, msgspec.Meta(tz=True)]


class Batch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`page` is another one each time the page is loaded, and its batches are counted by `number` from 1.

    `skew_ms` is how far that machine's clock is ahead of the server's, as the page has learnt from earlier answers.
    """

    page: Annotated[str, msgspec.Meta(pattern="^[a-z0-9-]{1,64}$")]
    number: Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]
    sent_at: Annotated[datetime, msgspec.Meta(tz=True)]
    skew_ms: Annotated[float, msgspec.Meta(ge=-1e12, le=1e12)]
    samples: Annotated[tuple[Sample, ...], msgspec.Meta(max_length=MOST_SAMPLES)]


class Stretch(NamedTuple):
    """A signal has had one value for this long, by the server's clock. `first` is its beginning as the page named it.

    `until` is None while it lasts.
    """

    value: Value
    since: datetime
    until: datetime | None
    first: datetime


class Heard(NamedTuple):
    """A batch by the server's clock. What a signal that is not among them does, the page cannot tell."""

    page: str
    at: datetime
    signals: Mapping[Signal, tuple[Stretch, ...]]


def heard(batch: Batch, at: datetime) -> Heard:
    """Raises `Refused` for times that cannot be right."""
    skew = timedelta(milliseconds=batch.skew_ms)
    try:
        sent = batch.sent_at - skew
        plausible = at - LATE <= sent <= at + EARLY
    except OverflowError:
        sent, plausible = at, False
    if not plausible:
        rule = f"with your clock corrected by skew_ms this is not about now; the server's time is {at.isoformat()}"
        raise Refused(rule, field="sent_at", kind="invalid")
    by_signal: dict[Signal, list[Sample]] = {}
    for n, sample in enumerate(batch.samples):
        if sample.value not in VALUES[sample.signal]:
            known = ", ".join(VALUES[sample.signal])
            raise Refused(f"{sample.signal} is one of {known}", field=f"samples.{n}.value", kind="invalid")
        if not batch.sent_at - OLDEST <= sample.at <= batch.sent_at:
            rule = "a sample was taken before it was sent, and not a day ago"
            raise Refused(rule, field=f"samples.{n}.at", kind="invalid")
        by_signal.setdefault(sample.signal, []).append(sample)
    off = sent - batch.sent_at if sent <= at else at - batch.sent_at  # nothing has happened later than now
    return Heard(batch.page, min(sent, at), {name: _stretches(some, off) for name, some in by_signal.items()})


def _stretches(samples: Iterable[Sample], off: timedelta) -> tuple[Stretch, ...]:
    """In order; a value that is only said again goes on."""
    found: list[Stretch] = []
    for sample in sorted(samples, key=lambda one: one.at):
        since = sample.at + off
        if found and found[-1].value == sample.value != "pasted":
            continue
        if found:
            found[-1] = found[-1]._replace(until=since)
        found.append(Stretch(sample.value, since, None, sample.at))
    return tuple(found)
