"""What a receiver tells a sender: how much came, how much was lost, how much it jittered. Pure."""

from __future__ import annotations

from media.rtcp import ReportBlock, SenderReport


class Reception:
    """Counts for receiver reports (RFC 3550 section 6.4.1 and appendix A.3, A.8). Retransmissions do not count."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._first: int | None = None
        self._highest = 0
        self._received = 0
        self._expected_before = self._received_before = 0
        self._jitter = 0.0
        self._transit: float | None = None
        self._report: tuple[int, float] | None = None

    def packet(self, sequence: int, timestamp: int, now: float) -> None:
        if self._first is None:
            self._first = self._highest = sequence
        self._highest = max(self._highest, sequence)
        self._received += 1
        transit = now * self._rate - timestamp
        if self._transit is not None:
            step = abs(transit - self._transit)
            if step < self._rate:  # else the time stamp wrapped or jumped
                self._jitter += (step - self._jitter) / 16
        self._transit = transit

    def sender_report(self, report: SenderReport, now: float) -> None:
        self._report = (report.ntp_middle, now)

    def block(self, ssrc: int, now: float) -> ReportBlock | None:
        if self._first is None:
            return None
        expected = self._highest - self._first + 1
        expected_new, received_new = expected - self._expected_before, self._received - self._received_before
        self._expected_before, self._received_before = expected, self._received
        lost_new = max(0, expected_new - received_new)
        fraction = min(255, (lost_new << 8) // expected_new) if expected_new else 0
        last, since = (self._report[0], int((now - self._report[1]) * 65536)) if self._report else (0, 0)
        lost = max(0, expected - self._received)
        return ReportBlock(
            ssrc, fraction, lost, self._highest & 0xFFFFFFFF, int(self._jitter), last, since & 0xFFFFFFFF
        )
