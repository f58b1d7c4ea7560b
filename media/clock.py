"""Where RTP time stamps stand on the server's clock.

The RTP clock of a stream runs its time; arrival anchors it. A stream's packets arrive late by a varying delay, so the
earliest arrivals of the last seconds are the anchor. Sender reports do better where they come: they put sound and
picture of a connection (and, as one machine sends both, camera and screen) on the sender's clock, whose own offset from
ours is again the least of the last ones seen. All numbers are seconds, of the event loop's clock where absolute.
"""

from __future__ import annotations

from collections import deque

from media.rtcp import SenderReport

JUMP_S = 2.0
SLEW_S = 0.02
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
        self._settled = False
        self._reported: float | None = None  # sender's clock where this stream's RTP clock stood at zero

    def time(self, ticks: int, arrival: float) -> float:
        """When the frame with this unwrapped time stamp was sent. Follows at once when the stream's clock jumps."""
        media_s = ticks / self._rate
        sample = arrival - media_s
        if self._offset is None or abs(sample - self._offset) > JUMP_S:
            self._arrivals = _RecentLeast(_ARRIVALS_S)
            self._offset, self._settled, self._reported = sample, False, None
        self._arrivals.add(arrival, sample)
        return media_s + self._offset

    def report(self, report: SenderReport, ticks: int, arrival: float) -> None:
        """Takes a sender report; `ticks` is its RTP time stamp unwrapped. An unset NTP clock is passed over."""
        if report.ntp_middle == 0 or self._offset is None:
            return
        self._sender.report(report.ntp_s, arrival)
        self._reported = report.ntp_s - ticks / self._rate

    def settle(self) -> None:
        """Moves the line to where it should be: at once the first time, later by at most `SLEW_S`.

        To be called where a jump does no harm, which is between two segments.
        """
        if self._offset is None:
            return
        wanted = self._arrivals.least
        if wanted is None:
            return
        if self._reported is not None and self._sender.offset is not None:
            by_report = self._reported + self._sender.offset
            if abs(by_report - wanted) < _REPORT_SPREAD_S:  # else the reports are not to be believed
                wanted = by_report
        limit = SLEW_S if self._settled else JUMP_S
        self._offset += max(-limit, min(limit, wanted - self._offset))
        self._settled = True


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
