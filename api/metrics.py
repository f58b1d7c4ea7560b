"""What the front door counts, for Prometheus: requests by route, live streams, how models stand, what was confirmed."""

from __future__ import annotations

import time
from collections.abc import Iterable

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from domain.precision import Counted, Tally, together


class Metrics:
    """One registry for each application, so that two in one process do not meet."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self.requests = Counter("vigil_http_requests", "Requests answered", labels, registry=self.registry)
        self.seconds = Histogram(
            "vigil_http_seconds", "Time to answer, streams left out", ("method", "route"), registry=self.registry
        )
        self.streams = Gauge("vigil_streams_open", "Open live streams", ("stream",), registry=self.registry)
        self.parked = Gauge("vigil_model_parked", "Rows that wait for a fix", ("model",), registry=self.registry)
        self.behind = Gauge("vigil_model_behind", "Events not shown yet", ("model",), registry=self.registry)
        self.incidents_told_at = float("-inf")
        self.incidents = Gauge(
            "vigil_incidents", "Incidents opened, and what people say of them now", ("kind", "stands"),
            registry=self.registry,
        )  # fmt: skip
        self.dropped = Counter("vigil_streams_dropped", "Stalled readers dropped", ("stream",), registry=self.registry)

    def tell_incidents(self, happened: Iterable[Counted]) -> None:
        """By kind; `open` is what nobody has judged, or what is not settled between two who have."""
        self.incidents.clear()
        kinds: dict[str, list[Tally]] = {}
        for one in happened:
            kinds.setdefault(one.rule.kind, []).append(one.tally)
        for kind, every in kinds.items():
            tally = together(every)
            stands = {"confirmed": tally.confirmed, "dismissed": tally.dismissed, "unsure": tally.unsure}
            for name, many in {**stands, "open": tally.opened - tally.judged}.items():
                self.incidents.labels(kind, name).set(many)


class CountRequests(ASGIMiddleware):
    """Counts every answer under its route's template, never under its path: ids would make endless series."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        began = time.perf_counter()
        status, streamed = 500, False

        async def counted(message: Message) -> None:
            nonlocal status, streamed
            if message["type"] == "http.response.start":
                status = message["status"]
                streamed = any(value.startswith(b"text/event-stream") for _, value in message["headers"])
            await send(message)

        try:
            await next_app(scope, receive, counted)
        finally:
            method, route = str(scope.get("method")), str(scope.get("path_template") or "unknown")
            self._metrics.requests.labels(method, route, str(status)).inc()
            if not streamed:
                self._metrics.seconds.labels(method, route).observe(time.perf_counter() - began)
