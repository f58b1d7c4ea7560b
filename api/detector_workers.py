"""The detector workers that are alive, as their beats tell, and how they keep up, for /metrics."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator

import msgspec
from nats.aio.client import Client as Nats
from nats.aio.msg import Msg
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from domain.messages import DetectorBeat

log = logging.getLogger(__name__)

SUBJECT = "vigil.detector.beat"
SILENT_S = 5.0


class DetectorWorkers(Collector):
    """The last beat of each worker, by this process's own clock."""

    def __init__(self) -> None:
        self._beats: dict[str, tuple[float, DetectorBeat]] = {}

    async def listen(self, nats: Nats) -> None:
        await nats.subscribe(SUBJECT, cb=self._heard)

    def heard(self, beat: DetectorBeat) -> None:
        self._beats[beat.worker] = (time.monotonic(), beat)

    def alive(self) -> list[DetectorBeat]:
        now = time.monotonic()
        self._beats = {name: (at, beat) for name, (at, beat) in self._beats.items() if now - at < SILENT_S}
        return [beat for _, beat in self._beats.values()]

    def collect(self) -> Iterator[Metric]:
        """A series for each worker that is alive; one that starts again counts from nothing under another name."""
        samples = CounterMetricFamily(
            "vigil_detector_samples", "Samples, by what became of them", labels=("worker", "became")
        )
        given_up = CounterMetricFamily(
            "vigil_detector_given_up", "Findings that nobody took in time", labels=("worker",)
        )
        gauges = {
            name: GaugeMetricFamily(f"vigil_detector_{name}", what, labels=("worker",))
            for name, what in (
                ("waiting", "Samples that wait to be judged"),
                ("late_seconds", "How old the last sample was when it had been judged"),
                ("undelivered", "Findings that wait to be taken"),
            )
        }
        beats = self.alive()
        for beat in beats:
            if (load := beat.load) is None:
                continue
            for became, many in (("judged", load.judged), ("overloaded", load.overloaded)):
                samples.add_metric((beat.worker, became), many)
            given_up.add_metric((beat.worker,), load.given_up)
            for name, value in (
                ("waiting", load.waiting), ("late_seconds", load.late_s), ("undelivered", load.undelivered),
            ):  # fmt: skip
                gauges[name].add_metric((beat.worker,), value)
        yield GaugeMetricFamily("vigil_detector_workers", "Detector workers that are alive", value=len(beats))
        yield samples
        yield given_up
        yield from gauges.values()

    async def _heard(self, message: Msg) -> None:
        try:
            self.heard(_decoder.decode(message.data))
        except msgspec.MsgspecError:
            log.warning("a beat that cannot be read was ignored")


_decoder = msgspec.msgpack.Decoder(DetectorBeat)
