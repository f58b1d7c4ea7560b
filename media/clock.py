"""Where RTP time stamps stand on the server's clock.

The RTP clock of a stream runs its time; arrival anchors it. A stream's packets arrive late by a varying delay, so the
earliest arrivals of the last seconds are the anchor. Sender reports do better where they come: they put sound and
picture of a connection (and, as one machine sends both, camera and screen) on the sender's clock. Its own offset from
ours is the least that its reports and, once those tell where they stand on it, its frames took to come. All numbers are
seconds, of the event loop's clock where absolute.
"""

from __future__ import annotations

from collections import deque

from media.rtcp import SenderReport

JUMP_S = 2.0
SLEW_S = 0.02
LEARN_S = 5.0  # what came in a shorter time may all have been late
_ARRIVALS_S = 10.0
_REPORTS_S = 60.0
_REPORT_SPREAD_S = 1.0


class SenderClock:
    """The offset from the sender's own clock to ours; one for all streams of a connection."""

    def __init__(self) -> None:
        self._offsets = _RecentLeast(_REPORTS_S)

    def report(self, ntp_s: float, arrival: float) -> None:
        offset = arrival - ntp_s
        least = self._offsets.least
        if least is not None and abs(offset - least) > JUMP_S:  # the sender's clock was set
            self._offsets = _RecentLeast(_REPORTS_S)
        self._offsets.add(arrival, offset)

    def frame(self, ntp_s: float, arrival: float) -> None:
        """A frame of this time came. There are many more frames than reports, so some of them were quicker."""
        least = self._offsets.least
        if least is not None and abs(arrival - ntp_s - least) < JUMP_S:
            self._offsets.add(arrival, arrival - ntp_s)

    @property
    def offset(self) -> float | None:
        return self._offsets.least


class StreamClock:
    """The time of one stream's frames on our clock. `settle` may move it; between two calls it is one straight line."""

    def __init__(self, rate: int, sender: SenderClock) -> None:
        self._rate = rate
        self._sender = sender
        self._arrivals = _RecentLeast(_ARRIVALS_S)
        self._offset: float | None = None
        self._since = self._last = 0.0  # arrivals
        self._trust = 0  # in where the line is: 1 by arrivals, 2 by reports
        self._reported = _RecentLeast(_REPORTS_S)  # sender's clock where this stream's RTP clock stood at zero

    def time(self, ticks: int, arrival: float) -> float:
        """When the frame with this unwrapped time stamp was sent. Follows at once when the stream's clock jumps."""
        media_s = ticks / self._rate
        sample = arrival - media_s
        if self._offset is None or abs(sample - self._offset) > JUMP_S:
            self._arrivals, self._reported = _RecentLeast(_ARRIVALS_S), _RecentLeast(_REPORTS_S)
            self._offset, self._since, self._trust = sample, arrival, 0
        self._arrivals.add(arrival, sample)
        self._last = arrival
        if (reported := self._reported.least) is not None:
            self._sender.frame(media_s + reported, arrival)
        return media_s + self._offset

    def report(self, report: SenderReport, ticks: int, arrival: float) -> None:
        """Takes a sender report; `ticks` is its RTP time stamp unwrapped. An unset NTP clock is passed over.

        Some senders tell when they sent the time stamp, not when what it belongs to was taken: the least is the best.
        """
        if report.ntp_middle == 0 or self._offset is None:
            return
        self._sender.report(report.ntp_s, arrival)
        at_zero = report.ntp_s - ticks / self._rate
        if (least := self._reported.least) is not None and abs(at_zero - least) > _REPORT_SPREAD_S:
            self._reported = _RecentLeast(_REPORTS_S)
        self._reported.add(arrival, at_zero)

    def settle(self) -> float:
        """Moves the line to where it should be, and says by how much it moved.

        At once as long as little is known, and when reports come for the first time; later by at most `SLEW_S`. To be
        called where a jump does no harm, which is between two segments.
        """
        wanted, trust = self._arrivals.least, 1
        if self._offset is None or wanted is None:
            return 0.0
        reported, offset = self._reported.least, self._sender.offset
        if reported is not None and offset is not None and abs(reported + offset - wanted) < _REPORT_SPREAD_S:
            wanted, trust = reported + offset, 2  # else the reports are not to be believed
        if self._last - self._since < LEARN_S:
            trust = 0
        limit = SLEW_S if 0 < self._trust >= trust else JUMP_S
        moved = max(-limit, min(limit, wanted - self._offset))
        self._offset += moved
        self._trust = max(self._trust, trust)
        return moved


class _RecentLeast:
    """The least of the values of the last `span` seconds."""

    def __init__(self, span: float) -> None:
        self._span = span
        self._rising: deque[tuple[float, float]] = deque()

    def add(self, now: float, value: float) -> None:
        rising = self._rising
        while rising and rising[-1][1] >= value:
            rising.pop()
        rising.append((now, value))
        while rising[0][0] < now - self._span:
            rising.popleft()

    @property
    def least(self) -> float | None:
        return self._rising[0][1] if self._rising else None
